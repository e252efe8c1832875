"""How long a reactor is held: a timer that is due every millisecond, and how late it fires."""
from __future__ import annotations

import gc
import time
from typing import Any

__all__ = ["StallMeter"]

_EVERY_S, _FULL = 0.001, 2


class StallMeter:
    """How much later than asked for a timer fires; and, since that depends on what else the machine has to do, how much of the
    processor this process has used meanwhile: full passes of the garbage collector, and everything else."""

    def __init__(self, clock: Any) -> None:
        self._clock, self._longest, self._most, self._pass = clock, 0.0, 0.0, 0.0
        self._last, self._used = time.perf_counter(), time.process_time()
        self._collecting = self._collected = 0.0
        gc.callbacks.append(self._collection)
        clock.callLater(_EVERY_S, self._tick)

    def _collection(self, phase: str, about: dict[str, int]) -> None:
        if about["generation"] < _FULL:
            return
        if phase == "start":
            self._collecting = time.process_time()
        else:
            took = time.process_time() - self._collecting
            self._collected += took
            self._pass = max(self._pass, took)

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.process_time()
        self._longest = max(self._longest, now - self._last - _EVERY_S)
        self._most = max(self._most, used - self._used - self._collected)
        self._last, self._used, self._collected = now, used, 0.0
        self._clock.callLater(_EVERY_S, self._tick)

    def longest_ms(self) -> float:
        """The longest stall since it was asked last."""
        longest, self._longest = self._longest, 0.0
        return 1_000 * longest

    def most_processor_ms(self) -> float:
        """The most that the processor did for this process between two firings since it was asked last, but for full passes of
        the garbage collector."""
        most, self._most = self._most, 0.0
        return 1_000 * most

    def longest_collection_ms(self) -> float:
        """The longest of these, in time of the processor, since it was asked last; 0 where there was none."""
        longest, self._pass = self._pass, 0.0
        return 1_000 * longest
