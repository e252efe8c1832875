"""Where agents sit who are connected to this server: an agent at a DN, with a desktop or, for a while, without one."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

from twisted.internet.interfaces import IDelayedCall

__all__ = ["Budget", "Connection", "Seat", "Seats"]


class Budget:
    """How many requests one connection may make: so many a second, and so many at once after a while of silence. Pure."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._at = burst, now
        self.refused = 0            # in a row

    def take(self, now: float) -> bool:
        """Whether one more may be made at `now` (monotonic seconds); it is counted then."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1.0:
            self.refused += 1
            return False
        self._left -= 1.0
        self.refused = 0
        return True


@dataclass(eq=False, slots=True)
class Seat:
    """One agent at a DN. `client` is the connection, None while it is lost; `confirmed` once the switch has logged the agent in;
    `attributes` are those of EventAgentLogin."""

    agent_id: str
    dn: str
    client: Any
    confirmed: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    grace: IDelayedCall | None = None

    def end_grace(self) -> None:
        """Somebody is there again, or nobody is awaited any more."""
        if self.grace is not None and self.grace.active():
            self.grace.cancel()
        self.grace = None


@dataclass(eq=False, slots=True)
class Connection:
    """What is known of one client. `agent_id` is set where the connection is an agent's own."""

    budget: Budget
    agent_id: str = ""
    seat: Seat | None = None
    busy: bool = False          # a log-in is under way
    outstanding: int = 0        # requests that are not answered yet


class Seats:
    """All of them: an agent has one, a DN has one."""

    def __init__(self) -> None:
        self._of: dict[str, Seat] = {}
        self._at: dict[str, Seat] = {}

    def __iter__(self) -> Iterator[Seat]:
        return iter(list(self._of.values()))

    def __len__(self) -> int:
        return len(self._of)

    def of(self, agent_id: str) -> Seat | None:
        """The agent's."""
        return self._of.get(agent_id)

    def at(self, dn: str) -> Seat | None:
        """The one at the DN."""
        return self._at.get(dn)

    def take(self, seat: Seat) -> None:
        """The agent sits down. Neither agent nor DN may have a seat."""
        assert seat.agent_id not in self._of and seat.dn not in self._at
        self._of[seat.agent_id] = self._at[seat.dn] = seat

    def leave(self, seat: Seat) -> bool:
        """The agent is gone; False if that was known."""
        if self._of.get(seat.agent_id) is not seat:
            return False
        seat.end_grace()
        del self._of[seat.agent_id], self._at[seat.dn]
        return True
