"""The named algorithms: the reference's vectors, queueing theory and limits."""
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.erlang import abandoned_share, largest_load
from ocs.dialing.pacing.forecast import Surplus
from ocs.dialing.pacing.named import (
    Measured,
    advanced_small_group,
    busy_factor_for_wait,
    classical_busy_factor,
    classical_overdial,
    small_group,
    time_optimized_odr,
)

FREE = (1, 2, 3, 5, 8, 10, 15, 20, 30)
KNOWN = Measured(agents=100, idle=0, queued=0, dialing=0, hit_ratio=0.25, answer_s=10.0, failure_s=20.0, handle_s=140.0)


@pytest.mark.parametrize("goal, hit_ratio, most", [
    (0.01, 0.2, (1, 2, 5, 12, 23, 31, 53, 76, 122)),
    (0.01, 0.3, (1, 2, 4, 8, 16, 22, 36, 52, 83)),
    (0.01, 0.5, (1, 2, 3, 6, 11, 14, 23, 33, 52)),
    (0.03, 0.2, (1, 3, 7, 15, 28, 37, 61, 86, 136)),
    (0.03, 0.3, (1, 3, 5, 10, 19, 26, 42, 58, 92)),
    (0.03, 0.5, (1, 2, 3, 7, 13, 16, 26, 36, 56)),
    (0.05, 0.2, (1, 4, 8, 17, 31, 41, 67, 92, 144)),
    (0.05, 0.3, (1, 3, 6, 12, 21, 28, 45, 62, 97)),
    (0.05, 0.5, (1, 2, 4, 8, 14, 18, 28, 38, 59)),
])
def test_the_reference_vectors_of_small_group(goal: float, hit_ratio: float, most: tuple[int, ...]) -> None:
    assert tuple(small_group(goal, hit_ratio, free, 0, 0) for free in FREE) == most
    assert tuple(advanced_small_group(goal, hit_ratio, free, 0, 0.0, ()) for free in FREE) == most


def test_small_group_waits_for_its_batch_and_for_free_agents() -> None:
    assert small_group(0.03, 0.3, 10, 0, 1) == 0
    assert small_group(0.03, 0.3, 10, 8, 0) == 3
    assert small_group(0.03, 0.3, 2, 2, 0) == 0


@given(st.floats(0.005, 0.1), st.floats(0.05, 0.9), st.integers(1, 25), st.lists(st.floats(0, 1), max_size=10))
def test_calls_that_are_out_leave_room_for_fewer(goal: float, hit_ratio: float, free: int, out: list[float]) -> None:
    alone = advanced_small_group(goal, hit_ratio, free, 0, 0.0, ())
    beside = advanced_small_group(goal, hit_ratio, free, 0, 0.0, [hit_ratio] * len(out))
    assert beside == max(0, alone - len(out))
    assert alone >= free


def test_agents_who_become_free_and_inbound_calls_count() -> None:
    assert advanced_small_group(0.03, 0.3, 5, 2, 2.0, ()) == small_group(0.03, 0.3, 5, 0, 0)


@pytest.mark.parametrize("agents, goal", [(1, 0.03), (10, 0.03), (100, 0.01), (1000, 0.05), (5000, 0.03)])
def test_the_largest_load_abandons_just_the_goal(agents: int, goal: float) -> None:
    load = largest_load(agents, goal, 140.0, 2.0)
    assert abandoned_share(agents, load, 140.0, 2.0) == pytest.approx(goal, rel=1e-3)


def test_impatient_callers_of_one_agent_against_the_formula() -> None:
    # patience equal to the handle time: the number present is Poisson
    from math import exp
    load = 1.5
    expected = sum(max(0, n - 1) * exp(-load) * load ** n / _factorial(n) for n in range(60)) / load
    assert abandoned_share(1, load, 100.0, 100.0) == pytest.approx(expected, rel=1e-6)


def _factorial(n: int) -> float:
    return 1.0 if n < 2 else n * _factorial(n - 1)


def test_classical_keeps_as_many_calls_out_as_the_goal_needs() -> None:
    # 85 busy agents need 85 / 140 answers a second; each stands for 10 s answered and three times 20 s in vain
    assert classical_busy_factor(KNOWN, 0.85) == round(85 / 140 * (10 + 3 * 20))
    assert classical_busy_factor(replace(KNOWN, dialing=40), 0.85) == round(85 / 140 * 70 - 40)
    assert classical_busy_factor(replace(KNOWN, dialing=400), 0.85) == 0
    assert classical_busy_factor(replace(KNOWN, idle=20), 0.85) == round(85 / 140 * 70 + 5)


def test_a_busy_factor_is_bounded_by_the_overdial_rate() -> None:
    assert classical_busy_factor(KNOWN, 0.999, most_overdial=0.03) == classical_overdial(KNOWN, 0.03)


def test_waiting_time_is_a_busy_factor() -> None:
    assert busy_factor_for_wait(120.0, 30.0) == 0.8


@given(st.floats(-5, 50), st.floats(0, 30), st.floats(0.02, 0.9), st.floats(0, 20), st.floats(-3, 10), st.integers(1, 300))
def test_time_optimized_dials_the_most_that_the_budget_affords(
        mean: float, variance: float, chance: float, due: float, credit: float, most: int) -> None:
    surplus = Surplus([mean], [variance], [0.0], [chance], [due])
    calls = time_optimized_odr(surplus, 0.03, credit, most)
    assert 0 <= calls <= most
    assert calls <= time_optimized_odr(surplus, 0.03, credit + 1.0, most)
    assert calls <= time_optimized_odr(surplus, 0.05, credit, most)


def test_time_optimized_looks_at_every_moment() -> None:
    now = Surplus([5.0, 5.0], [1.0, 1.0], [0.0, 0.0], [0.1, 0.3], [0.0, 0.0])
    short_later = Surplus([5.0, -2.0], [1.0, 1.0], [0.0, 0.0], [0.1, 0.3], [0.0, 0.0])
    assert time_optimized_odr(now, 0.03, 0.2, 100) > 5
    assert time_optimized_odr(short_later, 0.03, 0.2, 100) == 0
