"""What every provider of agents' states keeps: one suite on the agents by command, on those that the switch tells of, and on
those that a real Stat Server tells of."""
from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind, WorkState
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.interfaces import IAgentState
from ocs.links.agents import SwitchAgentState
from ocs.links.statserver import StatServerAgentState
from ocs.options import load
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.states import CallPhase, DNEvent, DNEventKind, DNState
from tests.doubles.agents import FakeAgents
from tests.doubles.clock import VirtualClock
from tests.doubles.loopback import Loopback
from tests.doubles.switch import FakeSwitch
from tests.servers.statserver.world import PASSWORD, StatWorld

DNS = ("7001", "7002", "7003")


def group(agents: tuple[str, ...] = (), dns: tuple[str, ...] = DNS) -> CampaignGroup:
    """A group of everybody, or one that names its agents; for a Stat Server it is the name that says which."""
    return CampaignGroup(1, "spring", 1, AgentGroup("-".join(agents) or "sales", 1, agents, dns), ())


_WORK = {AgentEventKind.LOGIN: WorkState.NOT_READY, AgentEventKind.LOGOUT: WorkState.LOGGED_OUT,
         AgentEventKind.READY: WorkState.READY, AgentEventKind.NOT_READY: WorkState.NOT_READY,
         AgentEventKind.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}


class ByCommand:
    def __init__(self, clock: VirtualClock) -> None:
        self.agents: Any = FakeAgents(clock)
        self._calls: dict[str, frozenset[str]] = {}

    def event(self, kind: AgentEventKind, dn: str, agent_id: str = "", conn_id: str = "") -> None:
        calls = self._calls.get(dn, frozenset())
        if kind is AgentEventKind.CALL:
            calls |= {conn_id}
        elif kind is AgentEventKind.CALL_GONE:
            calls -= {conn_id}
        self._calls[dn] = calls
        self.agents.set(dn, kind, agent_id, _WORK.get(kind), calls)

    def blind(self) -> None:
        self.agents.out_of_sight("the curtain is drawn")


class BySwitch:
    def __init__(self, clock: VirtualClock) -> None:
        self.switch = FakeSwitch(clock)
        self.agents: Any = SwitchAgentState(self.switch)        # type: ignore[arg-type]
        self.switch.go_up()

    def event(self, kind: AgentEventKind, dn: str, agent_id: str = "", conn_id: str = "") -> None:
        self.switch.agent(kind, dn, agent_id, conn_id)

    def blind(self) -> None:
        self.switch.go_down()


class ByStatServer:
    """The T-Server tells both, the Stat Server and the provider; they hear it one after the other."""

    def __init__(self, clock: VirtualClock) -> None:
        members = {"sales": [f"100{n}" for n in range(1, 4)], "1001-1009": ["1001"], "1002": ["1002"]}
        options = load(StatServerOptions, {
            "tserver": [{"name": "one", "dns": list(DNS)}], "agent": [{"id": f"100{n}"} for n in range(1, 4)],
            "agent_group": [{"name": name, "agents": agents} for name, agents in members.items()]})
        self.world = StatWorld(options.directory(), clock=clock)
        self.world.picture.seen("one", {dn: DNState(monitored=True) for dn in DNS}, clock.wall())
        self.switch = FakeSwitch(clock)
        self.agents: Any = StatServerAgentState(self.switch)        # type: ignore[arg-type]
        self.switch.go_up()
        self.wire = Loopback(clock, self.world.server, self.agents, password=PASSWORD)
        for agents in ((), ("1001", "1009"), ("1002",)):
            self.agents.watch(group(agents).group)
        self.wire.settle()

    def event(self, kind: AgentEventKind, dn: str, agent_id: str = "", conn_id: str = "") -> None:
        self.switch.agent(kind, dn, agent_id, conn_id)
        self.world.event(dn, DNEvent(DNEventKind[kind.name], agent_id, conn_id=conn_id, phase=CallPhase.RINGING))
        if kind is AgentEventKind.LOGIN:        # a T-Server tells the state that a log-in begins with
            self.world.event(dn, DNEvent(DNEventKind.NOT_READY, agent_id))
        self.wire.settle()

    def blind(self) -> None:
        self.wire.cut()


Rig = Any


@pytest.fixture(params=[ByCommand, BySwitch, ByStatServer])
def rig(request: pytest.FixtureRequest) -> Rig:
    clock = VirtualClock()
    made = request.param(clock)
    made.clock = clock
    made.agents.watch(group().group)
    return made


def ready(rig: Rig, dn: str, agent_id: str) -> None:
    rig.event(AgentEventKind.LOGIN, dn, agent_id)
    rig.event(AgentEventKind.READY, dn, agent_id)
    rig.clock.advance(1)


def test_it_provides_the_interface(rig):
    assert verifyObject(IAgentState, rig.agents) and rig.agents.blind(group()) == ""


