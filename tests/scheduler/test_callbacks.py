"""Callbacks: whom they reach, when, and what becomes of those that nobody could make."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.chain import ChainState
from ocs.dialing.pacing import PacingDecision
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.session import Condition
from ocs.dialing.shares import TypePriorities
from ocs.dialing.values import (
    AttemptState,
    CallbackDialing,
    CallbackDistribution,
    DoNotCallEntry,
    Record,
    Treatment,
    TreatmentAction,
)
from ocs.scheduler.context import EngineOptions
from protocols.desktop.dates import parse_date_time
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import CallbackType, ChainAttribute
from tests.doubles.clock import VirtualClock, clock_at, epoch
from tests.scheduler.bench import PREVIEW, Bench, chain, record

NOW = int(VirtualClock().wall())
PERSONAL, CAMPAIGN = RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK
OPTIONS = EngineOptions(personal_callback_wait_s=600.0, callback_missed_tolerance_s=1_800.0, callback_answer_s=120.0,
                        callback_again_s=60.0)
ASSIGN = Treatment("assign", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.ASSIGN_TO_GROUP, dbid=11)
GENERAL = [record(number) for number in range(10, 20)]


def personal(number: int = 1, agent_id: str = "1001", due: int = NOW - 10, **values: Any) -> Record:
    return record(number, record_type=PERSONAL, agent_id=agent_id, dial_sched_time=due, **values)


def campaign(number: int = 1, due: int = NOW - 10, **values: Any) -> Record:
    return record(number, record_type=CAMPAIGN, dial_sched_time=due, **values)


def desk(records: list[Record], *ready: str, **values: Any) -> Bench:
    """A running session with these agents ready, looked for callbacks once."""
    bench = Bench(records, options=values.pop("options", OPTIONS), **values)
    bench.ready(*ready)
    bench.pass_(1)
    return bench


def delivered(bench: Bench, dn: str = "7001") -> list[DesktopEvent]:
    return [event for to, event in bench.heard if to == dn and event.name == "ScheduledCall"]


def handle_of(bench: Bench, dn: str = "7001") -> int:
    shown = delivered(bench, dn)[-1].record
    assert shown is not None and shown.record_handle is not None
    return shown.record_handle


# -- personal callbacks -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("record_type", [PERSONAL, RecordType.PERSONAL_RESCHEDULED])
@pytest.mark.parametrize("group", [{}, {"mode": PREVIEW}, {"trunk_group_dn": "6800"}])
def test_a_personal_callback_that_is_due_reaches_its_agent_with_its_attempt_committed(record_type, group):
    bench = desk([replace(personal(), record_type=record_type)], "7001", "7002", **group)
    (event,) = delivered(bench)
    shown = event.record
    assert shown is not None and (shown.phone, shown.calling_list, shown.chain_id) == ("+12125550001", "list", 1)
    assert shown.callback_type == "Personal"
    (attempt,) = bench.attempts(1)
    assert (attempt.guid, attempt.state, attempt.agent_id) == (shown.call_attempt_guid, AttemptState.OPEN, "1001")
    assert dict(shown.fields) == {"CustomerName": "Person 1", "Age": 40} and shown.tz_offset == -4 * 3600
    assert delivered(bench, "7002") == [] and bench.switch.dialed == []


def test_a_callback_waits_until_it_is_due():
    bench = desk([personal(due=NOW + 300)], "7001")
    bench.pass_(285)
    assert delivered(bench) == []
    bench.pass_(30)
    assert len(delivered(bench)) == 1


def test_a_callback_is_not_delivered_before_its_attempt_is_committed():
    bench = Bench([personal()], options=OPTIONS)
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    bench.pass_(1)
    assert delivered(bench) == [] and bench.state() is ChainState.WITH_AGENT
    bench.store.release()
    assert len(delivered(bench)) == 1


def test_a_callback_whose_attempt_cannot_be_written_goes_back_and_comes_again():
    bench = Bench([personal()], options=OPTIONS)
    bench.store.failing.add("open_attempts")
    bench.ready("7001")
    bench.pass_(1)
    assert delivered(bench) == [] and bench.record().record_status is RecordStatus.READY
    bench.store.failing.clear()
    bench.pass_(12)
    assert len(delivered(bench)) == 1


def test_a_callback_never_reaches_another_agent_however_free():
    bench = desk([personal(agent_id="1003")], "7001", "7002", "7003")
    bench.switch.agent(AgentEventKind.CALL, "7003", conn_id="x", talking=True)      # taken before it looked
    assert delivered(bench, "7001") == delivered(bench, "7002") == []


def test_a_callback_waits_until_its_agent_is_off_the_phone_and_has_settled_the_record():
    bench = Bench([record(1), personal(2, due=NOW + 5)], options=OPTIONS)
    bench.ready("7001")
    asked = bench.talk()
    bench.pass_(60)
    assert delivered(bench) == [] and bench.state(2) is ChainState.BUFFERED
    bench.hang_up(asked)
    assert delivered(bench) == []               # after-call work: the record of the call is still there
    bench.switch.agent(AgentEventKind.NOT_READY, "7001", "1001")
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder(1).handle)
    bench.pass_(1)
    assert len(delivered(bench)) == 1


def test_no_campaign_call_is_dialed_for_an_agent_with_a_callback():
    bench = desk([personal(), *GENERAL], "7001")
    assert delivered(bench) == [] and len(bench.switch.dialed) == 1     # dialed before the callback was found
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=12)
    bench.pass_(60)
    assert len(delivered(bench)) == 1 and len(bench.switch.dialed) == 1
    bench.ask("7001", "RecordProcessed", record_handle=handle_of(bench), call_result=33)
    bench.pass_(1)
    assert len(bench.switch.dialed) == 2


def test_a_ready_agent_gets_a_callback_only_when_the_calls_under_way_find_others():
    bench = Bench([personal(due=NOW + 5), *GENERAL], options=OPTIONS)
    bench.ready("7001")
    assert bench.session.under_way == 1
    bench.pass_(20)
    assert delivered(bench) == [] and bench.state() is ChainState.BUFFERED
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(0)
    assert len(delivered(bench)) == 1 and len(bench.switch.dialed) == 1


def test_where_calls_go_out_ahead_of_agents_a_callback_waits_for_none_but_people_who_wait():
    for waits in (False, True):
        bench = Bench([personal(due=NOW + 5), *GENERAL], options=OPTIONS, mode=DialingMode.PREDICTIVE)
        bench.ready("7001")
        pacer = bench.session.feed.pacer
        pacer.ready, pacer.decide = True, lambda given: PacingDecision(given.now, 0, Condition.DIALING, "enough are out")
        if waits:
            bench.switch.queued(bench.switch.dialed[0].conn_id)
        bench.pass_(20)
        assert bench.session.under_way == 1 and len(delivered(bench)) == (0 if waits else 1)


def test_another_agent_who_is_ready_takes_the_call_under_way():
    bench = Bench([personal(due=NOW + 5), *GENERAL], options=OPTIONS)
    bench.ready("7001", "7002")
    bench.pass_(20)
    assert bench.session.under_way == 2 and delivered(bench) == []
    bench.switch.over(bench.switch.dialed[1].conn_id, call_state=12)
    bench.pass_(5)
    assert len(delivered(bench)) == 1 and bench.session.under_way == 1 and len(bench.switch.dialed) == 2


def test_the_agent_dials_it_by_its_handle():
    bench = desk([personal()], "7001")
    conn_id = bench.dial_preview(delivered(bench)[0])
    assert bench.state() is ChainState.CALLING
    bench.switch.connected(conn_id, "7001")
    bench.switch.over(conn_id, "7001")
    bench.ask("7001", "RecordProcessed", record_handle=handle_of(bench), call_result=33)
    left, (attempt,) = bench.record(), bench.attempts(1)
    assert (left.record_status, left.call_result, left.attempt) == (RecordStatus.UPDATED, CallResult.ANSWER, 1)
    assert (attempt.state, attempt.conn_id) == (AttemptState.CLOSED, conn_id)
    assert bench.session.callbacks.counts == {CallbackNews.COMPLETED: 1} and not bench.session.held


def test_a_busy_callback_that_is_treated_stays_with_its_agent():
    bench = desk([personal()], "7001")
    bench.switch.over(bench.dial_preview(delivered(bench)[0]), "7001", call_state=6)
    bench.ask("7001", "UpdateCallCompletionStats", record_handle=handle_of(bench), call_result=6)
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    left = bench.record()
    assert (left.record_type, left.agent_id, left.record_status) == (
        RecordType.PERSONAL_RESCHEDULED, "1001", RecordStatus.READY)
    bench.pass_(320)
    assert len(delivered(bench)) == 2


def test_a_rejected_callback_comes_again_later():
    bench = desk([personal()], "7001")
    answer = bench.ask("7001", "RecordReject", record_handle=handle_of(bench))
    assert answer.name == "RecordRejectAcknowledge"
    left = bench.record()
    assert (left.record_type, left.agent_id, left.dial_sched_time) == (PERSONAL, "1001", int(bench.clock.wall()) + 60)
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED and left.attempt == 0
    bench.pass_(50)
    assert len(delivered(bench)) == 1
    bench.pass_(25)
    assert len(delivered(bench)) == 2


def test_a_rescheduled_callback_comes_at_its_new_time():
    bench = desk([personal()], "7001")
    answer = bench.ask("7001", "ScheduledRecordReschedule", record_handle=handle_of(bench),
                       date_time=parse_date_time("03/10/2026 13:00"), callback_type=CallbackType.PERSONAL)
    assert answer.name == "ScheduledRecordRescheduleAcknowledge"
    assert bench.record().dial_sched_time == epoch("2026-03-10T17:00Z")
    bench.pass_(1_700, step=5)
    assert len(delivered(bench)) == 1
    bench.pass_(120)
    assert len(delivered(bench)) == 2 and bench.session.callbacks.counts[CallbackNews.SCHEDULED] == 1


@pytest.mark.parametrize("request_name, values, status, result", [
    ("RequestRecordCancel", {"chain_attr": ChainAttribute.RECORD_ONLY}, RecordStatus.CANCELLED, CallResult.CANCEL_RECORD),
    ("DoNotCall", {"chain_attr": ChainAttribute.RECORD_ONLY}, RecordStatus.UPDATED, CallResult.DO_NOT_CALL),
    ("RecordProcessed", {"call_result": 40}, RecordStatus.UPDATED, CallResult.WRONG_PARTY),
])
def test_a_callback_may_be_settled_without_a_dial(request_name, values, status, result):
    bench = desk([personal()], "7001")
    bench.ask("7001", request_name, record_handle=handle_of(bench), **values)
    assert (bench.record().record_status, bench.record().call_result) == (status, result)
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED
    bench.pass_(600, step=5)
    assert len(delivered(bench)) == 1


def test_an_agent_who_does_not_react_loses_the_callback_and_gets_it_again():
    bench = desk([personal()], "7001")
    bench.pass_(119)
    assert bench.state() is ChainState.WITH_AGENT
    bench.pass_(2)
    assert bench.news("7001")[-1] == "RecordCancel" and bench.record().record_status is RecordStatus.READY
    bench.pass_(50)
    assert len(delivered(bench)) == 1
    bench.pass_(30)
    assert len(delivered(bench)) == 2


def test_an_agent_who_shows_up_gets_the_callback_again_at_once():
    bench = desk([personal()], "7001")
    bench.pass_(125)
    bench.pass_(10)
    bench.switch.agent(AgentEventKind.NOT_READY, "7001", "1001")
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    bench.pass_(1)
    assert len(delivered(bench)) == 2


def test_an_agent_who_is_on_the_phone_is_given_time():
    bench = desk([personal()], "7001")
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="inbound", talking=True)
    bench.pass_(400)
    assert bench.state() is ChainState.WITH_AGENT and "RecordCancel" not in bench.news("7001")


def test_an_agent_who_works_on_the_record_is_given_time():
    bench = desk([personal()], "7001")
    bench.ask("7001", "UpdateCallCompletionStats", record_handle=handle_of(bench), others=(("Age", 41),))
    bench.pass_(400)
    assert bench.state() is ChainState.WITH_AGENT


def test_an_agent_who_never_reacts_is_one_who_cannot_be_found():
    bench = desk([personal()], treatments=(ASSIGN,))
    bench.login("7001")         # and goes away without a word
    bench.pass_(1_700, step=5)
    assert bench.session.callbacks.counts == {}
    bench.pass_(400, step=5)
    left = bench.record()
    assert (left.record_type, left.call_result, left.agent_id) == (CAMPAIGN, CallResult.AGENT_CALLBACK_ERROR, None)
    assert bench.session.callbacks.counts[CallbackNews.MISSED] == 1 and 8 <= len(delivered(bench)) <= 12
    assert {each.state for each in bench.attempts(1)} == {AttemptState.NOT_DIALED}


def test_an_agent_who_leaves_leaves_the_callback_behind():
    bench = desk([personal()], "7001")
    bench.logout("7001")
    left = bench.record()
    assert (left.record_status, left.dial_sched_time, left.agent_id) == (RecordStatus.READY, NOW - 10, "1001")
    bench.ready("7001")
    bench.pass_(12)
    assert len(delivered(bench)) == 2


def test_callbacks_that_wait_for_an_agent_who_leaves_go_back():
    bench = desk([personal(1), personal(2)], "7001")
    bench.pass_(12)
    assert len(bench.session.held) == 1         # one at the desk; the next is looked for when that is done
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="x", talking=True)
    bench.logout("7001")
    bench.pass_(1)
    assert not bench.session.held and not bench.retrieved()


def test_several_callbacks_of_one_agent_come_one_after_the_other():
    bench = desk([personal(1, due=NOW - 20), personal(2), personal(3)], "7001")
    for number in (1, 2, 3):
        shown = delivered(bench)
        assert [event.record.chain_id for event in shown if event.record] == list(range(1, number + 1))
        bench.ask("7001", "RecordProcessed", record_handle=handle_of(bench), call_result=33)
        bench.pass_(12)
    assert not bench.session.held


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


# -- campaign callbacks -------------------------------------------------------------------------------------------
def test_a_campaign_callback_that_is_due_goes_before_the_records_in_the_buffer():
    bench = Bench([campaign(due=NOW + 30), *GENERAL], options=OPTIONS)
    bench.login("7001")
    bench.pass_(45)
    assert [held.record.record_id for held in bench.session.buffer][:2] == [1, 10]
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550001"]


def test_where_callbacks_have_the_lowest_priority_they_wait():
    bench = Bench([campaign(), *GENERAL], options=OPTIONS, priorities=TypePriorities(campaign_callback=0))
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550010"]


def test_a_previewed_campaign_callback_is_delivered_to_one_ready_agent():
    bench = desk([campaign(1), campaign(2)], predictive_callback=CallbackDialing.PREVIEW)
    bench.ready("7001")
    bench.pass_(12)
    (event,) = delivered(bench)
    assert event.record is not None and event.record.callback_type == "Campaign"
    assert bench.switch.dialed == []
    bench.ready("7002")
    bench.pass_(12)
    assert len(delivered(bench, "7002")) == 1
    bench.ask("7001", "RecordReject", record_handle=handle_of(bench))
    bench.pass_(75)
    assert len(delivered(bench)) + len(delivered(bench, "7002")) == 3


def test_a_previewed_callback_does_not_go_to_somebody_who_wants_no_calls():
    bench = desk([campaign()], predictive_callback=CallbackDialing.PREVIEW)
    bench.login("7001")
    bench.pass_(30)
    assert delivered(bench) == []


def test_a_previewed_callback_that_waits_keeps_an_agent_free_for_it():
    bench = Bench([campaign(due=NOW + 5), *GENERAL], options=OPTIONS, predictive_callback=CallbackDialing.PREVIEW)
    bench.ready("7001", "7002")
    assert bench.session.under_way == 2
    bench.pass_(15)
    assert delivered(bench) == delivered(bench, "7002") == [] and len(bench.session.callbacks) == 1
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(1)
    assert len(delivered(bench)) + len(delivered(bench, "7002")) == 1 and bench.session.under_way == 1


def test_in_preview_mode_an_agent_who_asks_gets_the_callback_first():
    bench = Bench([campaign(), *GENERAL], options=OPTIONS, mode=PREVIEW, predictive_callback=CallbackDialing.PREVIEW)
    bench.login("7001")
    bench.pass_(1)
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="x")
    bench.switch.agent(AgentEventKind.CALL_GONE, "7001", conn_id="x")
    event = bench.preview()
    assert event.record is not None and event.record.chain_id in (1, 10)


ORIGINAL = {"campaign_callback_distr": CallbackDistribution.ORIGINAL_AGENT}


def test_a_campaign_callback_goes_to_the_agent_who_agreed_on_it():
    bench = desk([campaign(agent_id="1002")], "7001", "7002", **ORIGINAL)
    bench.pass_(12)
    assert len(delivered(bench, "7002")) == 1 and bench.switch.dialed == []


def test_while_that_agent_is_not_there_anybody_gets_it():
    bench = desk([campaign(agent_id="1002")], "7001", **ORIGINAL)
    bench.pass_(12)
    assert bench.switch.numbers == ["+12125550001"]


def test_it_does_not_wait_for_that_agent_for_ever():
    bench = Bench([campaign(agent_id="1002", due=NOW + 30)], options=OPTIONS, **ORIGINAL)
    bench.ready("7001", "7002")
    bench.switch.agent(AgentEventKind.CALL, "7002", conn_id="x", talking=True)
    bench.pass_(600)
    assert bench.switch.dialed == []
    bench.pass_(60)
    assert bench.switch.numbers == ["+12125550001"]


@pytest.mark.parametrize("distribution, agent_id", [
    (CallbackDistribution.CAMPAIGN_GROUP, None), (CallbackDistribution.ORIGINAL_AGENT, "1001")])
def test_the_agent_is_noted_where_callbacks_go_to_the_agent(distribution, agent_id):
    bench = desk([personal()], "7001", campaign_callback_distr=distribution)
    bench.ask("7001", "RecordReschedule", record_handle=handle_of(bench), callback_type=CallbackType.CAMPAIGN,
              date_time=parse_date_time("03/11/2026 10:00"))
    assert (bench.record().record_type, bench.record().agent_id) == (CAMPAIGN, agent_id)


@pytest.mark.parametrize("option, owner", [("callback_observe_campaign", {"campaign_dbid": 9}),
                                           ("callback_observe_group", {"group_dbid": 9})])
def test_callbacks_may_be_kept_to_those_who_agreed_on_them(option, owner):
    for observed in (False, True):
        bench = Bench([campaign(1), personal(2), record(3)], options=OPTIONS, running=False, **{option: observed})
        for number in (1, 2, 3):
            bench.memory._lists["list"].owners[number] = replace(bench.session.owner, **owner)
        bench.up()
        bench.begin()
        bench.ready("7001", "7002", "7003")
        bench.pass_(12)
        assert ("+12125550001" in bench.switch.numbers) is not observed
        assert bool(delivered(bench)) is not observed
        assert "+12125550003" in bench.switch.numbers


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
