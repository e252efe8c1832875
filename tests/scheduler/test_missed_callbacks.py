"""Callbacks that nobody could make: agents who are not there, times in which nothing was dialed."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CallbackDialing
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from tests.doubles.clock import clock_at
from tests.scheduler.bench import Bench, record
from tests.scheduler.callback_desk import ASSIGN, CAMPAIGN, NOW, OPTIONS, PERSONAL, campaign, delivered, desk, personal


# -- agents who are not there -------------------------------------------------------------------------------------
def test_a_callback_of_an_absent_agent_waits_and_is_then_missed():
    bench = desk([personal()], "7002")
    bench.pass_(580)
    assert bench.record().record_status is RecordStatus.READY
    bench.pass_(40)
    left = bench.record()
    assert (left.record_status, left.call_result) == (RecordStatus.MISSED_CALLBACK, CallResult.AGENT_CALLBACK_ERROR)
    assert not bench.session.held and bench.attempts(1) == [] and left.attempt == 0


def test_the_agent_who_comes_in_time_gets_it():
    bench = desk([personal()], "7002")
    bench.pass_(580)
    bench.ready("7001")
    bench.pass_(12)
    assert len(delivered(bench)) == 1


@pytest.mark.parametrize("action, more, record_type, status, agent_id", [
    (TreatmentAction.ASSIGN_TO_GROUP, {}, CAMPAIGN, RecordStatus.READY, None),
    (TreatmentAction.MARK_AS_AGENT_ERROR, {}, PERSONAL, RecordStatus.AGENT_ERROR, "1001"),
    (TreatmentAction.REDIAL, {}, PERSONAL, RecordStatus.READY, "1001"),
    (TreatmentAction.RETRY_IN, {"interval_s": 3_600.0}, PERSONAL, RecordStatus.READY, "1001"),
])
def test_agent_callback_error_has_its_treatments(action, more, record_type, status, agent_id):
    rule = Treatment("absent", CallResult.AGENT_CALLBACK_ERROR, action, dbid=11, **more)
    bench = desk([personal()], treatments=(rule,), predictive_callback=CallbackDialing.PREVIEW)
    bench.login("7002")
    bench.pass_(620)
    left = bench.record()
    assert (left.record_type, left.record_status, left.agent_id) == (record_type, status, agent_id)
    assert left.call_result is CallResult.AGENT_CALLBACK_ERROR and left.attempt == 0
    if more:
        assert left.dial_sched_time == pytest.approx(bench.clock.wall() + 3_600, abs=30)


def test_a_callback_that_was_handed_to_the_group_is_dialed_for_any_agent():
    bench = desk([personal()], "7002", treatments=(ASSIGN,))
    bench.pass_(640)
    assert bench.switch.numbers == ["+12125550001"]
    asked = bench.talk("7002")
    handle = bench.holder().handle
    bench.hang_up(asked, "7002")
    bench.ask("7002", "RecordProcessed", record_handle=handle)
    assert bench.record().call_result is CallResult.ANSWER


def test_a_redialed_callback_is_missed_when_its_cycles_are_used_up():
    rule = Treatment("again", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.REDIAL, dbid=11, cycle_attempts=2)
    bench = desk([personal()], treatments=(rule,))
    bench.pass_(640 * 2 + 20, step=5)
    assert bench.record().record_status is RecordStatus.READY
    bench.pass_(640, step=5)
    assert bench.record().record_status is RecordStatus.MISSED_CALLBACK
    assert bench.session.callbacks.counts[CallbackNews.MISSED] == 3


def test_the_wait_begins_when_the_window_opens():
    clock = clock_at("2026-03-10T11:50Z")       # 7:50 in New York
    bench = Bench([personal(due=int(clock.wall()) - 100)], options=OPTIONS, clock=clock)
    bench.pass_(1_100, step=5)                  # 8:08
    assert bench.record().record_status is RecordStatus.READY
    bench.pass_(240, step=5)
    assert bench.record().record_status is RecordStatus.MISSED_CALLBACK


def test_nobody_is_absent_while_nothing_can_be_seen():
    bench = desk([personal()], "7002")
    for _ in range(5):
        bench.pass_(400, step=5)
        bench.switch.go_down()
        bench.pass_(5)
        bench.switch.go_up()
        bench.ready("7002")
    assert bench.record().record_status is RecordStatus.READY


def test_callbacks_that_another_group_agreed_on_are_left_to_it():
    bench = Bench([personal()], options=OPTIONS, running=False)
    bench.memory._lists["list"].owners[1] = replace(bench.session.owner, group_dbid=77)
    bench.up()
    bench.begin()
    bench.ready("7002")
    bench.pass_(1_000, step=5)
    assert bench.record().record_status is RecordStatus.READY


# -- a time in which nothing was dialed -----------------------------------------------------------------------------
@pytest.mark.parametrize("one, result", [
    (personal(due=NOW - 1_900), CallResult.AGENT_CALLBACK_ERROR), (campaign(due=NOW - 1_900), CallResult.GROUP_CALLBACK_ERROR)])
def test_a_callback_that_nobody_could_make_at_its_time_is_missed(one, result):
    bench = desk([one], "7001")
    bench.pass_(12)
    left = bench.record()
    assert (left.record_status, left.call_result) == (RecordStatus.MISSED_CALLBACK, result)
    assert bench.switch.dialed == [] and delivered(bench) == []


@pytest.mark.parametrize("one", [personal(due=NOW - 1_700), campaign(due=NOW - 1_700)])
def test_within_the_tolerance_it_is_made(one):
    bench = desk([one], "7001")
    bench.pass_(12)
    assert len(delivered(bench)) + len(bench.switch.dialed) == 1


def test_group_callback_error_has_its_treatments():
    rule = Treatment("late", CallResult.GROUP_CALLBACK_ERROR, TreatmentAction.REDIAL, dbid=12)
    bench = desk([campaign(due=NOW - 1_900)], "7001", treatments=(rule,))
    bench.pass_(25)
    assert bench.switch.numbers == ["+12125550001"]
    assert bench.session.callbacks.counts == {CallbackNews.MISSED: 1, CallbackNews.COMPLETED: 1}


def test_a_stop_that_lasts_longer_than_the_tolerance_misses_what_was_due_in_it():
    bench = desk([personal(1, due=NOW + 100), campaign(2, due=NOW + 100), personal(3, due=NOW + 4_000)], "7001")
    bench.session.stop()
    bench.pass_(3_600, step=5)
    bench.session.start()
    bench.pass_(15)
    assert [bench.record(n).record_status for n in (1, 2, 3)] == [
        RecordStatus.MISSED_CALLBACK, RecordStatus.MISSED_CALLBACK, RecordStatus.READY]


def test_a_callback_that_was_due_before_the_stop_could_have_been_made_and_is_still():
    bench = desk([campaign(due=NOW + 5)])       # nobody is here
    bench.pass_(60)
    bench.session.stop()
    bench.pass_(3_600, step=5)
    bench.session.start()
    bench.ready("7001")
    bench.pass_(5)
    assert bench.switch.numbers == ["+12125550001"]


def test_a_callback_in_the_buffer_is_missed_too():
    bench = Bench([campaign(due=NOW - 1_900)], options=OPTIONS, running=False)
    bench.up()
    bench.wait(bench.session.load())
    assert len(bench.session.buffer) == 1
    bench.session.start()
    bench.ready("7001")
    assert bench.record().record_status is RecordStatus.MISSED_CALLBACK and bench.switch.dialed == []


def test_a_recall_is_nobodys_promise_and_is_made_however_late():
    late = record(1, record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=NOW - 100_000)
    assert desk([late], "7001").switch.numbers == ["+12125550001"]


def test_a_time_outside_the_window_means_the_next_opening():
    clock = clock_at("2026-03-10T12:05Z")       # 8:05 in New York
    bench = Bench([campaign(due=int(clock.wall()) - 8 * 3_600)], options=OPTIONS, clock=clock)
    bench.ready("7001")
    bench.pass_(12)
    assert bench.switch.numbers == ["+12125550001"]
