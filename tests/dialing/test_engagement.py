"""The machine of an engaging call: the public flow, and what may go wrong on the way."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.dialing.engagement import Engagement, EngagementState, engaged_step

TRUNK, QUEUE, AGENT, OTHER, CONN = "6800", "6001", "7001", "7002", "0077028a809f7004"
E, S = SwitchEvent, EngagementState


def walk(*events: tuple[SwitchEvent, str] | tuple[SwitchEvent, str, int]) -> Engagement:
    engagement = Engagement(TRUNK)
    for kind, dn, *state in events:
        engagement = engaged_step(engagement, CallEvent(kind, CONN, dn, *state))
    return engagement


FLOW = ((E.DIALING, TRUNK), (E.QUEUED, QUEUE), (E.DIVERTED, QUEUE), (E.RINGING, AGENT), (E.ESTABLISHED, AGENT),
        (E.ESTABLISHED, TRUNK))


def test_the_public_flow_engages_the_agent_whose_phone_rang() -> None:
    states = [walk(*FLOW[:count]).state for count in range(len(FLOW) + 1)]
    assert states == [S.REQUESTED, S.REQUESTED, *[S.OFFERED] * 4, S.ENGAGED]
    assert (walk(*FLOW).agent_dn, walk(*FLOW).conn_id) == (AGENT, CONN)


def test_the_two_ends_may_be_established_in_either_order() -> None:
    assert walk(*FLOW[:4], FLOW[5], FLOW[4]).state is S.ENGAGED
    assert walk(*FLOW[:4], FLOW[5]).coming


def test_an_agent_who_lets_it_ring_does_not_end_it_and_another_is_engaged() -> None:
    declined = walk(*FLOW[:4], (E.RELEASED, AGENT, 22))
    assert declined.coming and declined.agent_dn == ""
    engaged = walk(*FLOW[:4], (E.RELEASED, AGENT, 22), (E.QUEUED, QUEUE), (E.RINGING, OTHER), (E.ESTABLISHED, OTHER),
                   (E.ESTABLISHED, TRUNK))
    assert engaged.state is S.ENGAGED and engaged.agent_dn == OTHER


@pytest.mark.parametrize("end", [(E.RELEASED, TRUNK, 1), (E.RELEASED, AGENT, 0), (E.ABANDONED, QUEUE), (E.VANISHED, TRUNK)])
@pytest.mark.parametrize("count", range(7))
def test_any_end_is_the_end(end: tuple[SwitchEvent, str], count: int) -> None:
    assert walk(*FLOW[:count], end).state is S.OVER
    assert walk(*FLOW[:count], end, *FLOW).state is S.OVER


def test_a_join_that_fails_leaves_the_agent_waiting() -> None:
    joining = walk(*FLOW).joining()
    assert joining.state is S.JOINING and not joining.coming
    assert joining.not_joined().state is S.ENGAGED
    over = engaged_step(joining, CallEvent(E.RELEASED, CONN, TRUNK, 1))
    assert over.state is S.OVER and over.not_joined() is over


EVENTS = st.builds(CallEvent, kind=st.sampled_from(SwitchEvent), conn_id=st.sampled_from(["", CONN]),
                   dn=st.sampled_from([TRUNK, QUEUE, AGENT, OTHER]), call_state=st.integers(0, 53))


@given(st.lists(EVENTS, max_size=30))
def test_any_events_leave_a_sound_engagement(events: list[CallEvent]) -> None:
    engagement, over = Engagement(TRUNK), False
    for event in events:
        after = engaged_step(engagement, event)
        assert not over or after is engagement
        over = after.state is S.OVER
        if after.state is S.ENGAGED:
            assert after.here and after.there and after.agent_dn in (QUEUE, AGENT, OTHER)
        engagement = after
