"""Progressive pacing and the dialing rate."""
from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing import PacingInput, RateLimit, progressive
from ocs.dialing.session import Condition

C = Condition


@pytest.mark.parametrize("given_, calls, condition, reason", [
    (PacingInput(0, 0, 0), 0, C.WAITING_AGENTS, "no agent is ready"),
    (PacingInput(0, 3, 0), 3, C.DIALING, "dialed 3: 3 ready x 1 less 0 under way"),
    (PacingInput(0, 3, 2), 1, C.DIALING, "dialed 1: 3 ready x 1 less 2 under way"),
    (PacingInput(0, 3, 3), 0, C.DIALING, "dialed 0: 3 ready x 1 less 3 under way"),
    (PacingInput(0, 3, 9), 0, C.DIALING, "dialed 0: 3 ready x 1 less 9 under way"),
    (PacingInput(0, 3, 0, multiplier=1.5), 4, C.DIALING, "dialed 4: 3 ready x 1.5 less 0 under way"),
    (PacingInput(0, 1, 0, multiplier=0.5), 0, C.DIALING, "dialed 0: 1 ready x 0.5 less 0 under way"),
    (PacingInput(0, 5, 0, ports_left=2), 2, C.DIALING, "dialed 2: 5 ready x 1 less 0 under way, 2 ports left"),
    (PacingInput(0, 5, 0, ports_left=0), 0, C.WAITING_PORTS, "dialed 0: 5 ready x 1 less 0 under way, 0 ports left"),
    (PacingInput(0, 5, 0, ports_left=-1), 0, C.WAITING_PORTS, "dialed 0: 5 ready x 1 less 0 under way, -1 ports left"),
    (PacingInput(0, 5, 0, records_left=1), 1, C.DIALING, "dialed 1: 5 ready x 1 less 0 under way, 1 records at hand"),
    (PacingInput(0, 5, 0, records_left=0), 0, C.WAITING_RECORDS,
     "dialed 0: 5 ready x 1 less 0 under way, 0 records at hand"),
    (PacingInput(0, 5, 0, rate_left=2), 2, C.DIALING, "dialed 2: 5 ready x 1 less 0 under way, 2 left of the dialing rate"),
    (PacingInput(0, 5, 0, rate_left=-4), 0, C.DIALING, "dialed 0: 5 ready x 1 less 0 under way, -4 left of the dialing rate"),
])
def test_a_decision_with_its_condition_and_reason(given_: PacingInput, calls: int, condition: Condition, reason: str) -> None:
    decision = progressive(given_)
    assert (decision.calls, decision.condition, decision.reason) == (calls, condition, reason)


def test_a_decision_bears_the_time_it_was_made() -> None:
    assert progressive(PacingInput(17.5, 1, 0)).at == 17.5


@given(st.integers(1, 1000), st.integers(0, 500))
def test_the_multiplier_is_taken_as_the_decimal_it_was_written_as(percent: int, ready: int) -> None:
    expected = int(Fraction(percent, 100) * ready)      # 0.29 x 100 is 29, whatever binary fractions make of it
    assert progressive(PacingInput(0, ready, 0, multiplier=percent / 100)).calls == expected


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.01, 10), st.none() | st.integers(-2, 300),
       st.integers(-2, 300), st.integers(0, 300))
def test_no_limit_is_ever_exceeded(ready: int, under_way: int, multiplier: float, ports: int | None, rate: int,
                                   records: int) -> None:
    calls = progressive(PacingInput(0, ready, under_way, multiplier, ports, rate, records)).calls
    assert calls >= 0
    if calls:
        assert calls + under_way <= multiplier * ready + 1e-6 and calls <= min(rate, records)
        assert ports is None or calls <= ports


# -- rate --------------------------------------------------------------------------------------------------------------
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
