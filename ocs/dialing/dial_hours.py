"""When a record may be dialed: its daily window, read in its own time zone. The only place that knows local time.

A window is open from `daily_from` (included) to `daily_till` (excluded), seconds after local midnight. `daily_till` of
86,340 (23:59) or more means to the end of the day. A window that ends before it begins, or is empty, never opens: guessing
that it wraps over midnight could call people at night. Source: the public calling-list fields; edges decided here.
"""
from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Iterable, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocs.dialing.values import Record

__all__ = ["END_OF_DAY", "is_open", "known_zone", "local_seconds", "local_times", "local_to_epoch", "next_opening",
           "utc_offset_s"]

END_OF_DAY = 86_340
_DAY = 86_400
_STRETCHES = 4      # two days and two changes of the offset: more than any zone has in a row


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def known_zone(name: str) -> bool:
    """True if `name` is an IANA time zone."""
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local_seconds(now: float, zone: str) -> int:
    """Seconds after local midnight by the clock on the wall there, at `now` (epoch s)."""
    local = datetime.fromtimestamp(now, _zone(zone))
    return local.hour * 3600 + local.minute * 60 + local.second


def local_times(now: float, zones: Mapping[int, str]) -> dict[int, int]:
    """tz_dbid -> seconds after local midnight, for each of `zones` (tz_dbid -> IANA name) that is known."""
    return {dbid: local_seconds(now, name) for dbid, name in zones.items() if known_zone(name)}


def utc_offset_s(now: float, zone: str) -> int:
    """The zone's offset from UTC at `now`, daylight saving included; west is negative."""
    offset = datetime.fromtimestamp(now, _zone(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def local_to_epoch(local: datetime, zone: str) -> int:
    """Epoch seconds of a naive local time. An hour that daylight saving repeats means the first of the two, one that it
    skips the instant it would have been without the change (so never before what was asked for)."""
    return int(local.replace(tzinfo=_zone(zone), fold=0).astimezone(timezone.utc).timestamp())


def _window(record: Record) -> tuple[int, int] | None:
    """When the window opens and closes; None if it never opens."""
    if record.daily_from >= record.daily_till:
        return None
    opens, closes = max(0, record.daily_from), _DAY if record.daily_till >= END_OF_DAY else record.daily_till
    return (opens, closes) if opens < closes and known_zone(record.tz_name) else None


def is_open(record: Record, now: float) -> bool:
    """True if the record's window is open at `now`. A zone that nobody knows is closed."""
    window = _window(record)
    return window is not None and window[0] <= local_seconds(now, record.tz_name) < window[1]


def next_opening(records: Iterable[Record], now: float) -> tuple[int, Record] | None:
    """The earliest instant (epoch s) from `now` on at which one of the records may be dialed, and that record; None if no
    window ever opens. An instant that has begun counts as its whole second."""
    best: tuple[int, Record] | None = None
    for record in records:
        opening = _opening(record, now)
        if opening is not None and (best is None or opening < best[0]):
            best = opening, record
    return best


def _opening(record: Record, now: float) -> int | None:
    """Between two changes of the offset local time runs evenly, so each such stretch is looked at for itself. Thus a window
    whose begin the clocks skip opens at the change, and one that they repeat may open a second time."""
    window, at = _window(record), int(now)
    if window is None:
        return None
    opens, closes = window
    for _ in range(_STRETCHES):
        local, end = local_seconds(at, record.tz_name), _stretch_end(at, record.tz_name)
        wait_s = 0 if opens <= local < closes else (opens - local) % _DAY
        if at + wait_s < end:
            return at + wait_s
        at = end
    return None


def _stretch_end(at: int, zone: str) -> int:
    """The first instant within a day after `at` with another offset; a day after `at` if there is none. No zone has ever
    changed its offset to and fro within a day."""
    before, end, offset_s = at, at + _DAY, utc_offset_s(at, zone)
    if utc_offset_s(end, zone) == offset_s:
        return end
    while end - before > 1:
        middle = (before + end) // 2
        before, end = (middle, end) if utc_offset_s(middle, zone) == offset_s else (before, middle)
    return end
