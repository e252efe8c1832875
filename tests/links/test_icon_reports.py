"""From events of the engine to rows: each kind of event, what is reported of fields, and that every report fits into a frame."""
from __future__ import annotations

import typing
from dataclasses import replace
from typing import Any, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing import history as told
from ocs.dialing.call import Call, CallOrigin
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.history import ChainFacts, ChainStage, FieldChange, SessionFacts
from ocs.dialing.pacing_choice import PacingChoice
from ocs.dialing.results import CallResult, DialingMode, OptimizationMethod, RecordStatus, RecordType
from ocs.dialing.session import Condition, SessionEvent, SessionState, next_state
from ocs.dialing.values import Attempt, AttemptState, CustomField, Record
from ocs.errors import WrongState
from ocs.links.icon_reports import FIELDS_OF_A_LIST, Reports, closed_later
from ocs.servers.icon.rows import rows_of
from protocols.codec import MessageDecoder, encode_message
from protocols.icon.codec import batch, encode_report
from protocols.icon.messages import CampaignState, Cause, EvtCode, MetricType, Report, report_from_wire
from protocols.message import Message

AT = 1_773_160_200.0
SESSION = SessionFacts("S1", 1, 401, "spring", 201, "agents", 301)
CHAIN = ChainFacts("C1", "list", 101, 7, 50)
GROUP = CampaignGroup(401, "spring", 201, AgentGroup("agents", 301, (), ()), ())
FIELDS = (CustomField("name", icon_attribute=1), CustomField("private"), CustomField("pin", icon_attribute=2, secure=True))
RECORD = Record(70, 7, 0, "+12125550001", fields={"name": "Ann", "private": "x", "pin": "1234"})
SECOND = replace(RECORD, record_id=71, chain_n=1, contact_info="+12125550002")
ATTEMPT = Attempt("G1", "list", 70, 7, 0, "+12125550001", 1, "spring", "agents", "S1", AT)
CALL = Call(CallOrigin.QUEUE, "6001", conn_id="0001", call_uuid="U1", dialed_at=AT, answered_at=AT + 8.25, ended_at=AT + 68.25)


def rows(reports: Sequence[Report]) -> list[tuple[str, dict[str, Any]]]:
    """The rows that these reports make, over the wire, only columns with values."""
    decoder = MessageDecoder()
    decoder.receive(encode_message(Message("RequestGOReportingData", 1, batch(
        "s", [encode_report(replace(one, sequence=n)) for n, one in enumerate(reports, 1)]))))
    message = decoder.next_message()
    assert message is not None
    return [(table.name, {name: value for name, value in values.items() if value is not None})
            for event in message.get("Events") for table, values in rows_of(report_from_wire(event))]


def loaded(reports: Reports, records: tuple[Record, ...] = (RECORD,)) -> list[Report]:
    return reports.of(told.ChainLoaded(AT, SESSION, CHAIN, records, FIELDS))


def session(event: SessionEvent, before: SessionState, after: SessionState, at: float = AT) -> told.SessionChanged:
    return told.SessionChanged(at, SESSION, event, before, after, GROUP)


# -- sessions --------------------------------------------------------------------------------------------------------
def test_the_life_of_a_session_is_a_row_and_its_history() -> None:
    reports, state, event = Reports(), SessionState, SessionEvent
    made = [one for steps in (
        session(event.LOAD, state.NOT_LOADED, state.INACTIVE), session(event.LOADED, state.INACTIVE, state.ACTIVE, AT + 1),
        session(event.START, state.ACTIVE, state.RUNNING, AT + 2), session(event.STOP, state.RUNNING, state.ACTIVE, AT + 3),
        session(event.UNLOAD, state.ACTIVE, state.WAITING_UNLOAD, AT + 4),
        session(event.DRAINED, state.WAITING_UNLOAD, state.UNLOAD_IN_PROGRESS, AT + 5),
        session(event.UNLOADED, state.UNLOAD_IN_PROGRESS, state.NOT_LOADED, AT + 6)) for one in reports.of(steps)]
    assert [one.code for one in made] == [EvtCode.ADDED, *[EvtCode.CHANGED] * 5, EvtCode.REMOVED]
    history = [row for table, row in rows(made) if table == "GO_CampaignHistory"]
    assert [(row["PrevState"], row["State"], row["Cause"], row["Seq"], row["PrevSEnter_ts"] - AT) for row in history] == [
        (0, 1, 2, 2, 0), (1, 2, 4, 3, 1), (2, 1, 5, 4, 2), (1, 3, 6, 5, 3), (3, 3, 7, 6, 4), (3, 0, 9, 7, 4)]
    created = rows(made)[0]
    assert created[0] == "GO_Campaign" and created[1]["Created_ts"] == AT and created[1]["DialMode"] == 2
    assert reports._sessions == {}


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("event", SessionEvent)
def test_every_step_of_a_session_can_be_reported(state: SessionState, event: SessionEvent) -> None:
    try:
        following = next_state(state, event)
    except WrongState:
        return
    report, = Reports().of(session(event, state, following))
    assert CampaignState(report.get("State")) is not None and Cause(report.get("Cause")) is not Cause.NONE


