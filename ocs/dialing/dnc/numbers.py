"""Exact sets of whole numbers below 2^50 in little memory: tens of millions of telephone numbers or customer ids.

Theory of operation. The low 32 bits of a number are what is stored; where, follows from the bits above. Numbers that lie
close together are in compressed bitmaps, one for each region of 2^26 numbers: a bitmap of an evenly filled region costs two
octets a number and about sixty for each 65,536 numbers' span that is in use. Where numbers lie so far apart that those
sixty dominate, an ascending array of the low 32 bits, one for each block of 2^32 numbers, costs four octets a number
however they are spread. So no spread costs much more than four octets a number, and dense ones cost about two. A
number lies in the array of its block only where its region has no bitmap.

Regions are small on purpose: no single call into the bitmap library, which holds the interpreter's lock, takes
longer than about a millisecond, so a set can be built in a thread while the reactor goes on.

Changes one at a time cost a search and a short move of memory. `absorb` and `update` take many at once and decide
anew which regions deserve a bitmap.
"""
from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Iterable, Iterator

from pyroaring import BitMap

from ocs.dialing.dnc.sparse import SparseBlock

__all__ = ["BLOCK_BITS", "LIMIT", "LOW", "NumberSet", "NumberSetBuilder", "REGION_BITS", "REGION_IN_BLOCK"]

BLOCK_BITS, REGION_BITS = 32, 26
LIMIT = 1 << 50                             # 15 decimal digits, the longest E.164 number, are below it
LOW = (1 << BLOCK_BITS) - 1
REGION_IN_BLOCK = BLOCK_BITS - REGION_BITS
_SMALL = 4_096                              # a block with fewer numbers is not worth a look for bitmaps
_SPARSE_LIMIT = 1 << 21                     # beyond this, 32 numbers in each span of 65,536, bitmaps are always smaller
_STEP = 32_768                              # numbers given to the library in one call
_CONTAINER_OCTETS = 60                      # what a bitmap pays for a span of 65,536 numbers, beside the numbers
_BITMAP_OCTETS = 400                        # what it pays once


