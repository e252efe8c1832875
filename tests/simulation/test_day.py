"""Simulated days: they repeat, their accounts agree, and what the scenario says happens."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocs.dialing.results import CallResult, DialingMode
from ocs.lab.agents.machine import AgentState
from ocs.simulation.measures import percentiles
from ocs.simulation.report import report
from tests.simulation.days import played, reported, scenario

_TWO_PROCESSES = """
import json, sys
from tests.simulation.days import reported
print(json.dumps(reported(event=[{"at": "09:05", "kind": "link-lost", "lasts_s": 20}])))
"""


def test_a_day_repeats_and_another_seed_is_another_day() -> None:
    first, again, other = reported(), reported(), reported(seed=2)
    assert first == again and first["calls"] > 20 and first["talked"] > 10
    assert (other["calls"], other["idle_waits_s"]) != (first["calls"], first["idle_waits_s"])


def test_it_repeats_in_another_process_whatever_order_sets_have_there() -> None:
    def told(hash_seed: str) -> Any:
        ran = subprocess.run([sys.executable, "-c", _TWO_PROCESSES], capture_output=True, text=True, check=True,
                             cwd=Path(__file__).resolve().parents[2], env={"PYTHONHASHSEED": hash_seed, "PATH": "/usr/bin:/bin"})
        return json.loads(ran.stdout)
    assert told("1") == told("2")


@pytest.mark.parametrize("mode", ["predictive", "progressive", "preview"])
def test_switch_engine_and_agents_tell_the_same(mode: str) -> None:
    account = played(campaign_group={"mode": mode})
    totals = account.measures.totals
    closed = [one for one in account.attempts if one.dialed_at is not None and one.ended_at is not None]
    assert not account.differences
    assert totals.calls == len(closed) > 15
    assert totals.talked + totals.abandoned == totals.answered > 10
    abandoned = sum(one.call_result in (CallResult.ABANDONED, CallResult.DROPPED) for one in closed)
    assert totals.abandoned == abandoned
    assert sum(one.calls for one in account.measures.intervals) == totals.calls


@pytest.mark.parametrize("tables", [
    {"mode": "progressive-seizing", "trunk_group_dn": "6800"}, {"mode": "predictive-seizing", "trunk_group_dn": "6800"}])
def test_seizing_modes_are_played_too(tables: dict[str, Any]) -> None:
    account = played(campaign_group=tables)
    assert account.group.mode in (DialingMode.PROGRESSIVE_SEIZING, DialingMode.PREDICTIVE_SEIZING)
    assert account.measures.totals.talked > 10 and not account.differences


@pytest.mark.parametrize("group", [{"mode": "predictive-gvp"}, {"mode": "power-gvp", "maximum_queue_size": 6}])
def test_who_is_led_into_an_application_is_not_abandoned_because_no_agent_came(group: dict[str, Any]) -> None:
    application = {"name": "survey", "step": [
        {"name": "greeting", "play": "press 1 for an agent", "seconds": 4.0, "collect": 1, "digits": ["1=agent"],
         "next": "goodbye"},
        {"name": "agent", "transfer": "6001"}, {"name": "goodbye", "play": "goodbye", "seconds": 1.0, "hang_up": True}]}
    account = played(campaign_group={**group, "trunk_group_dn": "6800", "ivr_profile": "survey"}, ivr_application=[application])
    totals = account.measures.totals
    left = sum(one.call_result in (CallResult.ABANDONED, CallResult.DROPPED) for one in account.attempts)
    assert totals.answered > totals.talked + totals.abandoned and totals.talked > 3
    assert totals.abandoned == left == sum(one.abandoned for one in account.measures.intervals)
    assert not account.differences


def test_an_agents_time_is_spent_once() -> None:
    account = played(shift=[{"agents": 4}, {"agents": 2, "begins": "09:04", "ends": "09:08"}])
    spent = account.measures.seconds()
    there = sum(seconds for state, seconds in spent.items() if state is not AgentState.AWAY)
    assert there == pytest.approx(4 * 720 + 2 * 240, rel=0.04)
    by_interval = [sum(account.measures.seconds(place)[state] for state in AgentState if state is not AgentState.AWAY) / 120.0
                   for place in range(6)]
    assert by_interval[1] == pytest.approx(4, abs=0.1) and by_interval[3] == pytest.approx(6, abs=0.2)
    assert by_interval[5] == pytest.approx(4, abs=0.3)


def test_breaks_are_had_when_they_are_planned() -> None:
    account = played(shift=[{"agents": 5, "breaks": ["09:04 4"], "break_spread_min": 0}], people={"talk_s": 15.0})
    resting = [account.measures.seconds(place)[AgentState.BREAK] for place in range(6)]
    assert resting[0] == resting[1] == 0.0 and sum(resting) == pytest.approx(5 * 240.0, abs=5.0)
    assert resting[2] > 300.0 and resting[3] > 300.0


def test_the_course_of_the_day_is_felt() -> None:
    account = played(hours=0.4, course={"hit_ratio": ["09:00 0.05", "09:12 0.75"]}, agents={"wrap_up_s": 2.0})
    before, after = account.measures.intervals[1:6], account.measures.intervals[8:]
    early = sum(one.answered for one in before) / sum(one.calls for one in before)
    late = sum(one.answered for one in after) / sum(one.calls for one in after)
    assert early < 0.2 and late > 0.55


def test_an_event_lasts_as_long_as_it_is_said_to() -> None:
    account = played(event=[{"at": "09:04", "kind": "agents-leave", "value": 0.6, "lasts_s": 240.0}], people={"talk_s": 15.0})
    there = [sum(account.measures.seconds(place)[state] for state in AgentState if state is not AgentState.AWAY) / 120.0
             for place in range(6)]
    assert there[1] == pytest.approx(5, abs=0.05) and there[3] == pytest.approx(2, abs=0.3)
    assert there[5] == pytest.approx(5, abs=0.1)


def test_more_agents_come_when_they_are_to_join() -> None:
    account = played(shift=[{"agents": 2}], event=[{"at": "09:06", "kind": "agents-join", "value": 3}])
    assert account.floor.logins == 5
    assert sum(account.measures.seconds(5).values()) > 4.9 * 120.0


def test_dialing_stops_while_the_link_is_lost_and_goes_on_after_it() -> None:
    account = played(event=[{"at": "09:04", "kind": "link-lost", "lasts_s": 200.0}])
    begun = account.attempts[0].opened_at
    dialed = sorted(one.dialed_at - begun for one in account.attempts if one.dialed_at is not None)
    assert any(at < 235.0 for at in dialed) and any(at > 445.0 for at in dialed)
    assert not [at for at in dialed if 245.0 < at < 430.0]
    assert not account.differences


@pytest.mark.parametrize("seconds", [-3_600.0, 3_600.0])
def test_a_clock_that_is_set_stops_nothing_and_shifts_nothing_in_the_report(seconds: float) -> None:
    plain, set_ = played(), played(event=[{"at": "09:04", "kind": "clock-step", "value": seconds}])
    calls = [one.calls for one in set_.measures.intervals]
    assert sum(calls[3:]) > 0.5 * sum(one.calls for one in plain.measures.intervals[3:])
    assert calls[0] == plain.measures.intervals[0].calls and not set_.differences
    assert set_.elapsed_s == 720.0
    times = report(set_, 1.0)
    assert times["talk_s"]["most"] < 700.0
    assert times["customer_waits_s"]["most"] < 60.0 and times["answer_delays_s"]["most"] < 60.0


def test_callers_are_served_before_anybody_is_dialed_for() -> None:
    account = played(people={"inbound_per_hour": 200.0, "talk_s": 60.0})
    totals = account.measures.totals
    assert totals.inbound > 15 and totals.inbound_abandoned < totals.inbound / 4
    assert account.measures.totals.calls < played().measures.totals.calls


def test_it_ends_when_the_list_is_done_if_it_is_to() -> None:
    account = played(calling_list={"contacts": 12}, hours=2.0, stop_when_done=True)
    assert account.elapsed_s < 3_000.0 and account.open_calls == 0
    assert len([one for one in account.attempts if one.dialed_at is not None]) >= 12


def test_nobody_works_before_the_shift() -> None:
    account = played(shift=[{"agents": 3, "begins": "09:06"}])
    assert account.measures.utilisation(0) is None and account.measures.intervals[1].calls == 0
    assert account.measures.totals.calls > 5


def test_decisions_are_kept_with_their_reasons() -> None:
    account = played(decisions=12)
    assert 6 <= len(account.decisions) <= 13
    assert all(0.0 <= at <= 720.0 and decision.reason for at, decision in account.decisions)
    assert any(decision.calls for _, decision in account.decisions)
    assert not played(decisions=0).decisions


def test_percentiles_are_of_the_nearest_rank() -> None:
    found = percentiles([float(n) for n in range(100, 0, -1)])
    assert [found[name] for name in ("count", "mean", "p10", "p50", "p99", "most")] == [100, 50.5, 10, 50, 99, 100]
    assert percentiles([3.0])["p10"] == percentiles([3.0])["p99"] == 3.0
    assert percentiles([])["p50"] is None


def test_a_scenario_without_agents_is_refused() -> None:
    with pytest.raises(Exception, match="shift"):
        scenario(shift=[])
