"""The T-Server as a service: sockets, call log, ready file, and a stop in order."""
from __future__ import annotations

import sys
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.passwords import verify_password
from ocs.runtime import listen_or_exit, make_clock, remove_ready_file, write_ready_file
from ocs.servers.tserver.call_log import CallLog
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.server import MessageServerFactory

__all__ = ["TServerService"]

_CLOSING_S = 2.0        # how long clients may take to read what is left when the server stops


class TServerService(Service):
    """One T-Server on the real reactor. Listens in `privilegedStartService`, or exits with one clear line."""

    log = Logger()
    name = "tserver"

    def __init__(self, reactor: Any, options: TServerOptions) -> None:
        self._reactor, self._options = reactor, options
        self._call_log: CallLog | None = None
        self._port: IListeningPort | None = None
        clock = make_clock(options.clock, reactor)
        self.server = TServer(clock, SimulatedNetwork(clock, options.simulator), options,
                              on_finished=self._finished, real_clock=reactor, instance=_instance(reactor),
                              verify=self._verify)
        self._factory = MessageServerFactory(self.server, reactor, options.listen)

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        path = self._options.switch.call_log
        try:
            self._call_log = None if path is None else CallLog(path)
        except OSError as error:
            _exit(f"switch.call_log: cannot write {path}: {error.strerror}")
        self._port = listen_or_exit(self._reactor, "listen", self._options.listen, self._factory)

    def startService(self) -> None:
        super().startService()
        self.server.start().addCallbacks(self._started, self._failed)

    async def _stop(self) -> None:
        """No new clients; calls released and logged; clients told and let go; the file closed."""
        if self._options.service.ready_file:
            remove_ready_file(self._options.service.ready_file)
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        calls = len(self.server.board.calls)
        await self.server.stop()
        for connection in list(self._factory.connections):
            connection.close()
        deadline = self._reactor.seconds() + _CLOSING_S
        while self._factory.connections and self._reactor.seconds() < deadline:
            await self._pause(0.02)
        for connection in list(self._factory.connections):
            connection.abort()
        if self._call_log is not None:
            self._call_log.close()
        self.log.info("stopped; {calls} calls were released", calls=calls)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _started(self, _: None) -> None:
        assert self._port is not None
        address: Any = self._port.getHost()
        self.log.info("T-Server listens on {host}, port {port}", host=address.host, port=address.port)
        if self._options.service.ready_file:
            where = {"host": address.host, "port": address.port}
            try:
                write_ready_file(self._options.service.ready_file, {"name": self.name, **where, self.name: where})
            except OSError as error:
                self.log.error("service.ready_file: cannot write {path}: {reason}",
                               path=self._options.service.ready_file, reason=error.strerror)
                self._reactor.stop()

    def _failed(self, failure: Failure) -> None:
        self.log.failure("the driver {driver} did not start", failure, driver=self._options.switch.driver)
        self._reactor.stop()

    def _finished(self, call: Any) -> None:
        if self._call_log is not None:
            self._call_log.write(call)

    def _verify(self, password_hash: str, password: str) -> Deferred[bool]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), verify_password, password_hash, password)

    def _pause(self, seconds: float) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waited.callback, None)
        return waited


def _instance(reactor: Any) -> int:
    """Tells this start from every other: real time in tenths of a second, even where the laboratory's clock repeats."""
    return int(reactor.seconds() * 10)


def _exit(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
    raise SystemExit(1)
