"""What there is at the HTTP port: the public URIs, `/api/v1`, `/desktop`, `/healthz`, `/readyz`, `/openapi.json`,
`/obn/notifications`."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from twisted.logger import Logger

from ocs.app.web.api.routing import PREFIX, Router
from ocs.app.web.desktop.page import DesktopPage
from ocs.app.web.public import PublicUris, refused
from ocs.app.web.rates import Rates
from ocs.clock import IClock
from ocs.http_server import Asked, HttpListenOptions, Reply
from ocs.options import option
from protocols.desktop.errors import DesktopErrorCode
from protocols.errors import RemoteProtocolError
from protocols.obn.messages import RequestStatus, decode

__all__ = ["HttpServerOptions", "PUBLIC", "Routes"]

# for whoever watches the server; the API asks for tokens of its own, agents show their passwords to the desktop port
PUBLIC = ("healthz", "readyz", "openapi.json", "api/*", "desktop", "desktop/*")


@dataclass(frozen=True)
class HttpServerOptions(HttpListenOptions):
    """The server's own HTTP port (docs/http-api.md)."""

    enabled: bool = option(False, text="Whether to listen. Calls then carry GSW_RECORD_URI.")
    public_uri: str = option(
        "", text="What others write for this port, as http://ocs.example:8080; empty = made of host and port.")
    api: bool = option(True, text="Whether the management API, /api/v1, is there; its tokens come from `ocs token add`.")
    requests_per_second: float = option(
        50.0, low=0.1, high=100_000, unit="requests per second",
        text="What one client may ask in the long run; more is answered 429.")
    import_limit_mb: int = option(
        64, low=1, high=4_096, unit="MiB", text="Longest file of contacts that an administrator's token may send.")
    burst: int = option(200, low=1, high=1_000_000, unit="requests", text="What it may ask at once.")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.public_uri and not self.public_uri.startswith(("http://", "https://")):
            found.append("public_uri: http:// or https:// is expected")
        if self.enabled and not (self.token or self.token_file or self.trusted_peers or self.api):
            found.append("enabled: give token, token_file, trusted_peers or api, or nobody may ask")
        return found

    def base(self, port: int) -> str:
        """The URI of the port, without the last slash; `port` is the one that was taken."""
        scheme, host = "https" if self.tls.enabled else "http", f"[{self.host}]" if ":" in self.host else self.host
        return self.public_uri.rstrip("/") or f"{scheme}://{host}:{port}"


class Routes:
    """From a path to who answers. `is_up`: whether the server is started whole; `obn` is an ObnLink, or None; `api` the router of
    /api/v1 with its document, or None; `desktop` the agents' page, or None; `clock` keeps real time."""

    log = Logger()

    def __init__(self, public: PublicUris, is_up: Callable[[], bool], obn: Any, rates: Rates, clock: IClock,
                 api: Router | None = None, api_document: Any = None, desktop: DesktopPage | None = None) -> None:
        self._public, self._is_up, self._obn, self._rates, self._clock = public, is_up, obn, rates, clock
        self._api, self._api_document, self._desktop = api, api_document, desktop

    def respond(self, asked: Asked) -> Any:
        """A Reply, or a Deferred of one."""
        if asked.path in (("healthz",), ("readyz",)):
            return self._health(asked)
        if asked.path == ("openapi.json",) and self._api is not None:
            return Reply(200, self._api_document) if asked.method == "GET" else _no_method(asked)
        if asked.path[:2] == PREFIX and self._api is not None:
            return self._api.respond(asked) if self._is_up() else _not_up()
        if asked.path[:1] == PREFIX[:1]:
            return refused(404, DesktopErrorCode.INVALID_REQUEST, "there is no such resource")
        wait_s = self._rates.wait_s(f"peer {asked.peer}", self._clock.seconds())
        if wait_s:
            many = refused(429, DesktopErrorCode.LIMIT_REACHED, "too many requests")
            return Reply(429, many.body, (("Retry-After", str(int(wait_s) + 1)),))
        if self._desktop is not None and (page := self._desktop.respond(asked)) is not None:
            return page
        if asked.path == ("obn", "notifications") and self._obn is not None:
            return self._notified(asked)
        if not self._is_up():
            return _not_up()
        answer = self._public.respond(asked)
        return refused(404, DesktopErrorCode.INVALID_REQUEST, "there is no such resource") if answer is None else answer

    def _health(self, asked: Asked) -> Reply:
        if asked.method not in ("GET", "HEAD"):
            return _no_method(asked)
        return Reply(200, {"status": "up"}) if self._is_up() else Reply(503, {"status": "starting or stopping"})

    def _notified(self, asked: Asked) -> Reply:
        """The same news again is answered as the first time: whoever tells may not know that it was heard."""
        if asked.method != "POST":
            return _no_method(asked, "POST")
        try:
            status = decode(asked.body, RequestStatus)
        except RemoteProtocolError as error:
            self.log.warn("a notification that is none: {reason}", reason=str(error))
            return Reply(400, {"error": str(error)})
        return Reply(200, {"followed": self._obn.told(status)})


def _no_method(asked: Asked, allowed: str = "GET") -> Reply:
    refusal = refused(405, DesktopErrorCode.INVALID_REQUEST, f"{asked.method} is not possible here")
    return Reply(405, refusal.body, (("Allow", allowed),))


def _not_up() -> Reply:
    refusal = refused(503, DesktopErrorCode.INVALID_REQUEST, "the server starts or stops")
    return Reply(503, refusal.body, (("Retry-After", "2"),))
