"""The flows of docs/wire.md, section 9, event by event."""
from __future__ import annotations

from zope.interface.verify import verifyObject

from ocs.servers.tserver.driver import ISwitchDriver
from protocols.tserver.messages import CallState
from tests.servers.tserver.world import (
    AGENTS,
    ANOTHER,
    CUSTOMER,
    LOST_ROUTE,
    QUEUE,
    ROUTE,
    SECOND_QUEUE,
    TRUNK,
    Client,
    ScriptedNetwork,
    World,
)

A, B, C = AGENTS
GSW = (("GSW_RECORD_HANDLE", 7), ("GSW_PHONE", CUSTOMER))


def test_the_scripted_network_is_a_driver() -> None:
    assert verifyObject(ISwitchDriver, ScriptedNetwork())


# -- 9.1 a call that an agent dials -------------------------------------------------------------------------------------

def test_an_agents_call_is_dialed_reaches_the_network_is_answered_and_ends_when_the_customer_hangs_up() -> None:
    world = World()
    agent = world.agent(ready=False)
    dialing = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER, UserData=GSW)
    world.network.listener.network_reached(world.network.leg)
    world.clock.advance(5)
    world.network.listener.picked_up(world.network.leg)
    world.clock.advance(1)
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.clock.advance(60)
    world.network.hang_up(world.network.leg)
    heard = agent.news()
    assert [message.name for message in heard] == [
        "EventDialing", "EventNetworkReached", "EventEstablished", "EventReleased"]
    for message in heard:
        assert {"ThisDN": A, "ThisDNRole": 1, "OtherDN": CUSTOMER, "OtherDNRole": 2, "CallType": 3, "UserData": GSW,
                "ConnID": dialing.attributes["ConnID"], "CallUUID": dialing.attributes["CallUUID"],
                "AgentID": "1001"}.items() <= message.attributes.items()
        assert (message.attributes["TimeinSecs"] + message.attributes["TimeinuSecs"] / 1e6) <= world.clock.wall()
    assert len({message.attributes["EventSequenceNumber"] for message in heard}) == 4
    assert heard[-1].attributes["CallState"] == CallState.REMOTE_RELEASE
    assert world.network.heard == [("connected", dialing.attributes["ConnID"] + "-1", A)]
    call, = world.log
    assert (call.answered_at - call.dialed_at, call.ended_at - call.dialed_at) == (5.0, 66.0)   # type: ignore[operator]
    assert (call.call_state, call.agent_dn, call.kind.value, call.destination) == (0, A, "outbound", CUSTOMER)
    world.assert_consistent()


def test_busy_is_told_before_the_release() -> None:
    world = World()
    agent = world.agent(ready=False)
    agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER)
    world.network.fail(world.network.leg, CallState.BUSY)
    assert agent.events() == [("Dialing", A, 0), ("DestinationBusy", A, 6), ("Released", A, 6)]
    assert world.results == [(6, None)]


def test_an_agent_who_gives_up_before_the_answer_leaves_a_call_that_nobody_answered() -> None:
    world = World()
    agent = world.agent(ready=False)
    conn_id = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes["ConnID"]
    assert agent.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id).name == "EventReleased"
    assert world.network.heard == [("release", world.network.leg)] and world.results == [(7, None)]
    world.network.listener.answered(world.network.leg, CallState.OK)    # crossed the release
    assert agent.events() == [("Dialing", A, 0), ("Released", A, 0)]


def test_a_machine_that_answers_an_agents_call_is_told_and_stays_in_the_log() -> None:
    world = World()
    agent = world.agent(ready=False)
    agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER)
    world.network.listener.answered(world.network.leg, CallState.ANSWERING_MACHINE_DETECTED)
    world.network.hang_up(world.network.leg)
    assert agent.events() == [("Dialing", A, 0), ("Established", A, 9), ("Released", A, 5)]
    assert world.results == [(9, A)]


