"""Callbacks of every kind: numbers that must not be called, other phones of the contact, the end of a session."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import DoNotCallEntry, Record
from protocols.desktop.dates import parse_date_time
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import CallbackType
from tests.doubles.clock import epoch
from tests.scheduler.bench import Bench, chain
from tests.scheduler.callback_desk import (
    CAMPAIGN,
    GENERAL,
    NOW,
    OPTIONS,
    PERSONAL,
    delivered,
    desk,
    handle_of,
    personal,
)


# -- what must not be called ----------------------------------------------------------------------------------------
def test_a_callback_to_a_number_that_must_not_be_called_is_not_delivered():
    bench = Bench([personal()], options=OPTIONS)
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))
    bench.ready("7001")
    bench.pass_(12)
    assert delivered(bench) == [] and bench.record().record_type is RecordType.NO_CALL


def test_its_siblings_are_then_anybodys():
    first, second = chain(1, 2)
    bench = Bench([replace(first, record_type=PERSONAL, agent_id="1001", dial_sched_time=NOW - 5),
                   replace(second, record_status=RecordStatus.CHAIN_READY)], options=OPTIONS)
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))
    bench.ready("7001")
    bench.pass_(15)
    assert delivered(bench) == [] and bench.switch.numbers == ["+12125550002"]


def test_the_number_that_was_agreed_on_is_called_and_no_other():
    first, second = chain(1, 2)
    bench = Bench([replace(first, record_type=CAMPAIGN, dial_sched_time=NOW + 10, daily_till=45_010 + 5),
                   replace(second, record_status=RecordStatus.CHAIN_READY)], options=OPTIONS)
    bench.pass_(12)
    assert len(bench.session.buffer) == 1
    bench.pass_(30)
    bench.ready("7001")
    bench.pass_(5)
    assert bench.switch.dialed == []
    assert bench.record(1).dial_sched_time == epoch("2026-03-11T12:00Z") and bench.record(1).record_type is CAMPAIGN


# -- another phone --------------------------------------------------------------------------------------------------
def rescheduled(bench: Bench, phone: str, **values: Any) -> DesktopEvent:
    return bench.ask("7001", "ScheduledRecordReschedule", record_handle=handle_of(bench), phone=phone,
                     date_time=parse_date_time("03/11/2026 10:00"), callback_type=CallbackType.PERSONAL, **values)


def pair() -> list[Record]:
    first, second = chain(1, 2)
    return [replace(first, record_type=PERSONAL, agent_id="1001", dial_sched_time=NOW - 5),
            replace(second, record_status=RecordStatus.CHAIN_READY)]


def test_a_callback_may_be_moved_to_another_phone_of_the_contact():
    bench = desk(pair(), "7001")
    assert rescheduled(bench, "+1 (212) 555-0002").name == "ScheduledRecordRescheduleAcknowledge"
    first, second = bench.record(1), bench.record(2)
    assert (first.record_status, first.dial_sched_time) == (RecordStatus.CHAIN_READY, None)
    assert (second.record_status, second.record_type, second.agent_id, second.dial_sched_time) == (
        RecordStatus.READY, PERSONAL, "1001", epoch("2026-03-11T14:00Z"))


def test_a_callback_may_be_moved_to_a_new_phone():
    bench = desk(pair(), "7001")
    rescheduled(bench, "+44 20 7946 0958")
    assert bench.record(1).contact_info == "+442079460958" and bench.record(1).record_status is RecordStatus.READY
    assert bench.attempts(1)[0].phone == "+12125550001"


def test_after_a_talk_the_next_call_may_go_to_another_phone():
    bench = desk(pair(), "7001")
    conn_id = bench.dial_preview(delivered(bench)[0])
    bench.switch.connected(conn_id, "7001")
    rescheduled(bench, "+12125550002", call_result=33)
    bench.switch.over(conn_id, "7001")
    first, second = bench.record(1), bench.record(2)
    assert (first.call_result, first.attempt, first.record_status) == (CallResult.ANSWER, 1, RecordStatus.CHAIN_READY)
    assert (second.record_type, second.record_status, second.call_result) == (PERSONAL, RecordStatus.READY, CallResult.UNKNOWN)


@pytest.mark.parametrize("phone, reason", [("12345", "7 to 15 digits"), ("+12125550009", "must not be called")])
def test_a_phone_that_cannot_or_must_not_be_called_is_refused(phone, reason):
    bench = desk(pair(), "7001")
    bench.engine.block(DoNotCallEntry(phone="+12125550009"))
    answer = rescheduled(bench, phone)
    assert answer.failed and "GSW_PHONE" in (answer.error or "") and reason in (answer.error or "")
    assert bench.state() is ChainState.WITH_AGENT and bench.record(1).contact_info == "+12125550001"


# -- the end --------------------------------------------------------------------------------------------------------
def test_unload_waits_for_a_delivered_callback_and_gives_the_others_back():
    bench = desk([personal(1), personal(2, agent_id="1002"), *GENERAL], "7001")
    bench.login("7002")
    bench.switch.agent(AgentEventKind.CALL, "7002", conn_id="x", talking=True)
    for asked in list(bench.switch.dialed):
        bench.switch.over(asked.conn_id, call_state=12)
    bench.pass_(12)
    assert bench.state(1) is ChainState.WITH_AGENT
    unloaded = bench.session.unload()
    bench.pass_(1)
    assert not unloaded.called and bench.record(2).record_status is RecordStatus.READY
    bench.pass_(125)
    assert unloaded.called
    bench.unloaded()


def test_a_database_that_is_away_delays_callbacks_and_loses_none():
    bench = Bench([personal()], options=OPTIONS)
    bench.store.failing.add("claim_chains")
    bench.ready("7001")
    bench.pass_(30)
    bench.store.failing.clear()
    bench.pass_(12)
    assert len(delivered(bench)) == 1
