"""The share of successes, learned before trials are decided."""
from __future__ import annotations

import random

import numpy as np
import pytest

from ocs.dialing.pacing.hit_ratio import AGES_S, LearnedShare


def feed(share: LearnedShare, chance: float, begin: float, seconds: int, per_second: int, rng: random.Random) -> float:
    """Trials that succeed after 5 to 15 s; returns the time of the end."""
    due: list[tuple[float, float]] = []
    for second in range(seconds):
        now = begin + second
        for at, begun in [each for each in due if each[0] <= now]:
            share.success(at, begun)
        due = [each for each in due if each[0] > now]
        for _ in range(per_second):
            share.trial(now)
            if rng.random() < chance:
                due.append((now + rng.uniform(5, 15), now))
    return begin + seconds


def learned() -> LearnedShare:
    share = LearnedShare(0.5)
    share.timing(np.clip((AGES_S - 5) / 10, 0, 1))
    return share


def test_undecided_trials_do_not_bias_it() -> None:
    share = learned()
    feed(share, 0.3, 0.0, 25, 40, random.Random(1))       # half of the trials are still out
    assert share.value() == pytest.approx(0.3, abs=0.05)


def test_hundreds_of_trials_at_once_are_no_evidence_against_it() -> None:
    share = learned()
    now = feed(share, 0.3, 0.0, 200, 2, random.Random(2))
    before = share.value()
    for _ in range(1000):
        share.trial(now)
    assert share.value() == pytest.approx(before, abs=0.01)
    share.advance(now + 1.0)
    assert share.value() == pytest.approx(before, abs=0.01)


def test_a_jump_is_noticed_within_a_minute() -> None:
    share, rng = learned(), random.Random(3)
    now = feed(share, 0.1, 0.0, 1000, 3, rng)
    assert share.value() == pytest.approx(0.1, abs=0.04)
    alarms = share.alarms
    feed(share, 0.6, now, 60, 3, rng)
    assert share.value() == pytest.approx(0.6, abs=0.12)
    assert share.alarms > alarms


def test_a_steady_world_rings_hardly_any_alarm() -> None:
    share = learned()
    feed(share, 0.3, 0.0, 4000, 2, random.Random(4))
    assert share.alarms <= 2


def test_doubt_falls_with_evidence() -> None:
    share = learned()
    assert share.doubt == 0.5
    feed(share, 0.3, 0.0, 300, 3, random.Random(5))
    share.value()
    assert share.doubt < 0.01
