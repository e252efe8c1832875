"""The third account: what ICON tells of a run, read from its tables and compared with the other two."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.app.demo.icon_account import IconAccount, IconAttempt, read_icon
from ocs.app.demo.reconcile import reconcile
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState
from ocs.servers.icon.overview import Missing
from ocs.servers.icon.versions import icon_versions
from protocols.icon.messages import ChainState, EvtCode, GOMessageType
from tests.app.test_reconcile import accounts, attempt, call, phone, record
from tests.servers.icon.tables import CHAIN, NOW, SESSION, Tables, report

TOLD = IconAttempt(AttemptState.CLOSED, CallResult.BUSY, "conn1", 1, phone(1), 1)
BUSY = int(CallResult.BUSY), int(RecordStatus.UPDATED), 1


def icon(attempts: Any = None, **changes: Any) -> IconAccount:
    return replace(IconAccount({"guid1": TOLD} if attempts is None else attempts, {"conn1": "guid1"}, {1: BUSY}), **changes)


def test_three_accounts_that_agree_have_no_difference() -> None:
    assert reconcile(replace(accounts(), icon=icon())) == []
    not_dialed = replace(TOLD, state=AttemptState.NOT_DIALED, conn_id=None)
    assert reconcile(replace(accounts(), icon=icon({"guid1": TOLD, "guid9": not_dialed}))) == []
    assert reconcile(replace(accounts(), icon=icon(records={}))) == []       # its chain was cut off by a crash


@pytest.mark.parametrize("told, difference", [
    (icon({}), "attempt guid1 of record 1: not in ICON"),
    (icon({"guid1": replace(TOLD, state=AttemptState.OPEN)}),
     "attempt guid1 of record 1: state closed in the database, open in ICON"),
    (icon({"guid1": replace(TOLD, result=CallResult.ANSWER)}),
     "attempt guid1 of record 1: result Busy in the database, Answer in ICON"),
    (icon({"guid1": replace(TOLD, conn_id=None)}), "attempt guid1 of record 1: conn id conn1 in the database, None in ICON"),
    (icon({"guid1": replace(TOLD, number=2)}), "attempt guid1 of record 1: number 1 in the database, 2 in ICON"),
    (icon({"guid1": TOLD, "guid2": replace(TOLD, record_id=2)}),
     "attempt guid2 of record 2: closed in ICON, not in the database"),
    (icon(calls={}), "call conn1: in the call log, not in ICON"),
    (icon(calls={"conn1": "guid1", "conn7": "guid7"}), "call conn7: in ICON, not in the call log"),
    (icon(records={1: (7, 3, 1)}), "record 1: result, status, attempts (6, 3, 1) in the list, (7, 3, 1) in ICON"),
    (icon(twice=[44]), "ICON: report 44 is there more than once"),
    (icon(missing=[Missing("s", 0.0, "lost", 9, 9, 300, "no room")]), "ICON: 300 reports lost, 9 to 9: no room"),
    (icon(left_open=["chain 7"]), "ICON: chain 7 has not ended")])
def test_every_difference_is_named(told: IconAccount, difference: str) -> None:
    assert reconcile(replace(accounts(), icon=told)) == [difference]


def test_an_attempt_without_a_known_call_needs_none_in_icon() -> None:
    unknown = attempt(state=AttemptState.UNKNOWN, conn_id=None, call_result=CallResult.UNKNOWN, call_state=None)
    told = replace(TOLD, state=AttemptState.UNKNOWN, result=CallResult.UNKNOWN, conn_id=None)
    assert reconcile(replace(accounts([record(call_result=CallResult.UNKNOWN)], [unknown], [call()]),
                             icon=icon({"guid1": told}, calls={}, records={}))) == []


def test_the_account_is_read_from_the_tables(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'icon.sqlite'}"
    icon_versions.upgrade(url)
    tables = Tables(url)
    tables.open()

    def of_attempt(sequence: int, state: str, **more: Any) -> Any:
        return report(sequence, GOMessageType.ATTEMPT, EvtCode.CHANGED, NOW, **{
            **CHAIN, "RecID": 70, "CallAttID": "G1", "AttemptState": state, "State": 2, "Cause": 27, "Seq": sequence,
            "ContactInfo": "+1", "Attempt": 1, **more})

    def of_record(sequence: int, chain: str, result: int) -> Any:
        return report(sequence, GOMessageType.RECORD, EvtCode.CHANGED, NOW, **{
            **CHAIN, "ChainGUID": chain, "RecID": 70, "State": 2, "Cause": 25, "Seq": sequence, "CallResult": result,
            "RecordStatus": 3, "Attempt": 1})

    def chain(sequence: int, guid: str, list_: int = 101) -> Any:
        return report(sequence, GOMessageType.CHAIN, EvtCode.ADDED, NOW, **{
            **CHAIN, "ChainGUID": guid, "LstID": list_, "State": int(ChainState.SCHEDULED), "PrevState": 0, "Cause": 20,
            "Seq": 1})
    tables.write(
        report(1, GOMessageType.CAMPAIGN, EvtCode.CHANGED, **SESSION, State=2, PrevState=1, Cause=4, Seq=1, OCSID=1),
        chain(2, "C1"), of_attempt(3, "open"), of_attempt(4, "closed", CallResult=6, ConnID="c1"),
        report(5, GOMessageType.CHAIN_CALL, EvtCode.ADDED, **CHAIN, CallID="U", CallAttID="G1", ConnID="c1"),
        of_record(6, "C1", 6), chain(7, "X1", 999), {**of_attempt(8, "open"), "ChainGUID": "X1", "CallAttID": "G9"})
    found = read_icon(tables.backend, 101)
    assert found.attempts == {"G1": IconAttempt(AttemptState.CLOSED, CallResult.BUSY, "c1", 70, "+1", 1)}
    assert found.calls == {"c1": "G1"} and found.records == {70: (6, 3, 1)}
    assert found.twice == [] and found.missing == () and found.left_open == ["chain 7", "session S1"]
    tables.write(report(9, GOMessageType.SOURCE, EvtCode.STARTED), report(12, GOMessageType.SOURCE, EvtCode.STOPPED))
    found = read_icon(tables.backend, 101)
    assert found.records == {} and found.left_open == [] and found.missing[0].count == 2
    with tables.backend.connect() as connection:
        connection.execute("INSERT INTO GO_ChainRec_hist (ChainGUID, Cause, GSYS_DOMAIN, GSYS_SEQ) VALUES ('C1', 25, 1, 6)")
        connection.commit()
    assert read_icon(tables.backend, 101).twice == [6]