# -- 9.2 a predictive call from a queue ---------------------------------------------------------------------------------

def test_a_predictive_call_is_queued_when_answered_and_diverted_to_the_agent() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE, A), world.agent(mode=1)
    ocs.news()
    conn_id = world.predictive(ocs, UserData=GSW, Timeout=25)
    assert world.network.placed[0][1:] == (CUSTOMER, 25.0, QUEUE, ())
    world.network.listener.network_reached(world.network.leg)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id).name == "EventEstablished"
    world.clock.advance(30)
    assert agent.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id).attributes["CallState"] == 0
    heard = ocs.news()
    assert [(m.name, m.attributes["ThisDN"]) for m in heard] == [
        ("EventDialing", QUEUE), ("EventNetworkReached", QUEUE), ("EventQueued", QUEUE), ("EventDiverted", QUEUE),
        ("EventRinging", A), ("EventEstablished", A), ("EventReleased", A), ("EventAgentNotReady", A)]
    assert all(m.attributes["ThisDNRole"] == 1 and m.attributes["OtherDN"] == CUSTOMER and m.attributes["CallState"] == 0
               and m.attributes["ThisQueue"] == QUEUE and m.attributes["UserData"] == GSW for m in heard[:7])
    assert heard[3].attributes["ThirdPartyDN"] == A
    assert [m.reference_id for m in heard[1:]] == [0] * 7
    assert heard[7].attributes["AgentWorkMode"] == 3
    assert world.network.heard == [("connected", world.network.leg, A), ("release", world.network.leg)]
    assert world.results == [(0, A)]
    world.assert_consistent()


def test_an_auto_in_agent_is_ready_again_after_the_call_and_gets_the_next_one() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent(mode=2)
    one = world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=one)
    world.predictive(ocs, destination=ANOTHER)
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.news()
    agent.ask("RequestReleaseCall", ThisDN=A, ConnID=one)
    assert agent.events() == [("Released", A, 0), ("AgentReady", A, 2), ("Ringing", A, 0)]
    world.assert_consistent()


def test_the_longest_idle_agent_gets_the_call_and_calls_are_served_in_order() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    second = world.agent(1)
    world.clock.advance(10)
    first = world.agent(0)
    rung = []
    for number in (CUSTOMER, ANOTHER):
        world.predictive(ocs, destination=number)
        world.network.listener.answered(world.network.leg, CallState.OK)
        rung.append([(m.attributes["ThisDN"], m.attributes["OtherDN"]) for m in (*second.news(), *first.news())])
    assert rung == [[(B, CUSTOMER)], [(A, ANOTHER)]]


def test_waiting_calls_are_given_in_the_order_in_which_they_came() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    for number in (CUSTOMER, ANOTHER):
        world.predictive(ocs, destination=number)
        world.network.listener.answered(world.network.leg, CallState.OK)
    agents = [world.agent(place) for place in (0, 1)]
    del agents
    rung = [party.call.destination for dn in (A, B) for party in world.server.directory.find(dn, "").parties.values()]
    assert rung == [CUSTOMER, ANOTHER]
    world.assert_consistent()


# -- 9.3 predictive calls that come to nothing --------------------------------------------------------------------------

def test_every_failure_of_the_network_releases_the_queue_with_its_call_state() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    for state in (3, 4, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16):
        ocs.news()
        world.predictive(ocs)
        world.network.fail(world.network.leg, CallState(state))
        assert ocs.events() == [("Dialing", QUEUE, 0), ("Released", QUEUE, state)]
        assert world.results[-1] == (state, None) and world.log[-1].answered_at is None
    world.assert_consistent()


def test_machine_and_fax_are_released_with_their_state_and_count_as_answered() -> None:
    for state in (9, 17):
        world = World()
        ocs = Client(world, "ocs").watch(QUEUE)
        world.predictive(ocs)
        ocs.news()
        world.network.listener.answered(world.network.leg, CallState(state))
        assert ocs.events() == [("Released", QUEUE, state)]
        assert world.results == [(state, None)] and world.log[0].answered_at is not None
        assert world.network.live == set()


