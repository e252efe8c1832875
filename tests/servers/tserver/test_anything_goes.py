"""Whatever clients ask, whatever the network reports, in whatever order: the switch stays consistent and answers."""
from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.servers.tserver.requests.table import REQUESTS
from protocols.tserver.messages import KNOWN_REQUESTS, CallState, Message
from tests.servers.tserver.world import (
    AGENTS,
    ANOTHER,
    COMMUNICATION,
    CUSTOMER,
    LOST_ROUTE,
    PASSWORD,
    QUEUE,
    ROUTE,
    SECOND_QUEUE,
    TRUNK,
    Client,
    World,
)

DNS = (*AGENTS, QUEUE, SECOND_QUEUE, ROUTE, LOST_ROUTE, TRUNK, COMMUNICATION)
CALL_STATES = [CallState(n) for n in (0, 0, 0, 6, 7, 9, 11, 17, 28, 32)]

# what a random program prefers to ask, so that calls get far
LIKELY = ["RequestMakePredictiveCall"] * 3 + ["RequestAnswerCall"] * 3 + ["RequestMakeCall"] * 2 \
    + ["RequestInitiateTransfer"] * 3 + ["RequestCompleteTransfer"] * 3 + ["RequestMergeCalls"] * 2 \
    + ["RequestSingleStepTransfer"] * 2 + ["RequestRouteCall"] * 2 + ["RequestAgentReady"] * 2 \
    + ["RequestSingleStepConference"] * 3 + ["RequestCompleteConference"] * 3 + ["RequestDeleteFromConference"] * 2 \
    + ["RequestHoldCall"] * 2 + ["RequestRedirectCall"] * 3 \
    + ["RequestAlternateCall"] * 3 + ["RequestReconnectCall"] * 3 + ["RequestMuteTransfer"] * 2
SECOND_CALLS = {"TransferConnID", "ConferenceConnID", "PreviousConnID"}

requests = st.tuples(
    st.just("request"), st.integers(0, 2), st.sampled_from([*LIKELY, *KNOWN_REQUESTS]), st.sampled_from(DNS),
    st.sampled_from([*DNS, CUSTOMER, ANOTHER, "nonsense"]), st.integers(0, 7), st.integers(0, 7), st.integers(0, 7))
reports = st.tuples(st.just("report"), st.sampled_from(["answered", "answered", "answered", "fail", "hang_up",
                                                        "network_reached", "picked_up", "ringing"]),
                    st.integers(0, 7), st.sampled_from(CALL_STATES))
times = st.tuples(st.just("time"), st.sampled_from([0.5, 11.0, 16.0, 601.0]))
losses = st.tuples(st.just("loss"), st.integers(0, 2))
good_calls = st.tuples(st.just("talk"), st.sampled_from([*AGENTS, TRUNK]),
                       st.sampled_from([*AGENTS, CUSTOMER, ANOTHER, QUEUE]), st.booleans())
callers = st.tuples(st.just("call_in"), st.sampled_from(DNS))
conferences = st.tuples(st.just("confer"), st.sampled_from([*AGENTS, TRUNK]), st.sampled_from([*AGENTS, CUSTOMER, ANOTHER]),
                        st.booleans())
steps = st.one_of(requests, requests, requests, reports, good_calls, good_calls, conferences, callers, times, losses)


