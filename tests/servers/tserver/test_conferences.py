"""Conferences, second calls and calls that ring on: the flows of docs/wire.md, sections 9.5 and 9.7, event by event."""
from __future__ import annotations

import pytest

from protocols.tserver.messages import CallState
from tests.servers.tserver.world import AGENTS, ANOTHER, CUSTOMER, QUEUE, ROUTE, TRUNK, Client, World

A, B, C = AGENTS


def talking(world: World, agent: Client, number: str = CUSTOMER) -> str:
    """The agent at A has dialed a number, which answered; the ConnID."""
    conn_id: str = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=number, UserData=(("note", "vip"),)).attributes["ConnID"]
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.news()
    return conn_id


def consulting(world: World, one: Client, two: Client, conn_id: str) -> str:
    """The agent at A has the customer on hold and talks with the agent at B; the consult call's ConnID."""
    consult: str = one.ask("RequestInitiateConference", ThisDN=A, ConnID=conn_id, OtherDN=B).attributes["ConnID"]
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=consult)
    one.news()
    two.news()
    return consult


def conference(world: World, one: Client, two: Client) -> str:
    """A, B and the customer in one call; its ConnID."""
    conn_id = talking(world, one)
    consult = consulting(world, one, two, conn_id)
    one.ask("RequestCompleteConference", ThisDN=A, ConnID=conn_id, ConferenceConnID=consult)
    one.news()
    two.news()
    world.network.heard.clear()
    return conn_id


def parties(world: World, conn_id: str) -> set[str]:
    return {party.name for party in world.server.board.calls[conn_id].parties}


# -- by way of a consult call -----------------------------------------------------------------------------------------

def test_a_consulted_agent_is_brought_into_the_customers_call() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    leg, consult = world.network.leg, consulting(world, one, two, conn_id)
    answer = one.ask("RequestCompleteConference", ThisDN=A, ConnID=conn_id, ConferenceConnID=consult)
    assert (answer.name, answer.attributes["ConnID"], answer.attributes["CallState"]) == ("EventReleased", consult, 2)
    released, retrieved, added = one.news()
    assert released == answer and retrieved.name == "EventRetrieved" and retrieved.attributes["ConnID"] == conn_id
    assert added.name == "EventPartyAdded" and {
        "ConnID": conn_id, "OtherDN": B, "OtherDNRole": 4, "ThirdPartyDN": A, "ThirdPartyDNRole": 9,
        "UserData": (("note", "vip"),)}.items() <= added.attributes.items()
    changed, = two.news()
    assert changed.name == "EventPartyChanged" and {
        "ConnID": conn_id, "PreviousConnID": consult, "OtherDN": CUSTOMER, "ThisDNRole": 3, "ThirdPartyDN": A,
        "ThirdPartyDNRole": 9}.items() <= changed.attributes.items()
    assert world.network.heard[-2:] == [("retrieved", leg), ("connected", leg, A)]
    assert parties(world, conn_id) == {A, B, CUSTOMER} and world.results == [(2, B)]
    world.assert_consistent()


def test_the_conference_goes_on_without_whoever_leaves_and_ends_with_the_last_but_one() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = conference(world, one, two)
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert one.events() == [("Released", A, 0)]
    deleted, = two.news()
    assert deleted.name == "EventPartyDeleted" and {
        "OtherDN": A, "OtherDNRole": 8, "CallState": 0}.items() <= deleted.attributes.items()
    assert "ThirdPartyDN" not in deleted.attributes and parties(world, conn_id) == {B, CUSTOMER}
    world.assert_consistent()
    world.network.hang_up(next(iter(world.network.live)))
    assert two.events() == [("Released", B, 5)] and world.server.board.calls == {}
    assert world.results == [(2, B), (0, A)]


