from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocs.app.demo.accounts import Accounts, CallLine, read_call_log
from ocs.app.demo.figures import figures
from ocs.app.demo.planned import Reason, plan
from ocs.app.demo.reconcile import match, reconcile
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import Attempt, AttemptState, DoNotCallEntry, Record
from tests.doubles.clock import epoch

NOON = epoch("2026-03-10T12:00-07:00")      # a Tuesday, in the window of the default zone
NIGHT = epoch("2026-03-10T22:00-07:00")


def phone(number: int) -> str:
    return f"+1415555{number:04}"


def record(number: int = 1, **changes: Any) -> Record:
    return replace(Record(number, number, 0, phone(number), record_status=RecordStatus.UPDATED, attempt=1,
                          call_result=CallResult.BUSY), **changes)


def attempt(key: int = 1, **changes: Any) -> Attempt:
    return replace(Attempt(f"guid{key}", "list", key, key, 0, phone(key), 1, "campaign", "group", "session", NOON - 1,
                           AttemptState.CLOSED, f"conn{key}", NOON, None, NOON + 5, 6, CallResult.BUSY), **changes)


def call(number: int = 1, **changes: Any) -> CallLine:
    return replace(CallLine(f"conn{number}", "outbound", phone(number), NOON, None, NOON + 5, 6, None), **changes)


def accounts(records: Any = None, attempts: Any = None, calls: Any = None, dnc: Any = (), unreadable: Any = ()) -> Accounts:
    return Accounts([record()] if records is None else records, [attempt()] if attempts is None else attempts,
                    [call()] if calls is None else calls, dnc, unreadable)


def test_accounts_that_agree_have_no_difference() -> None:
    assert reconcile(accounts()) == []
    assert reconcile(accounts([], [], [])) == []
    two = accounts([record(1), record(2)], [attempt(1), attempt(2)], [call(1), call(2)])
    assert reconcile(two) == []


@pytest.mark.parametrize("wrong, differences", [
    (accounts(calls=[]), ["attempt guid1 of record 1: call conn1 is not in the call log"]),
    (accounts(calls=[call(), call(2)]), ["call conn2 to +14155550002: no attempt"]),
    (accounts(calls=[call(), call()]), ["call conn1: 2 lines in the call log"]),
    (accounts(calls=[call(destination="+14155550009")]),
     ["call conn1: to +14155550009 in the call log, to +14155550001 in attempt guid1"]),
    (accounts(calls=[call(call_state=7)]), ["call conn1: call state 7 in the call log, 6 in attempt guid1"]),
    (accounts(attempts=[attempt(call_state=5)], calls=[call(call_state=21, agent_dn="7001")]),
     ["call conn1: call state 21 in the call log, 5 in attempt guid1"]),
    (accounts(calls=[call(call_state=0)]), ["call conn1: call state 0 in the call log, 6 in attempt guid1"]),
    (accounts(calls=[call(dialed_at=NIGHT)]), ["call conn1: record 1 was dialed outside its calling window"]),
    (accounts([record(tz_name="Nowhere/Land")]), ["call conn1: record 1 was dialed outside its calling window"]),
    (accounts([]), ["attempt guid1: there is no record 1"]),
    (accounts([record(attempt=2)]), ["record 1: 2 attempts in the list, 1 were dialed"]),
    (accounts([record(attempt=0)]), ["record 1: 0 attempts in the list, 1 were dialed"]),
    (accounts([record(call_result=CallResult.NO_ANSWER)]),
     ["record 1: result No Answer in the list, Busy in attempt guid1"]),
    (accounts([record(record_status=RecordStatus.RETRIEVED)]), ["record 1: still Retrieved"]),
    (accounts(attempts=[attempt(state=AttemptState.OPEN)]), ["attempt guid1 of record 1: still open"]),
    (accounts([record(attempt=0)], [attempt(state=AttemptState.NOT_DIALED)]),
     ["attempt guid1 of record 1: not dialed, but in the call log"]),
    (accounts(dnc=[DoNotCallEntry(phone(1))]), ["call conn1: +14155550001 is on the do-not-call list"]),
    (accounts(dnc=[DoNotCallEntry(phone(1), campaign="campaign")]),
     ["call conn1: +14155550001 is on the do-not-call list"]),
    (accounts(dnc=[DoNotCallEntry(phone(1), internal=True, time_stamp=int(NOON) - 60)]),
     ["call conn1: +14155550001 is on the do-not-call list"]),
    (accounts(unreadable=[3]), ["call log, line 3: not a call"]),
    (accounts([record(attempt=2)], [attempt(), attempt(guid="again", conn_id="conn2", number=1)], [call(), call(
        2, destination=phone(1))]), ["record 1: 2 attempts are its no. 1"]),
    (accounts([record(1, attempt=2)], [attempt(), attempt(guid="other", number=2)]),
     ["call conn1: 2 attempts", "attempt other of record 1: call conn1 is not in the call log"]),
    (accounts(attempts=[attempt(earlier_conn_ids="conn8 conn9")], calls=[call(), call(8, destination=phone(1))]),
     ["attempt guid1 of record 1: call conn9 is not in the call log"]),
    (accounts(attempts=[attempt(earlier_conn_ids="conn8")], calls=[call(), call(8)]),
     ["call conn8: to +14155550008 in the call log, to +14155550001 in attempt guid1"]),
])
def test_every_kind_of_difference_is_found_and_named(wrong: Accounts, differences: list[str]) -> None:
    assert reconcile(wrong) == differences


