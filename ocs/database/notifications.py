"""What PostgreSQL tells those who LISTEN: one connection for it, read by the reactor, made anew when it breaks.

A notification says only that something changed; whoever is told reads what. Nothing can be relied on to arrive: what is sent
while the connection is down is lost, so everybody is told once it is up again, and asks by himself now and then.
Connections are made in a thread; a socket of our own (a duplicate, as libpq closes its one when it breaks) tells the reactor
when there is something to read, which never blocks.
"""
from __future__ import annotations

import os
from typing import Any, Callable, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.database.driver import Backend
from ocs.errors import StoreUnavailable

__all__ = ["Notifications"]

_CONNECTS = 3.0         # seconds: the longest wait between tries where the backend names none


class _InThread(Protocol):
    def __call__(self, work: Callable[..., Any], /, *args: Any) -> Deferred[Any]: ...


class Notifications(Service):
    """Of one PostgreSQL database. `reactor` reads the socket (IReactorFDSet) and keeps the time; `in_thread` runs what blocks."""

    log = Logger()

    def __init__(self, backend: Backend, reactor: Any, in_thread: _InThread) -> None:
        self._backend, self._reactor, self._in_thread = backend, reactor, in_thread
        self._told: dict[str, list[Callable[[], None]]] = {}
        self._ear: _Ear | None = None
        self._retry: IDelayedCall | None = None
        self._connecting: Deferred[None] | None = None
        self._wait_s, self._missed = 0.0, False

    def listen(self, channel: str, told: Callable[[], None]) -> None:
        """Before the service starts: call `told()` for each notification on this channel, and whenever some may have been
        missed."""
        self._told.setdefault(channel, []).append(told)

    @property
    def up(self) -> bool:
        """Whether notifications come at present."""
        return self._ear is not None

    def startService(self) -> None:
        super().startService()
        self._connect()

    def stopService(self) -> Deferred[None] | None:
        """Fires when no connection is being made any more."""
        super().stopService()
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        return self._connecting

    def _connect(self) -> None:
        self._connecting = self._in_thread(_listening, self._backend, tuple(self._told)).addCallbacks(self._up, self._down)

    def _up(self, connection: Any) -> None:
        self._connecting = None
        if not self.running:
            connection.close()
            return
        self._ear = _Ear(connection, self._reactor, self._backend.errors, self._heard, self._lost)
        self._wait_s = 0.0
        if self._missed:
            self._missed = False
            self.log.info("{database} tells of changes again", database=str(self._backend))
        for channel in self._told:
            self._heard(channel)

    def _down(self, failure: Failure) -> None:
        self._connecting = None
        if failure.check(StoreUnavailable) is None:
            self.log.failure("listening to {database}", failure, database=str(self._backend))
        self._again(failure.getErrorMessage())

    def _lost(self, reason: str) -> None:
        self._ear = None
        self._again(reason)

    def _again(self, reason: str) -> None:
        """Try again, after a wait that doubles."""
        if not self.running:
            return
        if not self._missed:
            self._missed = True
            self.log.warn("{database} does not tell of changes, they are asked for: {reason}", database=str(self._backend),
                          reason=reason)
        first_s, longest_s = self._backend.back_off_s or (_CONNECTS, _CONNECTS)
        self._wait_s = min(longest_s, 2 * self._wait_s or first_s)
        self._retry = self._reactor.callLater(self._wait_s, self._connect)

    def _heard(self, channel: str) -> None:
        for told in self._told.get(channel, ()):
            with self.log.failuresHandled("telling of {channel}", channel=channel):
                told()


def _listening(backend: Backend, channels: tuple[str, ...]) -> Any:
    """A connection that listens; for a thread. StoreUnavailable."""
    connection = backend.connect()
    try:
        connection.autocommit = True
        for channel in channels:
            connection.execute(f"LISTEN {backend.dialect.identifier_preparer.quote_identifier(channel)}")
    except BaseException as error:
        connection.close()
        if isinstance(error, backend.errors):
            raise backend.unavailable(error) from error
        raise
    return connection


@implementer(IReadDescriptor)
class _Ear:
    """One connection as the reactor reads it; `lost(reason)` is called once, unless `close` was."""

    def __init__(self, connection: Any, reactor: Any, errors: tuple[type[Exception], ...], heard: Callable[[str], None],
                 lost: Callable[[str], None]) -> None:
        self._connection, self._reactor, self._errors, self._heard, self._lost = connection, reactor, errors, heard, lost
        self._socket = os.dup(connection.fileno())
        self._open = True
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._socket

    def logPrefix(self) -> str:
        return "notifications"

    def doRead(self) -> None:
        libpq = self._connection.pgconn
        try:
            libpq.consume_input()
        except self._errors as error:
            self._broken(" ".join(str(error).split()))
            return
        channels = set()
        while (notification := libpq.notifies()) is not None:
            channels.add(notification.relname.decode())
        for channel in sorted(channels):
            if self._open:
                self._heard(channel)

    def connectionLost(self, reason: Failure) -> None:
        self._broken(reason.getErrorMessage())

    def _broken(self, reason: str) -> None:
        if self._open:
            self.close()
            self._lost(reason)

    def close(self) -> None:
        """Listen no more."""
        self._open = False
        self._reactor.removeReader(self)
        os.close(self._socket)
        self._connection.close()
