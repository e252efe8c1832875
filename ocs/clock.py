"""One place for time: a wall clock beside a monotonic one, and clocks that run faster or by command.

`IReactorTime` (seconds, callLater) is monotonic and serves durations and time-outs; `wall()` gives epoch seconds, UTC,
and serves dial windows and stamps. `SystemClock` is the machine's time. `ScaledClock` is the laboratory's: everything
that a person or a retry waits for passes `speed` times faster, from a chosen instant on. Sockets and their keep-alive
stay on the real reactor.
"""
from __future__ import annotations

import time
from typing import Any, Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import Attribute, implementer

__all__ = ["IClock", "ScaledClock", "SystemClock"]


class IClock(IReactorTime):
    """A monotonic clock with timers, and the wall clock beside it."""

    speed = Attribute("float: how many of this clock's seconds pass in one real second.")

    def wall() -> float:
        """Epoch seconds, UTC. May step when the machine's clock is set."""


@implementer(IClock)
class SystemClock:
    """The machine's time on a reactor's timers."""

    speed = 1.0

    def __init__(self, reactor: IReactorTime, monotonic: Callable[[], float] = time.monotonic,
                 wall: Callable[[], float] = time.time) -> None:
        self._reactor, self._monotonic, self._wall = reactor, monotonic, wall

    def seconds(self) -> float:
        return self._monotonic()

    def wall(self) -> float:
        return self._wall()

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> IDelayedCall:
        return self._reactor.callLater(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Any:
        return self._reactor.getDelayedCalls()


@implementer(IClock)
class ScaledClock:
    """A clock that showed `wall_start` (epoch s) when the machine's showed `real_start` (epoch s), `speed` times faster.

    Processes that are given the same three numbers show the same time.
    """

    def __init__(self, reactor: IReactorTime, speed: float, wall_start: float, real_start: float,
                 monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self._reactor, self.speed, self._monotonic = reactor, speed, monotonic
        self._offset = wall_start - (monotonic() + real_start - wall()) * speed

    def seconds(self) -> float:
        return self._monotonic() * self.speed

    def wall(self) -> float:
        return self._offset + self._monotonic() * self.speed

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> IDelayedCall:
        return ScaledCall(self._reactor.callLater(delay / self.speed, callable, *args, **kwargs), self)

    def getDelayedCalls(self) -> Any:
        return self._reactor.getDelayedCalls()


@implementer(IDelayedCall)
class ScaledCall:
    """A timer of a `ScaledClock`: its times are the scaled clock's."""

    def __init__(self, call: IDelayedCall, clock: ScaledClock) -> None:
        self._call, self._clock = call, clock

    def getTime(self) -> float:
        return self._call.getTime() * self._clock.speed

    def cancel(self) -> None:
        self._call.cancel()

    def delay(self, secondsLater: float) -> None:
        self._call.delay(secondsLater / self._clock.speed)

    def reset(self, secondsFromNow: float) -> None:
        self._call.reset(secondsFromNow / self._clock.speed)

    def active(self) -> bool:
        return self._call.active()
