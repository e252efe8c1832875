"""What comes of reports: rows, once each, on SQLite and PostgreSQL."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.database.backend import transaction
from ocs.servers.icon import schema
from ocs.servers.icon.rows import rows_of
from ocs.servers.icon.sources import UnknownSource
from ocs.servers.icon.times import time_code_row, times
from ocs.servers.icon.writer import BadBatch
from protocols.icon.messages import (
    CampaignState,
    Cause,
    ChainState,
    EvtCode,
    GOMessageType,
    MetricType,
    report_from_wire,
)
from tests.servers.icon.tables import CHAIN, NOW, SESSION, Tables, own, report

RECORD = {**CHAIN, "RecID": 70, "ChN": 1, "ContactInfo": "+12125550001", "ContactType": 1, "CallResult": 28, "RecordType": 2,
          "RecordStatus": 2, "Attempt": 0, "DailyFrom": 28_800, "DailyTill": 64_800, "TZ": 5, "TZName": "America/New_York"}


def campaign(sequence: int, state: CampaignState, before: CampaignState, cause: Cause, at: float = NOW, **more: Any) -> Any:
    return report(sequence, GOMessageType.CAMPAIGN, EvtCode.CHANGED, at, **SESSION, State=int(state), PrevState=int(before),
                  Cause=int(cause), Seq=sequence, DialMode=2, OCSID=1, **more)


def chain(sequence: int, state: ChainState, before: ChainState, cause: Cause, at: float = NOW, code: EvtCode = EvtCode.CHANGED,
          **more: Any) -> Any:
    return report(sequence, GOMessageType.CHAIN, code, at, **{**CHAIN, **more}, State=int(state), PrevState=int(before),
                  Cause=int(cause), Seq=sequence)


def test_a_campaign_session_has_its_state_and_its_history(tables: Tables) -> None:
    tables.open()
    state = CampaignState
    tables.write(
        campaign(1, state.TERMINATED, state.TERMINATED, Cause.LOAD, CmpName="spring", GrpName="agents", CampGroupID=401),
        campaign(2, state.LOADED, state.TERMINATED, Cause.LOADED, NOW + 1),
        campaign(3, state.STARTED, state.LOADED, Cause.DIALING_STARTED, NOW + 2.5, PrevSEnter=NOW + 1),
        report(4, GOMessageType.CAMPAIGN_PROPERTIES, EvtCode.CHANGED, NOW + 3, **SESSION, Seq=1, DialMode=3, PrevDialMode=2,
               PrevDMEnter=NOW, OptimMode=0, OptimValue=0, PrevOptimMode=0, PrevOptimValue=0))
    row, = tables.rows(schema.campaigns)
    assert {name: row[name] for name in ("SessID", "CampaignID", "GroupID", "State", "OCSID", "DialMode", "CampaignName",
                                         "Created_ts", "Loaded_ts", "Started_ts", "LastChanged_ts", "CampGroupID")} == {
        "SessID": "S1", "CampaignID": 201, "GroupID": 301, "State": 2, "OCSID": 1, "DialMode": 3, "CampaignName": "spring",
        "Created_ts": NOW, "Loaded_ts": NOW + 1, "Started_ts": NOW + 2, "LastChanged_ts": NOW + 3, "CampGroupID": 401}
    assert str(row["Started"]).startswith("2026-03-10 16:30:02.500") and row["Started_tcode"] == int(NOW) // 900
    history = [own(one) for one in tables.rows(schema.campaign_history)]
    assert [(one["PrevState"], one["State"], one["Cause"], one["Seq"]) for one in history] == [(0, 1, 2, 2), (1, 2, 4, 3)]
    assert "PrevSEnter" not in history[0] and str(history[1]["PrevSEnter"]).startswith("2026-03-10 16:30:01")
    properties, = tables.rows(schema.campaign_properties)
    assert (properties["DialMode"], properties["PrevDialMode"], properties["PrevDMEnter_ts"]) == (3, 2, NOW)


def test_a_chain_its_record_and_its_attempt(tables: Tables) -> None:
    tables.open()
    attempt = {"CallAttID": "G1", "Attempt": 1, "Opened": NOW + 1, "State": 2}
    done = {"CallResult": 6, "RecordStatus": 3, "Attempt": 1}
    tables.write(
        chain(1, ChainState.SCHEDULED, ChainState.UNLOADED, Cause.CHAIN_LOADED, code=EvtCode.ADDED),
        report(2, GOMessageType.RECORD, EvtCode.ADDED, **RECORD, State=1, Cause=int(Cause.CHAIN_LOADED), Seq=1),
        report(3, GOMessageType.ATTEMPT, EvtCode.ADDED, NOW + 1, **{**RECORD, **attempt}, AttemptState="open",
               Cause=int(Cause.ATTEMPT_OPENED), Seq=2),
        report(4, GOMessageType.CHAIN_CALL, EvtCode.ADDED, NOW + 2, **CHAIN, CallID="U1", CallAttID="G1", ConnID="0001"),
        report(5, GOMessageType.RECORD, EvtCode.CHANGED, NOW + 9, **{**RECORD, **done, "CallTime": NOW + 2}, State=2,
               CallAttID="G1", Cause=int(Cause.RECORD_CHANGED), Seq=3),
        report(6, GOMessageType.ATTEMPT, EvtCode.CHANGED, NOW + 9, **{**RECORD, **done, **attempt}, AttemptState="closed",
               ConnID="0001", CallState=6, Dialed=NOW + 2, Ended=NOW + 9, AgentID="1001", Treatment="busy",
               Cause=int(Cause.ATTEMPT_CLOSED), Seq=4),
        chain(7, ChainState.UNLOADED, ChainState.PROCESSED, Cause.CHAIN_UNLOADED, NOW + 10))
    found, = tables.rows(schema.chains)
    assert (found["ChainGUID"], found["SessID"], found["CampaignID"], found["GroupID"], found["CallingListID"], found["ChainID"],
            found["State"], found["Loaded_ts"], found["LastChanged_ts"], found["Terminated_ts"], found["LastChainUpdSeq"]) == (
        "C1", "S1", 201, 301, 101, 7, 0, NOW, NOW + 10, NOW + 10, 7)
    record, = tables.rows(schema.records)
    assert (record["RecordID"], record["RecordHandle"], record["CallResult"], record["RecordStatus"], record["Attempt"],
            record["CallTime_ts"], record["Loaded_ts"], record["ContactInfo"]) == (70, 5, 6, 3, 1, NOW + 2, NOW, "+12125550001")
    history = [own(one) for one in tables.rows(schema.chain_history)]
    assert [(one["Cause"], one["PrevState"], one["State"], one.get("CallAttID"), one.get("AttemptState")) for one in history] == [
        (20, 0, 1, None, None), (26, 2, 2, "G1", "open"), (25, 2, 2, "G1", None), (27, 2, 2, "G1", "closed"),
        (24, 3, 0, None, None)]
    assert {name: history[3][name] for name in ("RecordID", "CallResult", "CallState", "ConnID", "AgentID", "Treatment")} == {
        "RecordID": 70, "CallResult": 6, "CallState": 6, "ConnID": "0001", "AgentID": "1001", "Treatment": "busy"}
    call, = tables.rows(schema.chain_calls)
    assert str(call["Added"]).startswith("2026-03-10 16:30:02")
    assert {name: call[name] for name in ("CallID", "ChainGUID", "CallAttID", "RecordHandle", "ConnID", "Added_ts")} == {
        "CallID": "U1", "ChainGUID": "C1", "CallAttID": "G1", "RecordHandle": 5, "ConnID": "0001", "Added_ts": NOW + 2}


def test_fields_are_kept_with_their_history_and_secure_ones_apart(tables: Tables) -> None:
    tables.open()
    tables.write(
        report(1, GOMessageType.FIELDS, EvtCode.ADDED, **CHAIN, ChainHistSeq=1, Seq=1,
               Fields=[[101_001, "name", None, "Ann", None], [101_002, "age", None, None, None]]),
        report(2, GOMessageType.SECURE_FIELDS, EvtCode.ADDED, **CHAIN, ChainHistSeq=1, Seq=3,
               Fields=[[101_003, "pin", None, "1234", None]]),
        report(3, GOMessageType.FIELDS, EvtCode.CHANGED, NOW + 4, **CHAIN, ChainHistSeq=2, Seq=4, CallAttID="G1",
               Fields=[[101_002, "age", None, "41", NOW]]))
    assert {(one["FieldID"], one["FieldName"], one.get("Value"), one["LastChanged_ts"], one["Loaded_ts"])
            for one in tables.rows(schema.fields)} == {(101_001, "name", "Ann", NOW, NOW), (101_002, "age", "41", NOW + 4, NOW)}
    history = tables.rows(schema.field_history)
    assert [(one["FieldID"], one.get("OldValue"), one.get("NewValue"), one["Seq"], one["ChainHistSeq"], one.get("CallAttID"),
             one.get("PrevEnter_ts")) for one in history] == [
        (101_001, None, "Ann", 1, 1, None, None), (101_002, None, None, 2, 1, None, None), (101_002, None, "41", 4, 2, "G1", NOW)]
    assert [(one["FieldName"], one["Value"]) for one in tables.rows(schema.secure_fields)] == [("pin", "1234")]
    assert [(one["FieldName"], one["NewValue"]) for one in tables.rows(schema.secure_field_history)] == [("pin", "1234")]


def test_a_metric_is_a_row(tables: Tables) -> None:
    tables.open()
    tables.write(report(1, GOMessageType.METRIC, EvtCode.ADDED, **CHAIN, MetricType=int(MetricType.DIAL_DURATION), Value=8_250.0))
    row, = tables.rows(schema.metrics)
    assert (row["MetricType"], row["Value"], row["SessID"], row["ChainGUID"], row["RecordHandle"]) == (10, 8_250, "S1", "C1", 5)


def test_every_row_tells_who_reported_it_and_under_which_number(tables: Tables) -> None:
    tables.open()
    tables.write(campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED))
    tables.write(campaign(2, CampaignState.STARTED, CampaignState.LOADED, Cause.DIALING_STARTED))
    row, = tables.rows(schema.campaigns)
    system = {name: row.get(name) for name in row if name.startswith("GSYS_")}
    assert system == {"GSYS_DOMAIN": 1, "GSYS_PARTITION": 0, "GSYS_SYS_ID": 9, "GSYS_SEQ": 1, "GSYS_USEQ": 2,
                      "GSYS_TS": NOW + 5, "GSYS_TC": int(NOW + 5) // 900}
    assert [one["GSYS_SEQ"] for one in tables.rows(schema.campaign_history)] == [1, 2]
    codes = {one["TCode"] for one in tables.rows(schema.time_codes)}
    assert codes == {int(NOW) // 900, int(NOW + 5) // 900}


# -- exactly once ----------------------------------------------------------------------------------------------------
def counts(tables: Tables) -> dict[str, int]:
    return {table.name: len(tables.rows(table)) for table in schema.TABLES}


def test_a_batch_that_comes_again_changes_nothing(tables: Tables) -> None:
    tables.open()
    events = [campaign(n, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED) for n in range(1, 5)]
    assert tables.write(*events).last_sequence == 4
    before = [tables.rows(table) for table in schema.TABLES]
    again = tables.write(*events)
    assert (again.last_sequence, again.reports, again.repeated) == (4, 0, 4)
    assert [tables.rows(table) for table in schema.TABLES] == before
    more = tables.write(*events[2:], campaign(5, CampaignState.STARTED, CampaignState.LOADED, Cause.DIALING_STARTED))
    assert (more.last_sequence, more.reports, more.repeated) == (5, 1, 2) and counts(tables)["GO_CampaignHistory"] == 5


def test_a_batch_is_written_whole_or_not_at_all(tables: Tables) -> None:
    tables.open()
    with pytest.raises(RuntimeError), transaction(tables.backend) as work:
        tables.writer.write(work, "ocs-1", [campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED)], NOW)
        raise RuntimeError("killed before the commit")
    assert set(counts(tables).values()) == {0} and tables.open() == 0
    assert tables.write(campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED)).last_sequence == 1


def test_sources_are_counted_apart(tables: Tables) -> None:
    assert tables.open("ocs-1") == 0 and tables.open("ocs-2", ocsid=2, following=11) == 10
    tables.write(campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED))
    assert tables.open("ocs-1") == 1 and tables.open("ocs-2", following=11) == 10
    assert [one["GSYS_DOMAIN"] for one in tables.rows(schema.campaigns)] == [1]
    with pytest.raises(UnknownSource):
        tables.write(campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED), source="ocs-3")


def test_a_gap_a_loss_and_what_nobody_understands_are_put_down_and_the_rest_is_written(tables: Tables) -> None:
    tables.open()
    good = campaign(1, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED)
    outcome = tables.write(
        good, {**good, "Sequence": 2, "CmpID": "spring"}, {**good, "Sequence": 5, "Seq": 5},
        report(6, GOMessageType.SOURCE, EvtCode.LOST, Count=300, Since=NOW - 60, Until=NOW))
    assert (outcome.last_sequence, outcome.reports, outcome.refused) == (6, 3, 1)
    assert [(one["kind"], one["first_sequence"], one["last_sequence"], one["count"]) for one in tables.rows(schema.audit)] == [
        ("refused", 2, 2, 1), ("missing", 3, 4, 2), ("lost", 6, 6, 300)]
    assert tables.rows(schema.audit)[0]["text"].startswith("CmpID: str")
    assert [one["Seq"] for one in tables.rows(schema.campaign_history)] == [1, 5]
    assert tables.open(following=10) == 9           # the source has let 7 to 9 go
    assert [(one["first_sequence"], one["count"]) for one in tables.rows(schema.audit)][-1] == (7, 3)
    with pytest.raises(BadBatch), transaction(tables.backend) as work:
        tables.writer.write(work, "ocs-1", [{**good, "Sequence": "7"}], NOW)
    with transaction(tables.backend) as work:
        tables.writer.give_up(work, "ocs-1", {**good, "Sequence": 10}, NOW, "too long")
    assert tables.open(following=11) == 10 and tables.rows(schema.audit)[-1]["text"] == "too long"


def test_what_a_report_was_lost_of_is_written_by_the_next_one(tables: Tables) -> None:
    tables.open()
    tables.write(chain(1, ChainState.PROCESSED, ChainState.PROCESSING, Cause.CHAIN_PROCESSED),
                 report(2, GOMessageType.RECORD, EvtCode.CHANGED, **RECORD, State=3, Cause=25, Seq=2))
    found, = tables.rows(schema.chains)
    assert found["CallingListID"] == 101 and "Loaded" not in found
    assert tables.rows(schema.records)[0]["RecordID"] == 70
    tables.write(report(3, GOMessageType.CAMPAIGN_PROPERTIES, **SESSION, Seq=1, DialMode=3, PrevDialMode=2))
    assert tables.rows(schema.campaigns)[0]["DialMode"] == 3


def test_a_server_that_is_started_again_has_ended_what_it_had_going_on(tables: Tables) -> None:
    tables.open()
    tables.open("ocs-2", ocsid=2)
    tables.write(campaign(1, CampaignState.STARTED, CampaignState.LOADED, Cause.DIALING_STARTED),
                 chain(2, ChainState.PROCESSING, ChainState.SCHEDULED, Cause.CHAIN_PROCESSING),
                 chain(3, ChainState.UNLOADED, ChainState.PROCESSED, Cause.CHAIN_UNLOADED, ChainGUID="C2", ChID=8))
    other = campaign(1, CampaignState.STARTED, CampaignState.LOADED, Cause.DIALING_STARTED)
    tables.write({**other, "SessID": "S2", "OCSID": 2}, source="ocs-2")
    tables.write(report(4, GOMessageType.SOURCE, EvtCode.STARTED, NOW + 60),
                 campaign(5, CampaignState.LOADED, CampaignState.TERMINATED, Cause.LOADED, NOW + 61) | {"SessID": "S3"})
    assert [(one["SessID"], one["State"]) for one in tables.rows(schema.campaigns)] == [("S1", 0), ("S2", 2), ("S3", 1)]
    assert [(one["ChainGUID"], one["State"], one["Terminated_ts"]) for one in tables.rows(schema.chains)] == [
        ("C1", 0, NOW + 60), ("C2", 0, NOW)]
    last = own(tables.rows(schema.chain_history)[-1])
    assert (last["ChainGUID"], last["PrevState"], last["State"], last["Cause"], last["Seq"], last["RecordHandle"]) == (
        "C1", 2, 0, Cause.SERVER_RESTARTED, 3, 5)
    ended = [own(one) for one in tables.rows(schema.campaign_history) if one["Cause"] == Cause.SERVER_RESTARTED]
    assert [(one["SessID"], one["PrevState"], one["State"], one["Seq"]) for one in ended] == [("S1", 2, 0, 2)]
    assert [one["GSYS_DOMAIN"] for one in tables.rows(schema.campaigns)] == [1, 2, 3]


def test_text_is_cut_to_its_column_and_cleaned_of_what_no_database_takes(tables: Tables) -> None:
    tables.open()
    tables.write(report(1, GOMessageType.SECURE_FIELDS, EvtCode.ADDED, **CHAIN, ChainHistSeq=1, Seq=1,
                        Fields=[[1, "n" * 90, None, "x\x00" + "y" * 400, None]]))
    row, = tables.rows(schema.secure_fields)
    assert row["Value"] == "x\ufffd" + "y" * 253 and row["FieldName"] == "n" * 63


# -- without a database ----------------------------------------------------------------------------------------------
def test_states_of_what_is_over_are_those_that_the_indexes_leave_out() -> None:
    assert CampaignState.TERMINATED == ChainState.UNLOADED == 0


def test_every_type_of_report_but_that_of_a_source_makes_rows() -> None:
    every = {**RECORD, "State": 1, "PrevState": 0, "Cause": 2, "Seq": 1, "DialMode": 1, "PrevDialMode": 2, "CallAttID": "G",
             "AttemptState": "open", "CallID": "U", "Fields": [[1, "a", None, "b", None]], "ChainHistSeq": 1, "MetricType": 1,
             "Value": 1}
    made = {kind: {table.name for table, _ in rows_of(report_from_wire(report(1, kind, **every)))} for kind in GOMessageType}
    assert made.pop(GOMessageType.SOURCE) == set()
    assert set().union(*made.values()) == {table.name for table in schema.TABLES}


def test_a_time_stands_in_milliseconds_in_seconds_and_as_the_quarter_of_its_hour() -> None:
    assert times("X", 1_773_160_200.4567) == {"X": "2026-03-10 16:30:00.456", "X_ts": 1_773_160_200, "X_tcode": 1_970_178}
    assert times("X", 0.0)["X"] == "1970-01-01 00:00:00.000" and times("X", None) == {"X": None, "X_ts": None, "X_tcode": None}
    assert times("X", 253_402_300_799.0)["X"].startswith("9999-12-31")
    assert time_code_row(1_970_178) == {"TCode": 1_970_178, "TS": 1_773_160_200, "Year": 2026, "Month": 3, "Day": 10,
                                        "DayOfWeek": 2, "DayOfYear": 69, "Week": 11, "Hour": 16, "Minute": 30}
