"""The windows over which rules count: when the one begins that an instant lies in.

A rolling window ends now. Of successive windows each begins where the one before ended, the first with the campaign's first
answered call. Calendar days and months are those of a zone: a day of 23 or 25 hours is one day.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

from ocs.dialing.dial_hours import local_to_epoch, utc_offset_s

__all__ = ["Period", "PeriodKind", "day_begin", "next_day"]


class PeriodKind(Enum):
    """How the windows of a rule lie in time."""
    ROLLING = "rolling"
    SUCCESSIVE = "successive"
    CALENDAR_DAY = "calendar-day"
    CALENDAR_MONTH = "calendar-month"


def _local_midnight(at: float, zone: str) -> datetime:
    local = datetime.fromtimestamp(int(at) + utc_offset_s(int(at), zone), timezone.utc)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


def day_begin(at: float, zone: str) -> int:
    """When the local day began that `at` (epoch s) lies in."""
    midnight = _local_midnight(at, zone)
    begin = local_to_epoch(midnight, zone)
    return begin if begin <= at else local_to_epoch(midnight - timedelta(days=1), zone)


def next_day(at: float, zone: str) -> int:
    """When the next local day begins."""
    return local_to_epoch(_local_midnight(at, zone) + timedelta(days=1), zone)


@dataclass(frozen=True)
class Period:
    """`length_s` of rolling and successive windows; `zone` (IANA) of calendar days and months."""

    kind: PeriodKind
    length_s: float = 0.0
    zone: str = "UTC"

    @property
    def longest_s(self) -> float:
        """How far back a window may begin."""
        longest = {PeriodKind.CALENDAR_DAY: 25.0 * 3600, PeriodKind.CALENDAR_MONTH: 31.0 * 86_400 + 3600}
        return longest.get(self.kind, self.length_s)

    def begin(self, now: float, first: float | None = None) -> float:
        """When the window began that `now` lies in; its begin belongs to it. `first`: the campaign's first answered call, None
        before there is one."""
        if self.kind is PeriodKind.ROLLING:
            return now - self.length_s
        if self.kind is PeriodKind.SUCCESSIVE:
            if first is None or first > now:
                return now if first is None else first
            return first + (now - first) // self.length_s * self.length_s
        if self.kind is PeriodKind.CALENDAR_DAY:
            return day_begin(now, self.zone)
        first_day = _local_midnight(now, self.zone).replace(day=1)
        begin = local_to_epoch(first_day, self.zone)
        return begin if begin <= now else local_to_epoch((first_day - timedelta(days=1)).replace(day=1), self.zone)

    def __str__(self) -> str:
        """In words: "30 days in a row", "24 hours", "calendar month (America/Toronto)"."""
        if self.kind is PeriodKind.ROLLING:
            return f"the last {_length(self.length_s)}"
        if self.kind is PeriodKind.SUCCESSIVE:
            return f"each {_length(self.length_s)} of the campaign"
        return f"{self.kind.value.replace('-', ' ')} in {self.zone}"


def _length(seconds: float) -> str:
    days, hours = seconds / 86_400, seconds / 3600
    return f"{days:g} days" if days >= 2 and days == int(days) else f"{hours:g} hours"