@pytest.mark.parametrize("right", [
    accounts([record(call_result=CallResult.DO_NOT_CALL, record_type=RecordType.NO_CALL)]),
    accounts([record(call_result=CallResult.CANCEL_RECORD, record_status=RecordStatus.CANCELLED)]),
    accounts(calls=[call(call_state=0)], attempts=[attempt(call_state=5)]),
    accounts([record(call_result=CallResult.ABANDONED)], [attempt(call_state=0, call_result=CallResult.ABANDONED)],
             [call(call_state=21)]),
    accounts(dnc=[DoNotCallEntry(phone(1), campaign="another")]),
    accounts(dnc=[DoNotCallEntry(phone(1), internal=True, time_stamp=int(NOON))]),
    accounts(dnc=[DoNotCallEntry(customer_id="c7")]),
    accounts([record(attempt=0)], [attempt(state=AttemptState.NOT_DIALED, conn_id=None)], []),
    accounts([record(record_status=RecordStatus.READY, record_type=RecordType.CAMPAIGN_RESCHEDULED)]),
    accounts([record(call_result=CallResult.UNKNOWN)],
             [attempt(state=AttemptState.UNKNOWN, call_result=CallResult.UNKNOWN, call_state=None)]),
    accounts([record(call_result=CallResult.UNKNOWN)],
             [attempt(state=AttemptState.UNKNOWN, call_result=CallResult.UNKNOWN, conn_id=None)], []),
    accounts([record(call_result=CallResult.UNKNOWN)],
             [attempt(state=AttemptState.UNKNOWN, call_result=CallResult.UNKNOWN, conn_id=None)]),
    accounts(calls=[call(), call(2, kind="internal")]),
    accounts(calls=[call(), call(2, agent_dn="7021")]),
    accounts(attempts=[attempt(call_state=1)], calls=[call(call_state=21)]),
    accounts(attempts=[attempt(call_state=5)], calls=[call(call_state=21)]),
    accounts(attempts=[attempt(earlier_conn_ids="conn8 conn9")],      # the calls of one dial request
             calls=[call(), call(8, destination=phone(1), call_state=7), call(9, destination=phone(1), call_state=7)]),
])
def test_what_only_looks_different_is_none(right: Accounts) -> None:
    assert reconcile(right, visitors=("7021",)) == []


def test_an_attempt_that_lost_its_connid_takes_the_call_to_its_number_that_nobody_claims() -> None:
    lost = attempt(state=AttemptState.UNKNOWN, conn_id=None)
    before = call(8, destination=phone(1), dialed_at=NOON - 600)
    assert set(match(accounts(attempts=[lost], calls=[before, call()]))) == {"conn1"}


def test_a_dial_at_the_very_end_of_the_window_is_told_from_one_after_it() -> None:
    closing = epoch("2026-03-10T18:00-07:00")
    assert reconcile(accounts(calls=[call(dialed_at=closing + 5)]), edge_s=10.0) == []
    assert reconcile(accounts(calls=[call(dialed_at=closing + 15)]), edge_s=10.0) != []


# -- planned ---------------------------------------------------------------------------------------------------------
def ready(number: int = 1, **changes: Any) -> Record:
    return record(number, **{"record_status": RecordStatus.READY, "attempt": 0, "call_result": CallResult.UNKNOWN, **changes})


