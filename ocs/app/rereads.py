"""When the do-not-call list is read again as a whole, for rows edited by hand: now and then, or at a time of the day."""
from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.clock import IClock

__all__ = ["Rereads", "next_at", "time_of_day"]

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_LOOK_S = 3_600.0       # the machine's clock may be set meanwhile


def time_of_day(text: str) -> tuple[int, int] | None:
    """Hour and minute of a text like 03:30; None for anything else."""
    match = _TIME.fullmatch(text)
    return None if match is None else (int(match[1]), int(match[2]))


def next_at(now: float, daily: str, every_s: float) -> float | None:
    """The next moment after `now` (epoch s): `every_s` from now, or the time of the day by the machine's own clock and zone,
    whichever comes first; None if neither is wanted (0, "")."""
    moments = [now + every_s] if every_s else []
    at = time_of_day(daily)
    if at is not None:
        today = datetime.fromtimestamp(now).replace(hour=at[0], minute=at[1], second=0, microsecond=0)
        days = (today + timedelta(days=number) for number in (0, 1, 2))
        moments.append(next(moment for moment in (day.timestamp() for day in days) if moment > now))
    return min(moments, default=None)


class Rereads:
    """Calls `reread()` at these times, once it is told which."""

    log = Logger()

    def __init__(self, clock: IClock, reread: Callable[[], None]) -> None:
        self._clock, self._reread = clock, reread
        self._daily, self._every_s = "", 0.0
        self._at: float | None = None
        self._timer: IDelayedCall | None = None

    def use(self, daily: str, every_min: float) -> None:
        """From now on at these times. What has not changed goes on as it is."""
        if (daily, every_min * 60.0) != (self._daily, self._every_s):
            self._daily, self._every_s = daily, every_min * 60.0
            self._next()

    def stop(self) -> None:
        """Not any more."""
        self.use("", 0.0)

    def _next(self) -> None:
        self._at = next_at(self._clock.wall(), self._daily, self._every_s)
        self._wait()

    def _wait(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._at is not None:
            self._timer = self._clock.callLater(min(_LOOK_S, max(0.0, self._at - self._clock.wall())), self._look)

    def _look(self) -> None:
        if self._at is not None and self._clock.wall() >= self._at:
            self.log.info("the do-not-call list is read again, as the configuration wants it")
            self._reread()
            self._next()
        else:
            self._wait()
