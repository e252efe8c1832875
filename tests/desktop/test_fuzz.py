"""Mutated messages on every entry of the desktop protocol: no crash, no leak, no legal request unanswered. A sample; a million on
each entry with `make test-long`."""
from __future__ import annotations

import resource
import sys

import pytest

from tests.conftest import Logged
from tests.desktop.fuzz import ENTRIES, SEEDS, fuzz

_SAMPLE, _MANY = 2_000, 1_000_000
_GROWTH_KB = 40_000


@pytest.mark.parametrize("entry", ENTRIES)
def test_whatever_comes_requests_are_answered_once_and_nothing_is_left(entry: str) -> None:
    assert fuzz(entry, _SAMPLE, seed=1) > _SAMPLE / 4


def test_the_seeds_are_many() -> None:
    assert len(SEEDS) > 100


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_million_messages(entry: str, logged: Logged) -> None:
    grown: list[int] = []

    def progress(done: int) -> None:
        logged.events.clear()
        if done % (_MANY // 10) == 0:
            grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            sys.stderr.write(f"{entry}: {done:,} messages, {grown[-1] // 1024} MB\n")

    assert fuzz(entry, _MANY, seed=2, progress=progress) > _MANY / 4
    assert grown[-1] - grown[1] < _GROWTH_KB, f"memory has grown: {grown}"
