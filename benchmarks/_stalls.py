"""How long a reactor is held: a timer that is due every millisecond, and how late it fires."""
from __future__ import annotations

import time
from typing import Any

__all__ = ["StallMeter"]

_EVERY_S = 0.001


class StallMeter:
    """How much later than asked for a timer fires, and how much of the processor this process has used meanwhile, which does not
    depend on what else the machine has to do."""

    def __init__(self, clock: Any) -> None:
        self._clock, self._longest, self._most = clock, 0.0, 0.0
        self._last, self._used = time.perf_counter(), time.process_time()
        clock.callLater(_EVERY_S, self._tick)

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.process_time()
        self._longest, self._most = max(self._longest, now - self._last - _EVERY_S), max(self._most, used - self._used)
        self._last, self._used = now, used
        self._clock.callLater(_EVERY_S, self._tick)

    def longest_ms(self) -> float:
        """The longest stall since it was asked last."""
        longest, self._longest = self._longest, 0.0
        return 1_000 * longest

    def most_processor_ms(self) -> float:
        """The most that the processor did for this process between two firings, since it was asked last."""
        most, self._most = self._most, 0.0
        return 1_000 * most
