"""How long until a calling list is done with: what is left of it, by how fast that went down lately; pure.

What is left are the records that are not final. How fast it goes down is measured over the last `WINDOW_S`, so breaks and closed
hours count for that long. Records that come in by an import are left, and do not count as going backwards. Source: the public
statistic Time To Complete (seconds, of a campaign group and of each list; unknown where nothing is measured).
"""
from __future__ import annotations

from collections import deque
from typing import Iterable

__all__ = ["LEAST_S", "WINDOW_S", "Remaining", "time_to_complete"]

WINDOW_S = 900.0
LEAST_S = 60.0          # a shorter look says nothing


class Remaining:
    """What is left of one table, looked at now and then."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()     # (when, how many were left), the oldest first

    def look(self, now: float, left: int) -> None:
        """So many records are left now (seconds of a monotonic clock)."""
        self._looks.append((now, left))
        while now - self._looks[0][0] > WINDOW_S:
            self._looks.popleft()

    @property
    def left(self) -> int | None:
        """None before the first look."""
        return self._looks[-1][1] if self._looks else None

    @property
    def a_second(self) -> float | None:
        """How many become final a second; None where too little was seen."""
        seen_s = self._looks[-1][0] - self._looks[0][0] if self._looks else 0.0
        if seen_s < LEAST_S:
            return None
        looks = [left for _, left in self._looks]
        return sum(max(0, before - after) for before, after in zip(looks, looks[1:])) / seen_s


def time_to_complete(tables: Iterable[Remaining]) -> float | None:
    """Seconds until nothing is left of these tables together, if it goes on as it did; None where that is not known, or it would
    never be."""
    tables = list(tables)
    left = [one.left for one in tables]
    if not tables or None in left:
        return None
    total = sum(one or 0 for one in left)
    speed = sum(one.a_second or 0.0 for one in tables)
    if not total:
        return 0.0
    return total / speed if speed else None
