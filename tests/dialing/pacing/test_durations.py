"""Durations: the estimate with those that have not ended yet."""
from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.ages import AgeCensus
from ocs.dialing.pacing.durations import Durations, spreads


def _census(slots: int, width_s: float = 1.0) -> AgeCensus:
    return AgeCensus(np.zeros(slots), width_s)


def test_without_anybody_under_way_it_is_the_share_that_was_seen() -> None:
    seen = Durations(1.0, 10, memory=1e12)
    for each in (0.5, 1.5, 1.6, 3.2):
        seen.add(each)
    spread, = spreads(_census(10), seen)
    assert spread.by(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx([0.25, 0.75, 0.75, 1.0])
    assert (spread.share, spread.mean_s) == (pytest.approx(1.0), pytest.approx((0.5 + 1.5 + 1.5 + 3.5) / 4))


def test_who_has_talked_for_long_is_not_expected_to_end_at_once() -> None:
    """Durations of 1,000 s on average, with slots for 50: those in the last one go on at their own rate."""
    rng, seen, census, now = random.Random(2), Durations(1.0, 50, memory=1e12), _census(50), 0.0
    ends_at: list[tuple[float, float, int]] = []
    for second in range(20_000):
        now = float(second)
        for each in [each for each in ends_at if each[0] <= now]:
            ends_at.remove(each)
            census.leave(each[2])
            seen.add(now - each[1])
        while len(ends_at) < 20:
            ends_at.append((now + rng.expovariate(1 / 1000), now, census.enter(now)))
        census.advance(now)
    spread, = spreads(census, seen)
    assert census.oldest_rate == pytest.approx(1 / 1000, rel=0.25)
    reached, later = spread.share * spread.by(np.array([49.0, 149.0]))
    assert (later - reached) / (1 - reached) == pytest.approx(1 - np.exp(-0.1), rel=0.25)
    assert spread.mean_s == pytest.approx(1000, rel=0.25)


def test_one_who_never_ends_is_expected_less_and_less() -> None:
    """Of ten who reach the last slot nine end there after a second, one stays for hours."""
    census, seen = _census(10), Durations(1.0, 10, memory=1e12)
    stays = census.enter(0.0)
    for turn in range(9):
        slot = census.enter(100.0 * turn)
        census.advance(100.0 * turn + 10.0)
        census.leave(slot)
        seen.add(10.0)
    early = census.oldest_rate
    census.advance(20_000.0)
    assert census.oldest_rate < early / 4
    census.leave(stays)
    assert census.oldest_rate < 0.01


def test_the_first_talks_of_a_shift_do_not_make_all_talks_look_short() -> None:
    rng, seen, under_way = random.Random(1), Durations(5.0, 100, memory=1e12), _census(100, 5.0)
    for _ in range(4000):                                  # all began 30 s ago
        talk = rng.expovariate(1 / 120)
        if talk < 30:
            seen.add(talk)
        else:
            under_way.counts[6] += 1
    spread, = spreads(under_way, seen)
    assert spread.share * spread.by(np.array([30.0]))[0] == pytest.approx(1 - np.exp(-0.25), abs=0.02)


def test_ways_to_end_exclude_each_other() -> None:
    answered, failed = Durations(1.0, 30, memory=1e12), Durations(1.0, 30, memory=1e12)
    for second in range(3):
        answered.add(5.5 + second)
    for _ in range(7):
        failed.add(25.5)
    shares = [each.share for each in spreads(_census(30), answered, failed)]
    assert shares == pytest.approx([0.3, 0.7])


def test_old_durations_fade() -> None:
    seen = Durations(1.0, 100, memory=50)
    for _ in range(500):
        seen.add(10.5)
    for _ in range(150):
        seen.add(50.5)
    spread, = spreads(_census(100), seen)
    assert spread.by(np.array([20.0]))[0] == pytest.approx(np.exp(-150 / 50), rel=0.1)


def test_nothing_seen_ends_nothing() -> None:
    under_way = _census(5)
    under_way.counts[:] = 1
    spread, = spreads(under_way, Durations(1.0, 5, memory=10))
    assert (spread.share, spread.by(np.array([3.0]))[0]) == (0.0, 0.0)


@given(st.lists(st.floats(0, 1e4), max_size=40), st.lists(st.floats(0, 1e4), max_size=40),
       st.lists(st.integers(0, 50), min_size=20, max_size=20))
def test_shares_are_shares(first: list[float], second: list[float], under_way: list[int]) -> None:
    ways = Durations(2.0, 20, memory=30), Durations(2.0, 20, memory=30)
    for way, durations in zip(ways, (first, second)):
        for each in durations:
            way.add(each)
    census = _census(20, 2.0)
    census.counts[:] = under_way
    both = spreads(census, *ways)
    assert sum(each.share for each in both) <= 1.0 + 1e-9
    for each in both:
        by = each.by(np.linspace(0, 50, 30))
        assert (np.diff(by) >= -1e-12).all() and 0 <= by[0] and by[-1] <= 1.0 + 1e-12
