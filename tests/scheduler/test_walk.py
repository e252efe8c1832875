"""Nothing that agents, customers, network, database and operator do in whatever order loses a record or dials one twice."""
from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.campaign import CallbackDialing, CallbackDistribution, CallingList
from ocs.dialing.filtering import FilterText
from ocs.dialing.results import DialingMode
from tests.scheduler.bench import TRUNK
from tests.scheduler.walk import STEPS, TREATMENTS, World

WORLDS: list[tuple[bool, dict[str, Any]]] = [
    (False, {}), (True, {"trunk_group_dn": TRUNK}), (False, {"mode": DialingMode.PREVIEW}),
    (False, {"predictive_callback": CallbackDialing.PREVIEW}),
    (True, {"campaign_callback_distr": CallbackDistribution.ORIGINAL_AGENT, "callback_observe_group": True}),
    (False, {"more_lists": (CallingList("odd", 2, 5, TREATMENTS[::2], share=20, table="list",
                                        filter=FilterText((("criteria", "record_id % 2 = 1"),))),)}),
]
Steps = list[tuple[str, int]]


def walked(world: World, steps: Steps) -> None:
    try:
        for step in steps:
            world.step(*step)
    finally:
        world.end()


@pytest.mark.parametrize("record_processed, group", WORLDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_long_walk_keeps_every_promise(record_processed, group, seed):
    rng = random.Random(seed)
    walked(World(record_processed, **group), [(rng.choice(STEPS), rng.randrange(100_000)) for _ in range(300)])


@pytest.mark.parametrize("record_processed, group", WORLDS)
@pytest.mark.parametrize("seed", range(6))
def test_after_a_crash_at_any_moment_no_record_is_lost_and_no_attempt_open_or_dialed_again(record_processed, group, seed):
    rng, world = random.Random(seed), World(record_processed, **group)
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
    walked(World(world[0], **world[1]), steps)
