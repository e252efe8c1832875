"""One exchange of the HTTP client: the body that goes out, the answer that comes in, and what its failures mean."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from OpenSSL import SSL
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectError, ConnectionClosed, ConnectionLost, DNSLookupError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from ocs.links.https import TooLong
from protocols.errors import LinkLost, ProtocolError, RemoteProtocolError
from protocols.transport import why

__all__ = ["Answer", "WholeBody", "named_error", "read_answer", "unheard"]

_LOST = (ConnectionClosed, ConnectError, DNSLookupError, SSL.Error)
_LONGEST_REASON = 200       # characters of a peer's error that are passed on


@dataclass(frozen=True)
class Answer:
    """What a server answered. `retry_after_s` is the wait that it asked for, if it gave one in seconds."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None

    @property
    def done(self) -> bool:
        """Whether it was carried out (2xx)."""
        return 200 <= self.status < 300


@implementer(IBodyProducer)
class WholeBody:
    """A request's body, written at once."""

    def __init__(self, body: bytes) -> None:
        self._body, self.length = body, len(body)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Nothing is left to hold back."""

    def resumeProducing(self) -> None:
        """Nothing is left to send."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


class _BodyReader(Protocol):
    """Collects an answer's body, up to `limit` octets; `done` cancelled = it is given up."""

    def __init__(self, limit: int) -> None:
        self._limit, self._length = limit, 0
        self._parts: list[bytes] = []
        self.done: Deferred[bytes] = Deferred(lambda _: self._stop())

    def dataReceived(self, data: bytes) -> None:
        self._length += len(data)
        if self._length <= self._limit:
            self._parts.append(data)
        elif not self.done.called:
            self.done.errback(TooLong("the body"))
            self._stop()

    def connectionLost(self, reason: Failure = Failure(ConnectionLost())) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss) is not None:
            self.done.callback(b"".join(self._parts))       # without a length, the end of the connection is the end
        else:
            self.done.errback(reason)

    def _stop(self) -> None:
        if self.transport is not None:
            self.transport.stopProducing()      # type: ignore[attr-defined]


def read_answer(response: IResponse, limit: int) -> Deferred[Answer]:
    """Read the whole body, up to `limit` octets. Fails with TooLong, or with what broke the connection; cancelled, it
    closes the connection."""
    reader = _BodyReader(limit)
    response.deliverBody(reader)
    return reader.done.addCallback(lambda body: Answer(response.code, body, _retry_after(response)))


def _retry_after(response: IResponse) -> float | None:
    given = response.headers.getRawHeaders("Retry-After", [""])[0]
    return float(given) if given.isascii() and given.isdigit() and len(given) <= 9 else None


def unheard(failure: Failure) -> bool:
    """Whether the connection was closed before anything of an answer came, as kept connections are now and then."""
    broken = any(reason.check(ConnectionClosed) is not None for reason in _reasons(failure))
    return broken and failure.check(ResponseNeverReceived, RequestTransmissionFailed) is not None


def named_error(failure: Failure, name: str) -> ProtocolError | None:
    """What a failure of the exchange `name` means; None if it is none of the network's or the peer's making."""
    reasons = list(_reasons(failure))
    if any(reason.check(TooLong) is not None for reason in reasons):
        return RemoteProtocolError(f"{name}: the answer is too long")
    for reason in reasons:
        if reason.check(*_LOST) is not None:
            return LinkLost(f"{name}: {_text(reason)}")
    if failure.check(ResponseFailed, RequestTransmissionFailed, RequestGenerationFailed) is not None:
        return RemoteProtocolError(f"{name}: the answer is no HTTP ({_type_name(reasons[-1])})")
    return None


def _reasons(failure: Failure) -> Iterable[Failure]:
    """A failure of Twisted's HTTP client, and what lies behind it, outermost first."""
    yield failure
    for inner in getattr(failure.value, "reasons", ()):
        yield from _reasons(inner)


def _text(failure: Failure) -> str:
    """The reason in words; peers have no say in them beyond what OpenSSL tells."""
    return why(failure).rstrip(".")[:_LONGEST_REASON]


def _type_name(failure: Failure) -> str:
    return failure.type.__name__ if failure.type is not None else "unknown"
