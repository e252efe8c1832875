"""The POST of an IVR application: one request, one deadline, success or not."""
from __future__ import annotations

from io import BytesIO
from typing import Any, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers

from ocs.servers.tserver.ivr.treatments import Poster

__all__ = ["http_poster"]

log = Logger()


def http_poster(reactor: Any, timeout_s: float, extra: Iterable[tuple[str, str]] = ()) -> Poster:
    """A Poster over HTTP with JSON bodies and `extra` headers; connections stay open. Success is any answer 2xx in time."""
    agent = Agent(reactor, connectTimeout=timeout_s, pool=HTTPConnectionPool(reactor))
    headers = Headers({b"Content-Type": [b"application/json; charset=utf-8"]})
    for name, value in extra:
        headers.addRawHeader(name, value)

    async def exchange(uri: str, body: bytes) -> bool:
        response = await agent.request(b"POST", uri.encode("ascii"), headers, FileBodyProducer(BytesIO(body)))
        await readBody(response)        # only then the connection serves the next one
        right: bool = 200 <= response.code < 300
        if not right:
            log.warn("the POST of an application was answered with {code}", code=response.code)
        return right

    def failed(failure: Failure) -> bool:
        log.warn("the POST of an application failed: {reason}", reason=failure.getErrorMessage())
        return False

    def post(uri: str, body: bytes) -> Deferred[bool]:
        return Deferred.fromCoroutine(exchange(uri, body)).addTimeout(timeout_s, reactor).addErrback(failed)

    return post
