"""HTTP as it is served: what comes over a connection, without sockets."""
from __future__ import annotations

import json
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from ocs.http_server import Asked, HttpListenOptions, Reply, bearer, http_factory
from tests.doubles.clock import VirtualClock


class Port:
    """A port whose answers the test gives: by `replies`, else 200 with what was asked."""

    def __init__(self, respond: Any = None, **options: Any) -> None:
        self.clock, self.asked = VirtualClock(), []
        self.factory = http_factory(self.clock, HttpListenOptions(**options), respond or self._respond, ("healthz",))

    def _respond(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return Reply(200, {"path": list(asked.path)})

    def connect(self, host: str = "127.0.0.1") -> Any:
        protocol = self.factory.buildProtocol(IPv4Address("TCP", host, 1))
        if protocol is None:
            return None
        transport = StringTransport(peerAddress=IPv4Address("TCP", host, 1))
        transport.abortConnection = transport.loseConnection       # type: ignore[method-assign]
        protocol.makeConnection(transport)
        return protocol

    def ask(self, text: str, host: str = "127.0.0.1", body: bytes = b"") -> tuple[int, Any]:
        protocol = self.connect(host)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        protocol.dataReceived(f"{text}\r\nHost: x\r\n{length}\r\n".encode() + body)
        self.clock.advance(0)
        return answer(protocol)


def answer(protocol: Any) -> tuple[int, Any]:
    head, _, rest = protocol.transport.value().partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if b"chunked" in head:
        rest = rest.partition(b"\r\n")[2].partition(b"\r\n0\r\n")[0].rpartition(b"\r\n")[0] or rest.split(b"\r\n")[1]
    return status, json.loads(rest) if rest else None


def test_a_request_comes_decoded_and_its_answer_is_json() -> None:
    port = Port()
    status, body = port.ask("POST /records/a%20b/?req=DoNotCall&req=x HTTP/1.1", body=b'{"a": 1}')
    assert (status, body) == (200, {"path": ["records", "a b"]})
    assert port.asked == [Asked("POST", ("records", "a b"), {"req": "DoNotCall"}, b'{"a": 1}')]


def test_who_may_ask() -> None:
    port = Port(token="secret", trusted_peers=("127.0.0.1",))
    assert port.ask("GET /x HTTP/1.1")[0] == 200
    assert port.ask("GET /x HTTP/1.1", host="10.0.0.9")[0] == 401
    assert port.ask("GET /healthz HTTP/1.1", host="10.0.0.9")[0] == 200
    assert port.ask("GET /x HTTP/1.1\r\nAuthorization: Bearer secret", host="10.0.0.9")[0] == 200
    assert port.ask("GET /x HTTP/1.1\r\nAuthorization: Bearer other", host="10.0.0.9")[0] == 401
    open_port = Port(trusted_peers=())
    assert open_port.ask("GET /x HTTP/1.1\r\nAuthorization: Bearer ")[0] == 401      # no token is not the empty token
    assert bearer("") == () and bearer("x") == (("Authorization", "Bearer x"),)


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not() -> None:
    port = Port(body_limit_kb=1)
    protocol = port.connect()
    protocol.dataReceived(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n")
    assert answer(protocol)[0] == 413 and protocol.transport.disconnecting
    protocol = port.connect()
    protocol.dataReceived(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        protocol.dataReceived(b"200\r\n" + b"a" * 512 + b"\r\n")
    protocol.dataReceived(b"0\r\n\r\n")
    assert answer(protocol)[0] == 413 and protocol.transport.disconnecting and port.asked == []
    assert port.ask("POST /x HTTP/1.1", body=b"a" * 1_024)[0] == 200


def test_connections_beyond_the_limit_are_closed_and_silent_ones_too() -> None:
    port = Port(connections=2, idle_s=5.0)
    first, second = port.connect(), port.connect()
    assert first is not None and port.connect() is None
    port.clock.advance(6)
    assert first.transport.disconnecting and second.transport.disconnecting
    first.connectionLost(None)
    assert port.connect() is not None
    second.connectionLost(None)


def test_an_answer_that_fails_is_500_and_one_for_nobody_is_dropped() -> None:
    waiting: Deferred[Reply] = Deferred()
    port = Port(lambda asked: waiting)
    protocol = port.connect()
    protocol.dataReceived(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure
    protocol.connectionLost(Failure(ConnectionDone()))
    waiting.callback(Reply(200, {}))
    assert protocol.transport.value() == b""


def test_a_uri_that_is_no_utf8_is_refused() -> None:
    assert Port().ask("GET /records/%ff HTTP/1.1")[0] == 400


def test_a_form_in_the_body_is_no_query_and_an_odd_uri_is_refused() -> None:
    port = Port()
    port.ask("POST /x?req=a HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", body=b"req=b&more=1")
    assert port.asked[0].query == {"req": "a"} and port.asked[0].body == b"req=b&more=1"
    assert port.ask("GET /x?a=%FF HTTP/1.1")[0] == 400 and port.ask("GET /%FF HTTP/1.1")[0] == 400
    assert port.ask("GET /x?" + "&".join(f"a{n}=1" for n in range(101)) + " HTTP/1.1")[0] == 400


def test_who_asks_is_told_with_the_headers() -> None:
    port = Port()
    port.ask("GET /x HTTP/1.1\r\nAuthorization: bearer  abc\r\nIdempotency-Key: k", host="127.0.0.1")
    asked = port.asked[0]
    assert asked.token == "abc" and asked.peer == "127.0.0.1" and asked.headers["idempotency-key"] == "k"
    assert Asked("GET", (), headers={"authorization": "Basic abc"}).token == ""


def test_what_is_no_http_is_refused_and_nothing_is_logged_as_a_fault() -> None:
    port = Port()
    protocol = port.connect()
    protocol.dataReceived(b"GET /x HTTP/1.1\r\nHost: x\r\nOdd: a\rb\r\n\r\n")
    assert answer(protocol)[0] == 400 and protocol.transport.disconnecting and port.asked == []


def test_what_is_no_http_behind_a_request_that_is_answered_late_is_refused_behind_its_answer() -> None:
    waiting: list[Deferred[Reply]] = []

    def respond(asked: Asked) -> Deferred[Reply]:
        waiting.append(Deferred())
        return waiting[-1]

    for odd in (b"POST /y HTTP/1.1\r\nHost: x\r\nContent-Type: a\rb\r\nContent-Length: 0\r\n\r\n",
                b"POST /y HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n"):
        port = Port(respond)
        protocol = port.connect()
        protocol.dataReceived(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n" + odd)
        waiting.pop().callback(Reply(200, {}))
        said = protocol.transport.value()
        assert said.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 400" in said and protocol.transport.disconnecting
        assert waiting == []


def test_a_body_may_be_longer_where_its_headers_say_so() -> None:
    factory = http_factory(VirtualClock(), HttpListenOptions(body_limit_kb=1), lambda asked: Reply(200, [
        len(asked.body), len(asked.file.read()) if asked.file is not None else None]),
        larger=lambda headers: 200_000 if headers.get("content-type") == "text/csv" else 0)
    port = Port()
    port.factory = factory
    assert port.ask("POST /x HTTP/1.1\r\nContent-Type: text/csv", body=b"a" * 150_000) == (200, [0, 150_000])
    assert port.ask("POST /x HTTP/1.1\r\nContent-Type: text/csv", body=b"a" * 200_001)[0] == 413
    assert port.ask("POST /x HTTP/1.1\r\nContent-Type: text/plain", body=b"a" * 1_025)[0] == 413
    assert port.ask("POST /x HTTP/1.1", body=b"ab") == (200, [2, None])


def test_paths_with_rules_of_their_own_and_tokens_of_somebody_else() -> None:
    factory = http_factory(VirtualClock(), HttpListenOptions(trusted_peers=()), lambda asked: Reply(200, {}), ("api/*",),
                           lambda token: token == "good")
    port = Port()
    port.factory = factory
    assert port.ask("GET /api/v1/x HTTP/1.1")[0] == port.ask("GET /api HTTP/1.1")[0] == 200
    assert port.ask("GET /apis/v1 HTTP/1.1")[0] == port.ask("GET / HTTP/1.1")[0] == 401
    assert port.ask("GET /x HTTP/1.1\r\nAuthorization: Bearer good")[0] == 200
    assert port.ask("GET /x HTTP/1.1\r\nAuthorization: Bearer bad")[0] == 401


def test_an_answer_may_have_headers_and_be_octets() -> None:
    port = Port(lambda asked: Reply(201, b"a,b", (("Location", "/x/1"),), "text/csv"))
    protocol = port.connect()
    protocol.dataReceived(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = protocol.transport.value().partition(b"\r\n\r\n")
    assert b"201" in head and b"Location: /x/1" in head and b"text/csv" in head and body == b"a,b"
