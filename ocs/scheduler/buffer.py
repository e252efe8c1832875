"""The record buffer of a session: chains retrieved ahead of need, by whole chains, never more than the optimal size.

Below `minimum_buffer` chains an agent the lists are asked for as many as make `optimal_buffer`: by priority of the record
types, the lists by their shares (`ocs.dialing.shares`). What a list had no more of is asked for again after a pause. Chains
wait by the priority of their type, then in the order in which they came; those whose treatment delay is over are first.
(Callbacks, which the session looks for at their time, may stand beyond the optimal size: one for each agent.)
"""
from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Callable, Iterable, Iterator, Mapping, Protocol, Sequence

from twisted.logger import Logger, LogLevel

from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.dial_hours import open_zones
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.results import RecordType
from ocs.dialing.shares import CAMPAIGN_TYPES, Ask, ListShare, begin_retrieval, weight_info
from ocs.dialing.values import Chain, ClaimRequest, Owner
from ocs.errors import OCSError
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain
from ocs.scheduler.ranked_queue import RankedQueue

__all__ = ["RecordBuffer"]

_ZONES_KEPT_S = 60.0


class _Taken(Protocol):
    def __call__(self, calling_list: CallingList, chain: Chain, wanted: bool) -> None:
        """A chain was retrieved; not `wanted`: meanwhile its list is dialed no more, or otherwise."""


