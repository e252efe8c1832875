"""Exact sets of phones or customer ids, given as text.

What is a plain decimal number behind the set's prefix ("+" for phones, "" for customer ids) is kept as a number, without
leading zeros and of at most 15 digits; everything else is kept as the text that it is. A text is on the list only in
exactly the spelling in which it was put there.
"""
from __future__ import annotations

from typing import Iterable, Iterator

from ocs.dialing.dnc.numbers import LIMIT, NumberSet, NumberSetBuilder

__all__ = ["IdentifierSet", "IdentifierSetBuilder"]


class IdentifierSet:
    """Phones, or customer ids. `numbers` and `others` are read by who must be fast."""

    __slots__ = ("prefix", "numbers", "others")

    def __init__(self, prefix: str, numbers: NumberSet | None = None, others: Iterable[str] = ()) -> None:
        self.prefix, self.others = prefix, set(others)
        self.numbers = NumberSet() if numbers is None else numbers

    def number(self, text: str) -> int | None:
        """The number that a text is kept as; None for a text that is kept as it is."""
        try:
            number = int(text)
        except ValueError:
            return None
        return number if 0 <= number < LIMIT and text == f"{self.prefix}{number}" else None

    def __len__(self) -> int:
        return len(self.numbers) + len(self.others)

    def __contains__(self, text: str) -> bool:
        number = self.number(text)
        return text in self.others if number is None else number in self.numbers

    def __iter__(self) -> Iterator[str]:
        """Every text, numbers first."""
        yield from (f"{self.prefix}{number}" for number in self.numbers)
        yield from self.others

    def add(self, text: str) -> bool:
        """Put one in; whether it is new."""
        number = self.number(text)
        if number is not None:
            return self.numbers.add(number)
        known = text in self.others
        self.others.add(text)
        return not known

    def discard(self, text: str) -> bool:
        """Take one out; whether it was there."""
        number = self.number(text)
        if number is not None:
            return self.numbers.discard(number)
        known = text in self.others
        self.others.discard(text)
        return known

    def update(self, other: IdentifierSet) -> None:
        """Put everything of another set of the same kind in."""
        self.numbers.update(other.numbers)
        self.others |= other.others

    def dismantle(self) -> None:
        """Free the memory piece by piece."""
        self.numbers.dismantle()
        while self.others:
            self.others.pop()


class IdentifierSetBuilder:
    """Collects many texts in any order and makes a set of them."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._numbers, self._others = prefix, NumberSetBuilder(), set[str]()

    def extend(self, texts: list[str]) -> None:
        """Put texts in, repeated or not."""
        pattern = f"{self._prefix}%d"
        try:
            numbers = list(map(int, texts))
            plain = (0 <= min(numbers, default=0) <= max(numbers, default=0) < LIMIT
                     and list(map(pattern.__mod__, numbers)) == texts)
        except ValueError:
            plain = False
        if plain:
            self._numbers.extend(numbers)
            return
        one = IdentifierSet(self._prefix)
        for text in texts:                      # one of them is no plain number: each on its own
            number = one.number(text)
            if number is None:
                self._others.add(text)
            else:
                self._numbers.extend((number,))

    def finish(self) -> IdentifierSet:
        """The set; the builder is empty after it."""
        others, self._others = self._others, set()
        return IdentifierSet(self._prefix, self._numbers.finish(), others)
