"""Notifications that wait to be told, in a SQLite file of their own: they outlive a crash, and the calling lists' database.

All work is done in one thread, and what is asked for while a transaction runs goes into the next one together.
"""
from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from ocs.dialing.contact import Notice
from ocs.errors import StoreUnavailable
from ocs.interfaces import INotificationSpool

__all__ = ["NotificationSpool"]

_Value = TypeVar("_Value")
InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
_COLUMNS = "ticket, key, campaign_group, calling_list, chain_id, noted_at, body"
_TABLE = """CREATE TABLE IF NOT EXISTS notice (ticket INTEGER PRIMARY KEY, key TEXT NOT NULL, campaign_group TEXT NOT NULL,
calling_list TEXT NOT NULL, chain_id BIGINT NOT NULL, noted_at FLOAT NOT NULL, body BLOB NOT NULL)"""
_INSERT = f"INSERT INTO notice ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM notice WHERE ticket = ?"
_SELECT = f"SELECT {_COLUMNS} FROM notice ORDER BY ticket"
_Statement = tuple[str, tuple[Any, ...]]


@implementer(INotificationSpool)
class NotificationSpool:
    """The file at `path`, made where there is none, for its owner's eyes. `in_thread` runs a function elsewhere and fires
    with what it returns; one at a time is asked for."""

    def __init__(self, path: Path, in_thread: InThread) -> None:
        self._path, self._in_thread = path, in_thread
        self._connection: sqlite3.Connection | None = None
        self._open = False
        self._asked: list[tuple[_Statement, Deferred[None]]] = []
        self._writing: list[tuple[_Statement, Deferred[None]]] = []
        self._idle: list[Deferred[None]] = []

    def start(self) -> Deferred[list[Notice]]:
        opened = self._run(self._read_all)

        def ready(left: list[Notice]) -> list[Notice]:
            self._open = True
            return left
        return opened.addCallback(ready)

    def add(self, notice: Notice) -> Deferred[None]:
        return self._ask(_INSERT, (notice.ticket, notice.key, notice.campaign_group, notice.calling_list, notice.chain_id,
                                   notice.noted_at, notice.body))

    def remove(self, ticket: int) -> Deferred[None]:
        return self._ask(_DELETE, (ticket,))

    def stop(self) -> Deferred[None]:
        self._open = False
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        self._go_on()
        return done.addCallback(lambda _: self._run(self._close))

    # -- on the reactor -------------------------------------------------------------------------------------------
    def _ask(self, text: str, values: tuple[Any, ...]) -> Deferred[None]:
        if not self._open:
            return fail(StoreUnavailable(f"{self._path}: not open"))
        done: Deferred[None] = Deferred()
        self._asked.append(((text, values), done))
        self._go_on()
        return done

    def _go_on(self) -> None:
        if self._writing:
            return
        if not self._asked:
            waiters, self._idle = self._idle, []
            for waiter in waiters:
                waiter.callback(None)
            return
        self._writing, self._asked = self._asked, []
        self._run(lambda: self._write([statement for statement, _ in self._writing])).addBoth(self._written)

    def _written(self, outcome: Any) -> None:
        written, self._writing = self._writing, []
        for _, done in written:
            done.callback(outcome)      # None, or the Failure
        self._go_on()

    def _run(self, work: Callable[[], _Value]) -> Deferred[_Value]:
        def named() -> _Value:
            try:
                return work()
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(f"{self._path}: {error}") from error
        return self._in_thread(named)

    # -- in the thread --------------------------------------------------------------------------------------------
    def _read_all(self) -> list[Notice]:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))      # it has people's numbers in it
        # the pool may serve one request by one thread and the next by another; never two at once
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_TABLE)
            left = [Notice(*row) for row in connection.execute(_SELECT)]
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return left

    def _write(self, statements: list[_Statement]) -> None:
        connection = self._connection
        if connection is None:
            raise StoreUnavailable(f"{self._path}: not open")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for text, values in statements:
                connection.execute(text, values)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
