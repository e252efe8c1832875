"""Twisted glue of WebSockets: a protocol of messages on one end, octets of a TCP or TLS transport on the other.

`PortFactory` is a port for both kinds of clients: a connection that begins with `GET ` is a WebSocket, any other one speaks
frames. `WebSocketEndpoint` is a client's way to such a port.
"""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.errors import LinkLost, RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT
from protocols.transport import BoundedProtocol
from protocols.websocket import Handshake, WebSocket

__all__ = ["PortFactory", "WebSocketEndpoint"]

_OPENING_S = 10.0       # how long a connection may take until it is known what it is, and until its handshake is over
_CLOSING_S = 5.0        # how long a peer may take to close with us
_METHOD = b"GET "


class _TextTransport:
    """What the protocol of messages takes for its transport: each `write` is one text. The bound on what a peer leaves unread
    is the WebSocket's."""

    def __init__(self, owner: _WebSocketProtocol) -> None:
        self._owner = owner

    def write(self, data: bytes) -> None:
        self._owner.write_text(data)

    def getPeer(self) -> Any:
        return self._owner.transport.getPeer()

    def getHost(self) -> Any:
        return self._owner.transport.getHost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """The WebSocket is the producer."""

    def unregisterProducer(self) -> None:
        """The same."""

    def loseConnection(self) -> None:
        self._owner.end()

    def abortConnection(self) -> None:
        self._owner.abort()


class _WebSocketProtocol(BoundedProtocol):
    """One WebSocket. `inner` is connected when the handshake is over."""

    log = Logger()

    def __init__(self, socket: WebSocket, inner: Any, clock: IReactorTime, opened: Deferred[Any] | None = None) -> None:
        """`opened` fires with `inner` when the handshake is over; fails with RemoteProtocolError or LinkLost."""
        self._socket, self._inner, self._clock, self.opened = socket, inner, clock, opened
        self.backlog_limit = inner.backlog_limit
        self._connected = self._ending = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._deadline = self._clock.callLater(_OPENING_S, self._overdue)
        self.send(self._socket.output())

    def dataReceived(self, data: bytes) -> None:
        try:
            self._socket.receive(data)
            self._open_if_it_is()
            while (text := self._socket.next_text()) is not None:
                self._inner.dataReceived(text)
            self._open_if_it_is()
        except RemoteProtocolError as error:
            self.log.info("WebSocket with {peer}: {reason}", peer=str(self.transport.getPeer()), reason=str(error))
            self._refused(error)
            self.send(self._socket.output())
            self.end()
            return
        self.send(self._socket.output())
        if self._socket.closed:
            self.end()

    def _open_if_it_is(self) -> None:
        if self._socket.open and not self._connected:
            self._connected = True
            self._cancel()
            self.send(self._socket.output())
            self._inner.makeConnection(_TextTransport(self))
            opened, self.opened = self.opened, None
            if opened is not None:
                opened.callback(self._inner)

    def _refused(self, error: Exception) -> None:
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.errback(Failure(error))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.connected = 0
        self._cancel()
        self._refused(LinkLost(f"closed during the WebSocket handshake: {reason.getErrorMessage()}"))
        if self._connected:
            self._inner.connectionLost(reason)

    def write_text(self, text: bytes) -> None:
        self._socket.send_text(text)
        self.send(self._socket.output())

    def end(self) -> None:
        """Close in order; a peer that does not let us is cut off."""
        if self._ending or not self.connected:
            return
        self._ending = True
        if self._deadline is None or not self._deadline.active():
            self._deadline = self._clock.callLater(_CLOSING_S, self.abort)
        self._socket.close()
        self.send(self._socket.output())
        self.close()

    def _overdue(self) -> None:
        self._refused(LinkLost(f"the WebSocket handshake took more than {_OPENING_S:g} s"))
        self.abort()

    def _cancel(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class _PortProtocol(Protocol):
    """A connection of which it is not known yet what it speaks."""

    transport: Any

    def __init__(self, factory: PortFactory) -> None:
        self._factory = factory
        self._head = b""
        self._chosen: Any = None
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self._factory.connections.add(self)
        self._deadline = self._factory.clock.callLater(_OPENING_S, self.abort)

    def dataReceived(self, data: bytes) -> None:
        if self._chosen is not None:
            self._chosen.dataReceived(data)
            return
        self._head += data
        if len(self._head) < len(_METHOD) and _METHOD.startswith(self._head):
            return
        self._cancel()
        head, self._head = self._head, b""
        self._chosen = self._factory.choose(head.startswith(_METHOD))
        self._chosen.makeConnection(self.transport)
        self._chosen.dataReceived(head)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel()
        self._factory.connections.discard(self)
        if self._chosen is not None:
            self._chosen.connectionLost(reason)

    def close(self) -> None:
        """Close in order."""
        if self._chosen is None:
            self.transport.loseConnection()
        elif isinstance(self._chosen, _WebSocketProtocol):
            self._chosen.end()
        else:
            self._chosen.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    def _cancel(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class PortFactory(ServerFactory):
    """A port for clients of frames and of WebSockets. `frames` and `texts` make their protocols (a MessageServerFactory each,
    in front of the same server); `accept` decides on handshakes; `limit` is the longest text."""

    noisy = False

    def __init__(self, frames: Any, texts: Any, accept: Handshake, clock: IReactorTime, limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._frames, self._texts, self._accept, self.clock, self._limit = frames, texts, accept, clock, limit
        self.connections: set[Any] = set()

    def buildProtocol(self, addr: IAddress | None) -> _PortProtocol:
        protocol = _PortProtocol(self)
        protocol.factory = self
        return protocol

    def choose(self, websocket: bool) -> Any:
        """The protocol of a connection."""
        if not websocket:
            return self._frames.buildProtocol(None)
        return _WebSocketProtocol(WebSocket(accept=self._accept, limit=self._limit), self._texts.buildProtocol(None), self.clock)


@implementer(IStreamClientEndpoint)
class WebSocketEndpoint:
    """A client's way to a WebSocket: `endpoint` leads to the port, `host` is what it is called there, `path` what is asked for.
    `connect` fires with the factory's own protocol (a BoundedProtocol that writes a text at a time) when the handshake is
    over; fails as the endpoint does, or with RemoteProtocolError or LinkLost."""

    def __init__(self, endpoint: IStreamClientEndpoint, clock: IReactorTime, host: str, path: str,
                 limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._endpoint, self._clock, self._target, self._limit = endpoint, clock, (host, path), limit

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        opened: Deferred[Any] = Deferred()

        def build() -> _WebSocketProtocol:
            return _WebSocketProtocol(WebSocket(target=self._target, limit=self._limit), protocolFactory.buildProtocol(None),
                                      self._clock, opened)
        connected: Deferred[Any] = self._endpoint.connect(_Quiet.forProtocol(build))
        return connected.addCallback(lambda _: opened)


class _Quiet(Factory):
    noisy = False
