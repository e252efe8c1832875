"""Both sides of a connection, without sockets: login, keep-alive, what is refused when."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec import MessageDecoder, encode_message
from protocols.conversation import ClientConversation, LoginState, ServerConversation
from protocols.errors import LinkLost, LocalProtocolError, RemoteProtocolError
from protocols.keepalive import KeepAlive
from protocols.tserver.messages import Message


def read(octets: bytes) -> list[Message]:
    decoder, found = MessageDecoder(), []
    decoder.receive(octets)
    while (message := decoder.next_message()) is not None:
        found.append(message)
    return found


def pass_on(source: Any, target: Any, now: float = 0.0) -> list[Message]:
    """What `target` gets to see of the source's output."""
    target.receive(source.output(), now)
    found = []
    while (message := target.next_message()) is not None:
        found.append(message)
    return found


def connected() -> tuple[ClientConversation, ServerConversation]:
    client, server = ClientConversation("ocs", "secret"), ServerConversation()
    client.open(0.0)
    server.open(0.0)
    login, = pass_on(client, server)
    server.grant()
    server.send(Message("EventLinkConnected", login.reference_id))
    pass_on(server, client)
    return client, server


def test_the_client_opens_with_its_registration_and_is_granted() -> None:
    client, server = ClientConversation("ocs", "secret"), ServerConversation()
    client.open(0.0)
    login, = pass_on(client, server)
    assert login == Message("RequestRegisterClient", 1, {
        "ApplicationName": "ocs", "ApplicationPassword": "secret", "ProtocolVersion": "1"})
    with pytest.raises(LocalProtocolError):
        client.request("RequestQueryServer", {})
    server.grant()
    server.send(Message("EventLinkDisconnected", 1))
    pass_on(server, client)
    assert client.state is LoginState.GRANTED and client.request("RequestQueryServer", {}) == 2


def test_a_refused_client_knows_it() -> None:
    client, server = ClientConversation("ocs"), ServerConversation()
    client.open(0.0)
    login, = pass_on(client, server)
    server.refuse(login, 119, "no")
    assert [m.attributes for m in pass_on(server, client)] == [{"ErrorCode": 119, "ErrorMessage": "no"}]
    assert client.state is LoginState.REFUSED


def test_requests_before_the_grant_are_refused_and_never_seen() -> None:
    server = ServerConversation()
    server.receive(encode_message(Message("RequestQueryServer", 5)) + encode_message(Message("Ping", 6)), 0.0)
    assert server.next_message() is None
    refusal, pong = read(server.output())
    assert (refusal.name, refusal.reference_id, refusal.get("ErrorCode")) == ("EventError", 5, 51)
    assert pong == Message("Pong", 6)


def test_pings_are_answered_and_pongs_swallowed_on_both_sides() -> None:
    client, server = connected()
    for one, other in ((client, server), (server, client)):
        one.send(Message("Ping", 9))
        assert pass_on(one, other) == []
        assert read(other.output()) == [Message("Pong", 9)]
        one.send(Message("Pong", 9))
        assert pass_on(one, other) == [] and other.output() == b""


def test_a_silent_peer_is_pinged_twice_and_then_given_up() -> None:
    _, server = connected()
    said: list[tuple[float, str]] = []
    with pytest.raises(LinkLost, match="30 s"):
        for tenth in range(400):
            server.tick(tenth / 10)
            said += [(tenth / 10, message.name) for message in read(server.output())]
    assert said == [(10.0, "Ping"), (20.0, "Ping")]


def test_any_octet_is_a_sign_of_life() -> None:
    _, server = connected()
    for second in range(0, 100, 9):
        server.receive(b"", float(second))
        server.tick(float(second) + 8.9)
    assert server.output() == b""


def test_keep_alive_can_be_switched_off() -> None:
    server = ServerConversation(keep_alive=KeepAlive(0))
    server.open(0.0)
    server.tick(1e6)
    assert server.tick_s == 0 and server.output() == b""


@given(st.lists(st.tuples(st.floats(0.1, 7), st.booleans()), max_size=60))
def test_a_peer_that_was_heard_within_the_interval_is_never_given_up(steps: list[tuple[float, bool]]) -> None:
    keep_alive, now, heard, pings = KeepAlive(10, 2), 0.0, 0.0, 0
    keep_alive.heard(0.0)
    for wait, speaks in steps:
        now += wait
        if speaks:
            keep_alive.heard(now)
            heard, pings = now, 0
        try:
            pings += keep_alive.due(now)
        except LinkLost:
            assert now - heard >= 30 and pings == 2
            return
        assert pings <= 2 and now - heard < 37


def test_junk_is_refused_and_output_before_it_is_kept() -> None:
    _, server = connected()
    server.receive(encode_message(Message("Ping", 1)) + b"\x00\x00\x00\x00", 0.0)
    with pytest.raises(RemoteProtocolError):
        server.next_message()
    assert read(server.output()) == [Message("Pong", 1)]
