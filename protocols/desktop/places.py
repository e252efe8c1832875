"""Where a desktop connects to, from one line: `tcp://host:port`, `tls://host:port`, `ws://host:port`, `wss://host:port`."""
from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from protocols.codec import JSON_TEXT, MESSAGE_PACK, Codec
from protocols.desktop.port import PATH
from protocols.websocket_transport import WebSocketEndpoint

__all__ = ["DEFAULT_PORT", "desktop_endpoint"]

DEFAULT_PORT = 7060
_SCHEMES = {"tcp": (False, False), "tls": (True, False), "ws": (False, True), "wss": (True, True)}     # TLS, WebSocket
_END = b"-----END CERTIFICATE-----"


def desktop_endpoint(reactor: Any, uri: str, authorities: Path | str | None = None, connect_timeout_s: float = 10.0
                     ) -> tuple[IStreamClientEndpoint, Codec]:
    """The endpoint and the codec that is spoken there. `authorities` is a PEM file of those from whom the server's certificate
    must come; without it those of the machine. ValueError for a line that names no place."""
    parts = urlsplit(uri if "://" in uri else f"tcp://{uri}")
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"{uri!r}: tcp://, tls://, ws:// or wss:// with host and port is expected")
    host, port = parts.hostname, parts.port or DEFAULT_PORT
    over_tls, websocket = _SCHEMES[parts.scheme]
    endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, host, port, timeout=connect_timeout_s)
    if over_tls:
        endpoint = wrapClientTLS(optionsForClientTLS(host, trustRoot=_trusted(authorities)), endpoint)
    if not websocket:
        return endpoint, MESSAGE_PACK
    shown = f"[{host}]" if ":" in host else host
    path = parts.path if parts.path not in ("", "/") else PATH
    return WebSocketEndpoint(endpoint, reactor, f"{shown}:{port}", path), JSON_TEXT


def _trusted(authorities: Path | str | None) -> Any:
    if authorities is None:
        return None         # the machine's
    pem = Path(authorities).read_bytes()
    return trustRootFromCertificates([Certificate.loadPEM(part + _END) for part in pem.split(_END)[:-1]])
