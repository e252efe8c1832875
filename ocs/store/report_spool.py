"""Reports that wait for ICON, in a SQLite file of their own, outside of the calling lists' database.

Every report is on the disk before it is sent, and stays until ICON has acknowledged it. A sequence number names one report
for ever: what is written under it never changes, and is never sent before it would survive a crash. Reports of one moment
share a flush; one group is written after the other, so what is on the disk has no gaps.

Beside the reports lie the attempts whose beginning was reported and whose end was not: after a crash they are compared with
the calling lists' database. The file is one process's; a second server that is given the same one is refused.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable
from uuid import uuid4

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from ocs.database.pool import Database, Threads
from ocs.database.sqlite import SqliteBackend
from ocs.database.statements import Transaction
from ocs.dialing.reporting import LeftReports
from ocs.errors import OCSError, StoreUnavailable
from ocs.interfaces import IReportSpool

__all__ = ["ReportSpool"]

_TABLES = (
    "CREATE TABLE IF NOT EXISTS source (name TEXT NOT NULL, last_sequence INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS report (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS attempt (guid TEXT PRIMARY KEY, opened BLOB NOT NULL) WITHOUT ROWID",
)
_LOCK_S = 1.0           # how long to wait for whoever has the file
_RETRY_S = 2.0          # until a disk that did not take it is tried again


class _Backend(SqliteBackend):
    """The file is made where there is none; one connection has it to itself."""

    def __str__(self) -> str:
        return f"spool {self.path}"

    def connect(self, create: bool = True, write: bool = True, bounded: bool = False) -> Any:
        connection = super().connect(create=True, write=write, bounded=bounded)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        return connection


@dataclass
class _Group:
    """What is written together."""

    reports: list[tuple[int, bytes]] = field(default_factory=list)
    opened: dict[str, bytes] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    acknowledged: int = 0
    source: str = ""

    def __bool__(self) -> bool:
        return bool(self.reports or self.opened or self.closed or self.acknowledged or self.source)

    def before(self, later: _Group) -> _Group:
        """This and a later one as one group. An attempt that ends in the later one is not open."""
        opened = {guid: body for guid, body in {**self.opened, **later.opened}.items() if guid not in later.closed}
        return _Group(self.reports + later.reports, opened, self.closed + later.closed,
                      max(self.acknowledged, later.acknowledged), later.source or self.source)


@implementer(IReportSpool)
class ReportSpool:
    """The file at `path`, for its owner's eyes. `clock` is the reactor's."""

    log = Logger()

    def __init__(self, path: Path, reactor: Any, clock: IReactorTime, threads: Threads = ThreadPool) -> None:
        self._path, self._clock = path, clock
        self._database = Database(reactor, _Backend(path, _LOCK_S), readers=1, threads=threads)
        self.source = ""
        self.written = self.last = 0
        self.failing = False
        self._next = _Group()               # what is to be written next
        self._writing: _Group | None = None
        self._soon: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []        # for what is in `_next`
        self._waiting_before: list[Deferred[None]] = []     # for what is being written
        self._idle: list[Deferred[None]] = []
        self._listeners: list[Callable[[], None]] = []

    def start(self) -> Deferred[LeftReports]:
        self._database.startService()
        return self._database.write_all([_open]).addCallback(self._opened).addErrback(self._not_opened)

    def _opened(self, outcomes: list[Any]) -> LeftReports:
        left: LeftReports
        self.source, self.written, left = self._value(outcomes)
        self.last = self.written
        return left

    def _not_opened(self, failure: Failure) -> Any:
        self._database.stopService()
        failure.trap(OCSError)
        text = failure.getErrorMessage()
        whose = " (by another server? each needs a file of its own)" if text.endswith("locked") else ""
        raise StoreUnavailable(f"icon.spool_file: {text}{whose}")

    def stop(self) -> Deferred[None]:
        """Write what waits, and close. Fires always."""
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        self._go_on()
        return done.addCallback(lambda _: self._database.stopService())

    # -- IReportSpool ---------------------------------------------------------------------------------------------
    def add_listener(self, told: Callable[[], None]) -> None:
        self._listeners.append(told)

    @property
    def unwritten(self) -> int:
        return len(self._next.reports) + (len(self._writing.reports) if self._writing is not None else 0)

    def add(self, sequence: int, body: bytes) -> None:
        self.last = sequence
        self._next.reports.append((sequence, body))
        self._write_soon()

    def attempt_opened(self, guid: str, opened: bytes) -> None:
        self._next.opened[guid] = opened
        self._write_soon()

    def attempt_closed(self, guid: str) -> None:
        if self._next.opened.pop(guid, None) is None:
            self._next.closed.append(guid)
            self._write_soon()

    def acknowledged(self, sequence: int) -> None:
        self._next.acknowledged = max(self._next.acknowledged, sequence)
        self._write_soon()

    def rename(self) -> str:
        self.source = self._next.source = uuid4().hex
        self._write_soon()
        return self.source

    def flushed(self) -> Deferred[None]:
        if self.failing or not (self._next or self._writing):
            return succeed(None)
        told: Deferred[None] = Deferred()
        if self._next:
            self._waiting.append(told)
            self._go_on()
        else:
            self._waiting_before.append(told)
        return told

    def oldest(self, after: int, limit: int) -> Deferred[list[tuple[int, bytes]]]:
        return self._database.write_all([lambda work: _read(work, after, limit)]).addCallback(self._value)

    @staticmethod
    def _value(outcomes: list[Any]) -> Any:
        outcome, = outcomes
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    # -- one group after the other --------------------------------------------------------------------------------
    def _write_soon(self) -> None:
        """At the end of this turn, with what else comes in it."""
        if self._soon is None and self._writing is None:
            self._soon = self._clock.callLater(_RETRY_S if self.failing else 0, self._go_on)

    def _go_on(self) -> None:
        if self._soon is not None and self._soon.active():
            self._soon.cancel()
        self._soon = None
        if self._writing is not None:
            return
        if not self._next:
            idle, self._idle = self._idle, []
            for waiter in idle:
                waiter.callback(None)
            return
        group, self._next = self._next, _Group()
        self._writing, self._waiting_before, self._waiting = group, self._waiting, []
        self._database.write_all([lambda work: _write(work, group)]).addCallback(self._value).addCallbacks(
            self._done, self._failed, callbackArgs=(group,), errbackArgs=(group,))

    def _done(self, _: object, group: _Group) -> None:
        if group.reports:
            self.written = group.reports[-1][0]
        if self.failing:
            self.log.info("{spool} is written again", spool=str(self._path))
        self.failing = False
        self._over()
        self._go_on()
        if group.reports:
            for listener in self._listeners:
                listener()

    def _failed(self, failure: Failure, group: _Group) -> None:
        """The disk does not take it: it stays in memory, first in line. Nobody waits for it meanwhile: reporting does not stop
        the dialing."""
        if failure.check(OCSError) is None:
            self.log.failure("writing the spool of reports", failure)
        elif not self.failing:
            self.log.error("reports cannot be written to {spool}, they wait in memory: {reason}", spool=str(self._path),
                           reason=failure.getErrorMessage())
        self.failing = True
        self._next = group.before(self._next)
        self._over()
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told.callback(None)
        if self._idle:
            self._give_up()
        else:
            self._write_soon()

    def _give_up(self) -> None:
        self.log.error("{count} reports could not be written and are lost", count=len(self._next.reports))
        self._next = _Group()
        self._go_on()

    def _over(self) -> None:
        self._writing = None
        told, self._waiting_before = self._waiting_before, []
        for one in told:
            one.callback(None)


# -- in the thread ---------------------------------------------------------------------------------------------------
def _run(work: Transaction, text: str, *values: Any) -> Any:
    return work.cursor.execute(text, values)


def _open(work: Transaction) -> tuple[str, int, LeftReports]:
    for table in _TABLES:
        _run(work, table)
    _run(work, "INSERT INTO source SELECT ?, 0 WHERE NOT EXISTS (SELECT * FROM source)", uuid4().hex)
    (name, last), = _run(work, "SELECT name, last_sequence FROM source").fetchall()
    (count, octets, first), = _run(
        work, "SELECT count(*), coalesce(sum(length(body)), 0), coalesce(min(sequence), ?) FROM report", last + 1).fetchall()
    attempts = dict(_run(work, "SELECT guid, opened FROM attempt ORDER BY guid").fetchall())
    return name, last, LeftReports(first, count, octets, attempts)


def _read(work: Transaction, after: int, limit: int) -> list[tuple[int, bytes]]:
    rows: list[tuple[int, bytes]] = _run(
        work, "SELECT sequence, body FROM report WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit).fetchall()
    return rows


def _write(work: Transaction, group: _Group) -> None:
    if group.source:
        _run(work, "UPDATE source SET name = ?", group.source)
    if group.reports:
        work.cursor.executemany("INSERT OR REPLACE INTO report (sequence, body) VALUES (?, ?)", group.reports)
        _run(work, "UPDATE source SET last_sequence = ?", group.reports[-1][0])
    if group.acknowledged:
        _run(work, "DELETE FROM report WHERE sequence <= ?", group.acknowledged)
    work.cursor.executemany("INSERT OR REPLACE INTO attempt (guid, opened) VALUES (?, ?)", list(group.opened.items()))
    work.cursor.executemany("DELETE FROM attempt WHERE guid = ?", [(guid,) for guid in group.closed])