@pytest.mark.parametrize("waiting, now, reason, due", [
    (ready(), NOON, Reason.NOT_DIALED, NOON),
    (ready(), NIGHT, Reason.OUTSIDE_WINDOW, epoch("2026-03-11T08:00-07:00")),
    (ready(daily_from=50_000, daily_till=50_000), NOON, Reason.NEVER_OPENS, None),
    (ready(record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=int(NOON) + 600), NOON, Reason.RETRY, NOON + 600),
    (ready(record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=int(NIGHT)), NOON, Reason.CALLBACK,
     epoch("2026-03-11T08:00-07:00")),
    (ready(record_type=RecordType.PERSONAL_CALLBACK, dial_sched_time=int(NOON) + 60, agent_id="1001"), NOON,
     Reason.PERSONAL_CALLBACK, NOON + 60),
    (ready(record_status=RecordStatus.RETRIEVED), NOON, Reason.IN_PROGRESS, None),
])
def test_a_record_that_is_not_final_has_a_reason_and_a_time(waiting: Record, now: float, reason: Reason,
                                                            due: float | None) -> None:
    [one] = plan([waiting], now)
    assert (one.record_id, one.reason, one.due) == (1, reason, due)


@pytest.mark.parametrize("changes, text", [
    ({"dial_sched_time": int(NOON) + 60, "agent_id": "1001"}, "personal callback by agent 1001"),
    ({"dial_sched_time": int(NOON) - 60, "agent_id": "1001"},
     "personal callback by agent 1001, due: waits until the agent is free, or missed"),
    ({"dial_sched_time": int(NOON) + 60, "agent_id": "1001", "record_type": RecordType.PERSONAL_RESCHEDULED},
     "retry of a personal callback by agent 1001"),
    ({"dial_sched_time": int(NOON) - 60}, "personal callback that names no agent: missed when it has waited long enough"),
])
def test_a_personal_callback_says_whom_it_waits_for(changes: dict[str, Any], text: str) -> None:
    [one] = plan([ready(**{"record_type": RecordType.PERSONAL_CALLBACK, **changes})], NOON)
    assert (one.reason, one.text) == (Reason.PERSONAL_CALLBACK, text)


def test_a_sibling_waits_for_the_record_that_comes_first() -> None:
    head = ready(1, record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=int(NOON) + 600)
    sibling = replace(ready(2, record_status=RecordStatus.CHAIN_READY), chain_id=1, chain_n=1)
    assert [(one.record_id, one.reason, one.due, one.text) for one in plan([head, sibling, record(3)], NOON)] == [
        (1, Reason.RETRY, NOON + 600, "retry scheduled"),
        (2, Reason.SIBLING, NOON + 600, "record 1 of the contact comes first")]


# -- figures ---------------------------------------------------------------------------------------------------------
def test_the_figures_count_records_calls_and_people() -> None:
    given = accounts(
        [record(1), record(2, call_result=CallResult.ANSWER), record(3, call_result=CallResult.ABANDONED),
         record(4, call_result=CallResult.ANSWERING_MACHINE_DETECTED), ready(5, tz_name="Asia/Tokyo"),
         record(6, attempt=0, call_result=CallResult.DO_NOT_CALL, record_type=RecordType.NO_CALL)],
        [attempt(1), attempt(2, call_result=CallResult.ANSWER, call_state=33),
         attempt(3, call_result=CallResult.ABANDONED, call_state=21),
         attempt(4, call_result=CallResult.ANSWERING_MACHINE_DETECTED, call_state=9)],
        [call(1), call(2, call_state=33, answered_at=NOON + 2), call(3, call_state=21, answered_at=NOON + 2),
         call(4, call_state=9, answered_at=NOON + 2)], [DoNotCallEntry(phone(6))])
    made = figures(given, NOON, utilisation=0.5, seconds=3.0, database="sqlite:///x", directory="/tmp/x")
    assert made.as_json() == {
        "records": 6, "final": 5, "chains": 6, "calls": 4,
        "results": {"Abandoned": 1, "Answer": 1, "Answering Machine Detected": 1, "Busy": 1}, "answered": 2, "abandoned": 1,
        "abandon_rate": 0.5, "utilisation": 0.5, "dnc_blocked": 1, "outside_window": 1,
        "planned": [{"record": 5, "reason": "outside its calling window", "due": "2026-03-10T23:00:00Z"}],
        "reconciled": True, "differences": [], "seconds": 3.0, "database": "sqlite:///x", "directory": "/tmp/x"}
    assert made.good and not replace(made, complete=False).good and not replace(made, differences=["x"]).good


# -- the call log ----------------------------------------------------------------------------------------------------
LINE = ('{"conn_id": "0001", "kind": "outbound", "destination": "+14155550001", "dialed_at": 1.5, "answered_at": null,'
        ' "ended_at": 2, "call_state": 6, "agent_dn": null}\n')


def test_the_call_log_is_read_and_its_torn_end_left_out(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    assert read_call_log(path) == ([], [])
    path.write_text(LINE + "junk\n" + '{"conn_id": 1}\n' + LINE[:40])
    assert read_call_log(path) == ([CallLine("0001", "outbound", "+14155550001", 1.5, None, 2.0, 6, None)], [2, 3])
