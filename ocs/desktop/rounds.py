"""What many desktops hear at once, told to a few of them at a time: the reactor has other work in between.

To tell one desktop takes some 60 us of a processor, so news to 5,000 of them would hold the reactor for 0.3 s. They are put down
here instead, and each turn of the reactor tells some. The order stays as it was for each desktop: whoever tells one of them
something else first lets it hear what waits (`first`). A turn is bounded by number, not by time, so a simulated day stays the
same on every machine.
"""
from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Hashable, Iterable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

__all__ = ["A_TURN", "Rounds", "WAITING_EACH"]

A_TURN = 50             # messages; 3 ms where one takes 60 us
WAITING_EACH = 32       # messages; a desktop for which more would wait hears them at once
Tell = Callable[[Hashable], None]
"""Tells one desktop, whose name it is given. It must not fail; what it raises is logged."""


class Rounds:
    """A desktop is known by whatever stands for it: a DN, or its connection."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: OrderedDict[Hashable, tuple[Tell, ...]] = OrderedDict()
        self._planned = False
        self._finished: list[Deferred[None]] = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def to_all(self, desktops: Iterable[Hashable], tell: Tell) -> None:
        """Call `tell(whom)` for each of them on one of the next turns, behind whatever waits for the same desktop already."""
        alone = (tell,)         # one for all: thousands of new objects would set the garbage collector to work
        for whom in desktops:
            before = self._waiting.get(whom, ())
            if len(before) >= WAITING_EACH:
                self.first(whom)
                before = ()
            self._waiting[whom] = before + alone if before else alone
        if self._waiting and not self._planned:
            self._plan()

    def first(self, whom: Hashable) -> None:
        """Something else is about to be told: what waits for this desktop goes ahead of it, now."""
        if self._waiting:
            self._tell(whom, self._waiting.pop(whom, ()))

    def finished(self) -> Deferred[None]:
        """Fires when nothing waits."""
        if not self._waiting:
            return succeed(None)
        fired: Deferred[None] = Deferred()
        self._finished.append(fired)
        return fired

    def _plan(self) -> None:
        self._planned = True
        self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._planned, told = False, 0
        while self._waiting and told < A_TURN:
            whom, some = self._waiting.popitem(last=False)
            told += len(some)
            self._tell(whom, some)
        if self._waiting:
            if not self._planned:       # whoever was told may have had news of its own
                self._plan()
            return
        finished, self._finished = self._finished, []
        for one in finished:
            one.callback(None)

    def _tell(self, whom: Hashable, some: tuple[Tell, ...]) -> None:
        for tell in some:
            with self.log.failuresHandled("telling a desktop"):
                tell(whom)
