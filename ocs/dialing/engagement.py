"""An engaging call: an agent is put on the line ahead of a customer, and waits there. States, events, a table.

The call goes from a trunk group to the voice transfer destination, whose queue gives it to an agent like any other call. When
both ends are established the agent is engaged; then a customer is joined with that agent, or the agent or the OCS ends it.
Source: call flow 10.5 of the T-Server reference (docs/wire.md, section 9.5).
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.dialing.results import CallResult

__all__ = ["Engagement", "EngagementState", "engaged_step"]


class EngagementState(Enum):
    """Where an engaging call stands."""
    REQUESTED = auto()      # the request is out, or the switch dials
    OFFERED = auto()        # waits in the queue, or rings at an agent
    ENGAGED = auto()        # the agent waits for a customer
    JOINING = auto()        # a customer is being joined with the agent
    OVER = auto()           # joined, released, or nobody came


@dataclass(frozen=True, slots=True)
class Engagement:
    """One engaging call from `origin_dn`. `agent_dn` is whom it rings at, or who is engaged."""

    origin_dn: str
    state: EngagementState = EngagementState.REQUESTED
    conn_id: str = ""
    agent_dn: str = ""
    here: bool = False          # established at the trunk group
    there: bool = False         # established at the agent

    @property
    def coming(self) -> bool:
        """True while an agent may still be engaged by it."""
        return self.state in (EngagementState.REQUESTED, EngagementState.OFFERED)

    def joining(self) -> Engagement:
        """A customer is being joined with the agent."""
        return replace(self, state=EngagementState.JOINING)

    def given_up(self) -> Engagement:
        """Nobody waits for the agent any more, nor the agent for anybody."""
        return replace(self, state=EngagementState.OVER)

    def not_joined(self) -> Engagement:
        """It did not come about; the agent waits on."""
        return replace(self, state=EngagementState.ENGAGED) if self.state is EngagementState.JOINING else self


_OFFERS = frozenset({SwitchEvent.QUEUED, SwitchEvent.ROUTE_REQUEST, SwitchEvent.DIVERTED, SwitchEvent.RINGING})
_ENDS = frozenset({SwitchEvent.RELEASED, SwitchEvent.ABANDONED, SwitchEvent.VANISHED})


def engaged_step(engagement: Engagement, event: CallEvent) -> Engagement:
    """The engaging call after an event of its own; events that mean nothing change nothing."""
    state = engagement.state
    if state is EngagementState.OVER:
        return engagement
    if not engagement.conn_id and event.conn_id:
        engagement = replace(engagement, conn_id=event.conn_id)
    if event.kind in _ENDS:
        # an agent who lets it ring sends it back to the queue: the call goes on
        goes_on = event.kind is SwitchEvent.RELEASED and event.call_state == CallResult.REDIRECTED
        return replace(engagement, agent_dn="") if goes_on else replace(engagement, state=EngagementState.OVER)
    if event.kind in _OFFERS:
        agent_dn = event.dn if event.kind is SwitchEvent.RINGING else engagement.agent_dn
        offered = state in (EngagementState.REQUESTED, EngagementState.OFFERED)
        return replace(engagement, state=EngagementState.OFFERED, agent_dn=agent_dn) if offered else engagement
    if event.kind is SwitchEvent.ESTABLISHED:
        at_origin = event.dn == engagement.origin_dn
        engagement = replace(engagement, here=engagement.here or at_origin, there=engagement.there or not at_origin,
                             agent_dn=engagement.agent_dn if at_origin else event.dn)
        if engagement.coming and engagement.here and engagement.there:
            return replace(engagement, state=EngagementState.ENGAGED)
    return engagement