def test_machine_and_fax_go_where_the_extensions_say_with_their_class_in_the_user_data() -> None:
    for state, key, answer_class in ((9, "AnsMachine", "AM"), (17, "FaxDest", "FAX")):
        world = World()
        ocs = Client(world, "ocs").watch(QUEUE, SECOND_QUEUE)
        world.predictive(ocs, Extensions=((key, SECOND_QUEUE),), UserData=GSW)
        ocs.news()
        world.network.listener.answered(world.network.leg, CallState(state))
        heard = ocs.news()
        assert [(m.name, m.attributes["ThisDN"], m.attributes["CallState"]) for m in heard] == [
            ("EventQueued", QUEUE, state), ("EventDiverted", QUEUE, 0), ("EventQueued", SECOND_QUEUE, 0)]
        assert heard[0].attributes["UserData"] == (*GSW, ("AnswerClass", answer_class))
        world.network.hang_up(world.network.leg)
        assert world.results == [(state, None)]


def test_a_person_goes_to_voice_dest() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent(ready=False)
    conn_id = world.predictive(ocs, Extensions=(("VoiceDest", A),))
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.events() == [("Ringing", A, 0)]
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id)
    world.assert_consistent()


def test_a_machine_whose_destination_is_taken_is_released_as_a_machine() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent(ready=False)
    agent.ask("RequestMakeCall", ThisDN=A, OtherDN=ANOTHER)
    world.predictive(ocs, Extensions=(("AnsMachine", A),))
    ocs.news()
    world.network.listener.answered(world.network.leg, CallState.ANSWERING_MACHINE_DETECTED)
    assert ocs.events() == [("Released", QUEUE, 9)]


def test_a_customer_who_hangs_up_in_the_queue_has_abandoned() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.network.hang_up(world.network.leg)
    assert ocs.events() == [("Abandoned", QUEUE, 0)] and world.results == [(21, None)]
    world.assert_consistent()


def test_a_customer_who_hangs_up_while_the_agent_rings_has_abandoned_and_the_agent_stays_first_in_line() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent()
    world.clock.advance(1)
    world.agent(1)
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.network.hang_up(world.network.leg)
    assert agent.events() == [("Ringing", A, 0), ("Abandoned", A, 0)] and world.results == [(21, None)]
    world.assert_consistent()
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.events() == [("Ringing", A, 0)]


def test_a_full_queue_releases_the_answered_call() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    for _ in range(3):
        world.predictive(ocs)
        ocs.news()
        world.network.listener.answered(world.network.leg, CallState.OK)
    assert ocs.events() == [("Released", QUEUE, 18)] and world.results == [(18, None)]
    world.assert_consistent()


def test_an_agent_who_does_not_answer_becomes_not_ready_and_the_call_goes_to_the_head_of_the_queue() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent()
    one = world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.predictive(ocs, destination=ANOTHER)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.clock.advance(14.9)
    assert agent.events() == [("Ringing", A, 0)]
    world.clock.advance(0.2)
    assert agent.events() == [("Released", A, 22), ("AgentNotReady", A, 6)]
    assert ocs.events() == [("Queued", QUEUE, 0)]
    agent.ask("RequestAgentReady", ThisDN=A)
    assert [m.attributes.get("ConnID") for m in agent.news()] == [None, one]
    world.assert_consistent()


def test_an_agent_who_declines_a_call_sends_it_back_to_the_queue() -> None:
    world = World()
    ocs, agent, other = Client(world, "ocs").watch(QUEUE), world.agent(), world.agent(1)
    conn_id = world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id).attributes["CallState"] == 22
    assert other.events() == [("Ringing", B, 0)]
    world.assert_consistent()


