"""Twisted glue of the client side: a transport on one end, `ClientConversation` and a listener on the other."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface

from protocols.conversation import ClientConversation, LoginState
from protocols.errors import (
    LinkLost,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    RequestFailed,
    RequestRefused,
)
from protocols.message import ERROR_EVENTS, ErrorCode, Message
from protocols.requests import OutstandingRequests
from protocols.transport import BoundedProtocol, why

__all__ = ["IClientListener", "MessageClient"]


class IClientListener(Interface):
    """Who wants to know what a server says."""

    def granted(client: MessageClient, answer: Message) -> None:
        """The login was granted; requests may be sent."""

    def refused(client: MessageClient, error: RequestRefused) -> None:
        """The login was refused; the connection closes."""

    def event(client: MessageClient, message: Message) -> None:
        """A message that is not EventError: direct answers too, after their Deferreds have fired."""

    def lost(client: MessageClient, reason: str) -> None:
        """The connection is gone; outstanding requests have failed with LinkLost."""


class MessageClient(BoundedProtocol):
    """One client connection. Requests give Deferreds; everything else goes to the listener."""

    log = Logger()

    def __init__(self, conversation: ClientConversation, listener: Any, clock: IReactorTime,
                 request_timeout_s: float = 10.0, outstanding_limit: int = 10_000) -> None:
        self._conversation, self._listener, self._clock = conversation, listener, clock
        self._timeout_s = request_timeout_s
        self._requests: OutstandingRequests[Message] = OutstandingRequests(clock, outstanding_limit)
        self._ticking: IDelayedCall | None = None
        self.trace: Callable[[bool, Message], None] | None = None      # (sent by us, message)
        self._given_up = ""         # why we closed the connection, where the transport cannot know

    @property
    def up(self) -> bool:
        """True from a granted login until the link is lost."""
        return self._conversation.state is LoginState.GRANTED and bool(self.connected)

    def request(self, name: str, attributes: Mapping[str, Any], timeout_s: float | None = None) -> Deferred[Message]:
        """Send a request. Fires with the answering message; fails with RequestRefused (error code and text),
        RequestTimedOut, LinkLost, TooManyRequests, or LocalProtocolError for a value that cannot travel. Always fires,
        once."""
        if not self.up:
            return fail(LinkLost(f"{name}: no link"))
        try:
            self._requests.check_room()
            reference_id = self._conversation.request(name, attributes)
        except (RequestFailed, LocalProtocolError) as error:    # nothing was sent
            return fail(error)
        if self.trace is not None:
            self.trace(True, Message(name, reference_id, attributes))
        deferred = self._requests.add(reference_id, name, self._timeout_s if timeout_s is None else timeout_s)
        self._flush()
        return deferred

    def connectionMade(self) -> None:
        super().connectionMade()
        self._conversation.open(self._clock.seconds())
        self._flush()
        self._tick_later()

    def dataReceived(self, data: bytes) -> None:
        self._conversation.receive(data, self._clock.seconds())
        try:
            while self.connected and (message := self._conversation.next_message()) is not None:
                self._received(message)
        except RemoteProtocolError as error:
            self.log.error("{peer} broke the protocol: {reason}", peer=self.transport.getPeer(), reason=str(error))
            self._give_up(f"it broke the protocol: {error}")
            return
        self._flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.connected = 0
        if self._ticking is not None and self._ticking.active():
            self._ticking.cancel()
        text = self._given_up or why(reason)
        self._requests.fail_all(text)
        self._listener.lost(self, text)

    def _received(self, message: Message) -> None:
        if self.trace is not None:
            self.trace(False, message)
        if message.name in ERROR_EVENTS:
            error = RequestRefused(message.get("ErrorCode", ErrorCode.UNKNOWN_ERROR), message.get("ErrorMessage", ""))
            if self._conversation.state is LoginState.REFUSED:
                with self.log.failuresHandled("telling the listener of a refused login"):
                    self._listener.refused(self, error)
                self.close()
            elif not self._requests.fail(message.reference_id, error):
                self.log.warn("error from {peer}: {reason}", peer=self.transport.getPeer(), reason=str(error))
            return
        if message.reference_id:
            self._requests.answer(message.reference_id, message)
        with self.log.failuresHandled("telling the listener of {name}", name=message.name):
            if message.reference_id == 1 and message.name in ("EventLinkConnected", "EventLinkDisconnected"):
                self._listener.granted(self, message)
            else:
                self._listener.event(self, message)

    def _flush(self) -> None:
        for piece in self._conversation.writes():
            self.send(piece)

    def _give_up(self, reason: str) -> None:
        self._given_up = reason
        self.abort()

    def _tick_later(self) -> None:
        if self._conversation.tick_s:
            self._ticking = self._clock.callLater(self._conversation.tick_s, self._tick)

    def _tick(self) -> None:
        try:
            self._conversation.tick(self._clock.seconds())
        except ProtocolError as error:
            self.log.warn("link to {peer} given up: {reason}", peer=self.transport.getPeer(), reason=str(error))
            self._give_up(str(error))
            return
        self._flush()
        self._tick_later()
