"""The tokens of the HTTP API as a running server knows them: all in memory, read again now and then.

So a request is checked without the database, also while that is away: who may stop a campaign then still can. A token that was
revoked is refused a few seconds later at the latest; one that is not known is looked for once more before it is refused.
"""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.errors import OCSError
from ocs.store.api_tokens import ApiToken, hash_of

__all__ = ["Tokens"]

_READ_AGAIN_S, _READ_APART_S = 2.0, 0.2


class Tokens:
    """`read()` fires with all tokens. `clock` keeps real time."""

    log = Logger()

    def __init__(self, read: Callable[[], Deferred[list[ApiToken]]], clock: IClock) -> None:
        self._read, self._clock = read, clock
        self._by_hash: dict[str, ApiToken] = {}
        self._read_at = float("-inf")
        self._waiting: list[Deferred[None]] = []
        self._reading = False
        self._timer: IDelayedCall | None = None
        self._apart_waiting: list[Deferred[None]] = []
        self._apart_timer: IDelayedCall | None = None
        self._failing = False
        self._stopped = True
        self.known = False              # whether they have been read at all

    def start(self) -> None:
        """Read them, and from now on again and again."""
        self._stopped = False
        self._look()

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._apart_timer is not None:
            self._apart_timer.cancel()
            self._is_apart()

    def find(self, shown: str) -> ApiToken | None:
        """The token that a client shows, if it is known and valid."""
        token = self._by_hash.get(hash_of(shown)) if shown else None
        return token if token is not None and token.valid(self._clock.wall()) else None

    async def look_up(self, shown: str) -> ApiToken | None:
        """As `find`; what is not known is looked for in the database once more, a moment after it was read last: it may just have
        been made."""
        found = self.find(shown)
        if found is None and shown and self._reading:
            await self._fresh()
            found = self.find(shown)
        if found is None and shown and not self._stopped:
            await self._apart()
            if not self._stopped:
                await self._fresh()
            found = self.find(shown)
        return found

    def _apart(self) -> Deferred[None]:
        """Fires when the list may be read again."""
        waiter: Deferred[None] = Deferred()
        wait_s = self._read_at + _READ_APART_S - self._clock.seconds()
        if wait_s <= 0:
            waiter.callback(None)
        else:
            self._apart_waiting.append(waiter)
            if self._apart_timer is None:
                self._apart_timer = self._clock.callLater(wait_s, self._is_apart)
        return waiter

    def _is_apart(self) -> None:
        self._apart_timer = None
        waiting, self._apart_waiting = self._apart_waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def _fresh(self) -> Deferred[None]:
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        if not self._reading:
            self._look()
        return waiter

    def _look(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer, self._reading, self._read_at = None, True, self._clock.seconds()
        self._read().addCallbacks(self._know, self._failed).addBoth(self._looked)

    def _know(self, found: list[ApiToken]) -> None:
        self._by_hash, self.known = {token.hash: token for token in found}, True
        if self._failing:
            self.log.info("tokens of the HTTP API can be read again")
        self._failing = False

    def _failed(self, failure: Failure) -> None:
        failure.trap(OCSError)
        if not self._failing:
            self.log.warn("tokens of the HTTP API cannot be read, those that are known stay: {reason}",
                          reason=failure.getErrorMessage())
        self._failing = True

    def _looked(self, result: Any) -> None:
        self._reading = False
        if isinstance(result, Failure):
            self.log.failure("tokens of the HTTP API", result)
        if not self._stopped:
            self._timer = self._clock.callLater(_READ_AGAIN_S, self._look)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
