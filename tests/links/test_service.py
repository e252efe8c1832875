"""The reconnecting link: it logs in, comes back by itself, leaves backup servers, and tells how it stands."""
from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.errors import ConfigurationError
from ocs.links.options import LinkOptions
from ocs.links.registry import Links, LinkState, LinkStatus
from ocs.links.service import Link
from ocs.options import load
from protocols.client import IClientListener
from protocols.codec import MessageDecoder, encode_message
from protocols.errors import LinkLost
from protocols.message import Message
from tests.doubles.clock import VirtualClock

BACKUP = {"ServerRole": 1}
PRIMARY = {"ServerRole": 0}


class Connection:
    """The server's end of one connection."""

    def __init__(self, client: Any) -> None:
        self.client, self.transport = client, StringTransport()
        self.client.makeConnection(self.transport)
        self.decoder = MessageDecoder()
        self.closed = False

    def heard(self) -> list[Message]:
        self.decoder.receive(self.transport.value())
        self.transport.clear()
        found = []
        while (message := self.decoder.next_message()) is not None:
            found.append(message)
        return found

    def say(self, name: str, reference_id: int = 0, **attributes: Any) -> None:
        self.client.dataReceived(encode_message(Message(name, reference_id, attributes)))
        self.settle()

    def settle(self) -> None:
        """What the client has closed is closed."""
        if (self.transport.disconnecting or self.transport.disconnected) and not self.closed:
            self.cut(ConnectionDone())

    def cut(self, error: Exception) -> None:
        self.closed = True
        self.client.connectionLost(Failure(error))


@implementer(IStreamClientEndpoint)
class Endpoint:
    """One address. It refuses while `away`; while `silent` it does not even say so."""

    def __init__(self) -> None:
        self.away, self.silent, self.tries = False, False, 0
        self.connections: list[Connection] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        self.tries += 1
        if self.silent:
            return Deferred()
        if self.away:
            return fail(ConnectionRefusedError("nobody listens"))
        connected: Deferred[Any] = Deferred()
        client = factory.buildProtocol(None)
        self.connections.append(Connection(client))
        connected.callback(client)
        return connected


