"""When a calling list is dialed at all: hours by weekday, and closed days. Local to each record, as its own window is.

Written "mon-fri 08:00-20:00"; several times of a day, and several lines, add up; a weekday that no line names is closed.
A time of 23:59 or later, as an end, means to the end of the day. A list without hours is dialed on all days.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Iterable

from ocs.dialing.holidays import HolidayCalendar

__all__ = ["ALL_DAY", "ALWAYS_OPEN", "DAY", "END_OF_DAY", "ListWindows", "Spans", "WeekHours", "merged", "parse_hours"]

DAY = 86_400
END_OF_DAY = 86_340
Spans = tuple[tuple[int, int], ...]     # from (included) to (excluded), s after local midnight; ascending, apart
ALL_DAY: Spans = ((0, DAY),)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True)
class WeekHours:
    """Open times of the seven weekdays, Monday first."""

    days: tuple[Spans, ...]


def parse_hours(lines: Iterable[str]) -> WeekHours:
    """"mon-fri 08:00-12:00 13:00-20:00", "sat,sun 10:00-14:00", "wed closed" ...; ValueError names what is wrong."""
    days: list[list[tuple[int, int]]] = [[] for _ in _WEEKDAYS]
    closed: set[int] = set()
    for line in lines:
        named, *times = line.lower().split() or [""]
        if not named:
            raise ValueError(f"{line!r}: weekdays and times like mon-fri 08:00-20:00 are expected")
        weekdays = [day for part in named.split(",") for day in _weekdays(part, line)]
        if times == ["closed"]:
            closed.update(weekdays)
            continue
        if not times:
            raise ValueError(f"{line!r}: times like 08:00-20:00, or closed, are expected after the weekdays")
        spans = [_span(each, line) for each in times]
        for day in weekdays:
            days[day] += spans
    for day in closed:
        if days[day]:
            raise ValueError(f"{_WEEKDAYS[day]} is both closed and open")
    return WeekHours(tuple(merged(each) for each in days))


def merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """In ascending order, those that touch or overlap made one."""
    found: list[tuple[int, int]] = []
    for opens, closes in sorted(spans):
        if found and opens <= found[-1][1]:
            found[-1] = found[-1][0], max(closes, found[-1][1])
        else:
            found.append((opens, closes))
    return tuple(found)


def _weekdays(part: str, line: str) -> list[int]:
    """"mon" or "mon-fri"; "sat-mon" goes over the week's end."""
    first, dash, last = part.partition("-")
    if first not in _WEEKDAYS or (dash and last not in _WEEKDAYS):
        raise ValueError(f"{line!r}: weekdays are {', '.join(_WEEKDAYS)}, or from-to")
    begin, end = _WEEKDAYS.index(first), _WEEKDAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)]


def _span(text: str, line: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(f"{line!r}: a time like 08:00-20:00 is expected, not {text}")
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    opens, closes = from_hour * 3600 + from_minute * 60, to_hour * 3600 + to_minute * 60
    if max(from_minute, to_minute) > 59 or closes > DAY:
        raise ValueError(f"{line!r}: {text} is no time of a day")
    if opens >= closes:
        raise ValueError(f"{line!r}: {text} ends before it begins; over midnight takes two lines")
    return opens, DAY if closes >= END_OF_DAY else closes


@dataclass(frozen=True)
class ListWindows:
    """A list's hours and closed days; a record is dialed when its own window is open too."""

    hours: WeekHours | None = None
    calendars: tuple[HolidayCalendar, ...] = ()

    @property
    def always(self) -> bool:
        """True if nothing is ever closed."""
        return self.hours is None and not self.calendars

    def spans(self, day: date, zone: str) -> Spans:
        """When the list is open on this local date in this zone (IANA name)."""
        spans = ALL_DAY if self.hours is None else self.hours.days[day.weekday()]
        if spans and any(calendar.closes(day, zone) for calendar in self.calendars):
            return ()
        return spans

    def ever_open(self, opens: int, closes: int) -> bool:
        """True if a daily window, s after local midnight, meets the hours of any weekday."""
        days = (ALL_DAY,) if self.hours is None else self.hours.days
        return any(max(opens, begin) < min(closes, end) for spans in days for begin, end in spans)


ALWAYS_OPEN = ListWindows()
