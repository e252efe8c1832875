"""The POST of an IVR application, or of a result: one request, one deadline, success or not."""
from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from ocs.certificates import authorities
from ocs.servers.tserver.ivr.treatments import Poster
from ocs.tls import ClientSide

__all__ = ["http_poster"]

_HOSTS = 100        # for which a TLS context is kept
log = Logger()


@implementer(IPolicyForHTTPS)
class _Trust:
    """Whom to believe over https: the authorities of `roots_file`, or the machine's. ConfigurationError, which names the option
    `name`, for a file that cannot be used."""

    def __init__(self, roots_file: Path | None, name: str) -> None:
        self._file, self._name = roots_file, name
        self._sides: dict[bytes, ClientSide] = {}       # by host; hosts are those of the configuration, and of who may ask
        self._trusted()

    def _trusted(self) -> Any:
        return authorities(self._file, self._name)

    def creatorForNetloc(self, hostname: bytes, port: int) -> ClientSide:
        if hostname not in self._sides:
            if len(self._sides) >= _HOSTS:
                self._sides.clear()
            self._sides[hostname] = ClientSide(hostname.decode("ascii").strip("[]"), self._trusted, lambda: None, [self._file],
                                               self._name)
        return self._sides[hostname]


def http_poster(reactor: Any, timeout_s: float, extra: Iterable[tuple[str, str]] = (), roots_file: Path | None = None,
                option: str = "roots_file") -> Poster:
    """A Poster over HTTP with JSON bodies and `extra` headers; connections stay open. Success is any answer 2xx in time.
    ConfigurationError, which names the `option`, where `roots_file` cannot be used."""
    agent = Agent(reactor, _Trust(roots_file, option), connectTimeout=timeout_s, pool=HTTPConnectionPool(reactor))
    headers = Headers({b"Content-Type": [b"application/json; charset=utf-8"]})
    for name, value in extra:
        headers.addRawHeader(name, value)

    async def exchange(uri: str, body: bytes) -> bool:
        response = await agent.request(b"POST", uri.encode("ascii"), headers, FileBodyProducer(BytesIO(body)))
        await readBody(response)        # only then the connection serves the next one
        right: bool = 200 <= response.code < 300
        if not right:
            log.warn("a POST was answered with {code}", code=response.code)
        return right

    def failed(failure: Failure) -> bool:
        log.warn("a POST failed: {reason}", reason=failure.getErrorMessage())
        return False

    def post(uri: str, body: bytes) -> Deferred[bool]:
        return Deferred.fromCoroutine(exchange(uri, body)).addTimeout(timeout_s, reactor).addErrback(failed)

    return post
