"""The manager as a service: its port, its link to the T-Server, its journal; started and stopped in order."""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.errors import OCSError
from ocs.http_server import Asked, HttpService, Reply, bearer
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.runtime import make_clock, remove_ready_file, write_ready_file
from ocs.servers.obn.config import ObnOptions
from ocs.servers.obn.journal import Journal
from ocs.servers.obn.lines import Lines
from ocs.servers.obn.requests import DialRequests, read_request
from ocs.servers.tserver.ivr.posting import http_poster
from protocols.errors import RemoteProtocolError

__all__ = ["ObnService", "Routes"]

PUBLIC = ("healthz",)


class Routes:
    """What there is at the port: `/healthz`, `/requests`, `/requests/<token>`."""

    def __init__(self, requests: DialRequests, is_up: Callable[[], bool]) -> None:
        self._requests, self._is_up = requests, is_up

    def respond(self, asked: Asked) -> Any:
        """A Reply, or a Deferred of one."""
        if asked.path == ("healthz",) and asked.method == "GET":
            return Reply(200, {"status": "up"}) if self._is_up() else Reply(503, {"status": "starting"})
        if not asked.path or asked.path[0] != "requests" or len(asked.path) > 2:
            return Reply(404, {"error": "there is no such resource"})
        if not self._is_up():
            return Reply(503, {"error": "the manager starts or stops"})
        if len(asked.path) == 1:
            return self._create(asked) if asked.method == "POST" else Reply(405, {"error": "only POST is possible here"})
        if asked.method == "GET":
            status = self._requests.status(asked.path[1])
        elif asked.method == "DELETE":
            status = self._requests.cancel(asked.path[1], asked.query.get("release") == "1")
        else:
            return Reply(405, {"error": "only GET and DELETE are possible here"})
        return Reply(404, {"error": "there is no such request"}) if status is None else Reply(200, status)

    def _create(self, asked: Asked) -> Any:
        try:
            document = read_request(asked.body)
        except RemoteProtocolError as error:
            return Reply(200, {"ResponseType": "FAILURE", "ReasonCode": 53, "Reason": str(error)})
        return Deferred.fromCoroutine(self._requests.create(document)).addCallback(lambda answer: Reply(200, answer))


class ObnService(Service):
    """One manager on the real reactor. ConfigurationError for options that cannot be used."""

    log = Logger()

    def __init__(self, reactor: Any, options: ObnOptions) -> None:
        self._reactor, self._options = reactor, options
        clock, rng = make_clock(options.clock, reactor), random.SystemRandom()

        def link(listener: Any) -> Link:
            return Link("tserver", options.tserver, listener, reactor, Links(clock), rng)

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            return deferToThreadPool(reactor, reactor.getThreadPool(), work)

        told = options.notification
        post = http_poster(reactor, told.timeout_s, bearer(told.secret), told.roots_file, "notification.roots_file")
        self.requests = DialRequests(options, Lines(options.dialing.trunk_group, link), Journal(options.journal.file, in_thread),
                                     post, clock, rng)
        self._is_up = False
        self._port = HttpService(reactor, "listen", options.listen, Routes(self.requests, lambda: self._is_up).respond, PUBLIC)
        self._starting: Deferred[None] | None = None

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        self._port.privilegedStartService()

    def startService(self) -> None:
        super().startService()
        self._port.startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._not_started)

    async def _start(self) -> None:
        await self.requests.start()
        self._is_up = True
        where = self._port.address()
        self.log.info("obn listens on {host}, port {port}", **where)
        if self._options.service.ready_file:
            write_ready_file(self._options.service.ready_file, {"name": "obn", "obn": where})

    def _not_started(self, failure: Failure) -> None:
        if failure.check(CancelledError) is not None:
            return
        if failure.check(OCSError, OSError) is not None:
            self.log.error("obn not started: {reason}", reason=failure.getErrorMessage())
        else:
            self.log.failure("obn not started", failure)
        self._reactor.callLater(0, self._reactor.stop)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        self._is_up = False
        if self._starting is not None:
            self._starting.cancel()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._options.service.ready_file:
            remove_ready_file(self._options.service.ready_file)
        await self._port.stopService()
        await self.requests.stop()
        self.log.info("obn stopped")
