"""Twisted glue of the server side: a transport on one end, `ServerConversation` and a client of the server on the other."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from protocols.attributes import Limits
from protocols.codec import Codec
from protocols.conversation import ServerConversation
from protocols.encodings import ANY, FirstOctet
from protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT
from protocols.keepalive import KeepAlive
from protocols.message import ErrorCode, Message
from protocols.transport import BoundedProtocol, tls_fault, why

__all__ = ["ConnectionLimits", "IMessageServer", "IServedClient", "MessageServerFactory", "MessageServerProtocol"]

_CLOSING_S = 5.0        # how long a client may take to read what is left when it is closed


@dataclass(frozen=True)
class ConnectionLimits:
    """How much of one client is borne, and what it may speak. Seconds and octets; keep_alive_s 0 = never ping."""

    login_timeout_s: float = 30.0
    keep_alive_s: float = 10.0
    frame_octets: int = DEFAULT_FRAME_LIMIT
    nesting: int = 8
    pairs: int = 1_024
    backlog_octets: int = 4_194_304
    encoding: str = ANY


class IMessageServer(Interface):
    """A server without sockets: clients connect, requests come in, answers and events go out."""

    def connect(send: Callable[[Message], None]) -> IServedClient:
        """A new client. `send` is called with every message for it."""


class IServedClient(Interface):
    """One client, as its server sees it."""

    application = Attribute("str: its name, for the log.")
    granted = Attribute("bool: it is registered.")
    refused = Attribute("bool: it is to be closed.")

    def receive(message: Message) -> None:
        """One message from the client; never raises for what a client sends."""

    def closed() -> None:
        """The client is gone."""


class MessageServerProtocol(BoundedProtocol):
    """One client connection. Junk, silence and a client that does not read close it, with the reason in the log."""

    log = Logger()

    def __init__(self, server: Any, clock: IReactorTime, limits: Any, factory: MessageServerFactory) -> None:
        self._server, self._clock, self._limits, self._connections = server, clock, limits, factory.connections
        self.backlog_limit = limits.backlog_octets
        self._conversation = ServerConversation(
            frame_limit=limits.frame_octets, limits=Limits(limits.nesting, limits.pairs),
            keep_alive=KeepAlive(limits.keep_alive_s), codec=factory.codec or FirstOctet(limits.encoding))
        self._client: Any = None
        self._receiving = False
        self._ticking: IDelayedCall | None = None
        self._login: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._connections.add(self)
        self._conversation.open(self._clock.seconds())
        self._login = self._clock.callLater(self._limits.login_timeout_s, self._login_overdue)
        self._client = self._server.connect(self._deliver)
        self._after_step()
        self._tick_later()

    def dataReceived(self, data: bytes) -> None:
        if self._client is None or self._client.refused:
            return
        self._conversation.receive(data, self._clock.seconds())
        self._receiving = True
        try:
            while self._alive() and (message := self._conversation.next_message()) is not None:
                self._client.receive(message)
        except RemoteProtocolError as error:
            self.log.warn("{client} at {peer} broke the protocol: {reason}", client=self._client.application,
                          peer=str(self.transport.getPeer()), reason=str(error))
            self._give_up()
            return
        finally:
            self._receiving = False
        self._after_step()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.connected = 0
        self._connections.discard(self)
        for timer in (self._ticking, self._login):
            if timer is not None and timer.active():
                timer.cancel()
        if tls_fault(reason):
            self.log.warn("{peer} is not let in: {reason}", peer=str(self.transport.getPeer()), reason=why(reason))
        if self._client is not None:
            self.log.debug("{client} is gone: {reason}", client=self._client.application, reason=why(reason))
            self._client.closed()

    def _alive(self) -> bool:
        return bool(self.connected) and self._client is not None and not self._client.refused

    def _deliver(self, message: Message) -> None:
        """Called by the server, also in the middle of `dataReceived`; then everything goes out at its end."""
        if self._client is not None and self._client.granted:
            self._conversation.grant()
        try:
            self._conversation.send(message)
        except LocalProtocolError as error:
            self.log.error("{name} cannot be sent: {reason}", name=message.name, reason=str(error))
            if message.reference_id:        # a request without an answer would be worse than one refused
                self._conversation.send(Message("EventError", message.reference_id, {
                    "ErrorCode": int(ErrorCode.INTERNAL_ERROR), "ErrorMessage": f"{message.name} cannot be sent"}))
        if not self._receiving:
            self._after_step()

    def _after_step(self) -> None:
        """Write what has come together; move the conversation on with the client."""
        client = self._client
        if client is not None and client.granted and self._login is not None:
            if self._login.active():
                self._login.cancel()
            self._login = None
        self._flush()
        if client is not None and client.refused:
            self._close_soon()

    def _flush(self) -> None:
        for piece in self._conversation.writes():
            self.send(piece)

    def _login_overdue(self) -> None:
        self._login = None
        self.log.warn("{peer} did not register within {wait_s} s: closed", peer=str(self.transport.getPeer()),
                      wait_s=self._limits.login_timeout_s)
        self.abort()

    def _give_up(self) -> None:
        """Nothing more is taken from this client; what was answered before still goes out."""
        self._flush()
        if self._client is not None:
            self._client.closed()
            self._client = None
        self._close_soon()

    def _close_soon(self) -> None:
        """Close in order; a peer that does not let us is cut off."""
        if self._login is not None and self._login.active():
            self._login.cancel()
        self._login = self._clock.callLater(_CLOSING_S, self.abort)
        self.close()

    def _tick_later(self) -> None:
        if self._conversation.tick_s:
            self._ticking = self._clock.callLater(self._conversation.tick_s, self._tick)

    def _tick(self) -> None:
        try:
            self._conversation.tick(self._clock.seconds())
        except ProtocolError as error:
            self.log.warn("{peer} given up: {reason}", peer=str(self.transport.getPeer()), reason=str(error))
            self.abort()
            return
        self._flush()
        self._tick_later()


class MessageServerFactory(ServerFactory):
    """Makes a protocol for each client of an IMessageServer. `clock` is that of the sockets: the real one; `limits` is a
    ConnectionLimits, or options with its fields; `codec` what is spoken there, by default frames of what `limits` accepts."""

    noisy = False

    def __init__(self, server: Any, clock: IReactorTime, limits: Any = ConnectionLimits(), codec: Codec | None = None) -> None:
        self._server, self._clock, self._limits, self.codec = server, clock, limits, codec
        self.connections: set[Any] = set()

    def buildProtocol(self, addr: IAddress | None) -> MessageServerProtocol:
        protocol = MessageServerProtocol(self._server, self._clock, self._limits, self)
        protocol.factory = self
        return protocol
