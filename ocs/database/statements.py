"""Core statements on raw cursors: compiled once per dialect, run inside one transaction.

`Sql` wraps a statement and keeps its compiled text; `Transaction` is what the store's interactions get. The drivers'
values need no conversion but for the few in `plain`, so rows are plain tuples.
"""
from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Callable, Iterable, Mapping, Sequence, Union, cast

from sqlalchemy import ARRAY, BigInteger, any_, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import DDLElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, ColumnElement
from sqlalchemy.sql.schema import Table
from sqlalchemy.types import TypeEngine

__all__ = ["Parameters", "Sql", "Transaction", "insert_ignoring", "insert_or_update", "one_of", "plain"]

Parameters = Mapping[str, Any]
_Build = Callable[[Dialect], ClauseElement]


class Sql:
    """One statement. `source` is a Core construct, or a function of the dialect where dialects differ."""

    def __init__(self, source: Union[ClauseElement, _Build]) -> None:
        self._source = source
        self._compiled: dict[str, tuple[SQLCompiler, Mapping[str, Any], bool]] = {}

    def bound(self, dialect: Dialect, parameters: Parameters) -> tuple[str, Any]:
        """Text and parameters for the driver's `execute`."""
        compiled, defaults, expands = self._on(dialect)
        values = {**defaults, **parameters} if defaults else parameters
        if expands:
            state = compiled.construct_expanded_state(dict(values))
            return state.statement, state.positional_parameters if compiled.positional else state.parameters
        return compiled.string, _ordered(compiled, values)

    def bound_many(self, dialect: Dialect, rows: Iterable[Parameters]) -> tuple[str, list[Any]]:
        """Text and parameters for the driver's `executemany`; the statement has no IN list."""
        compiled, defaults, _ = self._on(dialect)
        if defaults:
            return compiled.string, [_ordered(compiled, {**defaults, **row}) for row in rows]
        return compiled.string, [_ordered(compiled, row) for row in rows]

    def positions(self, dialect: Dialect) -> tuple[str, Sequence[str]]:
        """Text, and the names of its parameters in the driver's order, for callers that build positional rows."""
        compiled, _, _ = self._on(dialect)
        return compiled.string, compiled.positiontup or ()

    def _on(self, dialect: Dialect) -> tuple[SQLCompiler, Mapping[str, Any], bool]:
        try:
            return self._compiled[dialect.name]
        except KeyError:
            source = self._source if isinstance(self._source, ClauseElement) else self._source(dialect)
            compiled = source.compile(dialect=dialect)
            assert isinstance(compiled, SQLCompiler)
            defaults = {name: value for name, value in compiled.params.items() if value is not None}
            entry = self._compiled[dialect.name] = (compiled, defaults, bool(compiled.post_compile_params))
            return entry


def _ordered(compiled: SQLCompiler, values: Parameters) -> Any:
    if compiled.positional:
        return tuple([values[name] for name in compiled.positiontup or ()])
    return values


def one_of(column: ColumnElement[Any], name: str, dialect: Dialect,
           kind: type[TypeEngine[Any]] = BigInteger) -> ColumnElement[bool]:
    """Whether a column has one of the values that are given as the parameter `name`. On PostgreSQL one array of `kind`: the
    statement's text is the same for every number of values, so the server prepares it once."""
    if dialect.name == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(kind)))
    return column.in_(bindparam(name, expanding=True))


def insert_ignoring(table: Table, *without: str) -> Sql:
    """Insert a row, or leave the one that is there alone. The columns `without` which it is made get their defaults."""
    given: dict[str, Any] = {column.name: bindparam(column.name) for column in table.columns if column.name not in without}
    return Sql(lambda dialect: (
        _insert(dialect)(table).values(given) if without else _insert(dialect)(table)).on_conflict_do_nothing())


def insert_or_update(table: Table, *key: str, where: ColumnElement[bool] | None = None) -> Sql:
    """Insert a row, or write all its columns into the one with this key; only if `where` holds for that, if given."""
    def build(dialect: Dialect) -> ClauseElement:
        insert = _insert(dialect)(table)
        changed = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in key}
        return cast(ClauseElement, insert.on_conflict_do_update(index_elements=key, set_=changed, where=where))
    return Sql(build)


def _insert(dialect: Dialect) -> Callable[[Table], Any]:
    return postgresql.insert if dialect.name == "postgresql" else sqlite.insert


def plain(value: Any) -> Any:
    """A driver's value as the engine uses it: Decimal (whole numbers only, here) to int, datetime to ISO 8601 text."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value


class Transaction:
    """A cursor inside one transaction of one connection; whoever made it commits or rolls back."""

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self.cursor, self.dialect = cursor, dialect
        self.known: dict[str, Any] = {}         # calling lists that this transaction has looked up already

    def rows(self, sql: Sql, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        self.cursor.execute(*sql.bound(self.dialect, parameters))
        rows: list[tuple[Any, ...]] = self.cursor.fetchall()
        return rows

    def row(self, sql: Sql, **parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a query; None where there is none."""
        self.cursor.execute(*sql.bound(self.dialect, parameters))
        row: tuple[Any, ...] | None = self.cursor.fetchone()
        return row

    def run(self, sql: Sql, **parameters: Any) -> int:
        """Change rows; how many were."""
        self.cursor.execute(*sql.bound(self.dialect, parameters))
        return int(self.cursor.rowcount)

    def run_many(self, sql: Sql, rows: Sequence[Parameters]) -> int:
        """Run one statement for each row of parameters; how many rows were changed in all."""
        if not rows:
            return 0
        self.cursor.executemany(*sql.bound_many(self.dialect, rows))
        return int(self.cursor.rowcount)

    def define(self, element: DDLElement) -> None:
        """Run a statement that makes or alters a table or an index."""
        # with parameters, though there are none: a % in a default is written as %% where the driver's parameters have one
        self.cursor.execute(str(element.compile(dialect=self.dialect)), ())
