"""A real T-Server behind the Stat Server: its DNs are registered, its events become states, its loss is a loss of sight."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.lab.virtual import DirectClient
from ocs.servers.statserver.directory import (
    AgentEntry,
    Directory,
    DNKey,
    GroupEntry,
    ObjectRef,
    PlaceEntry,
    SwitchEntry,
)
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.tserver_source import TServerSource
from protocols.client import IClientListener
from protocols.errors import RequestRefused
from protocols.message import Message
from protocols.statserver.messages import ObjectType, Status
from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, PASSWORD, QUEUE, TRUNK, Client, World

S = Status


class Watched:
    """A T-Server, its agents at their desks, and a Stat Server's picture of it."""

    def __init__(self, dns: tuple[str, ...] = AGENTS) -> None:
        self.tserver = World()
        self.clock = self.tserver.clock
        switch = SwitchEntry("one", dns, frozenset({TRUNK}))
        self.picture = Picture(Directory(
            [switch], [AgentEntry(f"100{n}", logins=(f"100{n}",)) for n in (1, 2, 3)],
            [PlaceEntry("desk", dns=(DNKey("one", "7001"),))], [GroupEntry("sales", 1, ("1001", "1002", "1003"))]))
        self.source = TServerSource(switch, self.picture, self.clock.wall)
        self.connect()

    def connect(self) -> None:
        self.link = DirectClient(self.tserver.server, self.source, self.clock, "ocs", PASSWORD)     # type: ignore[arg-type]
        self.link.connect()
        self.settle()

    def settle(self, seconds: float = 0.0) -> None:
        for _ in range(8):
            self.clock.advance(0)
        self.clock.advance(seconds)
        for _ in range(8):
            self.clock.advance(0)

    def status(self, agent: str = "1001") -> Status:
        self.settle()
        return self.picture.status(ObjectRef(ObjectType.AGENT, agent))[0]

    def answered(self, origin: str = QUEUE, **attributes: Any) -> str:
        """A customer answers a predictive call; the ConnID."""
        dialer = Client(self.tserver, "ocs").watch(QUEUE, TRUNK)
        conn_id = self.tserver.predictive(dialer, origin, **attributes)
        self.tserver.network.listener.answered(self.tserver.network.leg, CallState.OK)
        self.dialer = dialer
        return conn_id


def test_it_provides_the_interface_of_a_listener() -> None:
    assert verifyObject(IClientListener, Watched().source)


def test_the_day_of_an_agent_as_the_t_server_tells_it() -> None:
    watched = Watched()
    assert watched.picture.in_sight == {"one"} and watched.status() is S.LOGGED_OUT
    desk = watched.tserver.agent(0, ready=False)
    assert watched.status() is S.NOT_READY_FOR_NEXT_CALL
    desk.ask("RequestAgentReady", ThisDN="7001", AgentWorkMode=1)
    assert watched.status() is S.WAIT_FOR_NEXT_CALL
    watched.clock.advance(20)
    conn_id = watched.answered()
    assert watched.status() is S.CALL_RINGING
    assert watched.picture.status(ObjectRef(ObjectType.AGENT, "1001"))[1] == watched.clock.wall()
    desk.ask("RequestAnswerCall", ThisDN="7001", ConnID=conn_id)
    assert watched.status() is S.CALL_OUTBOUND
    desk.ask("RequestHoldCall", ThisDN="7001", ConnID=conn_id)
    assert watched.status() is S.CALL_ON_HOLD
    consult = desk.ask("RequestInitiateTransfer", ThisDN="7001", ConnID=conn_id, OtherDN="7002")
    assert consult.name in ("EventDialing", "EventError")
    desk.ask("RequestRetrieveCall", ThisDN="7001", ConnID=conn_id)
    desk.ask("RequestReleaseCall", ThisDN="7001", ConnID=conn_id)
    assert watched.status() is S.AFTER_CALL_WORK
    desk.ask("RequestAgentLogout", ThisDN="7001")
    assert watched.status() is S.LOGGED_OUT


def test_an_agent_who_dials_and_one_who_is_called() -> None:
    watched = Watched()
    caller, called = watched.tserver.agent(0), watched.tserver.agent(1)
    conn_id = caller.ask("RequestMakeCall", ThisDN="7001", OtherDN="7002").get("ConnID")
    assert (watched.status(), watched.status("1002")) == (S.CALL_DIALING, S.CALL_RINGING)
    called.ask("RequestAnswerCall", ThisDN="7002", ConnID=conn_id)
    assert (watched.status(), watched.status("1002")) == (S.CALL_INTERNAL, S.CALL_INTERNAL)
    called.ask("RequestReleaseCall", ThisDN="7002", ConnID=conn_id)
    assert watched.status() not in (S.CALL_INTERNAL, S.CALL_DIALING)


