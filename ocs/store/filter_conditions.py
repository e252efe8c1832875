"""Conditions of a dialing filter: true, false, or unknown (None) where a value is missing, as SQL has it; and the keys of
its order. As with terms, `sql` and `of` stand side by side."""
from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Callable, Iterator

from sqlalchemy import and_, not_, or_
from sqlalchemy.sql.expression import ColumnElement

from ocs.dialing.values import Record
from ocs.store.filter_sql import LIKE_ESCAPE, by_code_point, like
from ocs.store.filter_values import Columns, Constant, Kind, Term

__all__ = ["AllOf", "AnyOf", "Comparison", "Condition", "IsIn", "IsLike", "IsNull", "Not", "OrderKey", "Pattern"]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}


class Condition:
    """Something that holds or not."""

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        """The condition over a table's columns, by their names."""
        raise NotImplementedError

    def of(self, record: Record) -> bool | None:
        """Whether it holds for a record; None = unknown."""
        raise NotImplementedError

    def terms(self) -> Iterator[Term]:
        """The terms in it."""
        return iter(())


@dataclass(frozen=True)
class Comparison(Condition):
    """Two terms of one kind. Text is ordered by code points."""

    operator: str           # = <> < <= > >=
    left: Term
    right: Term

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        left, right = self.left.sql(columns), self.right.sql(columns)
        if self.left.kind is Kind.TEXT and self.operator not in ("=", "<>"):
            left, right = by_code_point(left), by_code_point(right)
        made: ColumnElement[bool] = _OPERATORS[self.operator](left, right)
        return made

    def of(self, record: Record) -> bool | None:
        left, right = self.left.of(record), self.right.of(record)
        return None if left is None or right is None else bool(_OPERATORS[self.operator](left, right))

    def terms(self) -> Iterator[Term]:
        yield from (self.left, self.right)


@dataclass(frozen=True)
class IsIn(Condition):
    """A term that is one of several literals of its kind."""

    term: Term
    choices: tuple[Constant, ...]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return self.term.sql(columns).in_([choice.sql(columns) for choice in self.choices])

    def of(self, record: Record) -> bool | None:
        value = self.term.of(record)
        return None if value is None else any(value == choice.value for choice in self.choices)

    def terms(self) -> Iterator[Term]:
        yield self.term


@dataclass(frozen=True)
class IsNull(Condition):
    """A term without a value."""

    term: Term

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return self.term.sql(columns).is_(None)

    def of(self, record: Record) -> bool:
        return self.term.of(record) is None

    def terms(self) -> Iterator[Term]:
        yield self.term


@dataclass(frozen=True)
class Pattern:
    """A pattern of LIKE, taken apart: text, "%" = any characters, "_" = one character."""

    pieces: tuple[tuple[str, bool], ...]        # (characters, whether they stand for themselves)

    @staticmethod
    def parsed(text: str, escape: str = "") -> "Pattern":
        """Raises ValueError for an escape character with nothing, or nothing special, behind it."""
        pieces: list[tuple[str, bool]] = []
        characters = iter(text)
        for character in characters:
            if escape and character == escape:
                character = next(characters, "")
                if character not in ("%", "_", escape) or not character:
                    raise ValueError(f"the escape character {escape!r} is not followed by %, _ or itself")
                pieces.append((character, True))
            elif character not in ("%", "_"):
                pieces.append((character, True))
            elif character == "_" or not pieces or pieces[-1] != ("%", False):
                pieces.append((character, False))
        return Pattern(tuple(pieces))

    @property
    def wildcards(self) -> int:
        """How many % there are."""
        return self.pieces.count(("%", False))

    def like(self) -> str:
        """For LIKE ... ESCAPE LIKE_ESCAPE."""
        return "".join(LIKE_ESCAPE + text if literal and text in f"%_{LIKE_ESCAPE}" else text
                       for text, literal in self.pieces)

    def glob(self) -> str:
        """For SQLite's GLOB."""
        marks = {"%": "*", "_": "?"}
        return "".join((f"[{text}]" if text in "*?[" else text) if literal else marks[text]
                       for text, literal in self.pieces)

    def regex(self) -> str:
        """For `re.fullmatch` with DOTALL; atomic groups keep the time proportional to the text's length."""
        parts = [""]
        for text, literal in self.pieces:
            if (text, literal) == ("%", False):
                parts.append("")
            else:
                parts[-1] += re.escape(text) if literal else "."
        if len(parts) == 1:
            return parts[0]
        first, *middle, last = parts
        return first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last


@dataclass(frozen=True)
class IsLike(Condition):
    """A text that has a pattern; upper and lower case differ."""

    term: Term
    pattern: Pattern

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return like(self.term.sql(columns), self.pattern.like(), self.pattern.glob())

    def of(self, record: Record) -> bool | None:
        value = self.term.of(record)
        return None if value is None else re.fullmatch(self.pattern.regex(), str(value), re.DOTALL) is not None

    def terms(self) -> Iterator[Term]:
        yield self.term


@dataclass(frozen=True)
class Not(Condition):
    """Holds where its part does not; unknown where that is."""

    condition: Condition

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return not_(self.condition.sql(columns))

    def of(self, record: Record) -> bool | None:
        holds = self.condition.of(record)
        return None if holds is None else not holds

    def terms(self) -> Iterator[Term]:
        return self.condition.terms()


@dataclass(frozen=True)
class AllOf(Condition):
    """AND"""

    conditions: tuple[Condition, ...]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return and_(*(condition.sql(columns) for condition in self.conditions))

    def of(self, record: Record) -> bool | None:
        known: bool | None = True
        for condition in self.conditions:
            holds = condition.of(record)
            if holds is False:
                return False
            known = None if holds is None else known
        return known

    def terms(self) -> Iterator[Term]:
        for condition in self.conditions:
            yield from condition.terms()


@dataclass(frozen=True)
class AnyOf(Condition):
    """OR"""

    conditions: tuple[Condition, ...]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return or_(*(condition.sql(columns) for condition in self.conditions))

    def of(self, record: Record) -> bool | None:
        known: bool | None = False
        for condition in self.conditions:
            holds = condition.of(record)
            if holds:
                return True
            known = None if holds is None else known
        return known

    def terms(self) -> Iterator[Term]:
        for condition in self.conditions:
            yield from condition.terms()


@total_ordering
@dataclass(frozen=True)
class _Falling:
    """A value that sorts the other way round."""

    value: Any

    def __lt__(self, other: "_Falling") -> bool:
        return bool(other.value < self.value)


@dataclass(frozen=True)
class OrderKey:
    """One key of the order. Records without a value come last unless `nulls_first`."""

    term: Term
    descending: bool = False
    nulls_first: bool = False

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        """For ORDER BY."""
        return self.falling_or_rising(self.value_sql(columns))

    def value_sql(self, columns: Columns) -> ColumnElement[Any]:
        """What is sorted by."""
        made = self.term.sql(columns)
        return by_code_point(made) if self.term.kind is Kind.TEXT else made

    def falling_or_rising(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """For ORDER BY, of a column that has the value."""
        made = value.desc() if self.descending else value.asc()
        return made.nulls_first() if self.nulls_first else made.nulls_last()

    def of(self, record: Record) -> tuple[int, Any]:
        """Ascending in the same order."""
        return self.place(self.term.of(record))

    def place(self, value: Any) -> tuple[int, Any]:
        """Where a value stands, ascending; as a database gives it."""
        if value is None:
            return (0 if self.nulls_first else 2), 0
        return 1, _Falling(value) if self.descending else value
