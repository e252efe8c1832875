"""The pacer of a campaign group: what it chooses it goes by, and what was learned stays."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest

from benchmarks.pacing_arena import SCENARIOS, Arena, Scenario
from ocs.dialing.pacing import Activity, GroupPacer, PacingInput
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import OptimizationMethod as M
from ocs.dialing.session import Condition
from tests.dialing.pacing.test_predictive import NAMED, Watched

TEAM = replace(SCENARIOS["team"], agents=12, hours=1.0)


def play(own: GroupPacer, scenario: Scenario = TEAM) -> tuple[dict, Watched]:
    watched = Watched(own, 200)
    return Arena(scenario, 1, lambda **_: watched, 0.03).run(), watched


@lru_cache
def undirected() -> tuple[dict, Watched]:
    """Played once, and read only."""
    return play(GroupPacer())


def test_without_a_choice_it_is_ours() -> None:
    score, watched = undirected()
    assert score["utilisation"] > 0.75
    assert "budget" in watched.decisions[-1].reason


@pytest.mark.parametrize("method, goal", [(M.BUSY_FACTOR, 65.0), (M.WAIT_TIME, 75.0)])
def test_a_goal_keeps_agents_less_busy_than_the_limit_allows(method: M, goal: float) -> None:
    free, _ = undirected()
    score, watched = play(GroupPacer(PacingChoice(method=method, goal=goal)))
    assert 0.45 < score["utilisation"] < free["utilisation"] - 0.05
    assert any(f"no more for a goal of {method.word.replace('-', ' ')} {goal:g}" in each.reason for each in watched.decisions)


def test_an_overdial_rate_is_a_stricter_limit_and_never_a_looser_one() -> None:
    assert GroupPacer(PacingChoice(method=M.OVERDIAL_RATE, goal=1.0), 0.03).budget.limit == 0.01
    assert GroupPacer(PacingChoice(method=M.OVERDIAL_RATE, goal=5.0), 0.03).budget.limit == 0.03


def test_a_rule_that_allows_nothing_or_everything_is_still_a_limit() -> None:
    assert [GroupPacer(abandon_limit=limit).budget.limit for limit in (0.0, 1.0)] == [0.0001, 0.99]


@pytest.mark.parametrize("algorithm", NAMED)
def test_a_named_algorithm_without_a_goal_has_the_limit_for_one(algorithm: Algorithm) -> None:
    _, watched = play(GroupPacer(PacingChoice(algorithm), 0.03), replace(TEAM, hours=0.4))
    assert any(f"{algorithm.value}, goal overdial rate 0.03" in each.reason for each in watched.decisions)


def test_another_choice_keeps_what_was_learned() -> None:
    pacer = GroupPacer()
    play(pacer)

    def learned() -> tuple[float, ...]:
        return pacer.calls.hit_ratio, pacer.agents.handle_s, pacer.budget.answered, pacer.budget.abandoned
    before = learned()
    pacer.choose(PacingChoice(Algorithm.CLASSICAL, M.BUSY_FACTOR, 85.0), 0.02)
    assert pacer.ready and learned() == before
    decision = pacer.decide(PacingInput(3601.0, 5, 0))
    assert "classical, goal busy factor 0.85" in decision.reason and pacer.budget.limit == 0.02


@pytest.mark.parametrize("method, goal, field", [
    (M.BUSY_FACTOR, 0.0, "optimization_goal"), (M.BUSY_FACTOR, 101.0, "optimization_goal"),
    (M.OVERDIAL_RATE, 0.0, "optimization_goal"), (M.WAIT_TIME, 0.0, "optimization_goal"),
    (M.DISTRIBUTION_TIME, -1.0, "optimization_goal"), (M.MAXIMUM_GAIN, 50.0, "optimization_method")])
def test_a_choice_that_makes_no_sense_is_refused_and_changes_nothing(method: M, goal: float, field: str) -> None:
    pacer, wrong = GroupPacer(), PacingChoice(method=method, goal=goal)
    assert wrong.problem.startswith(field)
    with pytest.raises(ValueError, match=field):
        pacer.choose(wrong, 0.01)
    assert pacer.choice == PacingChoice() and pacer.budget.limit == 0.03


def test_where_nobody_works_it_waits_for_agents() -> None:
    pacer = GroupPacer()
    _, watched = play(pacer)
    for agent in range(TEAM.agents):
        pacer.agent(3600.0, agent, Activity.AWAY)
    decision = watched.pacer.decide(PacingInput(3601.0, 0, 0))
    assert (decision.calls, decision.condition) == (0, Condition.WAITING_AGENTS)


def test_what_was_saved_while_not_dialing_ahead_is_not_spent_later() -> None:
    pacer = GroupPacer()
    play(pacer, replace(TEAM, hours=0.7))
    for number in range(400):
        pacer.dialed(2600.0, number)
        pacer.answered(2600.0, number)
        pacer.connected(2600.0, number)
    eager = pacer.budget.risk
    pacer.begin_again()
    assert pacer.budget.risk < eager and pacer.budget.credit > 8
