"""When a calling list is dialed at all: hours by weekday, and closed days. Local to each record, as its own window is.

Beside its own hours a list may have those that calling rules demand where the person lives (`RuleHours`): where several hold for
a record, it is dialed when all of them are open.

Written "mon-fri 08:00-20:00"; several times of a day, and several lines, add up; a weekday that no line names is closed.
A time of 23:59 or later, as an end, means to the end of the day. A list without hours is dialed on all days.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Iterable

from ocs.dialing.holidays import HolidayCalendar
from ocs.dialing.jurisdiction import EVERYWHERE, Where

if TYPE_CHECKING:
    from ocs.dialing.values import Record

__all__ = ["ALL_DAY", "ALWAYS_OPEN", "DAY", "END_OF_DAY", "ListWindows", "RuleHours", "Spans", "WeekHours", "common", "merged",
           "parse_hours"]

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


def common(one: Spans, other: Spans) -> Spans:
    """When both are open."""
    met = ((max(begin, opens), min(end, closes)) for begin, end in one for opens, closes in other)
    return merged((begin, end) for begin, end in met if begin < end)


@dataclass(frozen=True)
class RuleHours:
    """Calling hours that a rule demands, by the clock in the record's zone. `rule` is its name."""

    rule: str
    hours: WeekHours
    calendars: tuple[HolidayCalendar, ...] = ()
    where: Where = EVERYWHERE

    def spans(self, day: date, zone: str) -> Spans:
        """When people may be called on this local date."""
        spans = self.hours.days[day.weekday()]
        return () if spans and any(calendar.closes(day, zone) for calendar in self.calendars) else spans


@dataclass(frozen=True)
class ListWindows:
    """A list's hours and closed days; a record is dialed when its own window is open too, and the hours of every rule that holds
    for it. `region_field` is the custom field with a record's region; "" = none."""

    hours: WeekHours | None = None
    calendars: tuple[HolidayCalendar, ...] = ()
    rules: tuple[RuleHours, ...] = ()
    region_field: str = ""

    @property
    def always(self) -> bool:
        """True if nothing is ever closed."""
        return self.hours is None and not self.calendars and not self.rules

    def of(self, record: Record) -> ListWindows:
        """These, with the rules that hold for the record."""
        if not self.rules:
            return self
        region = self.region_of(record)
        return self._with(tuple(one for one in self.rules if one.where.holds(record.contact_info, record.tz_name, region)))

    def in_zone(self, zone: str) -> ListWindows:
        """These, with the rules that hold for everybody there."""
        return self._with(tuple(one for one in self.rules if one.where.holds_in(zone)))

    def without_rules(self) -> ListWindows:
        """The list's own."""
        return self._with(())

    def _with(self, rules: tuple[RuleHours, ...]) -> ListWindows:
        return self if len(rules) == len(self.rules) else replace(self, rules=rules)

    def region_of(self, record: Record) -> str:
        """The region that the record names; "" if it names none."""
        value = record.fields.get(self.region_field) if self.region_field else None
        return "" if value is None else str(value).strip()

    def spans(self, day: date, zone: str) -> Spans:
        """When the list is open on this local date in this zone (IANA name), as far as all of its rules hold there."""
        spans = ALL_DAY if self.hours is None else self.hours.days[day.weekday()]
        if spans and any(calendar.closes(day, zone) for calendar in self.calendars):
            return ()
        for rule in self.rules:
            spans = common(spans, rule.spans(day, zone))
        return spans

    def ever_open(self, opens: int, closes: int) -> bool:
        """True if a daily window, s after local midnight, meets the hours of any weekday."""
        for weekday in range(7):
            spans = ALL_DAY if self.hours is None else self.hours.days[weekday]
            for rule in self.rules:
                spans = common(spans, rule.hours.days[weekday])
            if any(max(opens, begin) < min(closes, end) for begin, end in spans):
                return True
        return False


ALWAYS_OPEN = ListWindows()