def test_a_call_that_waits_too_long_is_dropped() -> None:
    world = World(queue_limit_s=60)
    ocs = Client(world, "ocs").watch(QUEUE)
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.clock.advance(61)
    assert ocs.events() == [("Released", QUEUE, 26)] and world.results == [(26, None)]
    assert world.network.live == set()


def test_a_call_that_ocs_releases_in_the_queue_was_dropped_and_one_that_is_dialed_was_not_answered() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    one = world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert ocs.ask("RequestReleaseCall", ThisDN=QUEUE, ConnID=one).attributes["CallState"] == 26
    two = world.predictive(ocs)
    assert ocs.ask("RequestReleaseCall", ThisDN=QUEUE, ConnID=two).attributes["CallState"] == 0
    assert world.results == [(26, None), (7, None)]


def test_a_leg_that_is_gone_before_its_answer_is_a_general_error() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    world.predictive(ocs)
    world.network.hang_up(world.network.leg)
    assert world.results == [(3, None)]


# -- routing points -----------------------------------------------------------------------------------------------------

def test_a_routing_point_asks_and_the_call_goes_where_it_is_told() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(ROUTE, QUEUE), world.agent()
    ocs.news()
    conn_id = world.predictive(ocs, origin=ROUTE)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert ocs.ask("RequestRouteCall", ThisDN=ROUTE, ConnID=conn_id, OtherDN=QUEUE, RouteType=6).name == "EventRouteUsed"
    heard = ocs.news()
    assert [(m.name, m.attributes["ThisDN"]) for m in heard][-6:] == [
        ("EventQueued", ROUTE), ("EventRouteRequest", ROUTE), ("EventRouteUsed", ROUTE), ("EventDiverted", ROUTE),
        ("EventQueued", QUEUE), ("EventDiverted", QUEUE)]
    assert heard[-3].attributes["ThirdPartyDN"] == QUEUE and heard[-4].attributes["RouteType"] == 6
    assert agent.events() == [("Ringing", A, 0)]
    world.assert_consistent()


def test_without_instructions_the_call_goes_to_the_default_destination_or_is_dropped() -> None:
    world = World(route_timeout_s=5)
    ocs = Client(world, "ocs").watch(ROUTE, LOST_ROUTE, QUEUE)
    for origin in (ROUTE, LOST_ROUTE):
        world.predictive(ocs, origin=origin)
        world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.clock.advance(5.1)
    assert ocs.events() == [("RouteUsed", ROUTE, 0), ("Diverted", ROUTE, 0), ("Queued", QUEUE, 0),
                            ("Released", LOST_ROUTE, 26)]
    world.assert_consistent()


def test_a_default_destination_that_cannot_take_the_call_drops_it() -> None:
    world = World(route_timeout_s=5)
    ocs = Client(world, "ocs").watch(ROUTE)
    for _ in range(3):
        world.predictive(ocs, origin=ROUTE)
        world.network.listener.answered(world.network.leg, CallState.OK)
    world.clock.advance(5.1)
    assert world.results == [(26, None)]
    world.assert_consistent()


def test_a_call_can_be_routed_into_the_network() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(ROUTE)
    conn_id = world.predictive(ocs, origin=ROUTE)
    first = world.network.leg
    world.network.listener.answered(first, CallState.OK)
    ocs.ask("RequestRouteCall", ThisDN=ROUTE, ConnID=conn_id, OtherDN=ANOTHER)
    second = world.network.leg
    world.network.listener.answered(second, CallState.OK)
    assert world.network.heard == [("connected", first, ANOTHER), ("connected", second, CUSTOMER)]
    world.assert_consistent()
    world.network.hang_up(second)
    assert world.network.heard[-1] == ("release", first) and world.server.board.calls == {}


# -- 9.4 trunk groups ---------------------------------------------------------------------------------------------------

