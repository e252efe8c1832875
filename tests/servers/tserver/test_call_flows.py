"""The flows of docs/wire.md, section 9, event by event: calls that agents dial, user data, the end."""
from __future__ import annotations

from zope.interface.verify import verifyObject

from ocs.servers.tserver.driver import ISwitchDriver
from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, CUSTOMER, GSW, QUEUE, TRUNK, Client, ScriptedNetwork, World

A, B, C = AGENTS


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
