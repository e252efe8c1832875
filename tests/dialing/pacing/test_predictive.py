"""The predictive pacer and the named ones in a small world: legal, bounded, repeatable, with reasons that tell the truth."""
from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import pytest

from benchmarks.arena import ArenaPacer
from benchmarks.pacing_arena import SCENARIOS, Arena, Phase, Scenario
from ocs.dialing.pacing import (
    Activity,
    GroupPacer,
    NamedRule,
    PacingDecision,
    PacingInput,
)
from ocs.dialing.pacing.learning import LearningPacer
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import OptimizationMethod
from ocs.dialing.session import Condition

REASON = re.compile(r"dialed (\d+): (-?\d+) idle, (-?[\d.]+) expected free in (\d+) s, ([\d.]+) answers due, "
                    r"threshold ([\d.]+), budget ([+-]\d+) calls")


class Watched(ArenaPacer):
    """Keeps every decision."""

    def __init__(self, own: LearningPacer, lines: int) -> None:
        super().__init__(own, lines)
        self.decisions: list[PacingDecision] = []

    def dials(self, now: float) -> int:
        calls = super().dials(now)
        self.decisions.append(self.pacer._last)
        return calls


def play(scenario: Scenario, seed: int = 1, own: LearningPacer | None = None, lines: int | None = None) -> tuple[dict, Watched]:
    made: list[Watched] = []

    def factory(limit: float, agents: int, max_lines: int) -> Watched:
        made.append(Watched(own or GroupPacer(abandon_limit=limit), lines or max_lines))
        return made[0]
    score = Arena(scenario, seed, factory, 0.03).run()
    return score, made[0]


NAMED = [each for each in Algorithm if each not in (Algorithm.AUTOMATIC, Algorithm.FIXED_RATIO)]
SHORT = replace(SCENARIOS["team"], hours=1.5)


@lru_cache
def shift() -> tuple[dict, Watched]:
    """A short day, played once."""
    return play(SHORT)


def test_it_is_legal_and_far_busier_than_progressive() -> None:
    """A whole day, for which the budget is made: the end of a shorter one falls somewhere in its course."""
    score, _ = play(SCENARIOS["team"])
    assert score["utilisation"] > 0.85 and score["abandon_rate"] <= 0.033


def test_the_same_events_give_the_same_decisions() -> None:
    first, second = shift()[1], play(SHORT)[1]
    assert [(each.calls, each.reason) for each in first.decisions] == [(each.calls, each.reason) for each in second.decisions]


def test_reasons_agree_with_what_was_done() -> None:
    told = 0
    for decision in shift()[1].decisions:
        if match := REASON.match(decision.reason):
            told += 1
            assert int(match[1]) == decision.calls and 0.0 <= float(match[6]) <= 1.0
    assert told > 1000


def test_it_never_dials_beyond_the_ports() -> None:
    score, watched = play(SHORT, lines=24)
    assert score["dials"] > 500
    assert all(each.calls <= 24 for each in watched.decisions)
    assert watched.ports_least >= 0


@pytest.mark.parametrize("given, most, condition", [
    (PacingInput(0.0, 5, 0, ports_left=0), 0, Condition.WAITING_PORTS),
    (PacingInput(0.0, 5, 0, records_left=2), 2, Condition.DIALING),
    (PacingInput(0.0, 5, 0, rate_left=1), 1, Condition.DIALING),
    (PacingInput(0.0, 0, 0), 0, Condition.WAITING_AGENTS),
])
def test_before_it_knows_it_is_progressive_within_all_limits(given: PacingInput, most: int, condition: Condition) -> None:
    decision = GroupPacer().decide(given)
    assert (decision.calls, decision.condition) == (most, condition)


def test_without_news_the_last_answer_stands() -> None:
    pacer = GroupPacer()
    pacer.agent(0.0, 1, Activity.READY)
    assert pacer.decide(PacingInput(0.0, 1, 0)).calls == 1
    pacer.dialed(0.0, "call")
    waiting = pacer.decide(PacingInput(0.0, 1, 1))
    assert waiting.calls == 0 and pacer.decide(PacingInput(0.1, 1, 1)) is waiting
    pacer.failed(0.2, "call")
    assert pacer.decide(PacingInput(0.2, 1, 0)).calls == 1


