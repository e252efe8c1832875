"""Calling rules as values. One rule is what one regulator demands: each part is there or is not.

Where several rules hold, each is kept: the lowest abandon limit, the earliest end of calling hours, the longest wait.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.dialing.compliance.periods import Period
from ocs.dialing.jurisdiction import EVERYWHERE, Where
from ocs.dialing.windows import RuleHours

__all__ = ["AbandonRule", "AttemptCap", "AttemptKey", "Category", "CountedFrom", "QuietTime", "Rule", "Standing"]


class Category(Enum):
    """What became of a call that was answered; the values stand in rule files."""
    CONNECTED = "connected"         # a person, with an agent in time
    LATE = "late"                   # an agent came, but later than the rule allows
    ABANDONED = "abandoned"         # a person, and no agent
    SHORT = "short"                 # the person hung up before the time for the agent was over
    HEARD = "heard"                 # the person was led through an application, as was meant
    MACHINE = "machine"             # detection took who answered for a machine or a fax
    SILENCE = "silence"             # detection heard nobody
    AGENT_MACHINE = "agent-machine"     # an agent was connected and says that it was a machine
    BY_AGENT = "by-agent"           # an agent dialed: nobody can be left without one
    UNSEEN = "unseen"               # answered, and how it ended is not known


class CountedFrom(Enum):
    """From when on the seconds for an agent count."""
    ANSWER = "answer"               # from the answer on
    GREETING = "greeting"           # from the moment at which detection has heard who answered, where it has


class AttemptKey(Enum):
    """Whose attempts are counted together."""
    PHONE = "phone"                 # a number's, in every list and campaign
    CONTACT = "contact"             # a contact's: all numbers of a chain


class Standing(Enum):
    """How the contents of a rule's file are known."""
    READ = "read"                   # read in public sources
    UNVERIFIED = "unverified"       # general knowledge: have it verified


@dataclass(frozen=True)
class AbandonRule:
    """How much may be abandoned. `limit` and `alarm` as ratios (0.03 for 3 %; alarm 0 = none). A call belongs to the window of
    its answer. `abandoned` over `answered` is the rate; what is in neither is excluded. `count_detection_errors`: of the calls
    taken for machines the share that the site states counts as abandoned persons. `deduct_machines`: of the abandoned calls the
    share that the site states counts as machines. `tolerated` abandoned calls in a window are never too many: a rate says
    nothing of few calls."""

    limit: float
    period: Period
    agent_within_s: float = 2.0         # 0 = any time
    counted_from: CountedFrom = CountedFrom.GREETING
    abandoned: frozenset[Category] = frozenset({Category.ABANDONED, Category.LATE, Category.UNSEEN})
    answered: frozenset[Category] = frozenset({Category.CONNECTED, Category.LATE, Category.ABANDONED, Category.UNSEEN})
    count_detection_errors: bool = True
    deduct_machines: bool = False
    alarm: float = 0.0
    tolerated: float = 1.0


@dataclass(frozen=True)
class AttemptCap:
    """At most so many attempts in any time of this length."""

    most: int
    within_s: float
    key: AttemptKey = AttemptKey.PHONE
    where: Where = EVERYWHERE


@dataclass(frozen=True)
class QuietTime:
    """No attempt for so long after a call that ended so. `unless_agent`: not where an agent is sure to be there, who dials or is
    engaged before the dial."""

    after: frozenset[Category]
    for_s: float
    key: AttemptKey = AttemptKey.PHONE
    unless_agent: bool = False
    where: Where = EVERYWHERE


@dataclass(frozen=True)
class Rule:
    """One file. `name` is how configurations call it, `source` and `version` stand in reports. `least_ring_s`: a phone rings so
    long at least before a call is given up."""

    name: str
    title: str
    source: str
    version: str
    standing: Standing = Standing.UNVERIFIED
    notes: tuple[str, ...] = ()
    abandon: AbandonRule | None = None
    caps: tuple[AttemptCap, ...] = ()
    quiet: tuple[QuietTime, ...] = ()
    hours: tuple[RuleHours, ...] = ()
    least_ring_s: float = 0.0

    @property
    def about_attempts(self) -> bool:
        """Whether it must be known what else was dialed."""
        return bool(self.caps or self.quiet)

    @property
    def attempts_s(self) -> float:
        """How far back attempts matter."""
        return max((*(one.within_s for one in self.caps), *(one.for_s for one in self.quiet)), default=0.0)

    @property
    def agent_within_s(self) -> float:
        """By when an agent must be there, for whoever judges single calls."""
        return 2.0 if self.abandon is None else self.abandon.agent_within_s
