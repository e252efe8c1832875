"""How a server hears that the configuration has changed: it asks for the revision now and then, and when it is woken.

PostgreSQL notifies of changes; then asking is only for what notifications may have missed. While the database is away the server
goes on with what it has.
"""
from __future__ import annotations

from typing import Callable, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.configuration.store import revision
from ocs.database.statements import Transaction
from ocs.errors import OCSError

__all__ = ["ConfigurationFeed"]

_Value = TypeVar("_Value")
_SELDOM_S = 10.0            # where notifications come


class _Reads(Protocol):
    """Runs a query on a connection of its own."""

    def __call__(self, interaction: Callable[[Transaction], _Value], /) -> Deferred[_Value]: ...


class ConfigurationFeed:
    """Calls `changed()` when the revision is another one, the first time it is read included. `notified()` says whether
    notifications come at present."""

    log = Logger()

    def __init__(self, read: _Reads, clock: IReactorTime, changed: Callable[[], None], poll_s: float,
                 notified: Callable[[], bool] = lambda: False) -> None:
        self._read, self._clock, self._changed, self._poll_s, self._notified = read, clock, changed, poll_s, notified
        self.revision: int | None = None
        self._running = self._asking = self._again = False
        self._trouble = ""
        self._timer: IDelayedCall | None = None
        self._asked: Deferred[None] | None = None

    @property
    def trouble(self) -> str:
        """Why changes are not seen at present; "" where they are."""
        return self._trouble

    def start(self) -> None:
        self._running = True
        self._schedule(0.0)

    def stop(self) -> Deferred[None] | None:
        """Ask no more. Fires when nothing is being asked."""
        self._running = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if not self._asking or self._asked is None:
            return None
        idle: Deferred[None] = Deferred()
        self._asked.addBoth(idle.callback)
        return idle

    def wake(self) -> None:
        """Something may have changed: ask now."""
        if self._asking:
            self._again = True
        elif self._running:
            self._schedule(0.0)

    def _schedule(self, wait_s: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(wait_s, self._ask)

    def _ask(self) -> None:
        self._asking, self._again = True, False
        self._asked = self._read(revision).addCallbacks(self._seen, self._unseen)
        self._asked.addErrback(lambda failure: self.log.failure("following the configuration", failure))
        self._asked.addCallback(self._wait)

    def _seen(self, found: int) -> None:
        if self._trouble:
            self._trouble = ""
            self.log.info("configuration: changes in the database are seen again")
        if found != self.revision and self._running:
            self.revision = found
            self._changed()

    def _unseen(self, failure: Failure) -> None:
        failure.trap(OCSError)
        if not self._trouble and self._running:
            self.log.warn("configuration: changes in the database are not seen: {reason}", reason=failure.getErrorMessage())
        self._trouble = failure.getErrorMessage()

    def _wait(self, _: object) -> None:
        self._asking = False
        if self._running:
            self._schedule(0.0 if self._again else _SELDOM_S if self._notified() else self._poll_s)
