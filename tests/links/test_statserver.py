"""The provider of agents' states over a real Stat Server: what it knows of groups, what it says when it does not, and that
what it does not understand ends the connection and nothing else."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel
from zope.interface.verify import verifyObject

from ocs.dialing.agent import AgentEventKind, WorkState
from ocs.dialing.campaign import AgentGroup, CampaignGroup, GroupKind
from ocs.links.listeners import ClientListeners
from ocs.links.statserver import StatServerAgentState
from ocs.servers.statserver.states import CallPhase, DNEvent, DNEventKind
from protocols.client import IClientListener
from protocols.errors import RequestRefused, RequestTimedOut
from protocols.message import Message
from protocols.statserver.messages import Status
from tests.doubles.clock import VirtualClock
from tests.doubles.loopback import Loopback
from tests.doubles.switch import FakeSwitch
from tests.servers.statserver.site import configured, ready_dns
from tests.servers.statserver.world import PASSWORD, StatWorld

K, A = DNEventKind, AgentEventKind
DNS = ("7001", "7002", "7003")
TALKS = DNEvent(K.CALL, conn_id="a", phase=CallPhase.CONNECTED, call_type=3)
SITE = configured(agent=[{"id": "1001"}, {"id": "1002"}, {"id": "1003"}],
                  agent_group=[{"name": "sales", "agents": ["1001", "1003"]}, {"name": "here", "expression": "LoggedIn()"}])


def group(name: str = "sales", kind: GroupKind = GroupKind.AGENTS, dns: tuple[str, ...] = DNS) -> CampaignGroup:
    return CampaignGroup(1, "spring", 1, AgentGroup(name, 1, (), dns, kind), ())


class Rig:
    """T-Server by command, a real Stat Server, the provider over real octets. `ready` names who is ready where."""

    def __init__(self, **ready: str) -> None:
        self.clock = VirtualClock()
        self.world = StatWorld(SITE.directory(), clock=self.clock)
        self.world.picture.seen("two", {}, self.clock.wall())
        self.world.picture.seen("one", ready_dns(**ready), self.clock.wall())
        self.switch = FakeSwitch(self.clock)
        self.agents = StatServerAgentState(self.switch)         # type: ignore[arg-type]
        self.told: list[str] = []
        self.agents.add_change_listener(lambda: self.told.append(self.agents.blind(group())))
        self.switch.go_up()
        self.agents.watch(group().group)
        for dn, login in ready.items():
            self.at_switch(A.LOGIN, dn.removeprefix("dn"), login)
            self.at_switch(A.READY, dn.removeprefix("dn"), login)

    def connect(self) -> Rig:
        self.wire = Loopback(self.clock, self.world.server, self.agents, password=PASSWORD)
        self.wire.settle()
        return self

    def at_switch(self, kind: AgentEventKind, dn: str, login: str = "", conn_id: str = "") -> None:
        self.switch.agent(kind, dn, login, conn_id)

    def at_stat_server(self, dn: str, event: DNEvent) -> None:
        self.world.event(dn, event)
        self.wire.settle()

    def ready(self, *args: Any) -> list[str]:
        return list(self.agents.ready(group(*args)))


def test_it_listens_to_a_link() -> None:
    assert verifyObject(IClientListener, StatServerAgentState(FakeSwitch(VirtualClock())))      # type: ignore[arg-type]


def test_before_the_stat_server_has_told_nobody_is_ready_and_the_reason_says_so() -> None:
    rig = Rig(dn7001="1001")
    assert rig.ready() == [] and rig.agents.blind(group()) == "no link to the Stat Server"
    assert rig.agents.agent_at("7001") is not None, "who sits there the T-Server tells"
    rig.connect()
    assert rig.ready() == ["7001"] and rig.agents.blind(group()) == "" and rig.told[-1] == ""


def test_the_stat_server_alone_makes_an_agent_ready_and_the_t_server_alone_busy() -> None:
    rig = Rig(dn7001="1001").connect()
    rig.at_switch(A.CALL, "7001", conn_id="a")
    assert rig.ready() == [], "the T-Server tells of the call first"
    rig.at_stat_server("7001", TALKS)
    rig.at_switch(A.CALL_GONE, "7001", conn_id="a")
    assert rig.ready() == [], "the Stat Server has not told yet that it is over"
    rig.at_stat_server("7001", DNEvent(K.CALL_GONE, conn_id="a"))
    assert rig.ready() == ["7001"]
    rig.at_stat_server("7001", DNEvent(K.NOT_READY, "1001"))
    assert rig.ready() == [] and [agent.dn for agent in rig.agents.of(group())] == ["7001"]


def test_who_belongs_to_a_group_the_stat_server_says() -> None:
    rig = Rig(dn7001="1001", dn7002="1002").connect()
    assert rig.ready() == ["7001"], "1002 is not one of sales"
    rig.agents.watch(group("here").group)
    rig.wire.settle()
    assert sorted(rig.ready("here")) == ["7001", "7002"]
    rig.at_stat_server("7002", DNEvent(K.LOGOUT))
    assert rig.ready("here") == ["7001"] and [agent.dn for agent in rig.agents.of(group("here"))] == ["7001"]


def test_a_group_of_places_has_whoever_sits_there() -> None:
    rig = Rig(dn7001="1001", dn7003="1002").connect()
    floor = ("floor", GroupKind.PLACES)
    rig.agents.watch(group(*floor).group)
    rig.wire.settle()
    assert sorted(rig.ready(*floor)) == ["7001", "7003"] and rig.agents.blind(group(*floor)) == ""


def test_who_waits_longest_by_the_stat_servers_clock_is_first() -> None:
    rig = Rig(dn7001="1001", dn7003="1003").connect()
    rig.clock.advance(5)
    rig.at_stat_server("7001", DNEvent(K.NOT_READY, "1001"))
    rig.at_stat_server("7001", DNEvent(K.READY, "1001"))
    assert rig.ready() == ["7003", "7001"]


def test_an_agent_who_works_elsewhere_gets_no_calls_and_is_told_once(logged: Any) -> None:
    rig = Rig(dn7001="1001", dn7003="1003").connect()
    for _ in range(2):
        assert rig.ready("sales", GroupKind.AGENTS, ("7001",)) == ["7001"]
    assert [text for text in logged.texts() if "works at no DN" in text] == [
        "agent 1003 of group sales works at no DN of the group and gets no calls"]


def test_an_agent_whom_the_t_server_no_longer_shows_is_gone() -> None:
    rig = Rig(dn7001="1001").connect()
    rig.at_switch(A.LOGOUT, "7001", "1001")
    assert rig.ready() == [] == list(rig.agents.of(group()))


@pytest.mark.parametrize("event, work, free", [
    (None, WorkState.READY, True), (TALKS, WorkState.READY, False), (DNEvent(K.NOT_READY, "1001"), WorkState.NOT_READY, False),
    (DNEvent(K.AFTER_CALL_WORK, "1001"), WorkState.AFTER_CALL_WORK, False)])
def test_while_the_t_server_is_away_agents_are_as_the_stat_server_shows_them(
        event: DNEvent | None, work: WorkState, free: bool) -> None:
    rig = Rig(dn7001="1001").connect()
    rig.switch.go_down()
    if event is not None:
        rig.at_stat_server("7001", event)
    (agent,) = rig.agents.of(group())
    assert (agent.dn, agent.agent_id, agent.work, agent.free) == ("7001", "1001", work, free)


def test_when_the_link_goes_nothing_is_known_until_a_fresh_snapshot() -> None:
    rig = Rig(dn7001="1001").connect()
    rig.wire.cut()
    assert rig.ready() == [] == list(rig.agents.of(group())) and rig.agents.agent_at("7001") is not None
    assert rig.agents.blind(group()).startswith("no link to the Stat Server: ") and rig.told[-1] == rig.agents.blind(group())
    rig.world.event("7001", TALKS)
    rig.wire = Loopback(rig.clock, rig.world.server, rig.agents, password=PASSWORD)
    while rig.agents.blind(group()):
        assert rig.ready() == [], "never by what it knew before"
        rig.clock.advance(0)
    assert rig.ready() == []
    rig.at_stat_server("7001", DNEvent(K.CALL_GONE, conn_id="a"))
    assert rig.ready() == ["7001"]


def test_when_the_stat_server_loses_its_own_source_the_group_is_not_known_and_why_is_told() -> None:
    rig = Rig(dn7001="1001").connect()
    rig.world.lose("two", "one")
    rig.wire.settle()
    assert rig.ready() == [] and "group sales: the Stat Server sees nothing of it: no T-Server" in rig.agents.blind(group())
    rig.world.picture.seen("one", ready_dns(dn7001="1001"), rig.clock.wall())
    rig.wire.settle()
    assert rig.ready() == ["7001"] and rig.agents.blind(group()) == ""


def test_a_group_that_the_stat_server_does_not_have_is_not_known_and_the_others_are() -> None:
    rig = Rig(dn7001="1001").connect()
    rig.agents.watch(group("nobody").group)
    rig.wire.settle()
    why = rig.agents.blind(group("nobody"))
    assert why.startswith("group nobody: the Stat Server does not tell of it") and "ObjectID" in why
    assert rig.agents.blind(group()) == "" and rig.ready() == ["7001"]
    assert rig.agents.blind(group("never-watched")) and rig.ready("never-watched") == []


def test_what_the_stat_server_refuses_and_how_it_runs_is_in_the_log(logged: Any) -> None:
    rig = Rig(dn7001="1001").connect()
    assert "the Stat Server runs as the primary" in logged.texts()
    rig.agents.watch(group("nobody").group)
    rig.wire.settle()
    assert [text for text in logged.texts() if text.startswith("group nobody: the Stat Server does not tell of it: error 59")]
    (client,) = rig.world.server.clients
    client.send(Message("SEventRunModeInfo", 0, {"RunMode": 1}))
    client.send(Message("SEventError", 0, {"ErrorCode": 166, "ErrorMessage": "the disk is full"}))
    rig.wire.settle()
    told = [text for text in logged.texts(LogLevel.warn) if "backup" in text or "disk" in text]
    assert told[0] == "the Stat Server runs as a backup" and told[1].endswith("error 166: the disk is full")
    assert rig.ready() == ["7001"], "neither changes the picture"


def test_a_refused_log_in_is_the_reason(logged: Any) -> None:
    rig = Rig()
    rig.wire = Loopback(rig.clock, rig.world.server, rig.agents, password="wrong")
    rig.wire.settle()
    assert "refuses the log-in" in rig.agents.blind(group())


class Client:
    """A link by command."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Deferred[Message]]] = []
        self.aborted = False

    def request(self, name: str, attributes: Any, timeout_s: Any = None) -> Deferred[Message]:
        self.asked.append((attributes, Deferred()))
        return self.asked[-1][1]

    def abort(self) -> None:
        self.aborted = True


