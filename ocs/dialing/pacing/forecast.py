"""Agents against answers: how sure it is that one more answered call finds an agent.

For a few moments ahead (the times at which a call dialed now would be answered) the surplus is: agents idle, less callers
waiting, plus agents who become free, less calls that are answered first. Each agent and each call is a chance of its own, so
mean, variance and skew of the surplus are sums over counts by age: one product of a matrix and a vector, whatever the number of
calls.

Waiting has a price and a worth. The price is an agent's idle time. The worth is what a moment tells: the more calls and wrap-
ups are about to be decided, the more of the risk will be gone shortly. So the same risk counts for more when news is near: it
is weighed by the square root of the number of answers and free agents that are expected next (measured: docs/pacing.md, section
4).
"""
from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, sqrt

import numpy as np

from ocs.dialing.pacing.ages import Floats

__all__ = ["Forecast", "Surplus", "normal_share"]

_ROOT_HALF, _NORMAL = sqrt(0.5), 0.3989422804014327
_CERTAIN = 1e-6
_NO_NEWS = 0.1          # the least news, so that risk counts when none is due


def normal_share(z: float) -> float:
    """The standard normal distribution's share below z."""
    return 0.5 + 0.5 * erf(z * _ROOT_HALF)


@dataclass(slots=True)
class Surplus:
    """The surplus at each moment: mean, variance and third moment, and the chance of one new call to be answered by then.

    `due` are the answers that are expected by then, `doubt` the relative variance of the hit ratio, which errs for all calls
    alike; `news` is the number of answers and free agents that are expected next."""

    mean: list[float]
    variance: list[float]
    third: list[float]
    chance: list[float]
    due: list[float]
    news: float = 1.0
    doubt: float = 0.0

    def sureness(self, calls: int) -> float:
        """The chance, 0 to 1, that one more call after `calls` others finds an agent and takes none from another call."""
        total, worst = 0.0, 1.0
        for moment in range(len(self.mean) - 1, -1, -1):        # an agent taken at one moment is missed at all later ones
            chance = self.chance[moment]
            spread = calls * chance * (1.0 - chance)
            due = self.due[moment] + calls * chance
            variance = self.variance[moment] + spread + self.doubt * due * due
            mean = self.mean[moment] - calls * chance - 0.5
            if variance < _CERTAIN:
                sure = 1.0 if mean >= 0.0 else 0.0
            else:
                deviation = sqrt(variance)
                z = mean / deviation
                skew = (self.third[moment] - spread * (1.0 - 2.0 * chance)) / (variance * deviation)
                sure = normal_share(z) + skew / 6.0 * (z * z - 1.0) * _NORMAL * exp(-0.5 * z * z)
            if sure < worst:
                worst = sure
            total += worst
        return max(0.0, total / len(self.mean))

    def threshold(self, risk: float) -> float:
        """The sureness, 0 to 1, that a call must have where the budget allows `risk`."""
        return max(0.0, 1.0 - risk / sqrt(self.news + _NO_NEWS))

    def calls(self, threshold: float, most: int) -> int:
        """How many calls, at most `most`, can be dialed so that each of them is as sure as the threshold."""
        if most < 1 or self.sureness(0) < threshold:
            return 0
        good, bad = 1, 2
        while bad <= most and self.sureness(bad - 1) >= threshold:
            good, bad = bad, 2 * bad
        bad = min(bad, most + 1)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self.sureness(middle - 1) >= threshold else (good, middle)
        return good


class Forecast:
    """Chances by age, laid out so that `surplus` is one product with the vector of counts."""

    def __init__(self, moments: int, size: int) -> None:
        self._moments = moments
        self._matrix = np.zeros((4 * moments + 1, size))
        self._chance = [0.0] * moments

    def supply(self, places: slice, chances: Floats) -> None:
        """Those counted in `places` become idle agents with these chances (moments and news x places)."""
        self._put(places, chances, 1.0)

    def demand(self, places: slice, chances: Floats) -> None:
        """Those counted in `places` become answered calls with these chances (moments and news x places)."""
        self._put(places, chances, -1.0)

    def _put(self, places: slice, chances: Floats, sign: float) -> None:
        moments, matrix = self._moments, self._matrix
        matrix[-1, places] = chances[-1]
        chances = chances[:-1]
        variance = chances * (1.0 - chances)
        matrix[:moments, places] = sign * chances
        matrix[moments:2 * moments, places] = variance
        matrix[2 * moments:3 * moments, places] = sign * variance * (1.0 - 2.0 * chances)
        matrix[3 * moments:-1, places] = chances if sign < 0 else 0.0

    def new_call(self, chances: list[float]) -> None:
        """The chances of a call that is dialed now (moments)."""
        self._chance = chances

    def surplus(self, counts: Floats, now: float, doubt: float = 0.0) -> Surplus:
        """The surplus with `now` agents to spare at once."""
        n = self._moments
        sums = (self._matrix @ counts).tolist()
        mean = [now + each for each in sums[:n]]
        return Surplus(mean, sums[n:2 * n], sums[2 * n:3 * n], self._chance, sums[3 * n:-1], sums[-1], doubt)
