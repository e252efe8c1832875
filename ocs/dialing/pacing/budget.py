"""The abandon budget: what may still be abandoned, and the risk that a call may run for it.

Each answer earns a part of an abandoned call (the limit), each abandoned call spends one. The risk at which the next call is
still dialed follows the credit: a share of it at once (proportional), and what is needed to keep the credit near its aim in
the long run (integral). Both work on the logarithm of the odds, since abandons go up by a factor, not by a term.

How firm the hold is follows from the size of the budget: the credit may wander by a few percent of what a working day earns,
less in debt. A small campaign needs a firm hand, since few abandoned calls make its rate; a large one does best with an almost
constant risk.

Whoever judges begins to count when he likes: a credit from before he began does not help. So a little less than the limit is
earned: about two abandoned calls are kept back in a working day, which is much for five agents and nothing for a thousand.

The risk at which the limit is just kept grows with the number of answers: the next free agent is never far (measured). So what
is learned is the difference from what is usual at this rate of answers: prediction begins near to what will come out, and when
half of the agents go to lunch the risk is less at once, not after the credit is gone. With few agents it grows with the hit
ratio, too: where answers are rare many calls are out, and two of them may be answered at once.

A world that changes at once (the next part of the list is answered five times as often) makes a burst of abandoned calls that no
risk foresees. Where there was one, another may come: part of a burst is kept back, and debts are paid faster.
"""
from __future__ import annotations

from math import exp, log

__all__ = ["AbandonBudget"]

_KEPT, _DAY_S = 2.2, 28_800.0       # abandoned calls kept back in a day,
_LEAST_KEPT, _MOST_KEPT = 0.02, 0.05    # as a part of the budget
_AIM = 0.5                          # credit aimed at, abandoned calls
_WANDER = 0.04                      # of a day's budget
_FIRMEST, _LOOSEST = 3.0, 24.0      # abandoned calls of credit that move the odds by the factor e
_IN_DEBT = 16.0                     # the same, at most, while the credit is below its aim
_PATIENCE = 8.0                     # how much slower the long run is learned than the credit is followed
_DELAY_S = 80.0                     # several times the delay from a dial to its abandon: a firmer hand would swing
_RATE_S = 1200.0                    # the rate of answers is taken over about so long
_LEAST, _MOST = -8.0, 1.5           # log odds of the risk
_SPENT, _SAVED = -4.0, 1.0          # the most that debt takes off the log odds at once, and that credit adds
_FEW, _MANY, _MOST_RATE = -0.25, 1.1, 1.5   # log odds of the risk over the limit's: few answers, per answer a second, up to
_PER_HIT, _MIDDLING, _SLOWEST = 0.053, 0.3, 0.02    # and per hit ratio beyond a middling one over answers a second, from
_SURE = 3.0                         # standard errors of the hit ratio
_DEEP = -3.0                        # in such debt the way back is known and nothing is to be learned
_BURST = 3.0                        # times the limit: more abandoned calls than that are a burst
_CHANCE = 6.0                       # abandoned calls in a burst that needs no other reason
_AGAIN_S = 10_800.0                 # how long another is expected
_AHEAD, _FASTER = 0.5, 0.5          # for each call of a burst beyond chance: kept back; faster out of debt


