"""Personal callbacks: they reach their agent, when that one is free for them."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.chain import ChainState
from ocs.dialing.pacing import PacingDecision
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.session import Condition
from ocs.dialing.values import AttemptState
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType, ChainAttribute
from tests.doubles.clock import epoch
from tests.scheduler.bench import PREVIEW, Bench, record
from tests.scheduler.callback_desk import (
    ASSIGN,
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
