"""How many are how old: counts by age that move on with time, so that a decision never walks over calls or agents.

Time is cut into slots. Whoever enters is counted at age 0 and is given the number of the slot; with each new slot all counts
move up one place. The last place holds everybody who is older: an agent in the second hour of a call, or one who forgot to end
the work after it. Of these only the rate at which they end is known.
"""
from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["AgeCensus", "Floats"]

Floats: TypeAlias = NDArray[np.float64]
_REMEMBERED = 30.0      # ends in the last place that are remembered


class AgeCensus:
    """Counts by age in slots of `width_s`, kept in `counts` (a view that may be part of a longer vector)."""

    def __init__(self, counts: Floats, width_s: float) -> None:
        self.counts, self.width_s = counts, width_s
        self._last, self._slot = len(counts) - 1, 0
        self._oldest_ends, self._oldest_s = 1.0, self._last * width_s   # ends in the last place, seconds spent there by all;
        # believed at first: who is so old lasts as long again

    def advance(self, now: float) -> None:
        """Let time pass up to `now`; a clock that goes back changes nothing."""
        slot = int(now / self.width_s)
        shift = slot - self._slot
        if shift <= 0:
            return
        counts = self.counts
        self._slot = slot
        self._oldest_s += shift * self.width_s * float(counts[-1])
        if shift >= self._last:
            everybody = counts.sum()
            counts[:] = 0.0
            counts[-1] = everybody
            return
        oldest = np.add.reduce(counts[-shift - 1:])     # as sum(), in half of its time
        counts[shift:] = counts[:-shift]
        counts[:shift] = 0.0
        counts[-1] = oldest

    def enter(self, now: float, age_s: float = 0.0) -> int:
        """One more of this age; the slot to give back when it leaves."""
        self.advance(now)
        age = int(max(0.0, age_s) / self.width_s)
        self.counts[min(age, self._last)] += 1.0
        return self._slot - age

    def leave(self, slot: int) -> None:
        """One that entered in `slot` is gone."""
        place = self.place(slot)
        self.counts[place] -= 1.0
        if place == self._last:
            self._oldest_ends += 1.0
            if self._oldest_ends > _REMEMBERED:
                self._oldest_s, self._oldest_ends = self._oldest_s / 2, self._oldest_ends / 2

    def place(self, slot: int) -> int:
        """Where one that entered in `slot` is counted now."""
        age = self._slot - slot
        return age if age < self._last else self._last

    @property
    def oldest_rate(self) -> float:
        """How many of those in the last place end in a second, as a share of them."""
        return self._oldest_ends / self._oldest_s

    def ages(self) -> Floats:
        """The mean age, in seconds, of each count."""
        ages: Floats = np.arange(len(self.counts), dtype=np.float64) * self.width_s
        ages[0] = self.width_s / 4
        return ages
