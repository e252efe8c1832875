"""The share of trials that succeed, learned fast: answers of calls that ring, ringing of calls that were dialed.

A trial counts before it is decided: by age, for as much as successes usually need (a call that has rung for three seconds
counts as the tenth part of a call if a tenth of the answers comes within three seconds). So the share is known without the bias
of the quick ones and without the delay of a whole ringing time. Two memories run side by side: a long one that gives the share,
a short one that contradicts it when the world has changed; then the long one is dropped (a likelihood ratio test).
"""
from __future__ import annotations

from math import log

import numpy as np

from ocs.dialing.pacing.ages import Floats

__all__ = ["AGES_S", "LearnedShare"]

_WIDTH_S, _SLOTS = 0.25, 256    # a trial is decided within 64 s; fine slots, since hundreds of calls may begin at once
_LONG, _SHORT = 800.0, 80.0  # trials remembered
_ALARM = 12.0               # twice the log likelihood ratio: about one false alarm in 2,000 looks
_LEAST, _MOST = 0.003, 0.98
AGES_S: Floats = np.arange(_SLOTS, dtype=np.float64) * _WIDTH_S


class LearnedShare:
    """The share of successes; `first` is believed until there is evidence, with the weight of two trials."""

    def __init__(self, first: float) -> None:
        self.alarms = 0
        self._long, self._short = [2.0 * first, 2.0], [0.0, 0.0]       # successes, trials
        self._counts = np.zeros((2, _SLOTS))
        self._trials, self._wins = self._counts         # views of it
        self._recent_wins, self._slot = 0.0, 0
        self._decided: Floats = np.ones(_SLOTS)
        self._value, self._stale = first, False
        self.doubt = 0.5            # variance of the share over its square

    def timing(self, decided: Floats) -> None:
        """Of the successes, what share has come by each of `AGES_S`."""
        self._decided, self._stale = decided, True

    def trial(self, now: float) -> None:
        """One more trial begins."""
        self.advance(now)
        self._trials[0] += 1.0
        self._stale = True

    def withdraw(self, now: float, begun_at: float) -> None:
        """A trial that began then was none after all. One that is counted in the memories already stays there."""
        self.advance(now)
        age = max(0, self._slot - int(begun_at / _WIDTH_S))
        if age < _SLOTS:
            self._trials[age] -= 1.0
            self._stale = True

    def success(self, now: float, begun_at: float) -> None:
        """A trial that began then succeeds."""
        self.advance(now)
        age = max(0, self._slot - int(begun_at / _WIDTH_S))
        self._stale = True
        if age < _SLOTS:
            self._wins[age] += 1.0
            self._recent_wins += 1.0
        else:
            self._long[0] += 1.0
            self._short[0] += 1.0

    def advance(self, now: float) -> None:
        """Let time pass: trials that are old enough go to the memories."""
        slot = int(now / _WIDTH_S)
        shift = min(slot - self._slot, _SLOTS)
        if shift <= 0:
            return
        self._slot = slot
        self._stale = True
        counts = self._counts
        old, won = np.add.reduce(counts[:, -shift:], axis=1).tolist()       # as sum(), in half of its time
        if old or won:
            self._recent_wins -= won
            for memory, length in ((self._long, max(_LONG, 3.0 * float(self._trials.sum()))), (self._short, _SHORT)):
                fade = (1.0 - 1.0 / length) ** old
                memory[:] = memory[0] * fade + won, memory[1] * fade + old
        counts[:, shift:] = counts[:, :_SLOTS - shift]
        counts[:, :shift] = 0.0

    def value(self) -> float:
        """The share now, 0.003 to 0.98."""
        if not self._stale:
            return self._value
        self._stale = False
        recent = float(self._trials @ self._decided)
        wins = self._recent_wins
        share = (self._long[0] + wins) / (self._long[1] + recent)
        seen, expected = self._short[0] + wins, share * (self._short[1] + recent)
        if expected > 0:
            ratio = 2.0 * ((seen * log(seen / expected) if seen else 0.0) - (seen - expected))
            if ratio > _ALARM and self._long[1] > 40:
                self.alarms += 1
                self._long, self._short = [3.0 * share, 3.0], [0.0, 0.0]
                share = (self._long[0] + wins) / (self._long[1] + recent)
        self._value = min(_MOST, max(_LEAST, share))
        self.doubt = (1.0 - self._value) / (self._value * (self._long[1] + recent))
        return self._value
