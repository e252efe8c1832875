"""The dialing rate."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing import RateLimit


def test_a_full_rate_is_given_at_once_and_again_a_second_later() -> None:
    rate = RateLimit(30.0)
    assert rate.left(1000.0) == 30
    rate.spend(30)
    assert [rate.left(at) for at in (1000.0, 1000.5, 1000.999, 1001.0)] == [0, 0, 0, 30]


def test_what_was_not_spent_is_not_saved_up() -> None:
    rate = RateLimit(5.0)
    rate.spend(0)
    assert [rate.left(at) for at in (0.0, 100.0, 10_000.0)] == [5, 5, 5]


@pytest.mark.parametrize("per_second, wait_s", [(0.5, 2.0), (0.1, 10.0), (1.0, 1.0)])
def test_a_rate_below_one_a_second_means_one_in_so_many_seconds(per_second: float, wait_s: float) -> None:
    rate = RateLimit(per_second)
    assert rate.left(0.0) == 1
    rate.spend(1)
    assert [rate.left(wait_s * part) for part in (0.5, 0.99, 1.0)] == [0, 0, 1]


def test_a_tick_each_second_gets_its_full_rate_for_ever() -> None:
    rate, placed = RateLimit(7.0), []
    for tick in range(10_000):
        placed.append(rate.left(0.1 + tick * 1.0))
        rate.spend(placed[-1])
    assert set(placed) == {7}


@pytest.mark.parametrize("per_second", [0.0, -1.0])
def test_a_rate_must_be_positive(per_second: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        RateLimit(per_second)


@given(st.floats(0.1, 40), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 50)), max_size=60))
def test_no_second_has_more_dials_than_the_rate(per_second: float, asked: list[tuple[int, int]]) -> None:
    rate, now_ms, dials = RateLimit(per_second), 0, []
    for pause_ms, wanted in asked:
        now_ms += pause_ms
        count = min(wanted, rate.left(now_ms / 1000))
        rate.spend(count)
        dials += [now_ms] * count
    span_ms = 1000 if per_second >= 1 else int(1000 / per_second)
    most = max(1, int(per_second))
    assert all(sum(1 for at in dials if begin <= at < begin + span_ms) <= most for begin in set(dials))
