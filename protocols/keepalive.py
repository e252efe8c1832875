"""Keep-alive: a Ping after an interval without a sign of life; two unanswered ones mean a lost link.

Any octet from the peer counts as life. Pure: the owner passes `now` (monotonic seconds) and sends what `due` asks for.
Source: docs/wire.md, section 5.
"""
from __future__ import annotations

from protocols.errors import LinkLost

__all__ = ["KeepAlive"]


class KeepAlive:
    """When to ping and when to give up. `interval_s` 0 switches it off."""

    def __init__(self, interval_s: float = 10.0, silent_pings: int = 2) -> None:
        self.interval_s, self._allowed = interval_s, silent_pings
        self._heard_at, self._pings = 0.0, 0

    def heard(self, now: float) -> None:
        """The peer sent something."""
        self._heard_at, self._pings = now, 0

    def due(self, now: float) -> bool:
        """True if a Ping is to be sent now; LinkLost when the allowed number of them went unanswered."""
        if not self.interval_s or now < self._heard_at + self.interval_s * (self._pings + 1):
            return False
        if self._pings >= self._allowed:
            raise LinkLost(f"nothing heard for {now - self._heard_at:.0f} s, {self._pings} pings unanswered")
        self._pings += 1
        return True
