"""An agent's day at a scripted T-Server: calls, breaks, the way home; what goes over the wire, whatever comes back."""
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ocs.lab.agents.machine import AgentState
from protocols.attributes import first
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.names import CallbackType, RecordTreatment
from protocols.tserver.messages import Message
from tests.doubles.clock import VirtualClock
from tests.lab.agent_at_work import at_work, previewing, talk, until
from tests.lab.wire import Wire, agent_at, record, run


def test_an_agent_registers_logs_in_asks_for_campaigns_and_gets_ready():
    clock, wire, agent = at_work()
    assert wire.names() == ["RequestRegisterAddress", "RequestAgentLogin", "RequestAgentReady"]
    login = wire.attributes("RequestAgentLogin")
    assert (login["AgentID"], login["AgentPassword"], login["ThisQueue"], login["AgentWorkMode"]) == \
        ("agent1", "secret", "6001", 1)
    assert [request.name for request in wire.ocs.heard] == ["CampaignStatusRequest"]
    assert agent.state is AgentState.READY


def test_a_call_is_answered_talked_settled_with_answer_and_only_then_is_the_agent_ready():
    clock, wire, agent = at_work()
    wire.ocs.silent.add("RecordProcessed")
    wire.ring("a1", record().pairs())
    run(clock, 0.25)
    assert agent.state is AgentState.RINGING
    run(clock, 10)
    assert agent.state is AgentState.TALK and wire.names()[-1] == "RequestAnswerCall"
    wire.release("a1", 5)
    run(clock, 0.25)
    assert agent.state is AgentState.WRAP and wire.ocs.names() == []
    while not wire.ocs.names():
        run(clock, 1)
    request = wire.ocs.last("RecordProcessed")
    assert (request.record_handle, request.call_result, request.treatment) == (7, 33, None)
    run(clock, 5)
    assert agent.state is AgentState.WRAP and wire.names().count("RequestAgentReady") == 1
    wire.ocs.silent.clear()
    run(clock, 15)
    assert agent.state is AgentState.READY and wire.names().count("RequestAgentReady") == 2
    assert agent.book.results == {33: 1}


def test_a_call_that_goes_away_while_it_rings_leaves_the_agent_ready():
    clock, wire, agent = at_work(answer_delay_s=5.0)
    wire.ring("a1", record().pairs())
    run(clock, 1)
    wire.release("a1", name="EventAbandoned")
    run(clock, 10)
    assert agent.state is AgentState.READY and "RequestAnswerCall" not in wire.names()
    assert agent.book.counts["missed"] == 1 and wire.ocs.names() == []


def test_an_answer_that_the_switch_refuses_is_a_call_that_is_gone():
    clock, wire, agent = at_work()
    wire.answers["RequestAnswerCall"] = lambda message: Message("EventError", 0, {"ErrorCode": 56, "ErrorMessage": "x"})
    wire.ring("a1", record().pairs())
    run(clock, 10)
    assert agent.state is AgentState.READY and agent.book.counts["missed"] == 1


def test_an_ocs_that_never_answers_holds_the_agent_up_for_a_bounded_time():
    clock, wire, agent = at_work()
    wire.ocs.silent.add("RecordProcessed")
    talk(clock, wire)
    run(clock, 150)
    assert wire.ocs.names() == ["RecordProcessed"] * 3 and agent.state is AgentState.READY
    assert agent.book.counts["unsettled"] == 1 and agent.book.counts["unanswered"] == 3


def test_an_error_to_the_last_word_lets_the_agent_go_on():
    clock, wire, agent = at_work()
    wire.ocs.refuses["RecordProcessed"] = DesktopErrorCode.RECORD_NOT_FOUND
    talk(clock, wire)
    run(clock, 150)
    assert wire.ocs.names() == ["RecordProcessed"] and agent.state is AgentState.READY
    assert agent.book.errors == {6: 1} and agent.book.counts["unsettled"] == 1


