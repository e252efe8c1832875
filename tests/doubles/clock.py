"""Time by command: an `IClock` that stands still until a test advances it."""
from __future__ import annotations

from datetime import datetime

from twisted.internet.task import Clock
from zope.interface import implementer

from ocs.clock import IClock

__all__ = ["VirtualClock", "clock_at", "epoch"]


def epoch(moment: str) -> float:
    """Epoch seconds of an ISO time with its offset, e.g. "2026-03-10T16:30Z"."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"{moment} has no offset from UTC")
    return parsed.timestamp()


@implementer(IClock)
class VirtualClock(Clock):
    """`task.Clock` with a wall clock beside it: it shows `wall` (epoch s) at first and goes on with `advance`."""

    speed = 1.0

    def __init__(self, wall: float = 1_773_160_200.0) -> None:      # Tuesday 2026-03-10T16:30Z: all of the US is awake
        super().__init__()
        self._wall = wall

    def wall(self) -> float:
        return self._wall + self.seconds()

    def step_wall(self, seconds: float) -> None:
        """Somebody sets the machine's clock: the wall clock jumps, the monotonic one does not."""
        self._wall += seconds


def clock_at(moment: str) -> VirtualClock:
    """A clock that shows `moment`."""
    return VirtualClock(epoch(moment))
