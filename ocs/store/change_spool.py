"""Changes that wait on the local disk while the database is away: a SQLite file of our own, outside of that database.

Each change is a row under a number that is never used again; rows are written in groups, in the order in which they were
asked for, flushed to the disk before anybody is told (as in `ocs.database.sqlite`). What a crash tears off is a group that
nobody was told of. The file is one process's: a second server that is given the same one is refused. Octets are counted as
they are added; a part of the room is kept for the outcomes of what was dialed already.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from ocs.database.pool import Database, GroupCommit, Threads
from ocs.database.sqlite import SqliteBackend
from ocs.database.statements import Transaction
from ocs.dialing.values import ChainSave
from ocs.errors import DatabaseAway, OCSError, StoreUnavailable
from ocs.options import option

__all__ = ["ChangeSpool", "ChangeSpoolOptions", "SpooledChange"]

_TABLES = (
    "CREATE TABLE IF NOT EXISTS spool (name TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS change (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (sequence INTEGER PRIMARY KEY, reason TEXT NOT NULL, body BLOB NOT NULL)",
)
_ROW = 32               # octets of a row beside its body
_KEPT = 4               # a fourth of the room is for outcomes only
_LOCK_S = 1.0           # how long to wait for whoever has the file

SpooledChange = tuple[int, ChainSave]       # its number, and what is to be written


@dataclass(frozen=True)
class ChangeSpoolOptions:
    """What waits on disk while the database is away."""

    file: Path = option(
        Path("ocs-changes.db"),
        text="Where attempts and results wait, on a local disk; it has telephone numbers in it and is its owner's alone. "
             "Each server needs a file of its own.")
    limit_mb: int = option(
        256, low=1, high=65_536, unit="MB",
        text="How much may wait. Nothing new is dialed when three quarters are full; the rest is for results.")
    answer_timeout_s: float = option(
        5.0, low=0.1, high=600, unit="seconds",
        text="A database that has not answered to a change for so long is taken for away.")


class _Backend(SqliteBackend):
    """The file is made where there is none; one connection has it to itself."""

    def __str__(self) -> str:
        return f"spool {self.path}"

    def connect(self, create: bool = True, write: bool = True, bounded: bool = False) -> Any:
        connection = super().connect(create=True, write=write, bounded=bounded)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        return connection


class ChangeSpool:
    """The file. `name` is its own, known once it is open; `waiting` are changes that are not `done`, `octets` their size,
    `refused` those that were set aside."""

    log = Logger()

    def __init__(self, options: ChangeSpoolOptions, reactor: Any, threads: Threads = ThreadPool) -> None:
        self._options, self._limit = options, options.limit_mb * 1_048_576
        self._database = Database(reactor, _Backend(options.file, _LOCK_S), readers=1, threads=threads)
        self._writes = GroupCommit(self._database)
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(ChainSave)
        self._rows: deque[tuple[int, int]] = deque()        # (number, octets) of what waits, on disk
        self._adding = self.octets = self.refused = 0
        self.replayed = 0                                   # up to here nothing waits
        self._uncleared = False                             # rows that are done could not be taken out of the file
        self.name = ""

    @property
    def waiting(self) -> int:
        """How many changes wait, those included that are being written to the disk."""
        return len(self._rows) + self._adding

    def __str__(self) -> str:
        return f"{self.waiting} changes on disk ({self.octets / 1_048_576:.1f} of {self._options.limit_mb} MB)"

    def start(self) -> Deferred[None]:
        """Open the file; what the last run left in it waits. StoreUnavailable if it cannot be used."""
        self._database.startService()
        return self._writes.submit(self._open).addCallbacks(self._opened, self._not_opened)

    def _opened(self, found: tuple[str, list[tuple[int, int]], int]) -> None:
        self.name, rows, self.refused = found
        self._rows.extend(rows)
        self.octets = sum(octets for _, octets in rows)

    def _not_opened(self, failure: Failure) -> None:
        self._database.stopService()
        failure.trap(OCSError)
        text = failure.getErrorMessage()
        whose = " (by another server? each needs a file of its own)" if text.endswith("locked") else ""
        raise StoreUnavailable(f"change_spool.file: {text}{whose}")

    def stop(self) -> Deferred[None]:
        """Finish what was asked for, and close. Fires always."""
        return self._writes.idle().addCallback(lambda _: self._database.stopService())

    # -- what waits -----------------------------------------------------------------------------------------------
    def add(self, change: ChainSave, new_attempt: bool = False) -> Deferred[None]:
        """Keep a change behind those that wait; fires when it would survive a crash. DatabaseAway where there is no room, or
        the disk does not do it; StoreUnavailable for values that cannot be kept. A `new_attempt` is one about to be dialed."""
        try:
            body = self._encoder.encode(change)
            self._decoder.decode(body)          # what could not be read again must not stand between others
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            return fail(StoreUnavailable(f"a value of calling list {change.table!r} cannot be kept: {error}"))
        octets = len(body) + _ROW
        if self.octets + octets > (self._limit - self._limit // _KEPT if new_attempt else self._limit):
            return fail(DatabaseAway(f"the spool {self._options.file} is full ({self._options.limit_mb} MB)"))
        self._adding += 1
        self.octets += octets

        def added(sequence: Any) -> Any:
            self._adding -= 1
            if isinstance(sequence, Failure):
                self.octets -= octets
                return sequence
            self._rows.append((sequence, octets))
            return None

        return self._writes.submit(lambda work: _add(work, body)).addBoth(added)

    def oldest(self, limit: int) -> Deferred[list[SpooledChange]]:
        """The first changes that wait, behind those that are being written to the disk now."""
        after = self.replayed
        return self._writes.submit(lambda work: self._read(work, after, limit))

    def done(self, sequence: int) -> None:
        """The database has everything up to this number. It is gone from the file soon; until then no harm is in it, because
        the database knows how far it has come."""
        self.replayed = sequence
        while self._rows and self._rows[0][0] <= sequence:
            self.octets -= self._rows.popleft()[1]
        self._writes.submit(lambda work: _run(work, "DELETE FROM change WHERE sequence <= ?", sequence)).addCallbacks(
            self._cleared, self._not_cleared)

    def _cleared(self, _: None) -> None:
        self._uncleared = False

    def _not_cleared(self, failure: Failure) -> None:
        if not self._uncleared:
            self.log.error("what the database has taken cannot be taken out of the spool yet: {reason}",
                           reason=failure.getErrorMessage())
        self._uncleared = True

    def set_aside(self, sequence: int, reason: str) -> Deferred[None]:
        """The oldest change, which has this number, waits no more: nothing can be done with it. It stays in the file, with
        the reason."""
        def moved(_: None) -> None:
            self.refused += 1
            self.done(sequence)

        return self._writes.submit(lambda work: _set_aside(work, sequence, reason)).addCallback(moved)

    # -- in the thread --------------------------------------------------------------------------------------------
    @staticmethod
    def _open(work: Transaction) -> tuple[str, list[tuple[int, int]], int]:
        for table in _TABLES:
            _run(work, table)
        _run(work, "INSERT INTO spool SELECT ? WHERE NOT EXISTS (SELECT * FROM spool)", uuid4().hex)
        (name,), (refused,) = _rows(work, "SELECT name FROM spool")[0], _rows(work, "SELECT count(*) FROM refused")[0]
        return name, _rows(work, f"SELECT sequence, length(body) + {_ROW} FROM change ORDER BY sequence"), refused

    def _read(self, work: Transaction, after: int, limit: int) -> list[SpooledChange]:
        rows = _rows(work, "SELECT sequence, body FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit)
        return [(sequence, self._decoded(sequence, body)) for sequence, body in rows]

    def _decoded(self, sequence: int, body: bytes) -> ChainSave:
        try:
            change: ChainSave = self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise StoreUnavailable(f"change_spool.file: {self._options.file}, change {sequence}: {error}") from None
        return change


def _run(work: Transaction, text: str, *values: Any) -> None:
    work.cursor.execute(text, values)


def _rows(work: Transaction, text: str, *values: Any) -> list[Any]:
    return list(work.cursor.execute(text, values).fetchall())


def _add(work: Transaction, body: bytes) -> int:
    _run(work, "INSERT INTO change (body) VALUES (?)", body)
    return int(work.cursor.lastrowid)


def _set_aside(work: Transaction, sequence: int, reason: str) -> None:
    _run(work, "INSERT OR REPLACE INTO refused SELECT sequence, ?, body FROM change WHERE sequence = ?", reason, sequence)
    _run(work, "DELETE FROM change WHERE sequence = ?", sequence)
