"""What every companion does around its server: port, ready file, start that may fail, stop in order."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import LogLevel

from ocs.errors import ConfigurationError, OCSError
from ocs.options import load
from ocs.servers.service import CompanionOptions, CompanionService, MessageCompanion
from protocols.message import Message, Vocabulary
from tests.conftest import Logged
from tests.servers.tserver.world import HASH, PASSWORD


class Port:
    """A listening port that remembers whether it lets anybody in."""

    def __init__(self) -> None:
        self.accepts, self.open = True, True

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 7_100)

    def startReading(self) -> None:
        self.accepts = True

    def stopReading(self) -> None:
        self.accepts = False

    def stopListening(self) -> None:
        self.open = False


class Pool:
    """Threads for nobody: the work is done at once."""

    def callInThreadWithCallback(self, told: Any, work: Any, *args: Any) -> None:
        told(True, work(*args))


class Reactor(MemoryReactorClock):
    """Memory only; counts the stops that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.port, self.stops, self.factory = Port(), 0, None

    def listenTCP(self, port, factory, backlog=50, interface=""):   # type: ignore[no-untyped-def]
        self.factory = factory
        return self.port

    def stop(self) -> None:
        self.stops += 1

    def getThreadPool(self) -> Pool:
        return Pool()

    def callFromThread(self, work: Any, *args: Any) -> None:
        work(*args)


class Diary:
    """A service that starts and stops when the test says so, and tells its clients goodbye."""

    vocabulary = Vocabulary("diary", {"RequestEcho": ()}, {})

    def __init__(self) -> None:
        self.starting: Deferred[None] = Deferred()
        self.stopping: Deferred[None] = Deferred()
        self.clients: list[Any] = []
        self.stops = 0

    def granted(self, client: Any) -> None:
        self.clients.append(client)

    def gone(self, client: Any) -> None:
        self.clients.remove(client)

    def request(self, client: Any, message: Message) -> Message:
        return Message("EventEcho")

    def start(self) -> Deferred[None]:
        return self.starting

    def stop(self) -> Deferred[None]:
        self.stops += 1
        for client in self.clients:
            client.send(Message("EventGoodbye"))
        return self.stopping


class World:
    """A companion named diary, not yet started."""

    def __init__(self, folder: Path, **service: Any) -> None:
        self.reactor, self.diary, self.ready = Reactor(), Diary(), folder / "diary.ready"
        options = load(CompanionOptions, {"service": {"ready_file": str(self.ready), **service},
                                          "application": [{"name": "ocs", "password_hash": HASH}]})
        self.service = CompanionService(self.reactor, "diary", options,
                                        lambda options, clock, reactor: MessageCompanion(self.diary, options, reactor))

    def start(self) -> World:
        self.service.privilegedStartService()
        self.service.startService()
        return self

    def client(self) -> StringTransport:
        from protocols.conversation import ClientConversation
        transport = StringTransport()
        protocol = self.reactor.factory.buildProtocol(None)     # type: ignore[attr-defined]
        protocol.makeConnection(transport)
        conversation = ClientConversation("ocs", PASSWORD)
        conversation.open(0.0)
        protocol.dataReceived(conversation.output())
        assert b"EventLinkConnected" in transport.value()
        transport.clear()
        self.protocol = protocol
        return transport


def test_clients_wait_at_the_port_until_the_server_is_ready(tmp_path: Path) -> None:
    world = World(tmp_path).start()
    assert not world.reactor.port.accepts and not world.ready.exists()
    world.diary.starting.callback(None)
    assert world.reactor.port.accepts
    facts = json.loads(world.ready.read_text())
    assert facts["name"] == "diary" and facts["diary"] == {"host": "127.0.0.1", "port": 7_100, "tls": False}


def test_a_stop_closes_the_port_first_and_lets_clients_read_what_they_were_told(tmp_path: Path) -> None:
    world = World(tmp_path).start()
    world.diary.starting.callback(None)
    transport = world.client()
    stopped = world.service.stopService()
    assert not world.reactor.port.open and not world.ready.exists()
    assert b"EventGoodbye" in transport.value() and not transport.disconnecting
    world.diary.stopping.callback(None)
    assert transport.disconnecting and not stopped.called
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure
    world.protocol.connectionLost(Failure(ConnectionDone()))
    world.reactor.advance(0.1)
    assert stopped.called and world.diary.stops == 1 and world.reactor.getDelayedCalls() == []


def test_a_client_that_does_not_let_go_is_cut_off(tmp_path: Path) -> None:
    world = World(tmp_path).start()
    world.diary.starting.callback(None)
    transport = world.client()
    stopped = world.service.stopService()
    world.diary.stopping.callback(None)
    world.reactor.pump([0.1] * 19)
    assert not stopped.called and not transport.disconnected
    world.reactor.pump([0.1] * 3)
    assert stopped.called and transport.disconnected


def test_a_server_that_does_not_finish_its_stop_holds_nobody_for_ever(tmp_path: Path, logged: Logged) -> None:
    world = World(tmp_path).start()
    world.diary.starting.callback(None)
    stopped = world.service.stopService()
    world.reactor.pump([1.0] * 21)
    assert stopped.called and len(logged.failures()) == 1


def test_a_start_that_fails_is_one_line_and_stops_the_reactor(tmp_path: Path, logged: Logged) -> None:
    world = World(tmp_path).start()
    world.diary.starting.errback(OCSError("database: not there"))
    world.reactor.advance(0)
    assert logged.texts(LogLevel.error) == ["diary not started: database: not there"] and world.reactor.stops == 1
    assert not world.reactor.port.accepts and not world.ready.exists()


def test_a_bug_in_the_start_stops_the_reactor_too(tmp_path: Path, logged: Logged) -> None:
    world = World(tmp_path).start()
    world.diary.starting.errback(ZeroDivisionError())
    world.reactor.advance(0)
    assert len(logged.failures(ZeroDivisionError)) == 1 and world.reactor.stops == 1


def test_a_ready_file_that_cannot_be_written_is_one_line(tmp_path: Path, logged: Logged) -> None:
    world = World(tmp_path, ready_file=str(tmp_path / "none" / "ready")).start()
    world.diary.starting.callback(None)
    world.reactor.advance(0)
    assert "service.ready_file: cannot write" in logged.texts(LogLevel.error)[0] and world.reactor.stops == 1


def test_a_stop_in_the_middle_of_the_start_is_in_order(tmp_path: Path, logged: Logged) -> None:
    world = World(tmp_path).start()
    stopped = world.service.stopService()
    world.diary.stopping.callback(None)
    world.reactor.advance(0)
    assert stopped.called and world.diary.stops == 1 and world.reactor.stops == 0 and logged.texts(LogLevel.warn) == []


@pytest.mark.parametrize("application, fault", [
    ([{"name": "a", "password_hash": HASH}, {"name": "a", "password_hash": HASH}], "application[2]: 'a' is configured twice"),
    ([{"name": "a", "password_hash": "open"}], "application[1].password_hash: not an Argon2 hash")])
def test_applications_are_checked_for_every_companion(application: list[dict[str, str]], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(CompanionOptions, {"application": application})
    assert caught.value.problems == [fault]
