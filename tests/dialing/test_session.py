"""The dialing session's machine, against a table written from the public rules of load, start, stop and unload."""
from __future__ import annotations

import pytest

from ocs.dialing.session import Condition, SessionEvent, SessionState, next_state
from ocs.errors import WrongState
from tests.dialing.machines import REFUSED, cells, mismatches, reachable

TABLE = """
event         NOT_LOADED  INACTIVE            ACTIVE              RUNNING             WAITING_UNLOAD      UNLOAD_IN_PROGRESS
LOAD          INACTIVE    !                   !                   !                   !                   !
LOADED        !           ACTIVE              !                   !                   !                   !
LOAD_FAILED   !           NOT_LOADED          !                   !                   !                   !
START         !           !                   RUNNING             !                   !                   !
STOP          !           !                   !                   ACTIVE              !                   !
UNLOAD        !           !                   WAITING_UNLOAD      WAITING_UNLOAD      !                   !
DRAINED       !           !                   !                   !                   UNLOAD_IN_PROGRESS  !
FORCE_UNLOAD  !           UNLOAD_IN_PROGRESS  UNLOAD_IN_PROGRESS  UNLOAD_IN_PROGRESS  UNLOAD_IN_PROGRESS  !
UNLOADED      !           !                   !                   !                   !                   NOT_LOADED
"""


def after(state: SessionState, event: SessionEvent) -> SessionState | None:
    try:
        return next_state(state, event)
    except WrongState:
        return None


def test_every_state_and_event_does_what_the_table_says() -> None:
    actual = {}
    for state in SessionState:
        for event in SessionEvent:
            following = after(state, event)
            actual[event.name, state.name] = REFUSED if following is None else following.name
    assert mismatches(cells(TABLE), actual) == []


def test_every_state_is_reached_from_not_loaded() -> None:
    assert reachable(SessionState.NOT_LOADED, SessionEvent, after) == set(SessionState)


@pytest.mark.parametrize("state", SessionState)
def test_every_state_can_be_left_for_not_loaded(state: SessionState) -> None:
    assert SessionState.NOT_LOADED in reachable(state, SessionEvent, after)


def test_the_states_have_the_public_numbers_of_the_campaign_group_status() -> None:
    assert {int(state): state.name for state in SessionState} == {
        0: "NOT_LOADED", 1: "WAITING_UNLOAD", 2: "UNLOAD_IN_PROGRESS", 3: "INACTIVE", 4: "ACTIVE", 5: "RUNNING"}


def test_a_refusal_names_the_session_the_command_and_the_state() -> None:
    with pytest.raises(WrongState, match="^renewals@outbound: cannot start while not loaded$"):
        next_state(SessionState.NOT_LOADED, SessionEvent.START, "renewals@outbound")


def test_a_condition_reads_as_words() -> None:
    assert [condition.value for condition in Condition] == [
        "dialing", "paused", "waiting for agents", "waiting for ports", "waiting for records", "system error"]
