"""How long to wait before the next try, after so many in vain."""
from __future__ import annotations

import random

__all__ = ["BackOff"]


class BackOff:
    """Delays that double from `first_s` to `longest_s`, with jitter so that many clients do not come back at once. With
    several `places` to try, each is tried once before the delay doubles."""

    def __init__(self, rng: random.Random, first_s: float = 0.5, longest_s: float = 20.0, places: int = 1) -> None:
        self._rng, self._first_s, self.longest_s, self._places = rng, first_s, longest_s, places
        self.failures = 0

    def granted(self) -> None:
        """It worked: start over."""
        self.failures = 0

    def next_delay(self) -> float:
        """Seconds until the next try."""
        delay = min(self.longest_s, self._first_s * 2.0 ** min(self.failures // self._places, 16))
        self.failures += 1
        return delay * (0.75 + 0.5 * self._rng.random())
