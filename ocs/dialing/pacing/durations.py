"""How long things last, learned from those that ended and from those that have not ended yet.

The estimate is that of Kaplan and Meier: the chance to end in a slot is the number of those that ended in it over the number of
those that came so far. Those still under way are part of the second number. Without them the first minutes of a shift would
seem to show that all talks are short and all calls are answered at once, since the short ones end first. Old evidence fades:
each new duration weighs a little more than the one before.

What lasts longer than all slots ends at a rate that is taken from the time spent there. A slot like the others it must not be:
an agent who has talked for half an hour would be expected to be free in the next five seconds, and in the next, for as long as
the talk lasts.
"""
from __future__ import annotations

import numpy as np

from ocs.dialing.pacing.ages import AgeCensus, Floats

__all__ = ["Durations", "Spread", "spreads"]

_LARGEST_WEIGHT = 1e9


class Durations:
    """Durations seen, in slots of `width_s`; the newest `memory` of them count most. The last slot takes all that are longer."""

    def __init__(self, width_s: float, slots: int, memory: float) -> None:
        self.width_s, self.seen = width_s, 0
        self._ends, self._weight, self._growth = np.zeros(slots), 1.0, 1.0 + 1.0 / memory

    def add(self, duration_s: float) -> None:
        """One more ended."""
        slot = int(duration_s / self.width_s)
        ends = self._ends
        ends[slot if slot < len(ends) else -1] += self._weight
        self.seen += 1
        self._weight *= self._growth
        if self._weight > _LARGEST_WEIGHT:
            ends /= self._weight
            self._weight = 1.0

    def ends(self) -> Floats:
        """Ends by slot; the newest weighs 1."""
        return self._ends / self._weight


class Spread:
    """A distribution of durations: `share` of all end in this way, `by(t)` of these by time t, after `mean_s` on average. Of
    those that reach the last slot of `density`, `late_rate` end a second."""

    def __init__(self, width_s: float, density: Floats, late_rate: float) -> None:
        total = float(density.sum())
        self.share = total
        shares = density / total if total > 0 else np.zeros(len(density))
        self._edges = np.arange(len(density)) * width_s
        self._cumulated = np.concatenate(([0.0], np.cumsum(shares[:-1])))
        self._late, self._late_rate = float(shares[-1]), late_rate
        self.mean_s = float(shares @ (self._edges + width_s / 2)) + self._late * (1.0 / late_rate - width_s / 2)

    def mean_up_to(self, most_s: float) -> float:
        """As `mean_s`, where nobody lasts longer than so much beyond the slots, on average: who goes home and leaves a wrap-up
        open does not make the work of the others longer."""
        return self.mean_s - self._late * max(0.0, 1.0 / self._late_rate - most_s)

    def by(self, times_s: Floats) -> Floats:
        """The share that has ended by each of the times, 0 to 1."""
        ended = np.interp(times_s, self._edges, self._cumulated)
        late_s = np.maximum(times_s - self._edges[-1], 0.0)
        return np.asarray(ended - self._late * np.expm1(-self._late_rate * late_s), dtype=np.float64)


def spreads(under_way: AgeCensus, *ways: Durations) -> list[Spread]:
    """The spread of each way to end, where one excludes the others; `under_way` counts by slot those that have not ended."""
    ends = [way.ends() for way in ways]
    total = sum(ends[1:], ends[0])
    reached = np.cumsum((total + under_way.counts)[::-1])[::-1] - under_way.counts / 2
    reached[-1] = total[-1]         # there all end, some time
    with np.errstate(divide="ignore", invalid="ignore"):
        hazards = [np.where(reached > 0, each / reached, 0.0) for each in ends]
    hazard = np.minimum(sum(hazards[1:], hazards[0]), 1.0)
    alive = np.concatenate(([1.0], np.cumprod(1.0 - hazard)[:-1]))
    return [Spread(way.width_s, alive * each, under_way.oldest_rate) for way, each in zip(ways, hazards)]