def test_a_call_from_a_trunk_group_is_established_there_and_transferred_to_the_queue() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(TRUNK, QUEUE, A), world.agent()
    ocs.news()
    conn_id = world.predictive(ocs, origin=TRUNK, UserData=GSW)
    world.network.listener.answered(world.network.leg, CallState.OK)
    released = ocs.ask("RequestSingleStepTransfer", ThisDN=TRUNK, ConnID=conn_id, OtherDN=QUEUE)
    assert released.attributes["CallState"] == 1 and released.name == "EventReleased"
    assert world.network.heard == []        # a trunk group does not talk: the person still waits
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id)
    heard = ocs.news()
    assert [(m.name, m.attributes["ThisDN"]) for m in heard] == [
        ("EventDialing", TRUNK), ("EventEstablished", TRUNK), ("EventQueued", QUEUE), ("EventReleased", TRUNK),
        ("EventDiverted", QUEUE), ("EventRinging", A), ("EventPartyChanged", A), ("EventEstablished", A)]
    assert all(m.attributes["OtherDN"] == CUSTOMER and m.attributes["ConnID"] == conn_id for m in heard)
    assert heard[6].attributes["ThirdPartyDN"] == TRUNK
    assert world.network.heard == [("connected", world.network.leg, A)]
    world.network.hang_up(world.network.leg)
    assert world.results == [(0, A)]
    world.assert_consistent()


def test_a_trunk_group_learns_what_a_negative_result_is() -> None:
    for state in (6, 7, 9, 11, 17):
        world = World()
        ocs = Client(world, "ocs").watch(TRUNK)
        world.predictive(ocs, origin=TRUNK)
        ocs.news()
        report = world.network.listener.answered if state in (9, 17) else world.network.fail
        report(world.network.leg, CallState(state))
        assert ocs.events() == [("Released", TRUNK, state)] and world.results == [(state, None)]


def test_a_trunk_group_sends_a_person_to_voice_dest_by_itself() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(TRUNK, QUEUE), world.agent()
    world.predictive(ocs, origin=TRUNK, Extensions=(("VoiceDest", QUEUE),))
    ocs.news()
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert ocs.events() == [("Established", TRUNK, 0), ("Queued", QUEUE, 0), ("Released", TRUNK, 1),
                            ("Diverted", QUEUE, 0)]
    assert agent.events() == [("Ringing", A, 0), ("PartyChanged", A, 0)]
    world.assert_consistent()


def test_a_customer_who_hangs_up_at_the_trunk_group_has_abandoned() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(TRUNK)
    world.predictive(ocs, origin=TRUNK)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.network.hang_up(world.network.leg)
    assert ocs.events() == [("Released", TRUNK, 5)] and world.results == [(21, None)]


# -- internal and engaging calls ----------------------------------------------------------------------------------------

def test_agents_call_each_other() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = one.ask("RequestMakeCall", ThisDN=A, OtherDN=B).attributes["ConnID"]
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert one.events() == [("Dialing", A, 0), ("Established", A, 0), ("Released", A, 0)]
    assert two.events() == [("Ringing", B, 0), ("Established", B, 0), ("Released", B, 5)]
    assert (world.log[0].kind.value, world.log[0].call_state, world.log[0].agent_dn) == ("internal", 0, B)
    world.assert_consistent()


def test_an_extension_that_is_busy_or_silent_is_told_to_the_caller() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    two.ask("RequestMakeCall", ThisDN=B, OtherDN=CUSTOMER)
    one.ask("RequestMakeCall", ThisDN=A, OtherDN=B)
    assert one.events() == [("Dialing", A, 0), ("DestinationBusy", A, 6), ("Released", A, 6)]
    one.ask("RequestMakeCall", ThisDN=A, OtherDN=C)
    watcher = Client(world).watch(C)
    watcher.news()
    world.clock.advance(16)
    assert one.events() == [("Dialing", A, 0), ("Released", A, 7)]
    assert watcher.events() == [("Abandoned", C, 0)]
    world.assert_consistent()


def test_a_caller_who_gives_up_leaves_an_abandoned_telephone() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = one.ask("RequestMakeCall", ThisDN=A, OtherDN=B).attributes["ConnID"]
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert two.events() == [("Ringing", B, 0), ("Abandoned", B, 0)] and world.results == [(7, None)]


