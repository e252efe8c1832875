"""Calls that come from the network: to queues, routing points and extensions, and those that cannot be taken."""
from __future__ import annotations

import pytest

from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.servers.tserver.calls import FinishedCall
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock
from tests.servers.tserver.test_simulator import network, pump
from tests.servers.tserver.world import AGENTS, COMMUNICATION, CUSTOMER, OPTIONS, QUEUE, ROUTE, TRUNK, Client, World

A, B, C = AGENTS


def test_a_caller_waits_in_the_queue_and_is_given_to_an_agent() -> None:
    world = World()
    watcher = Client(world).watch(QUEUE)
    leg = world.network.call_in(QUEUE)
    queued = watcher.news()[-1]
    assert queued.name == "EventQueued" and {
        "ThisDN": QUEUE, "ThisDNRole": 2, "OtherDN": CUSTOMER, "OtherDNRole": 1, "CallType": 2, "ANI": CUSTOMER, "DNIS": QUEUE,
        "ThisQueue": QUEUE, "UserData": ()}.items() <= queued.attributes.items()
    world.assert_consistent()
    world.clock.advance(20)
    agent = world.agent()
    conn_id = queued.attributes["ConnID"]
    assert agent.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id).attributes["ANI"] == CUSTOMER
    assert world.network.heard == [("connected", leg, A)]
    world.clock.advance(60)
    world.network.hang_up(leg)
    assert agent.news()[-2].name == "EventReleased"
    call, = world.log
    assert (call.kind.value, call.destination, int(call.call_state), call.agent_dn) == ("inbound", QUEUE, 0, A)
    assert (call.answered_at - call.dialed_at, call.ended_at - call.dialed_at) == (20.0, 80.0)      # type: ignore[operator]


def test_a_caller_who_gives_up_is_abandoned_and_one_who_waits_too_long_dropped() -> None:
    world = World()
    watcher = Client(world).watch(QUEUE)
    world.network.hang_up(world.network.call_in(QUEUE))
    world.network.call_in(QUEUE)
    world.clock.advance(600.1)
    assert watcher.events()[2:] == [("Queued", QUEUE, 0), ("Abandoned", QUEUE, 0), ("Queued", QUEUE, 0),
                                    ("Released", QUEUE, 26)]
    assert world.results == [(21, None), (26, None)] and world.network.live == set()


def test_a_caller_who_finds_the_queue_full_is_released_and_stands_in_the_log() -> None:
    world = World()
    for _ in range(3):      # two may wait
        world.network.call_in(QUEUE)
    assert world.results == [(18, None)] and len(world.network.live) == 2
    world.assert_consistent()


def test_an_extension_rings_and_a_caller_whom_nobody_answers_is_let_go() -> None:
    world = World()
    one, two = world.agent(0, ready=False), world.agent(1, ready=False)
    world.network.call_in(A)
    conn_id = one.news()[-1].attributes["ConnID"]
    world.assert_consistent()
    world.clock.advance(15.1)
    assert one.events() == [("Abandoned", A, 0)] and world.results == [(27, None)]
    world.network.call_in(A)
    conn_id = one.news()[-1].attributes["ConnID"]
    one.ask("RequestAnswerCall", ThisDN=A, ConnID=conn_id)
    one.ask("RequestSingleStepTransfer", ThisDN=A, ConnID=conn_id, OtherDN=B)
    two.ask("RequestAnswerCall", ThisDN=B, ConnID=conn_id)
    world.assert_consistent()
    two.ask("RequestReleaseCall", ThisDN=B, ConnID=conn_id)
    assert world.results[-1] == (0, A) and world.network.live == set()


def test_a_routing_point_is_asked_where_a_caller_goes() -> None:
    world = World()
    router = Client(world).watch(ROUTE)
    world.network.call_in(ROUTE)
    asked = router.news()[-1]
    assert asked.name == "EventRouteRequest" and asked.attributes["DNIS"] == ROUTE
    router.ask("RequestRouteCall", ThisDN=ROUTE, ConnID=asked.attributes["ConnID"], OtherDN=QUEUE)
    assert len(world.server.directory.find(QUEUE, "").queue) == 1
    world.assert_consistent()


