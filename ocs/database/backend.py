"""A database, from its URL; and one transaction on it, for the command line and worker threads."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ocs.database.driver import Backend
from ocs.database.postgresql import PostgresqlBackend
from ocs.database.sqlite import SqliteBackend
from ocs.database.statements import Transaction
from ocs.errors import ConfigurationError

__all__ = ["Backend", "PostgresqlBackend", "SqliteBackend", "backend_for", "transaction"]


def backend_for(database: str | URL | Backend, statement_timeout_s: float = 5.0) -> Backend:
    """The backend that a URL names: `sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite` or
    `postgresql://user@host:port/name`; a backend is given back as it is. Raises ConfigurationError for anything else.
    A statement waits `statement_timeout_s` at most: for a lock on SQLite, in all on PostgreSQL."""
    if isinstance(database, Backend):
        return database
    try:
        url = make_url(database)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError([f"database.url: {error}"]) from None
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return SqliteBackend.of_url(url, statement_timeout_s)
        case "postgresql" | "postgresql+psycopg" | "postgres":
            return PostgresqlBackend(url, statement_timeout_s)
    raise ConfigurationError([f"database.url: {url.drivername!r} is not a database that is supported here; use sqlite:///FILE "
                              "or postgresql://USER@HOST/NAME"])


def url_problems(url: str) -> list[str]:
    """What is wrong with the option `url` of a table of options."""
    try:
        backend_for(url)
    except ConfigurationError as error:
        return [problem.removeprefix("database.") for problem in error.problems]
    return []


@contextmanager
def transaction(backend: Backend, write: bool = True, create: bool = False) -> Iterator[Transaction]:
    """One transaction on a connection of its own, for the command line and worker threads: committed at the end, rolled
    back on an exception. The driver's errors come out as StoreUnavailable."""
    connection = backend.connect(create, write)
    try:
        work = backend.begin_write(connection) if write else backend.begin_read(connection)
        try:
            yield work
        except BaseException:
            if not backend.is_closed(connection):
                connection.rollback()
            raise
        connection.commit()
    except backend.errors as error:
        raise backend.unavailable(error) from error
    finally:
        connection.close()