def test_nobody_is_ready_before_somebody_logs_in_and_goes_ready(rig):
    assert list(rig.agents.ready(group())) == [] and rig.agents.agent_at("7001") is None
    rig.event(AgentEventKind.LOGIN, "7001", "1001")
    assert list(rig.agents.ready(group())) == []
    agent = rig.agents.agent_at("7001")
    assert isinstance(agent, Agent) and agent.agent_id == "1001" and list(rig.agents.of(group())) == [agent]
    rig.event(AgentEventKind.READY, "7001", "1001")
    assert list(rig.agents.ready(group())) == ["7001"]


def test_who_waits_longest_comes_first(rig):
    for dn, agent_id in (("7003", "1003"), ("7001", "1001"), ("7002", "1002")):
        ready(rig, dn, agent_id)
    assert list(rig.agents.ready(group())) == ["7003", "7001", "7002"]
    rig.event(AgentEventKind.NOT_READY, "7003")
    rig.clock.advance(1)
    rig.event(AgentEventKind.READY, "7003")
    assert list(rig.agents.ready(group())) == ["7001", "7002", "7003"]


def test_a_call_makes_an_agent_busy_until_it_is_gone(rig):
    ready(rig, "7001", "1001")
    rig.event(AgentEventKind.CALL, "7001", conn_id="a")
    rig.event(AgentEventKind.CALL, "7001", conn_id="b")
    rig.event(AgentEventKind.CALL_GONE, "7001", conn_id="a")
    assert list(rig.agents.ready(group())) == []
    rig.event(AgentEventKind.CALL_GONE, "7001", conn_id="b")
    assert list(rig.agents.ready(group())) == ["7001"]


@pytest.mark.parametrize("kind", [AgentEventKind.NOT_READY, AgentEventKind.AFTER_CALL_WORK])
def test_who_does_not_want_calls_is_there_but_not_ready(rig, kind):
    ready(rig, "7001", "1001")
    rig.event(kind, "7001")
    assert list(rig.agents.ready(group())) == [] and rig.agents.agent_at("7001") is not None


def test_who_logs_out_is_gone(rig):
    ready(rig, "7001", "1001")
    rig.event(AgentEventKind.LOGOUT, "7001")
    assert list(rig.agents.of(group())) == [] and rig.agents.agent_at("7001") is None


def test_a_group_has_only_its_own_dns_and_where_it_names_agents_only_those(rig):
    ready(rig, "7001", "1001")
    ready(rig, "7002", "1002")
    assert list(rig.agents.ready(group(dns=("7002",)))) == ["7002"]
    assert list(rig.agents.ready(group(agents=("1001", "1009")))) == ["7001"]
    assert [agent.dn for agent in rig.agents.of(group(agents=("1002",)))] == ["7002"]


def test_an_agent_is_found_by_id_while_logged_in_there(rig):
    everybody, few = group(), group(agents=("1002",))
    ready(rig, "7001", "1001")
    ready(rig, "7002", "1002")
    for one in (everybody, few):
        assert [rig.agents.find(one, agent_id) in rig.agents.of(one) for agent_id in ("1001", "1002")] == [one is everybody, True]
    assert rig.agents.find(everybody, "1002").dn == "7002"
    assert rig.agents.find(everybody, "1003") is None and rig.agents.find(everybody, "") is None
    rig.event(AgentEventKind.LOGOUT, "7001")
    ready(rig, "7001", "1003")
    assert (rig.agents.find(everybody, "1001"), rig.agents.find(everybody, "1003").dn) == (None, "7001")
    ready(rig, "7003", "1002")          # at two desks
    rig.event(AgentEventKind.LOGOUT, "7003")
    assert rig.agents.find(everybody, "1002").dn == "7002"
    rig.blind()
    assert rig.agents.find(everybody, "1002") is None


def test_listeners_hear_every_event_with_the_agent_as_it_left_it(rig):
    heard: list[tuple[Agent, AgentEvent]] = []
    rig.agents.add_listener(lambda agent, event: heard.append((agent, event)))
    ready(rig, "7001", "1001")
    rig.event(AgentEventKind.CALL, "7001", conn_id="a")
    assert [event.kind for _, event in heard] == [AgentEventKind.LOGIN, AgentEventKind.READY, AgentEventKind.CALL]
    assert [agent.free for agent, _ in heard] == [False, True, False]


def test_what_happens_at_a_dn_that_is_not_watched_is_nobodys_state(rig):
    heard: list[Agent] = []
    rig.agents.add_listener(lambda agent, event: heard.append(agent))
    rig.event(AgentEventKind.CALL, "6001", conn_id="a")
    assert heard == [] and rig.agents.agent_at("6001") is None


def test_without_a_picture_nobody_is_ready(rig):
    ready(rig, "7001", "1001")
    rig.blind()
    assert rig.agents.blind(group()) and list(rig.agents.ready(group())) == [] == list(rig.agents.of(group()))


def test_whoever_waits_for_the_picture_is_told_when_it_changes(rig):
    told: list[str] = []
    rig.agents.add_change_listener(lambda: told.append(rig.agents.blind(group())))
    rig.blind()
    assert all(told) and (told or isinstance(rig, BySwitch)), "the engine hears of the switch by itself"