class Walk:
    """Carries out the steps and checks after each."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.clients = [self.client(place) for place in range(3)]
        for place, dn in enumerate(AGENTS):
            self.clients[place].ask("RequestAgentLogin", ThisDN=dn, AgentID=str(1001 + place),
                                    AgentPassword=PASSWORD, AgentWorkMode=2)

    def client(self, place: int) -> Client:
        return Client(self.world, ("desktop", "desktop", "ocs")[place]).watch(*DNS)

    def request(self, place: int, name: str, dn: str, other: str, call: int, second: int, mode: int) -> None:
        server, rule = self.world.server, REQUESTS[name]
        if mode:        # mostly something that makes sense; else anything at all
            sensible = [one for one in server.directory if one.kind in rule.kinds and (one.parties or not rule.call)]
            two = [one for one in sensible if len(one.parties) > 1 and one.kind.value in ("extension", "trunk-group")]
            sensible = two if two and SECOND_CALLS & {*KNOWN_REQUESTS[name]} else sensible
            dn = sensible[second % len(sensible)].number if sensible else dn
            other = CUSTOMER if name == "RequestMakePredictiveCall" else other
        here = list(server.directory.find(dn, "").parties)
        everywhere = here * 6 + list(server.board.calls) + ["0" * 16]
        client = self.clients[place]
        client.news()
        if name == "RequestDeleteFromConference" and mode and here:
            everybody = [party.name for party in server.board.calls[everywhere[call % len(everywhere)]].parties] \
                if everywhere[call % len(everywhere)] in server.board.calls else [other]
            other = everybody[second % len(everybody)]
        client.ask(name, **{
            "ThisDN": dn, "OtherDN": other, "ConnID": everywhere[call % len(everywhere)],
            **dict.fromkeys(SECOND_CALLS, everywhere[second % len(everywhere)]), "Key": "key", "MergeType": mode % 2,
            "InputMask": ["EventRinging", "EventReleased"], "AgentID": str(1001 + mode % 4),
            "AgentPassword": PASSWORD, "AgentWorkMode": mode, "UserData": (("key", mode),), "Timeout": 20,
            "ApplicationName": "ocs", "ApplicationPassword": PASSWORD, "ProtocolVersion": "1",
            "Extensions": ((("AnsMachine", "FaxDest", "VoiceDest", "x")[mode % 4], DNS[call]),) if call > 5 else (),
            "AddressInfoType": mode, "CommunicationDN": COMMUNICATION})

    def report(self, name: str, leg: int, call_state: CallState) -> None:
        legs = sorted(self.world.server.board.legs) or ["gone"]
        chosen = legs[leg % len(legs)]
        if name == "fail":
            if chosen in self.world.network.live and self.world.server.board.legs[chosen].state.name == "DIALING":
                self.world.network.fail(chosen, call_state or CallState.BUSY)
        elif name == "hang_up":
            self.world.network.hang_up(chosen)
        elif name == "answered":
            self.world.network.listener.answered(chosen, call_state)
        else:
            getattr(self.world.network.listener, name)(chosen)

    def talk(self, dn: str, other: str, consult: bool) -> None:
        """Get a call from the DN, or a consult call beside the one it has, answered as far as that is possible."""
        client, server = self.clients[0], self.world.server
        has = next(iter(server.directory.find(dn, "").parties), "")
        made = client.ask("RequestInitiateTransfer", ThisDN=dn, OtherDN=other, ConnID=has) if consult and has \
            else client.ask("RequestMakeCall", ThisDN=dn, OtherDN=other)
        call = server.board.calls.get(made.attributes.get("ConnID", ""))
        for party in list(call.parties) if call is not None else ():
            if party.leg:
                self.world.network.listener.answered(party.leg, CallState.OK)
            elif party.state.name == "ALERTING":
                client.ask("RequestAnswerCall", ThisDN=party.name, ConnID=party.call.conn_id)

    def confer(self, dn: str, other: str, consult: bool) -> None:
        """Bring somebody into a call of the DN, in one step or by way of a consult call."""
        client, server = self.clients[0], self.world.server
        has = next((party for party in server.directory.find(dn, "").parties.values() if party.state.name == "CONNECTED"), None)
        if has is None:
            return
        conn_id = has.call.conn_id
        if not consult:
            client.ask("RequestSingleStepConference", ThisDN=dn, OtherDN=other, ConnID=conn_id)
            return
        self.talk(dn, other, True)
        for second in list(server.directory.find(dn, "").parties):
            client.ask("RequestCompleteConference", ThisDN=dn, ConnID=conn_id, ConferenceConnID=second)

    def call_in(self, dn: str) -> None:
        self.world.network.call_in(dn)

    def time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.world.real_clock.advance(seconds)

    def loss(self, place: int) -> None:
        self.clients[place].session.closed()
        self.world.assert_consistent()
        self.clients[place] = self.client(place)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=20, max_size=80))
def test_no_sequence_of_requests_reports_and_losses_leaves_anything_inconsistent(walked: list[tuple[Any, ...]]) -> None:
    walk = Walk()
    for kind, *what in walked:
        getattr(walk, kind)(*what)
        for client in walk.clients:
            assert not any(message.attributes.get("ErrorCode") == 52 for message in client.news())
        walk.world.assert_consistent()
    dialed = walk.world.server.board.numbers.next()[2] - 1
    walk.world.stop()
    assert len(walk.world.log) == dialed, "every call has its line"
    assert len({call.conn_id for call in walk.world.log}) == dialed


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers(-2 ** 63, 2 ** 64 - 1) | st.floats() | st.text(max_size=8)
                    | st.binary(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
       st.sampled_from(sorted(KNOWN_REQUESTS)), st.data())
def test_any_value_in_any_attribute_is_answered(value: Any, name: str, data: Any) -> None:
    world = World()
    client = world.agent(ready=False)
    attributes = {"ThisDN": AGENTS[0], "ConnID": "0" * 16, "OtherDN": CUSTOMER, "UserData": (), "AgentID": "1001",
                  **dict.fromkeys(SECOND_CALLS, "0" * 16), "Key": "k", "InputMask": [], "ProtocolVersion": "1",
                  "ApplicationName": "ocs"}
    attributes[data.draw(st.sampled_from([*attributes, "Timeout", "AgentWorkMode", "Extensions", "Reasons", "UserEvent",
                                          "MergeType", "RouteType", "AddressInfoType", "ThisQueue"]))] = value
    client.session.receive(Message(name, 77, attributes))
    answers = [message for message in client.news() if message.reference_id == 77]
    assert len(answers) == 1 and answers[0].attributes.get("ErrorCode") != 52
    world.assert_consistent()
