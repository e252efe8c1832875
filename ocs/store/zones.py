"""Time zones as people write them: IANA names in any case, and the short names that lists carry.

A short name stands for the place that means by it, with its daylight saving: EST and EDT are New York, as contact centers
use them, not the fixed offset that the zone database keeps under EST. GMT and UTC stay what they are, without daylight
saving. Short names that several countries use for different times (IST, BST in Asia, AST) are unknown here on purpose.
"""
from __future__ import annotations

from datetime import datetime, timezone
from functools import cache, lru_cache
from typing import Iterable
from zoneinfo import ZoneInfo, available_timezones

__all__ = ["ALIASES", "SHORT_NAMES", "same_time", "zone_name"]

ALIASES = {
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York", "EASTERN": "America/New_York",
    "CST": "America/Chicago", "CDT": "America/Chicago", "CT": "America/Chicago", "CENTRAL": "America/Chicago",
    "MST": "America/Denver", "MDT": "America/Denver", "MT": "America/Denver", "MOUNTAIN": "America/Denver",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
    "PACIFIC": "America/Los_Angeles", "AKST": "America/Anchorage", "AKDT": "America/Anchorage",
    "HST": "Pacific/Honolulu", "GMT": "Etc/GMT", "UTC": "Etc/UTC", "Z": "Etc/UTC", "BST": "Europe/London",
    "WET": "Europe/Lisbon", "WEST": "Europe/Lisbon", "CET": "Europe/Berlin", "CEST": "Europe/Berlin",
    "EET": "Europe/Athens", "EEST": "Europe/Athens", "MSK": "Europe/Moscow", "JST": "Asia/Tokyo", "KST": "Asia/Seoul",
    "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}

SHORT_NAMES = {name: alias for alias, name in reversed(ALIASES.items())}     # the first alias of each zone


@cache
def _names() -> dict[str, str]:
    names = {name.lower(): name for name in available_timezones() if name not in ("Factory", "localtime")}
    return names | {alias.lower(): name for alias, name in ALIASES.items()}


@lru_cache(maxsize=4_096)
def zone_name(text: str) -> str | None:
    """The IANA name that `text` stands for; None for an unknown zone."""
    return _names().get(text.strip().replace(" ", "_").lower())


@lru_cache(maxsize=4_096)
def same_time(zone: str, others: tuple[str, ...]) -> bool:
    """Whether the clocks of `zone` and of one of `others` (IANA names) show the same, in winter and in summer."""
    return zone in others or any(_offsets(zone) == _offsets(other) for other in others)


@cache
def _offsets(zone: str) -> tuple[object, ...]:
    instants: Iterable[datetime] = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 4, 7, 11))
    return tuple(instant.astimezone(ZoneInfo(zone)).utcoffset() for instant in instants)
