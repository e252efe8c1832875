"""How soon agents come back who are away.

A break is over in minutes, the end of a shift in hours or never. Where both were one, forty agents who go to lunch would be
expected back like those on a break, one every quarter of a minute: calls would be dialed for agents who do not come. So each kind
is counted, and its rate learned, by itself.
"""
from __future__ import annotations

import numpy as np

from ocs.dialing.pacing.ages import Floats

__all__ = ["Absence"]

_BELIEVED_S = 600.0             # agent-seconds away that the first rate weighs


class Absence:
    """One kind of being away. `count` is the one place in which those away are counted; the last `memory_s` agent-seconds away
    teach how soon they come back, `first_s` is believed before: the mean time away in seconds."""

    def __init__(self, count: Floats, memory_s: float, first_s: float) -> None:
        self._count, self._memory_s = count, memory_s
        self._returns, self._away_s, self._at = _BELIEVED_S / first_s, _BELIEVED_S, 0.0

    def leave(self, now: float) -> None:
        """One more is away."""
        self._pass(now)
        self._count[0] += 1.0

    def back(self, now: float) -> None:
        """One is back."""
        self.drop(now)
        self._returns += 1.0

    def drop(self, now: float) -> None:
        """One of those away no longer belongs to the group."""
        self._pass(now)
        self._count[0] -= 1.0

    def _pass(self, now: float) -> None:
        self._away_s += max(0.0, now - self._at) * float(self._count[0])
        self._at = now
        if self._away_s > self._memory_s:
            self._away_s, self._returns = self._away_s / 2, self._returns / 2

    def within(self, times_s: Floats) -> Floats:
        """The chance, 0 to 1, to be back within each of the times."""
        return np.asarray(1.0 - np.exp(-times_s * self._returns / self._away_s), dtype=np.float64)
