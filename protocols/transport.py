"""A Twisted protocol whose outgoing buffer is bounded: a peer that stops reading is cut off, not stored for."""
from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["BoundedProtocol", "tls_fault", "why"]

_NO_TLS = ("wrong version number", "http request", "packet length too long", "unknown protocol")


def tls_fault(reason: Failure) -> bool:
    """True if a connection ended because its two ends could not agree on TLS."""
    return reason.check(SSL.Error) is not None


def why(reason: Failure) -> str:
    """Why a connection ended, or was never made, in words."""
    error = reason.value
    if not isinstance(error, SSL.Error) or not error.args or not isinstance(error.args[0], list):
        return reason.getErrorMessage()
    words = [str(entry[-1]) for entry in error.args[0]] or ["closed"]
    text = "; ".join(words)
    if " alert " in text:
        return f"TLS: the peer refuses us: {text.partition(' alert ')[2]}"
    return f"TLS: the peer does not speak it ({text})" if any(word in _NO_TLS for word in words) else f"TLS: {text}"


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
