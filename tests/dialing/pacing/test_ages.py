"""Counts by age, against a plain list of entries."""
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.ages import AgeCensus

Steps = st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=60)


@given(Steps)
def test_counts_agree_with_a_list_of_those_who_are_there(steps: list[tuple[float, bool]]) -> None:
    census, there, now = AgeCensus(np.zeros(6), 0.5), [], 100.0
    for pause, enters in steps:
        now += pause
        census.advance(now)
        if enters or not there:
            there.append(census.enter(now))
        else:
            census.leave(there.pop(0))
    expected = np.zeros(6)
    for slot in there:
        expected[min(int(now / 0.5) - slot, 5)] += 1
    assert census.counts.tolist() == expected.tolist()


def test_a_clock_that_goes_back_changes_nothing() -> None:
    census = AgeCensus(np.zeros(4), 1.0)
    slot = census.enter(50.0)
    census.advance(52.0)
    census.advance(10.0)
    assert census.counts.tolist() == [0, 0, 1, 0]
    census.leave(slot)
    assert not census.counts.any()


def test_a_long_silence_leaves_everybody_among_the_oldest() -> None:
    census = AgeCensus(np.zeros(4), 1.0)
    census.enter(1.0)
    census.enter(2.0)
    census.advance(1e9)
    assert census.counts.tolist() == [0, 0, 0, 2]