@pytest.mark.parametrize("destination", [TRUNK, COMMUNICATION, "nonsense", ""])
def test_a_call_to_what_takes_no_calls_is_released(destination: str) -> None:
    world = World()
    world.network.call_in(destination)
    assert world.network.live == set() and world.log == [] and world.server.board.calls == {}


def test_more_calls_than_there_may_be_are_not_taken() -> None:
    world = World(calls=1)
    world.network.call_in(QUEUE)
    world.network.call_in(QUEUE)
    assert len(world.network.live) == 1 == len(world.server.board.calls)


# -- the simulated network --------------------------------------------------------------------------------------------

INBOUND = {"inbound_per_hour": 3_600.0, "inbound_destination": "6001"}


def test_people_call_at_the_rate_of_the_options_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        clock, driver, reports = network(**INBOUND)
        pump(clock, 900, 0.05)
        runs.append([report for report in reports.seen if report[1] == "arrived"])
        driver.stop()
        assert clock.getDelayedCalls() == []
    assert runs[0] == runs[1] and len(runs[0]) == pytest.approx(900, rel=0.12)
    assert {report[4] for report in runs[0]} == {"6001"} and len({report[3] for report in runs[0]}) > 800
    gaps = [later[2] - earlier[2] for earlier, later in zip(runs[0], runs[0][1:])]
    assert sum(gap < 0.7 for gap in gaps) / len(gaps) == pytest.approx(0.5, abs=0.06)     # at random, not in step


def test_a_caller_loses_patience_or_talks_to_the_end() -> None:
    clock, driver, reports = network(**INBOUND)
    pump(clock, 20)
    first, second = [report[0] for report in reports.seen if report[1] == "arrived"][:2]
    driver.connected(first, "7001")
    pump(clock, 600, 0.5)
    ended = {report[0]: report[2] for report in reports.seen if report[1] == "remote_released"}
    began = {report[0]: report[2] for report in reports.seen if report[1] == "arrived"}
    assert ended[first] > began[first] and ended[second] > began[second]
    patience = [ended[leg] - began[leg] for leg in ended if leg != first]
    assert sum(patience) / len(patience) > 30 and min(patience) >= 3


def test_who_finds_all_lines_busy_does_not_get_through() -> None:
    clock, driver, reports = network(**INBOUND, lines=2)
    pump(clock, 30)
    assert len(driver) <= 2 and sum(report[1] == "arrived" for report in reports.seen) < 15


@pytest.mark.parametrize("simulator,fault", [
    ({"inbound_per_hour": 10.0}, "simulator.inbound_destination: is needed"),
    ({"inbound_per_hour": 10.0, "inbound_destination": TRUNK}, "simulator.inbound_destination: '6800' is not a DN"),
    ({"inbound_destination": "9999"}, "simulator.inbound_destination: '9999' is not a DN")])
def test_where_people_call_must_be_a_dn_that_takes_calls(simulator: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(TServerOptions, {**OPTIONS, "simulator": simulator})
    assert any(fault in problem for problem in refused.value.problems)


def test_a_simulated_caller_goes_through_the_whole_server() -> None:
    clock, options = VirtualClock(), load(TServerOptions, {**OPTIONS, "simulator": {**INBOUND, "inbound_destination": QUEUE}})
    log: list[FinishedCall] = []
    server = TServer(clock, SimulatedNetwork(clock, options.simulator), options, on_finished=log.append)
    server.start()
    clock.pump([0.1] * 600)
    assert server.board.calls and all(call.kind.value == "inbound" for call in server.board.calls.values())
    server.stop()
    assert clock.getDelayedCalls() == [] and log and CallState.QUEUE_FULL in {call.call_state for call in log}