def test_another_mode_is_a_row_of_its_own_and_other_values_are_none() -> None:
    reports = Reports()
    reports.of(session(SessionEvent.LOAD, SessionState.NOT_LOADED, SessionState.INACTIVE))
    assert reports.of(told.GroupChanged(AT + 5, SESSION, GROUP, replace(GROUP, multiplier=2.0))) == []
    made = reports.of(told.GroupChanged(AT + 5, SESSION, GROUP, replace(GROUP, mode=DialingMode.PREVIEW)))
    made += reports.of(told.GroupChanged(AT + 9, SESSION, replace(GROUP, mode=DialingMode.PREVIEW), GROUP))
    properties = [row for table, row in rows(made) if table == "GO_CampProp_Hist"]
    assert [(row["PrevDialMode"], row["DialMode"], row["PrevDMEnter_ts"] - AT, row["Seq"]) for row in properties] == [
        (2, 3, 0, 1), (3, 2, 5, 2)]


def test_another_goal_is_reported_with_the_one_before_where_the_mode_follows_any() -> None:
    reports, at = Reports(), AT + 100
    reports.of(session(SessionEvent.LOAD, SessionState.NOT_LOADED, SessionState.INACTIVE))

    def paced(method: OptimizationMethod, goal: float, mode: DialingMode = DialingMode.PREDICTIVE) -> CampaignGroup:
        return replace(GROUP, mode=mode, pacing=PacingChoice(method=method, goal=goal))

    steps = [GROUP, paced(OptimizationMethod.BUSY_FACTOR, 80.0), paced(OptimizationMethod.OVERDIAL_RATE, 3.0), GROUP,
             paced(OptimizationMethod.WAIT_TIME, 5.0, DialingMode.PROGRESSIVE)]
    made = [report for number, (before, after) in enumerate(zip(steps, steps[1:]))
            for report in reports.of(told.GroupChanged(at + number, SESSION, before, after))]
    properties = [row for table, row in rows(made) if table == "GO_CampProp_Hist"]
    assert [(row["OptimMode"], row["OptimValue"], row["PrevOptimMode"], row["PrevOptimValue"], row["PrevOMEnter_ts"] - at)
            for row in properties] == [(1, 80, 0, 0, -100), (2, 3, 1, 80, 0), (0, 0, 2, 3, 1)]


# -- chains ----------------------------------------------------------------------------------------------------------
def test_a_chain_that_is_taken_is_reported_with_all_its_records_and_fields() -> None:
    made = rows(loaded(Reports(), (RECORD, SECOND)))
    assert [table for table, _ in made] == [
        "GO_Chain", "GO_ChainRec_hist",
        "GO_Record", "GO_Custom_Fields", "GO_FieldHist", "GO_Secure_Fields", "GO_Sec_FieldHist",
        "GO_Record", "GO_Custom_Fields", "GO_FieldHist", "GO_Secure_Fields", "GO_Sec_FieldHist"]
    assert [row["RecordHandle"] for table, row in made if table == "GO_Record"] == [50, 51]
    values = [(row["FieldID"], row["FieldName"], row["NewValue"], row["Seq"]) for table, row in made if "FieldHist" in table]
    number = FIELDS_OF_A_LIST * 101
    assert values == [(number + 1, "name", "Ann", 1), (number + 3, "pin", "1234", 2),
                      (number + 1, "name", "Ann", 3), (number + 3, "pin", "1234", 4)]
    assert not any("private" in str(row) or "x" == row.get("NewValue") for _, row in made)


def test_secure_values_stand_in_the_secure_tables_only() -> None:
    reports = Reports()
    made = loaded(reports)
    made += reports.of(told.RecordChanged(AT + 1, SESSION, CHAIN, 50, RECORD, (
        FieldChange("pin", "1234", "9999", True, True), FieldChange("name", "Ann", "Eve", True)), "G1"))
    assert {table for table, row in rows(made) if "1234" in str(row) or "9999" in str(row)} == {
        "GO_Secure_Fields", "GO_Sec_FieldHist"}


