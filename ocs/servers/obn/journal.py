"""What the manager must not forget: requests and how far they are, in a SQLite file.

One thread writes; what is asked for while a transaction runs goes into the next one together.
"""
from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import Deferred

from ocs.errors import StoreUnavailable

__all__ = ["Journal"]

_TABLE = """CREATE TABLE IF NOT EXISTS request (token TEXT PRIMARY KEY, number INTEGER NOT NULL, expires_at FLOAT NOT NULL,
document BLOB NOT NULL, status BLOB NOT NULL, told INTEGER NOT NULL)"""
_PUT = "INSERT OR REPLACE INTO request (token, number, expires_at, document, status, told) VALUES (?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM request WHERE token = ?"
_SELECT = "SELECT token, number, expires_at, document, status, told FROM request ORDER BY number"
Row = tuple[str, int, float, bytes, bytes, int]


class Journal:
    """The file at `path`, for its owner's eyes. `in_thread` runs a function elsewhere and fires with what it returns. Deferreds
    fail with StoreUnavailable where the disk does not do it."""

    def __init__(self, path: Path, in_thread: Callable[[Callable[[], Any]], Deferred[Any]]) -> None:
        self._path, self._in_thread = path, in_thread
        self._connection: sqlite3.Connection | None = None
        self._asked: list[tuple[str, tuple[Any, ...], Deferred[None]]] = []
        self._writing = False
        self._idle: list[Deferred[None]] = []

    def start(self) -> Deferred[list[Row]]:
        """Open; fires with what the last run left, oldest first."""
        return self._in_thread(self._open)

    def put(self, row: Row) -> Deferred[None]:
        """Write a request as it is now; fires when it would survive a crash."""
        return self._ask(_PUT, row)

    def remove(self, token: str) -> Deferred[None]:
        """Forget a request."""
        return self._ask(_REMOVE, (token,))

    def stop(self) -> Deferred[None]:
        """Finish what was asked for, and close."""
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        self._write()
        return done.addCallback(lambda _: self._in_thread(self._close))

    def _ask(self, statement: str, values: tuple[Any, ...]) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._asked.append((statement, values, done))
        self._write()
        return done

    def _write(self) -> None:
        if self._writing:
            return
        if not self._asked:
            idle, self._idle = self._idle, []
            for one in idle:
                one.callback(None)
            return
        group, self._asked, self._writing = self._asked, [], True

        def over(outcome: Any) -> None:
            self._writing = False
            for _, _, done in group:
                done.callback(outcome)      # a Failure goes the other way
            self._write()

        self._in_thread(lambda: self._transact([(statement, values) for statement, values, _ in group])).addBoth(over)

    # -- in the thread --------------------------------------------------------------------------------------------
    def _open(self) -> list[Row]:
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)
            return list(self._connection.execute(_SELECT))
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"journal.file: {self._path}: {error}") from None

    def _transact(self, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
        if self._connection is None:
            raise StoreUnavailable("the journal is closed")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    self._connection.execute(statement, values)
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreUnavailable(f"journal.file: {error}") from None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
