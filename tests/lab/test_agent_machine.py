"""The table of an agent's day: every event has a row in every state, and every day ends."""
from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.lab.agents.agent import _ACTIONS
from ocs.lab.agents.machine import PAID, PRODUCTIVE, AgentAction, AgentEvent, AgentState, next_step


@pytest.mark.parametrize("state, event", list(product(AgentState, AgentEvent)), ids=lambda one: one.name)
def test_every_event_has_a_row_in_every_state(state, event):
    next_state, action = next_step(state, event)
    assert isinstance(next_state, AgentState) and action in _ACTIONS
    if next_state is not state:
        # who changes state does something, unless the link is gone and nothing can be done
        assert (action is AgentAction.NOTHING) == (event is AgentEvent.LINK_DOWN)


def reachable(start):
    found, edge = {start}, [start]
    while edge:
        state = edge.pop()
        for event in AgentEvent:
            following, _ = next_step(state, event)
            if following not in found:
                found.add(following)
                edge.append(following)
    return found


@pytest.mark.parametrize("start", AgentState)
def test_every_state_is_reached_from_every_other(start):
    assert reachable(start) == set(AgentState)


def test_a_lost_link_ends_whatever_was_going_on():
    assert {next_step(state, AgentEvent.LINK_DOWN)[0] for state in AgentState} == {AgentState.AWAY}


def test_a_call_rings_wherever_the_agent_is_not_on_another():
    rung = {state for state in AgentState if next_step(state, AgentEvent.RINGING)[0] is AgentState.RINGING}
    assert rung == set(AgentState) - {AgentState.AWAY, AgentState.TALK, AgentState.DIALING}


def test_only_talk_and_wrap_up_are_productive_and_breaks_are_not_paid():
    assert PRODUCTIVE < PAID and AgentState.BREAK not in PAID and AgentState.READY in PAID


@given(st.lists(st.sampled_from(AgentEvent), max_size=50))
def test_after_any_day_an_agent_can_go_home(events):
    state = AgentState.AWAY
    for event in events:
        state, _ = next_step(state, event)
    for event in (AgentEvent.RELEASED, AgentEvent.WRAPPED, AgentEvent.RECORD_GONE, AgentEvent.BREAK_OVER,
                  AgentEvent.SHIFT_OVER):
        state, action = next_step(state, event)
    assert state is AgentState.AWAY