def test_agents_may_go_on_when_the_customer_hangs_up() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = conference(world, one, two)
    world.network.hang_up(next(iter(world.network.live)))
    assert one.events() == [("PartyDeleted", A, 0)] and two.events() == [("PartyDeleted", B, 0)]
    assert parties(world, conn_id) == {A, B}
    two.ask("RequestReleaseCall", ThisDN=B, ConnID=conn_id)
    assert one.events() == [("Released", A, 5)] and world.results[-1] == (0, A)


def test_the_customer_is_on_hold_only_when_everybody_else_has_put_the_call_on_hold() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = conference(world, one, two)
    leg, = world.network.live
    one.ask("RequestHoldCall", ThisDN=A, ConnID=conn_id)
    assert world.network.heard == []
    two.ask("RequestHoldCall", ThisDN=B, ConnID=conn_id)
    one.ask("RequestRetrieveCall", ThisDN=A, ConnID=conn_id)
    assert world.network.heard == [("held", leg), ("retrieved", leg)]
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert world.network.heard[2:] == [("held", leg)]
    world.assert_consistent()


def test_merging_as_a_conference_keeps_the_call_with_the_network_and_who_asked() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(TRUNK), world.agent(ready=False)
    engaging = ocs.ask("RequestMakeCall", ThisDN=TRUNK, OtherDN=A).attributes["ConnID"]
    agent.ask("RequestAnswerCall", ThisDN=A, ConnID=engaging)
    customer = world.predictive(ocs, TRUNK)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.ask("RequestMergeCalls", ThisDN=TRUNK, ConnID=customer, TransferConnID=engaging, MergeType=1)
    assert parties(world, customer) == {TRUNK, A, CUSTOMER} and agent.news()[-1].attributes["PreviousConnID"] == engaging
    assert world.network.heard[-1] == ("connected", world.network.leg, A)
    ocs.ask("RequestReleaseCall", ThisDN=TRUNK, ConnID=customer)
    assert parties(world, customer) == {A, CUSTOMER}
    world.assert_consistent()


def test_a_conference_of_calls_that_are_not_both_connected_is_refused_and_changes_nothing() -> None:
    world = World(conference_parties=3)
    one, two, three = world.agent(0, ready=False), world.agent(1, ready=False), world.agent(2, ready=False)
    conn_id = talking(world, one)
    consult = one.ask("RequestInitiateConference", ThisDN=A, ConnID=conn_id, OtherDN=B).attributes["ConnID"]

    def complete(first: str, second: str) -> int:
        return one.refused("RequestCompleteConference", ThisDN=A, ConnID=first, ConferenceConnID=second)[0]

    assert complete(conn_id, consult) == 1712                       # it still rings there
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=consult)
    assert complete(conn_id, conn_id) == 1712 and complete(conn_id, "0" * 16) == 56
    one.ask("RequestCompleteConference", ThisDN=A, ConnID=conn_id, ConferenceConnID=consult)
    other = one.ask("RequestInitiateConference", ThisDN=A, ConnID=conn_id, OtherDN=C).attributes["ConnID"]
    three.ask("RequestAnswerCall", ThisDN=C, ConnID=other)
    assert complete(conn_id, other) == 166                          # a fourth
    assert one.refused("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID="0" * 16)[0] == 56
    one.ask("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID=other)      # three are not too many
    assert parties(world, conn_id) == {B, C, CUSTOMER}
    world.assert_consistent()


# -- in one step ------------------------------------------------------------------------------------------------------

def test_a_telephone_is_called_into_the_call_and_is_a_party_from_its_ringing_on() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    answer = one.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=B, UserData=(("why", "help"),))
    assert answer.name == "EventPartyAdded" and {
        "OtherDN": B, "OtherDNRole": 4, "ThirdPartyDN": A, "ThirdPartyDNRole": 5}.items() <= answer.attributes.items()
    ringing, = two.news()
    assert ringing.name == "EventRinging" and ringing.attributes["UserData"] == (("note", "vip"), ("why", "help"))
    world.assert_consistent()
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    assert two.events() == [("Established", B, 0)] and parties(world, conn_id) == {A, B, CUSTOMER}


def test_a_telephone_that_is_not_answered_leaves_the_conference_and_the_call_goes_on() -> None:
    for ends in ("rings out", "declines", "caller deletes it"):
        world = World()
        one, two = world.agent(0, ready=False), world.agent(1, ready=False)
        conn_id = talking(world, one)
        one.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=B)
        one.news()
        two.news()
        if ends == "rings out":
            world.clock.advance(15.1)
        elif ends == "declines":
            two.ask("RequestReleaseCall", ThisDN=B, ConnID=conn_id)
        else:
            one.ask("RequestDeleteFromConference", ThisDN=A, ConnID=conn_id, OtherDN=B)
        assert one.events() == [("PartyDeleted", A, 7 if ends == "rings out" else 0)], ends
        assert two.events() == [("Released", B, 26) if ends == "declines" else ("Abandoned", B, 0)]
        assert parties(world, conn_id) == {A, CUSTOMER} and world.results == []
        world.assert_consistent()


