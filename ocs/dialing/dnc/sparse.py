"""An ascending array of 32-bit numbers that are far apart: four octets each, with a coarse index over it.

The index tells for each of many equal spans where its numbers begin, so that a search looks at a dozen numbers instead of a
million; it costs a quarter to half an octet a number. It is made at once and not moved with every change: `drift` counts the
changes since, and a search looks that much further to both sides; when it has grown the index is made anew.
"""
from __future__ import annotations

from array import array
from bisect import bisect_left

__all__ = ["SparseBlock"]

_BITS = 32
_PER_SPAN_BITS = 4          # 8 to 16 numbers in a span, where they are spread evenly
_DRIFT = 512


class SparseBlock:
    """A set of integers from 0 to 2^32 - 1. `lows` is ascending, without repetition, and belongs to the block."""

    __slots__ = ("lows", "_shift", "_starts", "_drift")

    def __init__(self, lows: array[int]) -> None:
        self.lows = lows
        self._index()

    def __len__(self) -> int:
        return len(self.lows)

    def has(self, low: int) -> bool:
        """Whether a number is in; called by name this is faster than `in`."""
        lows, starts = self.lows, self._starts
        if starts is None or self._drift:
            place = self._place(low)
        else:                                   # `_place` written out for the usual case
            span = low >> self._shift
            place = bisect_left(lows, low, starts[span], starts[span + 1])
        try:
            return lows[place] == low
        except IndexError:                      # greater than all: too rare to look for it each time
            return False

    __contains__ = has

    def add(self, low: int) -> bool:
        """Put a number in; whether it is new."""
        place = self._place(low)
        if place < len(self.lows) and self.lows[place] == low:
            return False
        self.lows.insert(place, low)
        self._moved()
        return True

    def discard(self, low: int) -> bool:
        """Take a number out; whether it was there."""
        place = self._place(low)
        if place == len(self.lows) or self.lows[place] != low:
            return False
        del self.lows[place]
        self._moved()
        return True

    def _place(self, low: int) -> int:
        """Where the number is, or belongs."""
        starts, drift = self._starts, self._drift
        if starts is None:
            return bisect_left(self.lows, low)
        span = low >> self._shift
        if drift:
            return bisect_left(self.lows, low, max(0, starts[span] - drift), min(len(self.lows), starts[span + 1] + drift))
        return bisect_left(self.lows, low, starts[span], starts[span + 1])

    def _moved(self) -> None:
        self._drift += 1
        if self._drift > _DRIFT:
            self._index()

    def _index(self) -> None:
        self._drift, self._starts = 0, None
        bits = len(self.lows).bit_length() - _PER_SPAN_BITS
        if bits < 3:
            return                              # an index of a few entries would save nothing
        self._shift = _BITS - bits
        starts, place = array("I", (0,)), 0
        for span in range(1, 1 << bits):
            place = bisect_left(self.lows, span << self._shift, place)
            starts.append(place)
        starts.append(len(self.lows))
        self._starts = starts