def by_command() -> tuple[StatServerAgentState, Client]:
    agents, client = StatServerAgentState(FakeSwitch(VirtualClock())), Client()        # type: ignore[arg-type]
    agents.watch(group().group)
    agents.granted(client, Message("EventLinkConnected"))
    return agents, client


def test_a_stat_server_that_does_not_answer_is_left(logged: Any) -> None:
    agents, client = by_command()
    client.asked[0][1].errback(RequestTimedOut("RequestOpenStatistic", 10.0))
    assert client.aborted and "does not tell of it" in agents.blind(group())


def test_a_refusal_that_comes_from_a_former_connection_is_nothing_to_the_present_one() -> None:
    agents, client = by_command()
    agents.granted(Client(), Message("EventLinkConnected"))
    client.asked[0][1].errback(RequestRefused(59, "no"))
    assert "not told of it yet" in agents.blind(group()) and not client.aborted


def snapshot(left: Any, *targets: Any) -> Message:
    return Message("SEventCurrentTargetState_Snapshot", 0, {"UserRequestID": 1, "Targets": list(targets), "TargetsLeft": left})


def target(agent: str, **values: Any) -> dict[str, Any]:
    return {"AgentID": agent, "LoginID": agent, "Status": int(Status.WAIT_FOR_NEXT_CALL), "Since": 5, "DNs": [
        {"DN": "7001", "Switch": "one", "Status": 4, "Since": 5}], **values}


