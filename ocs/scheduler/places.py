"""On which switch a call is placed, for a campaign group that has agents on several: a place is a queue and, where there is one,
a trunk group on one switch. A call stays on its switch, so it is placed where agents wait for whom no call is on its way.
"""
from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ocs.dialing.call import Call
from ocs.dialing.campaign import Place
from ocs.scheduler.context import Context

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Places"]


class Places:
    """The places of one session."""

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session

    @property
    def away(self) -> str:
        """Why nothing can be dialed, or shown to an agent who would dial it, for want of a link; "" if one of the places, or of
        the agents, can be reached."""
        return str(self._context.switch.away(self._session.group.dialed_from))

    def next(self) -> Place:
        """Where the next call goes from: where most agents are ready beyond the calls that are on their way to some."""
        group, switch = self._session.group, self._context.switch
        if len(group.places) == 1:
            return group.places[0]
        ready = Counter(switch.switch_of(dn) for dn in self._context.agents.ready(group)
                        if not self._session.attendance.is_leaving(dn))
        coming = Counter(held.call.origin_dn for held in self._session.calls
                         if held.call is not None and held.call.state.awaits_agent)
        there = [place for place in group.places if not switch.away([place.origin_dn])]
        return max(there or group.places, key=lambda place: ready[switch.switch_of(place.origin_dn)] - coming[place.origin_dn])

    @property
    def stranded(self) -> int:
        """Calls on their way to agents of a switch that is away, as those agents are: the others are not to wait for them."""
        if len(self._session.group.places) == 1:
            return 0
        away = self._context.switch.away
        return sum(held.call is not None and held.call.state.awaits_agent and bool(away([held.call.origin_dn]))
                   for held in self._session.calls)

    def queue_of(self, call: Call) -> str:
        """Where a call waits for an agent: on the switch on which it was placed."""
        group = self._session.group
        queues = [place.voice_transfer_destination for place in group.places if place.origin_dn == call.origin_dn]
        return queues[0] if queues else group.voice_transfer_destination

    def is_on(self, switch: str, call: Call) -> bool:
        """Whether the call is on the switch of this name. One that the CPD Server dialed is where it waits for an agent."""
        dn = self._session.group.voice_transfer_destination if self._session.group.cpd else call.origin_dn
        return bool(self._context.switch.switch_of(dn) == switch)

    @property
    def lines_left(self) -> int | None:
        """How many more calls can go out from the trunk groups, whoever uses them too; None where nobody knows."""
        group = self._session.group
        if group.cpd or group.obn:
            return None
        left = 0
        for place in group.places:
            lines, _ = self._context.switch.resources(place.trunk_group_dn) if place.trunk_group_dn else (0, 0)
            if not lines:
                return None
            share = self._context.line_share(self._session, place.trunk_group_dn, lines)
            own = lines if share is None else share - self._session.calls_from(place.trunk_group_dn)
            left += max(0, min(own, lines - self._context.calls_from(place.trunk_group_dn)))
        return left

    @property
    def ivr_ports(self) -> int | None:
        """How many treatments there can be at a time; None where nobody knows."""
        dn = self._session.group.trunk_group_dn
        ports = self._context.switch.resources(dn)[1] if dn else 0
        return ports or None
