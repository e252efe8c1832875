"""Terms of a dialing filter: what has a value. Each says what it is in SQL (`sql`) and in memory (`of`), side by side, so
that a database and the store in memory never differ.

Nothing here can fail at run time, whatever a record holds: a claim must not stop for one odd record. So

- what is divided by zero has no value (NULL);
- in arithmetic an integer column beyond 53 bits, and a floating-point one beyond 2**100, have no value, and a
  floating-point one nearer to zero than 2**-100 is zero. From these limits the size of every result is known when the
  filter is read (`Span`): what may leave 62 bits is reckoned in floating point, what may leave floating point is refused.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Iterator, Union

from sqlalchemy import BigInteger, Double, String, and_, bindparam, case, cast, func
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeEngine

from ocs.dialing.results import CallResult
from ocs.dialing.values import Record
from ocs.store.filter_sql import Moment

__all__ = ["Absolute", "Arithmetic", "AsFloat", "Bounded", "Coalesce", "ColumnTerm", "Columns", "Constant", "Kind", "Negated",
           "Span", "Term", "Value", "reckonable"]

Value = Union[int, float, str, None]
Columns = ReadOnlyColumnCollection[str, Any]

_INTEGER_BITS, _FLOAT_BITS = 53, 100
_WIDEST = 1_000             # powers of two; floating point ends beyond 1,023


class Kind(Enum):
    """What a value is; the value is the word in messages."""
    INTEGER = "integer"
    FLOAT = "floating point"
    TEXT = "text"
    DATETIME = "date and time"

    @property
    def is_number(self) -> bool:
        """True for both kinds of numbers."""
        return self in (Kind.INTEGER, Kind.FLOAT)


_TYPES: dict[Kind, TypeEngine[Any]] = {Kind.INTEGER: BigInteger(), Kind.FLOAT: Double(), Kind.TEXT: String(),
                                       Kind.DATETIME: Moment()}


@dataclass(frozen=True)
class Span:
    """How large a number may be: below 2**high, and a whole multiple of 2**grain."""

    high: int
    grain: int

    @property
    def is_safe(self) -> bool:
        """Whether floating point holds every such number, without overflow or underflow."""
        return self.high <= _WIDEST and self.grain >= -_WIDEST

    @staticmethod
    def of(value: int | float) -> "Span":
        """That of one number."""
        if isinstance(value, int):
            return Span(value.bit_length(), 0)
        exponent = math.frexp(value)[1]
        return Span(exponent, exponent - 53)


class Term:
    """Something that has a value for each record; None = NULL."""

    kind: Kind

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        """The term over a table's columns, by their names."""
        raise NotImplementedError

    def of(self, record: Record) -> Value:
        """The term's value for one record."""
        raise NotImplementedError

    def parts(self) -> tuple["Term", ...]:
        """The terms that it is made of."""
        return ()

    @property
    def span(self) -> Span:
        """The size of a number; known of what `reckonable` returns, and of all that is made of it."""
        raise NotImplementedError

    def columns(self) -> Iterator[str]:
        """The names of the columns in it."""
        for part in self.parts():
            yield from part.columns()


@dataclass(frozen=True)
class ColumnTerm(Term):
    """A column. `bits` of an integer column; a `padded` one (char) may come with blanks behind its value."""

    name: str
    kind: Kind
    custom: bool = False
    bits: int = 64
    padded: bool = False

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        column = columns[self.name]
        if self.name == "call_result":
            return func.coalesce(column, int(CallResult.UNKNOWN))       # as a record reads it
        return func.rtrim(column, type_=String()) if self.padded else column

    def of(self, record: Record) -> Value:
        value = record.fields.get(self.name) if self.custom else getattr(record, self.name)
        if self.kind is Kind.INTEGER:
            return int(value) if isinstance(value, int) else None
        if self.kind is Kind.FLOAT:
            return float(value) if isinstance(value, (int, float)) else None
        if not isinstance(value, str):
            return None
        return value.rstrip(" ") if self.padded else value

    def columns(self) -> Iterator[str]:
        yield self.name


@dataclass(frozen=True)
class Constant(Term):
    """A literal; bound as a parameter, never written into the statement."""

    value: int | float | str
    kind: Kind

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return bindparam(None, self.value, type_=_TYPES[self.kind], unique=True)

    def of(self, record: Record | None = None) -> Value:
        return self.value

    @property
    def span(self) -> Span:
        assert not isinstance(self.value, str)
        return Span.of(self.value)


