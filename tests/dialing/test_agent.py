"""An agent's machine: what the agent told the switch, and the calls at the DN beside it."""
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind, WorkState, step
from tests.dialing.machines import cells, mismatches, reachable

# a repeated login changes nothing; calls do not touch what the agent told the switch
TABLE = """
event            LOGGED_OUT       NOT_READY        READY            AFTER_CALL_WORK
LOGIN            NOT_READY        NOT_READY        READY            AFTER_CALL_WORK
LOGOUT           LOGGED_OUT       LOGGED_OUT       LOGGED_OUT       LOGGED_OUT
READY            READY            READY            READY            READY
NOT_READY        NOT_READY        NOT_READY        NOT_READY        NOT_READY
AFTER_CALL_WORK  AFTER_CALL_WORK  AFTER_CALL_WORK  AFTER_CALL_WORK  AFTER_CALL_WORK
CALL             LOGGED_OUT       NOT_READY        READY            AFTER_CALL_WORK
CALL_GONE        LOGGED_OUT       NOT_READY        READY            AFTER_CALL_WORK
"""


def event(kind: AgentEventKind, at: float = 100.0, conn_id: str = "c1", talking: bool = False,
          agent_id: str = "") -> AgentEvent:
    return AgentEvent(kind, "7001", at, agent_id, conn_id, talking)


def played(*events: AgentEvent) -> Agent:
    agent = Agent("7001")
    for each in events:
        agent = step(agent, each)
    return agent


READY = event(AgentEventKind.READY, 10.0)
RINGS = event(AgentEventKind.CALL, 20.0)
TALKS = event(AgentEventKind.CALL, 25.0, talking=True)
GONE = event(AgentEventKind.CALL_GONE, 30.0)


def test_every_state_and_event_does_what_the_table_says() -> None:
    actual = {(kind.name, work.name): step(Agent("7001", work=work), event(kind)).work.name
              for work in WorkState for kind in AgentEventKind}
    assert mismatches(cells(TABLE), actual) == []


@pytest.mark.parametrize("work", WorkState)
def test_every_state_is_reached_from_every_other(work: WorkState) -> None:
    assert reachable(work, AgentEventKind, lambda state, kind: step(Agent("7001", work=state), event(kind)).work) == set(
        WorkState)


@pytest.mark.parametrize("work", WorkState)
@pytest.mark.parametrize("calls", [frozenset(), frozenset({"c1"}), frozenset({"c1", "c2"})])
def test_an_agent_is_free_when_ready_and_without_a_call(work: WorkState, calls: frozenset[str]) -> None:
    assert Agent("7001", work=work, calls=calls).free == (work is WorkState.READY and not calls)


@pytest.mark.parametrize("agent, word", [
    (Agent("7001"), "logged-out"), (Agent("7001", work=WorkState.NOT_READY), "not-ready"),
    (Agent("7001", work=WorkState.READY), "ready"), (Agent("7001", work=WorkState.AFTER_CALL_WORK), "after-call-work"),
    (Agent("7001", work=WorkState.READY, calls=frozenset({"c1"})), "ringing"),
    (Agent("7001", work=WorkState.READY, calls=frozenset({"c1"}), talking=True), "talking"),
])
def test_the_state_reads_as_one_word(agent: Agent, word: str) -> None:
    assert agent.state_name == word


def test_a_call_rings_is_answered_and_leaves_the_agent_ready_again() -> None:
    assert [played(*steps).state_name for steps in ([READY], [READY, RINGS], [READY, RINGS, TALKS],
                                                    [READY, RINGS, TALKS, GONE])] == [
        "ready", "ringing", "talking", "ready"]


def test_waiting_time_starts_when_the_state_changed_and_not_with_every_event() -> None:
    assert played(READY, event(AgentEventKind.READY, 15.0)).since == 10.0
    assert played(READY, RINGS, TALKS, GONE).since == 30.0
    assert played(READY, event(AgentEventKind.CALL_GONE, 40.0, "never seen")).since == 10.0


def test_an_agent_with_two_calls_is_free_when_both_are_gone() -> None:
    second = event(AgentEventKind.CALL, 26.0, "c2")
    one_left = played(READY, TALKS, second, GONE)
    assert one_left.calls == {"c2"} and not one_left.free
    assert step(one_left, event(AgentEventKind.CALL_GONE, 35.0, "c2")).free


def test_a_call_that_is_told_of_twice_is_one_call() -> None:
    assert played(READY, RINGS, RINGS, GONE).free


def test_the_agent_id_is_the_last_that_was_named() -> None:
    agent = played(event(AgentEventKind.LOGIN, agent_id="1001"), READY)
    assert agent.agent_id == "1001"
    assert step(agent, event(AgentEventKind.LOGIN, agent_id="1002")).agent_id == "1002"


@given(st.lists(st.builds(event, st.sampled_from(AgentEventKind), st.floats(0, 1e9), st.sampled_from(["c1", "c2", "c3"]),
                          st.booleans())))
def test_no_sequence_of_events_is_refused_and_calls_are_the_ones_that_came_and_did_not_go(events: list[AgentEvent]) -> None:
    calls: set[str] = set()
    agent = Agent("7001")
    for each in events:
        before, agent = agent, step(agent, each)
        if each.kind is AgentEventKind.CALL:
            calls.add(each.conn_id)
        elif each.kind is AgentEventKind.CALL_GONE:
            calls.discard(each.conn_id)
        assert agent.calls == calls
        assert agent.talking <= bool(calls)
        assert agent.since == (each.at if agent.state_name != before.state_name else before.since)
        assert replace(agent, work=WorkState.LOGGED_OUT).free is False
