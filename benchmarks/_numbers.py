"""Telephone numbers for benchmarks: two ways in which the numbers of a long list are spread."""
from __future__ import annotations

import random
from array import array
from typing import Callable, Iterator

__all__ = ["Source", "north_america", "world"]

DENSITY = 200                               # North America: numbers of the space to one that is listed
CODES, LENGTHS = 200, (8, 9, 10, 11)        # worldwide: calling codes, and digits behind them
_ALL_CODES_AT = 50_000_000                  # numbers; fewer are of fewer codes, so that each is as full
_BATCH = 100_000

Source = Callable[[int, int], Iterator[int]]        # how many numbers the space is for, seed


def _words(rng: random.Random) -> Iterator[array[int]]:
    """Batches of random 64-bit numbers, without end."""
    while True:
        yield array("Q", rng.randbytes(8 * _BATCH))


def north_america(count: int, seed: int) -> Iterator[int]:
    """Numbers of a plan with one leading digit, without end, some twice."""
    space = DENSITY * count
    for batch in _words(random.Random(seed)):
        for word in batch:
            yield 10_000_000_000 + word % space


def world(count: int, seed: int) -> Iterator[int]:
    """Numbers of many plans, without end."""
    rng = random.Random(1)
    codes = sorted(rng.sample([*range(20, 100), *range(210, 1_000)], CODES))[:max(4, CODES * count // _ALL_CODES_AT)]
    powers = [10 ** length for length in LENGTHS]
    for batch in _words(random.Random(seed)):
        for word in batch:
            power = powers[word & 3]
            yield codes[(word >> 2 & 0xFFFF) % len(codes)] * power + (word >> 18) % power
