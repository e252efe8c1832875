"""Addresses without sockets: a link connects to a server in the same process, by real protocols and octets."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.server import MessageServerFactory
from tests.doubles.loopback import Line

__all__ = ["Address"]


@implementer(IStreamClientEndpoint)
class Address:
    """Where `server` (IMessageServer) listens. While `away` nobody answers; `mute`, octets do not arrive any more, in either
    direction, and nobody is told."""

    def __init__(self, clock: Any, server: Any) -> None:
        self._clock, self._factory = clock, MessageServerFactory(server, clock)
        self.away = self.mute = False
        self._connections: list[tuple[Any, Any]] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        if self.away:
            return fail(ConnectionRefusedError("nobody listens"))
        if self.mute:
            return Deferred()
        client, served = factory.buildProtocol(None), self._factory.buildProtocol(None)
        pair = client, served
        self._connections.append(pair)
        served.makeConnection(Line(self._clock, lambda data: self._carry(pair, client, data), lambda: self._lost(pair)))
        client.makeConnection(Line(self._clock, lambda data: self._carry(pair, served, data), lambda: self._lost(pair)))
        return succeed(client)

    def cut(self) -> None:
        """Every connection is lost."""
        for pair in list(self._connections):
            self._lost(pair)

    def _carry(self, pair: tuple[Any, Any], to: Any, data: bytes) -> None:
        if pair in self._connections and not self.mute:
            to.dataReceived(data)

    def _lost(self, pair: tuple[Any, Any]) -> None:
        if pair in self._connections:
            self._connections.remove(pair)
            for end in pair:
                end.connectionLost(Failure(ConnectionLost()))
