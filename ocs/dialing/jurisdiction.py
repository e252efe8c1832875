"""For whom a calling rule holds: people of a region, behind numbers of a prefix, in a time zone.

A region that the record names goes before its number, since numbers are kept when people move; where none is known the number
tells. A rule that names regions or prefixes, and a record that tells neither, is a record for which the rule holds: what is not
known must not loosen a rule.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["EVERYWHERE", "Where", "names_zone"]


@lru_cache(maxsize=4096)
def names_zone(patterns: tuple[str, ...], zone: str) -> bool:
    """Whether an IANA name is one of `patterns`: names, or beginnings of them with a star ("America/*")."""
    return any(zone.startswith(each[:-1]) if each.endswith("*") else zone == each for each in patterns)


@dataclass(frozen=True)
class Where:
    """`regions` are words as the records have them ("US-FL"), `prefixes` beginnings of E.164 numbers ("+1305"), `zones` as in
    `names_zone`. Empty: not looked at."""

    regions: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    def holds(self, phone: str, zone: str, region: str = "") -> bool:
        """For a record with this number, in this time zone, of this region ("" = not known)."""
        if self.zones and not names_zone(self.zones, zone):
            return False
        if region and self.regions:
            return region.casefold() in (one.casefold() for one in self.regions)
        return not self.prefixes or phone.startswith(self.prefixes)

    def holds_in(self, zone: str) -> bool:
        """Whether it holds for everybody in this time zone, whatever the number and the region."""
        return not self.regions and not self.prefixes and (not self.zones or names_zone(self.zones, zone))


EVERYWHERE = Where()