class NumberSet:
    """A set of integers from 0 to 2^50 - 1. `bitmaps` (number >> 26 -> low 32 bits) and `sparse` (number >> 32 -> low 32
    bits) are read by who must be fast; only this class changes them."""

    __slots__ = ("bitmaps", "sparse", "_count")

    def __init__(self) -> None:
        self.bitmaps: dict[int, BitMap] = {}
        self.sparse: dict[int, SparseBlock] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        here = self.bitmaps.get(number >> REGION_BITS) or self.sparse.get(number >> BLOCK_BITS)
        return here is not None and number & LOW in here

    def __iter__(self) -> Iterator[int]:
        """All numbers, ascending."""
        regions, empty = sorted(self.bitmaps), SparseBlock(array("I"))
        place = 0
        for block in sorted(self.sparse.keys() | {region >> REGION_IN_BLOCK for region in regions}):
            base, lows, done = block << BLOCK_BITS, self.sparse.get(block, empty).lows, 0
            while place < len(regions) and regions[place] >> REGION_IN_BLOCK == block:
                region = regions[place]
                until = bisect_left(lows, region << REGION_BITS & LOW)
                yield from map(base.__add__, lows[done:until])
                yield from map(base.__add__, self.bitmaps[region])
                done, place = until, place + 1
            yield from map(base.__add__, lows[done:])

    def add(self, number: int) -> bool:
        """Put a number in; whether it is new. ValueError for one that is not from 0 to 2^50 - 1."""
        if not 0 <= number < LIMIT:
            raise ValueError(f"{number} is not from 0 to {LIMIT - 1}")
        low, bitmap = number & LOW, self.bitmaps.get(number >> REGION_BITS)
        if bitmap is not None:
            if low in bitmap:
                return False
            bitmap.add(low)
        else:
            block = self.sparse.get(number >> BLOCK_BITS)
            if block is None:
                self.sparse[number >> BLOCK_BITS] = SparseBlock(array("I", (low,)))
            elif not block.add(low):
                return False
            elif len(block) % _SPARSE_LIMIT == 0:
                self.absorb(number >> BLOCK_BITS, array("I"), regroup=True)
        self._count += 1
        return True

    def discard(self, number: int) -> bool:
        """Take a number out; whether it was there."""
        low, bitmap = number & LOW, self.bitmaps.get(number >> REGION_BITS)
        if bitmap is not None:
            if low not in bitmap:
                return False
            bitmap.remove(low)
            if not bitmap:
                del self.bitmaps[number >> REGION_BITS]
        else:
            block = self.sparse.get(number >> BLOCK_BITS)
            if block is None or not block.discard(low):
                return False
            if not block:
                del self.sparse[number >> BLOCK_BITS]
        self._count -= 1
        return True

    def absorb(self, block: int, lows: array[int], regroup: bool = False) -> None:
        """Put many numbers of one block in: their low 32 bits in any order, repeated or not; `lows` is empty after it.
        `regroup`: decide anew about bitmaps in every region of the block, not only where numbers come in."""
        count, parts = len(lows), _by_region(lows)
        known = self.sparse.pop(block, None)
        own = array("I") if known is None else known.lows
        self._count -= len(own)
        first = block << REGION_IN_BLOCK
        if len(own) + count < _SMALL and not any(first + region in self.bitmaps for region in parts):
            rest = array("I", sorted(set(own).union(*parts.values())))
        else:
            rest, begin = array("I"), 0
            for region in range(1 << REGION_IN_BLOCK):
                end = bisect_left(own, region + 1 << REGION_BITS, begin)
                self._absorb_region(first + region, own[begin:end], parts.pop(region, None), regroup, rest)
                begin = end
            rest = rest[:]                      # without the room to grow that `extend` left
        if rest:
            self.sparse[block] = SparseBlock(rest)
            self._count += len(rest)

    def _absorb_region(self, region: int, own: array[int], more: array[int] | None, regroup: bool,
                       rest: array[int]) -> None:
        """One region of `absorb`: what gets no bitmap is put behind `rest`."""
        bitmap = self.bitmaps.get(region)
        if more is None and (bitmap is not None or not (regroup and own)):
            rest.extend(own)                    # nothing comes in; where there is a bitmap, `own` is empty
            return
        before = 0 if bitmap is None else len(bitmap)
        united = BitMap(own) if bitmap is None else bitmap
        for start in range(0, len(more or ()), _STEP):
            united.update((more or ())[start:start + _STEP])
        if bitmap is None and not _worth_it(united):
            rest.extend(united.to_array())
            return
        united.run_optimize()
        self.bitmaps[region] = BitMap.deserialize(united.serialize())   # afresh: in memory without gaps from growing
        self._count += len(united) - before

    def update(self, other: NumberSet) -> None:
        """Put all numbers of another set in, which is left as it is."""
        for region, bitmap in other.bitmaps.items():
            self.absorb(region >> REGION_IN_BLOCK, bitmap.to_array())
        for block, numbers in other.sparse.items():
            self.absorb(block, numbers.lows[:])

    def put_bitmap(self, region: int, bitmap: BitMap) -> None:
        """Give a region that has no numbers yet its bitmap, as a snapshot has it."""
        self.bitmaps[region] = bitmap
        self._count += len(bitmap)

    def put_sparse(self, block: int, lows: array[int]) -> None:
        """Give a block that has no numbers outside of bitmaps yet its numbers, ascending, as a snapshot has them."""
        self.sparse[block] = SparseBlock(lows)
        self._count += len(lows)

    def dismantle(self) -> None:
        """Free the memory piece by piece: to let go of everything at once would hold the interpreter for long."""
        while self.bitmaps:
            self.bitmaps.popitem()
        while self.sparse:
            self.sparse.popitem()
        self._count = 0


class NumberSetBuilder:
    """Collects numbers in any order, four octets each, and makes a set of them."""

    def __init__(self) -> None:
        self._blocks: dict[int, array[int]] = {}

    def extend(self, numbers: Iterable[int]) -> None:
        """Numbers from 0 to 2^50 - 1, repeated or not."""
        blocks = self._blocks
        for number in numbers:
            try:
                blocks[number >> BLOCK_BITS].append(number & LOW)
            except KeyError:
                if not 0 <= number < LIMIT:
                    raise ValueError(f"{number} is not from 0 to {LIMIT - 1}") from None
                blocks[number >> BLOCK_BITS] = array("I", (number & LOW,))

    def finish(self) -> NumberSet:
        """The set of all numbers; the builder is empty after it."""
        numbers = NumberSet()
        for block in sorted(self._blocks):
            numbers.absorb(block, self._blocks.pop(block))
        return numbers


def _by_region(lows: array[int]) -> dict[int, array[int]]:
    """The numbers of a block by their regions. `lows` is given back in steps: to free 50 million at once holds the interpreter
    for long."""
    parts: dict[int, array[int]] = {}
    while lows:
        for low in lows[-_STEP:]:
            try:
                parts[low >> REGION_BITS].append(low)
            except KeyError:
                parts[low >> REGION_BITS] = array("I", (low,))
        del lows[-_STEP:]
    return parts


def _worth_it(bitmap: BitMap) -> bool:
    """Whether a bitmap is smaller than an array of the same numbers."""
    facts = bitmap.get_statistics()
    octets = (facts["n_bytes_array_containers"] + facts["n_bytes_bitset_containers"] + facts["n_bytes_run_containers"]
              + _CONTAINER_OCTETS * facts["n_containers"] + _BITMAP_OCTETS)
    return bool(octets < 4 * len(bitmap))