def test_a_number_is_called_into_the_call_and_may_be_busy() -> None:
    world = World()
    one = world.agent(0, ready=False)
    conn_id = talking(world, one)
    first = world.network.leg
    for outcome in ("busy", "answered"):
        one.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=ANOTHER, Timeout=20)
        assert world.network.placed[-1][1:4] == (ANOTHER, 20.0, A)
        one.news()
        if outcome == "busy":
            world.network.fail(world.network.leg, CallState.BUSY)
            assert one.events() == [("PartyDeleted", A, 6)] and parties(world, conn_id) == {A, CUSTOMER}
        world.assert_consistent()
    world.network.listener.answered(world.network.leg, CallState.ANSWERING_MACHINE_DETECTED)
    assert set(world.network.heard) >= {("connected", first, A), ("connected", world.network.leg, A)}
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)         # the customer goes on with the other number
    assert parties(world, conn_id) == {CUSTOMER, ANOTHER}
    world.network.hang_up(first)
    assert world.results == [(0, A)] and world.network.live == set()


def test_nobody_left_who_talks_ends_the_call() -> None:
    world = World()
    one, two, three = world.agent(0, ready=False), world.agent(1, ready=False), world.agent(2, ready=False)
    conn_id = talking(world, one)
    for dn in (B, C):
        one.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=dn)
    world.network.hang_up(world.network.leg)
    assert parties(world, conn_id) == {A, B, C}
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert two.events()[-1] == ("Abandoned", B, 0) and three.events()[-1] == ("Abandoned", C, 0)
    assert world.server.board.calls == {}
    world.assert_consistent()


def test_who_cannot_be_called_into_a_call() -> None:
    world = World(conference_parties=3)
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)

    def code(other: str, **attributes: object) -> int:
        return one.refused("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=other, **attributes)[0]

    assert code(QUEUE) == code(ROUTE) == code(TRUNK) == code(A) == code("nonsense") == 71
    assert code(CUSTOMER) == 93
    assert code(B, UserData=(("k", "x" * 16_000),)) == 53
    two.ask("RequestMakeCall", ThisDN=B, OtherDN=ANOTHER)
    assert code(B) == 93
    one.ask("RequestHoldCall", ThisDN=A, ConnID=conn_id)
    assert code(C) == 1712
    one.ask("RequestRetrieveCall", ThisDN=A, ConnID=conn_id)
    one.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN=C)
    assert code(ANOTHER) == 166 and code(C) == 93
    world.assert_consistent()


# -- out again --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("who", [B, CUSTOMER])
def test_a_party_is_taken_out_of_the_conference(who: str) -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = conference(world, one, two)
    answer = one.ask("RequestDeleteFromConference", ThisDN=A, ConnID=conn_id, OtherDN=who)
    assert answer.name == "EventPartyDeleted" and {
        "OtherDN": who, "OtherDNRole": 8, "ThirdPartyDN": A, "ThirdPartyDNRole": 6}.items() <= answer.attributes.items()
    assert two.events() == ([("Released", B, 26)] if who == B else [("PartyDeleted", B, 0)])
    assert parties(world, conn_id) == {A, B, CUSTOMER} - {who} and bool(world.network.live) == (who == B)
    world.assert_consistent()
    assert one.refused("RequestDeleteFromConference", ThisDN=A, ConnID=conn_id, OtherDN=who)[0] == 1712     # two are left


