"""What desktops ask of a T-Server by way of this server, and what they hear there: requests go out as they came, events of
the DNs that are followed come back as the T-Server sent them.

An answer goes to whoever asked; it is not told as an event of the DN a second time. Everybody else's answers are.
"""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred

from protocols.message import Message

__all__ = ["DESK_EVENTS", "Relay"]

# of what a T-Server tells of a DN, this is for the desktop there
DESK_EVENTS = frozenset({
    "EventAgentLogin", "EventAgentLogout", "EventAgentReady", "EventAgentNotReady", "EventAgentAfterCallWork",
    "EventRinging", "EventDialing", "EventNetworkReached", "EventEstablished", "EventHeld", "EventRetrieved", "EventReleased",
    "EventAbandoned", "EventDestinationBusy", "EventPartyChanged", "EventPartyAdded", "EventPartyDeleted",
    "EventAttachedDataChanged", "EventUserEvent"})

Told = Callable[[Message], None]


class Relay:
    """Beside one link. `ask(name, attributes)` is the link's own."""

    def __init__(self, ask: Callable[[str, Mapping[str, Any]], Deferred[Message]]) -> None:
        self._ask = ask
        self._followers: dict[str, Told] = {}
        self._answers: set[int] = set()         # reference ids of answers that were given, and are still to come as events

    def ask(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        """Fires with the answer as the T-Server gave it; fails as every request of a link."""
        return self._ask(name, attributes).addCallback(self._answered)

    def _answered(self, answer: Message) -> Message:
        if answer.reference_id:
            self._answers.add(answer.reference_id)
        return answer

    def follow(self, dn: str, told: Told | None) -> None:
        """Call `told(message)` with each event of the DN from now on; None ends it. A DN has one follower, the last one."""
        if told is None:
            self._followers.pop(dn, None)
        else:
            self._followers[dn] = told

    def heard(self, message: Message) -> None:
        """The link has got a message."""
        if message.reference_id and message.reference_id in self._answers:
            self._answers.discard(message.reference_id)
        elif message.name in DESK_EVENTS and isinstance(dn := message.get("ThisDN", ""), str):
            told = self._followers.get(dn)
            if told is not None:
                told(message)

    def lost(self) -> None:
        """The link is gone: what was answered does not come as an event any more."""
        self._answers.clear()