class RecordBuffer:
    """Chains that wait for a dial or a preview, and the retrieval that keeps them coming."""

    log = Logger()

    def __init__(self, context: Context, group: CampaignGroup, owner: Owner, taken: _Taken, agents: Callable[[], int],
                 keeps: Callable[[], bool], idle: Callable[[], None], filter_of: Callable[[str], RecordFilter | None]) -> None:
        self._context, self._group, self._owner, self._taken, self._agents = context, group, owner, taken, agents
        self._keeps = keeps             # whether chains are kept here at all
        self._idle = idle               # called when a retrieval is over
        self._filter_of = filter_of     # of a calling list, by name
        self.claims = 0                 # retrievals under way: chains may still come
        self._queue: RankedQueue[HeldChain] = RankedQueue()
        self._zones: dict[str, tuple[float, Mapping[int, str]]] = {}        # by table
        self._asked_again_at: dict[tuple[str, RecordType], float] = {}
        self._balances: Mapping[str, Fraction] = {}     # what the shares have been rounded by
        self._changes: Counter[str] = Counter()         # list -> how often it was dialed otherwise than before
        self._filling = self._failing = False

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[HeldChain]:
        """The chains, the next one first."""
        return iter(list(self._queue))

    @property
    def exhausted(self) -> bool:
        """True while every list has lately had nothing more."""
        dry = self._dry()
        return all((each.name, one) in dry for each in self._group.active_lists for tier in self._group.tiers for one in tier)

    def _dry(self) -> set[tuple[str, RecordType]]:
        now = self._context.clock.seconds()
        return {pair for pair, until in self._asked_again_at.items() if until > now}

    # -- the queue ------------------------------------------------------------------------------------------------
    def append(self, held: HeldChain) -> None:
        """A chain that has just been retrieved: behind those of the same priority."""
        record_type = held.record.record_type
        self._queue.append(held, self._group.priorities.of(record_type) if record_type in CAMPAIGN_TYPES else 0)

    def put_first(self, held: HeldChain) -> None:
        """A chain whose time has come, or that was not dialed after all."""
        self._queue.put_first(held)

    def take(self) -> HeldChain | None:
        """The next chain; None if the buffer is empty."""
        return self._queue.take()

    def remove(self, held: HeldChain) -> None:
        """Take out one chain, if it is here."""
        self._queue.remove(held)

    def regroup(self, group: CampaignGroup, owner: Owner, changed: Iterable[str]) -> None:
        """The session's group has other values, these lists are dialed otherwise: chains of theirs that are on their way
        from the store are no longer wanted, and every list may be asked at once."""
        self._group, self._owner = group, owner
        self._changes.update(changed)
        self._asked_again_at.clear()

    def records_added(self, calling_list: str) -> None:
        """A list has more than it had when it was asked last, perhaps in a zone in which it had nothing."""
        self._zones.clear()
        for pair in [pair for pair in self._asked_again_at if pair[0] == calling_list]:
            del self._asked_again_at[pair]

    # -- retrieval ------------------------------------------------------------------------------------------------
    def wanted(self) -> int:
        """How many chains to retrieve now."""
        return self._group.factors.wanted(len(self._queue), self._agents())

    async def fill(self) -> int:
        """Retrieve what is wanted, each list's share; the chains go to `taken`. Returns how many came."""
        wanted = self.wanted()
        if self._filling or not wanted:
            self._idle()
            return 0
        self._filling = True
        group = self._group
        shares = [ListShare(each.name, each.share, each.active) for each in group.lists]
        retrieval = begin_retrieval(wanted, shares, group.tiers, self._balances, self._dry())
        try:
            while asks := retrieval.asks():
                retrieval = retrieval.answered({ask.calling_list: await self._answer(ask) for ask in asks})
            self._balances, self._failing = retrieval.balances, False
        except OCSError as error:
            # the database is away: dialing goes on from what is here, the lists are asked again after the pause
            self.log.emit(LogLevel.debug if self._failing else LogLevel.error, "retrieval for {group} failed: {reason}",
                          group=self._group.name, reason=str(error))
            self._failing = True
            for each in self._group.lists:
                self._pause(each.name, CAMPAIGN_TYPES)
        finally:
            self._filling = False
            self._idle()
        return retrieval.came

    async def _answer(self, ask: Ask) -> int:
        """How many chains a list gave. None where meanwhile the chains are no longer kept here, or the list not dialed."""
        calling_list = next((each for each in self._group.active_lists if each.name == ask.calling_list), None)
        if calling_list is None or not self._keeps():
            return 0
        changes = self._changes[ask.calling_list]
        came = await self.ask(calling_list, ask.count, ask.types)
        self.log.debug("{weights}; came {count}", weights=weight_info(ask, self._agents()), count=came,
                       calling_list=ask.calling_list)
        if came < ask.count and changes == self._changes[ask.calling_list]:
            self._pause(ask.calling_list, ask.types)
        return came

    def _pause(self, name: str, types: Sequence[RecordType]) -> None:
        until = self._context.clock.seconds() + self._context.options.retrieval_interval_s
        self._asked_again_at.update(((name, one), until) for one in types)

    async def ask(self, calling_list: CallingList, limit: int, types: tuple[RecordType, ...], *, ago_s: float = 0.0,
                  own: bool = False, agent_ids: tuple[str, ...] | None = None,
                  without_agents: tuple[str, ...] = ()) -> int:
        """Retrieve up to `limit` chains of these types, as they were due `ago_s` ago; `own`: callbacks only of this campaign
        and group, whatever the group's options say. They go to `taken`. How many came. Fails as the store does."""
        self.claims += 1
        changes = self._changes[calling_list.name]
        try:
            chains = await self._claimed(calling_list, limit, types, ago_s, own, agent_ids, without_agents)
            for chain in chains:
                self._taken(calling_list, chain, changes == self._changes[calling_list.name])
            return len(chains)
        finally:
            self.claims -= 1
            if not self._filling:
                self._idle()

    async def _claimed(self, calling_list: CallingList, limit: int, types: tuple[RecordType, ...], ago_s: float, own: bool,
                       agent_ids: tuple[str, ...] | None, without_agents: tuple[str, ...]) -> list[Chain]:
        zones = await self._zones_of(calling_list.reads)
        group, now = self._group, self._context.clock.wall() - ago_s
        request = ClaimRequest(
            calling_list.reads, self._owner, limit, int(now), open_zones(now, zones, calling_list.windows), types,
            agent_ids=agent_ids, without_agents=without_agents, own_campaign=own or group.callback_observe_campaign,
            own_group=own or group.callback_observe_group, filter=self._filter_of(calling_list.name),
            calling_list=calling_list.name)
        chains = list(await self._context.store.claim_chains(request))
        return await self._context.past_dials.of_chains(chains, calling_list.attempt_rules)

    async def _zones_of(self, table: str) -> Mapping[int, str]:
        now = self._context.clock.seconds()
        read_at, zones = self._zones.get(table, (float("-inf"), {}))
        if now - read_at > _ZONES_KEPT_S * max(1.0, self._context.clock.speed):
            zones = await self._context.store.zones(table)
            self._zones[table] = now, zones
        return zones
