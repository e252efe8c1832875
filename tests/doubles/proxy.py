"""A TCP proxy that a test cuts, freezes and slows down; on the real reactor."""
from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

__all__ = ["Proxy"]


class _Side(Protocol):
    """One end of a connection through the proxy: what comes here goes out at the other end."""

    transport: Any

    def __init__(self, proxy: Proxy, other: _Side | None = None) -> None:
        self.proxy, self.other = proxy, other
        self.waiting = b""

    def connectionMade(self) -> None:
        if self.other is None:      # a client: find the server
            self.proxy.clients.append(self)
            target = TCP4ClientEndpoint(self.proxy.reactor, "127.0.0.1", self.proxy.target)
            found = connectProtocol(target, _Side(self.proxy, self))
            found.addErrback(lambda _: self.transport.abortConnection())
        else:
            self.other.other = self
            self.flush()

    def dataReceived(self, data: bytes) -> None:
        self.waiting += data
        if not self.proxy.frozen:
            self.flush()

    def flush(self) -> None:
        """Pass on what waits here, and at the other end."""
        for side in filter(None, (self, self.other)):
            if side.waiting and side.other is not None and not side.proxy.frozen:
                data, side.waiting = side.waiting, b""
                if side.proxy.delay_s:
                    side.proxy.reactor.callLater(side.proxy.delay_s, side.other.pass_on, data)
                else:
                    side.other.pass_on(data)

    def pass_on(self, data: bytes) -> None:
        """Send, unless the connection is gone by now."""
        if self.connected:
            self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self in self.proxy.clients:
            self.proxy.clients.remove(self)
        if self.other is not None and self.other.connected and not self.proxy.frozen:
            self.other.transport.abortConnection()


class Proxy:
    """Listens on `port` and forwards to `target` on loopback. `frozen`: connections stand, nothing passes, nobody is told of
    an end; `delay_s` keeps every piece back for so long."""

    def __init__(self, reactor: Any, target: int) -> None:
        self.reactor, self.target = reactor, target
        self.clients: list[_Side] = []
        self.frozen, self.delay_s = False, 0.0
        self._listening: Any = reactor.listenTCP(0, Factory.forProtocol(lambda: _Side(self)), interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getHost().port)

    def cut(self) -> int:
        """Cut every connection; how many there were."""
        clients = list(self.clients)
        for client in clients:
            for side in filter(None, (client.other, client)):
                side.transport.abortConnection()
        return len(clients)

    def thaw(self) -> None:
        """Let pass what was kept back."""
        self.frozen = False
        for client in list(self.clients):
            client.flush()

    async def close(self) -> None:
        """Stop listening, cut everything."""
        self.thaw()
        await self._listening.stopListening()
        self.cut()