def test_only_a_party_that_is_there_can_be_deleted() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = conference(world, one, two)
    for other in (C, A, "nonsense"):
        assert one.refused("RequestDeleteFromConference", ThisDN=A, ConnID=conn_id, OtherDN=other) == (53, "OtherDN")


def test_a_member_transfers_its_place() -> None:
    world = World()
    one, two, three = world.agent(0, ready=False), world.agent(1, ready=False), world.agent(2, ready=False)
    conn_id = conference(world, one, two)
    two.ask("RequestSingleStepTransfer", ThisDN=B, ConnID=conn_id, OtherDN=C)
    changed, = one.news()
    assert changed.name == "EventPartyChanged" and {
        "OtherDN": C, "ThirdPartyDN": B, "ThirdPartyDNRole": 7}.items() <= changed.attributes.items()
    three.ask("RequestAnswerCall", ThisDN=C, ConnID=conn_id)
    assert parties(world, conn_id) == {A, C, CUSTOMER}
    world.assert_consistent()


# -- two calls at one telephone ---------------------------------------------------------------------------------------

def test_an_agent_alternates_between_two_calls() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    consult = consulting(world, one, two, conn_id)
    answer = one.ask("RequestAlternateCall", ThisDN=A, ConnID=consult, PreviousConnID=conn_id)
    assert (answer.name, answer.attributes["ConnID"]) == ("EventHeld", consult)
    assert [(m.name, m.attributes["ConnID"]) for m in one.news()] == [("EventHeld", consult), ("EventRetrieved", conn_id)]
    assert one.refused("RequestAlternateCall", ThisDN=A, ConnID=consult, PreviousConnID=conn_id)[0] == 1712
    assert one.refused("RequestAlternateCall", ThisDN=A, ConnID=conn_id, PreviousConnID="1") == (56, "PreviousConnID")
    world.assert_consistent()


