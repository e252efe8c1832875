"""What many desktops hear at once, told to a few of them at a time: the reactor has other work in between.

To tell one desktop takes some 60 us of a processor, so news to 5,000 of them would hold the reactor for 0.3 s. They are put down
here instead, and each turn of the reactor tells some. The order stays as it was for each desktop: whoever tells one of them
something else first lets it hear what waits (`first`). A turn is bounded by number, not by time, so a simulated day stays the
same on every machine.
"""
from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Hashable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

__all__ = ["A_TURN", "Rounds", "WAITING_EACH"]

A_TURN = 50             # messages; 3 ms where one takes 60 us
WAITING_EACH = 32       # messages; a desktop for which more would wait hears them at once
Tell = Callable[[], None]


class Rounds:
    """`whom` is whatever stands for a desktop: a DN, or its connection. `tell` must not fail; what it raises is logged."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: OrderedDict[Hashable, list[Tell]] = OrderedDict()
        self._planned = False
        self._finished: list[Deferred[None]] = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def later(self, whom: Hashable, tell: Tell) -> None:
        """Call `tell` on one of the next turns, behind whatever waits for the same desktop already."""
        if len(self._waiting.get(whom, ())) >= WAITING_EACH:
            self.first(whom)
        self._waiting.setdefault(whom, []).append(tell)
        self._plan()

    def first(self, whom: Hashable) -> None:
        """Something else is about to be told: what waits for this desktop goes ahead of it, now."""
        if self._waiting:
            self._tell(self._waiting.pop(whom, []))

    def finished(self) -> Deferred[None]:
        """Fires when nothing waits."""
        if not self._waiting:
            return succeed(None)
        fired: Deferred[None] = Deferred()
        self._finished.append(fired)
        return fired

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._planned, told = False, 0
        while self._waiting and told < A_TURN:
            _, next_ones = self._waiting.popitem(last=False)
            told += len(next_ones)
            self._tell(next_ones)
        if self._waiting:
            self._plan()
            return
        finished, self._finished = self._finished, []
        for one in finished:
            one.callback(None)

    def _tell(self, some: list[Tell]) -> None:
        for tell in some:
            with self.log.failuresHandled("telling a desktop"):
                tell()
