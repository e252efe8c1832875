"""Nothing that agents, customers, network, database and operator do in whatever order loses a record or dials one twice."""
from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.results import DialingMode
from tests.scheduler.bench import TRUNK
from tests.scheduler.walk import STEPS, World

WORLDS = [(DialingMode.PROGRESSIVE, "", False), (DialingMode.PROGRESSIVE, TRUNK, True), (DialingMode.PREVIEW, "", False)]
Steps = list[tuple[str, int]]


def walked(world: World, steps: Steps) -> None:
    try:
        for step in steps:
            world.step(*step)
    finally:
        world.end()


@pytest.mark.parametrize("mode, trunk, record_processed", WORLDS)
@pytest.mark.parametrize("seed", range(8))
def test_a_long_walk_keeps_every_promise(mode, trunk, record_processed, seed):
    rng = random.Random(seed)
    walked(World(mode, trunk, record_processed), [(rng.choice(STEPS), rng.randrange(100_000)) for _ in range(300)])


@pytest.mark.parametrize("mode, trunk, record_processed", WORLDS)
@pytest.mark.parametrize("seed", range(8))
def test_after_a_crash_at_any_moment_no_record_is_lost_and_no_attempt_open_or_dialed_again(
        mode, trunk, record_processed, seed):
    rng, world = random.Random(seed), World(mode, trunk, record_processed)
    for _ in range(100 + 20 * seed):
        world.step(rng.choice(STEPS), rng.randrange(100_000))
    world.crash()
    for _ in range(100):
        world.step(rng.choice(STEPS), rng.randrange(100_000))
    world.end()


@settings(max_examples=40, deadline=None)
@given(world=st.sampled_from(WORLDS),
       steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 99_999)), min_size=5, max_size=60))
def test_a_short_walk_keeps_every_promise(world, steps):
    walked(World(*world), steps)
