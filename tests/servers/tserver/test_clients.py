"""Clients come and go: registration, its bounds, and what becomes of agents and calls whose client is lost."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from protocols.tserver.messages import CallState, Message
from tests.servers.tserver.world import AGENTS, CUSTOMER, PASSWORD, QUEUE, TRUNK, Client, World

A, B, C = AGENTS
LOGIN: dict[str, Any] = {"ThisDN": A, "AgentID": "1001", "AgentPassword": PASSWORD}


def test_nothing_is_answered_but_refused_before_the_client_is_registered() -> None:
    client = Client(World(), register=False)
    assert client.refused("RequestQueryServer")[0] == 51
    assert client.ask("RequestRegisterClient", ApplicationName="ocs", ApplicationPassword=PASSWORD,
                      ProtocolVersion="1").name == "EventLinkConnected"
    assert client.refused("RequestRegisterClient", ApplicationName="ocs", ProtocolVersion="1")[0] == 43


@pytest.mark.parametrize("changes,code", [
    ({"ProtocolVersion": "2"}, 55), ({"ApplicationPassword": "wrong"}, 119), ({"ApplicationName": "nobody"}, 119)])
def test_a_client_with_the_wrong_version_or_password_is_refused_for_good(changes: dict[str, str], code: int) -> None:
    client = Client(World(), register=False)
    wanted = {"ApplicationName": "ocs", "ApplicationPassword": PASSWORD, "ProtocolVersion": "1"}
    assert client.refused("RequestRegisterClient", **{**wanted, **changes})[0] == code
    assert client.session.state.name == "REFUSED"
    client.session.receive(Message("RequestRegisterClient", 9, wanted))
    assert len(client.heard) == 1


def test_passwords_are_checked_elsewhere_and_the_world_may_have_changed_meanwhile() -> None:
    world, checks = World(), []

    def verify(password_hash: str, password: str) -> Deferred[bool]:
        checks.append(Deferred())
        return checks[-1]

    client = Client(world).watch(A)
    two = Client(world).watch(B)
    gone = Client(world).watch(C)
    world.server._verify = verify
    for one, dn in ((client, A), (two, B), (gone, C)):
        one.news()
        one.session.receive(Message("RequestAgentLogin", 50, {**LOGIN, "ThisDN": dn}))
    assert client.refused("RequestAgentLogin", **LOGIN)[0] == 110       # the one before is not through
    gone.session.closed()
    for check in checks:
        check.callback(True)
    assert [m.name for m in client.news() if m.reference_id == 50] == ["EventAgentLogin"]
    assert [m.attributes["ErrorCode"] for m in two.news()] == [1704]
    assert gone.news() == []
    early = Client(world, register=False)
    early.session.receive(Message("RequestRegisterClient", 1, {"ApplicationName": "ocs", "ProtocolVersion": "1"}))
    early.session.receive(Message("RequestRegisterClient", 2, {"ApplicationName": "ocs", "ProtocolVersion": "1"}))
    early.session.receive(Message("RequestQueryServer", 3))
    checks[-1].callback(True)
    assert [(m.reference_id, m.attributes.get("ErrorCode")) for m in early.news()] == [(2, 110), (3, 51), (1, None)]


def test_a_check_that_fails_is_an_internal_error(logged: Any) -> None:
    world, check = World(), Deferred[bool]()
    client = Client(world).watch(A)
    world.server._verify = lambda password_hash, password: check
    client.session.receive(Message("RequestAgentLogin", 50, LOGIN))
    check.errback(ZeroDivisionError())
    assert client.news()[-1].attributes["ErrorCode"] == 52 and len(logged.failures(ZeroDivisionError)) == 1


def test_the_number_of_clients_and_of_their_dns_is_bounded() -> None:
    world = World({"listen": {"clients": 1, "dns_per_client": 2}})
    client = Client(world).watch(A, B)
    assert client.refused("RequestRegisterAddress", ThisDN=C)[0] == 124
    client.watch(A)                                 # asking again is no third one
    assert Client(world, register=False).heard[0].attributes["ErrorCode"] == 40
    client.session.closed()
    Client(world)


def test_the_link_to_the_switch_is_told_at_registration_and_when_it_changes() -> None:
    world = World()
    client = Client(world)
    world.network.up = False
    world.network.listener.link_down("cable")
    late = Client(world, register=False)
    assert late.ask("RequestRegisterClient", ApplicationName="ocs", ApplicationPassword=PASSWORD,
                    ProtocolVersion="1").name == "EventLinkDisconnected"
    late.watch(QUEUE)
    assert late.refused("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER) == (54, "OtherDN")
    world.network.up = True
    world.network.listener.link_up()
    assert [m.name for m in client.news()[1:]] == ["EventLinkDisconnected", "EventLinkConnected"]


# -- clients that go ----------------------------------------------------------------------------------------------------
def test_an_agent_whose_client_is_lost_keeps_the_call_for_the_grace_and_is_then_logged_out() -> None:
    world = World()
    ocs, agent = Client(world, "ocs").watch(A), world.agent(ready=False)
    agent.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER)
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.session.closed()
    agent.session.closed()      # once is enough, twice does no harm
    ocs.news()
    world.real_clock.advance(29)
    assert ocs.news() == []
    world.real_clock.advance(2)
    assert ocs.events() == [("Released", A, 0), ("AgentLogout", A, 0)]
    assert world.network.live == set() and world.results == [(0, A)]
    world.assert_consistent()


def test_a_client_of_the_same_application_takes_a_lost_agent_over_and_another_does_not() -> None:
    world = World()
    agent = world.agent()
    agent.session.closed()
    Client(world, "ocs").watch(A)
    back = Client(world, "desktop")
    told = back.ask("RequestRegisterAddress", ThisDN=A)
    assert told.attributes["AgentID"] == "1001" and told.attributes["Extensions"][0] == ("AgentStatus", 2)
    world.real_clock.advance(60)
    assert world.server.floor.find("1001").dn is not None
    back.session.closed()
    third = Client(world, "ocs").watch(A)
    assert third.refused("RequestAgentLogin", **{**LOGIN, "AgentPassword": "wrong"})[0] == 1705
    assert third.ask("RequestAgentLogin", **LOGIN).name == "EventAgentLogin"    # with the password anybody may
    world.real_clock.advance(60)
    assert world.server.floor.find("1001").status.name == "READY"
    third.ask("RequestUnregisterAddress", ThisDN=A)
    world.real_clock.advance(60)
    assert world.server.floor.find("1001").dn is None


def test_calls_at_a_trunk_group_without_clients_are_released_and_calls_in_queues_go_on() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE, TRUNK)
    world.predictive(ocs, origin=QUEUE)
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.predictive(ocs, origin=TRUNK)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.session.closed()
    world.real_clock.advance(31)
    assert len(world.server.board.calls) == 1 and world.results == [(26, None)]
    world.agent(0)
    world.assert_consistent()


def test_a_ringing_call_of_a_lost_agent_goes_back_to_the_queue() -> None:
    world = World(ring_no_answer_s=600)
    ocs, agent = Client(world, "ocs").watch(QUEUE), world.agent()
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    agent.session.closed()
    world.real_clock.advance(31)
    assert len(world.server.directory.find(QUEUE, "").parties) == 1
    world.assert_consistent()


def test_a_client_that_fails_to_take_a_message_harms_nobody_else(logged: Any) -> None:
    world = World()

    def broken(message: Message) -> None:
        raise OSError("gone")

    session = world.server.connect(broken)
    session.receive(Message("RequestQueryServer", 1))
    assert len(logged.failures(OSError)) == 1
    Client(world).watch(A)


def test_a_client_that_answers_at_once_meets_a_consistent_switch() -> None:
    world = World()
    agent, ocs = world.agent(), Client(world, "ocs").watch(QUEUE)

    def eager(message: Message) -> None:
        agent.heard.append(message)
        world.assert_consistent()
        if message.name == "EventRinging":
            agent.session.receive(Message("RequestAnswerCall", 1_000, {
                "ThisDN": A, "ConnID": message.attributes["ConnID"]}))

    agent.session._send = eager
    world.predictive(ocs)
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert agent.events() == [("Ringing", A, 0), ("Established", A, 0)]


def test_after_the_stop_requests_are_refused() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    world.stop()
    assert ocs.refused("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER)[0] == 54
    ocs.session.closed()
    assert world.log == []
