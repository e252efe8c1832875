"""The flows of docs/wire.md, sections 9.2 and 9.3: predictive calls from a queue, event by event."""
from __future__ import annotations

from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, ANOTHER, CUSTOMER, GSW, QUEUE, SECOND_QUEUE, Client, World

A, B, C = AGENTS


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