def test_an_engaging_call_waits_at_the_trunk_group_and_merges_with_the_customer() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(TRUNK, QUEUE), world.agent()
    engaging = ocs.ask("RequestMakeCall", ThisDN=TRUNK, OtherDN=QUEUE).attributes["ConnID"]
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=engaging)
    assert [event[:2] for event in ocs.events()][-4:] == [
        ("Dialing", TRUNK), ("Queued", QUEUE), ("Diverted", QUEUE), ("Established", TRUNK)]
    customer = world.predictive(ocs, origin=TRUNK, UserData=GSW)
    world.network.listener.answered(world.network.leg, CallState.OK)
    for conn_id, other in ((engaging, customer), (customer, engaging)):     # in either order the customer's call stays
        if customer in world.server.directory.find(TRUNK, "").parties:
            merged = ocs.ask("RequestMergeCalls", ThisDN=TRUNK, ConnID=conn_id, TransferConnID=other)
            assert merged.name == "EventReleased" and merged.attributes["CallState"] == 1
    changed, = [m for m in agent.news() if m.name == "EventPartyChanged"]
    assert {"ConnID": customer, "PreviousConnID": engaging, "OtherDN": CUSTOMER, "CallType": 3,
            "UserData": GSW}.items() <= changed.attributes.items()
    assert world.network.heard == [("connected", world.network.leg, A)]
    assert [(call.kind.value, call.call_state) for call in world.log] == [("engaging", 1)]
    world.assert_consistent()
    agent.ask("RequestReleaseCall", ThisDN=A, ConnID=customer)
    assert world.log[-1].agent_dn == A and world.log[-1].call_state == 0


# -- 9.5 transfers ------------------------------------------------------------------------------------------------------

def talking(world: World, agent: Client, dn: str = A) -> str:
    """An agent's call to the customer, answered."""
    conn_id: str = agent.ask("RequestMakeCall", ThisDN=dn, OtherDN=CUSTOMER, UserData=GSW).attributes["ConnID"]
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.news()
    return conn_id


def test_hold_and_retrieve() -> None:
    world = World()
    agent = world.agent(ready=False)
    conn_id = talking(world, agent)
    assert agent.ask("RequestHoldCall", ThisDN=A, ConnID=conn_id).attributes["CallState"] == 50
    assert agent.refused("RequestHoldCall", ThisDN=A, ConnID=conn_id)[0] == 1712
    assert agent.ask("RequestRetrieveCall", ThisDN=A, ConnID=conn_id).attributes["CallState"] == 0
    assert agent.refused("RequestRetrieveCall", ThisDN=A, ConnID=conn_id)[0] == 1712
    assert [what[0] for what in world.network.heard] == ["connected", "held", "retrieved"]


