"""Twisted glue of the server side: a transport on one end, `ServerConversation` and a session of the T-Server on the other."""
from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.servers.tserver.config import ListenOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.sessions import ClientSession, SessionState
from protocols.attributes import Limits
from protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocols.keepalive import KeepAlive
from protocols.transport import BoundedProtocol
from protocols.tserver.conversation import ServerConversation
from protocols.tserver.messages import ErrorCode, Message

__all__ = ["TServerFactory", "TServerProtocol"]

_CLOSING_S = 5.0        # how long a client may take to read what is left when it is closed


class TServerProtocol(BoundedProtocol):
    """One client connection. Junk, silence and a client that does not read close it, with the reason in the log."""

    log = Logger()

    def __init__(self, server: TServer, clock: IReactorTime, options: ListenOptions, factory: TServerFactory) -> None:
        self._server, self._clock, self._options, self._connections = server, clock, options, factory.connections
        self.backlog_limit = options.backlog_octets
        self._conversation = ServerConversation(
            frame_limit=options.frame_octets, limits=Limits(options.nesting, options.pairs),
            keep_alive=KeepAlive(options.keep_alive_s))
        self._session: ClientSession | None = None
        self._receiving = False
        self._ticking: IDelayedCall | None = None
        self._login: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._connections.add(self)
        self._conversation.open(self._clock.seconds())
        self._login = self._clock.callLater(self._options.login_timeout_s, self._login_overdue)
        self._session = self._server.connect(self._deliver)
        self._after_step()
        self._tick_later()

    def dataReceived(self, data: bytes) -> None:
        if self._session is None or self._session.state is SessionState.REFUSED:
            return
        self._conversation.receive(data, self._clock.seconds())
        self._receiving = True
        try:
            while self._alive() and (message := self._conversation.next_message()) is not None:
                self._session.receive(message)
        except RemoteProtocolError as error:
            self.log.warn("{client} at {peer} broke the protocol: {reason}", client=self._session.application,
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
        if self._session is not None:
            self.log.debug("{client} is gone: {reason}", client=self._session.application,
                           reason=reason.getErrorMessage())
            self._session.closed()

    def _alive(self) -> bool:
        return bool(self.connected) and self._session is not None and self._session.state is not SessionState.REFUSED

    def _deliver(self, message: Message) -> None:
        """Called by the session, also in the middle of `dataReceived`; then everything goes out at its end."""
        if self._session is not None and self._session.granted:
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
        """Write what has come together; move the conversation on with the session."""
        session = self._session
        if session is not None and session.granted and self._login is not None:
            if self._login.active():
                self._login.cancel()
            self._login = None
        self.send(self._conversation.output())
        if session is not None and session.state is SessionState.REFUSED:
            self._close_soon()

    def _login_overdue(self) -> None:
        self._login = None
        self.log.warn("{peer} did not register within {wait_s} s: closed", peer=str(self.transport.getPeer()),
                      wait_s=self._options.login_timeout_s)
        self.abort()

    def _give_up(self) -> None:
        """Nothing more is taken from this client; what was answered before still goes out."""
        self.send(self._conversation.output())
        if self._session is not None:
            self._session.closed()
            self._session = None
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
        self.send(self._conversation.output())
        self._tick_later()


class TServerFactory(ServerFactory):
    """Makes a protocol for each client. `clock` is that of the sockets: the real one."""

    noisy = False

    def __init__(self, server: TServer, clock: IReactorTime, options: ListenOptions) -> None:
        self._server, self._clock, self._options = server, clock, options
        self.connections: set[Any] = set()

    def buildProtocol(self, addr: IAddress | None) -> TServerProtocol:
        protocol = TServerProtocol(self._server, self._clock, self._options, self)
        protocol.factory = self
        return protocol
