"""May this number be dialed again already? What was dialed before, held against the rules about attempts.

An attempt that may have been dialed counts from the moment at which its row was committed, its outcome known or not; one that was
not dialed does not. Of a clock that was set back something may lie in the future: it counts, too.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Iterator, Mapping, Sequence

from ocs.dialing.compliance.calls import CallFacts, category, facts_of_attempt
from ocs.dialing.compliance.rules import AttemptCap, AttemptKey, Category, CountedFrom, QuietTime, Rule
from ocs.dialing.values import Attempt, AttemptState

__all__ = ["AttemptBlock", "Callee", "PastAttempt", "PastWanted", "attempt_block", "past_of", "past_needed_s"]


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt of whatever list, campaign and server. `table` and `chain_id` name the contact."""

    guid: str
    phone: str
    table: str
    chain_id: int
    opened_at: float
    facts: CallFacts = CallFacts()


def past_of(attempt: Attempt) -> PastAttempt | None:
    """An attempt as others look back at it; None for one that was not dialed."""
    if attempt.state is AttemptState.NOT_DIALED:
        return None
    return PastAttempt(attempt.guid, attempt.phone, attempt.on_table, attempt.chain_id, attempt.opened_at,
                       facts_of_attempt(attempt))


@dataclass(frozen=True)
class PastWanted:
    """Attempts that were opened at `since` (epoch s) or later on one of these numbers, or on one of these records (table ->
    record ids), and that were dialed or may have been."""

    since: float
    phones: tuple[str, ...] = ()
    records: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom the next attempt is to reach."""

    phone: str
    table: str
    chain_id: int
    zone: str = "UTC"
    region: str = ""


@dataclass(frozen=True)
class AttemptBlock:
    """Why it may not be dialed now, and from when on it may (epoch s), as far as this rule goes."""

    rule: str
    reason: str
    until: float


def past_needed_s(rules: Iterable[Rule]) -> float:
    """How far back attempts must be known; 0 where no rule asks for them."""
    return max((rule.attempts_s for rule in rules), default=0.0)


def attempt_block(rules: Iterable[Rule], callee: Callee, past: Sequence[PastAttempt], now: float, agent_sure: bool = False,
                  own: str = "") -> AttemptBlock | None:
    """The rule that forbids an attempt at `now` for the longest; None if it may be made. `agent_sure`: an agent is there for
    certain. `own` is the GUID of the attempt itself, where it has been committed already."""
    others = [one for one in past if one.guid != own]
    return max(_blocks(rules, callee, others, now, agent_sure), key=lambda block: block.until, default=None)


def _blocks(rules: Iterable[Rule], callee: Callee, past: Sequence[PastAttempt], now: float,
            agent_sure: bool) -> Iterator[AttemptBlock]:
    for rule in rules:
        for cap in rule.caps:
            if cap.where.holds(callee.phone, callee.zone, callee.region):
                yield from _over(rule, cap, _of(past, cap.key, callee), now)
        for quiet in rule.quiet:
            if quiet.where.holds(callee.phone, callee.zone, callee.region) and not (quiet.unless_agent and agent_sure):
                yield from _too_soon(rule, quiet, _of(past, quiet.key, callee), now)


def _of(past: Iterable[PastAttempt], key: AttemptKey, callee: Callee) -> list[PastAttempt]:
    if key is AttemptKey.PHONE:
        return [one for one in past if one.phone == callee.phone]
    return [one for one in past if (one.table, one.chain_id) == (callee.table, callee.chain_id)]


def _over(rule: Rule, cap: AttemptCap, past: Iterable[PastAttempt], now: float) -> Iterator[AttemptBlock]:
    times = sorted(one.opened_at for one in past if one.opened_at > now - cap.within_s)
    if len(times) >= cap.most:
        yield AttemptBlock(rule.name, f"{cap.most} attempts in {cap.within_s / 3600:g} hours, by {cap.key.value}",
                           times[len(times) - cap.most] + cap.within_s)


def _too_soon(rule: Rule, quiet: QuietTime, past: Iterable[PastAttempt], now: float) -> Iterator[AttemptBlock]:
    counted_from = CountedFrom.GREETING if rule.abandon is None else rule.abandon.counted_from
    for one in past:
        found: Category | None = category(one.facts, rule.agent_within_s, counted_from)
        if found in quiet.after:
            until = (one.opened_at if one.facts.ended_at is None else one.facts.ended_at) + quiet.for_s
            if until > now:
                assert found is not None
                yield AttemptBlock(rule.name, f"{quiet.for_s / 3600:g} hours after a call that ended {found.value}", until)
