"""SQL that the databases spell differently, so that a dialing filter means the same on each.

`by_code_point(text)` compares and sorts by code point whatever the database's locale; under it `lower` and `upper` change
the letters A-Z alone, on every database. `like(text, pattern)` tells upper case from lower case; SQLite's own LIKE does
not, its GLOB does. `Moment` takes a date and time as text, with and without SQLAlchemy's conversion of parameters.
"""
from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, DateTime, String, bindparam
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Moment", "by_code_point", "like"]

LIKE_ESCAPE = "!"


class Moment(TypeDecorator[str]):
    """A date and time without zone, given as ISO 8601 text."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return value


class _ByCodePoint(FunctionElement[str]):
    name = "by_code_point"
    type = String()
    inherit_cache = True


class _Like(FunctionElement[bool]):
    name = "like_pattern"
    type = Boolean()
    inherit_cache = True


def by_code_point(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """`text` under the order of its code points."""
    return _ByCodePoint(text)


def like(text: ColumnElement[Any], like_pattern: str, glob_pattern: str) -> ColumnElement[bool]:
    """Whether `text` has the pattern, given for LIKE with `LIKE_ESCAPE` and for GLOB."""
    return _Like(text, bindparam(None, like_pattern, type_=String(), unique=True),
                 bindparam(None, glob_pattern, type_=String(), unique=True))


@compiles(_ByCodePoint)
def _plain(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    text, = element.clauses
    return compiler.process(text, **options)


@compiles(_ByCodePoint, "postgresql")
def _collated(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    text, = element.clauses
    return f'({compiler.process(text, **options)} COLLATE "C")'


@compiles(_Like)
def _like(element: _Like, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern, _ = element.clauses
    return f"({compiler.process(text, **options)} LIKE {compiler.process(pattern, **options)} ESCAPE '{LIKE_ESCAPE}')"


@compiles(_Like, "sqlite")
def _glob(element: _Like, compiler: SQLCompiler, **options: Any) -> str:
    text, _, pattern = element.clauses
    return f"({compiler.process(text, **options)} GLOB {compiler.process(pattern, **options)})"
