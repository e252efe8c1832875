"""WebSockets without I/O: both sides understand each other however octets are cut; junk, floods and strangers are refused."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from protocols.codec import JSON_TEXT, encode_message
from protocols.errors import RemoteProtocolError
from protocols.message import Message
from protocols.message_server import MessageServer
from protocols.server import ConnectionLimits, MessageServerFactory
from protocols.websocket import WebSocket, accept_all, same_host
from protocols.websocket_transport import PortFactory

HANDSHAKE = (b"GET /desktop HTTP/1.1\r\nHost: ocs.example:7060\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def pair() -> tuple[WebSocket, WebSocket]:
    """Client and server, their handshake done."""
    client, server = WebSocket(target=("localhost", "/desktop")), WebSocket(accept=accept_all)
    server.receive(client.output())
    assert server.next_text() is None and server.open
    client.receive(server.output())
    assert client.next_text() is None and client.open
    return client, server


def texts(side: WebSocket) -> list[bytes]:
    found = []
    while (text := side.next_text()) is not None:
        found.append(text)
    return found


@given(st.lists(st.text(min_size=1), max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_texts_arrive_whole_and_in_order_however_the_octets_are_cut(sent, cuts):
    client, server = pair()
    for text in sent:
        client.send_text(text.encode())
    octets, arrived = client.output(), []
    while octets:
        cut = cuts[len(octets) % len(cuts)]
        server.receive(octets[:cut])
        octets = octets[cut:]
        arrived += texts(server)
    assert [text.decode() for text in arrived] == sent
    for text in sent:
        server.send_text(text.encode())
    client.receive(server.output())
    assert [text.decode() for text in texts(client)] == sent


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=300)
def test_junk_behind_the_handshake_is_refused_or_awaited_and_nothing_else(junk):
    _, server = pair()
    try:
        server.receive(junk)
        texts(server)
    except RemoteProtocolError:
        assert server.closed


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=300)
def test_junk_in_place_of_the_handshake_is_refused_or_awaited_and_nothing_else(junk):
    server = WebSocket(accept=accept_all)
    try:
        server.receive(b"GET " + junk)
        texts(server)
    except RemoteProtocolError:
        assert server.closed


def test_a_text_beyond_the_limit_is_refused():
    client, server = WebSocket(target=("localhost", "/")), WebSocket(accept=accept_all, limit=100)
    server.receive(client.output())
    server.next_text()
    client.receive(server.output())
    client.next_text()
    client.send_text(b"x" * 101)
    server.receive(client.output())
    with pytest.raises(RemoteProtocolError, match="more than 100"):
        server.next_text()


def test_a_handshake_without_end_is_refused():
    server = WebSocket(accept=accept_all)
    with pytest.raises(RemoteProtocolError):
        for _ in range(20):
            server.receive(b"GET /desktop HTTP/1.1\r\nX: " + b"x" * 1_000)


@pytest.mark.parametrize("origin, status", [
    (b"", b"101"), (b"Origin: http://ocs.example:8080\r\n", b"101"), (b"Origin: https://crm.example\r\n", b"101"),
    (b"Origin: https://evil.example\r\n", b"403"), (b"Origin: null\r\n", b"403"), (b"Origin: http://[\r\n", b"403")])
def test_a_page_of_another_host_is_not_let_in(origin, status):
    server = WebSocket(accept=same_host("/desktop", ("https://crm.example",)))
    server.receive(HANDSHAKE + origin + b"\r\n")
    if status == b"101":
        server.next_text()
    else:
        with pytest.raises(RemoteProtocolError, match="403"):
            server.next_text()
    assert server.output().startswith(b"HTTP/1.1 " + status)


def test_another_path_is_not_found():
    server = WebSocket(accept=same_host("/other"))
    server.receive(HANDSHAKE + b"\r\n")
    with pytest.raises(RemoteProtocolError, match="404"):
        server.next_text()


# -- the port -----------------------------------------------------------------------------------------------------
class Nothing:
    """A service that knows no request."""

    vocabulary = None

    def granted(self, client: object) -> None:
        """Welcome."""

    def gone(self, client: object) -> None:
        """Farewell."""


def port() -> tuple[PortFactory, Clock, MessageServer]:
    clock, limits = Clock(), ConnectionLimits(backlog_octets=65_536)
    server = MessageServer(Nothing(), {}, lambda hash, password: pytest.fail("nobody is known"))
    frames, websockets = MessageServerFactory(server, clock), MessageServerFactory(server, clock, limits, JSON_TEXT)
    return PortFactory(frames, websockets, same_host("/desktop"), clock), clock, server


def connected(factory: PortFactory) -> tuple[object, StringTransport]:
    protocol, transport = factory.buildProtocol(None), StringTransport()
    transport.abortConnection = transport.loseConnection
    protocol.makeConnection(transport)
    return protocol, transport


REGISTER = Message("RequestRegisterClient", 1, {"ApplicationName": "nobody", "ProtocolVersion": "1"})


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1_000])
def test_one_port_serves_frames_and_websockets(cut):
    factory, clock, _ = port()
    protocol, transport = connected(factory)
    octets = encode_message(REGISTER)
    for start in range(0, len(octets), cut):
        protocol.dataReceived(octets[start:start + cut])
    assert b"EventError" in transport.value() and transport.disconnecting
    protocol.connectionLost(Failure(ConnectionDone()))

    client = WebSocket(target=("localhost", "/desktop"))
    protocol, transport = connected(factory)
    octets = client.output()
    for start in range(0, len(octets), cut):
        protocol.dataReceived(octets[start:start + cut])
    client.receive(transport.value())
    transport.clear()
    assert texts(client) == [] and client.open
    client.send_text(JSON_TEXT.encode(REGISTER))
    protocol.dataReceived(client.output())
    client.receive(transport.value())
    (answer,) = texts(client)
    assert b'"EventError",1,' in answer and client.closed and transport.disconnecting
    protocol.connectionLost(Failure(ConnectionDone()))
    assert not factory.connections and clock.getDelayedCalls() == []


def test_a_connection_that_says_nothing_or_never_ends_its_handshake_is_closed():
    factory, clock, _ = port()
    for said in (b"", b"GE", HANDSHAKE):
        protocol, transport = connected(factory)
        protocol.dataReceived(said) if said else None
        clock.advance(10.5)
        assert transport.disconnecting
        protocol.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []


def test_a_peer_that_asks_for_pongs_and_does_not_read_them_is_cut_off():
    factory, clock, server = port()
    client = WebSocket(target=("localhost", "/desktop"))
    protocol, transport = connected(factory)
    protocol.dataReceived(client.output())
    transport.producer.pauseProducing()
    ping = b"\x89\x80abcd"
    for _ in range(50):
        if transport.disconnecting:
            break
        protocol.dataReceived(ping * 1_000)
    assert transport.disconnecting
    protocol.connectionLost(Failure(ConnectionDone()))
    assert not server.clients
