"""The row of an attempt says who was called when, by whom, with what result: column by column, for every way of dialing."""
from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ocs.dialing.call import SwitchEvent
from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.values import Attempt, AttemptState, DoNotCallEntry
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import PREVIEW, RETRY_BUSY, TRUNK, Bench, record

NOW = VirtualClock().wall()
ALWAYS = {"guid", "calling_list", "record_id", "chain_id", "chain_n", "phone", "number", "campaign", "group", "session_guid",
          "opened_at", "state"}
CALLED = ALWAYS | {"conn_id", "dialed_at", "ended_at", "call_state", "call_result"}
TALKED = CALLED | {"answered_at", "agent_connected_at", "agent_id", "agent_dn"}
BY_SERVER = {"cpd_completed_at", "transferred_at"}


def filled(attempt: Attempt) -> set[str]:
    return {field.name for field in fields(attempt) if getattr(attempt, field.name) not in (None, "")}


def only(bench: Bench) -> Attempt:
    (attempt,) = bench.attempts(1)
    return attempt


def since(attempt: Attempt, *names: str) -> list[float]:
    return [getattr(attempt, name) - attempt.opened_at for name in names]


def talked(bench: Bench, connect: Any, dn: str = "7001") -> Attempt:
    """The call is answered after 5 s, an agent has it after 3 more, and they talk for 60."""
    conn_id = bench.switch.dialed[-1].conn_id if connect is not None else next(iter(bench.switch.calls))
    bench.pass_(5)
    if connect is not None:
        connect(conn_id)
        bench.pass_(3)
    bench.switch.connected(conn_id, dn)
    bench.pass_(60)
    bench.switch.over(conn_id, dn)
    bench.pass_(0)
    assert bench.ask(dn, "RecordProcessed", record_handle=bench.holder().handle, call_result=33).name.endswith("Acknowledge")
    return only(bench)


def test_a_call_that_the_queue_brings_to_an_agent() -> None:
    bench = Bench([record(1)])
    bench.ready("7001")
    attempt = talked(bench, bench.switch.queued)
    assert filled(attempt) == TALKED | BY_SERVER
    assert since(attempt, "dialed_at", "answered_at", "cpd_completed_at", "transferred_at", "agent_connected_at", "ended_at"
                 ) == [0, 5, 5, 5, 8, 68]
    assert (attempt.state, attempt.call_result, attempt.agent_id, attempt.agent_dn, attempt.phone, attempt.number) == (
        AttemptState.CLOSED, CallResult.ANSWER, "1001", "7001", "+12125550001", 1)
    assert (attempt.session_guid, attempt.campaign, attempt.group) == (bench.session.guid, "spring", "sales")


def test_a_call_of_a_trunk_group_is_transferred_after_it_was_answered() -> None:
    bench = Bench([record(1)], trunk_group_dn=TRUNK)
    bench.ready("7001")

    def connect(conn_id: str) -> None:
        bench.switch.call_event(SwitchEvent.ESTABLISHED, conn_id, TRUNK)
        bench.pass_(2)
        bench.switch.call_event(SwitchEvent.QUEUED, conn_id, "6001")

    attempt = talked(bench, connect)
    assert filled(attempt) == TALKED | BY_SERVER
    assert since(attempt, "answered_at", "cpd_completed_at", "transferred_at", "agent_connected_at", "ended_at"
                 ) == [5, 5, 7, 10, 70]


def test_a_preview_is_dialed_by_its_agent_so_nothing_is_detected_or_transferred() -> None:
    bench = Bench([record(1)], mode=PREVIEW)
    bench.ready("7001")
    event = bench.preview()
    bench.pass_(10)
    bench.dial_preview(event)
    attempt = talked(bench, None)
    assert filled(attempt) == TALKED
    assert since(attempt, "dialed_at", "answered_at", "agent_connected_at", "ended_at") == [10, 15, 15, 75]