@implementer(IClientListener)
class Listener:
    """What a provider of an interface hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def granted(self, client: Any, answer: Message) -> None:
        self.heard.append("granted")

    def refused(self, client: Any, error: Exception) -> None:
        self.heard.append("refused")

    def event(self, client: Any, message: Message) -> None:
        self.heard.append(message.name)

    def lost(self, client: Any, reason: str) -> None:
        self.heard.append(f"lost: {reason}")


class World:
    """A link to one or two addresses."""

    def __init__(self, backup: bool = False, **options: Any) -> None:
        self.clock, self.listener = VirtualClock(), Listener()
        self.links = Links(self.clock)
        self.changes: list[LinkStatus] = []
        self.links.add_listener(self.changes.append)
        self.endpoints = [Endpoint(), Endpoint()] if backup else [Endpoint()]
        given = {"port": 7000, "password": "secret", **options}
        if backup:
            given |= {"backup_host": "other", "backup_port": 7001}
        self.link = Link("tserver", load(LinkOptions, given), self.listener, self.clock, self.links, random.Random(1),
                         endpoints=lambda name, options, reactor: self.endpoints)

    @property
    def status(self) -> LinkStatus:
        status, = self.links
        return status

    def start(self) -> World:
        self.link.startService()
        return self

    def connection(self, place: int = 0) -> Connection:
        return self.endpoints[place].connections[-1]

    def grant(self, place: int = 0, **attributes: Any) -> Connection:
        connection = self.connection(place)
        assert [message.name for message in connection.heard()] == ["RequestRegisterClient"]
        connection.say("EventLinkConnected", 1, **attributes)
        return connection

    def wait(self, seconds: float) -> None:
        self.clock.pump([0.05] * int(seconds / 0.05))


def test_the_link_listens_to_its_client() -> None:
    assert verifyObject(IClientListener, World().link) and verifyObject(IClientListener, Listener())


def test_it_registers_by_itself_and_is_up_from_the_grant_on() -> None:
    world = World()
    assert world.status == LinkStatus("tserver", "127.0.0.1:7000", False, LinkState.STOPPED, world.clock.wall())
    world.start()
    assert world.status.state is LinkState.LOGGING_IN and not world.link.up and world.status.attempts == 1
    request, = world.connection().heard()
    assert request.attributes == {"ApplicationName": "ocs", "ApplicationPassword": "secret", "ProtocolVersion": "1"}
    world.wait(2.0)
    world.connection().say("EventLinkConnected", 1, ServerVersion="1.0")
    assert world.link.up and world.listener.heard == ["granted"]
    assert (world.status.since, world.status.attempts) == (world.clock.wall(), 0)
    assert [change.state for change in world.changes] == [LinkState.CONNECTING, LinkState.LOGGING_IN, LinkState.UP]


def test_requests_fail_once_when_the_link_goes_and_at_once_while_it_is_away() -> None:
    world = World().start()
    connection = world.grant()
    failures: list[Failure] = []
    for _ in range(3):
        world.link.request("RequestQueryServer", {}).addErrback(failures.append)
    connection.cut(ConnectionLost("cut"))
    assert [failure.type for failure in failures] == [LinkLost] * 3
    world.link.request("RequestQueryServer", {}).addErrback(failures.append)
    assert len(failures) == 4 and "RequestQueryServer: no link to tserver (" in failures[3].getErrorMessage()
    assert world.status.state is LinkState.WAITING and "cut" in world.status.last_error


def test_it_comes_back_ever_more_slowly_until_the_server_is_there() -> None:
    world = World(reconnect_min_s=1.0, reconnect_max_s=8.0)
    world.endpoints[0].away = True
    world.start()
    world.wait(50.0)
    assert 6 <= world.endpoints[0].tries <= 12 and world.status.attempts == world.endpoints[0].tries
    assert world.status.last_error == "Connection was refused by other side: nobody listens."
    world.endpoints[0].away = False
    world.wait(12.0)
    first = world.grant()
    first.cut(ConnectionLost("cut"))
    world.wait(2.0)
    second = world.grant()
    assert first.client is not second.client and world.listener.heard[0] == "granted" == world.listener.heard[-1]


def test_a_refused_login_waits_like_any_other_failure() -> None:
    world = World(reconnect_min_s=1.0).start()
    world.connection().say("EventError", 1, ErrorCode=119, ErrorMessage="not this password")
    assert world.status.state is LinkState.WAITING
    assert world.status.last_error == "log-in refused: error 119: not this password"
    assert world.listener.heard == ["refused", "lost: log-in refused: error 119: not this password"]
    world.wait(60.0)
    assert world.endpoints[0].tries < 9


def test_a_server_that_does_not_answer_the_login_is_left() -> None:
    world = World(request_timeout_s=3.0, keep_alive_s=0).start()
    world.wait(2.9)
    assert world.status.state is LinkState.LOGGING_IN
    world.wait(0.2)
    world.connection().settle()
    assert world.status.state is LinkState.WAITING and world.status.last_error == "no answer to the log-in within 3 s"


def test_a_silent_server_is_left_after_two_pings() -> None:
    world = World(keep_alive_s=2.0).start()
    connection = world.grant()
    for _ in range(40):
        world.wait(0.25)
        connection.settle()
    assert not world.link.up and world.status.last_error == "nothing heard for 6 s, 2 pings unanswered"


def test_a_server_that_sends_junk_is_left_with_the_reason() -> None:
    world = World().start()
    connection = world.grant()
    connection.client.dataReceived(b"HTTP/1.1 400 Bad Request")
    connection.settle()
    assert world.status.state is LinkState.WAITING and world.status.last_error.startswith("it broke the protocol: frame of")


def test_the_backup_is_tried_where_the_first_address_fails() -> None:
    world = World(backup=True, reconnect_min_s=0.5)
    world.endpoints[0].away = True
    world.start()
    assert world.status.peer == "other:7001" and world.status.state is LinkState.WAITING
    world.wait(1.0)
    world.grant(1, **PRIMARY)
    assert world.link.up and world.status.peer == "other:7001"
    assert (world.endpoints[0].tries, world.endpoints[1].tries) == (1, 1)


def test_a_server_that_is_only_the_backup_is_left_and_nobody_hears_of_it() -> None:
    world = World(backup=True).start()
    world.grant(0, **BACKUP)
    assert world.status.last_error == "it is the backup server, which waits" and "granted" not in world.listener.heard
    world.wait(1.0)
    world.grant(1, **PRIMARY)
    assert world.listener.heard[-1] == "granted" and world.link.up


@pytest.mark.parametrize("event", ["EventPrimaryChanged", "EventLinkConnected"])
def test_a_server_that_becomes_the_backup_is_left(event: str) -> None:
    world = World(backup=True).start()
    connection = world.grant(0, **PRIMARY)
    connection.say(event, **PRIMARY)
    assert world.link.up
    connection.say(event, **BACKUP)
    assert not world.link.up and world.listener.heard[-1] == "lost: it has become the backup server"
    world.wait(1.0)
    world.grant(1, **PRIMARY)
    assert world.link.up


def test_two_servers_that_grant_and_drop_at_once_are_not_hammered() -> None:
    world = World(backup=True, reconnect_min_s=0.5).start()
    for _ in range(400):
        for place in (0, 1):
            if world.endpoints[place].connections and not world.connection(place).closed:
                world.grant(place).cut(ConnectionLost("cut"))
        world.wait(0.05)
    assert 25 <= sum(endpoint.tries for endpoint in world.endpoints) <= 55


@pytest.mark.parametrize("step", ["connecting", "logging in", "up", "waiting"])
def test_a_stop_at_any_step_ends_everything(step: str) -> None:
    world = World(keep_alive_s=0)
    world.endpoints[0].silent, world.endpoints[0].away = step == "connecting", step == "waiting"
    world.start()
    if step == "up":
        world.grant()
    assert world.status.state.value == step
    stopped = world.link.stopService()
    if step in ("logging in", "up"):
        assert not stopped.called and world.connection().transport.disconnecting
        world.connection().settle()
    assert stopped.called and world.status.state is LinkState.STOPPED and world.clock.getDelayedCalls() == []


def test_a_server_that_does_not_close_with_us_is_cut_off() -> None:
    world = World(keep_alive_s=0).start()
    connection = world.grant()
    stopped = world.link.stopService()
    world.wait(2.1)
    assert connection.transport.disconnected
    connection.settle()
    assert stopped.called


def test_a_link_that_is_started_while_it_closes_starts_again() -> None:
    world = World().start()
    connection = world.grant()
    stopped = world.link.stopService()
    world.link.startService()
    connection.settle()
    assert stopped.called and world.status.state is LinkState.LOGGING_IN and world.endpoints[0].tries == 2


def test_what_an_old_connection_still_says_does_not_count() -> None:
    world = World(reconnect_min_s=0.05).start()
    old = world.grant()
    old.cut(ConnectionLost("cut"))
    world.wait(0.5)
    world.grant()
    before = list(world.listener.heard)
    world.link.granted(old.client, Message("EventLinkConnected", 1))
    world.link.refused(old.client, None)        # type: ignore[arg-type]
    world.link.event(old.client, Message("EventPrimaryChanged", 0, BACKUP))
    world.link.lost(old.client, "again")
    assert world.listener.heard == before and world.link.up


@pytest.mark.parametrize("given, fault", [
    ({"reconnect_min_s": 5.0, "reconnect_max_s": 1.0}, "reconnect_max_s: 1 is below"),
    ({"backup_port": 7001}, "backup_port: has no effect"), ({"backup_host": "127.0.0.1"}, "backup_host: is the same address"),
    ({"password": "x", "password_file": "y"}, "password: given twice"), ({"password_file": "none"}, "password_file: cannot read"),
    ({"tls": {"ca": "none.pem"}}, "tls.ca: has no effect"),
    ({"tls": {"enabled": True, "ca": "none.pem"}}, "tls.ca: cannot read none.pem")])
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(LinkOptions, given)
    assert len(caught.value.problems) == 1 and caught.value.problems[0].startswith(fault)


def test_a_password_file_that_is_gone_meanwhile_is_named_with_its_table(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    options = load(LinkOptions, {"password_file": str(file)})
    assert options.secret == "secret"
    file.write_text("")
    clock = VirtualClock()
    with pytest.raises(ConfigurationError, match="statserver.password_file: .* is empty"):
        Link("statserver", options, Listener(), clock, Links(clock), random.Random(1))
