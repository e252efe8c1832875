"""The record buffer of a session: chains retrieved ahead of need, by whole chains, never more than the optimal size.

Below `minimum_buffer` chains an agent the lists are asked for as many as make `optimal_buffer`. A list that had nothing
more is asked again after a pause. Chains whose treatment delay is over come back to the front.
"""
from __future__ import annotations

from collections import deque
from math import ceil
from typing import Callable, Mapping

from twisted.logger import Logger

from ocs.dialing.dial_hours import open_zones
from ocs.dialing.results import RecordType
from ocs.dialing.values import CallingList, CampaignGroup, Chain, ClaimRequest, Owner
from ocs.errors import OCSError
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain

__all__ = ["RecordBuffer"]

_ZONES_KEPT_S = 60.0


class RecordBuffer:
    """Chains that wait for a dial or a preview, first in first out, and the retrieval that keeps them coming."""

    log = Logger()

    def __init__(self, context: Context, group: CampaignGroup, owner: Owner,
                 taken: Callable[[CallingList, Chain], None], agents: Callable[[], int],
                 idle: Callable[[], None]) -> None:
        self._context, self._group, self._owner, self._taken, self._agents = context, group, owner, taken, agents
        self._idle = idle               # called when a retrieval is over
        self.claims = 0                 # retrievals under way: chains may still come
        self._queue: deque[HeldChain] = deque()
        self._zones: dict[str, tuple[float, Mapping[int, str]]] = {}
        self._asked_again_at: dict[str, float] = {}
        self._filling = False

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def exhausted(self) -> bool:
        """True while every list has lately had nothing more."""
        now = self._context.clock.seconds()
        return all(self._asked_again_at.get(each.name, 0.0) > now for each in self._group.lists)

    def append(self, held: HeldChain) -> None:
        """A chain that has just been retrieved."""
        self._queue.append(held)

    def put_first(self, held: HeldChain) -> None:
        """A chain whose time has come, or that was not dialed after all."""
        self._queue.appendleft(held)

    def take(self) -> HeldChain | None:
        """The next chain; None if the buffer is empty."""
        return self._queue.popleft() if self._queue else None

    def remove(self, held: HeldChain) -> None:
        """Take out one chain, if it is here."""
        try:
            self._queue.remove(held)
        except ValueError:
            pass

    def take_all(self) -> list[HeldChain]:
        """Empty the buffer."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    def wanted(self) -> int:
        """How many chains to retrieve now."""
        agents = max(1, self._agents())
        if len(self._queue) >= ceil(self._group.minimum_buffer * agents):
            return 0
        return max(0, ceil(self._group.optimal_buffer * agents) - len(self._queue))

    async def fill(self) -> int:
        """Retrieve what is wanted, list after list; the chains go to `taken`. Returns how many came."""
        if self._filling:
            return 0
        self._filling = True
        came = 0
        try:
            for calling_list in self._group.lists:
                wanted, now = self.wanted(), self._context.clock.seconds()
                if not wanted or self._asked_again_at.get(calling_list.name, 0.0) > now:
                    continue
                chains = await self._claim(calling_list, wanted)
                if len(chains) < wanted:
                    pause_s = self._context.options.retrieval_interval_s
                    self._asked_again_at[calling_list.name] = self._context.clock.seconds() + pause_s
                came += len(chains)
                for chain in chains:
                    self._taken(calling_list, chain)
        except OCSError as error:
            # the database is away: dialing goes on from what is here, the lists are asked again after the pause
            self.log.error("retrieval for {group} failed: {reason}", group=self._group.name, reason=str(error))
            pause_until = self._context.clock.seconds() + self._context.options.retrieval_interval_s
            self._asked_again_at.update((each.name, pause_until) for each in self._group.lists)
        finally:
            self._filling = False
            self._idle()
        return came

    async def take_for(self, agent_id: str) -> int:
        """Retrieve one chain that is meant for this agent alone, if one is due; it goes to `taken`."""
        types = (RecordType.PERSONAL_CALLBACK, RecordType.PERSONAL_RESCHEDULED)
        try:
            for calling_list in self._group.lists:
                for chain in await self._claim(calling_list, 1, types, agent_id):
                    self._taken(calling_list, chain)
                    self._queue.rotate(1)       # it came in last and is to go out first
                    return 1
        finally:
            self._idle()
        return 0

    async def _claim(self, calling_list: CallingList, limit: int, types: tuple[RecordType, ...] | None = None,
                     agent_id: str | None = None) -> list[Chain]:
        self.claims += 1
        try:
            return await self._claimed(calling_list, limit, types, agent_id)
        finally:
            self.claims -= 1

    async def _claimed(self, calling_list: CallingList, limit: int, types: tuple[RecordType, ...] | None,
                       agent_id: str | None) -> list[Chain]:
        zones = await self._zones_of(calling_list.name)
        now = self._context.clock.wall()
        request = ClaimRequest(calling_list.name, self._owner, limit, int(now), open_zones(now, zones, calling_list.windows),
                               agent_id=agent_id, **({} if types is None else {"types": types}))
        return list(await self._context.store.claim_chains(request))

    async def _zones_of(self, name: str) -> Mapping[int, str]:
        now = self._context.clock.seconds()
        read_at, zones = self._zones.get(name, (float("-inf"), {}))
        if now - read_at > _ZONES_KEPT_S * max(1.0, self._context.clock.speed):
            zones = await self._context.store.zones(name)
            self._zones[name] = now, zones
        return zones
