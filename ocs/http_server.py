"""HTTP for whoever serves it: few connections, short bodies, no idlers; JSON in and out; a token, or a peer that is known.

What is asked comes to one function as an `Asked`, what it returns goes out: those who answer know no sockets. On twisted.web,
which also keeps a connection's requests in order.
"""
from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable, Collection, Mapping
from urllib.parse import parse_qsl

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ocs.options import one_secret, option, read_secret, table
from ocs.runtime import listen_or_exit
from ocs.tls import ServerTlsOptions

__all__ = ["Asked", "HttpListenOptions", "HttpService", "Reply", "bearer", "http_factory"]

Respond = Callable[["Asked"], Any]
"""Asked -> Reply, or a Deferred that fires with one."""
Limit = Callable[[Mapping[str, str]], int]
"""Octets that a body with these headers may have, where that is more than others."""
Admits = Callable[[str], bool]
"""Whether a token that is not the port's own opens it, too."""
_PARAMETERS = 100


@dataclass(frozen=True)
class HttpListenOptions:
    """An HTTP port, and who may ask there."""

    host: str = option("127.0.0.1", text="Address to listen on.")
    port: int = option(8_080, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    token: str = option("", secret=True, text="Token that clients must show (Authorization: Bearer); better in a file.")
    token_file: Path | None = option(None, text="File whose first line is that token.")
    trusted_peers: tuple[str, ...] = option(
        ("127.0.0.1", "::1"), text="Addresses of clients that need no token; where there is no token, only these are answered.")
    connections: int = option(200, low=1, high=10_000, text="Connections at the same time; more are closed at once.")
    body_limit_kb: int = option(64, low=1, high=4_096, unit="KiB", text="Longest body of a request.")
    idle_s: float = option(60.0, low=1, high=3_600, unit="seconds", text="How long a connection may be silent.")
    tls: ServerTlsOptions = table(ServerTlsOptions)

    def problems(self) -> list[str]:
        return one_secret("token", self.token, self.token_file)

    @property
    def secret(self) -> str:
        """The token, wherever it is given; "" where there is none. ConfigurationError for a file that cannot be read."""
        return read_secret(self.token_file, "token_file") if self.token_file else self.token


@dataclass(frozen=True)
class Asked:
    """A request: `path` without its slashes, percent-decoded; of a query parameter that is repeated the first counts."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)     # by their names in small letters
    peer: str = field(default="", compare=False)                                # address of the client
    file: Any = field(default=None, compare=False)      # the body, where it may be long, as a file to read from

    @property
    def token(self) -> str:
        """What the client shows as its token; "" where it shows none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class Reply:
    """An answer: `body` is what JSON can say or, with a `content_type` of its own, octets."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The header with which a client shows its token."""
    return (("Authorization", f"Bearer {token}"),) if token else ()


class _BoundedRequest(Request):
    """A request whose body has a limit: a longer one is answered with 413 before it is read."""

    def __init__(self, limit: int, larger: Limit, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._left, self._larger, self._refused = limit, larger, False
        self.long = False           # whether the body may be longer than others

    def gotLength(self, length: int | None) -> None:
        more = self._larger(_headers(self))
        if more > self._left:
            self._left, self.long = more, True
        if length is not None and length > self._left:
            self._refuse()
        super().gotLength(0 if self._refused else length)

    def handleContentChunk(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._refuse()
        elif not self._refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._refused:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            if self.content is not None:
                self.content.close()
            self.channel.transport.write(  # type: ignore[union-attr]
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.channel.loseConnection()


class _Root(Resource):
    """Every path; who may not ask hears 401."""

    isLeaf = True
    log = Logger()

    def __init__(self, respond: Respond, token: str, trusted: Collection[str], public: Collection[str], admits: Admits) -> None:
        super().__init__()
        self._respond, self._token, self._trusted = respond, token.encode(), frozenset(trusted)
        self._public, self._admits = frozenset(public), admits

    def render(self, request: Request) -> int:
        try:
            path = tuple(segment.decode("utf-8") for segment in request.postpath or () if segment)
            query = _query(request.uri)
        except ValueError:
            self._answer(Reply(400, {"error": "the URI is not UTF-8, or has too many parameters"}), request)
            return NOT_DONE_YET
        content: Any = request.content
        content.seek(0)
        long = getattr(request, "long", False)
        asked = Asked(request.method.decode("latin-1"), path, query, b"" if long else content.read(), _headers(request),
                      getattr(request.getClientAddress(), "host", ""), content if long else None)
        if not self._may_ask(asked):
            self._answer(Reply(401, {"error": "a token is needed"}, (("WWW-Authenticate", "Bearer"),)), request)
            return NOT_DONE_YET
        gone: list[Any] = []
        request.notifyFinish().addErrback(gone.append)
        answered = maybeDeferred(self._respond, asked)
        answered.addErrback(self._bug)
        answered.addCallback(lambda reply: None if gone else self._answer(reply, request))
        return NOT_DONE_YET

    def _may_ask(self, asked: Asked) -> bool:
        names = {"/".join(asked.path), *(f"{name}/*" for name in asked.path[:1])}
        if names & self._public or asked.peer in self._trusted:
            return True
        shown = asked.token.encode("latin-1", "replace")
        return bool(shown) and (bool(self._token) and hmac.compare_digest(shown, self._token) or self._admits(asked.token))

    def _bug(self, failure: Failure) -> Reply:
        self.log.failure("answering a request", failure)
        return Reply(500, {"error": "internal error"})

    @staticmethod
    def _answer(reply: Reply, request: Request) -> None:
        request.setResponseCode(reply.status)
        for name, value in reply.headers:
            request.setHeader(name, value)
        request.setHeader("Content-Type", reply.content_type or "application/json; charset=utf-8")
        request.setHeader("X-Content-Type-Options", "nosniff")
        octets = reply.body if reply.content_type else msgspec.json.encode(reply.body)
        request.setHeader("Content-Length", str(len(octets)))
        request.write(octets)
        request.finish()


def _headers(request: Request) -> dict[str, str]:
    """By their names in small letters; of one that is repeated the first counts."""
    return {name.decode("latin-1").lower(): values[0].decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()}


def _query(uri: bytes) -> dict[str, str]:
    """The parameters of a URI, the first of each name; a form in the body is none of them. ValueError."""
    given = parse_qsl(uri.partition(b"?")[2].decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS)
    return dict(reversed(given))


class _Channel(HTTPChannel):
    """A connection on which something may come that twisted.web chokes on, as an end of line inside of a header: at once, or when
    the request before it is answered and what waits behind it is read."""

    log = Logger()

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
        except ValueError as error:
            self.log.info("no HTTP: {reason}", reason=str(error))
            transport: Any = self.transport
            transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.loseConnection()


class _QuietSite(Site):
    """No access log: URIs name people."""

    protocol = _Channel     # type: ignore[assignment]      # Twisted's own chooses between this and HTTP/2

    def log(self, request: Any) -> None:
        """Whoever answers writes what is worth it."""


class _BoundedFactory(WrappingFactory):
    """Lets so many in at the same time."""

    noisy = False

    def __init__(self, wrapped: Any, limit: int) -> None:
        super().__init__(wrapped)
        self._limit = limit

    def buildProtocol(self, addr: Any) -> Any:
        return None if len(self.protocols) >= self._limit else super().buildProtocol(addr)

    def close(self) -> None:
        """Leave every client."""
        for protocol in list(self.protocols):
            protocol.transport.abortConnection()


def http_factory(reactor: Any, options: HttpListenOptions, respond: Respond, public: Collection[str] = (),
                 admits: Admits = lambda token: False, larger: Limit = lambda headers: 0) -> _BoundedFactory:
    """The factory of an HTTP port. `public` are paths for which no token is needed here; `name/*` is everything below a name."""
    limit = options.body_limit_kb * 1_024
    site = _QuietSite(_Root(respond, options.secret, options.trusted_peers, public, admits), timeout=options.idle_s,
                      reactor=reactor, requestFactory=partial(_BoundedRequest, limit, larger))
    return _BoundedFactory(site, options.connections)


class HttpService(Service):
    """An HTTP port on the real reactor. `name` is its table in the configuration."""

    def __init__(self, reactor: Any, name: str, options: HttpListenOptions, respond: Respond,
                 public: Collection[str] = (), admits: Admits = lambda token: False, larger: Limit = lambda headers: 0) -> None:
        self._reactor, self._name, self._options = reactor, name, options
        self._factory = http_factory(reactor, options, respond, public, admits, larger)
        self._port: IListeningPort | None = None

    def privilegedStartService(self) -> None:
        """Take the port, or exit with a line that says why not."""
        super().privilegedStartService()
        self._port = listen_or_exit(self._reactor, self._name, self._options, self._factory)     # type: ignore[arg-type]

    def address(self) -> dict[str, Any]:
        """Where it listens: `host`, `port`, `tls`."""
        host: Any = self._port.getHost() if self._port is not None else None
        return {"host": host.host, "port": host.port, "tls": self._options.tls.enabled}

    def stopService(self) -> Deferred[None]:
        super().stopService()
        stopped = maybeDeferred(self._port.stopListening) if self._port is not None else maybeDeferred(lambda: None)
        return stopped.addCallback(lambda _: self._factory.close())
