"""A database, from its URL: driver, dialect and how a connection is set up. SQLite files are what there is.

Why `synchronous=FULL`: a result that was acknowledged is to be in the database after *any* crash, and an attempt's row
before its call is dialed. In WAL mode NORMAL survives the death of the process but not of the machine: the last commits
before a power loss may be missing, and a number would be dialed twice. FULL flushes the log at each commit; the writer
commits in groups, so the flush is paid once for everything that waited.
"""
from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping
from urllib.parse import quote

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError

from ocs.errors import ConfigurationError, OCSError, StoreUnavailable
from ocs.store.statements import Transaction

__all__ = ["SqliteBackend", "backend_for", "transaction"]

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SqliteBackend:
    """One SQLite file. Statements run in transactions that are begun here, never by the driver."""

    driver = "sqlite3"
    # the last two: a number beyond 64 bits, half a surrogate pair; values that the driver cannot hand over
    errors: tuple[type[Exception], ...] = (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError)

    def __init__(self, path: Path, busy_timeout_s: float = 5.0) -> None:
        self.path, self.busy_timeout_s = path, busy_timeout_s
        self.dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="qmark")

    @property
    def url(self) -> URL:
        """As SQLAlchemy and alembic want it."""
        return URL.create("sqlite", database=str(self.path))

    def __str__(self) -> str:
        return f"SQLite file {self.path}"

    def connect_arguments(self, create: bool = False) -> Mapping[str, Any]:
        """Keyword arguments of the driver's `connect`. Without `create` a missing file is an error, and stays so."""
        location = f"file:{quote(str(self.path.absolute()))}?mode={'rwc' if create else 'rw'}"
        return {"database": location, "uri": True, "isolation_level": None, "check_same_thread": False,
                "timeout": self.busy_timeout_s}

    def prepare_writer(self, connection: Any) -> None:
        """Set a new connection up for changes."""
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def prepare_reader(self, connection: Any) -> None:
        """Set a new connection up for queries only."""
        connection.execute("PRAGMA query_only=ON").fetchall()

    def begin_write(self, connection: Any) -> Transaction:
        """Begin a transaction that holds the write lock from its start, so that it never fails half way for a lock."""
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        return Transaction(cursor, self.dialect)

    def begin_read(self, connection: Any) -> Transaction:
        """Begin a transaction that sees one state of the database."""
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        return Transaction(cursor, self.dialect)

    def is_locked(self, error: BaseException) -> bool:
        """Whether another process held the database for longer than the time-out; worth another try."""
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _BUSY

    def unavailable(self, error: BaseException) -> OCSError:
        """What the store says for an error of the driver."""
        if isinstance(error, sqlite3.OperationalError) and not self.path.exists():
            if not self.path.parent.is_dir():
                return StoreUnavailable(f"{self}: there is no directory {self.path.parent}")
            if not os.access(self.path.parent, os.W_OK):
                return StoreUnavailable(f"{self}: the directory {self.path.parent} cannot be written")
            return StoreUnavailable(f"{self}: there is no such file (`ocs db upgrade` makes it)")
        return StoreUnavailable(f"{self}: {error}")

    def connect(self, create: bool = False, write: bool = True) -> Any:
        """A connection for the calling thread; raises StoreUnavailable."""
        try:
            if create and self.path.parent.is_dir():        # what people's numbers lie in is its owner's alone
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(**self.connect_arguments(create))
            try:
                (self.prepare_writer if write else self.prepare_reader)(connection)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise self.unavailable(error) from error
        except OSError as error:
            raise StoreUnavailable(f"{self}: {error.strerror}") from error
        return connection


def backend_for(url: str | URL, busy_timeout_s: float = 5.0) -> SqliteBackend:
    """The backend that a URL names: `sqlite:///relative.sqlite` or `sqlite:////absolute.sqlite`. Raises
    ConfigurationError for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError([f"database.url: {error}"]) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError([f"database.url: {parsed.get_backend_name()!r} is not a database that is supported "
                                  "here; use sqlite:///FILE"])
    if parsed.host or parsed.query:
        raise ConfigurationError(["database.url: a SQLite URL has no host and no query; use sqlite:///FILE"])
    if parsed.database in (None, "", ":memory:"):
        raise ConfigurationError(["database.url: SQLite in memory is one database for each thread; name a file"])
    assert parsed.database is not None
    return SqliteBackend(Path(parsed.database), busy_timeout_s)


@contextmanager
def transaction(backend: SqliteBackend, write: bool = True, create: bool = False) -> Iterator[Transaction]:
    """One transaction on a connection of its own, for the command line and worker threads: committed at the end, rolled
    back on an exception. The driver's errors come out as StoreUnavailable."""
    connection = backend.connect(create, write)
    try:
        work = backend.begin_write(connection) if write else backend.begin_read(connection)
        try:
            yield work
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    except backend.errors as error:
        raise backend.unavailable(error) from error
    finally:
        connection.close()
