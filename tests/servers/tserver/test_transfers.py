"""The flows of docs/wire.md, section 9.5: transfers, event by event."""
from __future__ import annotations

from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, ANOTHER, CUSTOMER, GSW, QUEUE, Client, World

A, B, C = AGENTS


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
