"""The abandon budget: what may still be abandoned, and the risk that a call may run for it.

Each answer earns a part of an abandoned call (the limit), each abandoned call spends one. The risk at which the next call is
still dialed follows the credit: a share of it at once (proportional), and what is needed to keep the credit near its aim in
the long run (integral). Both work on the logarithm of the odds, since abandons go up by a factor, not by a term.

How firm the hold is follows from the size of the budget: the credit may wander by a twentieth of all that the window has earned. A
small campaign needs a firm hand, since few abandoned calls make its rate; a large one does best with an almost constant risk.
"""
from __future__ import annotations

from math import exp, log

__all__ = ["AbandonBudget"]

_AIM = 0.7                          # abandoned calls kept in reserve
_WANDER = 0.05                      # of the budget earned
_FIRMEST, _LOOSEST = 3.0, 30.0      # abandoned calls of credit that move the odds by the factor e
_DELAY_S = 80.0                     # several times the delay from a dial to its abandon: a firmer hand would swing
_RATE_S = 300.0                     # the rate of answers is taken over about so long
_LEAST, _MOST = -8.0, 1.5           # log odds of the risk
_SPENT = -4.0                       # the most that debt takes off
_SAVED = 1.0                        # the most that credit adds


class AbandonBudget:
    """Credit in abandoned calls, and the `risk` (0 to 1) a call may run to find no agent. `limit` as a ratio, 0.03 for 3 %."""

    def __init__(self, limit: float, answered: int = 0, abandoned: int = 0) -> None:
        if not 0.0 < limit < 1.0:
            raise ValueError(f"abandon limit {limit}: must lie between 0 and 1")
        self.limit, self.answered, self.abandoned = limit, answered, abandoned
        self._steady = log(limit)
        self._rate, self._at = 0.0, 0.0
        self._settle(0.0)

    @property
    def credit(self) -> float:
        """Calls that may still be abandoned; negative: too many were."""
        return self.limit * self.answered - self.abandoned

    def answer(self, now: float) -> None:
        """A person answered."""
        self.answered += 1
        self._rate = self._rate * exp(min(0.0, self._at - now) / _RATE_S) + 1.0 / _RATE_S
        self._at = now
        self._settle(self.limit)

    def abandon(self) -> None:
        """No agent was there for an answered call."""
        self.abandoned += 1
        self._settle(0.0)

    def _settle(self, earned: float) -> None:
        hold = max(_FIRMEST, min(_LOOSEST, 2.0 * (_WANDER * self.limit * self.answered) ** 2), _DELAY_S * self.limit * self._rate)
        off = self.credit - _AIM
        at_once = off / hold
        if at_once > _SPENT + 1.0:      # in debt the way back is known: nothing is to be learned
            self._steady += earned * min(off, 3.0 * hold) / (4.0 * hold * hold)
            self._steady = min(_MOST, max(_LEAST, self._steady))
        self.risk = 1.0 / (1.0 + exp(-self._steady - min(_SAVED, max(_SPENT, at_once))))
