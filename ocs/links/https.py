"""Connections of the HTTP client: TLS by configured roots, and a bound on what a peer may send for one request.

Twisted's HTTP client bounds neither the headers of an answer nor how long a closing TLS connection may linger; both are
bounded here, around the connection, where every octet passes.
"""
from __future__ import annotations

from typing import Any, Iterable, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from ocs.certificates import Identity, authorities
from ocs.links.http_options import HttpOptions
from ocs.tls import ClientSide

__all__ = ["BoundedEndpoint", "Endpoints", "TooLong"]

_CLOSE_S = 5.0                      # a peer that does not answer a TLS close is left


class TooLong(Exception):
    """A peer sent more for one request than is allowed; the text names the bound."""


@implementer(IAgentEndpointFactory)
class Endpoints:
    """Makes the endpoint of each URI. ConfigurationError where a certificate or key cannot be used."""

    def __init__(self, reactor: Any, options: HttpOptions) -> None:
        self._reactor, self._limit = reactor, options.response_limit_kb * 1_024
        self._connect_s = options.response_timeout_s
        self._options = options
        self._sides: dict[str, ClientSide] = {}     # by host; hosts are those of the configuration
        self._trust(), self._own()                  # what cannot be used is told now

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        host = uri.host.decode("ascii").strip("[]")
        endpoint: Any = HostnameEndpoint(self._reactor, host, uri.port, timeout=self._connect_s)
        if uri.scheme == b"https":
            endpoint = wrapClientTLS(self._side(host), endpoint)
        elif uri.scheme != b"http":
            raise SchemeNotSupported(f"{uri.scheme!r}")
        return BoundedEndpoint(endpoint, self._limit, self._reactor)

    def _side(self, host: str) -> ClientSide:
        if host not in self._sides:
            options = self._options
            files = [options.roots_file, options.certificate_file, options.key_file]
            self._sides[host] = ClientSide(host, self._trust, self._own, files, "http")
        return self._sides[host]

    def _trust(self) -> Any:
        return authorities(self._options.roots_file, "http.roots_file")

    def _own(self) -> Identity | None:
        certificate, key = self._options.certificate_file, self._options.key_file
        if certificate is None or key is None:
            return None
        return Identity.load(certificate, key, "http.certificate_file", "http.key_file")


@implementer(IStreamClientEndpoint)
class BoundedEndpoint:
    """Connections on which a peer may send at most `limit` octets for each request."""

    def __init__(self, endpoint: IStreamClientEndpoint, limit: int, clock: Any) -> None:
        self._endpoint, self._limit, self._clock = endpoint, limit, clock

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        connecting = self._endpoint.connect(_BoundedFactory(factory, self._limit, self._clock))
        return connecting.addCallback(_unwrapped)

    def __repr__(self) -> str:
        return repr(self._endpoint)


def _unwrapped(connection: Any) -> IProtocol:
    return cast(IProtocol, connection.wrappedProtocol)


class _Bounded(ProtocolWrapper):
    """One connection. `stopProducing` is how a body that nobody wants any more is given up: at once."""

    factory: "_BoundedFactory"
    transport: Any
    _received = 0
    _fault: TooLong | None = None
    _closing: IDelayedCall | None = None

    def write(self, data: bytes) -> None:
        self._received = 0          # a request goes out: what comes from now on is its answer
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self._received = 0
        super().writeSequence(list(data))

    def dataReceived(self, data: bytes) -> None:
        self._received += len(data)
        if self._fault is not None:
            return
        if self._received > self.factory.limit:
            self._fault = TooLong(f"the answer is longer than {self.factory.limit} octets")
            self.stopProducing()
            return
        super().dataReceived(data)

    def stopProducing(self) -> None:
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        super().loseConnection()
        if self._closing is None:
            self._closing = self.factory.clock.callLater(_CLOSE_S, self._linger_over)

    def _linger_over(self) -> None:
        self._closing = None
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        super().connectionLost(reason if self._fault is None else Failure(self._fault))


class _BoundedFactory(WrappingFactory):
    protocol = _Bounded
    noisy = False

    def __init__(self, factory: IProtocolFactory, limit: int, clock: Any) -> None:
        super().__init__(factory)
        if isinstance(factory, Factory):
            factory.noisy = False
        self.limit, self.clock = limit, clock
