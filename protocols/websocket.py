"""WebSocket without I/O: octets in, texts out, on wsproto; what is legal there, and how much of it is borne.

A text is one message of the JSON codec; binary messages are refused. Extensions and sub-protocols are not used. Pings of the
WebSocket itself are answered here and never leave this module. Source: RFC 6455.
"""
from __future__ import annotations

from typing import Any, Callable
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection, ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError as WsLocalError
from wsproto.utilities import RemoteProtocolError as WsRemoteError

from protocols.errors import RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT

__all__ = ["Handshake", "WebSocket", "accept_all", "same_host"]

_FAULTS = (WsRemoteError, WsLocalError, UnicodeError, ValueError)
_HANDSHAKE_OCTETS = 16_384      # longest head of a request, or of its answer

Handshake = Callable[[str, str, str], int]
"""(path, Host header, Origin header or "") -> 101 to go on, or the HTTP status of the refusal."""


def accept_all(path: str, host: str, origin: str) -> int:
    """Whoever asks is let in."""
    return 101


def same_host(path: str, origins: tuple[str, ...] = ()) -> Handshake:
    """Let in who asks for `path`; from a browser only where the page came from the host that the WebSocket is opened to, on
    whichever port, or from one of `origins`. 404 and 403 otherwise."""
    def accept(asked: str, host: str, origin: str) -> int:
        if asked.partition("?")[0] != path:
            return 404
        if not origin or origin in origins:
            return 101
        try:
            page, here = urlsplit(origin).hostname, urlsplit(f"//{host}").hostname
        except ValueError:
            return 403
        return 101 if page and page == here else 403
    return accept


class WebSocket:
    """One connection, from the handshake on. The side of a server has `accept`, that of a client `target` (host and path)."""

    def __init__(self, *, accept: Handshake | None = None, target: tuple[str, str] | None = None,
                 limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._accept, self._limit = accept, limit
        self._side: Any = WSConnection(ConnectionType.CLIENT if target else ConnectionType.SERVER)
        self._output, self._text, self._length, self._head = bytearray(), list[str](), 0, 0
        self._events: Any = iter(())
        self.open = False           # the handshake is over
        self.closed = False         # nothing more will be said on either side
        if target is not None:
            self._output += self._side.send(Request(host=target[0], target=target[1]))

    def receive(self, data: bytes) -> None:
        """Take octets off the transport; RemoteProtocolError for what is no handshake."""
        if self.closed:
            return
        if not self.open:
            self._head += len(data)
            if self._head > _HANDSHAKE_OCTETS:
                raise RemoteProtocolError(f"handshake of more than {_HANDSHAKE_OCTETS} octets")
        try:
            self._side.receive_data(data)
        except _FAULTS as error:
            self._refuse(error)
            raise RemoteProtocolError(f"no WebSocket handshake: {error}") from None
        self._events = self._side.events()

    def _refuse(self, error: Exception) -> None:
        """Answer what cannot be a handshake in its own words, where there are some."""
        hint = getattr(error, "event_hint", None)
        if self._accept is not None and not self.open and hint is not None:
            try:
                self._output += self._side.send(hint)
            except _FAULTS:
                self._output += b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.closed = True

    def next_text(self) -> bytes | None:
        """The oldest complete text; None until more octets arrive; RemoteProtocolError for junk."""
        while not self.closed:
            try:
                event = next(self._events, None)
                if event is None:
                    return None
                text = self._take(event)
            except _FAULTS as error:
                self.closed = True
                raise RemoteProtocolError(f"WebSocket: {error}") from None
            if text is not None:
                return text
        return None

    def _take(self, event: object) -> bytes | None:
        if isinstance(event, TextMessage):
            return self._piece(event)
        if isinstance(event, Ping):
            self._output += self._side.send(event.response())
        elif isinstance(event, Request):
            self._opening(event)
        elif isinstance(event, AcceptConnection):
            self._opened()
        elif isinstance(event, BytesMessage):
            self.closed = True
            raise RemoteProtocolError("WebSocket: a binary message; texts are expected")
        elif isinstance(event, RejectConnection):
            self.closed = True
            raise RemoteProtocolError(f"the WebSocket handshake was refused: {event.status_code}")
        elif isinstance(event, CloseConnection):
            if self._side.state is ConnectionState.REMOTE_CLOSING:
                self._output += self._side.send(event.response())
            self.closed = True
        return None

    def _piece(self, event: TextMessage) -> bytes | None:
        """A part of a text; the whole when it was the last one."""
        self._length += len(event.data)
        if self._length > self._limit:
            self.closed = True
            raise RemoteProtocolError(f"text of more than {self._limit} characters")
        self._text.append(event.data)
        if not event.message_finished:
            return None
        text = "".join(self._text).encode()
        self._text, self._length = [], 0
        return text

    def _opening(self, request: Request) -> None:
        assert self._accept is not None
        headers = {name.lower(): value.decode("latin-1") for name, value in request.extra_headers}
        status = self._accept(request.target, request.host, headers.get(b"origin", ""))
        if status == 101:
            self._output += self._side.send(AcceptConnection())
            self._opened()
            return
        self._output += self._side.send(RejectConnection(status_code=status, headers=[(b"connection", b"close")]))
        self.closed = True
        raise RemoteProtocolError(f"the handshake was refused with {status}: path {request.target[:80]!r}, host"
                                  f" {request.host[:80]!r}, origin {headers.get(b'origin', '')[:80]!r}")

    def _opened(self) -> None:
        self.open = True
        connection: Connection = self._side.connection
        self._side = connection         # the handshake's own state is not kept for the length of the connection
        self._events = connection.events()

    def send_text(self, text: bytes) -> None:
        """Put one text into the output; dropped where the connection is closing."""
        if self.open and not self.closed:
            self._output += self._side.send(TextMessage(data=text.decode()))

    def close(self) -> None:
        """Put the end of the connection into the output."""
        if self.open and not self.closed and self._side.state is ConnectionState.OPEN:
            self._output += self._side.send(CloseConnection(code=1000))
        self.closed = True

    def output(self) -> bytes:
        """Everything to be written to the transport now."""
        data = bytes(self._output)
        self._output.clear()
        return data
