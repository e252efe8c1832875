"""Mutated messages on every entry of the desktop protocol: no crash, no leak, no legal request unanswered. A sample; a million on
each entry with `make test-long`."""
from __future__ import annotations

import gc
import sys

import pytest

from tests.conftest import Logged
from tests.desktop.fuzz import ENTRIES, SEEDS, fuzz

_SAMPLE, _MANY = 2_000, 1_000_000
_A_CENTER = 20_000          # about as many objects has one


@pytest.mark.parametrize("entry", ENTRIES)
def test_whatever_comes_requests_are_answered_once_and_nothing_is_left(entry: str) -> None:
    assert fuzz(entry, _SAMPLE, seed=1) > _SAMPLE / 4


def test_the_seeds_are_many() -> None:
    assert len(SEEDS) > 100


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_million_messages(entry: str, logged: Logged) -> None:
    alive: list[int] = []

    def progress(done: int) -> None:
        logged.events.clear()           # this process's own
        if done % (_MANY // 20) == 0:
            gc.collect()
            alive.append(len(gc.get_objects()))
            sys.stderr.write(f"{entry}: {done:,} messages, {alive[-1]:,} objects\n")

    assert fuzz(entry, _MANY, seed=2, progress=progress) > _MANY / 4
    assert max(alive) < alive[0] + _A_CENTER, f"what is alive has grown: {alive}"