def test_a_callback_is_set_in_the_records_time_and_needs_no_record_processed():
    clock, wire, agent = at_work(reschedule_share=1.0, personal_share=1.0)
    talk(clock, wire)
    run(clock, 150)
    assert wire.ocs.names() == ["RecordReschedule"]
    request = wire.ocs.last("RecordReschedule")
    local = datetime.fromtimestamp(clock.wall() - 25_200, UTC).replace(tzinfo=None)
    assert request.callback_type is CallbackType.PERSONAL and request.call_result == 33
    assert request.date_time > local and request.date_time.hour in range(9, 19)
    assert (request.date_time.date() - local.date()).days in (0, 1)
    assert agent.book.counts["callbacks"] == 1 and agent.state is AgentState.READY


def test_a_callback_that_is_refused_becomes_a_plain_result():
    clock, wire, agent = at_work(reschedule_share=1.0)
    wire.ocs.refuses["RecordReschedule"] = DesktopErrorCode.INVALID_DATE_OR_TIME
    talk(clock, wire)
    run(clock, 150)
    assert wire.ocs.names() == ["RecordReschedule", "RecordProcessed"] and agent.book.results == {33: 1}
    assert agent.book.counts["callbacks"] == 0


def test_do_not_call_settles_the_record_by_itself():
    clock, wire, agent = at_work(do_not_call_share=1.0)
    talk(clock, wire)
    run(clock, 150)
    assert wire.ocs.names() == ["DoNotCall"] and wire.ocs.last("DoNotCall").record_handle == 7
    assert agent.book.results == {51: 1} and agent.book.counts["do_not_calls"] == 1


def test_a_call_without_a_record_needs_no_last_word():
    clock, wire, agent = at_work()
    talk(clock, wire, user_data=(("Topic", "billing"),))
    run(clock, 150)
    assert wire.ocs.names() == [] and agent.state is AgentState.READY and agent.book.counts["talked"] == 1


def test_an_agent_who_ends_the_talk_releases_the_call():
    clock, wire, agent = at_work(hang_up_share=1.0, hang_up_after_s=30.0)
    wire.ring("a1", record().pairs())
    run(clock, 600)
    assert "RequestReleaseCall" in wire.names() and wire.ocs.names() == ["RecordProcessed"]


def test_a_machine_is_hung_up_on_and_told_with_a_treatment():
    clock, wire, agent = at_work()
    wire.ring("a1", (*record().pairs(), ("AnswerClass", "AM")))
    run(clock, 120)
    assert "RequestReleaseCall" in wire.names()
    assert wire.ocs.last("RecordProcessed").call_result == 9
    assert wire.ocs.last("RecordProcessed").treatment is RecordTreatment.CAMPAIGN


def test_breaks_are_announced_with_a_reason_and_end():
    clock, wire, agent = at_work(break_every_s=600.0, break_s=60.0)
    while agent.state is not AgentState.BREAK:
        run(clock, 1)
    asked = wire.attributes("RequestAgentNotReady")
    assert asked["AgentWorkMode"] == 4 and first(asked["Reasons"], "ReasonCode") == "Break"
    while agent.state is AgentState.BREAK:
        run(clock, 1)
    run(clock, 1)
    assert agent.state is AgentState.READY and wire.names()[-1] == "RequestAgentReady"
    assert agent.book.counts["breaks"] == 1


def test_a_call_that_crosses_with_a_break_is_taken_and_the_break_had_later():
    clock, wire, agent = at_work(break_every_s=600.0, break_s=100_000.0)
    while agent.state is not AgentState.BREAK:
        run(clock, 1)
    talk(clock, wire)
    run(clock, 150)
    assert agent.book.results == {33: 1} and agent.state is AgentState.BREAK and agent.book.counts["breaks"] == 2


