"""The simulated network: repeatable, of the wanted mixture, and true to the driver's contract."""
from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.servers.tserver.driver import ISwitchDriver, ISwitchDriverListener
from ocs.servers.tserver.simulator import SimulatedNetwork, behaviour
from ocs.servers.tserver.simulator_options import SimulatorOptions
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock

OPTIONS = SimulatorOptions()
SIT = set(range(11, 17))


def number(n: int) -> str:
    return f"+1555{n:07d}"


@implementer(ISwitchDriverListener)
class Reports:
    """What a driver reported, with the time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.seen: list[tuple[Any, ...]] = []

    def link_up(self) -> None:
        self.seen.append(("link_up",))

    def link_down(self, reason: str) -> None:
        self.seen.append(("link_down",))

    def network_reached(self, leg: str) -> None:
        self.seen.append((leg, "network_reached", self._clock.seconds()))

    def ringing(self, leg: str) -> None:
        self.seen.append((leg, "ringing", self._clock.seconds()))

    def picked_up(self, leg: str) -> None:
        self.seen.append((leg, "picked_up", self._clock.seconds()))

    def answered(self, leg: str, call_state: CallState) -> None:
        self.seen.append((leg, "answered", self._clock.seconds(), int(call_state)))

    def failed(self, leg: str, call_state: CallState) -> None:
        self.seen.append((leg, "failed", self._clock.seconds(), int(call_state)))

    def media_done(self, leg: str) -> None:
        self.seen.append((leg, "media_done", self._clock.seconds()))

    def arrived(self, leg: str, caller: str, destination: str) -> None:
        self.seen.append((leg, "arrived", self._clock.seconds(), caller, destination))

    def digits(self, leg: str, digits: str) -> None:
        self.seen.append((leg, "digits", self._clock.seconds(), digits))

    def remote_released(self, leg: str) -> None:
        self.seen.append((leg, "remote_released", self._clock.seconds()))

    def of(self, leg: str) -> list[tuple[Any, ...]]:
        return [report[1:] for report in self.seen if report[0] == leg]


def network(**changes: Any) -> tuple[VirtualClock, SimulatedNetwork, Reports]:
    clock = VirtualClock()
    driver = SimulatedNetwork(clock, load(SimulatorOptions, changes))
    reports = Reports(clock)
    driver.start(reports)
    return clock, driver, reports


def pump(clock: VirtualClock, seconds: float, step: float = 0.05) -> None:
    clock.pump([step] * int(seconds / step))


def test_it_is_a_driver() -> None:
    assert verifyObject(ISwitchDriver, network()[1]) and verifyObject(ISwitchDriverListener, Reports(VirtualClock()))


def test_the_mixture_is_that_of_the_options() -> None:
    count = Counter(int(behaviour(OPTIONS, number(n), 0).end) for n in range(20_000))
    shares = {state: total / 20_000 for state, total in count.items()}
    assert shares[0] == pytest.approx(0.38, abs=0.015) and shares[9] == pytest.approx(0.17, abs=0.012)
    assert shares[6] == pytest.approx(0.09, abs=0.01) and shares[17] == pytest.approx(0.02, abs=0.005)
    assert sum(shares[state] for state in SIT) == pytest.approx(0.05, abs=0.007)
    assert set(shares) == {0, 6, 7, 9, 17} | SIT


def test_the_times_of_people_are_those_of_the_options() -> None:
    people = [one for n in range(20_000) if (one := behaviour(OPTIONS, number(n), 0)).end is CallState.OK]
    mean = {name: sum(getattr(one, name) for one in people) / len(people)
            for name in ("setup_s", "rings_s", "patience_s", "talk_s")}
    assert mean["setup_s"] == pytest.approx(1.5, rel=0.05) and mean["rings_s"] == pytest.approx(11, rel=0.05)
    assert mean["patience_s"] == pytest.approx(20, rel=0.05) and mean["talk_s"] == pytest.approx(60, rel=0.05)
    assert min(one.patience_s for one in people) >= 3


def test_a_number_behaves_the_same_whatever_else_is_dialed_and_in_whatever_order() -> None:
    outcomes = []
    for seed in (1, 2):
        clock, driver, reports = network()
        calls = [(number(n % 40), n) for n in range(120)]
        order = sorted(calls, key=lambda call: (call[1] // 40, random.Random(f"{seed}{call}").random()))
        for place, (destination, n) in enumerate(order):
            clock.advance(0.25)
            driver.place(f"{destination}/{n // 40}", destination, 25.0, "6001", ())
        pump(clock, 150, 0.5)
        outcomes.append({leg: [report[1:2] + report[3:] for report in reports.seen if report[0] == leg]
                         for leg in {report[0] for report in reports.seen}})
        assert len(driver) == 0
    assert outcomes[0] == outcomes[1] and len(outcomes[0]) == 120


def test_another_call_to_a_number_may_end_otherwise_but_an_invalid_or_fax_number_stays_one() -> None:
    ends = {n: {behaviour(OPTIONS, number(n), nth).end for nth in range(6)} for n in range(400)}
    assert all(len(seen) == 1 for seen in ends.values() if any(state in SIT or state == 17 for state in seen))
    assert sum(len(seen) > 1 for seen in ends.values()) > 200
    assert behaviour(OPTIONS, number(1), 0) != behaviour(SimulatorOptions(seed=2), number(1), 0)


def test_a_person_rings_picks_up_waits_and_hangs_up() -> None:
    clock, driver, reports = network(person=1.0, machine=0.0, busy=0.0, invalid=0.0, fax=0.0)
    party = behaviour(load(SimulatorOptions, {"person": 1.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0}),
                      number(1), 0)
    driver.place("leg", number(1), 100.0, "6001", ())
    assert reports.seen == []       # never from within place
    pump(clock, 200)
    times = [report[1] for report in reports.of("leg")]
    assert [report[0] for report in reports.of("leg")] == [
        "network_reached", "ringing", "picked_up", "answered", "remote_released"]
    assert times[2] - times[0] == pytest.approx(party.rings_s, abs=0.2)
    assert times[3] - times[2] == pytest.approx(1.2, abs=0.2)
    assert times[4] - times[3] == pytest.approx(party.patience_s, abs=0.2)


def test_a_person_who_is_spoken_to_talks_and_then_hangs_up() -> None:
    clock, driver, reports = network(person=1.0, machine=0.0, busy=0.0, invalid=0.0, fax=0.0, talk_s=600.0, talk_cv=0.1)
    driver.place("leg", number(1), 100.0, "6001", ())
    while not any(report[1] == "answered" for report in reports.seen):
        clock.advance(0.1)
    driver.connected("leg", "7001")
    pump(clock, 400, 0.5)
    assert len(driver) == 1         # patience is over, the talk is not
    pump(clock, 600, 0.5)
    assert reports.of("leg")[-1][0] == "remote_released" and clock.getDelayedCalls() == []


def test_nobody_answers_within_the_ring_time() -> None:
    for changes in ({"person": 0.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0},
                    {"person": 1.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0, "answer_s": 400.0}):
        clock, driver, reports = network(**changes)
        driver.place("leg", number(1), 20.0, "6001", ())
        pump(clock, 60)
        (_, ringing, ended) = reports.of("leg")
        assert ended[0] == "failed" and ended[2] == 7 and ended[1] - ringing[1] == pytest.approx(20, abs=0.2)


def test_release_ends_a_leg_at_every_stage_without_another_word() -> None:
    for wait in (0.0, 2.0, 14.0, 25.0, 40.0):
        clock, driver, reports = network(person=1.0, machine=0.0, busy=0.0, invalid=0.0, fax=0.0)
        driver.place("leg", number(3), 100.0, "6001", ())
        pump(clock, wait)
        driver.release("leg")
        driver.release("leg")
        seen = len(reports.seen)
        driver.connected("leg", "7001")
        pump(clock, 100)
        assert len(reports.seen) == seen and clock.getDelayedCalls() == []


def test_calls_beyond_the_lines_meet_all_trunks_busy_and_a_stop_releases_everything() -> None:
    clock, driver, reports = network(lines=2)
    for leg in "abc":
        driver.place(leg, number(1), 100.0, "6001", ())
    clock.advance(0)
    assert reports.seen == [("c", "failed", 0.0, 10)]
    driver.stop()
    assert len(driver) == 0 and clock.getDelayedCalls() == []


def test_shares_that_exceed_one_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="person"):
        load(SimulatorOptions, {"person": 0.9, "machine": 0.2})
