"""A Twisted protocol whose outgoing buffer is bounded: a peer that stops reading is cut off, not stored for."""
from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from zope.interface import implementer

__all__ = ["BoundedProtocol"]


@implementer(IPushProducer)
class BoundedProtocol(Protocol):
    """Counts what is written while the transport says that its buffer is full; past the bound the link is aborted."""

    log = Logger()
    transport: Any      # a TCP or TLS transport
    backlog_limit = 4 * 1024 * 1024     # octets that may pile up behind a peer that does not read

    _full = False
    _backlog = 0

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)

    def pauseProducing(self) -> None:
        """The transport's buffer is full: from now on count."""
        self._full = True

    def resumeProducing(self) -> None:
        """The peer has read everything."""
        self._full, self._backlog = False, 0

    def stopProducing(self) -> None:
        """The transport is going down; connectionLost follows."""

    def send(self, data: bytes) -> None:
        """Write octets; aborts the link when the peer has not read for too long."""
        if not data or self.transport is None or not self.connected:
            return
        if self._full:
            self._backlog += len(data)
            if self._backlog > self.backlog_limit:
                self.log.warn("{peer} does not read, {octets} octets wait: link aborted",
                              peer=self.transport.getPeer(), octets=self._backlog)
                self.transport.abortConnection()
                return
        self.transport.write(data)

    def close(self) -> None:
        """Close in order: what is written still goes out."""
        if self.transport is not None:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abortConnection()