@pytest.mark.parametrize("answered", [True, False])
def test_an_agent_gives_a_consultation_up_and_goes_back_to_the_customer(answered: bool) -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    consult = one.ask("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B).attributes["ConnID"]
    if answered:
        two.ask("RequestAnswerCall", ThisDN=B, ConnID=consult)
    one.news()
    answer = one.ask("RequestReconnectCall", ThisDN=A, ConnID=consult, PreviousConnID=conn_id)
    assert (answer.name, answer.attributes["ConnID"]) == ("EventReleased", consult)
    assert [(m.name, m.attributes["ConnID"]) for m in one.news()] == [("EventReleased", consult), ("EventRetrieved", conn_id)]
    assert two.events()[-1] == (("Released", B, 5) if answered else ("Abandoned", B, 0))
    assert world.network.heard[-1] == ("retrieved", world.network.leg) and parties(world, conn_id) == {A, CUSTOMER}
    assert one.refused("RequestReconnectCall", ThisDN=A, ConnID=conn_id, PreviousConnID=conn_id)[0] == 1712
    world.assert_consistent()


def test_a_mute_transfer_does_not_wait_for_an_answer() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = talking(world, one)
    answer = one.ask("RequestMuteTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B)
    assert (answer.name, answer.attributes["ConnID"], answer.attributes["CallState"]) == ("EventReleased", conn_id, 1)
    assert one.events() == [("Held", A, 50), ("Dialing", A, 0), ("Released", A, 1), ("Released", A, 1)]
    assert [(m.name, m.attributes["ConnID"] == conn_id) for m in two.news()] == [
        ("EventRinging", False), ("EventPartyChanged", True)]
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    assert parties(world, conn_id) == {B, CUSTOMER}
    world.assert_consistent()


def test_a_mute_transfer_to_where_no_call_can_go_is_refused_and_the_call_stays_connected() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    two.ask("RequestMakeCall", ThisDN=B, OtherDN=ANOTHER)
    conn_id = talking(world, one)
    assert one.refused("RequestMuteTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B)[0] == 93
    assert one.refused("RequestMuteTransfer", ThisDN=A, ConnID=conn_id, OtherDN="nonsense")[0] == 71
    assert one.events() == [("Error", None)] * 2 and parties(world, conn_id) == {A, CUSTOMER}


# -- redirection ------------------------------------------------------------------------------------------------------

def test_a_call_that_rings_is_redirected_and_its_agent_stays_ready() -> None:
    world = World()
    ocs, one, two = Client(world, "ocs").watch(QUEUE), world.agent(0), world.agent(1, ready=False)
    conn_id = world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    one.news()
    answer = one.ask("RequestRedirectCall", ThisDN=A, ConnID=conn_id, OtherDN=B)
    assert answer.name == "EventReleased" and {
        "CallState": 22, "ThirdPartyDN": B, "ThirdPartyDNRole": 2}.items() <= answer.attributes.items()
    assert two.events() == [("Ringing", B, 0)] and world.server.directory.find(QUEUE, "").queue.idle_count == 1
    world.assert_consistent()
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    assert world.network.heard[-1] == ("connected", world.network.leg, B)
    assert one.refused("RequestRedirectCall", ThisDN=A, ConnID=conn_id, OtherDN=B)[0] == 56
    assert two.refused("RequestRedirectCall", ThisDN=B, ConnID=conn_id, OtherDN=A)[0] == 1712      # it does not ring any more


def test_an_internal_call_is_redirected_into_the_network_and_established_when_that_answers() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    conn_id = one.ask("RequestMakeCall", ThisDN=A, OtherDN=B).attributes["ConnID"]
    two.ask("RequestRedirectCall", ThisDN=B, ConnID=conn_id, OtherDN=CUSTOMER)
    world.assert_consistent()
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert one.events()[-1] == ("Established", A, 0) and parties(world, conn_id) == {A, CUSTOMER}


# -- user data, input masks -------------------------------------------------------------------------------------------

def test_user_data_are_taken_away_pair_by_pair_or_all_at_once() -> None:
    world = World()
    one = world.agent(ready=False)
    conn_id = talking(world, one)
    data = (("a", 1), ("b", 2), ("a", 3))
    one.ask("RequestAttachUserData", ThisDN=A, ConnID=conn_id, UserData=data)
    answer = one.ask("RequestDeletePair", ThisDN=A, ConnID=conn_id, Key="a")
    assert answer.name == "EventAttachedDataChanged" and answer.user_data == (("note", "vip"), ("b", 2))
    assert one.ask("RequestDeletePair", ThisDN=A, ConnID=conn_id, Key="a").user_data == (("note", "vip"), ("b", 2))
    assert one.ask("RequestDeleteUserData", ThisDN=A, ConnID=conn_id).user_data == ()
    assert one.refused("RequestDeletePair", ThisDN=A, ConnID=conn_id) == (53, "Key")


def test_a_client_hears_the_events_in_its_mask_and_its_answers() -> None:
    world = World()
    one, watcher = world.agent(ready=False), Client(world).watch(A)
    assert watcher.ask("RequestSetInputMask", InputMask=["EventReleased"]).name == "EventACK"
    conn_id = talking(world, one)
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_id)
    assert watcher.events()[-1:] == [("Released", A, 0)] and len(one.news()) == 1
    assert watcher.ask("RequestAgentReady", ThisDN=A).name == "EventAgentReady"
    watcher.news()
    watcher.ask("RequestSetInputMask")
    talking(world, one)
    assert [name for name, *_ in watcher.events()] == ["ACK", "Dialing", "Established"]
    for wrong in ("EventReleased", [1], ["x"] * 257):
        assert watcher.refused("RequestSetInputMask", InputMask=wrong) == (53, "InputMask")
