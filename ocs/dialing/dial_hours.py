"""When a record may be dialed: its daily window and its list's, read in its own time zone. The only place that knows local
time.

A window is open from `daily_from` (included) to `daily_till` (excluded), seconds after local midnight. `daily_till` of
86,340 (23:59) or more means to the end of the day. A window that ends before it begins, or is empty, never opens: guessing
that it wraps over midnight could call people at night. Source: the public calling-list fields; edges decided here.
"""
from __future__ import annotations

from datetime import date, datetime, timezone
from functools import lru_cache
from itertools import chain
from typing import Callable, Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocs.dialing.values import Record
from ocs.dialing.windows import ALWAYS_OPEN, DAY, END_OF_DAY, ListWindows

__all__ = ["END_OF_DAY", "another_open", "epoch_to_local", "is_open", "known_zone", "local_seconds", "local_to_epoch",
           "next_opening", "open_for_s", "open_zones", "utc_offset_s"]

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAYS_AHEAD = 4         # two days and two changes of the offset: more than any zone has in a row
_YEAR_AHEAD = 370       # a list that is closed for longer is as good as closed for ever


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


def open_zones(now: float, zones: Mapping[int, str], windows: ListWindows = ALWAYS_OPEN) -> dict[int, int]:
    """tz_dbid -> seconds after local midnight, for each of `zones` (tz_dbid -> IANA name) in which the list may be dialed at
    `now` by its own windows and the rules that hold for everybody there. Zones that are closed, and those that nobody knows, are
    left out."""
    times: dict[int, int] = {}
    for dbid, name in zones.items():
        if known_zone(name):
            day, local = _local(int(now), name)
            there = windows.in_zone(name)
            if there.always or any(begin <= local < end for begin, end in there.spans(day, name)):
                times[dbid] = local
    return times


def utc_offset_s(now: float, zone: str) -> int:
    """The zone's offset from UTC at `now`, daylight saving included; west is negative."""
    return _offset_s(int(now), zone)


@lru_cache(maxsize=4096)
def _offset_s(at: int, zone: str) -> int:
    offset = datetime.fromtimestamp(at, _zone(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def local_to_epoch(local: datetime, zone: str) -> int:
    """Epoch seconds of a naive local time. An hour that daylight saving repeats means the first of the two, one that it
    skips the instant it would have been without the change (so never before what was asked for)."""
    return int(local.replace(tzinfo=_zone(zone), fold=0).astimezone(timezone.utc).timestamp())


def epoch_to_local(at: int, zone: str) -> datetime:
    """The naive local time there at `at` (epoch s)."""
    return datetime.fromtimestamp(at, _zone(zone)).replace(tzinfo=None)


def _local(at: int, zone: str) -> tuple[date, int]:
    """The local date, and seconds after its midnight."""
    days, seconds = divmod(at + utc_offset_s(at, zone), DAY)
    return date.fromordinal(_EPOCH_DAY + days), seconds


def _window(record: Record) -> tuple[int, int] | None:
    """When the record's own window opens and closes; None if it never opens."""
    if record.daily_from >= record.daily_till:
        return None
    opens, closes = max(0, record.daily_from), DAY if record.daily_till >= END_OF_DAY else record.daily_till
    return (opens, closes) if opens < closes and known_zone(record.tz_name) else None


def is_open(record: Record, now: float, windows: ListWindows = ALWAYS_OPEN) -> bool:
    """True if at `now` the record's own window is open, and its list's. A zone that nobody knows is closed."""
    window, windows = _window(record), windows.of(record)
    if window is None:
        return False
    day, local = _local(int(now), record.tz_name)
    if not window[0] <= local < window[1]:
        return False
    return windows.always or any(begin <= local < end for begin, end in windows.spans(day, record.tz_name))


def open_for_s(record: Record, now: float, windows: ListWindows, most_s: float) -> float:
    """For how many seconds from `now` on the record may be dialed without a break; at most `most_s`, 0 if it is not open."""
    at, last, windows = int(now), now + most_s, windows.of(record)
    while at < last and is_open(record, at, windows):
        window, (day, local) = _window(record), _local(at, record.tz_name)
        assert window is not None
        closes = min([window[1], *(end for begin, end in windows.spans(day, record.tz_name) if begin <= local < end)])
        at = min(at + closes - local, _stretch_end(at, record.tz_name))
    return max(0.0, min(at, last) - now)


def another_open(records: Sequence[Record], index: int, now: float, windows: ListWindows = ALWAYS_OPEN,
                 allowed: Callable[[int], bool] = lambda index: True) -> int | None:
    """The next record of a chain behind `index`, then from its begin, that is open in status and by the clock, and `allowed`;
    None if there is none. The record at `index` is not looked at."""
    for other in chain(range(index + 1, len(records)), range(index)):
        if records[other].record_status.open and is_open(records[other], now, windows) and allowed(other):
            return other
    return None


def next_opening(records: Iterable[Record], now: float, windows: ListWindows = ALWAYS_OPEN) -> tuple[int, Record] | None:
    """The earliest instant (epoch s) from `now` on at which one of the records may be dialed, and that record; None if none
    may be within a year. An instant that has begun counts as its whole second."""
    best: tuple[int, Record] | None = None
    for record in records:
        opening = _opening(record, int(now), windows, None if best is None else best[0])
        if opening is not None and (best is None or opening < best[0]):
            best = opening, record
    return best


def _opening(record: Record, now: int, windows: ListWindows, until: int | None) -> int | None:
    """Between two changes of the offset local time runs evenly, so each such stretch is looked at for itself, day by day. Thus
    a window whose begin the clocks skip opens at the change, and one that they repeat may open a second time. `until`:
    later openings are of no interest."""
    window, at, zone, windows = _window(record), now, record.tz_name, windows.of(record)
    if window is None or not windows.ever_open(*window):
        return None
    last = now + (_DAYS_AHEAD if windows.always else _YEAR_AHEAD) * DAY if until is None else until
    while at < last:
        end, offset_s = _stretch_end(at, zone), utc_offset_s(at, zone)
        first_day = (at + offset_s) // DAY
        for day in range(first_day, (end - 1 + offset_s) // DAY + 1):
            midnight = day * DAY - offset_s
            for begin, close in windows.spans(date.fromordinal(_EPOCH_DAY + day), zone):
                opens = max(at, midnight + max(begin, window[0]))
                if opens < min(end, midnight + min(close, window[1])):
                    return opens
        at = end
    return None


def _stretch_end(at: int, zone: str) -> int:
    """The first instant within a day after `at` with another offset; a day after `at` if there is none. No zone has ever
    changed its offset to and fro within a day."""
    before, end, offset_s = at, at + DAY, utc_offset_s(at, zone)
    if utc_offset_s(end, zone) == offset_s:
        return end
    while end - before > 1:
        middle = (before + end) // 2
        before, end = (middle, end) if utc_offset_s(middle, zone) == offset_s else (before, middle)
    return end
