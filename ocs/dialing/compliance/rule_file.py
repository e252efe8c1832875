"""Rules from decoded TOML, strictly: what is unknown, missing or out of range is named, with its place in the file."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Iterable, Mapping

from ocs.dialing.compliance.periods import Period, PeriodKind
from ocs.dialing.compliance.rules import (
    AbandonRule,
    AttemptCap,
    AttemptKey,
    Category,
    CountedFrom,
    QuietTime,
    Rule,
    Standing,
)
from ocs.dialing.dial_hours import known_zone
from ocs.dialing.holidays import HolidayCalendar, calendar_problem
from ocs.dialing.jurisdiction import Where
from ocs.dialing.windows import RuleHours, parse_hours
from ocs.errors import ConfigurationError
from ocs.options import REQUIRED, load, option, table

__all__ = ["RuleFile", "read_rule"]

_PERSONS = tuple(one.value for one in (Category.CONNECTED, Category.LATE, Category.ABANDONED, Category.UNSEEN))
_LOST = tuple(one.value for one in (Category.ABANDONED, Category.LATE, Category.UNSEEN))
_HOUR_S = 3600.0


@dataclass(frozen=True)
class WhereTable:
    """For whom the part of the rule holds."""

    regions: tuple[str, ...] = option(
        (), text="Regions as the records' region field has them, like US-FL. Of a record that names none the number tells.")
    prefixes: tuple[str, ...] = option((), text="Beginnings of numbers, like +1305.")
    zones: tuple[str, ...] = option((), text="IANA time zones, or beginnings of them with a star; none = all.")

    def where_problems(self) -> list[str]:
        found = [f"zones: there is no time zone {one}" for one in self.zones if not one.endswith("*") and not known_zone(one)]
        return found + [f"prefixes: + and digits are expected, not {one!r}" for one in self.prefixes
                        if not (one.startswith("+") and one[1:].isdecimal())]

    @property
    def where(self) -> Where:
        return Where(self.regions, self.prefixes, self.zones)


@dataclass(frozen=True)
class AbandonTable:
    """What may be abandoned of the calls that people answer; nothing is said of it while limit_percent is 0."""

    limit_percent: float = option(0.0, low=0, high=99, unit="percent", text="The most that may be abandoned.")
    window: PeriodKind = option(PeriodKind.ROLLING, text="The windows over which it is counted.")
    window_h: float = option(
        24.0, low=1, high=8_784, unit="hours", text="Their length, where they are rolling or successive.")
    zone: str = option("UTC", text="IANA time zone of calendar days and months.")
    agent_within_s: float = option(
        2.0, low=0, high=600, unit="seconds", text="By when an agent must be on the line; 0 = whenever one comes.")
    counted_from: CountedFrom = option(
        CountedFrom.GREETING, text="From the end of the greeting, where detection has heard it, or from the answer.")
    abandoned: tuple[str, ...] = option(_LOST, text="What counts as abandoned.")
    answered: tuple[str, ...] = option(_PERSONS, text="What it is a share of. What is named in neither is excluded.")
    count_detection_errors: bool = option(
        True, text="Whether people taken for machines count as abandoned: detection_error_percent of the group.")
    deduct_machines: bool = option(
        False, text="Whether machines among the abandoned calls do not count: undetected_machine_percent of the campaign group.")
    alarm_percent: float = option(0.0, low=0, high=99, unit="percent", text="A rate at which the log warns; 0 = none.")
    tolerated: float = option(
        1.0, low=0, high=1_000, unit="calls", text="So many abandoned calls in a window are never too many.")

    def problems(self) -> list[str]:
        found = [] if known_zone(self.zone) else [f"zone: there is no time zone {self.zone}"]
        found += [*_categories("abandoned", self.abandoned), *_categories("answered", self.answered)]
        lost = [one for one in self.abandoned if one not in self.answered]
        if self.limit_percent and lost:
            found.append(f"abandoned: {', '.join(lost)} must be among answered, or the rate is no share of them")
        if self.limit_percent and not self.abandoned:
            found.append("abandoned: say what counts as abandoned")
        if self.alarm_percent > self.limit_percent:
            found.append(f"alarm_percent: {self.alarm_percent:g} is above limit_percent {self.limit_percent:g}")
        return found

    def rule(self) -> AbandonRule | None:
        """The engine's value."""
        if not self.limit_percent:
            return None
        calendar = self.window in (PeriodKind.CALENDAR_DAY, PeriodKind.CALENDAR_MONTH)
        period = Period(self.window, zone=self.zone) if calendar else Period(self.window, self.window_h * _HOUR_S)
        return AbandonRule(self.limit_percent / 100.0, period, self.agent_within_s, self.counted_from, _set(self.abandoned),
                           _set(self.answered), self.count_detection_errors, self.deduct_machines, self.alarm_percent / 100.0,
                           self.tolerated)


@dataclass(frozen=True)
class AttemptsTable(WhereTable):
    """How often somebody may be dialed."""

    most: int = option(REQUIRED, low=1, high=10_000, unit="attempts", text="At most so many")
    within_h: float = option(REQUIRED, low=0.01, high=8_784, unit="hours", text="in any time of this length.")
    key: AttemptKey = option(AttemptKey.PHONE, text="Whose attempts count together: a number's, or a contact's.")

    def problems(self) -> list[str]:
        return self.where_problems()