def test_a_consult_transfer_moves_the_consulted_agent_into_the_customers_call() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    leg = world.network.leg
    dialing = one.ask("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B, UserData=(("note", "vip"),))
    consult = dialing.attributes["ConnID"]
    assert dialing.name == "EventDialing" and dialing.attributes["CallType"] == 4
    assert dialing.attributes["PreviousConnID"] == conn_id and dialing.attributes["UserData"] == (*GSW, ("note", "vip"))
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=consult)
    assert one.refused("RequestRetrieveCall", ThisDN=A, ConnID=conn_id)[0] == 79    # the consult call is in the way
    assert one.ask("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID=consult).name == "EventReleased"
    assert one.events() == [("Held", A, 50), ("Dialing", A, 0), ("Established", A, 0), ("Error", None),
                            ("Released", A, 1), ("Released", A, 1)]
    changed = two.news()[-1]
    assert changed.name == "EventPartyChanged" and changed.attributes["OtherDN"] == CUSTOMER
    assert (changed.attributes["ConnID"], changed.attributes["PreviousConnID"]) == (conn_id, consult)
    assert world.network.heard[-1] == ("connected", leg, B)
    world.assert_consistent()
    two.ask("RequestReleaseCall", ThisDN=B, ConnID=conn_id)
    assert world.results == [(1, B), (0, A)]


def test_a_transfer_may_be_completed_while_the_consulted_telephone_rings_or_the_queue_waits() -> None:
    for target in (B, QUEUE):
        world = World()
        one = world.agent(0, ready=False)
        conn_id = talking(world, one)
        consult = one.ask("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=target).attributes["ConnID"]
        one.ask("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID=consult)
        world.assert_consistent()
        two = world.agent(1)
        two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
        world.assert_consistent()
        assert world.network.heard[-1] == ("connected", world.network.leg, B)


def test_a_transfer_into_the_network_joins_two_legs_when_the_second_answers() -> None:
    world = World()
    one = world.agent(0, ready=False)
    conn_id = talking(world, one)
    first = world.network.leg
    consult = one.ask("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=ANOTHER).attributes["ConnID"]
    second = world.network.leg
    one.ask("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID=consult)
    world.network.listener.answered(second, CallState.OK)
    assert world.network.heard[-2:] == [("connected", first, ANOTHER), ("connected", second, CUSTOMER)]
    world.assert_consistent()


def test_a_single_step_transfer_to_an_agent_rings_there_and_ends_as_not_answered_if_nobody_comes() -> None:
    world = World()
    one, two = world.agent(0), world.agent(1, ready=False)
    conn_id = talking(world, one)
    one.ask("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B)
    assert one.events() == [("Released", A, 1), ("AgentNotReady", A, 3)]
    assert two.events() == [("Ringing", B, 0), ("PartyChanged", B, 0)]
    world.assert_consistent()
    world.clock.advance(16)
    assert two.events() == [("Abandoned", B, 0)]
    assert world.results == [(0, A)] and world.network.live == set()


def test_the_party_that_stays_in_a_transfer_is_told() -> None:
    world = World()
    one, two, three = (world.agent(place, ready=False) for place in range(3))
    conn_id = one.ask("RequestMakeCall", ThisDN=A, OtherDN=B).attributes["ConnID"]
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    two.news()
    one.ask("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=C)
    changed = two.news()[-1]
    assert changed.name == "EventPartyChanged" and changed.attributes["OtherDN"] == C
    three.ask("RequestAnswerCall", ThisDN=C, ConnID=conn_id)
    world.assert_consistent()


# -- user data ----------------------------------------------------------------------------------------------------------

def test_attached_pairs_are_added_and_updated_ones_replaced_and_everybody_is_told() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE, A), world.agent()
    conn_id = world.predictive(ocs, UserData=(("a", 1), ("b", 2)))
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id)
    ocs.news()
    attached = agent.ask("RequestAttachUserData", ThisDN=A, ConnID=conn_id, UserData=(("a", 3), ("c", 4)))
    assert attached.attributes["UserData"] == (("a", 1), ("b", 2), ("a", 3), ("c", 4))
    updated = agent.ask("RequestUpdateUserData", ThisDN=A, ConnID=conn_id, UserData=(("a", 9), ("d", "x")))
    assert updated.attributes["UserData"] == (("a", 9), ("b", 2), ("c", 4), ("d", "x"))
    assert updated.attributes["ThirdPartyDN"] == A
    assert [m.reference_id for m in ocs.news()] == [0, 0]


# -- the end ------------------------------------------------------------------------------------------------------------

def test_stopping_releases_and_logs_every_call_and_leaves_no_timer() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent()
    for _ in range(3):
        world.predictive(ocs)
        world.network.listener.answered(world.network.leg, CallState.OK)
    world.predictive(ocs)
    agent.session.closed()
    ocs.news()
    world.stop()
    assert sorted(ocs.events()) == [("Released", QUEUE, 26)] * 3
    assert world.results == [(26, None)] * 4
