"""What became of an answered call, as a rule sees it.

The facts are those of the attempt's row, so whoever reads the rows again finds the same. The times decide: when somebody
answered, when detection had heard who (which is when a greeting is over), when an agent was connected, when it ended.
"""
from __future__ import annotations

from dataclasses import dataclass

from ocs.dialing.call import Call, CallOrigin
from ocs.dialing.compliance.rules import Category, CountedFrom
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState

__all__ = ["AnsweredCalls", "CallFacts", "CallsWanted", "category", "facts_of_attempt", "facts_of_call"]

_MACHINES = frozenset({CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED, CallResult.PAGER_DETECTED})
# results that somebody who was heard has led to, without an agent
_HEARD = frozenset({CallResult.ANSWER, CallResult.DO_NOT_CALL, CallResult.WRONG_PARTY, CallResult.WRONG_NUMBER})


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Of an attempt: `found_at` is when it was known who answered, None where an agent dialed. Times are epoch seconds."""

    answered_at: float | None = None
    found_at: float | None = None
    connected_at: float | None = None
    ended_at: float | None = None
    result: CallResult | None = None
    unknown: bool = False           # how it ended will never be known


@dataclass(frozen=True)
class CallsWanted:
    """Answered calls of a campaign, answered at `since` (epoch s) or later, as `category` with these two would see them; but for
    those that the sessions `without` (GUIDs) had answered at `without_since` or later."""

    campaign: str
    since: float
    within_s: float
    counted_from: CountedFrom
    without: tuple[str, ...] = ()
    without_since: float = 0.0


@dataclass(frozen=True)
class AnsweredCalls:
    """`calls` are (minute of the answer, epoch s // 60; category; how many), by ascending minute, each pair once; `first_at` is
    the campaign's first answered call of all, None where there is none."""

    first_at: float | None
    calls: tuple[tuple[int, Category, int], ...]


def facts_of_attempt(attempt: Attempt) -> CallFacts:
    """As the attempt's row has them."""
    return CallFacts(attempt.answered_at, attempt.cpd_completed_at, attempt.agent_connected_at, attempt.ended_at,
                     attempt.call_result, attempt.state is AttemptState.UNKNOWN)


def facts_of_call(call: Call) -> CallFacts:
    """As the engine has seen them so far."""
    found_at = None if call.origin is CallOrigin.AGENT else call.cpd_completed_at
    return CallFacts(call.answered_at, found_at, call.agent_connected_at, call.ended_at, call.result,
                     call.result is CallResult.UNKNOWN and not call.talked)


def category(facts: CallFacts, within_s: float, counted_from: CountedFrom) -> Category | None:
    """None for a call that nobody answered, or of which it is not known whether. An agent must be there within `within_s` (0: at
    any time)."""
    answered_at, connected_at = facts.answered_at, facts.connected_at
    if answered_at is None:
        return None
    if connected_at is None and facts.result in _MACHINES:
        return Category.MACHINE
    if connected_at is None and facts.result is CallResult.SILENCE_DETECTED:
        return Category.SILENCE
    if facts.found_at is None:
        return Category.BY_AGENT
    heard_at = max(answered_at, facts.found_at) if counted_from is CountedFrom.GREETING else answered_at
    if connected_at is not None:
        if facts.result in _MACHINES:
            return Category.AGENT_MACHINE
        return Category.LATE if within_s and connected_at - heard_at > within_s else Category.CONNECTED
    if facts.unknown:
        return Category.UNSEEN
    if facts.result in _HEARD:
        return Category.HEARD
    short = facts.result is CallResult.ABANDONED and facts.ended_at is not None and facts.ended_at - heard_at < within_s
    return Category.SHORT if short else Category.ABANDONED
