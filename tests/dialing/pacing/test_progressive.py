"""Progressive pacing."""
from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing import PacingInput, progressive
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
