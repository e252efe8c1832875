"""How much of the calls that people answered was abandoned, in the window of each rule, and whether more may be.

Theory of operation. Calls are counted by the minute of their answer and by category (`calls.category`), for each rule by itself,
since rules differ in what counts. What this server has done is counted as it happens (`note`), what others have done, and what
was before this run, is put in from the database (`put_others`), so nothing is counted twice. A window's sum moves with the clock;
where the clock is set back it moves back, too, and until then calls of the future count.

A minute that the begin of a rolling window cuts belongs to the window: so it is judged over a minute more, never over less.
"""
from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

from ocs.dialing.compliance.calls import CallFacts, category
from ocs.dialing.compliance.rules import AbandonRule, Category, Rule

__all__ = ["AbandonAccount", "Counts", "Estimates", "MINUTE_S", "Reading", "Series", "figures", "number_text",
           "tightest"]

MINUTE_S = 60
_BACK_S = 2 * 86_400            # how much of what has left a window is kept for a clock that is set back
_REMEMBERED = 20_000            # calls of this server whose category may still change: by an agent's word, by their end
Counts = Mapping[Category, int]


@dataclass(frozen=True)
class Estimates:
    """What a site has found out about its detection, as ratios: of the calls taken for machines those that were persons, of the
    abandoned calls those that were machines."""

    detection_error: float = 0.0
    undetected_machine: float = 0.0


def figures(rule: AbandonRule, counts: Counts, estimates: Estimates) -> tuple[float, float]:
    """Answered and abandoned calls, as the rule counts them. Estimates may make fractions."""
    abandoned = float(sum(counts.get(one, 0) for one in rule.abandoned))
    answered = float(sum(counts.get(one, 0) for one in rule.answered))
    if rule.deduct_machines:
        machines = estimates.undetected_machine * counts.get(Category.ABANDONED, 0)
        abandoned, answered = abandoned - machines, answered - machines
    if rule.count_detection_errors:
        taken_for_machines = counts.get(Category.MACHINE, 0) + counts.get(Category.SILENCE, 0)
        errors = estimates.detection_error * taken_for_machines
        abandoned, answered = abandoned + errors, answered + errors
    return answered, abandoned


def number_text(calls: float) -> str:
    """Calls for people: 12,330 or, where estimates make fractions, 12.5."""
    return f"{calls:,.1f}".removesuffix(".0")


