"""An HTTP agent without sockets: it keeps what it was asked, and answers when a test says so."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from zope.interface import implementer

__all__ = ["Asked", "FakeAgent", "FakeResponse", "refused", "torn", "unheard"]


class FakeResponse:
    """An answer whose body comes in the parts that the test gives."""

    def __init__(self, code: int, headers: dict[str, str] | None = None) -> None:
        self.code, self.headers = code, Headers({name: [value] for name, value in (headers or {}).items()})
        self.protocol: Protocol | None = None
        self.stopped = False

    def deliverBody(self, protocol: Protocol) -> None:
        self.protocol = protocol
        protocol.makeConnection(self)

    def stopProducing(self) -> None:
        self.stopped = True

    def more(self, data: bytes) -> None:
        assert self.protocol is not None
        self.protocol.dataReceived(data)

    def end(self, error: BaseException | None = None) -> None:
        assert self.protocol is not None
        self.protocol.connectionLost(Failure(error or ResponseDone()))


@dataclass(eq=False)
class Asked:
    """One request as it came to the agent."""

    method: str
    uri: str
    headers: Headers
    body: bytes
    done: Deferred[Any] = field(default_factory=Deferred)
    cancelled: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return None if values is None else ", ".join(values)

    def begin(self, status: int = 200, headers: dict[str, str] | None = None) -> FakeResponse:
        """Answer with a status; the body follows."""
        response = FakeResponse(status, headers)
        self.done.callback(response)
        return response

    def answer(self, status: int = 200, body: Any = b"", headers: dict[str, str] | None = None) -> None:
        """Answer in full; a body that is not octets goes as JSON."""
        response = self.begin(status, headers)
        response.more(body if isinstance(body, bytes) else json.dumps(body).encode())
        response.end()

    def fail(self, error: BaseException) -> None:
        self.done.errback(error)


def refused() -> BaseException:
    """Nobody listens there."""
    return ConnectionRefusedError("Connection refused")


def unheard() -> BaseException:
    """The connection was closed before a word of an answer."""
    return ResponseNeverReceived([Failure(ConnectionDone())])


def torn(*inner: BaseException) -> BaseException:
    """The connection was closed in the middle of an answer."""
    return ResponseFailed([Failure(error) for error in (inner or (ConnectionDone(),))])


@implementer(IAgent)
class FakeAgent:
    """`asked` has every request, oldest first."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def request(self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None) -> Deferred[Any]:
        written: list[bytes] = []
        if bodyProducer is not None:
            bodyProducer.startProducing(type("Consumer", (), {"write": staticmethod(written.append)}))
            assert bodyProducer.length == sum(map(len, written))
        one = Asked(method.decode(), uri.decode(), headers or Headers(), b"".join(written))

        def cancel(_: Any) -> None:
            one.cancelled = True
        one.done = Deferred(cancel)
        self.asked.append(one)
        return one.done

    @property
    def open(self) -> list[Asked]:
        """Requests that are not answered."""
        return [one for one in self.asked if not one.done.called]
