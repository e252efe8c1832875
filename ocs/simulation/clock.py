"""A clock that is moved by command and stays quick with any number of timers.

`twisted.internet.task.Clock` sorts all its timers at each `callLater`: 1 ms with 5,000 of them. Here they lie in a heap, but for
those that are due at once, as every message is that goes to another part: these are the last of their moment, and stand in a
queue. Timers run in the order of their times; those of the same time in the order in which they were set.
"""
from __future__ import annotations

import heapq
from collections import deque
from typing import Any, Callable

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from ocs.clock import IClock

__all__ = ["HeapClock"]

_TIDY_AT = 4_096        # cancelled timers in the heap, from which on it is cleared of them when they are the larger part


@implementer(IDelayedCall)
class HeapCall:
    """A timer of a `HeapClock`."""

    __slots__ = ("_clock", "time", "turn", "call", "args", "kwargs", "called", "cancelled")

    def __init__(self, clock: HeapClock, time: float, turn: int, call: Callable[..., Any], args: tuple[Any, ...],
                 kwargs: dict[str, Any]) -> None:
        self._clock, self.time, self.turn, self.call, self.args, self.kwargs = clock, time, turn, call, args, kwargs
        self.called = self.cancelled = False

    def getTime(self) -> float:
        return self.time

    def active(self) -> bool:
        return not (self.called or self.cancelled)

    def cancel(self) -> None:
        self._check()
        self.cancelled = True
        self.call, self.args, self.kwargs = _nothing, (), {}        # whatever it would have used is free
        self._clock.outdated()

    def reset(self, secondsFromNow: float) -> None:
        self._check()
        self._clock.move(self, self._clock.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self._check()
        self._clock.move(self, self.time + secondsLater)

    def _check(self) -> None:
        if self.cancelled:
            raise AlreadyCancelled()
        if self.called:
            raise AlreadyCalled()


_Entry = tuple[float, int, HeapCall]        # time, turn; out of date where that is not the timer's turn any more


@implementer(IClock)
class HeapClock:
    """It shows `wall` (epoch s) at first and stands still until it is advanced; `fired` counts the timers that have run."""

    speed = 1.0

    def __init__(self, wall: float = 0.0) -> None:
        self._now, self._wall, self._turn, self._outdated, self.fired = 0.0, wall, 0, 0, 0
        self._heap: list[_Entry] = []
        self._at_once: deque[_Entry] = deque()          # set without a delay: in order as they come
        self.steps: list[tuple[float, float]] = []      # what the wall clock showed before and after it was set

    # -- IClock ---------------------------------------------------------------------------------------------------
    def seconds(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall + self._now

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> HeapCall:
        if delay < 0:
            raise ValueError(f"a timer cannot be set {-delay} s ago")
        time, turn = self._now + delay, self._turn
        timer = HeapCall(self, time, turn, callable, args, kwargs)
        if delay:
            heapq.heappush(self._heap, (time, turn, timer))
        else:
            self._at_once.append((time, turn, timer))
        self._turn += 1
        return timer

    def getDelayedCalls(self) -> list[IDelayedCall]:
        return [timer for _, turn, timer in (*self._at_once, *self._heap) if timer.active() and timer.turn == turn]

    # -- by command -----------------------------------------------------------------------------------------------
    def step_wall(self, seconds: float) -> None:
        """Somebody sets the machine's clock: the wall clock jumps, the monotonic one does not."""
        before = self.wall()
        self._wall += seconds
        self.steps.append((before, self.wall()))

    def advance(self, seconds: float) -> None:
        """Run everything that is due until then, in order; timers that are set meanwhile too."""
        self.run_until(self._now + seconds)

    def run_until(self, end: float, going: Callable[[], bool] = lambda: True) -> None:
        """Go to `end` (the clock's seconds), or no further than where `going()` is no longer true."""
        heap, at_once, pop = self._heap, self._at_once, heapq.heappop
        while at_once or heap and heap[0][0] <= end:
            if not going():
                return
            # what is due at once is due now: only a timer of the heap that was set before it can be earlier
            time, turn, timer = at_once.popleft() if at_once and not (heap and heap[0] < at_once[0]) else pop(heap)
            if turn != timer.turn or timer.cancelled:
                self._outdated -= 1
                continue
            self._now = time
            timer.called = True
            self.fired += 1
            timer.call(*timer.args, **timer.kwargs)
            timer.args = ()         # whoever has the timer and was passed to it is free
        self._now = max(self._now, end)

    # -- of timers ------------------------------------------------------------------------------------------------
    def move(self, timer: HeapCall, time: float) -> None:
        """The timer is for another time now; among those of that time it comes last."""
        timer.time, timer.turn = max(time, self._now), self._turn
        heapq.heappush(self._heap, (timer.time, timer.turn, timer))
        self._turn += 1
        self.outdated()

    def outdated(self) -> None:
        """One entry of the heap is of no more use."""
        self._outdated += 1
        if self._outdated >= _TIDY_AT and 2 * self._outdated > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if entry[1] == entry[2].turn and not entry[2].cancelled]
            heapq.heapify(self._heap)
            self._outdated = sum(turn != timer.turn or timer.cancelled for _, turn, timer in self._at_once)


def _nothing() -> None:
    """What a cancelled timer does."""
