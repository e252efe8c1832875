"""The HTTP port and the Outbound Notification Manager, wired: the one is where the other posts its results."""
from __future__ import annotations

import random
from typing import Any, Callable, Mapping

from ocs.app.web.api.service import Api
from ocs.app.web.api.site import Site
from ocs.app.web.desktop.page import DesktopPage
from ocs.app.web.public import PublicUris
from ocs.app.web.rates import Rates
from ocs.app.web.routes import PUBLIC, HttpServerOptions, Routes
from ocs.clock import IClock, SystemClock
from ocs.desktop.operations import RecordOperations
from ocs.http_server import Asked, HttpService
from ocs.links.http import http_client
from ocs.links.http_options import HttpOptions
from ocs.links.obn import ObnLink, ObnLinkOptions
from ocs.links.registry import Links
from ocs.store.api_tokens import Role

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
        self.api: Api | None = None

    def listen(self, site: Site, records: RecordOperations, is_up: Callable[[], bool],
               desktop_port: Callable[[], Mapping[str, Any]] = dict) -> None:
        """Who answers, and who hears what becomes of requests. `desktop_port()` is where desktops connect (`port`, `tls`)."""
        if self.obn is not None:
            self.obn.listener = site.engine
        if not self._options.enabled:
            return
        clock, rates = SystemClock(self._reactor), Rates(self._options.requests_per_second, self._options.burst)
        self.api = Api(site, rates, clock) if self._options.api else None
        routes = Routes(PublicUris(site.engine, site.campaigns, records), is_up, self.obn, rates, clock,
                        None if self.api is None else self.api.router, None if self.api is None else self.api.document,
                        DesktopPage(desktop_port))
        self._port = HttpService(self._reactor, "http_server", self._options, routes.respond, PUBLIC, self._admits, self._limit)

    def _limit(self, headers: Mapping[str, str]) -> int:
        """Octets that a body may have: of a file of contacts more, if an administrator sends it; 0 = as every body."""
        if self.api is None or not headers.get("content-type", "").startswith("text/csv"):
            return 0
        token = self.api.tokens.find(Asked("", (), headers=headers).token)
        return self._options.import_limit_mb * 1_048_576 if token is not None and token.role is Role.ADMINISTRATOR else 0

    def _admits(self, shown: str) -> bool:
        """Whether a token of the API opens the public URIs, too: a supervisor's does."""
        token = None if self.api is None else self.api.tokens.find(shown)
        return token is not None and token.role >= Role.SUPERVISOR

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
        if self.api is not None:
            self.api.start()
        if self.obn is not None:
            self.obn.start()

    async def stop(self) -> None:
        """Hear and ask no more."""
        if self.api is not None:
            self.api.stop()
        if self.obn is not None and self._client is not None:
            self.obn.stop()
            await self._client.stop()
        if self._port is not None and self._port.running:
            await self._port.stopService()