def test_a_snapshot_in_pages_counts_when_it_is_complete_and_replaces_what_was() -> None:
    agents, client = by_command()
    agents.event(client, snapshot(1, target("1001")))
    assert agents.blind(group())
    agents.event(client, snapshot(0, target("1002", DNs=[{"DN": "7002"}])))
    assert agents.blind(group()) == "" and [one.agent_id for one in agents.of(group())] == ["1001", "1002"]
    agents.event(client, snapshot(0))
    assert agents.ready(group()) == [] and agents.blind(group()) == ""


@pytest.mark.parametrize("message", [
    Message("SEventCurrentTargetState_TargetUpdated", 0, {"UserRequestID": 1, "Target": target("1001")}),
    snapshot("0"), snapshot(True), Message("SEventCurrentTargetState_Snapshot", 0, {"UserRequestID": 1, "Targets": {}}),
    snapshot(0, "1001"), snapshot(0, target("1001", Status="4")), snapshot(0, target("1001", DNs=7))])
def test_what_cannot_be_read_ends_the_connection(message: Message, logged: Any) -> None:
    agents, client = by_command()
    agents.event(client, message)
    assert client.aborted and agents.blind(group())
    assert any("cannot be read" in text for text in logged.texts())


def test_a_group_without_bounds_ends_the_connection(logged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocs.links.statserver._TARGETS_LIMIT", 1)
    agents, client = by_command()
    agents.event(client, snapshot(0, target("1001"), target("1002")))
    assert client.aborted and any("more than 1 members" in text for text in logged.texts())


_JUNK = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.floats(allow_nan=False)),
                     lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
                         st.sampled_from(["AgentID", "LoginID", "Status", "Since", "DNs", "DN"]), inner, max_size=4)),
                     max_leaves=8)


