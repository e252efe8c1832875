"""Calls of others that wait in queues: they want the agents of our sessions, too, and are served first.

Whatever stands in a queue and was dialed by no session of ours is such a call: inbound, or another server's. What waited while a
link was away is not known: after a reconnect only those count that come.
"""
from __future__ import annotations

from collections import OrderedDict
from typing import Callable

from ocs.dialing.call import CallEvent, SwitchEvent

__all__ = ["WaitingCalls"]

_LIMIT = 20_000         # calls remembered
_LEAVES = frozenset({SwitchEvent.DIVERTED, SwitchEvent.ABANDONED, SwitchEvent.RELEASED, SwitchEvent.RINGING,
                     SwitchEvent.ESTABLISHED, SwitchEvent.ROUTE_USED})


class WaitingCalls:
    """Calls that wait, by queue. `ours(conn_id)` says whether a session dialed a call."""

    def __init__(self, ours: Callable[[str], bool] = lambda conn_id: False) -> None:
        self.ours = ours
        self._at: OrderedDict[str, str] = OrderedDict()         # ConnID -> queue
        self._seen: OrderedDict[str, None] = OrderedDict()      # came, here or at an agent: each is told once

    def event(self, event: CallEvent) -> bool:
        """A call's event, after our sessions have looked at it. True if a call of others has just come to queue `event.dn`."""
        if event.kind is SwitchEvent.PARTY_CHANGED:
            self._joined(event.previous_conn_id, event.conn_id)
        if event.kind is SwitchEvent.RELEASED and self._at.get(event.conn_id) != event.dn:
            return False        # who has transferred it is gone; it waits still
        if event.kind in _LEAVES:
            self._at.pop(event.conn_id, None)
            return False
        if event.kind is not SwitchEvent.QUEUED or self.ours(event.conn_id):
            return False
        self._at[event.conn_id] = event.dn
        if len(self._at) > _LIMIT:
            self._at.popitem(last=False)
        return self.first_seen(event.conn_id)

    def _joined(self, consultation: str, conn_id: str) -> None:
        """A consultation call, which may have waited, was joined with the call that it was made for: that one waits now, be it
        one of ours that its agent has handed on."""
        dn = self._at.pop(consultation, None)
        if dn is not None:
            self._at[conn_id] = dn
            self.first_seen(conn_id)

    def first_seen(self, conn_id: str) -> bool:
        """True the first time that a call of others is seen anywhere."""
        if conn_id in self._seen:
            return False
        self._seen[conn_id] = None
        if len(self._seen) > _LIMIT:
            self._seen.popitem(last=False)
        return True

    def at(self, dns: frozenset[str]) -> int:
        """How many wait in these queues."""
        return sum(dn in dns for dn in self._at.values()) if self._at else 0

    def forget(self, concerned: Callable[[str], bool]) -> None:
        """The link to these queues is gone, and with it the picture."""
        for conn_id, dn in list(self._at.items()):
            if concerned(dn):
                del self._at[conn_id]