@dataclass(frozen=True)
class Bounded(Term):
    """A column of numbers within the limits of arithmetic."""

    column: ColumnTerm

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        return self.column.kind

    @property
    def span(self) -> Span:
        if self.kind is Kind.INTEGER:
            return Span(min(self.column.bits, _INTEGER_BITS), 0)
        return Span(_FLOAT_BITS, -_FLOAT_BITS - 53)

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        column = self.column.sql(columns)
        if self.kind is Kind.INTEGER:
            low, high = (Constant(sign * 2 ** self.span.high, Kind.INTEGER).sql(columns) for sign in (-1, 1))
            return case((and_(column > low, column < high), cast(column, BigInteger)))
        size: ColumnElement[Any] = func.abs(column, type_=Double())
        return case((size < 2.0 ** -_FLOAT_BITS, 0.0), (size < 2.0 ** _FLOAT_BITS, cast(column, Double)))

    def of(self, record: Record) -> Value:
        value = self.column.of(record)
        assert not isinstance(value, str)
        if value is None or not abs(value) < 2 ** self.span.high:
            return None
        return 0.0 if self.kind is Kind.FLOAT and abs(value) < 2.0 ** -_FLOAT_BITS else value

    def parts(self) -> tuple[Term, ...]:
        return (self.column,)


@dataclass(frozen=True)
class AsFloat(Term):
    """An integer as a floating-point number."""

    term: Term
    kind = Kind.FLOAT

    @property
    def span(self) -> Span:
        return self.term.span

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return cast(self.term.sql(columns), Double)

    def of(self, record: Record) -> Value:
        value = self.term.of(record)
        return None if value is None else float(value)

    def parts(self) -> tuple[Term, ...]:
        return (self.term,)


@dataclass(frozen=True)
class Arithmetic(Term):
    """Two numbers of one kind and an operator. Integers are divided toward zero; a remainder has the sign of what is
    divided."""

    operator: str           # + - * / %
    left: Term
    right: Term

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        return self.left.kind

    @property
    def span(self) -> Span:
        left, right = self.left.span, self.right.span
        if self.operator == "*":
            return Span(left.high + right.high, left.grain + right.grain)
        if self.operator == "/" and self.kind is Kind.FLOAT:
            return Span(left.high - right.grain + 1, left.grain - right.high - 53)
        if self.operator in "/%":
            return left
        return Span(max(left.high, right.high) + 1, min(left.grain, right.grain))

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        left, right = self.left.sql(columns), self.right.sql(columns)
        type_ = _TYPES[self.kind]
        if self.operator in "/%":
            zero = bindparam(None, 0 if self.kind is Kind.INTEGER else 0.0, type_=type_, unique=True)
            right = func.nullif(right, zero, type_=type_)
        made: ColumnElement[Any] = left.op(self.operator, return_type=type_)(right)
        return made

    def of(self, record: Record) -> Value:
        left, right = self.left.of(record), self.right.of(record)
        if left is None or right is None or (self.operator in "/%" and not right):
            return None
        return _OPERATIONS[self.operator](left, right)

    def parts(self) -> tuple[Term, ...]:
        return self.left, self.right


def _divided(left: Any, right: Any) -> int | float:
    if isinstance(left, float):
        return float(left / right)
    quotient = abs(left) // abs(right)
    return int(quotient if (left < 0) == (right < 0) else -quotient)


_OPERATIONS: dict[str, Callable[[Any, Any], int | float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
    "%": lambda left, right: left - right * _divided(left, right),
}


@dataclass(frozen=True)
class _OfNumber(Term):
    """What is made of one number, and is of its kind and size."""

    term: Term

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        return self.term.kind

    @property
    def span(self) -> Span:
        return self.term.span

    def parts(self) -> tuple[Term, ...]:
        return (self.term,)


@dataclass(frozen=True)
class Negated(_OfNumber):
    """A number with the other sign."""

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        zero = bindparam(None, 0 if self.kind is Kind.INTEGER else 0.0, type_=_TYPES[self.kind], unique=True)
        made: ColumnElement[Any] = zero.op("-", return_type=_TYPES[self.kind])(self.term.sql(columns))
        return made

    def of(self, record: Record) -> Value:
        value: Any = self.term.of(record)
        return None if value is None else 0 - value


@dataclass(frozen=True)
class Absolute(_OfNumber):
    """abs(number)"""

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return func.abs(self.term.sql(columns), type_=_TYPES[self.kind])

    def of(self, record: Record) -> Value:
        value: Any = self.term.of(record)
        return None if value is None else abs(value)


@dataclass(frozen=True)
class Coalesce(Term):
    """The first of several terms of one kind that has a value."""

    terms: tuple[Term, ...]

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        return self.terms[0].kind

    @property
    def span(self) -> Span:
        return Span(max(term.span.high for term in self.terms), min(term.span.grain for term in self.terms))

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return func.coalesce(*(term.sql(columns) for term in self.terms), type_=_TYPES[self.kind])

    def of(self, record: Record) -> Value:
        return next((value for term in self.terms if (value := term.of(record)) is not None), None)

    def parts(self) -> tuple[Term, ...]:
        return self.terms


def reckonable(term: Term) -> Term:
    """A number as arithmetic takes it: its columns within the limits."""
    if isinstance(term, ColumnTerm):
        return Bounded(term)
    if isinstance(term, Coalesce):
        return Coalesce(tuple(reckonable(each) for each in term.terms))
    if isinstance(term, AsFloat):
        return AsFloat(reckonable(term.term))
    return term
