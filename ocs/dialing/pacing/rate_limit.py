"""The dialing rate: at most so many dials a second."""
from __future__ import annotations

from collections import deque

__all__ = ["RateLimit"]

_ROUNDING = 1e-9


class RateLimit:
    """At most `per_second` dials in any second, rounded down; below one a second, one in `1 / per_second` seconds.

    The times of the last dials are kept, so the limit holds over every second, not on an average."""

    def __init__(self, per_second: float) -> None:
        if per_second <= 0:
            raise ValueError("per_second must be positive")
        self._most, self._span_s = max(1, int(per_second)), 1.0 if per_second >= 1 else 1.0 / per_second
        self._dials: deque[float] = deque()
        self._at = float("-inf")

    def left(self, now: float) -> int:
        """How many dials are allowed at `now` (monotonic seconds)."""
        self._at = now
        while self._dials and now - self._dials[0] >= self._span_s - _ROUNDING:
            self._dials.popleft()
        return max(0, self._most - len(self._dials))

    def spend(self, count: int) -> None:
        """`count` dials were placed, at the time that `left` was last asked for."""
        self._dials.extend([self._at] * count)
