"""How soon agents come back."""
from __future__ import annotations

import random

import numpy as np
import pytest

from ocs.dialing.pacing.absence import Absence

SOON = np.array([10.0])


def test_the_first_mean_is_believed() -> None:
    assert Absence(np.zeros(1), 20_000.0, 3_000.0).within(SOON) == pytest.approx([10 / 3_000], rel=0.01)


@pytest.mark.parametrize("mean_s", [60.0, 600.0])
def test_the_mean_time_away_is_learned(mean_s: float) -> None:
    absence, rng, now = Absence(np.zeros(1), 100_000.0, 30_000.0), random.Random(3), 0.0
    for _ in range(800):
        absence.leave(now)
        now += rng.expovariate(1 / mean_s)
        absence.back(now)
    assert absence.within(SOON) == pytest.approx(1 - np.exp(-10 / mean_s), rel=0.2)


def test_those_still_away_count() -> None:
    absence, count = Absence(np.zeros(1), 100_000.0, 600.0), 26
    for _ in range(count):
        absence.leave(0.0)
    absence.drop(3_600.0)
    assert absence.within(SOON)[0] < 10 / 10_000


def test_one_who_leaves_the_group_teaches_nothing() -> None:
    left, stayed = (Absence(np.zeros(1), 20_000.0, 600.0) for _ in range(2))
    for each in (left, stayed):
        each.leave(0.0)
    left.drop(0.0)
    stayed.back(0.0)
    assert left.within(SOON)[0] < stayed.within(SOON)[0]
