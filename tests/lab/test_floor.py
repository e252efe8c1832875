"""A floor of agents at one T-Server: arrivals, states, books, and the way home."""
from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from ocs.lab.agents.account import AgentBook, add_up
from ocs.lab.agents.agent import LabAgent
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.lab.agents.machine import AgentState
from ocs.lab.virtual import direct_desks
from ocs.options import load
from ocs.passwords import hash_password
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.desktop.build import CampaignEvent, campaign_event, record_event
from protocols.tserver.messages import Message
from tests.doubles.clock import VirtualClock
from tests.lab.wire import PEOPLE, Wire, agent_at, record, run

HASH = hash_password("secret", cheap=True)


def switch(clock):
    """The real T-Server with its simulated network, in virtual time."""
    options = load(TServerOptions, {
        "application": [{"name": "desk", "password_hash": HASH}],
        "dn": [{"number": "7001", "count": 9}, {"number": "6001", "kind": "acd-queue"}],
        "agent": [{"id": person.login, "password_hash": HASH} for person in PEOPLE],
        "simulator": {"person": 0.9, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0}})
    server = TServer(clock, SimulatedNetwork(clock, options.simulator), options)
    server.start()
    return server


def floor(clock, server, seed=1, agents=4, **behaviour):
    return LabFloor(clock, PEOPLE[:agents], direct_desks(server, clock, "desk", "secret"),
                    AgentBehaviour(**behaviour), seed=seed, spread_s=5.0)


class Dialer:
    """Places calls into the queue as an OCS would, with a record on each."""

    def __init__(self, server):
        self.session = server.connect(lambda message: None)
        self.send("RequestRegisterClient", ApplicationName="desk", ApplicationPassword="secret", ProtocolVersion="1")
        self.send("RequestRegisterAddress", ThisDN="6001")
        self.dialed = 0

    def send(self, name, **attributes):
        self.session.receive(Message(name, 1, attributes))

    def dial(self):
        self.dialed += 1
        self.send("RequestMakePredictiveCall", ThisDN="6001", OtherDN=f"+1415555{self.dialed:04d}", Timeout=25,
                  UserData=record(self.dialed).pairs())