class AbandonBudget:
    """Credit in abandoned calls, and the `risk` (0 to 1) a call may run to find no agent. `limit` as a ratio, 0.03 for 3 %."""

    def __init__(self, limit: float, answered: int = 0, abandoned: int = 0) -> None:
        """`answered` and `abandoned`: what the window of the rule has seen so far."""
        if not 0.0 < limit < 1.0:
            raise ValueError(f"abandon limit {limit}: must lie between 0 and 1")
        self.limit, self.answered, self.abandoned = limit, answered, abandoned
        self._spare = min(self.credit, 0.0)     # the credit that control goes by
        self._steady = log(limit)
        self._rate, self._at = 0.0, 0.0
        self._first: float | None = None
        self._begun = False
        self._beyond = 0.0                      # of the hit ratio, beyond a middling one
        self._burst, self._worst = 0.0, 0.0     # abandoned calls of the burst under way, and of the worst one lately
        self._settle(0.0)

    @property
    def credit(self) -> float:
        """Calls that may still be abandoned; negative: too many were."""
        return self.limit * self.answered - self.abandoned

    def change_limit(self, limit: float) -> None:
        """Another limit holds from now on; what was answered and abandoned so far is judged by it, too."""
        if not 0.0 < limit < 1.0:
            raise ValueError(f"abandon limit {limit}: must lie between 0 and 1")
        if limit != self.limit:
            self._steady += log(limit / self.limit)
            self.limit = limit
            self._settle(0.0)

    def answer(self, now: float) -> None:
        """A person answered."""
        self.answered += 1
        if self._first is None:
            self._first = self._at = now
        self._rate = self._rate * exp(min(0.0, self._at - now) / _RATE_S) + 1.0 / _RATE_S
        self._at = now
        daily = self.limit * self.rate * _DAY_S
        earned = self.limit * (1.0 - min(_MOST_KEPT, max(_LEAST_KEPT, _KEPT / daily)))
        self._spare += earned
        self._burst = max(0.0, self._burst - _BURST * self.limit)
        self._worst *= 1.0 - 1.0 / (100.0 + self.rate * _AGAIN_S)
        self._settle(earned)

    def begin(self) -> None:
        """Prediction begins: what was saved while dialing one call an agent is not spent later, debts remain."""
        self._spare = min(self._spare, 0.0)
        self._begun = True
        self._settle(0.0)

    def expect(self, hit_ratio: float, error: float = 0.0) -> None:
        """So large a share of the calls, 0 to 1, is answered by a person at present; its standard error. Only what is sure
        counts."""
        beyond, unsure = hit_ratio - _MIDDLING, _SURE * error
        self._beyond = max(0.0, beyond - unsure) + min(0.0, beyond + unsure)
        self._settle(0.0)

    @property
    def rate(self) -> float:
        """Answers a second, lately."""
        if self._first is None:
            return 0.0
        return self._rate / (1.0 - exp(-(self._at - self._first + 30.0) / _RATE_S))

    def abandon(self) -> None:
        """No agent was there for an answered call."""
        self.abandoned += 1
        self._spare -= 1.0
        self._burst += 1.0
        self._worst = max(self._worst, self._burst)
        self._settle(0.0)

    def suspect(self, chance: float) -> None:
        """Nobody saw how a call ended; with this chance, 0 to 1, a person was left without an agent. The budget pays for it, and
        `abandoned`, which counts what is known, does not have it."""
        self._spare -= chance
        self._settle(0.0)

    def _settle(self, earned: float) -> None:
        surprise = max(0.0, self._worst - _CHANCE)
        off = self._spare - _AIM - _AHEAD * surprise
        pace = self.limit * self.rate           # abandoned calls earned a second
        loosest = _LOOSEST if off >= 0.0 else _IN_DEBT / (1.0 + _FASTER * surprise)
        hold = max(_FIRMEST, min(loosest, 2.0 * (_WANDER * pace * _DAY_S) ** 2), _DELAY_S * pace)
        at_once = off / hold
        if at_once > _DEEP:
            self._steady += earned * min(off, 3.0 * hold) / (_PATIENCE * hold * hold)
            self._steady = min(_MOST, max(_LEAST, self._steady))
        usual = 0.0
        if self._begun:
            rate = self.rate
            usual = _FEW + _MANY * min(_MOST_RATE, rate) + _PER_HIT * self._beyond / max(_SLOWEST, rate)
        self.risk = 1.0 / (1.0 + exp(-self._steady - usual - min(_SAVED, max(_SPENT, at_once))))