def test_stages_are_a_chain_of_states_until_it_is_let_go() -> None:
    reports, stage = Reports(), ChainStage
    made = loaded(reports)
    for at, before, after in ((AT + 1, stage.SCHEDULED, stage.PROCESSING), (AT + 3, stage.PROCESSING, stage.PROCESSED),
                              (AT + 4, stage.PROCESSED, stage.UNLOADED)):
        made += reports.of(told.ChainChanged(at, SESSION, CHAIN, before, after, 50, "G1"))
    history = [row for table, row in rows(made) if table == "GO_ChainRec_hist"]
    assert [(row["PrevState"], row["State"], row["Cause"], row["Seq"]) for row in history] == [
        (0, 1, 20, 1), (1, 2, 22, 2), (2, 3, 23, 3), (3, 0, 24, 4)]
    assert [row["PrevSEnter_ts"] - AT for row in history[1:]] == [0, 1, 3]
    assert reports.of(told.ChainChanged(AT + 5, SESSION, CHAIN, stage.UNLOADED, stage.SCHEDULED, 50, "")) == []


def test_a_changed_record_is_a_row_with_all_of_it_and_fields_have_theirs() -> None:
    reports = Reports()
    loaded(reports)
    changed = replace(RECORD, call_result=CallResult.BUSY, record_status=RecordStatus.UPDATED, attempt=1, dial_sched_time=None)
    made = rows(reports.of(told.RecordChanged(AT + 1, SESSION, CHAIN, 50, changed, (
        FieldChange("call_result", 28, 6), FieldChange("name", "Ann", None, True), FieldChange("private", "x", "y", True)),
        "G1")))
    assert [table for table, _ in made] == ["GO_Record", "GO_ChainRec_hist", "GO_Custom_Fields", "GO_FieldHist"]
    assert (made[1][1]["CallResult"], made[1][1]["Cause"], made[1][1]["CallAttID"]) == (6, Cause.RECORD_CHANGED, "G1")
    field = made[3][1]
    assert (field["OldValue"], field.get("NewValue"), field["ChainHistSeq"]) == ("Ann", None, made[1][1]["Seq"])
    again = rows(reports.of(told.RecordChanged(AT + 9, SESSION, CHAIN, 50, changed, (
        FieldChange("name", None, "Eve", True),), "")))
    assert again[-1][1]["PrevEnter_ts"] == AT + 1
    assert reports.of(told.RecordChanged(AT + 9, SESSION, CHAIN, 50, changed, (FieldChange("private", 1, 2, True),), "")) == []


def test_of_a_chain_that_was_never_reported_as_taken_nothing_is_reported() -> None:
    assert Reports().of(told.RecordChanged(AT, SESSION, CHAIN, 50, RECORD, (FieldChange("attempt", 0, 1),), "")) == []
    assert Reports().of(told.AttemptOpened(AT, SESSION, CHAIN, 50, RECORD, ATTEMPT)) == []


# -- attempts and calls ----------------------------------------------------------------------------------------------
def test_an_attempt_begins_gets_its_call_and_ends() -> None:
    reports = Reports()
    loaded(reports)
    closed = replace(ATTEMPT, state=AttemptState.CLOSED, conn_id="0001", dialed_at=AT, answered_at=AT + 8.25, ended_at=AT + 68.25,
                     call_state=0, call_result=CallResult.ANSWER, agent_id="1001", agent_dn="7001", treatment="none")
    made = rows([one for event in (
        told.AttemptOpened(AT, SESSION, CHAIN, 50, RECORD, ATTEMPT), told.CallPlaced(AT, SESSION, CHAIN, 50, ATTEMPT, CALL),
        told.CallCompleted(AT + 69, SESSION, CHAIN, 50, ATTEMPT, CALL, CallResult.ANSWER),
        told.AttemptClosed(AT + 69, SESSION, CHAIN, 50, RECORD, closed)) for one in reports.of(event)])
    assert [table for table, _ in made] == ["GO_ChainRec_hist", "GOX_Chain_Call", "GO_Metrics", "GO_Metrics", "GO_ChainRec_hist"]
    assert (made[1][1]["CallID"], made[1][1]["ConnID"], made[1][1]["CallAttID"]) == ("U1", "0001", "G1")
    assert [(row["MetricType"], row["Value"]) for table, row in made if table == "GO_Metrics"] == [
        (MetricType.DIAL_DURATION, 8_250), (MetricType.CALL_DURATION, 60_000)]
    end = made[-1][1]
    assert (end["AttemptState"], end["CallResult"], end["ConnID"], end["AgentDN"], end["Answered"]) == (
        "closed", 33, "0001", "7001", "2026-03-10 16:30:08.250")


