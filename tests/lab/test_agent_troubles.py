"""An agent whose link breaks, who is refused, whom nobody answers."""
from __future__ import annotations

from ocs.lab.agents.machine import AgentState
from protocols.tserver.messages import Message
from tests.doubles.clock import VirtualClock
from tests.lab.agent_at_work import at_work, previewing, talk, until
from tests.lab.wire import Wire, agent_at, record, run


def test_an_agent_comes_back_after_a_lost_link_and_goes_on():
    clock, wire, agent = at_work()
    wire.up = False
    wire.break_link()
    run(clock, 5)
    assert agent.state is AgentState.AWAY and agent.book.counts["lost_links"] == 1
    wire.up = True
    run(clock, 30)
    assert agent.state is AgentState.READY and wire.names().count("RequestAgentLogin") == 2
    talk(clock, wire)
    run(clock, 150)
    assert agent.book.results == {33: 1}


def test_an_agent_leaves_a_server_that_is_only_the_backup_and_comes_back_to_it_when_it_serves():
    clock = VirtualClock()
    wire = Wire(clock)
    roles = [1, 1, 0, 0]

    def register(message: Message) -> Message:
        wire._server.grant()
        return Message("EventLinkConnected", 0, {"ServerRole": roles.pop(0)})

    wire.answers["RequestRegisterClient"] = register
    agent = agent_at(wire)
    agent.start()
    run(clock, 30)
    assert wire.connections == 3 and agent.state is AgentState.READY and wire.names().count("RequestAgentLogin") == 1
    wire.say("EventPrimaryChanged", ServerRole=1)
    run(clock, 5)
    assert agent.book.counts["lost_links"] == 1
    run(clock, 30)
    assert wire.connections == 4 and agent.state is AgentState.READY


def test_a_talk_outlives_a_lost_link():
    clock, wire, agent = at_work()
    wire.ring("a1", record().pairs())
    run(clock, 10)
    wire.break_link()
    run(clock, 5)
    assert agent.state is AgentState.TALK
    wire.release("a1")
    run(clock, 150)
    assert agent.book.results == {33: 1} and agent.book.counts["talked"] == 1


def test_a_talk_that_ended_while_the_link_was_away_is_settled():
    clock, wire, agent = at_work()
    wire.ring("a1", record().pairs())
    run(clock, 10)
    wire.calls.clear()
    wire.break_link()
    run(clock, 150)
    assert agent.book.results == {33: 1} and agent.state is AgentState.READY


def test_a_last_word_that_the_link_swallowed_is_said_again():
    clock, wire, agent = at_work()
    wire.ocs.silent.add("RecordProcessed")
    talk(clock, wire)
    until(clock, lambda: wire.ocs.names())
    wire.ocs.silent.clear()
    wire.break_link()
    run(clock, 30)
    assert wire.ocs.names() == ["RecordProcessed"] * 2 and agent.book.results == {33: 1}


def test_a_call_that_came_while_nobody_listened_is_answered():
    clock, wire, agent = at_work()
    wire.break_link()
    wire.calls["c3"], wire.party_state = record(5).pairs(), 0xA
    run(clock, 20)
    assert agent.state is AgentState.TALK
    wire.release("c3")
    run(clock, 150)
    assert wire.ocs.last("RecordProcessed").record_handle == 5


def test_a_record_on_the_desk_goes_back_when_the_link_breaks_and_is_not_dialed():
    clock, wire, agent = previewing(look_s=60.0)
    until(clock, lambda: agent.state is AgentState.PREVIEW)
    wire.break_link()
    run(clock, 300)
    assert wire.ocs.last("RecordReject").record_handle == 7 and "RequestMakeCall" not in wire.names()


def test_a_refused_log_in_is_tried_again_with_growing_pauses(logged):
    clock, wire = VirtualClock(), None
    wire = Wire(clock)
    wire.answers["RequestAgentLogin"] = lambda message: Message(
        "EventError", 0, {"ErrorCode": 1705, "ErrorMessage": "bad password"})
    agent = agent_at(wire)
    agent.start()
    run(clock, 60)
    assert wire.names().count("RequestAgentLogin") == 3 and agent.state is AgentState.LOGGING_IN
    del wire.answers["RequestAgentLogin"]
    run(clock, 60)
    assert agent.state is AgentState.READY


def test_an_agent_who_is_logged_in_already_goes_on():
    clock = VirtualClock()
    wire = Wire(clock)
    wire.answers["RequestAgentLogin"] = lambda message: Message("EventError", 0, {"ErrorCode": 1706, "ErrorMessage": ""})
    agent = agent_at(wire)
    agent.start()
    run(clock, 1)
    assert agent.state is AgentState.READY


def test_a_refused_application_does_not_hammer_the_server():
    clock = VirtualClock()
    wire = Wire(clock)
    wire.answers["RequestRegisterClient"] = lambda message: Message(
        "EventError", 0, {"ErrorCode": 119, "ErrorMessage": "bad password"})
    agent = agent_at(wire)
    agent.start()
    run(clock, 120)
    assert 5 <= wire.connections <= 20 and agent.state is AgentState.AWAY


def test_a_silent_switch_does_not_stop_the_agent_for_good():
    clock = VirtualClock()
    wire = Wire(clock)
    wire.answers["RequestAgentReady"] = lambda message: None
    agent = agent_at(wire)
    agent.start()
    run(clock, 20)
    assert agent.state is AgentState.IDLE
    del wire.answers["RequestAgentReady"]
    run(clock, 20)
    assert agent.state is AgentState.READY
