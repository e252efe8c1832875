"""Who goes on working after a call."""
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.staying import Staying


def fed(*stayed: bool) -> Staying:
    staying = Staying()
    for each in stayed:
        staying.saw(each)
    return staying


def test_a_single_break_changes_little() -> None:
    assert fed(*[True] * 50, False).share > 0.9


def test_three_in_a_row_are_the_end_of_a_shift() -> None:
    assert fed(*[True] * 50, False, False, False).share < 0.65


def test_those_who_work_on_afterwards_are_believed() -> None:
    assert fed(*[False] * 20, *[True] * 30).share > 0.85


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_lasting_share_is_learned(share: float) -> None:
    rng, staying, seen = random.Random(1), Staying(), []
    for _ in range(3000):
        staying.saw(rng.random() < share)
        seen.append(staying.share)
    assert sum(seen[1000:]) / 2000 == pytest.approx(share, abs=0.08)


@given(st.lists(st.booleans(), max_size=300))
def test_it_is_a_share(stayed: list[bool]) -> None:
    assert 0.0 <= fed(*stayed).share <= 1.0