def test_events_in_an_impossible_order_do_no_harm() -> None:
    pacer = GroupPacer()
    for event in (pacer.rang, pacer.answered, pacer.connected, pacer.abandoned, pacer.failed, pacer.released):
        event(1.0, "never dialed")
    pacer.agent_gone(1.0, "never seen")
    assert (pacer.waiting, len(pacer.calls), pacer.budget.answered, pacer.budget.abandoned) == (0, 0, 0, 0)


def test_a_caller_who_leaves_early_is_no_abandon() -> None:
    pacer = GroupPacer()
    pacer.dialed(0.0, "call")
    pacer.answered(5.0, "call")
    assert pacer.waiting == 1
    pacer.released(5.5, "call")
    assert (pacer.waiting, pacer.budget.answered, pacer.budget.abandoned) == (0, 1, 0)


def test_a_call_that_was_not_placed_after_all_teaches_nothing() -> None:
    pacer = GroupPacer()
    for number in range(40):
        pacer.dialed(0.0, number)
        pacer.rang(1.0, number)
        pacer.answered(8.0, number)
        pacer.connected(8.0, number)
        pacer.dialed(8.0, -number - 1)
        pacer.withdrawn(8.5, -number - 1)
        pacer.dialed(8.0, -number - 100)
        pacer.rang(9.0, -number - 100)
        pacer.withdrawn(20.0, -number - 100)
    assert (len(pacer.calls), pacer.calls.failed, pacer.calls.answered) == (0, 0, 40)
    for now in (30.0, 90.0, 200.0):
        pacer.calls.advance(now)
    assert pacer.calls.ring_share.value() > 0.95 and pacer.calls.answer_share.value() > 0.95
    assert not pacer._counts.any()


def test_calls_whose_end_nobody_saw_are_paid_for_as_likely_as_they_were_answered() -> None:
    _, played = play(replace(SHORT, hours=0.5))
    pacer = played.pacer
    now = 3_600.0
    for call in pacer.calls.chances_out():
        pacer.withdrawn(now, call)
    for number in range(10):
        pacer.dialed(now, -number - 1)
    pacer.decide(PacingInput(now, 0, 10))
    before, counted = pacer.budget._spare, (pacer.budget.answered, pacer.budget.abandoned)
    pacer.out_of_sight(now)
    for number in range(10):
        pacer.lost(now + 30.0, -number - 1)        # old by now; what counts is how old they were
    assert before - pacer.budget._spare == pytest.approx(10 * pacer.calls.hit_ratio, rel=0.2)
    assert (pacer.budget.answered, pacer.budget.abandoned, len(pacer.calls)) == (*counted, 0)
    pacer.dialed(now + 40.0, "call")
    pacer.answered(now + 50.0, "call")
    before = pacer.budget._spare
    pacer.lost(now + 80.0, "call")
    assert (before - pacer.budget._spare, pacer.waiting) == (pytest.approx(1.0), 0)


def test_the_first_who_give_up_tell_most_about_patience() -> None:
    pacer, patience = GroupPacer(), []
    for number in range(40):
        pacer.dialed(100.0 * number, number)
        pacer.answered(100.0 * number + 5.0, number)
        pacer.abandoned(100.0 * number + 17.0, number)
        patience.append(pacer.patience_s)
    assert patience[0] == pytest.approx(2.0 + 10.0 / 3) and patience == sorted(patience)
    assert patience[9] > 10.0 and patience[-1] == pytest.approx(12.0, abs=0.2)


@pytest.mark.parametrize("waits, believed", [(0.5, 2.0), (2.0, 2.0), (8.0, 8.0)])
def test_who_is_still_there_after_longer_than_was_believed_has_patience_too(waits: float, believed: float) -> None:
    pacer = GroupPacer()
    for number in range(60):
        pacer.dialed(100.0 * number, number)
        pacer.answered(100.0 * number + 5.0, number)
        pacer.connected(100.0 * number + 5.0 + waits, number)
    assert pacer.patience_s == pytest.approx(believed, abs=0.1)


def test_a_machine_for_which_an_agent_is_wanted_is_no_answer_of_a_person() -> None:
    pacer = GroupPacer()
    pacer.dialed(0.0, "call")
    pacer.answered(5.0, "call", person=False)
    assert (pacer.waiting, pacer.budget.answered) == (1, 0)


