"""Which of the campaign groups that share agents has which of them: by priority, between a minimum and a maximum each.

An agent works for one group at a time. Groups are staffed by falling priority, first up to their minimum, then with whoever is
left, up to their maximum; those of the same priority take turns. Who is left after that is free for inbound calls. Nobody moves
without need, and nobody who is on a call.
Source: dialing modes, section 5 (agent assignment): a minimum of 0 means that the group never has enough, -1 that it always has.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Mapping, Sequence

__all__ = ["AssignmentRules", "Claim", "assign"]

_ALL = 1_000_000


@dataclass(frozen=True)
class AssignmentRules:
    """What a campaign group says of it. The greater priority is staffed first; `maximum` 0 = no limit. While the group waits for
    ports, or records, its agents go elsewhere after so many seconds; None = they stay."""

    priority: int = 1
    minimum: int = 0
    maximum: int = 0
    leave_ports_s: float | None = None
    leave_records_s: float | None = None


@dataclass(frozen=True)
class Claim:
    """A group that dials: its members who are there, by DN. `idle` ones can do without agents for now."""

    name: str
    rules: AssignmentRules
    members: frozenset[str]
    idle: bool = False

    @property
    def most(self) -> int:
        """How many it may have."""
        return 0 if self.idle else self.rules.maximum or _ALL

    @property
    def needed(self) -> int:
        """How many it must have before others get more."""
        return min(self.most, {0: _ALL, -1: 0}.get(self.rules.minimum, self.rules.minimum))


def assign(claims: Sequence[Claim], before: Mapping[str, str], busy: frozenset[str] = frozenset()) -> dict[str, str]:
    """DN -> name of the group that has the agent; who is not in it, no group has. `before` is how it was; `busy` agents stay with
    the group that has them. What this returned is returned again as long as nothing else changes."""
    here = {claim.name: claim for claim in claims}
    ranked = sorted(claims, key=lambda claim: -claim.rules.priority)
    tiers = [list(tier) for _, tier in groupby(ranked, key=lambda claim: claim.rules.priority)]
    made = {dn: name for dn, name in before.items() if name in here and dn in here[name].members}
    while True:             # each turn after the first is worth more than the one before it
        pinned = {dn: name for dn, name in made.items() if dn in busy}
        other = _staffed(tiers, made, pinned)
        if _lawful(claims, made, pinned) and _worth(tiers, other) <= _worth(tiers, made):
            return made
        made = other


def _lawful(claims: Sequence[Claim], made: Mapping[str, str], pinned: Mapping[str, str]) -> bool:
    """No group has more than it may have, and nobody is left whom a group could have."""
    staff, fixed = Counter(made.values()), Counter(pinned.values())
    return all(staff[claim.name] <= max(claim.most, fixed[claim.name])
               and (staff[claim.name] >= claim.most or claim.members <= made.keys()) for claim in claims)


def _worth(tiers: Sequence[list[Claim]], made: Mapping[str, str]) -> list[list[int]]:
    """Needs first, then wishes, by falling priority; among equals, whoever has least counts most."""
    staff = Counter(made.values())
    return [sorted(min(staff[claim.name], getattr(claim, wanted)) for claim in tier)
            for wanted in ("needed", "most") for tier in tiers]


def _staffed(tiers: Sequence[list[Claim]], before: Mapping[str, str], pinned: Mapping[str, str]) -> dict[str, str]:
    """All groups staffed anew, beside agents who cannot move."""
    made = dict(pinned)
    staff = Counter(made.values())
    choices = Counter(dn for tier in tiers for claim in tier for dn in claim.members)
    for wanted in ("needed", "most"):
        for tier in tiers:
            _staff(tier, wanted, made, staff, choices, before)
    return made


def _staff(tier: list[Claim], wanted: str, made: dict[str, str], staff: Counter[str], choices: Counter[str],
           before: Mapping[str, str]) -> None:
    """Groups of one priority take turns, whoever has fewest; each takes those it has, then those whom fewest others want."""
    queues = {}
    for claim in tier:
        free = [dn for dn in claim.members if dn not in made]
        queues[claim.name] = sorted(free, key=lambda dn: (before.get(dn) != claim.name, choices[dn], dn), reverse=True)
    while open_ := [claim for claim in tier if queues[claim.name] and staff[claim.name] < getattr(claim, wanted)]:
        claim = min(open_, key=lambda claim: staff[claim.name])
        dn = queues[claim.name].pop()
        if dn not in made:
            made[dn] = claim.name
            staff[claim.name] += 1
