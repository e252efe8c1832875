"""The surplus of agents, and how sure an answer is to find one."""
from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.forecast import Forecast, Surplus


def surplus(mean: float, variance: float = 0.0, third: float = 0.0, chance: float = 0.3, **more: float) -> Surplus:
    return Surplus([mean], [variance], [third], [chance], [0.0], **more)


def exact(now: int, free: list[float], due: list[float]) -> float:
    """P(now + those who become free - answers >= 1), by all outcomes."""
    total, chances = 0.0, free + due
    for outcome in product((0, 1), repeat=len(chances)):
        weight = np.prod([chance if won else 1 - chance for won, chance in zip(outcome, chances)])
        left = now + sum(outcome[:len(free)]) - sum(outcome[len(free):])
        total += float(weight) * (left >= 1)
    return total


@given(st.integers(0, 2), st.lists(st.floats(0.05, 0.95), min_size=3, max_size=6),
       st.lists(st.floats(0.05, 0.6), min_size=2, max_size=5))
def test_sureness_is_close_to_the_exact_chance(now: int, free: list[float], due: list[float]) -> None:
    forecast = Forecast(1, 12)
    counts = np.zeros(12)
    counts[:len(free)] = 1
    counts[6:6 + len(due)] = 1
    forecast.supply(slice(0, len(free)), np.array([free, free]))
    forecast.demand(slice(6, 6 + len(due)), np.array([due, due]))
    forecast.new_call([0.3])
    assert forecast.surplus(counts, now).sureness(0) == pytest.approx(exact(now, free, due), abs=0.06)


def test_an_idle_agent_without_calls_out_is_sure() -> None:
    assert surplus(1.0).sureness(0) == 1.0
    assert surplus(0.0).sureness(0) == 0.0


def test_an_agent_who_is_missed_later_counts_as_missed_now() -> None:
    both = Surplus([3.0, 0.0], [0.1, 0.1], [0.0, 0.0], [0.1, 0.3], [0.0, 0.0])
    assert both.sureness(0) < 0.2


@given(st.floats(-5, 30), st.floats(0, 20), st.floats(0.01, 0.9), st.floats(0.5, 0.999), st.integers(0, 200))
def test_the_number_of_calls_is_the_largest_that_is_sure_enough(
        mean: float, variance: float, chance: float, threshold: float, most: int) -> None:
    state = surplus(mean, variance, 0.0, chance)
    calls = state.calls(threshold, most)
    assert 0 <= calls <= most
    if calls:
        assert state.sureness(calls - 1) >= threshold
    if calls < most:
        assert state.sureness(calls) < threshold


def test_news_that_is_near_makes_the_same_risk_count_for_more() -> None:
    assert surplus(1.0, news=4.0).threshold(0.05) > surplus(1.0, news=0.2).threshold(0.05)
    assert surplus(1.0, news=0.0).threshold(0.9) == 0.0


def test_doubt_about_the_hit_ratio_makes_large_batches_smaller() -> None:
    assert surplus(140.0, doubt=0.02).calls(0.97, 1000) < surplus(140.0).calls(0.97, 1000)
