"""How many chains to retrieve from which calling list, and of which record types first.

A retrieval begins when fewer chains wait than the minimum buffer factor times the sources that dial (agents, or ports), and
asks for as many as make the optimal factor. Record types are taken by priority: what is ready of a higher one, in any list,
goes first. Within one priority the lists are taken by their shares: 10 and 30 give one chain to three. A list that has
fewer ready gives the rest of its share to the others, by their shares.

Chains are whole, shares are not: what is rounded away is carried to the next retrieval as a list's balance, so that many
small retrievals have the same proportions as a large one. A list that runs dry forgets its balance: it shall not claim
later, all at once, what it did not have. A balance is never more than one retrieval's chains, so that a list which had all
the callbacks pays for them soon and not for hours.

Worked example: shares 10, 10, 20 and 10 chains wanted are 2.5, 2.5 and 5 chains. The remainders are equal, the first list
gets the chain that is left: 3, 2, 5; its balance is -0.5, the second's 0.5. The next 10 are 2, 3, 5.
"""
from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil
from typing import Iterable, Mapping, Sequence

from ocs.dialing.results import RecordType

__all__ = ["Ask", "BufferFactors", "CAMPAIGN_TYPES", "DEFAULT_SHARE", "ListShare", "Retrieval", "TypePriorities",
           "begin_retrieval", "split", "weight_info"]

DEFAULT_SHARE = 10
CAMPAIGN_TYPES = (RecordType.GENERAL, RecordType.CAMPAIGN_RESCHEDULED, RecordType.CAMPAIGN_CALLBACK)
_FINEST = 1_000_000             # denominator of a balance that is carried


@dataclass(frozen=True)
class BufferFactors:
    """Chains for each source of dials: retrieve below `minimum`, up to `optimal`."""

    minimum: float = 4.0
    optimal: float = 6.0

    def wanted(self, buffered: int, sources: int) -> int:
        """Chains to retrieve now, 0 while enough wait. `sources` are agents or ports; none at all still counts as one, so
        that dialing can begin with the first."""
        sources = max(1, sources)
        if buffered >= ceil(self.minimum * sources):
            return 0
        return max(0, ceil(self.optimal * sources) - buffered)


@dataclass(frozen=True)
class ListShare:
    """A calling list's part in a campaign. An inactive list, and one with a share of 0, is not asked."""

    name: str
    share: int = DEFAULT_SHARE
    active: bool = True

    @property
    def counts(self) -> bool:
        """Whether it is asked."""
        return self.active and self.share > 0


@dataclass(frozen=True)
class TypePriorities:
    """The priority of each record type; a higher number goes first. Source: the public options
    `default_general_priority`, `default_campaignrescheduled_priority`, `default_campaigncallback_priority`; personal records
    stand above them."""

    general: int = 1
    campaign_rescheduled: int = 2
    campaign_callback: int = 3
    personal_rescheduled: int = 4
    personal_callback: int = 5

    def of(self, record_type: RecordType) -> int:
        """The type's priority; ValueError for one that is never retrieved."""
        known = {RecordType.GENERAL: self.general, RecordType.CAMPAIGN_RESCHEDULED: self.campaign_rescheduled,
                 RecordType.CAMPAIGN_CALLBACK: self.campaign_callback,
                 RecordType.PERSONAL_RESCHEDULED: self.personal_rescheduled,
                 RecordType.PERSONAL_CALLBACK: self.personal_callback}
        if record_type not in known:
            raise ValueError(f"records of type {record_type.name} are not retrieved")
        return known[record_type]

    def tiers(self, types: Iterable[RecordType] = CAMPAIGN_TYPES) -> tuple[tuple[RecordType, ...], ...]:
        """These types by falling priority. Types of one priority are one tier and are asked for together, callbacks named
        before recalls and recalls before what was never dialed."""
        ordered = sorted(set(types), key=lambda each: (-self.of(each), -int(each)))
        priorities = sorted({self.of(each) for each in ordered}, reverse=True)
        return tuple(tuple(each for each in ordered if self.of(each) == priority) for priority in priorities)


@dataclass(frozen=True)
class Ask:
    """One request to the store: `count` chains of these types from this list. The rest says why it is `count`."""

    calling_list: str
    types: tuple[RecordType, ...]
    count: int
    share: int
    sum_of_shares: int
    needed: int                 # of all lists together


def split(wanted: int, shares: Mapping[str, int], ready: Mapping[str, int] | None = None,
          balances: Mapping[str, Fraction] | None = None) -> dict[str, int]:
    """How many of `wanted` chains each list gives, in proportion to its share (at least 1) and after its balance. No list
    gives more than it has `ready` (one that is missing there has enough). Their sum is `wanted`, or all that is ready.
    Largest remainders are rounded up; among equal ones the larger share, then the earlier list."""
    limits = {name: max(0, min(wanted, (ready or {}).get(name, wanted))) for name in shares}
    total = max(0, min(wanted, sum(limits.values())))
    exact = _level(total, shares, limits, balances or {})
    counts = {name: int(value) for name, value in exact.items()}
    order = sorted(shares, key=lambda name: (counts[name] - exact[name], -shares[name]))
    left = total - sum(counts.values())
    while left:                         # at most twice: a remainder is less than one chain a list
        for name in order:
            if left and counts[name] < limits[name]:
                counts[name] += 1
                left -= 1
    return counts


