"""Dialing filters: which records of a calling list may be dialed (`criteria`), and in which order (`order_by`).

An administrator writes both in SQL. They are read here into values of our own, and only these become SQL again, over the
columns of the list's table and with every literal bound as a parameter: no text of a filter ever reaches a database. The
same values decide about a record in memory (`matches`, `sort_key`), with the same answers: unknown where a value is
missing, text compared by code points and LIKE with regard to case, records without a value last.

Source: the public options `criteria` and `order_by` of a filter, split over several keys where they are long.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Sequence

from sqlalchemy import true
from sqlalchemy.sql.expression import ColumnElement, FromClause

from ocs.dialing.values import ClaimRequest, CustomField, Record
from ocs.errors import FilterError
from ocs.store.filter_conditions import Condition, OrderKey
from ocs.store.filter_grammar import condition_of, order_of
from ocs.store.filter_values import ColumnTerm, Kind

__all__ = ["DialingFilter", "FilterError", "NO_FILTER", "columns_of", "filter_from_options", "filter_of", "parse_filter",
           "text_fault"]

_INTEGERS = {"record_id": 64, "chain_id": 64, "chain_n": 64, "contact_info_type": 31, "record_type": 31,
             "record_status": 31, "call_result": 31, "attempt": 31, "dial_sched_time": 64, "call_time": 64,
             "daily_from": 31, "daily_till": 31, "tz_dbid": 64}
_TEXTS = ("contact_info", "agent_id", "treatments")
_KINDS = {"int": Kind.INTEGER, "float": Kind.FLOAT, "char": Kind.TEXT, "varchar": Kind.TEXT, "datetime": Kind.DATETIME}
_OPTION = re.compile(r"(criteria|order_by)(\d{0,3})", re.ASCII)


@dataclass(frozen=True)
class DialingFilter:
    """One filter over one list's columns. Made by `parse_filter`; equal to another of the same text. `columns` are the
    columns that it needs, in order of their names: an index on them serves it."""

    criteria: str = ""
    order_by: str = ""
    condition: Condition | None = field(default=None, repr=False, compare=False)
    keys: tuple[OrderKey, ...] = field(default=(), repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it needs."""
        terms = [*(() if self.condition is None else self.condition.terms()), *(key.term for key in self.keys)]
        return tuple(sorted({name for term in terms for name in term.columns()}))

    def expression(self, table: FromClause) -> ColumnElement[bool]:
        """The criteria over the columns of the list's table (or of an alias of it), for WHERE; true without criteria."""
        return true() if self.condition is None else self.condition.sql(table.c)

    def ordering(self, table: FromClause) -> list[ColumnElement[Any]]:
        """The keys for ORDER BY; empty without an order. The caller puts keys behind them that make the order whole."""
        return [key.sql(table.c) for key in self.keys]

    def matches(self, record: Record) -> bool:
        """Whether a record meets the criteria; one of which that is unknown does not."""
        return self.condition is None or self.condition.of(record) is True

    def sort_key(self, record: Record) -> tuple[Any, ...]:
        """Ascending in the filter's order; equal for all records without an order."""
        return tuple(key.of(record) for key in self.keys)

    def chain_order(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """The records of a chain as they are to be dialed: in the filter's order, then by chain_n."""
        return tuple(sorted(records, key=lambda record: (self.sort_key(record), record.chain_n)))


NO_FILTER = DialingFilter()


def parse_filter(criteria: str = "", order_by: str = "", fields: Sequence[CustomField] = ()) -> DialingFilter:
    """The filter that the two texts give over a list with these user-defined fields; blank text is no criteria, no order.
    Raises FilterError, which names the option, the line and column in it, and what is wrong."""
    return _parsed([("criteria", criteria)], [("order_by", order_by)], fields)


def filter_from_options(options: Mapping[str, str], fields: Sequence[CustomField] = ()) -> DialingFilter:
    """As `parse_filter`, from a filter's options. A long text is split over numbered options, between its words:
    `criteria` and `criteria1`, `criteria2` ... are one text, in this order; so are `order_by`, `order_by1` ... Raises
    FilterError also for an option of another name, and for a number that is left out."""
    pieces: dict[str, dict[int, tuple[str, str]]] = {"criteria": {}, "order_by": {}}
    for name, text in options.items():
        match = _OPTION.fullmatch(name)
        if match is None:
            raise FilterError("no such option of a filter; there are criteria and order_by, and these with a number", None, name)
        number = int(match[2] or 0)
        if number in pieces[match[1]]:
            raise FilterError("is given twice", None, name)
        pieces[match[1]][number] = name, text
    for name, numbered in pieces.items():
        missing = [number for number in range(1, max(numbered, default=0)) if number not in numbered]
        if missing:
            raise FilterError(f"is missing, but {name}{max(numbered)} is there", None, f"{name}{missing[0]}")
    criteria, order_by = ([part for _, part in sorted(pieces[name].items())] for name in ("criteria", "order_by"))
    return _parsed(criteria, order_by, fields)


def filter_of(request: ClaimRequest) -> DialingFilter:
    """The filter of a claim; TypeError for one that no store has made."""
    if request.filter is None:
        return NO_FILTER
    if not isinstance(request.filter, DialingFilter):
        raise TypeError(f"{request.filter!r} is not a filter of this store")
    return request.filter


def text_fault(options: Mapping[str, str]) -> FilterError | None:
    """What is wrong with a filter whatever the columns of its list are; None where only these can tell."""
    try:
        filter_from_options(options)
    except FilterError as error:
        return None if error.unknown_column else error
    return None


def columns_of(fields: Iterable[CustomField]) -> dict[str, ColumnTerm]:
    """What a filter may name: the public columns that a record has, and the user-defined fields."""
    columns = {name: ColumnTerm(name, Kind.INTEGER, bits=bits) for name, bits in _INTEGERS.items()}
    columns.update((name, ColumnTerm(name, Kind.TEXT)) for name in _TEXTS)
    columns.update((each.name, ColumnTerm(each.name, _KINDS[each.type], custom=True, padded=each.type == "char"))
                   for each in fields)
    return columns


_Pieces = Sequence[tuple[str, str]]         # (option, its text)


def _parsed(criteria: _Pieces, order_by: _Pieces, fields: Iterable[CustomField]) -> DialingFilter:
    columns = columns_of(fields)
    where, order = (" ".join(text for _, text in pieces) for pieces in (criteria, order_by))
    condition: Condition | None = None
    keys: tuple[OrderKey, ...] = ()
    if where.strip():
        try:
            condition = condition_of(where, columns)
        except FilterError as error:
            raise _located(error, criteria) from None
    if order.strip():
        try:
            keys = order_of(order, columns)
        except FilterError as error:
            raise _located(error, order_by) from None
    return DialingFilter(where, order, condition, keys)


def _located(error: FilterError, pieces: _Pieces) -> FilterError:
    """The same error with the option, and the line and column in it."""
    offset = error.offset
    if offset is None:
        return FilterError(error.reason, None, pieces[0][0], error.unknown_column)
    for name, text in pieces:
        if offset <= len(text):
            line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
            where = f"{name}, line {line}, column {column}"
            return FilterError(error.reason, error.offset, where, error.unknown_column)
        offset -= len(text) + 1
    raise AssertionError("the place of an error lies beyond the text") from error