def test_how_long_agents_let_it_ring_is_learned_and_forgotten_with_the_call() -> None:
    pacer = GroupPacer()
    for number, rings_s in enumerate((1.0, 3.0, 2.0)):
        pacer.dialed(0.0, number)
        pacer.offered(5.0, number)          # before the answer: makes no sense
        pacer.answered(10.0, number)
        pacer.offered(10.5, number)
        pacer.connected(10.5 + rings_s, number)
    assert pacer.pickup_s == pytest.approx(2.0)
    for end in (pacer.abandoned, pacer.released):
        pacer.dialed(20.0, "call")
        pacer.answered(25.0, "call")
        pacer.offered(26.0, "call")
        end(27.0, "call")
    assert pacer.pickup_s == pytest.approx(2.0) and not pacer._offered


def test_another_limit_holds_at_once_and_for_what_was_before() -> None:
    pacer = GroupPacer(abandon_limit=0.03, answered=1000, abandoned=20)
    risk = pacer.budget.risk
    pacer.budget.change_limit(0.01)
    assert pacer.budget.credit == pytest.approx(-10.0) and pacer.budget.risk < risk / 2
    with pytest.raises(ValueError, match="abandon limit"):
        pacer.budget.change_limit(0.0)


def test_inbound_calls_leave_room_for_fewer() -> None:
    _, watched = play(SHORT)
    pacer, now = watched.pacer, 5400.0
    pacer.agents.advance(now)
    given = PacingInput(now, 12, len(pacer.calls))
    quiet = pacer.surplus(given).mean
    for second in range(60):
        pacer.inbound(now - 60 + second)
    assert all(busy < before - 0.3 for busy, before in zip(pacer.surplus(given).mean, quiet))


@pytest.mark.parametrize("name, phases", [
    ("the hit ratio jumps from 10 % to 60 %", (Phase(0.0, human=0.10), Phase(5400.0, human=0.60, machine=0.1))),
    ("half of the agents leave at once", (Phase(0.0), Phase(5400.0, staffed=0.5))),
])
def test_a_shock_is_paid_back(name: str, phases: tuple[Phase, ...]) -> None:
    _, watched = play(replace(SCENARIOS["team"], hours=3.5, phases=phases))
    assert watched.pacer.budget.credit > -3.0, name


@pytest.mark.parametrize("algorithm", NAMED)
def test_every_named_algorithm_runs_and_says_its_name(algorithm: Algorithm) -> None:
    score, watched = play(SHORT, own=GroupPacer(PacingChoice(algorithm)))
    assert score["utilisation"] > 0.5
    said = f"{algorithm.value}, goal overdial rate 0.03"
    assert any(each.reason.startswith(f"dialed {each.calls}: {said}") for each in watched.decisions)


def test_small_group_algorithms_give_way_to_the_classical_one_above_their_size() -> None:
    _, watched = play(SHORT, own=GroupPacer(PacingChoice(Algorithm.SMALL_GROUP, small_group_size=5)))
    assert any("classical" in each.reason for each in watched.decisions)
    assert not any("small_group" in each.reason for each in watched.decisions)


@pytest.mark.parametrize("optimization, goal, low, high", [
    (OptimizationMethod.BUSY_FACTOR, 75.0, 0.62, 0.85), (OptimizationMethod.WAIT_TIME, 60.0, 0.58, 0.82),
    (OptimizationMethod.DISTRIBUTION_TIME, 0.04, 0.55, 0.85)])
def test_classical_goals_are_about_met(optimization: OptimizationMethod, goal: float, low: float, high: float) -> None:
    score, _ = play(SHORT, own=GroupPacer(PacingChoice(Algorithm.SMALL_GROUP, optimization, goal), 0.99))
    assert low < score["utilisation"] < high


@pytest.mark.parametrize("optimization, goal", [(OptimizationMethod.OVERDIAL_RATE, 0.0), (OptimizationMethod.BUSY_FACTOR, 85.0),
                                                (OptimizationMethod.WAIT_TIME, -1.0)])
def test_a_goal_must_make_sense(optimization: OptimizationMethod, goal: float) -> None:
    with pytest.raises(ValueError, match="goal"):
        NamedRule(Algorithm.CLASSICAL, optimization, goal)
