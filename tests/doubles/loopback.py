"""A client and a server of messages without sockets: real protocols and octets, carried on the next turn of a clock."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from protocols.client import MessageClient
from protocols.conversation import ClientConversation
from protocols.server import MessageServerFactory

__all__ = ["Line", "Loopback"]


class Line(StringTransport):
    """One direction: what is written arrives on a later turn, as one piece."""

    def __init__(self, clock: IReactorTime, arrive: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        super().__init__()
        self._clock, self._arrive, self._ended = clock, arrive, ended

    def write(self, data: bytes) -> None:
        self._clock.callLater(0, self._arrive, data)

    def loseConnection(self) -> None:
        self._clock.callLater(0, self._ended)

    abortConnection = loseConnection


class Loopback:
    """One connection between `listener` (IClientListener) and `server` (IMessageServer), from its making to `cut`."""

    def __init__(self, clock: Any, server: Any, listener: Any, application: str = "ocs", password: str = "") -> None:
        self._clock, self._open = clock, True
        self.client = MessageClient(ClientConversation(application, password), listener, clock)
        self._served = MessageServerFactory(server, clock).buildProtocol(None)
        self._served.makeConnection(Line(clock, lambda data: self._carry(self.client, data), self.cut))
        self.client.makeConnection(Line(clock, lambda data: self._carry(self._served, data), self.cut))

    def _carry(self, to: Any, data: bytes) -> None:
        if self._open:
            to.dataReceived(data)

    def cut(self) -> None:
        """The connection is lost; what is on its way is lost too."""
        if self._open:
            self._open = False
            for end in (self.client, self._served):
                end.connectionLost(Failure(ConnectionLost()))

    def settle(self, turns: int = 12) -> None:
        """Let everything arrive that is on its way."""
        for _ in range(turns):
            self._clock.advance(0)