@settings(deadline=None)
@given(st.lists(st.builds(Message, st.sampled_from([
    "SEventCurrentTargetState_Snapshot", "SEventCurrentTargetState_TargetAdded", "SEventCurrentTargetState_TargetUpdated",
    "SEventCurrentTargetState_TargetRemoved", "SEventStatInvalid", "SEventStatValid", "SEventInfo", "X"]), st.just(0),
    st.fixed_dictionaries({"UserRequestID": st.one_of(st.just(1), _JUNK)}, optional={
        "Targets": _JUNK, "TargetsLeft": _JUNK, "Target": _JUNK, "Reason": _JUNK})), max_size=8))
def test_whatever_is_told_nothing_breaks(messages: list[Message]) -> None:
    agents, client = by_command()
    for message in messages:
        agents.event(client, message)
        agents.ready(group())
        agents.of(group())
        agents.blind(group())


def test_each_listener_of_a_link_hears_even_if_one_fails(logged: Any) -> None:
    heard: list[str] = []

    class Listener:
        def __init__(self, name: str) -> None:
            self.name = name

        def __getattr__(self, method: str) -> Any:
            def told(*args: Any) -> None:
                heard.append(f"{self.name} {method}")
                raise ValueError(self.name)
            return told

    both = ClientListeners(Listener("one"), Listener("two"))
    assert verifyObject(IClientListener, both)
    both.granted(None, Message("EventLinkConnected"))
    both.refused(None, RequestRefused(119, "no"))
    both.event(None, Message("X"))
    both.lost(None, "cut")
    assert heard == [f"{name} {method}" for method in ("granted", "refused", "event", "lost") for name in ("one", "two")]
    assert len(logged.failures(ValueError)) == 8
