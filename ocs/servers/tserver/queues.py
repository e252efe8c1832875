"""An ACD queue: calls wait in the order of their arrival, idle agents in the order of becoming idle.

Both sides are kept here so that neither an arriving call nor an agent who becomes ready has to search for the other.
"""
from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from typing import TYPE_CHECKING, Iterable

if TYPE_CHECKING:
    from ocs.servers.tserver.agents import Agent
    from ocs.servers.tserver.calls import Party

__all__ = ["AcdQueue"]


class AcdQueue:
    """Waiting parties and idle agents; at most `limit` calls wait. Members are told apart by identity."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.members: set[Agent] = set()                # all who are logged in to the queue
        self._waiting: OrderedDict[Party, None] = OrderedDict()
        self._first, self._last = 0, 0                  # places given at the head and at the tail
        self._idle: list[tuple[float, int, Agent]] = []
        self._place: dict[Agent, tuple[float, int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> list[Agent]:
        """The idle agents, longest idle first."""
        return [agent for _, _, agent in self._idle]

    @property
    def idle_count(self) -> int:
        """How many agents are idle."""
        return len(self._idle)

    @property
    def full(self) -> bool:
        """True if one more call could neither wait nor be given to an agent."""
        return not self._idle and len(self._waiting) >= self.limit

    def wait(self, party: Party, at_head: bool = False) -> None:
        """Let a party wait, behind the others or before them. The bound is the caller's to check with `full`: a call
        that an agent did not answer returns even to a full queue."""
        self._waiting[party] = None
        if at_head:
            self._waiting.move_to_end(party, last=False)
            self._first -= 1
            party.place = self._first
        else:
            self._last += 1
            party.place = self._last

    def restore(self, parties: Iterable[Party]) -> None:
        """These wait, and nobody else, in the order of their places."""
        self._waiting = OrderedDict.fromkeys(sorted(parties, key=lambda party: party.place))
        places = [party.place for party in self._waiting]
        self._first, self._last = min([0, *places]), max([0, *places])

    def forget(self, party: Party) -> None:
        """The party waits no more; nothing happens if it did not."""
        self._waiting.pop(party, None)

    def add_idle(self, agent: Agent, since: float) -> None:
        """An agent is free since `since` (monotonic seconds); nothing happens if it already stands here."""
        if agent in self._place:
            return
        self._count += 1
        self._place[agent] = (since, self._count)
        insort(self._idle, (since, self._count, agent))

    def remove_idle(self, agent: Agent) -> None:
        """An agent is free no more; nothing happens if it was not."""
        place = self._place.pop(agent, None)
        if place is not None:
            del self._idle[bisect_left(self._idle, place)]      # (since, n) sorts just before (since, n, agent)

    def match(self) -> tuple[Party, Agent] | None:
        """The call that waits first and the agent who is idle longest; None if either is wanting. Both are taken out."""
        if not self._waiting or not self._idle:
            return None
        party, _ = self._waiting.popitem(last=False)
        agent = self._idle[0][2]
        self.remove_idle(agent)
        return party, agent