def _level(total: int, shares: Mapping[str, int], limits: Mapping[str, int],
           balances: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The exact amounts: balance + level * share, never below 0 nor above the limit, where the level makes `total`.
    The sum rises with the level along straight pieces; they meet where a list reaches 0 or its limit."""
    bends = sorted({(bound - balances.get(name, Fraction(0))) / share for name, share in shares.items()
                    for bound in (Fraction(0), Fraction(limits[name]))})

    def amounts(level: Fraction) -> dict[str, Fraction]:
        return {name: min(max(balances.get(name, Fraction(0)) + level * share, Fraction(0)), Fraction(limits[name]))
                for name, share in shares.items()}

    def reached(level: Fraction) -> Fraction:
        return sum(amounts(level).values(), Fraction(0))

    place = bisect_left(bends, Fraction(total), key=reached)
    if place == 0:
        return {name: Fraction(0) for name in shares}
    below, above = bends[place - 1], bends[place]
    return amounts(below + (above - below) * (total - reached(below)) / (reached(above) - reached(below)))


@dataclass(frozen=True)
class Retrieval:
    """One retrieval on its way: ask the store for what `asks` says, give the answers to `answered`, until nothing is
    asked. `balances` are then what the next retrieval begins with."""

    lists: tuple[ListShare, ...]
    tiers: tuple[tuple[RecordType, ...], ...]
    wanted: int
    balances: Mapping[str, Fraction] = field(default_factory=dict)
    dry: frozenset[tuple[str, RecordType]] = frozenset()       # (list, type) that lately had nothing more
    left: int = 0
    tier: int = 0

    @property
    def came(self) -> int:
        """The chains that came so far."""
        return self.wanted - self.left

    def asks(self) -> tuple[Ask, ...]:
        """What to ask for next, the lists in their order; empty when the retrieval is over."""
        if not self.left or self.tier >= len(self.tiers):
            return ()
        shares = self._open(self.tier)
        counts = split(self.left, shares, balances=self.balances)
        return tuple(Ask(name, self._types(name, self.tier), counts[name], share, sum(shares.values()), self.left)
                     for name, share in shares.items() if counts[name])

    def answered(self, came: Mapping[str, int]) -> "Retrieval":
        """What the retrieval is after the answers to all of `asks` (list -> chains; a list that is missing gave none). A
        list that gave fewer than it was asked for has no more of these types."""
        asked = self.asks()
        given = {ask.calling_list: min(max(0, came.get(ask.calling_list, 0)), ask.count) for ask in asked}
        exhausted = {(ask.calling_list, record_type) for ask in asked if given[ask.calling_list] < ask.count
                     for record_type in ask.types}
        after = replace(self, left=self.left - sum(given.values()), dry=self.dry | exhausted)
        after = replace(after, balances=_moved(after._alive(), self.balances, given))
        while after.left and after.tier < len(after.tiers) and not after._open(after.tier):
            after = replace(after, tier=after.tier + 1)
        return after if after.asks() else after._closed()

    def _types(self, name: str, tier: int) -> tuple[RecordType, ...]:
        return tuple(each for each in self.tiers[tier] if (name, each) not in self.dry)

    def _open(self, tier: int) -> dict[str, int]:
        """The lists that may have something in this tier, and their shares."""
        return {each.name: each.share for each in self.lists if each.counts and self._types(each.name, tier)}

    def _alive(self) -> dict[str, int]:
        """The lists that may have something in any tier, and their shares."""
        return {each.name: each.share for each in self.lists if each.counts
                and any(self._types(each.name, tier) for tier in range(len(self.tiers)))}

    def _closed(self) -> "Retrieval":
        """The retrieval at its end: lists that have nothing left of any type forget their balances."""
        alive = self._alive()
        forgotten = sum((balance for name, balance in self.balances.items() if name not in alive), Fraction(0))
        most, sum_of_shares = Fraction(self.wanted), sum(alive.values())
        balances = {}
        for name, share in alive.items():
            balance = self.balances.get(name, Fraction(0)) + forgotten * share / sum_of_shares
            balances[name] = min(max(balance, -most), most).limit_denominator(_FINEST)
        return replace(self, balances=balances)


def _moved(shares: Mapping[str, int], balances: Mapping[str, Fraction], given: Mapping[str, int]) -> dict[str, Fraction]:
    """The balances after the lists gave this: each is owed its share of what these gave, and has had what it gave."""
    total, sum_of_shares = sum(given.get(name, 0) for name in shares), sum(shares.values())
    moved = dict(balances)
    for name, share in shares.items():
        moved[name] = moved.get(name, Fraction(0)) + Fraction(total * share, sum_of_shares) - given.get(name, 0)
    return moved


def begin_retrieval(wanted: int, lists: Sequence[ListShare], tiers: Sequence[Sequence[RecordType]],
                    balances: Mapping[str, Fraction] | None = None,
                    dry: Iterable[tuple[str, RecordType]] = ()) -> Retrieval:
    """A retrieval of `wanted` chains. `balances` are those of the one before; `dry` the (list, type) pairs that lately had
    nothing more and are not asked."""
    known = {each.name for each in lists if each.counts}
    kept = {name: balance for name, balance in (balances or {}).items() if name in known}
    start = Retrieval(tuple(lists), tuple(tuple(tier) for tier in tiers), max(0, wanted), kept, frozenset(dry), max(0, wanted))
    return start if start.asks() or not start.wanted else start.answered({})


def weight_info(ask: Ask, sources: int) -> str:
    """A line for the log, in the shape that readers of this kind of log know."""
    return "; ".join(f"WeightInfo: RecordType: {int(record_type)}, Agents: {sources}, Share: {ask.share}, "
                     f"RecsNeededTotal: {ask.needed}, SumShares: {ask.sum_of_shares}, Result: {ask.count}"
                     for record_type in ask.types)
