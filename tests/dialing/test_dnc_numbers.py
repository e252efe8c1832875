"""Sets of numbers in compressed memory say what plain sets say, however the numbers are spread and come."""
from __future__ import annotations

import random
from array import array
from typing import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.dnc import numbers
from ocs.dialing.dnc.identifiers import IdentifierSet, IdentifierSetBuilder
from ocs.dialing.dnc.numbers import LIMIT, NumberSet, NumberSetBuilder
from ocs.dialing.dnc.sparse import SparseBlock


@pytest.fixture(autouse=True)
def small_blocks() -> Iterator[None]:
    """Blocks look for bitmaps, and grow out of their arrays, at sizes that a test can afford."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "_SMALL", 8)
        patch.setattr(numbers, "_SPARSE_LIMIT", 600)
        yield


# runs of neighbours, which become bitmaps, and single numbers, some at the edges of regions and blocks
EDGES = [0, 1, LIMIT - 1, (1 << 26) - 1, 1 << 26, (1 << 32) - 1, 1 << 32, (1 << 32) + (1 << 26), 12_125_550_100]
STARTS = st.sampled_from(EDGES) | st.integers(0, LIMIT - 1) | st.integers(12_000_000_000, 12_000_200_000)
RUNS = st.tuples(STARTS, st.sampled_from([1, 1, 1, 2, 300, 700]), st.sampled_from([1, 1, 3, 70_000]))
SPREAD = st.lists(RUNS, max_size=8)


def spread(runs: list[tuple[int, int, int]]) -> list[int]:
    return [number for start, count, step in runs for number in range(start, min(LIMIT, start + count * step), step)]


def built(given_numbers: list[int]) -> NumberSet:
    builder = NumberSetBuilder()
    builder.extend(given_numbers)
    return builder.finish()


def check(made: NumberSet, expected: set[int]) -> None:
    assert len(made) == len(expected)
    assert list(made) == sorted(expected)
    near = sorted({number + step for number in list(expected)[:400] for step in (-1, 0, 1)} | set(EDGES))
    assert [number for number in near if number in made] == [number for number in near if number in expected]


@given(SPREAD, SPREAD, SPREAD, SPREAD)
@settings(max_examples=150, deadline=None)
def test_a_set_of_numbers_is_a_set(first: list[tuple[int, int, int]], added: list[tuple[int, int, int]],
                                   removed: list[tuple[int, int, int]], united: list[tuple[int, int, int]]) -> None:
    made, expected = built(spread(first) * 2), set(spread(first))
    check(made, expected)
    for number in spread(added):
        assert made.add(number) == (number not in expected)
        expected.add(number)
    check(made, expected)
    for number in spread(removed):
        assert made.discard(number) == (number in expected)
        expected.discard(number)
    check(made, expected)
    other = built(spread(united))
    made.update(other)
    check(made, expected | set(spread(united)))
    check(other, set(spread(united)))


def test_neighbours_are_in_bitmaps_and_what_is_far_apart_is_not() -> None:
    made = built([*range(12_000_000_000, 12_000_001_000), *range(0, 1 << 40, 1 << 33)])
    assert len(made.bitmaps) == 1 and len(made.sparse) == 128
    made.dismantle()
    assert list(made) == [] and len(made) == 0


def test_a_block_that_fills_one_by_one_becomes_bitmaps() -> None:
    made = NumberSet()
    for number in range(1_300):
        made.add(number)
    assert made.bitmaps and list(made) == list(range(1_300))


@pytest.mark.parametrize("number", [-1, LIMIT])
def test_a_number_that_is_no_telephone_number_is_refused_not_lost(number: int) -> None:
    for put in (NumberSet().add, lambda one: NumberSetBuilder().extend([one])):
        with pytest.raises(ValueError, match="is not from 0 to"):
            put(number)
    assert number not in built([5]) and not built([5]).discard(number)


def test_spread_over_the_world_no_number_costs_much_more_than_four_octets() -> None:
    rng = random.Random(7)
    made = built([rng.randrange(440_000_000_000, 441_000_000_000) for _ in range(20_000)])
    octets = sum(bitmap.get_statistics()["n_bytes_array_containers"] + 60 * bitmap.get_statistics()["n_containers"]
                 for bitmap in made.bitmaps.values()) + sum(len(one.lows) * 4 for one in made.sparse.values())
    assert octets <= 4.1 * len(made)


@given(st.data(), st.integers(0, 3_000))
@settings(max_examples=40, deadline=None)
def test_a_sparse_block_finds_through_its_index_while_it_changes(data: st.DataObject, size: int) -> None:
    rng = random.Random(data.draw(st.integers(0, 99)))
    expected = {rng.getrandbits(32) if rng.random() < 0.7 else rng.getrandbits(12) for _ in range(size)}
    block = SparseBlock(array("I", sorted(expected)))
    for _ in range(1_300):
        low = rng.choice([rng.getrandbits(32), rng.getrandbits(12), next(iter(expected), 3)])
        if rng.random() < 0.5:
            assert block.add(low) == (low not in expected)
            expected.add(low)
        else:
            assert block.discard(low) == (low in expected)
            expected.discard(low)
        assert (low in block) == (low in expected)
    assert list(block.lows) == sorted(expected) and all(low in block for low in expected)


TEXTS = st.sampled_from(["+1", "1", "+01", "+0", "0", "+12125550100", "12125550100", " +12125550100", "+1_2", "+١", "", "+",
                         "-5", "+-5", "C-1", "007", "999999999999999", "1125899906842624", "+" + "9" * 40, "9" * 5_000, "é"])
ANYTHING = TEXTS | st.integers(0, 10**16).map("+{}".format) | st.integers(-5, 10**16).map(str) | st.text(max_size=6)


@given(st.sampled_from(["+", ""]), st.lists(ANYTHING), st.lists(ANYTHING), st.lists(ANYTHING))
@settings(deadline=None)
def test_a_set_of_texts_knows_each_in_its_own_spelling_only(prefix: str, first: list[str], added: list[str],
                                                            asked: list[str]) -> None:
    builder = IdentifierSetBuilder(prefix)
    builder.extend(first)
    builder.extend(first[:1])
    made, expected = builder.finish(), set(first)
    for text in added:
        assert made.add(text) == (text not in expected)
        expected.add(text)
    assert len(made) == len(expected) and set(made) == expected
    assert [text for text in asked if text in made] == [text for text in asked if text in expected]
    for text in asked:
        assert made.discard(text) == (text in expected)
        expected.discard(text)
    assert set(made) == expected
    other = IdentifierSet(prefix)
    for text in first:
        other.add(text)
    made.update(other)
    assert set(made) == expected | set(first)