def test_a_switch_that_takes_the_agent_off_is_asked_again():
    clock, wire, agent = at_work()
    wire.say("EventAgentNotReady", ThisDN="7001", AgentWorkMode=6)
    run(clock, 10)
    assert agent.state is AgentState.READY and wire.names().count("RequestAgentReady") == 2
    wire.say("EventAgentLogout", ThisDN="7001")
    run(clock, 10)
    assert agent.state is AgentState.READY and wire.names().count("RequestAgentLogin") == 2


def test_a_call_that_rings_during_wrap_up_is_answered_and_the_record_still_settled():
    clock, wire, agent = at_work(wrap_up_s=1000.0)
    talk(clock, wire)
    run(clock, 1)
    assert agent.state is AgentState.WRAP
    wire.ring("b2", record(8).pairs())
    run(clock, 5)
    assert agent.state is AgentState.TALK and wire.ocs.last("RecordProcessed").record_handle == 7
    wire.release("b2")
    run(clock, 5000, step_s=5)
    assert [request.record_handle for request in wire.ocs.heard[1:]] == [7, 8]


def test_a_free_agent_logs_out_and_leaves_no_timer_behind():
    clock, wire, agent = at_work(break_every_s=600.0)
    gone = []
    agent.stop(30).addCallback(gone.append)
    run(clock, 1)
    assert gone and wire.names()[-1] == "RequestAgentLogout" and agent.state is AgentState.AWAY
    assert clock.getDelayedCalls() == []


def test_the_call_at_hand_is_finished_before_going_home():
    clock, wire, agent = at_work()
    wire.ring("a1", record().pairs())
    run(clock, 10)
    gone = []
    agent.stop(600).addCallback(gone.append)
    run(clock, 10)
    assert not gone and agent.state is AgentState.TALK
    wire.release("a1")
    run(clock, 150)
    assert gone and agent.book.results == {33: 1} and wire.names()[-1] == "RequestAgentLogout"
    assert wire.names().count("RequestAgentReady") == 1 and clock.getDelayedCalls() == []


def test_a_talk_is_cut_short_at_the_deadline_and_its_record_settled():
    clock, wire, agent = at_work()
    wire.ring("a1", record().pairs())
    run(clock, 10)
    gone = []
    agent.stop(20).addCallback(gone.append)
    run(clock, 19)
    assert not gone
    run(clock, 3)
    assert gone and "RequestReleaseCall" in wire.names() and agent.book.results == {33: 1}
    assert clock.getDelayedCalls() == []


def test_a_record_on_the_desk_goes_back_before_going_home():
    clock, wire, agent = previewing(look_s=60.0)
    until(clock, lambda: agent.state is AgentState.PREVIEW)
    gone = []
    agent.stop(20).addCallback(gone.append)
    run(clock, 2)
    assert gone and wire.ocs.last("RecordReject").record_handle == 7 and clock.getDelayedCalls() == []


def test_nobody_waits_for_a_dead_switch_to_go_home():
    clock, wire, agent = at_work()
    wire.answers.update(dict.fromkeys(("RequestAgentLogout", "RequestReleaseCall"), lambda message: None))
    wire.ring("a1", record().pairs())
    run(clock, 10)
    gone = []
    agent.stop(5).addCallback(gone.append)
    run(clock, 20)
    assert gone and clock.getDelayedCalls() == []


@pytest.mark.parametrize("moment", ["before the start", "while connecting", "without a link"])
def test_stopping_ends_at_once_where_nothing_is_at_hand(moment):
    clock = VirtualClock()
    wire = Wire(clock)
    agent = agent_at(wire)
    if moment != "before the start":
        wire.up = moment == "while connecting"
        agent.start()
        run(clock, 0.25 if moment != "while connecting" else 0.25)
    gone = []
    agent.stop(5).addCallback(gone.append)
    agent.stop(5).addCallback(gone.append)
    run(clock, 20)
    assert len(gone) == 2 and clock.getDelayedCalls() == []
