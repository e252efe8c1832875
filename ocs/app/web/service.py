"""The HTTP port and the Outbound Notification Manager, wired: the one is where the other posts its results."""
from __future__ import annotations

import random
from typing import Any, Callable

from ocs.app.web.routes import PUBLIC, HttpServerOptions, Routes
from ocs.clock import IClock
from ocs.http_server import HttpService
from ocs.links.http import http_client
from ocs.links.http_options import HttpOptions
from ocs.links.obn import ObnLink, ObnLinkOptions
from ocs.links.registry import Links
from ocs.scheduler.engine import Engine

__all__ = ["WebSide"]


class WebSide:
    """`obn` is an IObnLink, None where there is no manager. ConfigurationError for a token's file that cannot be read."""

    def __init__(self, options: HttpServerOptions, obn: ObnLinkOptions, http: HttpOptions, reactor: Any, clock: IClock,
                 rng: random.Random, links: Links) -> None:
        self._options, self._reactor = options, reactor
        self._client = http_client(reactor, http) if obn.enabled else None
        self.obn = None if self._client is None else ObnLink(
            self._client, obn, lambda: f"{self.base}/obn/notifications", clock, reactor, rng, links)
        self._port: HttpService | None = None

    def listen(self, engine: Engine, is_up: Callable[[], bool]) -> None:
        """Who answers, and who hears what becomes of requests."""
        if self.obn is not None:
            self.obn.listener = engine
        if self._options.enabled:
            routes = Routes(engine, is_up, self.obn)
            self._port = HttpService(self._reactor, "http_server", self._options, routes.respond, PUBLIC)

    @property
    def base(self) -> str:
        """The URI of the port."""
        return self._options.base(self.address()["http_server"]["port"] if self._port is not None else self._options.port)

    def record_uri(self, handle: int) -> str:
        """Where an application may ask about a record; "" while there is no port."""
        return "" if self._port is None else f"{self.base}/records/{handle}"

    def address(self) -> dict[str, Any]:
        """For the ready file."""
        return {} if self._port is None else {"http_server": self._port.address()}

    def take_port(self) -> None:
        """Take the port, or exit with a line that says why not."""
        if self._port is not None:
            self._port.privilegedStartService()

    def start(self) -> None:
        """Look for the manager."""
        if self._port is not None:
            self._port.startService()
        if self.obn is not None:
            self.obn.start()

    async def stop(self) -> None:
        """Hear and ask no more."""
        if self.obn is not None and self._client is not None:
            self.obn.stop()
            await self._client.stop()
        if self._port is not None and self._port.running:
            await self._port.stopService()