class Series:
    """Counts by minute; the sum from an instant on, which moves with that."""

    def __init__(self) -> None:
        self._minutes: list[int] = []
        self._counts: dict[int, Counter[Category]] = {}
        self._from = 0
        self._sum: Counter[Category] = Counter()

    def add(self, minute: int, kind: Category, calls: int = 1) -> None:
        """Count calls; a negative number takes some away."""
        counts = self._counts.get(minute)
        if counts is None:
            counts = self._counts[minute] = Counter()
            if not self._minutes or minute > self._minutes[-1]:
                self._minutes.append(minute)
            else:
                insort(self._minutes, minute)
        counts[kind] += calls
        if minute >= self._from:
            self._sum[kind] += calls

    def clear(self, since: int) -> None:
        """Forget everything from this minute on."""
        place = bisect_left(self._minutes, since)
        for minute in self._minutes[place:]:
            counts = self._counts.pop(minute)
            if minute >= self._from:
                self._sum.subtract(counts)
        del self._minutes[place:]

    def total(self, begin: float) -> Counter[Category]:
        """The sum from `begin` (epoch s) on; what is long before is forgotten."""
        start = int(begin // MINUTE_S)
        low, high = sorted((bisect_left(self._minutes, self._from), bisect_left(self._minutes, start)))
        for minute in self._minutes[low:high]:
            if start > self._from:
                self._sum.subtract(self._counts[minute])
            else:
                self._sum.update(self._counts[minute])
        self._from = start
        old = bisect_left(self._minutes, start - _BACK_S // MINUTE_S)
        for minute in self._minutes[:old]:
            del self._counts[minute]
        del self._minutes[:old]
        return self._sum


@dataclass(frozen=True)
class Reading:
    """How a rule stands: the window since `begin` (epoch s), what was counted in it, and whether the budget is spent."""

    rule: Rule
    begin: float
    counts: Counts
    answered: float
    abandoned: float
    spent: bool = False

    @property
    def limit(self) -> float:
        """As a ratio."""
        return 0.0 if self.rule.abandon is None else self.rule.abandon.limit

    @property
    def rate(self) -> float | None:
        """As a ratio; None while nobody has answered."""
        return self.abandoned / self.answered if self.answered > 0 else None

    @property
    def budget(self) -> float:
        """Calls that may still be abandoned; negative: too many were."""
        return self.limit * self.answered - self.abandoned

    @property
    def text(self) -> str:
        """For a supervisor."""
        period = "" if self.rule.abandon is None else f" in {self.rule.abandon.period}"
        rate = "" if self.rate is None else f", {100 * self.rate:.2f} %"
        return (f"rule {self.rule.name}: {number_text(self.abandoned)} of {number_text(self.answered)} answered calls"
                f" abandoned{period}{rate}; the limit is {100 * self.limit:g} %")


class AbandonAccount:
    """The account of one campaign under one rule that has an abandon limit."""

    def __init__(self, rule: Rule, estimates: Estimates = Estimates()) -> None:
        if rule.abandon is None:
            raise ValueError(f"rule {rule.name} says nothing of abandoned calls")
        self.rule, self._abandon, self.estimates = rule, rule.abandon, estimates
        self._own, self._others = Series(), Series()
        self._noted: OrderedDict[str, tuple[int, Category]] = OrderedDict()
        self._first: float | None = None        # the campaign's first answered call
        self.spent = False

    def note(self, guid: str, facts: CallFacts) -> None:
        """What is known of a call of this server's; said again, the last word counts. Nothing is counted before it is known
        whether an agent came."""
        before = self._noted.pop(guid, None)
        if before is not None:
            self._own.add(before[0], before[1], -1)
        kind = category(facts, self._abandon.agent_within_s, self._abandon.counted_from)
        if kind is None or facts.answered_at is None:
            return
        minute = int(facts.answered_at // MINUTE_S)
        self._own.add(minute, kind)
        self._noted[guid] = minute, kind
        self.began(facts.answered_at)
        while len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)

    def put_others(self, calls: Iterable[tuple[int, Category, int]], since: float) -> None:
        """What others than this server's sessions have done since then: (minute, category, calls). Replaces what was known of
        it."""
        self._others.clear(int(since // MINUTE_S))
        for minute, kind, count in calls:
            self._others.add(minute, kind, count)

    def add(self, minute: int, kind: Category, calls: int) -> None:
        """Count some more of them."""
        self._others.add(minute, kind, calls)

    def began(self, at: float | None) -> None:
        """The campaign's first answered call was not later than this."""
        if at is not None and (self._first is None or at < self._first):
            self._first = at

    def begin(self, now: float) -> float:
        """When the window began."""
        return self._abandon.period.begin(now, self._first)

    def reading(self, now: float) -> Reading:
        """How it stands; `spent` only changes here."""
        begin = self.begin(now)
        own, others = self._own.total(begin), self._others.total(begin)
        counts = {kind: own[kind] + others[kind] for kind in (*own, *others) if own[kind] + others[kind]}
        answered, abandoned = figures(self._abandon, counts, self.estimates)
        self.spent = abandoned > max(self._abandon.limit * answered, self._abandon.tolerated)
        return Reading(self.rule, begin, counts, answered, abandoned, self.spent)


def tightest(readings: Sequence[Reading]) -> Reading | None:
    """The one with the lowest limit; of several the one with the least left of its budget."""
    return min(readings, key=lambda one: (one.limit, one.budget), default=None)
