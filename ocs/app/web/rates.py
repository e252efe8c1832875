"""How often each client may ask: a bucket of tokens for each, refilled all the time, for a bounded number of clients."""
from __future__ import annotations

from collections import OrderedDict

__all__ = ["Rates"]


class Rates:
    """`per_second` requests in the long run, `burst` at once. Of too many clients the one that was silent longest is forgotten:
    it may begin again with a full bucket."""

    def __init__(self, per_second: float, burst: float, clients: int = 10_000) -> None:
        self._per_second, self._burst, self._clients = per_second, max(1.0, burst), clients
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()      # client -> requests left, at

    def wait_s(self, client: str, now: float) -> float:
        """0 if the client may ask now (and has then), else how long to wait. `now` in monotonic seconds."""
        left, at = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1.0
        self._left[client] = left - 1.0 if allowed else left, now
        if len(self._left) > self._clients:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_second
