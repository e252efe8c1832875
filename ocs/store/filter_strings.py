"""Functions of text in a dialing filter; terms as those of `ocs.store.filter_values`."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, String, bindparam, cast, func
from sqlalchemy.sql.expression import ColumnElement

from ocs.dialing.values import Record
from ocs.store.filter_sql import by_code_point
from ocs.store.filter_values import Columns, Kind, Span, Term, Value

__all__ = ["Casing", "Length", "Part"]

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ASCII_UPPER = {lower: upper for upper, lower in _ASCII_LOWER.items()}


@dataclass(frozen=True)
class Casing(Term):
    """lower(text), upper(text): of the letters A-Z alone, on every database."""

    term: Term
    upper: bool
    kind = Kind.TEXT

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        text = by_code_point(self.term.sql(columns))
        return func.upper(text, type_=String()) if self.upper else func.lower(text, type_=String())

    def of(self, record: Record) -> Value:
        value = self.term.of(record)
        return None if value is None else str(value).translate(_ASCII_UPPER if self.upper else _ASCII_LOWER)

    def parts(self) -> tuple[Term, ...]:
        return (self.term,)


@dataclass(frozen=True)
class Length(Term):
    """length(text), in characters."""

    term: Term
    kind = Kind.INTEGER
    span = Span(31, 0)

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return cast(func.length(self.term.sql(columns), type_=Integer()), BigInteger)

    def of(self, record: Record) -> Value:
        value = self.term.of(record)
        return None if value is None else len(str(value))

    def parts(self) -> tuple[Term, ...]:
        return (self.term,)


@dataclass(frozen=True)
class Part(Term):
    """substr(text, start, count): from the 1-based `start`; without `count` up to the end."""

    term: Term
    start: int
    count: int | None
    kind = Kind.TEXT

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        numbers = [bindparam(None, number, type_=Integer(), unique=True)
                   for number in (self.start, self.count) if number is not None]
        return func.substr(self.term.sql(columns), *numbers, type_=String())

    def of(self, record: Record) -> Value:
        value = self.term.of(record)
        if value is None:
            return None
        return str(value)[self.start - 1:None if self.count is None else self.start - 1 + self.count]

    def parts(self) -> tuple[Term, ...]:
        return (self.term,)
