"""What there is at the HTTP port: `/healthz`, `/records/<handle>`, `/obn/notifications`."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from twisted.logger import Logger

from ocs.app.web.records import Records, refused
from ocs.http_server import Asked, HttpListenOptions, Reply
from ocs.options import option
from ocs.scheduler.engine import Engine
from protocols.desktop.errors import DesktopErrorCode
from protocols.errors import RemoteProtocolError
from protocols.obn.messages import RequestStatus, decode

__all__ = ["HttpServerOptions", "PUBLIC", "Routes"]

PUBLIC = ("healthz",)       # for whoever watches the server


@dataclass(frozen=True)
class HttpServerOptions(HttpListenOptions):
    """The server's own HTTP port (docs/gvp.md)."""

    enabled: bool = option(False, text="Whether to listen. Calls then carry GSW_RECORD_URI.")
    public_uri: str = option(
        "", text="What others write for this port, as http://ocs.example:8080; empty = made of host and port.")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.public_uri and not self.public_uri.startswith(("http://", "https://")):
            found.append("public_uri: http:// or https:// is expected")
        if self.enabled and not (self.token or self.token_file or self.trusted_peers):
            found.append("enabled: give token, token_file or trusted_peers, or nobody may ask")
        return found

    def base(self, port: int) -> str:
        """The URI of the port, without the last slash; `port` is the one that was taken."""
        scheme, host = "https" if self.tls.enabled else "http", f"[{self.host}]" if ":" in self.host else self.host
        return self.public_uri.rstrip("/") or f"{scheme}://{host}:{port}"


class Routes:
    """From a path to who answers. `is_up`: whether the server is started whole; `obn` is an ObnLink, or None."""

    log = Logger()

    def __init__(self, engine: Engine, is_up: Callable[[], bool], obn: Any) -> None:
        self._is_up, self._obn = is_up, obn
        self._records = Records(engine)

    def respond(self, asked: Asked) -> Any:
        """A Reply, or a Deferred of one."""
        if asked.path == ("healthz",):
            if asked.method != "GET":
                return refused(405, DesktopErrorCode.INVALID_REQUEST, f"{asked.method} is not possible here")
            return Reply(200, {"status": "up"}) if self._is_up() else Reply(503, {"status": "starting or stopping"})
        if asked.path == ("obn", "notifications") and self._obn is not None:
            return self._notified(asked)
        if len(asked.path) == 2 and asked.path[0] == "records":
            if not self._is_up():
                return refused(503, DesktopErrorCode.INVALID_REQUEST, "the server starts or stops")
            return self._records.respond(asked, asked.path[1])
        return refused(404, DesktopErrorCode.INVALID_REQUEST, "there is no such resource")

    def _notified(self, asked: Asked) -> Reply:
        """The same news again is answered as the first time: whoever tells may not know that it was heard."""
        if asked.method != "POST":
            return refused(405, DesktopErrorCode.INVALID_REQUEST, f"{asked.method} is not possible here")
        try:
            status = decode(asked.body, RequestStatus)
        except RemoteProtocolError as error:
            self.log.warn("a notification that is none: {reason}", reason=str(error))
            return Reply(400, {"error": str(error)})
        return Reply(200, {"followed": self._obn.told(status)})
