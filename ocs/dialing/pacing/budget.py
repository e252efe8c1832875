"""The abandon budget: what may still be abandoned, and the risk that a call may run for it.

Each answer earns a part of an abandoned call (the limit), each abandoned call spends one. The risk at which the next call is
still dialed follows the credit: a share of it at once (proportional), and what is needed to keep the credit near its aim in
the long run (integral). Both work on the logarithm of the odds, since abandons go up by a factor, not by a term.

How firm the hold is follows from the size of the budget: the credit may wander by a few percent of what a working day earns,
less in debt. A small campaign needs a firm hand, since few abandoned calls make its rate; a large one does best with an almost
constant risk.

Whoever judges begins to count when he likes: a credit from before he began does not help. So a little less than the limit is
earned: about one abandoned call is kept back in a working day, which is much for five agents and nothing for a thousand.

The risk at which the limit is just kept grows with the number of answers: the next free agent is never far. Where prediction
begins too timidly, credit gathers in the first hour and is spent in the next; so it begins near to what will come out (measured).
"""
from __future__ import annotations

from math import exp, log

__all__ = ["AbandonBudget"]

_KEPT, _DAY_S = 0.7, 28_800.0       # abandoned calls kept back in a day,
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
_FEW, _MANY, _MOST_RATE = -0.25, 1.1, 1.5   # log odds of the first risk over the limit's: few answers, per answer a second, up to
_DEEP = -3.0                        # in such debt the way back is known and nothing is to be learned


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
        self._settle(earned)

    def begin(self) -> None:
        """Prediction begins: what was saved while dialing one call an agent is not spent later, debts remain."""
        self._spare = min(self._spare, 0.0)
        if not self._begun:
            self._begun = True
            self._steady += _FEW + _MANY * min(_MOST_RATE, self.rate)
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
        self._settle(0.0)

    def _settle(self, earned: float) -> None:
        off = self._spare - _AIM
        pace = self.limit * self.rate           # abandoned calls earned a second
        wander = min(_LOOSEST if off >= 0.0 else _IN_DEBT, 2.0 * (_WANDER * pace * _DAY_S) ** 2)
        hold = max(_FIRMEST, wander, _DELAY_S * pace)
        at_once = off / hold
        if at_once > _DEEP:
            self._steady += earned * min(off, 3.0 * hold) / (_PATIENCE * hold * hold)
            self._steady = min(_MOST, max(_LEAST, self._steady))
        self.risk = 1.0 / (1.0 + exp(-self._steady - min(_SAVED, max(_SPENT, at_once))))
