"""What calling rules say of what was dialed: for each campaign, rule and day the counts, the window's rate and a verdict.

Everything is read from the database: the attempts tell what was dialed and what became of it, the periods which rules were in
force and when one held the dialing back. A day's line says how the window stood when the day was over (or now, on the last one),
and the worst moment within the day.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ocs.database.statements import Transaction
from ocs.dialing.compliance.account import MINUTE_S, AbandonAccount, Estimates, Reading, figures
from ocs.dialing.compliance.calls import CallsWanted
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.periods import PeriodKind
from ocs.dialing.compliance.rules import AbandonRule, Category, Rule
from ocs.dialing.dial_hours import local_to_epoch
from ocs.store.compliance import answered_calls, dialed_by_quarter, rule_periods_of

__all__ = ["DayLine", "Verdict", "day_lines", "in_force", "local_day"]

_QUARTER_S = 900


class Verdict(Enum):
    """How a day ended."""
    NO_CALLS = "no calls"       # nobody answered in the window
    WITHIN = "within"
    FEW = "few"                 # above the limit, by so few abandoned calls that the rule does not judge
    OVER = "over"


@dataclass(frozen=True)
class DayLine:
    """A day of a campaign under a rule. Rates and limit are ratios; `dialed`, `counts`, `answered` and `abandoned` are the day's,
    the window's stand beside. `hard_stop_min` are minutes in which nothing was dialed ahead of agents."""

    campaign: str
    day: date
    zone: str
    rule: str
    version: str
    source: str
    window: str
    limit: float
    dialed: int
    counts: Mapping[str, int] = field(default_factory=dict)
    answered: float = 0.0
    abandoned: float = 0.0
    window_begin: float = 0.0
    window_answered: float = 0.0
    window_abandoned: float = 0.0
    rate: float | None = None
    worst_rate: float | None = None
    verdict: Verdict = Verdict.NO_CALLS
    hard_stop_min: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**self.__dict__, "day": self.day.isoformat(), "verdict": self.verdict.value,
                "window_begin": round(self.window_begin, 3), "counts": dict(self.counts)}


def local_day(day: date, zone: str) -> int:
    """When a day begins there, epoch s."""
    return local_to_epoch(datetime(day.year, day.month, day.day), zone)


def zone_of(rule: AbandonRule, zone: str | None) -> str:
    """In which the days of a report are: the one asked for, else that of a calendar rule."""
    calendar = rule.period.kind in (PeriodKind.CALENDAR_DAY, PeriodKind.CALENDAR_MONTH)
    return zone or (rule.period.zone if calendar else "UTC")


def day_lines(work: Transaction, campaign: str, rules: Iterable[Rule], first: date, last: date, now: float,
              zone: str | None = None, estimates: Estimates = Estimates()) -> Iterator[DayLine]:
    """The lines of each rule that has an abandon limit, day by day from `first` to `last`; none for days to come."""
    for rule in rules:
        if rule.abandon is not None:
            yield from _Days(work, campaign, rule, zone_of(rule.abandon, zone), estimates).lines(first, last, now)


class _Days:
    """One rule's days."""

    def __init__(self, work: Transaction, campaign: str, rule: Rule, zone: str, estimates: Estimates) -> None:
        assert rule.abandon is not None
        self._work, self._campaign, self._rule, self._abandon = work, campaign, rule, rule.abandon
        self._zone, self._estimates = zone, estimates

    def lines(self, first: date, last: date, now: float) -> Iterator[DayLine]:
        begin, end = local_day(first, self._zone), local_day(last + timedelta(days=1), self._zone)
        told = answered_calls(self._work, CallsWanted(
            self._campaign, begin - self._abandon.period.longest_s, self._abandon.agent_within_s, self._abandon.counted_from))
        calls = told.calls
        dialed = dialed_by_quarter(self._work, self._campaign, begin, end)
        stops = [one for one in rule_periods_of(self._work, self._campaign, begin, end)
                 if one.kind is PeriodOf.HARD_STOP and one.rule == self._rule.name]
        account, place = AbandonAccount(self._rule, self._estimates), 0
        account.began(told.first_at)
        day = first
        while day <= last and local_day(day, self._zone) <= now:
            opens, closes = local_day(day, self._zone), local_day(day + timedelta(days=1), self._zone)
            worst: float | None = None
            todays: dict[str, int] = {}
            while place < len(calls) and calls[place][0] * MINUTE_S < closes:
                minute = calls[place][0]
                while place < len(calls) and calls[place][0] == minute:
                    self._count(account, calls[place], todays if minute * MINUTE_S >= opens else {})
                    place += 1
                reading = account.reading(minute * MINUTE_S + MINUTE_S - 1)
                if minute * MINUTE_S >= opens and self._judged(reading):
                    worst = max(worst or 0.0, reading.rate or 0.0)
            reading = account.reading(min(closes - 1, now))
            yield self._line(day, reading, worst, todays, sum(count for quarter, count in dialed.items()
                                                              if opens <= quarter * _QUARTER_S < closes),
                             _minutes(stops, opens, min(closes, now)))
            day += timedelta(days=1)

    @staticmethod
    def _count(account: AbandonAccount, calls: tuple[int, Category, int], todays: dict[str, int]) -> None:
        minute, kind, count = calls
        account.add(minute, kind, count)
        todays[kind.value] = todays.get(kind.value, 0) + count

    def _judged(self, reading: Reading) -> bool:
        return reading.abandoned > self._abandon.tolerated

    def _verdict(self, reading: Reading) -> Verdict:
        if reading.rate is None:
            return Verdict.NO_CALLS
        if reading.rate <= reading.limit:
            return Verdict.WITHIN
        return Verdict.OVER if self._judged(reading) else Verdict.FEW

    def _line(self, day: date, reading: Reading, worst: float | None, todays: Mapping[str, int], dialed: int,
              stopped_min: float) -> DayLine:
        counts = {kind: todays.get(kind.value, 0) for kind in Category}
        answered, abandoned = figures(self._abandon, counts, self._estimates)
        return DayLine(
            self._campaign, day, self._zone, self._rule.name, self._rule.version, self._rule.source, str(self._abandon.period),
            self._abandon.limit, dialed, todays, answered, abandoned, reading.begin, reading.answered, reading.abandoned,
            reading.rate, worst, self._verdict(reading), round(stopped_min, 1))


def _minutes(periods: Sequence[RulePeriod], begin: float, end: float) -> float:
    """How long any of them was within this time: several servers may have held back at once."""
    found, until = 0.0, begin
    for one in sorted(periods, key=lambda one: one.began_at):
        since, till = max(one.began_at, until), min(one.until, end)
        if till > since:
            found, until = found + till - since, till
    return found / MINUTE_S


def in_force(work: Transaction, campaign: str, since: float, till: float) -> list[RulePeriod]:
    """Which rules sessions of the campaign had in this time, and which version of them."""
    return [one for one in rule_periods_of(work, campaign, since, till) if one.kind is PeriodOf.IN_FORCE]