def test_a_call_without_a_guid_of_its_own_is_named_by_its_connection_and_one_without_either_is_not_reported() -> None:
    reports = Reports()
    placed = reports.of(told.CallPlaced(AT, SESSION, CHAIN, 50, ATTEMPT, replace(CALL, call_uuid="")))
    assert rows(placed)[0][1]["CallID"] == "0001"
    assert reports.of(told.CallPlaced(AT, SESSION, CHAIN, 50, ATTEMPT, replace(CALL, call_uuid="", conn_id=""))) == []
    unseen = told.CallCompleted(AT, SESSION, CHAIN, 50, ATTEMPT, replace(CALL, dialed_at=None), CallResult.UNKNOWN)
    assert reports.of(unseen) == []


@pytest.mark.parametrize("event, metric, value", [
    (told.CallbackNoted(AT, SESSION, CHAIN, 50, RECORD, CallbackNews.SCHEDULED), MetricType.CALLBACK_SCHEDULED, 1),
    (told.CallbackNoted(AT, SESSION, CHAIN, 50, RECORD, CallbackNews.COMPLETED), MetricType.CALLBACK_COMPLETED, 1),
    (told.CallbackNoted(AT, SESSION, CHAIN, 50, RECORD, CallbackNews.MISSED), MetricType.CALLBACK_MISSED, 1),
    (told.AgentFailed(AT, SESSION, CHAIN, 50, RECORD), MetricType.AGENT_ERROR, 1),
    (told.RecordScheduled(AT, SESSION, CHAIN, 50, replace(RECORD, dial_sched_time=99, record_type=RecordType.CAMPAIGN_CALLBACK)),
     MetricType.RECORD_SCHEDULED, 99)])
def test_what_statistics_count_is_a_metric(event: object, metric: MetricType, value: int) -> None:
    (table, row), = rows(Reports().of(event))
    assert (table, row["MetricType"], row["Value"], row["RecordHandle"]) == ("GO_Metrics", metric, value, 50)


def test_whether_a_session_dials_at_this_moment_is_not_history() -> None:
    assert Reports().of(told.ConditionChanged(AT, SESSION, Condition.DIALING, Condition.WAITING_AGENTS, "no agent")) == []


def test_every_event_of_the_engine_is_known_here() -> None:
    from ocs.links.icon_reports import _MAKERS
    assert set(typing.get_args(told.HistoryEvent)) - set(_MAKERS) == {told.ConditionChanged}


# -- what is found out later -----------------------------------------------------------------------------------------
def test_the_end_that_nobody_saw_is_reported_as_the_database_has_it() -> None:
    reports = Reports()
    loaded(reports)
    opened, = reports.of(told.AttemptOpened(AT, SESSION, CHAIN, 50, RECORD, ATTEMPT))
    unknown = replace(ATTEMPT, state=AttemptState.UNKNOWN, conn_id="0007", call_result=CallResult.UNKNOWN)
    (_, row), = rows([closed_later(opened.attributes, unknown, AT + 60)])
    assert (row["AttemptState"], row["ConnID"], row["CallResult"], row["Cause"], row["CallAttID"], row["ChainGUID"]) == (
        "unknown", "0007", 28, Cause.ATTEMPT_CLOSED, "G1", "C1")
    (_, row), = rows([closed_later(opened.attributes, None, AT + 60)])
    assert (row["AttemptState"], row["Cause"], row["Ended_ts"]) == ("not-dialed", Cause.NOT_COMMITTED, AT + 60)


# -- size ------------------------------------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=60), st.integers(1, 80))
def test_every_report_fits_into_a_frame_whatever_its_fields_hold(texts: list[str], factor: int) -> None:
    custom = tuple(CustomField(f"f{n}", length=4_000, icon_attribute=1 + n % 2) for n in range(len(texts)))
    record = replace(RECORD, fields={field.name: text * factor for field, text in zip(custom, texts)})
    made = Reports().of(told.ChainLoaded(AT, SESSION, CHAIN, (record,), custom))
    for report in made:
        assert len(encode_message(Message("RequestGOReportingData", 1, batch("s" * 64, [encode_report(report)])))) <= 65_536
    values = {row["FieldName"]: row.get("NewValue", "") for table, row in rows_in_parts(made) if "FieldHist" in table}
    assert values == {field.name: (text * factor)[:4_000] for field, text in zip(custom, texts)}


def rows_in_parts(reports: Sequence[Report]) -> list[tuple[str, dict[str, Any]]]:
    return [row for report in reports for row in rows([report])]