@dataclass(frozen=True)
class QuietTable(WhereTable):
    """For how long nobody is dialed after a call that ended in some way."""

    after: tuple[str, ...] = option(REQUIRED, text="How the call ended.")
    for_h: float = option(REQUIRED, low=0.01, high=8_784, unit="hours", text="For how long nothing is dialed then.")
    key: AttemptKey = option(AttemptKey.PHONE, text="Who is not dialed: the number, or the contact.")
    unless_agent: bool = option(
        False, text="Whether it may be dialed all the same where an agent is sure to be there: by an agent, or with one engaged.")

    def problems(self) -> list[str]:
        none = [] if self.after else ["after: say how the call ended"]
        return [*none, *_categories("after", self.after), *self.where_problems()]


@dataclass(frozen=True)
class HoursTable(WhereTable):
    """When people may be called, by the clock in the record's time zone."""

    hours: tuple[str, ...] = option(REQUIRED, text="Lines like mon-fri 08:00-21:00; weekdays that are not named are closed.")
    holidays: str = option("", text="Country, or a part of it, whose public holidays are closed: AU, US-AL; empty = none.")
    dates: tuple[str, ...] = option((), text="Further closed days, like 2026-12-24.")

    def problems(self) -> list[str]:
        found = self.where_problems()
        try:
            parse_hours(self.hours)
        except ValueError as error:
            found.append(f"hours: {error}")
        if not self.hours:
            found.append("hours: at least one line is expected")
        reason = calendar_problem(*_place(self.holidays)) if self.holidays else None
        if reason is not None:
            found.append(f"holidays: {reason}")
        for one in self.dates:
            try:
                date.fromisoformat(one)
            except ValueError:
                found.append(f"dates: a day like 2026-12-24 is expected, not {one!r}")
        return found

    def hours_of(self, rule: str) -> RuleHours:
        """The engine's value."""
        country, part = _place(self.holidays)
        closed = HolidayCalendar(country, part, dates=frozenset(map(date.fromisoformat, self.dates)))
        return RuleHours(rule, parse_hours(self.hours), (closed,) if self.holidays or self.dates else (), self.where)


@dataclass(frozen=True)
class RuleFile:
    """A rule. A part that is not given says nothing."""

    name: str = option(REQUIRED, text="How configurations call it; that of the file, without .toml.")
    title: str = option(REQUIRED, text="What it is, for people.")
    source: str = option(REQUIRED, text="Where it stands: law, paragraph, policy.")
    version: str = option(REQUIRED, text="Of this file, best the day on which it was written; reports show it.")
    standing: Standing = option(
        Standing.UNVERIFIED, text="Whether its contents were read in public sources, or are general knowledge to be verified.")
    notes: tuple[str, ...] = option((), text="What the rule demands beside, and nobody but people can see to.")
    least_ring_s: float = option(
        0.0, low=0, high=120, unit="seconds", text="A phone must ring this long before a call is given up; 0 = not said.")
    abandon: AbandonTable = table(AbandonTable)
    attempts: tuple[AttemptsTable, ...] = table(text="How often somebody may be dialed.")
    quiet: tuple[QuietTable, ...] = table(text="For how long nobody is dialed after a call.")
    hours: tuple[HoursTable, ...] = table(text="When people may be called.")

    def problems(self) -> list[str]:
        texts = ("name", "title", "source", "version")
        return [f"{name}: a text is expected" for name in texts if not getattr(self, name).strip()]

    @property
    def says_nothing(self) -> bool:
        """True if no part is there."""
        return not (self.abandon.limit_percent or self.attempts or self.quiet or self.hours or self.least_ring_s)


def read_rule(mapping: Mapping[str, Any], name: str) -> Rule:
    """The rule of a file called `name` (without .toml). ConfigurationError with every problem, each naming its field."""
    problems = []
    try:
        file = load(RuleFile, mapping)
        if file.says_nothing:
            problems = ["abandon: the rule says nothing: give [abandon], [[attempts]], [[quiet]], [[hours]] or least_ring_s"]
    except ConfigurationError as error:
        problems = list(error.problems)
    given = mapping.get("name")
    if isinstance(given, str) and given and given != name:
        problems.insert(0, f"name: {name} is expected, as the file is called, not {given!r}")
    if problems:
        raise ConfigurationError(problems)
    return Rule(
        file.name, file.title, file.source, file.version, file.standing, file.notes, file.abandon.rule(),
        tuple(AttemptCap(one.most, one.within_h * _HOUR_S, one.key, one.where) for one in file.attempts),
        tuple(QuietTime(_set(one.after), one.for_h * _HOUR_S, one.key, one.unless_agent, one.where) for one in file.quiet),
        tuple(one.hours_of(file.name) for one in file.hours), file.least_ring_s)


def _categories(name: str, given: Iterable[str]) -> list[str]:
    known = {one.value for one in Category}
    return [f"{name}: {one!r} is none of {', '.join(sorted(known))}" for one in given if one not in known]


def _set(words: Iterable[str]) -> frozenset[Category]:
    return frozenset(map(Category, words))


def _place(text: str) -> tuple[str, str]:
    country, _, part = text.partition("-")
    return country, part
