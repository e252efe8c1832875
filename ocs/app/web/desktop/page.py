"""Who serves the workplace in the browser: the files that lie beside this module, and where the desktop port is."""
from __future__ import annotations

from importlib.resources import files
from typing import Any, Callable, Mapping

from ocs.http_server import Asked, Reply

__all__ = ["DesktopPage"]

_TYPES = {"desktop.html": "text/html; charset=utf-8", "desktop.css": "text/css; charset=utf-8",
          "desktop.js": "text/javascript; charset=utf-8", "messages.js": "text/javascript; charset=utf-8",
          "ringing.js": "text/javascript; charset=utf-8"}
# nothing from elsewhere runs here, nobody frames the page; WebSockets go to the desktop port, which may be any port of this host
_POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; form-action 'none';"
           " base-uri 'none'; frame-ancestors 'none'")
_HEADERS = (("Content-Security-Policy", _POLICY), ("Cache-Control", "no-cache"), ("Referrer-Policy", "no-referrer"))


class DesktopPage:
    """Answers below `/desktop`. `address()` is where the desktop port listens (`port`, `tls`), empty where it does not."""

    def __init__(self, address: Callable[[], Mapping[str, Any]]) -> None:
        self._address = address
        self._files = {name: files(__package__).joinpath(name).read_bytes() for name in _TYPES}

    def respond(self, asked: Asked) -> Reply | None:
        """A Reply; None for what there is not."""
        address = self._address()
        if not address or asked.path[:1] != ("desktop",) or len(asked.path) > 2:
            return None
        if asked.method not in ("GET", "HEAD"):
            return Reply(405, {"error": f"{asked.method} is not possible here"}, (("Allow", "GET"),))
        name = asked.path[1] if len(asked.path) == 2 else "desktop.html"
        if name == "settings.json":
            return Reply(200, {"port": address["port"], "tls": address["tls"]}, _HEADERS)
        body = self._files.get(name)
        return None if body is None else Reply(200, body, _HEADERS, _TYPES[name])
