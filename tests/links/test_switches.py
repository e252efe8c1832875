"""Two T-Servers that look the same: the same DNs, the same ConnIDs. One link keeps them apart."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.call import SwitchEvent
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.interfaces import ISwitchLink
from ocs.lab.virtual import DirectClient
from ocs.links.agents import SwitchAgentState
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches
from protocols.desktop.keys import CALL_ATTEMPT_GUID
from protocols.errors import LinkLost, RequestRefused
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock
from tests.servers.tserver.world import AGENTS, CUSTOMER, PASSWORD, QUEUE, TRUNK, World

A, B, _ = AGENTS
DNS = [A, QUEUE, TRUNK, f"{A}@east", f"{QUEUE}@east", f"{TRUNK}@east"]
GUID = ((CALL_ATTEMPT_GUID, "G1"),)


class Heard:
    def __init__(self) -> None:
        self.all: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.all.append((name, args))

    def of(self, name: str) -> list[Any]:
        return [args[0] if len(args) == 1 else args for heard, args in self.all if heard == name]


class Site:
    """Two switches, linked."""

    def __init__(self) -> None:
        self.clock, self.heard = VirtualClock(), Heard()
        self.worlds = {"": World(), "east": World()}
        self.sides = {name: SwitchLink(self.clock, f"tserver {name}", name) for name in self.worlds}
        self.link = Switches(self.sides)
        self.link.add_listener(self.heard)
        self.states = SwitchAgentState(self.link)
        self.states.watch(AgentGroup("g", 1, (), (A, f"{A}@east")))
        self.link.watch(DNS)
        self.clients: dict[str, DirectClient] = {}
        for name in self.worlds:
            self.connect(name)

    def connect(self, name: str) -> None:
        self.clients[name] = DirectClient(self.worlds[name].server, self.sides[name], self.clock, "ocs", PASSWORD)
        self.clients[name].connect()
        self.turn()

    def turn(self) -> None:
        self.clock.pump([0.001] * 20)

    def outcome(self, asked: Deferred[Any]) -> Any:
        results: list[Any] = []
        asked.addBoth(results.append)
        self.turn()
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]

    def dial(self, origin: str) -> str:
        conn_id: str = self.outcome(self.link.make_predictive_call(origin, CUSTOMER, 30.0, GUID, ()))
        return conn_id


@pytest.fixture
def site() -> Site:
    return Site()


def test_it_is_a_switch_link_and_knows_when_any_of_its_switches_is_there(site: Site) -> None:
    assert verifyObject(ISwitchLink, site.link) and site.link.up
    assert site.heard.of("switch_up") == [({}, ""), ({}, "east")]
    site.clients["east"].abort("cut")
    assert site.link.up and site.heard.of("switch_down") == [("cut", "east")]
    assert site.link.away([A]) == "" == site.link.away([A, f"{A}@east"]) == site.link.away([])
    assert site.link.away([f"{A}@east"]) == "no link to the T-Server east"
    site.clients[""].abort("cut")
    assert not site.link.up and site.link.away([f"{A}@east", A]) == "no link to the T-Server east"
    assert site.link.away([]) == "no link to the T-Server"


def test_calls_with_the_same_conn_id_on_two_switches_are_told_apart(site: Site) -> None:
    here, there = site.dial(QUEUE), site.dial(f"{QUEUE}@east")
    assert there == f"{here}@east"
    site.worlds["east"].network.listener.answered(site.worlds["east"].network.leg, CallState.OK)
    site.turn()
    events = site.heard.of("call_event")
    assert [(event.kind, event.conn_id, event.dn) for event in events] == [
        (SwitchEvent.DIALING, here, QUEUE), (SwitchEvent.DIALING, there, f"{QUEUE}@east"),
        (SwitchEvent.QUEUED, there, f"{QUEUE}@east")]
    assert {event.other_dn for event in events} == {CUSTOMER} and {event.guid for event in events} == {"G1"}
    site.outcome(site.link.release_call(f"{QUEUE}@east", there))
    assert not site.worlds["east"].server.board.calls and site.worlds[""].server.board.calls


def test_requests_go_to_the_switch_of_their_dn(site: Site) -> None:
    east = site.worlds["east"]
    conn_id = site.dial(f"{TRUNK}@east")
    east.network.listener.answered(east.network.leg, CallState.OK)
    site.turn()
    site.outcome(site.link.transfer_call(f"{TRUNK}@east", conn_id, f"{QUEUE}@east"))
    assert {party.name for party in east.server.board.calls[conn_id.partition("@")[0]].parties} == {QUEUE, CUSTOMER}
    engaged = site.outcome(site.link.make_call(f"{TRUNK}@east", f"{QUEUE}@east", GUID))
    assert engaged.endswith("@east") and not site.worlds[""].server.board.calls
    site.outcome(site.link.distribute_user_event(f"{A}@east", (("x", 1),)))
    assert site.heard.of("user_event") == [(f"{A}@east", (("x", 1),))]
    assert site.link.resources(f"{TRUNK}@east") == site.link.resources(TRUNK) == (0, 100)


@pytest.mark.parametrize("destination", [QUEUE, f"{QUEUE}@west"])
def test_a_call_cannot_be_moved_to_another_switch(site: Site, destination: str) -> None:
    conn_id = site.dial(f"{TRUNK}@east")
    for asked in (lambda: site.link.transfer_call(f"{TRUNK}@east", conn_id, destination),
                  lambda: site.link.make_call(f"{TRUNK}@east", destination, ())):
        with pytest.raises(RequestRefused) as refused:
            site.outcome(asked())
        assert refused.value.code == 71


def test_a_switch_that_there_is_not_is_a_dn_that_is_not_configured(site: Site, logged: Any) -> None:
    site.link.watch([f"{A}@west"])
    with pytest.raises(RequestRefused) as refused:
        site.dial(f"{QUEUE}@west")
    assert refused.value.code == 59 and site.link.resources(f"{TRUNK}@west") == (0, 0)
    assert site.link.away([f"{A}@west"]) == "there is no such switch" and "there is no switch west" in " ".join(logged.texts())


def test_a_lost_switch_fails_its_own_requests_and_no_others(site: Site) -> None:
    site.clients["east"].abort("cut")
    with pytest.raises(LinkLost):
        site.dial(f"{QUEUE}@east")
    assert site.dial(QUEUE)


def test_after_a_reconnect_the_calls_of_that_switch_are_told_and_no_others(site: Site) -> None:
    site.dial(QUEUE)
    there = site.dial(f"{QUEUE}@east")
    site.clients["east"].abort("cut")
    site.connect("east")
    assert site.heard.of("switch_up")[2:] == [({there: "G1"}, "east")]


def test_agents_at_the_same_dn_of_two_switches_are_two_and_a_lost_switch_takes_its_own_along(site: Site) -> None:
    group: Any = CampaignGroup(1, "c", 1, AgentGroup("g", 1, (), (A, f"{A}@east")), ())
    for world in site.worlds.values():
        world.agent(mode=2)
    site.turn()
    assert [agent.dn for agent in site.states.of(group)] == [A, f"{A}@east"] == site.states.ready(group)
    ready = [event.dn for event in site.heard.of("agent_event") if event.kind is AgentEventKind.READY]
    assert sorted(ready) == [A, f"{A}@east"]
    site.clients["east"].abort("cut")
    assert site.states.ready(group) == [A] and site.states.blind(group) == ""
    site.clients[""].abort("cut")
    assert site.states.ready(group) == [] and "no link to the T-Server" in site.states.blind(group)
    site.connect("east")
    assert site.states.ready(group) == [f"{A}@east"] and site.states.blind(group) == ""
