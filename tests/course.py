"""What a test that takes minutes says of itself: how fast it was, and whether memory grew.

`make test-long` shows a line for each at its end (see `conftest.py`).
"""
from __future__ import annotations

import gc
import os
import resource
import time
from typing import Callable

from tests.conftest import FIGURES, Logged

__all__ = ["Course"]

_LOOKS = 20
_MB = 2 ** 20


class Course:
    """Call it with how many are done whenever nothing of the last ones should be left. `objects` and `megabytes` are what may
    come and go between two such moments."""

    def __init__(self, name: str, count: int, logged: Logged, record: Callable[[str, object], None], *, objects: int = 20_000,
                 megabytes: int = 24) -> None:
        self._name, self._count, self._logged, self._record = name, count, logged, record
        self._bounds = objects, megabytes
        self._begun = self._next = 0.0
        self._alive: list[tuple[int, float]] = []       # (objects, megabytes) at each look, the first after a twentieth
        self._begun = time.process_time()

    def __call__(self, done: int) -> None:
        self._logged.events.clear()         # this process's own
        if done < self._next:
            return
        self._next = done + self._count / _LOOKS
        gc.collect()
        self._alive.append((len(gc.get_objects()), _resident() / _MB))

    def check(self, remark: str = "") -> None:
        """At the end: tell, and fail where memory has grown since the second look (at the first one imports and caches come)."""
        seconds = time.process_time() - self._begun
        (objects, megabytes), (objects_now, megabytes_now) = self._alive[1], self._alive[-1]
        self._record(FIGURES, f"{self._name}: {self._count:,} in {seconds:.0f} s, {self._count / seconds:,.0f}/s; objects"
                              f" {objects:,} -> {objects_now:,}; memory {megabytes:.1f} -> {megabytes_now:.1f} MB; {remark}")
        assert max(one for one, _ in self._alive[1:]) < objects + self._bounds[0], f"objects have grown: {self._alive}"
        assert megabytes_now < megabytes + self._bounds[1], f"memory has grown: {self._alive}"


def _resident() -> int:
    """Octets of this process that are in memory now; the most there ever were where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
