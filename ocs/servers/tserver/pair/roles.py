"""Who serves. Each server of a pair says what it has to show for itself; one of the two compares, and both go by that.

The rule, first difference decides:
1. who serves goes before who does not;
2. of two that serve, as after a time in which they could not see each other: the one that has clients; of two that do not: the
   one that holds a complete copy of what the last primary knew;
3. who began to serve last;
4. the one that is configured as primary.
It is that one which compares, when the other asks it, so there is one decision at a time and no two that differ.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from protocols.attributes import KVList, first

__all__ = ["Claim", "Role", "outranks"]


class Role(Enum):
    """What a server of a pair is now."""
    WAITING = auto()        # it has started, and does not know yet
    PRIMARY = auto()
    BACKUP = auto()


@dataclass(frozen=True)
class Claim:
    """What a server has to show. `term` counts take-overs: it rises by one with each, beyond all that this server knows of."""

    serves: bool
    clients: bool       # beside the partner
    copy: bool          # it holds all that the last primary knew
    term: int

    @property
    def pairs(self) -> KVList:
        """As it travels, in the Extensions."""
        return (("serves", int(self.serves)), ("clients", int(self.clients)), ("copy", int(self.copy)), ("term", self.term))

    @classmethod
    def of(cls, pairs: KVList) -> Claim:
        """From the Extensions; what is missing, or not a number, is 0."""
        serves, clients, copy, term = (value if isinstance(value := first(pairs, name), int) else 0
                                       for name in ("serves", "clients", "copy", "term"))
        return cls(bool(serves), bool(clients), bool(copy), term)

    @property
    def _rank(self) -> tuple[bool, bool, int]:
        return self.serves, self.clients if self.serves else self.copy, self.term


def outranks(configured_primary: Claim, other: Claim) -> bool:
    """True if the one that is configured as primary is to serve."""
    return configured_primary._rank >= other._rank
