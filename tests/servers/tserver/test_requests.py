"""Requests that are refused: the code, the attribute that the text names, and that nothing changed. And the queries."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.servers.tserver.requests.table import REQUESTS
from protocols.tserver.messages import KNOWN_REQUESTS, CallState
from tests.servers.tserver.world import (
    AGENTS,
    ANOTHER,
    COMMUNICATION,
    CUSTOMER,
    PASSWORD,
    QUEUE,
    ROUTE,
    SECOND_QUEUE,
    TRUNK,
    Client,
    World,
)

A, B, C = AGENTS
LOGIN: dict[str, Any] = {"ThisDN": A, "AgentID": "1001", "AgentPassword": PASSWORD}


def test_the_table_has_a_rule_for_every_known_request_and_no_other() -> None:
    assert REQUESTS.keys() == KNOWN_REQUESTS.keys()


@pytest.mark.parametrize("name", [name for name, needed in KNOWN_REQUESTS.items() if needed])
def test_a_missing_attribute_is_named(name: str) -> None:
    client = Client(World(), register=name != "RequestRegisterClient")
    values = {"UserData": (), "ProtocolVersion": "1"}
    for missing in KNOWN_REQUESTS[name]:
        attributes = {one: values.get(one, A) for one in KNOWN_REQUESTS[name] if one != missing}
        assert client.refused(name, **attributes) == (53, missing)


@pytest.mark.parametrize("attribute,value", [
    ("ThisDN", 7001), ("ThisDN", None), ("ThisDN", b"7001"), ("ThisDN", ["7001"]), ("AgentWorkMode", "2"),
    ("AgentWorkMode", True), ("AgentWorkMode", 99), ("AgentWorkMode", 1.0), ("Reasons", "a"), ("Timeout", "5")])
def test_a_value_of_the_wrong_type_is_named(attribute: str, value: object) -> None:
    world = World()
    client = world.agent(ready=False)
    assert client.refused("RequestAgentReady", **{"ThisDN": A, attribute: value}) == (53, attribute)
    assert client.ask("RequestQueryAddress", ThisDN=A).attributes["Extensions"][0] == ("AgentStatus", 3)


def test_unknown_requests_are_refused_and_the_client_goes_on() -> None:
    client = Client(World())
    for name in ("RequestTeleport", "EventRinging", "", "x" * 10_000):
        assert client.refused(name)[0] == 51
    assert client.ask("RequestQueryServer").name == "EventServerInfo"


def test_a_bug_in_the_server_is_told_as_an_internal_error_and_logged(logged: Any) -> None:
    world = World()
    client = Client(world)
    world.server.directory.find = None      # type: ignore[method-assign, assignment]
    assert client.refused("RequestRegisterAddress", ThisDN=A)[0] == 52
    assert len(logged.failures(TypeError)) == 1


# -- DNs ----------------------------------------------------------------------------------------------------------------

def test_a_dn_must_exist_and_be_registered_and_of_the_right_kind() -> None:
    client = Client(World()).watch(QUEUE, TRUNK, COMMUNICATION)
    assert client.refused("RequestRegisterAddress", ThisDN="9999") == (59, "ThisDN")
    assert client.refused("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER) == (41, "ThisDN")
    assert client.refused("RequestUnregisterAddress", ThisDN=A) == (41, "ThisDN")
    assert client.refused("RequestMakeCall", ThisDN=QUEUE, OtherDN=CUSTOMER) == (128, "ThisDN")
    assert client.refused("RequestAgentLogin", **{**LOGIN, "ThisDN": TRUNK}) == (128, "ThisDN")
    assert client.refused("RequestMakePredictiveCall", ThisDN=COMMUNICATION, OtherDN=CUSTOMER) == (128, "ThisDN")
    assert client.ask("RequestUnregisterAddress", ThisDN=QUEUE).name == "EventUnregistered"
    assert client.refused("RequestUnregisterAddress", ThisDN=QUEUE) == (41, "ThisDN")


def test_registration_tells_of_agent_and_calls_in_progress() -> None:
    world = World()
    agent, client = world.agent(mode=2), Client(world)
    conn_id = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes["ConnID"]
    for _ in range(2):
        told = client.ask("RequestRegisterAddress", ThisDN=A)
        assert told.attributes["AgentID"] == "1001" and told.attributes["ThisQueue"] == QUEUE
        assert told.attributes["Extensions"] == (("AgentStatus", 2), ("AgentWorkMode", 2), ("calls", 1),
                                                 ("conn-1", conn_id), ("ct-1", 3), ("ps-1", 0x10000))


def test_many_calls_at_a_dn_are_told_page_by_page() -> None:
    world = World()
    client = Client(world).watch(TRUNK)
    conn_ids = [world.predictive(client, origin=TRUNK) for _ in range(650)]
    found: list[Any] = []
    while len(found) < 650:
        answer = client.ask("RequestQueryAddress", ThisDN=TRUNK, Extensions=(("first-call", len(found) + 1),))
        assert ("calls", 650) in answer.attributes["Extensions"] and len(answer.attributes["Extensions"]) <= 1_024
        found += [value for key, value in answer.attributes["Extensions"] if key.startswith("conn-")]
    assert found == conn_ids
    for wrong in (0, -1, "1"):
        assert client.refused("RequestQueryAddress", ThisDN=TRUNK, Extensions=(("first-call", wrong),))[0] == 53


# -- agents -------------------------------------------------------------------------------------------------------------

def test_log_in_is_refused_with_the_public_codes() -> None:
    world = World()
    world.agent(2, ready=False)
    client = Client(world).watch(A, B, C)
    assert client.refused("RequestAgentLogin", **{**LOGIN, "AgentID": "nobody"}) == (1703, "AgentID")
    assert client.refused("RequestAgentLogin", **{**LOGIN, "AgentPassword": "wrong"}) == (1705, "AgentPassword")
    assert client.refused("RequestAgentLogin", ThisDN=A, AgentID="1001") == (1705, "AgentPassword")
    assert client.refused("RequestAgentLogin", **LOGIN, ThisQueue="9999") == (59, "ThisQueue")
    assert client.refused("RequestAgentLogin", **LOGIN, ThisQueue=TRUNK) == (53, "ThisQueue")
    assert client.refused("RequestAgentLogin", **{**LOGIN, "AgentID": "1003"}) == (1704, "AgentID")
    client.ask("RequestAgentLogin", **LOGIN)
    assert client.refused("RequestAgentLogin", **LOGIN) == (1706, "AgentID")
    assert client.refused("RequestAgentLogin", **{**LOGIN, "AgentID": "1002"}) == (1706, "ThisDN")


def test_an_agent_logs_in_becomes_ready_and_not_ready_and_logs_out() -> None:
    world = World()
    client = Client(world).watch(A)
    client.news()
    reasons = (("why", "lunch"),)
    client.ask("RequestAgentLogin", **LOGIN)
    client.ask("RequestAgentReady", ThisDN=A, AgentWorkMode=1)
    client.ask("RequestAgentReady", ThisDN=A, AgentWorkMode=1)      # asked again: told again
    told = client.ask("RequestAgentNotReady", ThisDN=A, AgentWorkMode=4, Reasons=reasons)
    assert told.attributes["Reasons"] == reasons and told.attributes["AgentID"] == "1001"
    client.ask("RequestAgentNotReady", ThisDN=A, AgentWorkMode=3)
    assert client.refused("RequestAgentLogout", ThisDN=A, AgentID="1002") == (1703, "AgentID")
    client.ask("RequestAgentLogout", ThisDN=A)
    assert [event for event in client.events() if event[0] != "Error"] == [
        ("AgentLogin", A, 0), ("AgentNotReady", A, 0), ("AgentReady", A, 1), ("AgentReady", A, 1),
        ("AgentNotReady", A, 4), ("AgentNotReady", A, 3), ("AgentLogout", A, 0)]
    assert client.refused("RequestAgentLogout", ThisDN=A)[0] == 1707
    assert client.refused("RequestAgentReady", ThisDN=A)[0] == 187
    assert client.refused("RequestAgentNotReady", ThisDN=A)[0] == 187
    assert client.ask("RequestAgentLogin", **LOGIN, AgentWorkMode=2).name == "EventAgentLogin"
    assert client.refused("RequestAgentReady", ThisDN=A, AgentWorkMode=4) == (53, "AgentWorkMode")
    assert ("AgentReady", A, 2) in client.events()


def test_asking_for_ready_again_does_not_cost_an_agent_its_place_in_line() -> None:
    world = World()
    first = world.agent(0)
    world.clock.advance(1)
    world.agent(1)
    first.ask("RequestAgentReady", ThisDN=A, AgentWorkMode=1)
    first.news()
    ocs = Client(world, "ocs").watch(QUEUE)
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert first.events() == [("Ringing", A, 0)]


def test_a_log_in_to_another_queue_serves_that_queue() -> None:
    world = World()
    agent, ocs = world.agent(queue=SECOND_QUEUE), Client(world, "ocs").watch(QUEUE, SECOND_QUEUE)
    world.predictive(ocs, origin=QUEUE)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.events() == []
    world.predictive(ocs, origin=SECOND_QUEUE)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.events() == [("Ringing", A, 0)]


# -- calls --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", ["", "5550100", "+", "+0123456", "+1555 0100", "+1555;0100", "+" + "1" * 16, "+１５５５",
                                    COMMUNICATION, TRUNK, A])
def test_calls_go_to_dns_that_take_calls_and_to_e164_numbers_only(number: str) -> None:
    world = World()
    agent = world.agent(ready=False)
    assert agent.refused("RequestMakeCall", ThisDN=A, OtherDN=number) == (71, "OtherDN")
    assert world.server.board.calls == {} and world.network.placed == []


def test_predictive_calls_leave_for_the_network_with_sound_options() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    ask = {"ThisDN": QUEUE, "OtherDN": CUSTOMER}
    assert ocs.refused("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=A) == (71, "OtherDN")
    for timeout in (0, -1, float("nan"), float("inf"), 601):
        assert ocs.refused("RequestMakePredictiveCall", **ask, Timeout=timeout) == (53, "Timeout")
    for key, value in (("AnsMachine", "9999"), ("FaxDest", COMMUNICATION), ("VoiceDest", 5)):
        assert ocs.refused("RequestMakePredictiveCall", **ask, Extensions=((key, value),)) == (53, f"Extensions.{key}")
    assert ocs.refused("RequestMakePredictiveCall", **ask, UserData=(("k", "x" * 16_000),)) == (53, "UserData")
    assert world.server.board.calls == {} and world.network.placed == []


def test_the_number_of_calls_is_bounded() -> None:
    world = World(calls=2)
    ocs = Client(world, "ocs").watch(QUEUE)
    for _ in range(2):
        world.predictive(ocs)
    assert ocs.refused("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER)[0] == 166


def test_an_extension_has_one_call_that_is_not_on_hold() -> None:
    world = World()
    agent = world.agent(ready=False)
    agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER)
    assert agent.refused("RequestMakeCall", ThisDN=A, OtherDN=ANOTHER) == (79, "ThisDN")


def test_call_control_needs_a_call_at_the_dn_in_the_right_state() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(ROUTE, QUEUE, TRUNK), world.agent(ready=False)
    conn_id = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER, UserData=(("a", "b"),)).attributes["ConnID"]
    for name in ("AnswerCall", "ReleaseCall", "HoldCall", "RetrieveCall"):
        for wrong in ("", "0" * 16, "nonsense"):
            assert agent.refused(f"Request{name}", ThisDN=A, ConnID=wrong) == (56, "ConnID")
    for name in ("AnswerCall", "HoldCall", "RetrieveCall"):
        assert agent.refused(f"Request{name}", ThisDN=A, ConnID=conn_id)[0] == 1712
    assert agent.refused("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=QUEUE)[0] == 1712
    assert agent.refused("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=QUEUE)[0] == 1712
    assert agent.refused("RequestCompleteTransfer", ThisDN=A, ConnID=conn_id, TransferConnID="1") == (
        56, "TransferConnID")
    assert agent.refused("RequestMergeCalls", ThisDN=A, ConnID=conn_id, TransferConnID=conn_id)[0] == 1712
    assert agent.refused("RequestMergeCalls", ThisDN=A, ConnID=conn_id, TransferConnID=conn_id, MergeType=2) == (
        53, "MergeType")
    assert ocs.refused("RequestRouteCall", ThisDN=ROUTE, ConnID=conn_id, OtherDN=QUEUE) == (56, "ConnID")
    dialing = world.predictive(ocs, origin=ROUTE)
    assert ocs.refused("RequestRouteCall", ThisDN=ROUTE, ConnID=dialing, OtherDN=QUEUE)[0] == 1712
    world.assert_consistent()


def test_transfers_to_where_no_call_can_go_change_nothing() -> None:
    world = World()
    agent, other = world.agent(ready=False), world.agent(1, ready=False)
    other.ask("RequestMakeCall", ThisDN=B, OtherDN=ANOTHER)
    conn_id = agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes["ConnID"]
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.refused("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B) == (93, "OtherDN")
    for number in (A, COMMUNICATION, "5550100"):
        assert agent.refused("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=number) == (71, "OtherDN")
        assert agent.refused("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=number) == (71, "OtherDN")
    big = (("k", "x" * 16_000),)
    assert agent.refused("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=C, UserData=big)[0] == 53
    assert agent.refused("RequestInitiateTransfer", ThisDN=A, ConnID=conn_id, OtherDN=C, UserData=big)[0] == 53
    assert agent.refused("RequestAttachUserData", ThisDN=A, ConnID=conn_id, UserData=big) == (53, "UserData")
    assert agent.refused("RequestUpdateUserData", ThisDN=A, ConnID=conn_id,
                         UserData=tuple((str(n), 0) for n in range(1_025))) == (53, "UserData")
    party, = world.server.directory.find(A, "").parties.values()
    assert party.state.name == "CONNECTED" and party.call.user_data == ()
    world.assert_consistent()


# -- user events and queries --------------------------------------------------------------------------------------------

def test_a_user_event_is_acknowledged_and_reaches_every_client_on_the_dn_the_sender_included() -> None:
    world = World()
    ocs, agent, stranger = Client(world, "ocs").watch(A), world.agent(), Client(world)
    ocs.news()
    data = (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_RECORD_HANDLE", 7))
    assert agent.ask("RequestDistributeUserEvent", ThisDN=A, UserEvent=96, UserData=data).name == "EventACK"
    for client in (ocs, agent):
        event = client.news()[-1]
        assert event.name == "EventUserEvent" and event.reference_id == 0
        assert {"ThisDN": A, "UserEvent": 96, "UserData": data, "AgentID": "1001"}.items() <= event.attributes.items()
    assert stranger.news()[1:] == []
    assert stranger.ask("RequestDistributeUserEvent", CommunicationDN=COMMUNICATION, UserData=data).name == "EventACK"
    assert stranger.refused("RequestDistributeUserEvent", UserData=data) == (53, "ThisDN")
    assert stranger.refused("RequestDistributeUserEvent", ThisDN="1", UserData=data) == (59, "ThisDN")
    assert stranger.refused("RequestDistributeUserEvent", CommunicationDN="1", UserData=data) == (59, "CommunicationDN")
    assert stranger.refused("RequestDistributeUserEvent", ThisDN=A, UserEvent=95, UserData=data) == (53, "UserEvent")
    assert stranger.refused("RequestDistributeUserEvent", ThisDN=A, UserData=(("k", "x" * 17_000),)) == (53, "UserData")


def test_queries_tell_of_server_queue_and_call() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    world.agent(0)
    world.agent(1, ready=False)
    conn_ids = []
    for _ in range(2):
        conn_ids.append(world.predictive(ocs, UserData=(("a", 1),)))
        world.network.listener.answered(world.network.leg, CallState.OK)
    told = {kind: ocs.ask("RequestQueryAddress", ThisDN=QUEUE, AddressInfoType=kind).attributes["AddressInfoStatus"]
            for kind in (4, 5, 6, 7, 8)}
    assert told == {4: 0, 5: 2, 6: 0, 7: 1, 8: 3}
    assert ocs.ask("RequestQueryAddress", ThisDN=A).attributes["AddressInfoStatus"] == 4        # ringing
    assert ocs.refused("RequestQueryAddress", ThisDN=A, AddressInfoType=5)[0] == 128
    assert ocs.refused("RequestQueryAddress", ThisDN=A, AddressInfoType=99) == (53, "AddressInfoType")
    call = ocs.ask("RequestQueryCall", ThisDN=QUEUE, ConnID=conn_ids[0]).attributes
    assert call["UserData"] == (("a", 1),) and call["CallState"] == 0
    assert set(call["Extensions"]) == {("party-1", CUSTOMER), ("role-1", 2), ("ps-1", 0xC),
                                       ("party-2", A), ("role-2", 1), ("ps-2", 0xA)}
    assert ocs.refused("RequestQueryCall", ThisDN=QUEUE, ConnID="0" * 16) == (56, "ConnID")
    server = ocs.ask("RequestQueryServer").attributes
    assert server["ServerRole"] == 0 and ("calls", 2) in server["Extensions"] and ("clients", 3) in server["Extensions"]
