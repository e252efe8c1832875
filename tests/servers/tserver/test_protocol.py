"""The Twisted glue on string transports: what a badly behaved client gets, and that the others do not notice."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from protocols.codec import encode_message
from protocols.framing import encode_frame
from protocols.server import MessageServerFactory
from protocols.tserver.messages import Message
from tests.protocols.test_conversation import read
from tests.servers.tserver.world import AGENTS, PASSWORD, TRUNK, Client, World

LOGIN = Message("RequestRegisterClient", 1, {
    "ApplicationName": "desktop", "ApplicationPassword": PASSWORD, "ProtocolVersion": "1"})


class Wire:
    """A client's end of a connection to the world's server."""

    def __init__(self, world: World, login: bool = True) -> None:
        if not hasattr(world, "factory"):
            world.factory = MessageServerFactory(   # type: ignore[attr-defined]
                world.server, world.real_clock, world.server.options.listen)
        self.protocol = world.factory.buildProtocol(None)       # type: ignore[attr-defined]
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)
        if login:
            self.say(LOGIN)
            assert [message.name for message in self.heard()] == ["EventLinkConnected"]

    def say(self, *messages: Message) -> None:
        self.protocol.dataReceived(b"".join(map(encode_message, messages)))

    def heard(self) -> list[Message]:
        octets = self.transport.value()
        self.transport.clear()
        return read(octets)

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


def test_a_client_registers_and_hears_events_of_what_others_do() -> None:
    world = World()
    one, other = Wire(world), Client(world).watch(AGENTS[0])
    one.say(Message("RequestRegisterAddress", 2, {"ThisDN": AGENTS[0]}))
    one.heard()
    other.ask("RequestDistributeUserEvent", ThisDN=AGENTS[0], UserData=(("a", 1),))
    event, = one.heard()
    assert (event.name, event.reference_id, event.user_data) == ("EventUserEvent", 0, (("a", 1),))


def test_what_comes_in_one_piece_is_answered_in_one_write_and_in_order() -> None:
    world = World()
    wire = Wire(world, login=False)
    wire.say(LOGIN, *(Message("RequestQueryServer", n) for n in range(2, 50)), Message("Ping", 50))
    assert [message.reference_id for message in wire.heard()] == list(range(1, 51))


def test_requests_in_the_wait_for_the_password_check_are_refused_and_the_grant_still_comes() -> None:
    world, check = World(), Deferred[bool]()
    world.server._verify = lambda password_hash, password: check
    wire = Wire(world, login=False)
    wire.say(LOGIN, Message("RequestQueryServer", 2))
    assert [(m.reference_id, m.get("ErrorCode")) for m in wire.heard()] == [(2, 51)]
    check.callback(True)
    wire.say(Message("RequestQueryServer", 3))
    assert [m.name for m in wire.heard()] == ["EventLinkConnected", "EventServerInfo"]


def test_a_client_that_is_lost_during_the_password_check_leaves_nothing() -> None:
    world, check = World(), Deferred[bool]()
    world.server._verify = lambda password_hash, password: check
    wire = Wire(world, login=False)
    wire.say(LOGIN)
    wire.lose()
    check.callback(True)
    assert world.server.sessions == set() and world.real_clock.getDelayedCalls() == []


def test_a_refused_client_is_closed_with_the_reason() -> None:
    world = World()
    wire = Wire(world, login=False)
    wire.say(Message("RequestRegisterClient", 1, {**LOGIN.attributes, "ApplicationPassword": "wrong"}), LOGIN)
    refusal, = wire.heard()
    assert refusal.get("ErrorCode") == 119 and wire.transport.disconnecting
    wire.lose()
    assert world.server.sessions == set() and world.real_clock.getDelayedCalls() == []


@pytest.mark.parametrize("junk", [
    b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", encode_frame(b"\xc1"), encode_frame(b"\x93\x01\x02\x03"),
    encode_frame(b"\x93\xa1a\x01\x81\xa8UserData\xc0"), encode_frame(b"\x93\xa1a\x01\x81\xa1k" + b"\x91" * 60_000)])
@pytest.mark.parametrize("login", [True, False])
def test_junk_closes_the_connection_with_a_reason_and_harms_nobody(junk: bytes, login: bool, logged: Any) -> None:
    world = World()
    other, wire = Wire(world), Wire(world, login)
    wire.protocol.dataReceived(encode_message(Message("Ping", 5)) + junk)
    assert wire.transport.disconnecting and wire.heard() == [Message("Pong", 5)]
    assert any("broke the protocol" in text for text in logged.texts())
    wire.protocol.dataReceived(junk)        # more of it is not looked at
    wire.lose()
    other.say(Message("RequestQueryServer", 2))
    assert len(other.heard()) == 1
    assert len(world.server.sessions) == 1


def test_a_peer_that_does_not_let_itself_be_closed_is_cut_off() -> None:
    world = World()
    wire = Wire(world)
    wire.protocol.dataReceived(b"\x00\x00\x00\x00")
    world.real_clock.advance(5.1)
    assert wire.transport.disconnected


def test_a_connection_that_does_not_register_is_closed() -> None:
    world = World({"listen": {"keep_alive_s": 0}})
    silent, registered = Wire(world, login=False), Wire(world)
    world.real_clock.pump([1.0] * 31)
    assert silent.transport.disconnected and not registered.transport.disconnected


def test_a_silent_client_is_pinged_and_given_up_and_its_agent_follows_after_the_grace() -> None:
    world = World()
    wire = Wire(world)
    wire.say(Message("RequestRegisterAddress", 2, {"ThisDN": AGENTS[0]}),
             Message("RequestAgentLogin", 3, {"ThisDN": AGENTS[0], "AgentID": "1001", "AgentPassword": PASSWORD}))
    wire.heard()
    world.real_clock.pump([1.0] * 31)
    assert [message.name for message in wire.heard()] == ["Ping", "Ping"] and wire.transport.disconnected
    wire.lose()
    world.real_clock.pump([1.0] * 31)
    assert world.server.floor.find("1001").dn is None and world.real_clock.getDelayedCalls() == []


def test_a_client_that_does_not_read_is_cut_off_and_the_events_go_on_for_the_others(logged: Any) -> None:
    world = World({"listen": {"backlog_octets": 65_536}})
    slow, good = Wire(world), Client(world).watch(AGENTS[0])
    slow.say(Message("RequestRegisterAddress", 2, {"ThisDN": AGENTS[0]}))
    slow.protocol.pauseProducing()
    for _ in range(20):
        good.ask("RequestDistributeUserEvent", ThisDN=AGENTS[0], UserData=(("k", "x" * 10_000),))
    assert slow.transport.disconnected and len([m for m in good.heard if m.name == "EventUserEvent"]) == 20
    assert any("does not read" in text for text in logged.texts())


def test_one_connection_too_many_is_told_so_and_closed() -> None:
    world = World({"listen": {"clients": 1}})
    Wire(world)
    late = Wire(world, login=False)
    assert [message.get("ErrorCode") for message in late.heard()] == [40] and late.transport.disconnecting


def test_an_event_too_long_for_a_frame_is_an_error_for_its_asker_not_a_broken_connection(logged: Any) -> None:
    world = World()
    wire = Wire(world)
    world.server.version = "x" * 70_000
    wire.say(Message("RequestQueryServer", 2), Message("Ping", 3))
    error, pong = wire.heard()
    assert (error.reference_id, error.get("ErrorCode"), pong.name) == (2, 52, "Pong")


def test_the_largest_answers_fit_into_a_frame() -> None:
    world = World()
    wire = Wire(world)
    wire.say(Message("RequestRegisterAddress", 2, {"ThisDN": TRUNK}))
    data = tuple((f"key{n:04d}", "x") for n in range(700))
    for n in range(400):
        wire.say(Message("RequestMakePredictiveCall", 10 + n, {"ThisDN": TRUNK, "OtherDN": f"+1555{n:07d}",
                                                               "UserData": data}))
    wire.say(Message("RequestRegisterAddress", 3, {"ThisDN": TRUNK}), Message("RequestQueryAddress", 4, {"ThisDN": TRUNK}))
    heard = wire.heard()
    assert [m.name for m in heard[-2:]] == ["EventRegistered", "EventAddressInfo"] and len(heard) == 404
