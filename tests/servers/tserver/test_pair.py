"""A pair of T-Servers: who serves, what survives a switch-over, and that two serve only while they do not see each other."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import LogLevel
from zope.interface.verify import verifyObject

from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.driver import CarriedLeg, ISwitchDriver
from ocs.servers.tserver.pair.roles import Claim, outranks
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.tserver.messages import CallState
from tests.servers.tserver.pair_world import PairWorld, SharedDriver
from tests.servers.tserver.world import AGENTS, CUSTOMER, HASH, OPTIONS, PASSWORD, QUEUE, TRUNK, Client

A, B, C = AGENTS


def told_roles(client: Client) -> list[int]:
    return [message.attributes["ServerRole"] for message in client.news() if message.name == "EventPrimaryChanged"]


def log_in(client: Client, dn: str, agent: str, mode: int = 2) -> Client:
    client.watch(dn)
    assert client.ask("RequestAgentLogin", ThisDN=dn, AgentID=agent, AgentPassword=PASSWORD, ThisQueue=QUEUE,
                      AgentWorkMode=mode).name == "EventAgentLogin"
    return client


# -- who serves -------------------------------------------------------------------------------------------------------

def test_the_configured_primary_serves_when_both_start_and_the_other_one_keeps_a_copy() -> None:
    world = PairWorld().start()
    first, second = (side.client() for side in world.sides)
    assert first.heard[0].attributes["ServerRole"] == 0 and second.heard[0].attributes["ServerRole"] == 1
    assert first.ask("RequestQueryServer").attributes["ServerRole"] == 0
    assert second.ask("RequestQueryServer").attributes["ServerRole"] == 1
    assert not world.sides[1].driver.started


@pytest.mark.parametrize("place", [0, 1])
def test_one_that_starts_alone_serves_after_the_switch_over_time(place: int) -> None:
    world = PairWorld()
    world.sides[1 - place].address.away = True
    world.sides[place].start()
    client = world.sides[place].client()
    world.wait(3.5)
    assert world.sides[place].role == "waiting" and told_roles(client) == []
    world.wait(0.2)
    assert world.sides[place].role == "primary" and told_roles(client) == [0] and world.sides[place].driver.started
    world.sides[1 - place].address.away = False
    world.sides[1 - place].start()
    world.wait(2.0)
    assert world.roles[1 - place] == "backup" and world.roles[place] == "primary"


def test_the_backup_refuses_to_do_anything_and_says_why() -> None:
    world = PairWorld().start()
    client = world.sides[1].client()
    for name, attributes in (("RequestRegisterAddress", {"ThisDN": A}), ("RequestQueryAddress", {"ThisDN": A})):
        assert client.refused(name, **attributes) == (118, "this server is the backup of another one, which serves")


def test_the_backup_serves_when_the_primary_has_been_gone_for_the_switch_over_time() -> None:
    world = PairWorld().start()
    client = world.sides[1].client()
    world.sides[0].kill()
    world.wait(3.5)
    assert world.roles[1] == "backup" and told_roles(client) == []
    world.wait(0.2)
    assert world.roles[1] == "primary" and told_roles(client) == [0]
    assert client.ask("RequestRegisterAddress", ThisDN=A).name == "EventRegistered"


def test_a_primary_that_falls_silent_is_taken_for_gone() -> None:
    world = PairWorld().start()
    world.sides[0].address.mute = world.sides[1].address.mute = True
    world.wait(1.7 + 3.5)
    assert world.roles[1] == "backup"
    world.wait(1.0)
    assert world.roles[1] == "primary"


def test_an_old_primary_that_comes_back_becomes_the_backup() -> None:
    world = PairWorld().start()
    world.sides[0].kill()
    world.wait(4.0)
    world.restart(0)
    world.wait(3.0)
    assert world.roles == ["backup", "primary"] and world.sides[0].pair.copy.complete
    world.sides[1].kill()
    world.wait(4.0)
    assert world.roles[0] == "primary"
    world.restart(1)
    world.wait(3.0)
    assert world.roles == ["primary", "backup"]


def test_a_primary_that_restarts_before_the_switch_over_leaves_the_service_to_the_one_that_has_the_copy() -> None:
    world = PairWorld().start()
    log_in(world.sides[0].client(), A, "1001")
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(0.5)
    world.restart(0)
    world.wait(1.5)
    assert world.roles == ["backup", "primary"]
    assert world.sides[1].server.directory.find(A, "").agent is not None


def test_a_short_loss_of_the_link_changes_nothing() -> None:
    world = PairWorld().start()
    client = log_in(world.sides[0].client(), A, "1001")
    client.news()
    world.sides[0].cut()
    client.ask("RequestAgentNotReady", ThisDN=A)        # while nobody listens
    world.wait(2.5)
    assert world.roles == ["primary", "backup"] and world.sides[1].picture == world.sides[0].picture
    assert told_roles(client) == []


def partition(world: PairWorld) -> None:
    """Neither sees the other, and both serve."""
    for side in world.sides:
        side.way.closed = True
    world.sides[0].cut()
    world.wait(4.0)
    assert world.roles == ["primary", "primary"]


def heal(world: PairWorld) -> None:
    """They see each other again. Links that wait for a connection give it up by their time-out on real sockets; here they are
    made anew."""
    for side in world.sides:
        side.way.closed = False
        side.pair._link.stopService()
        side.pair._link.startService()
    world.wait(2.0)


@pytest.mark.parametrize("clients_at", [[0], [1], [0, 1], []])
def test_of_two_that_serve_the_one_with_clients_stays_else_the_one_that_began_last(clients_at: list[int]) -> None:
    world = PairWorld().start()
    partition(world)
    clients = {place: world.sides[place].client() for place in clients_at}
    heal(world)
    stays = 0 if clients_at == [0] else 1
    assert world.roles[stays] == "primary" and world.roles[1 - stays] == "backup"
    assert world.sides[1 - stays].pair.copy.complete and not world.sides[1 - stays].driver.started
    if 1 - stays in clients:
        assert told_roles(clients[1 - stays]) == [1]
    if stays in clients:
        assert told_roles(clients[stays]) == []


def test_a_pair_decides_alike_whoever_asks() -> None:
    claims = [Claim(serves, clients, copy, term) for serves in (False, True) for clients in (False, True)
              for copy in (False, True) for term in (0, 1, 2)]
    for one in claims:
        assert outranks(one, one) and Claim.of(one.pairs) == one
        for other in claims:
            if one.serves != other.serves:
                assert outranks(one, other) is one.serves
            elif outranks(one, other) and outranks(other, one):
                assert (one.serves, one.term) == (other.serves, other.term)
    assert Claim.of((("term", "x"),)) == Claim(False, False, False, 0)


def test_one_that_is_stopped_in_order_hands_over_at_once_and_its_calls_go_on() -> None:
    world = PairWorld().start()
    client = log_in(world.sides[0].client(), A, "1001")
    conn_id = client.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes["ConnID"]
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.wait(0.1)
    client.news()
    world.sides[0].server.stop()
    assert told_roles(client) == [1] and ("release", world.network.leg) not in world.network.heard
    world.wait(0.1)
    world.sides[0].address.away = True
    world.sides[0].cut()                                            # clients are let go when it has stopped
    world.wait(0.1)
    assert world.roles[1] == "primary" and set(world.sides[1].server.board.calls) == {conn_id}
    assert world.sides[0].log == []


@pytest.mark.parametrize("word", ["primary", "backup"])
def test_two_that_are_configured_alike_do_not_both_serve(word: str, logged: Any) -> None:
    world = PairWorld(pair={"role": word, "partner": {"application": "tserver-pair", "password": PASSWORD}})
    for side in world.sides:
        side.start()
    world.wait(6.0)
    assert "primary" not in world.roles
    assert f"both are configured as {word}" in " ".join(logged.texts(LogLevel.error))


def test_only_the_other_server_may_ask_for_the_copy() -> None:
    world = PairWorld().start()
    stranger, partner = world.sides[0].client(), world.sides[0].client("tserver-pair")
    for name in ("RequestServerRole", "RequestOpenMirror", "RequestMirrorPage"):
        assert stranger.refused(name, Extensions=())[0] == 51
    assert partner.refused("RequestMirrorPage")[0] == 1712 and partner.refused("RequestServerRole") == (53, "Extensions")
    assert partner.ask("RequestServerRole", Extensions=Claim(False, False, False, 7).pairs).attributes["ServerRole"] == 1
    backup = world.sides[1].client("tserver-pair")
    assert backup.refused("RequestOpenMirror")[0] == 118


# -- what survives ----------------------------------------------------------------------------------------------------

def test_agents_calls_and_user_data_are_there_after_the_switch_over_and_go_on() -> None:
    world = PairWorld().start()
    one = log_in(world.sides[0].client(), A, "1001", mode=1)
    log_in(world.sides[0].client(), B, "1002")
    one.ask("RequestAgentReady", ThisDN=A, AgentWorkMode=1)
    ocs = world.sides[0].client("ocs").watch(TRUNK)
    conn_id = ocs.ask("RequestMakePredictiveCall", ThisDN=TRUNK, OtherDN=CUSTOMER, UserData=(("k", "v"),)).attributes["ConnID"]
    leg = world.network.leg
    world.network.listener.answered(leg, CallState.OK)
    ocs.ask("RequestSingleStepTransfer", ThisDN=TRUNK, ConnID=conn_id, OtherDN=A)
    one.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id)
    one.ask("RequestUpdateUserData", ThisDN=A, ConnID=conn_id, UserData=(("note", 1),))
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    assert world.sides[1].driver.taken_over == [CarriedLeg(leg, CUSTOMER, True)]
    again = world.sides[1].client().watch(A)
    registered = [message for message in again.news() if message.name == "EventRegistered"][-1]
    assert registered.attributes["AgentID"] == "1001"
    assert {("conn-1", conn_id), ("AgentStatus", 2)} <= set(registered.extensions)
    call = again.ask("RequestQueryCall", ThisDN=A, ConnID=conn_id)
    assert call.user_data == (("k", "v"), ("note", 1))
    again.ask("RequestHoldCall", ThisDN=A, ConnID=conn_id)
    assert world.network.heard[-1] == ("held", leg)
    world.network.hang_up(leg)
    assert again.news()[-2:][0].name == "EventReleased"
    finished, = world.sides[1].log
    assert (finished.conn_id, finished.agent_dn, int(finished.call_state)) == (conn_id, A, 0) and world.sides[0].log == []
    assert finished.answered_at is not None and finished.dialed_at < finished.answered_at + 0.001


def test_who_waits_in_a_queue_keeps_the_place_and_gets_the_agent_who_is_idle_longest() -> None:
    world = PairWorld().start()
    ocs = world.sides[0].client("ocs").watch(QUEUE)
    conn_ids = []
    for _ in range(2):
        conn_ids.append(ocs.ask("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER).attributes["ConnID"])
        world.network.listener.answered(world.network.leg, CallState.OK)
    one = log_in(world.sides[0].client(), A, "1001")                # the first call rings there, and comes back to the head
    world.wait(0.2)
    one.ask("RequestReleaseCall", ThisDN=A, ConnID=conn_ids[0])
    world.wait(0.2)
    log_in(world.sides[0].client(), C, "1003", mode=0)
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    queue = world.sides[1].server.directory.find(QUEUE, "").queue
    assert queue is not None and [party.call.conn_id for party in queue._waiting] == conn_ids
    three = world.sides[1].client().watch(C)
    three.ask("RequestAgentReady", ThisDN=C)
    assert [m.attributes["ConnID"] for m in three.news() if m.name == "EventRinging"] == [conn_ids[0]]


def test_agents_whose_clients_do_not_come_back_are_logged_out_after_the_grace() -> None:
    world = PairWorld().start()
    log_in(world.sides[0].client(), A, "1001")
    log_in(world.sides[0].client(), B, "1002")
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    world.sides[1].client().watch(A)
    world.wait(31.0)
    directory = world.sides[1].server.directory
    assert directory.find(A, "").agent is not None and directory.find(B, "").agent is None


def test_limits_begin_anew_and_no_call_waits_for_ever() -> None:
    world = PairWorld().start()
    ocs = world.sides[0].client("ocs").watch(QUEUE)
    ocs.ask("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER)
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    assert len(world.sides[1].server.board.calls) == 1
    world.clock.advance(601)
    assert world.sides[1].server.board.calls == {} and [int(call.call_state) for call in world.sides[1].log] == [26]


def test_what_happened_to_a_leg_while_nobody_served_is_heard_afterwards() -> None:
    world = PairWorld().start()
    ocs = world.sides[0].client("ocs").watch(QUEUE)
    for _ in range(2):
        ocs.ask("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER)
    first, second = (placed[0] for placed in world.network.placed)
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    assert {(leg.leg, leg.answered) for leg in world.sides[1].driver.taken_over} == {(first, False), (second, False)}
    world.network.listener.answered(first, CallState.OK)
    world.network.fail(second, CallState.BUSY)
    assert len(world.sides[1].server.board.calls) == 1 and [int(call.call_state) for call in world.sides[1].log] == [6]


def test_new_legs_and_conn_ids_are_never_those_of_the_old_primary() -> None:
    world = PairWorld().start()
    client = log_in(world.sides[0].client(), A, "1001")
    conn_id = client.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes["ConnID"]
    world.network.listener.answered(world.network.leg, CallState.OK)
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    again = world.sides[1].client().watch(A)
    again.ask("RequestSingleStepConference", ThisDN=A, ConnID=conn_id, OtherDN="+15550109999")
    legs = [placed[0] for placed in world.network.placed]
    assert len(set(legs)) == 2 and all(leg.startswith(conn_id) for leg in legs)
    assert again.ask("RequestMakeCall", ThisDN=A, OtherDN=CUSTOMER).attributes.get("ErrorCode") == 79


def test_a_copy_of_many_calls_comes_in_pages_and_is_whole() -> None:
    world = PairWorld()
    world.sides[1].address.away = True
    world.sides[0].start()
    world.wait(3.8)
    ocs = world.sides[0].client("ocs").watch(TRUNK)
    for number in range(350):
        ocs.ask("RequestMakePredictiveCall", ThisDN=TRUNK, OtherDN=f"+1555010{number:04d}", UserData=(("k", "x" * 15_000),))
    world.sides[1].address.away = False
    world.sides[1].start()
    world.wait(2.0)
    assert world.roles == ["primary", "backup"] and world.sides[1].pair.copy.complete
    assert world.sides[1].picture == world.sides[0].picture and len(world.sides[1].picture) == 350 + 3


def test_a_call_that_fits_only_the_primarys_configuration_is_told_and_the_rest_is_copied(logged: Any) -> None:
    world = PairWorld()
    fewer = {**OPTIONS, "dn": [one for one in OPTIONS["dn"] if one["number"] != TRUNK]}
    world.changes = {"dn": fewer["dn"]}
    world.sides[1] = type(world.sides[1])(world, 1)
    world.start()
    ocs = world.sides[0].client("ocs").watch(TRUNK, QUEUE)
    for origin in (TRUNK, QUEUE):
        ocs.ask("RequestMakePredictiveCall", ThisDN=origin, OtherDN=CUSTOMER)
    world.wait(0.2)
    assert len(world.sides[1].server.board.calls) == 1 and world.roles == ["primary", "backup"]
    assert f"DN {TRUNK} is not configured here" in " ".join(logged.texts(LogLevel.error))


# -- drivers ----------------------------------------------------------------------------------------------------------

def test_the_shared_driver_is_one() -> None:
    assert verifyObject(ISwitchDriver, SharedDriver(PairWorld().network))


def test_a_network_that_dies_with_its_process_takes_its_calls_along_and_the_agents_stay() -> None:
    world = PairWorld()
    for side in world.sides:
        side.driver = side.server.driver = side.server.board.driver = SimulatedNetwork(
            world.clock, side.server.options.simulator)
    world.start()
    client = log_in(world.sides[0].client(), A, "1001")
    log_in(world.sides[0].client(), B, "1002")
    internal = client.ask("RequestMakeCall", ThisDN=A, OtherDN=B).attributes["ConnID"]
    ocs = world.sides[0].client("ocs").watch(QUEUE)
    outside = ocs.ask("RequestMakePredictiveCall", ThisDN=QUEUE, OtherDN=CUSTOMER).attributes["ConnID"]
    world.wait(0.2)
    world.sides[0].kill()
    world.wait(4.0)
    server = world.sides[1].server
    assert set(server.board.calls) == {internal} and server.directory.find(A, "").agent is not None
    assert [(call.conn_id, int(call.call_state)) for call in world.sides[1].log] == [(outside, 3)]


# -- configuration ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("pair,fault", [
    ({"role": "primary"}, "pair.partner.application: the other server registers as 'tserver-pair' here, too"),
    ({"role": "primary", "partner": {"backup_host": "x"}}, "pair.partner.backup_host: a partner has no backup"),
    ({"role": "both"}, "pair.role")])
def test_a_pair_that_cannot_be_is_refused(pair: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(TServerOptions, {**OPTIONS, "pair": pair})
    assert any(problem.startswith(fault) for problem in refused.value.problems), refused.value.problems
    load(TServerOptions, {**OPTIONS, "pair": {"role": "alone"}})
    load(TServerOptions, {"application": [{"name": "tserver-pair", "password_hash": HASH}], "pair": {"role": "backup"}})