def test_what_the_agent_dialed_is_told_where_it_is_another_number() -> None:
    bench = Bench([record(1)], mode=PREVIEW)
    bench.ready("7001")
    event = bench.preview()
    bench.switch.agent_calls("7001", "+442071234567", event.raw)
    assert talked(bench, None).phone == "+442071234567"
    assert bench.record().contact_info == "+12125550001"


@pytest.mark.parametrize("number", ["912125550001", "5550001", ""])
def test_a_number_that_is_written_as_the_site_dials_is_the_records_own(number: str) -> None:
    bench = Bench([record(1)], mode=PREVIEW)
    bench.ready("7001")
    bench.switch.agent_calls("7001", number, bench.preview().raw)
    assert talked(bench, None).phone == "+12125550001"


@pytest.mark.parametrize("mode", [{}, {"mode": PREVIEW}])
def test_a_callback_is_its_agents_from_the_start(mode: dict[str, Any]) -> None:
    bench = Bench([record(1, record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001", dial_sched_time=int(NOW) - 5)], **mode)
    bench.ready("7001")
    bench.pass_(1)
    assert filled(only(bench)) == ALWAYS | {"agent_id", "agent_dn"}
    (event,) = [event for dn, event in bench.heard if event.name == "ScheduledCall"]
    bench.dial_preview(event)
    assert filled(talked(bench, None)) == TALKED


def test_a_busy_call_tells_its_treatment_and_no_agent() -> None:
    bench = Bench([record(1)], treatments=(RETRY_BUSY,))
    bench.ready("7001")
    bench.pass_(4)
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    attempt = only(bench)
    assert filled(attempt) == CALLED | {"treatment"}
    assert (attempt.call_result, attempt.call_state, attempt.treatment) == (CallResult.BUSY, 6, "busy")
    assert since(attempt, "ended_at") == [4]


def test_an_abandoned_call_tells_who_was_about_to_get_it() -> None:
    bench = Bench([record(1)])
    bench.ready("7001")
    conn_id = bench.switch.dialed[0].conn_id
    bench.switch.queued(conn_id)
    bench.switch.call_event(SwitchEvent.RINGING, conn_id, "7001")
    bench.switch.call_event(SwitchEvent.ABANDONED, conn_id, "7001", call_state=21)
    attempt = only(bench)
    assert filled(attempt) == CALLED | BY_SERVER | {"answered_at", "agent_id", "agent_dn"}
    assert attempt.call_result is CallResult.ABANDONED and attempt.agent_connected_at is None


@pytest.mark.parametrize("code, result", [(71, CallResult.DIAL_ERROR), (54, CallResult.SWITCH_ERROR)])
def test_a_dial_that_the_switch_refuses_says_so(code: int, result: CallResult) -> None:
    bench = Bench([record(1)])
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    bench.switch.refuse(bench.switch.dialed[0], code)
    attempt = only(bench)
    assert filled(attempt) == ALWAYS | {"ended_at", "call_result"}
    assert (attempt.state, attempt.call_result) == (AttemptState.NOT_DIALED, result)


def test_a_dial_that_a_do_not_call_request_overtakes_says_so() -> None:
    bench = Bench([record(1)])
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))
    bench.store.release()
    attempt = only(bench)
    assert (attempt.state, attempt.call_result) == (AttemptState.NOT_DIALED, CallResult.DO_NOT_CALL)
    assert filled(attempt) == ALWAYS | {"ended_at", "call_result"} and bench.switch.dialed == []


def test_after_a_crash_the_row_says_that_nobody_knows() -> None:
    bench = Bench([record(1)])
    bench.ready("7001")
    again = Bench(store=bench.memory, clock=VirtualClock(bench.clock.wall() + 30), seed=2)
    attempt = only(again)
    assert filled(attempt) == ALWAYS | {"ended_at", "call_result"}
    assert (attempt.state, attempt.call_result) == (AttemptState.UNKNOWN, CallResult.UNKNOWN)
    assert since(attempt, "ended_at") == [30]
