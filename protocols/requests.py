"""Outstanding requests: reference id -> Deferred, with a deadline each; a lost link fails them all, once."""
from __future__ import annotations

from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from protocols.errors import LinkLost, RequestFailed, RequestTimedOut, TooManyRequests

__all__ = ["OutstandingRequests"]

Answer = TypeVar("Answer")


class OutstandingRequests(Generic[Answer]):
    """At most `limit` requests that wait for their answers. Each Deferred fires exactly once."""

    def __init__(self, clock: IReactorTime, limit: int = 10_000) -> None:
        self._clock, self._limit = clock, limit
        self._waiting: dict[int, tuple[Deferred[Answer], IDelayedCall]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def check_room(self) -> None:
        """TooManyRequests if one more would exceed the bound."""
        if len(self._waiting) >= self._limit:
            raise TooManyRequests(f"{len(self._waiting)} requests outstanding, limit {self._limit}")

    def add(self, reference_id: int, name: str, timeout_s: float) -> Deferred[Answer]:
        """Await the answer to `reference_id`: fires with it, or fails with RequestRefused (by `fail`),
        RequestTimedOut after `timeout_s`, or LinkLost. A cancelled Deferred only forgets the request."""
        deferred: Deferred[Answer] = Deferred(lambda _: self._forget(reference_id))
        deadline = self._clock.callLater(timeout_s, self._time_out, reference_id, name, timeout_s)
        self._waiting[reference_id] = deferred, deadline
        return deferred

    def answer(self, reference_id: int, answer: Answer) -> bool:
        """Fire the Deferred of `reference_id`; False if nobody waits for it (late, or unsolicited)."""
        deferred = self._forget(reference_id)
        if deferred is None:
            return False
        deferred.callback(answer)
        return True

    def extend(self, reference_id: int, timeout_s: float) -> bool:
        """The answer is on its way, and may take this long from now on; False if nobody waits for it."""
        waiting = self._waiting.get(reference_id)
        if waiting is None:
            return False
        waiting[1].reset(timeout_s)
        return True

    def fail(self, reference_id: int, error: RequestFailed) -> bool:
        """Fail the Deferred of `reference_id`; False if nobody waits for it."""
        deferred = self._forget(reference_id)
        if deferred is None:
            return False
        deferred.errback(error)
        return True

    def fail_all(self, reason: str) -> None:
        """The link is gone: every outstanding request fails with LinkLost."""
        for reference_id in list(self._waiting):
            self.fail(reference_id, LinkLost(reason))

    def _time_out(self, reference_id: int, name: str, timeout_s: float) -> None:
        self.fail(reference_id, RequestTimedOut(name, timeout_s))

    def _forget(self, reference_id: int) -> Any:
        deferred, deadline = self._waiting.pop(reference_id, (None, None))
        if deadline is not None and deadline.active():
            deadline.cancel()
        return deferred
