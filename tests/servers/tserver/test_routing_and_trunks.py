"""The flows of docs/wire.md, section 9.4, and those of routing points, event by event."""
from __future__ import annotations

from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, ANOTHER, CUSTOMER, GSW, LOST_ROUTE, QUEUE, ROUTE, TRUNK, Client, World

A, B, C = AGENTS


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