def day(seed, seconds=1800):
    clock = VirtualClock()
    server = switch(clock)
    crew = floor(clock, server, seed=seed)
    crew.start()
    dialer = Dialer(server)
    for _ in range(seconds // 20):
        dialer.dial()
        run(clock, 20, step_s=0.5)
    return clock, server, crew


def test_agents_arrive_one_after_the_other_and_get_ready():
    clock = VirtualClock()
    crew = floor(clock, switch(clock))
    crew.start()
    run(clock, 2)
    some = crew.states().get("ready", 0)
    run(clock, 5)
    assert 0 < some < 4 and crew.states() == {"ready": 4}


def test_the_account_is_that_of_the_day():
    clock, server, crew = day(1)
    account = crew.account()
    assert account.talked > 20 and account.logins == 4 and account.lost_links == 0
    assert sum(account.seconds.values()) == pytest.approx(4 * 1800, abs=1)
    paid = sum(account.seconds[word] for word in
               ("idle", "ready", "ringing", "talk", "preview", "dialing", "wrap"))
    assert account.utilisation == pytest.approx((account.seconds["talk"] + account.seconds["wrap"]) / paid)
    assert 0.2 < account.utilisation < 0.95
    # nobody acknowledges records here: each was asked for three times, then let go
    assert account.settled == 0 and account.unsettled > 15 and account.unanswered >= 3 * account.unsettled


def test_the_same_seed_gives_the_same_day_and_another_another():
    def books(seed):
        account = day(seed, 600)[2].account()
        return account.talked, account.seconds
    assert books(3) == books(3) != books(4)


def test_everybody_goes_home_and_the_switch_is_empty():
    clock, server, crew = day(2, 600)
    gone = []
    crew.stop(60).addCallback(gone.append)
    run(clock, 120)
    assert gone and crew.states() == {"away": 4}
    assert all(agent.dn is None for agent in server.floor)


def test_a_floor_that_is_stopped_at_once_never_opens():
    clock = VirtualClock()
    crew = floor(clock, switch(clock))
    crew.start()
    gone = []
    crew.stop().addCallback(gone.append)
    run(clock, 10)
    assert gone and crew.account().logins == 0 and clock.getDelayedCalls() == []


def test_desks_on_a_wire_are_made_for_each_person():
    clock = VirtualClock()
    wire = Wire(clock)
    crew = LabFloor(clock, PEOPLE[:1], tserver_desks(clock, wire, "desktop", "password"), spread_s=0.0)
    crew.start()
    run(clock, 1)
    assert wire.attributes("RequestRegisterClient")["ApplicationName"] == "desktop"
    assert wire.attributes("RequestAgentLogin")["AgentID"] == "agent1" and crew.states() == {"ready": 1}
    crew.stop()
    run(clock, 1)


def test_a_book_counts_the_time_of_each_state_up_to_now():
    clock = Clock()
    book = AgentBook(clock)
    clock.advance(5)
    book.enter(AgentState.TALK)
    clock.advance(30)
    book.enter(AgentState.READY)
    clock.advance(10)
    seconds = book.seconds()
    assert (seconds[AgentState.AWAY], seconds[AgentState.TALK], seconds[AgentState.READY]) == (5, 30, 10)
    assert add_up([book]).utilisation == 0.75 and add_up([]).utilisation is None


# -- whatever comes ---------------------------------------------------------------------------------------------------
CONNS = st.sampled_from(["a1", "b2"])
CALLS = {"a1": record(1).pairs(), "b2": record(2).pairs()}
wild = st.one_of(
    st.tuples(st.just("ring"), CONNS), st.tuples(st.just("release"), CONNS, st.sampled_from([0, 5, 6, 7])),
    st.tuples(st.just("say"), st.sampled_from(
        ["EventAgentNotReady", "EventAgentLogout", "EventAgentReady", "EventDialing", "EventEstablished",
         "EventDestinationBusy", "EventPartyChanged", "EventAttachedDataChanged", "EventNonsense"]), CONNS),
    st.tuples(st.just("event"), st.sampled_from([
        record_event("ScheduledCall", record(5)), record_event("PreviewRecord", record(6)),
        record_event("RecordCancel", record(5)), record_event("PreviewRecord", record(6, campaign_name=None)),
        campaign_event(CampaignEvent.STARTED, 1, "Spring", mode="Preview"),
        campaign_event(CampaignEvent.STOPPED, 1, "Spring"), campaign_event(CampaignEvent.UNLOADED, 1, "Spring")])),
    st.tuples(st.just("break"), st.booleans()), st.tuples(st.just("silence"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.25, 1.0, 20.0, 100.0])))


@settings(deadline=None, max_examples=60)
@given(st.lists(wild, max_size=20), st.integers(0, 5))
def test_whatever_comes_over_the_wire_an_agent_goes_home_in_the_end_and_leaves_nothing_behind(steps, seed):
    clock = VirtualClock()
    wire = Wire(clock)
    agent: LabAgent = agent_at(wire, seed, reject_share=0.2, reschedule_share=0.3, break_every_s=100.0, break_s=20.0)
    agent.start()
    run(clock, 1)
    for kind, *given_ in steps:
        _do(clock, wire, kind, *given_)
        run(clock, 0.5)
    gone: list[None] = []
    agent.stop(30.0).addCallback(gone.append)
    run(clock, 100, step_s=0.5)
    assert gone and agent.state is AgentState.AWAY and clock.getDelayedCalls() == []


def _do(clock, wire, kind, value, more=None):
    if kind == "ring":
        wire.ring(value, CALLS[value])
    elif kind == "release":
        wire.release(value, more)
    elif kind == "say":
        wire.say(value, ThisDN="7001", ConnID=more, PreviousConnID="a1", CallState=0, UserData=CALLS[more])
    elif kind == "event":
        wire.user_event(value)
    elif kind == "break":
        wire.up = value
        wire.break_link()
    elif kind == "silence":
        wire.ocs.silent = {"RecordProcessed", "RecordReject", "PreviewRecordRequest"} if value else set()
    else:
        run(clock, value, step_s=min(value, 5.0))


def test_the_draws_of_agents_do_not_depend_on_each_other():
    assert random.Random("1/agent/a").random() != random.Random("1/agent/b").random()
    clock = VirtualClock()
    server = switch(clock)
    alone, among = floor(clock, server, agents=1), floor(clock, server, agents=4)
    assert alone.agents[0]._rng.random() == among.agents[0]._rng.random()