def engage(watched: Watched) -> tuple[Any, str]:
    """The agent at 7001 waits on an engaging call; the desk and the ConnID."""
    desk = watched.tserver.agent(0)
    dialer = Client(watched.tserver, "ocs").watch(TRUNK)
    conn_id = dialer.ask("RequestMakeCall", ThisDN=TRUNK, OtherDN="7001").get("ConnID")
    desk.ask("RequestAnswerCall", ThisDN="7001", ConnID=conn_id)
    return desk, conn_id


def test_an_agent_on_an_engaging_call_waits_for_a_customer_who_is_then_joined() -> None:
    watched = Watched()
    desk, engaging = engage(watched)
    assert watched.status() is S.ASM_ENGAGED
    customer = watched.answered(TRUNK)
    watched.dialer.ask("RequestMergeCalls", ThisDN=TRUNK, ConnID=engaging, TransferConnID=customer)
    assert watched.status() is S.ASM_OUTBOUND
    desk.ask("RequestReleaseCall", ThisDN="7001", ConnID=customer)
    assert watched.status() is S.AFTER_CALL_WORK


def test_who_connects_late_gets_the_whole_picture() -> None:
    watched = Watched()
    engage(watched)
    busy = watched.tserver.agent(1)
    conn_id = watched.answered()
    busy.ask("RequestAnswerCall", ThisDN="7002", ConnID=conn_id)
    watched.tserver.agent(2)
    watched.settle()
    watched.link.abort()
    assert watched.picture.in_sight == set() and watched.status("1003") is S.NOT_MONITORED
    watched.connect()
    assert [watched.status(f"100{n}") for n in (1, 2, 3)] == [S.ASM_ENGAGED, S.CALL_OUTBOUND, S.WAIT_FOR_NEXT_CALL]


def test_what_happens_while_the_picture_is_built_is_not_lost() -> None:
    watched = Watched()
    desk = watched.tserver.agent(0)
    watched.settle()
    watched.link.abort()
    watched.link = DirectClient(watched.tserver.server, watched.source, watched.clock, "ocs", PASSWORD)   # type: ignore[arg-type]
    watched.link.connect()
    while not watched.link.up:
        watched.clock.advance(0)
    watched.clock.advance(0)        # the registrations are on their way
    desk.ask("RequestAgentNotReady", ThisDN="7001")
    assert watched.status() is S.NOT_READY_FOR_NEXT_CALL


def test_a_dn_that_the_t_server_does_not_have_is_told_and_the_others_are_seen(logged: Any) -> None:
    watched = Watched(("7001", "7999"))
    watched.tserver.agent(0)
    assert watched.status() is S.WAIT_FOR_NEXT_CALL
    assert any("7999 cannot be registered" in text for text in logged.texts())


def test_a_t_server_that_is_lost_while_the_picture_is_built_is_tried_again(logged: Any) -> None:
    watched = Watched()
    watched.link.abort()
    watched.link = DirectClient(watched.tserver.server, watched.source, watched.clock, "ocs", PASSWORD)   # type: ignore[arg-type]
    watched.link.connect()
    while not watched.link.up:
        watched.clock.advance(0)
    watched.link.abort()
    watched.settle()
    assert watched.picture.in_sight == set()
    watched.connect()
    assert watched.picture.in_sight == {"one"}


def test_too_much_that_waits_for_the_picture_ends_the_connection(logged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocs.servers.statserver.tserver_source._PENDING_LIMIT", 1)
    watched, client = Watched(), FakeClient()
    watched.source.granted(client, Message("EventLinkConnected"))
    for _ in range(2):
        watched.source.event(client, Message("EventAgentReady", 0, {"ThisDN": "7001"}))
    assert client.aborted and any("wait for the registration" in text for text in logged.texts())


def test_attributes_of_a_wrong_type_are_left_out_and_the_rest_is_taken() -> None:
    watched = Watched()
    watched.source.event(watched.link, Message("EventAgentLogin", 0, {"ThisDN": "7001", "AgentID": "1001", "ThisQueue": 5}))
    watched.source.event(watched.link, Message("EventAgentReady", 0, {"ThisDN": "7001", "AgentID": b"1001", "TimeinSecs": "x"}))
    watched.source.event(watched.link, Message("EventRinging", 0, {"ThisDN": "7001", "ConnID": 17}))
    assert watched.status() is S.WAIT_FOR_NEXT_CALL


def test_a_refused_log_in_is_told(logged: Any) -> None:
    watched = Watched()
    watched.source.refused(watched.link, RequestRefused(119, "wrong password"))
    assert any("log-in refused" in text for text in logged.texts())


class FakeClient:
    """A client whose requests are never answered."""

    aborted = False

    def request(self, name: str, attributes: Any, timeout_s: Any = None) -> Any:
        return Deferred()

    def abort(self) -> None:
        self.aborted = True
