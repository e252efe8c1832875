"""The call machine: every state and event against tables."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.call import Call, CallEvent, CallOrigin, CallState, Effect, SwitchEvent, step
from ocs.dialing.modes import CallFlow
from ocs.dialing.results import CallResult
from ocs.errors import UnexpectedEvent
from tests.dialing.machines import REFUSED, SAME, cells, mismatches, reachable
from tests.dialing.places import AGENT, CONN, ORIGINS, OTHER_AGENT, QUEUE

# The rows of the three tables: an event of the switch, the DN it happens at ("origin": on whose behalf the call was dialed)
# and, for a release, its CallState. "agent" is the one who rings or talks in the states RINGING and TALKING.
STIMULI: dict[str, tuple[SwitchEvent, str, int]] = {
    "dialing": (SwitchEvent.DIALING, "origin", 0),
    "network reached": (SwitchEvent.NETWORK_REACHED, "origin", 0),
    "destination busy": (SwitchEvent.DESTINATION_BUSY, "origin", 6),
    "established at origin": (SwitchEvent.ESTABLISHED, "origin", 0),
    "queued": (SwitchEvent.QUEUED, QUEUE, 0),
    "route request": (SwitchEvent.ROUTE_REQUEST, QUEUE, 0),
    "route used": (SwitchEvent.ROUTE_USED, QUEUE, 0),
    "diverted": (SwitchEvent.DIVERTED, QUEUE, 0),
    "ringing at agent": (SwitchEvent.RINGING, AGENT, 0),
    "established at agent": (SwitchEvent.ESTABLISHED, AGENT, 0),
    "party changed": (SwitchEvent.PARTY_CHANGED, AGENT, 0),
    "party added": (SwitchEvent.PARTY_ADDED, AGENT, 0),
    "party deleted": (SwitchEvent.PARTY_DELETED, AGENT, 0),
    "held": (SwitchEvent.HELD, AGENT, 50),
    "retrieved": (SwitchEvent.RETRIEVED, AGENT, 0),
    "data changed": (SwitchEvent.DATA_CHANGED, AGENT, 0),
    "released at origin": (SwitchEvent.RELEASED, "origin", 7),
    "released at origin, transferred": (SwitchEvent.RELEASED, "origin", 1),
    "released at agent": (SwitchEvent.RELEASED, AGENT, 0),
    "released at agent, redirected": (SwitchEvent.RELEASED, AGENT, 22),
    "released at another agent": (SwitchEvent.RELEASED, OTHER_AGENT, 0),
    "abandoned in queue": (SwitchEvent.ABANDONED, QUEUE, 0),
    "abandoned at agent": (SwitchEvent.ABANDONED, AGENT, 0),
    "treatment applied": (SwitchEvent.TREATMENT_APPLIED, "origin", 0),
    "treatment over": (SwitchEvent.TREATMENT_END, "origin", 0),
    "vanished": (SwitchEvent.VANISHED, "origin", 0),
}

TRUNK_GROUP_TABLE = """
event                            REQUESTED  DIALING   ANSWERED  QUEUED    RINGING   TALKING   ENDED
dialing                          DIALING    -         !         !         !         !         -
network reached                  -          -         -         -         -         -         -
destination busy                 -          -         !         !         !         -         -
established at origin            ANSWERED   ANSWERED  -         !         !         -         -
queued                           QUEUED     QUEUED    QUEUED    -         QUEUED    -         -
route request                    -          -         -         -         -         -         -
route used                       -          -         -         -         -         -         -
diverted                         -          -         -         -         -         -         -
ringing at agent                 RINGING    RINGING   RINGING   RINGING   -         -         -
established at agent             TALKING    TALKING   TALKING   TALKING   TALKING   -         -
party changed                    -          -         -         -         -         -         -
party added                      -          -         -         -         -         -         -
party deleted                    -          -         -         -         -         -         -
held                             -          -         -         -         -         -         -
retrieved                        -          -         -         -         -         -         -
data changed                     -          -         -         -         -         -         -
released at origin               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
released at origin, transferred  -          -         -         -         -         -         -
released at agent                !          ENDED     !         -         QUEUED    ENDED     -
released at agent, redirected    -          -         -         -         -         -         -
released at another agent        !          ENDED     !         -         -         ENDED     -
abandoned in queue               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
abandoned at agent               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
treatment applied                -          -         -         -         -         -         -
treatment over                   -          -         -         -         -         -         -
vanished                         ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
"""

# on behalf of a queue nothing differs: what the trunk group sees as an answer, the queue sees as the call's arrival
QUEUE_TABLE = TRUNK_GROUP_TABLE

# a call of an agent's own: the agent's telephone is the origin, and any leg's end before the conversation is the call's
AGENT_TABLE = """
event                            REQUESTED  DIALING   ANSWERED  QUEUED    RINGING   TALKING   ENDED
dialing                          DIALING    -         !         !         !         !         -
network reached                  -          -         -         -         -         -         -
destination busy                 -          -         !         !         !         -         -
established at origin            TALKING    TALKING   TALKING   TALKING   TALKING   -         -
queued                           QUEUED     QUEUED    QUEUED    -         QUEUED    -         -
route request                    -          -         -         -         -         -         -
route used                       -          -         -         -         -         -         -
diverted                         -          -         -         -         -         -         -
ringing at agent                 RINGING    RINGING   RINGING   RINGING   -         -         -
established at agent             TALKING    TALKING   TALKING   TALKING   TALKING   -         -
party changed                    -          -         -         -         -         -         -
party added                      -          -         -         -         -         -         -
party deleted                    -          -         -         -         -         -         -
held                             -          -         -         -         -         -         -
retrieved                        -          -         -         -         -         -         -
data changed                     -          -         -         -         -         -         -
released at origin               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
released at origin, transferred  -          -         -         -         -         -         -
released at agent                ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
released at agent, redirected    -          -         -         -         -         -         -
released at another agent        ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
abandoned in queue               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
abandoned at agent               ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
treatment applied                -          -         -         -         -         -         -
treatment over                   -          -         -         -         -         -         -
vanished                         ENDED      ENDED     ENDED     ENDED     ENDED     ENDED     -
"""

# into an application: what differs from another call of a trunk group
IVR_TABLE = """
event                            REQUESTED  DIALING   ANSWERED   LISTENING  QUEUED    RINGING   TALKING   ENDED
treatment applied                !          !         LISTENING  -          -         !         !         -
treatment over                   !          !         -          ANSWERED   -         -         -         -
established at origin            ANSWERED   ANSWERED  -          -          !         !         -         -
queued                           QUEUED     QUEUED    QUEUED     QUEUED     -         QUEUED    -         -
ringing at agent                 RINGING    RINGING   RINGING    RINGING    RINGING   -         -         -
established at agent             TALKING    TALKING   TALKING    TALKING    TALKING   TALKING   -         -
party changed                    -          -         -          -          -         -         -         -
released at origin               ENDED      ENDED     ENDED      ENDED      ENDED     ENDED     ENDED     -
released at origin, transferred  -          -         -          -          -         -         -         -
vanished                         ENDED      ENDED     ENDED      ENDED      ENDED     ENDED     ENDED     -
"""

TABLES = {CallOrigin.TRUNK_GROUP: TRUNK_GROUP_TABLE, CallOrigin.QUEUE: QUEUE_TABLE, CallOrigin.AGENT: AGENT_TABLE}


STATES = [state for state in CallState if state is not CallState.LISTENING]     # of calls that meet no application


def call_in(origin: CallOrigin, state: CallState, flow: CallFlow = CallFlow.TRANSFER) -> Call:
    """A call as it is in that state, with what the way there has noted."""
    call = Call(origin, ORIGINS[origin], flow, state=state, conn_id=CONN)
    if state in (CallState.RINGING, CallState.TALKING):
        call = replace(call, agent_dn=AGENT, answered_at=5.0, talked=state is CallState.TALKING)
    return replace(call, ended_at=9.0, result=CallResult.BUSY) if state is CallState.ENDED else call


def stimulus(origin: CallOrigin, name: str) -> CallEvent:
    kind, place, call_state = STIMULI[name]
    return CallEvent(kind, CONN, ORIGINS[origin] if place == "origin" else place, call_state, at=10.0)


def cell(origin: CallOrigin, state: CallState, name: str, flow: CallFlow = CallFlow.TRANSFER) -> str:
    try:
        after, _ = step(call_in(origin, state, flow), stimulus(origin, name))
    except UnexpectedEvent:
        return REFUSED
    return SAME if after.state is state else after.state.name


@pytest.mark.parametrize("origin", CallOrigin)
def test_every_state_and_event_does_what_the_table_says(origin: CallOrigin) -> None:
    expected = cells(TABLES[origin])
    if origin is CallOrigin.QUEUE:      # an answer at the queue is EventQueued; nobody is established there
        expected |= {("established at origin", state.name): REFUSED if state in (CallState.QUEUED, CallState.RINGING)
                     else expected["established at origin", state.name] for state in STATES}
    actual = {(name, state.name): cell(origin, state, name) for name in STIMULI for state in STATES}
    assert mismatches(expected, actual) == []


def test_a_call_into_an_application_does_what_its_table_says() -> None:
    expected = cells(IVR_TABLE)
    actual = {(name, state): cell(CallOrigin.TRUNK_GROUP, CallState[state], name, CallFlow.IVR) for name, state in expected}
    assert mismatches(expected, actual) == [] and {state for _, state in expected} == {state.name for state in CallState}


def test_seizing_differs_by_the_join_alone() -> None:
    for name in STIMULI:
        for state in STATES:
            plain, seizing = (cell(CallOrigin.TRUNK_GROUP, state, name, flow) for flow in (CallFlow.TRANSFER, CallFlow.SEIZING))
            joined = name == "party changed" and state is CallState.ANSWERED
            assert seizing == ("TALKING" if joined else plain), (name, state)


def test_the_tables_name_every_event_of_the_switch() -> None:
    assert {kind for kind, _, _ in STIMULI.values()} == set(SwitchEvent)


@pytest.mark.parametrize("origin", CallOrigin)
@pytest.mark.parametrize("state", STATES)
def test_every_state_can_come_to_its_end(origin: CallOrigin, state: CallState) -> None:
    def after(state: CallState, name: str) -> CallState | None:
        word = cell(origin, state, name)
        return None if word == REFUSED else state if word == SAME else CallState[word]

    found: set[CallState] = reachable(state, STIMULI, after)
    assert CallState.ENDED in found
    if state is CallState.REQUESTED:    # a call that an agent dials is never answered at a trunk group
        assert set(STATES) - found == ({CallState.ANSWERED} if origin is CallOrigin.AGENT else set())


@pytest.mark.parametrize("origin", CallOrigin)
@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("name", STIMULI)
def test_only_the_step_into_the_end_asks_to_settle(origin: CallOrigin, state: CallState, name: str) -> None:
    before = call_in(origin, state)
    try:
        after, effect = step(before, stimulus(origin, name))
    except UnexpectedEvent:
        return
    assert (effect is Effect.ENDED) == (state is not CallState.ENDED and after.state is CallState.ENDED)
    assert (after.result is not None and after.ended_at is not None) == (after.state is CallState.ENDED)


def test_a_refused_event_is_told_with_call_event_place_and_state() -> None:
    with pytest.raises(UnexpectedEvent, match=f"^call {CONN}: EventDialing at 6001 in state QUEUED$"):
        step(call_in(CallOrigin.QUEUE, CallState.QUEUED), stimulus(CallOrigin.QUEUE, "dialing"))


def test_a_call_may_need_an_agent_until_one_is_found() -> None:
    assert {state for state in CallState if state.awaits_agent} == {
        CallState.REQUESTED, CallState.DIALING, CallState.ANSWERED, CallState.QUEUED}
