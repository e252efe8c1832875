"""SQLite files: the embedded default. One writer at a time, readers beside it.

Why `synchronous=FULL`: a result that was acknowledged is to be in the database after *any* crash, and an attempt's row
before its call is dialed. In WAL mode NORMAL survives the death of the process but not of the machine: the last commits
before a power loss may be missing, and a number would be dialed twice. FULL flushes the log at each commit; the writer
commits in groups, so the flush is paid once for everything that waited.
"""
from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import quote

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from ocs.database.driver import Backend, Trouble
from ocs.database.statements import Transaction
from ocs.errors import ConfigurationError, OCSError, StoreUnavailable

__all__ = ["SqliteBackend"]

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DATA = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError, OverflowError, UnicodeError)
_LOST = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)     # the disk's trouble, not the statement's


class SqliteBackend(Backend):
    """One SQLite file. Statements run in transactions that are begun here, never by the driver."""

    driver = "sqlite3"
    # the last two: a number beyond 64 bits, half a surrogate pair; values that the driver cannot hand over
    errors: tuple[type[Exception], ...] = (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError)

    def __init__(self, path: Path, statement_timeout_s: float = 5.0) -> None:
        self.path, self._busy_timeout_s = path, statement_timeout_s
        self.dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="qmark")

    @classmethod
    def of_url(cls, url: URL, statement_timeout_s: float) -> SqliteBackend:
        """From `sqlite:///relative.sqlite` or `sqlite:////absolute.sqlite`; ConfigurationError for one without a file."""
        if url.host or url.query:
            raise ConfigurationError(["database.url: a SQLite URL has no host and no query; use sqlite:///FILE"])
        if url.database in (None, "", ":memory:"):
            raise ConfigurationError(["database.url: SQLite in memory is one database for each thread; name a file"])
        assert url.database is not None
        return cls(Path(url.database), statement_timeout_s)

    @property
    def url(self) -> URL:
        return URL.create("sqlite", database=str(self.path))

    def __str__(self) -> str:
        return f"SQLite file {self.path}"

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def prepare_place(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OCSError(f"{self.path.parent}: {error.strerror}") from None

    def connect(self, create: bool = False, write: bool = True, bounded: bool = False) -> Any:
        """Without `create` a missing file is an error, and stays so."""
        try:
            if create and self.path.parent.is_dir():        # what people's numbers lie in is its owner's alone
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(**self._connect_arguments(create))
            try:
                for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON") if write else ("query_only=ON",):
                    connection.execute(f"PRAGMA {pragma}").fetchall()
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise self.unavailable(error) from error
        except OSError as error:
            raise StoreUnavailable(f"{self}: {error.strerror}") from error
        return connection

    def _connect_arguments(self, create: bool) -> Mapping[str, Any]:
        location = f"file:{quote(str(self.path.absolute()))}?mode={'rwc' if create else 'rw'}"
        return {"database": location, "uri": True, "isolation_level": None, "check_same_thread": False,
                "timeout": self._busy_timeout_s}

    def begin_write(self, connection: Any) -> Transaction:
        """Holds the write lock from its start, so that it never fails half way for a lock."""
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        return Transaction(cursor, self.dialect)

    begin_upgrade = begin_write

    def begin_read(self, connection: Any) -> Transaction:
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        return Transaction(cursor, self.dialect)

    def trouble(self, error: BaseException) -> Trouble:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _BUSY:
            return Trouble.LOCKED
        if isinstance(error, _DATA):
            return Trouble.DATA
        return Trouble.LOST if code is not None and code & 0xFF in _LOST else Trouble.REFUSED

    def is_closed(self, connection: Any) -> bool:
        return False

    def unavailable(self, error: BaseException) -> OCSError:
        if isinstance(error, sqlite3.OperationalError) and not self.path.exists():
            if not self.path.parent.is_dir():
                return self._says(error, f"{self}: there is no directory {self.path.parent}")
            if not os.access(self.path.parent, os.W_OK):
                return self._says(error, f"{self}: the directory {self.path.parent} cannot be written")
            return self._says(error, f"{self}: there is no such file (`ocs db upgrade` makes it)")
        return super().unavailable(error)
