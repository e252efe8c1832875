"""The decisions of a pacing loop, kept for the last hour: what a supervisor reads to learn why calls were dialed, or were not."""
from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Iterator

from ocs.dialing.pacing import PacingDecision

__all__ = ["Decisions"]

_KEPT_S = 3_600.0
_QUIET_S = 1.0          # of decisions without calls the last one of a second is kept


class Decisions:
    """Oldest first, at most `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._all: deque[PacingDecision] = deque(maxlen=limit)
        self._quiet_since = float("-inf")

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[PacingDecision]:
        return iter(self._all)

    def __getitem__(self, place: int) -> PacingDecision:
        return self._all[place]

    def latest(self, count: int) -> list[PacingDecision]:
        """The last ones, newest first."""
        return list(islice(reversed(self._all), max(0, count)))

    def keep(self, decision: PacingDecision) -> None:
        """One more. A decision without calls takes the place of another one just before it; the same words again are not kept."""
        while self._all and not 0.0 <= decision.at - self._all[0].at <= _KEPT_S:
            self._all.popleft()     # too old, or from before somebody set the clock back
        if not decision.calls and self._all:
            last = self._all[-1]
            if last.reason == decision.reason:
                return
            if not last.calls and last.condition is decision.condition and decision.at - self._quiet_since < _QUIET_S:
                self._all.pop()
                self._all.append(decision)
                return
        self._quiet_since = decision.at
        self._all.append(decision)
