"""A companion as a service: what every one of them needs to run, around the server that makes it different.

A companion is a server of messages without sockets (`ICompanion`). This module gives it a port (or one clear line and exit
status 1), a check of passwords that does not block, a ready file, and a stop in order: no new clients, the server's own
stop, clients let go with all that was sent to them, and cut off if they do not read it.

A new companion `ocs/servers/X/` is: its options (a `CompanionOptions`), a function `build(options, clock, reactor)` that
makes the server, `tap.py` (see `ocs.servers.tap`), a line in `twisted/plugins/ocs_dropin.py`, and `etc/ocs-X.toml`.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterable

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.errors import OCSError
from ocs.log import LogOptions
from ocs.options import table
from ocs.passwords import is_hash, verify_password
from ocs.runtime import (
    ApplicationOptions,
    ClockOptions,
    MessageListenOptions,
    ServiceOptions,
    listen_or_exit,
    make_clock,
    remove_ready_file,
    write_ready_file,
)
from protocols.message_server import MessageServer
from protocols.server import IMessageServer, MessageServerFactory

__all__ = ["Build", "CompanionOptions", "CompanionService", "ICompanion", "MessageCompanion", "named_twice",
           "password_check"]

_CLOSING_S = 2.0        # how long clients may take to read what is left when the server stops
_STOPPING_S = 20.0      # how long the server's own stop may take


class ICompanion(IMessageServer):
    """A server of messages that is started and stopped."""

    def start() -> Any:
        """Get ready to serve; clients are let in when it is done. Returns None or a Deferred. OCSError stops the process
        with its text as the one line that says why; so does OSError."""

    def stop() -> Any:
        """Finish what must be finished; clients still hear what they are sent. Returns None or a Deferred. Called once,
        also where `start` failed or was not done."""


@dataclass(frozen=True)
class CompanionOptions:
    """What is configured of every companion. A companion's own options inherit from it; its `listen` has its own port."""

    listen: MessageListenOptions = table(MessageListenOptions)
    application: tuple[ApplicationOptions, ...] = table()
    service: ServiceOptions = table(ServiceOptions)
    clock: ClockOptions = table(ClockOptions)
    log: LogOptions = table(LogOptions)

    def problems(self) -> list[str]:
        """Rules that span tables; whoever overrides it adds to these."""
        found = named_twice("application", [one.name for one in self.application])
        return found + [f"application[{place}].password_hash: not an Argon2 hash"
                        for place, one in enumerate(self.application, 1) if not is_hash(one.password_hash)]


def named_twice(table_name: str, names: Iterable[str]) -> list[str]:
    """The problems of an array of tables in which a name stands again."""
    seen: set[str] = set()
    found = []
    for place, name in enumerate(names, 1):
        if name in seen:
            found.append(f"{table_name}[{place}]: {name!r} is configured twice")
        seen.add(name)
    return found


Build = Callable[[Any, IClock, Any], Any]
"""(options, clock, reactor) -> ICompanion. `clock` is what people wait for, the reactor's time that of sockets.
ConfigurationError where the options cannot be used: every problem is shown and nothing starts."""


def password_check(reactor: Any) -> Callable[[str, str], Deferred[bool]]:
    """`verify(hash, password)`, in a thread: Argon2 is slow on purpose."""
    def verify(password_hash: str, password: str) -> Deferred[bool]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), verify_password, password_hash, password)
    return verify


@implementer(ICompanion)
class MessageCompanion(MessageServer):
    """The usual companion: `service` is an IMessageService that has `start` and `stop` as in ICompanion."""

    def __init__(self, service: Any, options: CompanionOptions, reactor: Any) -> None:
        super().__init__(service, {one.name: one.password_hash for one in options.application}, password_check(reactor),
                         clients=options.listen.clients)

    def start(self) -> Any:
        return self.service.start()

    def stop(self) -> Any:
        return self.service.stop()


class CompanionService(Service):
    """One companion on the real reactor. `name` is what it is called in ready files and `endpoints.json`."""

    log = Logger()

    def __init__(self, reactor: Any, name: str, options: CompanionOptions, build: Build) -> None:
        """ConfigurationError for options that cannot be used."""
        self.name, self._reactor, self._options = name, reactor, options
        self.server = build(options, make_clock(options.clock, reactor), reactor)
        self._factory = MessageServerFactory(self.server, reactor, options.listen)
        self._port: IListeningPort | None = None
        self._starting: Deferred[None] | None = None

    def address(self) -> dict[str, Any]:
        """Where it listens: `host`, `port`, `tls` (whether only TLS is spoken there)."""
        host: Any = self._port.getHost() if self._port is not None else None
        return {"host": host.host, "port": host.port, "tls": self._options.listen.tls.enabled}

    # -- start ----------------------------------------------------------------------------------------------------
    def privilegedStartService(self) -> None:
        """Take the port, or exit; who connects already waits until the server is ready."""
        super().privilegedStartService()
        self._port = listen_or_exit(self._reactor, "listen", self._options.listen, self._factory)
        self._let_in(False)

    def startService(self) -> None:
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._not_started)

    async def _start(self) -> None:
        await maybeDeferred(self.server.start)
        self._let_in(True)
        where = self.address()
        self.log.info("{name} listens on {host}, port {port}{over}", name=self.name,
                      over=" (TLS)" if where["tls"] else "", **where)
        path = self._options.service.ready_file
        if path:
            try:
                write_ready_file(path, {"name": str(self.name), str(self.name): where})
            except OSError as error:
                raise OCSError(f"service.ready_file: cannot write {path}: {error.strerror}") from None

    def _let_in(self, wanted: bool) -> None:
        """Accept connections, or leave them in the system's queue."""
        port: Any = self._port
        if wanted:
            port.startReading()
        else:
            port.stopReading()

    def _not_started(self, failure: Failure) -> None:
        if failure.check(CancelledError) is not None and not self.running:
            return
        if failure.check(OCSError, OSError) is not None:
            self.log.error("{name} not started: {reason}", name=self.name, reason=failure.getErrorMessage())
        else:
            self.log.failure("{name} not started", failure, name=self.name)
        self._reactor.callLater(0, self._reactor.stop)

    # -- stop -----------------------------------------------------------------------------------------------------
    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._starting is not None:
            self._starting.cancel()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._options.service.ready_file:
            remove_ready_file(self._options.service.ready_file)
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        try:
            await maybeDeferred(self.server.stop).addTimeout(_STOPPING_S, self._reactor)
        except Exception:       # whatever it was, the clients are still to be let go
            self.log.failure("stopping {name}", name=self.name)
        await self._let_go()
        self.log.info("{name} stopped", name=self.name)

    async def _let_go(self) -> None:
        """Clients read what was sent to them and are closed; those that do not are cut off."""
        for connection in list(self._factory.connections):
            connection.close()
        deadline = self._reactor.seconds() + _CLOSING_S
        while self._factory.connections and self._reactor.seconds() < deadline:
            await self._pause(0.02)
        for connection in list(self._factory.connections):
            connection.abort()

    def _pause(self, seconds: float) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waited.callback, None)
        return waited
