"""The database under Twisted: adbapi pools as a service, one writer thread and readers beside it; group commit.

Everything that changes the database goes through `GroupCommit`: while one transaction runs, what is asked for in the
meantime queues up, and the next transaction does all of it. One flush to the disk serves many, order is kept, and the
queue is bounded. If a transaction fails, its parts are done again one by one, so that one bad change fails alone; but
not when the connection is gone or the database does not answer in time: then the whole group fails at once.

A connection that broke is closed without ado, and a new one is made when it is next needed. Where the backend says so,
tries to connect keep a distance that doubles; what is asked for in between fails at once, so nobody waits for a server
that is away.
"""
from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Sequence, TypeVar

from twisted.application.service import Service
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from ocs.database.driver import Backend, Trouble
from ocs.database.statements import Transaction
from ocs.errors import DatabaseAway, OCSError, StoreUnavailable

__all__ = ["Database", "GroupCommit", "Threads"]

log = Logger()
_Value = TypeVar("_Value")
Interaction = Callable[[Transaction], Any]
_TRIES = 3                          # for a lock, each waits for the backend's time-out; and after a conflict
_TIMEOUTS = 2                       # statements of one group that may run into the time-out before the rest is given up


Threads = Callable[[int, int, str], Any]    # minimum, maximum, name -> a ThreadPool; tests give one that runs when told


class BackOff:
    """When the next connection may be tried. One for all threads."""

    def __init__(self, backend: Backend, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._backend, self._monotonic = backend, monotonic
        self._first_s, self._longest_s = backend.back_off_s or (0.0, 0.0)
        self._guard = threading.Lock()
        self._wait_s, self._not_before, self._reason = 0.0, float("-inf"), ""

    def connect(self, write: bool) -> Any:
        """A new connection, or StoreUnavailable: from a try, or at once because the last one failed just now."""
        with self._guard:
            left_s = self._not_before - self._monotonic()
            if left_s > 0:
                raise DatabaseAway(f"{self._reason}; tried again in {left_s:.1f} s")
        try:
            connection = self._backend.connect(write=write, bounded=True)
        except StoreUnavailable as error:
            with self._guard:
                self._wait_s = min(self._longest_s, 2 * self._wait_s or self._first_s)
                self._not_before, self._reason = self._monotonic() + self._wait_s, str(error)
            raise
        with self._guard:
            if self._wait_s:
                log.info("{database} is back", database=str(self._backend))
            self._wait_s, self._not_before = 0.0, float("-inf")
        return connection


class _Connection(adbapi.Connection):
    """A thread's connection. One that cannot be rolled back is closed and forgotten; the thread's next use makes a new
    one."""

    def commit(self) -> None:
        if self._connection is not None:
            self._connection.commit()

    def rollback(self) -> None:
        if self._connection is None:
            return
        backend = self._pool.backend
        try:
            self._connection.rollback()
        except backend.errors:
            self._forget()
        else:
            if backend.is_closed(self._connection):
                self._forget()

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        self._pool.disconnect(connection)


class _Pool(adbapi.ConnectionPool):
    """An adbapi pool on threads and connections that are given."""

    connectionFactory = _Connection

    def __init__(self, reactor: Any, backend: Backend, back_off: BackOff, write: bool, size: int, name: str,
                 threads: Threads) -> None:
        super().__init__(backend.driver, cp_reactor=reactor, cp_min=1, cp_max=size, cp_name=name)
        self.backend, self._back_off, self._write = backend, back_off, write
        self.threadpool = threads(1, size, name)

    def _start(self) -> None:
        """Adbapi starts a pool with the reactor, even while it is being made; here the service does. The trigger that
        called is spent: `close` must not remove it again."""
        self.startID = None

    def connect(self) -> Any:
        """The calling thread's connection, a new one where it has none."""
        thread = self.threadID()
        connection = self.connections.get(thread)
        if connection is not None and self.backend.is_closed(connection):
            self.disconnect(connection)
            connection = None
        if connection is None:
            connection = self.connections[thread] = self._back_off.connect(self._write)
        return connection


class Database(Service):
    """Connections to one database. Interactions run in threads, get a `Transaction` and return plain values; the
    driver's errors come out as StoreUnavailable, and as DatabaseAway where the same again may do later."""

    def __init__(self, reactor: Any, backend: Backend, readers: int = 2, threads: Threads = ThreadPool) -> None:
        self._reactor, self.backend, self._readers, self._threads = reactor, backend, readers, threads
        self._writer: _Pool | None = None
        self._reader: _Pool | None = None

    def startService(self) -> None:
        """Start the threads; connections are made when they are first needed."""
        super().startService()
        back_off = BackOff(self.backend)
        self._writer = _Pool(self._reactor, self.backend, back_off, True, 1, "store-writer", self._threads)
        self._reader = _Pool(self._reactor, self.backend, back_off, False, self._readers, "store-reader", self._threads)
        self._writer.start()
        self._reader.start()

    def stopService(self) -> None:
        """Close the connections and join the threads; whoever needs what is under way waits for it first."""
        super().stopService()
        for pool in (self._reader, self._writer):
            if pool is not None:
                pool.close()
        self._writer = self._reader = None

    def read(self, interaction: Callable[[Transaction], _Value]) -> Deferred[_Value]:
        """Run a query; fires with what the interaction returns."""
        if self._reader is None:
            return fail(StoreUnavailable(f"{self.backend}: closed"))
        return self._named(self._reader.runWithConnection(self._read, interaction))

    def write_all(self, interactions: Sequence[Interaction]) -> Deferred[list[Any]]:
        """Run changes, all in one transaction where possible; fires with a value or an exception for each."""
        if self._writer is None:
            return fail(StoreUnavailable(f"{self.backend}: closed"))
        return self._named(self._writer.runWithConnection(self._write_all, interactions))

    def _named(self, deferred: Deferred[_Value]) -> Deferred[_Value]:
        """Errors of connecting, beginning and committing come out as StoreUnavailable too."""
        def convert(failure: Failure) -> Any:
            if failure.check(*self.backend.errors, OSError) is not None:
                assert failure.value is not None
                raise self.backend.unavailable(failure.value) from failure.value
            return failure
        return deferred.addErrback(convert)

    def _read(self, connection: Any, interaction: Callable[[Transaction], _Value]) -> _Value:
        return interaction(self.backend.begin_read(connection))

    def _write_all(self, connection: Any, interactions: Sequence[Interaction]) -> list[Any]:
        try:
            return self._together(connection, interactions)
        except Exception as error:
            if len(interactions) == 1 or self.backend.trouble(error) in (Trouble.LOCKED, Trouble.LOST):
                return [self._outcome(error)] * len(interactions)
        outcomes: list[Any] = []
        timeouts = 0
        for interaction in interactions:
            try:
                outcomes += self._together(connection, [interaction])
            except Exception as error:
                outcomes.append(self._outcome(error))
                trouble = self.backend.trouble(error)
                timeouts += trouble is Trouble.TIMEOUT
                if trouble is Trouble.LOST or timeouts == _TIMEOUTS:
                    break
        return outcomes + outcomes[-1:] * (len(interactions) - len(outcomes))

    def _together(self, connection: Any, interactions: Sequence[Interaction]) -> list[Any]:
        for _ in range(_TRIES - 1):
            try:
                return self._once(connection, interactions)
            except self.backend.errors as error:
                if self.backend.trouble(error) is not Trouble.CONFLICT:
                    raise
                log.warn("{database}: {reason}; trying again", database=str(self.backend),
                         reason=str(self.backend.unavailable(error)))
        return self._once(connection, interactions)

    def _once(self, connection: Any, interactions: Sequence[Interaction]) -> list[Any]:
        work = self._begin(connection)
        try:
            values = [interaction(work) for interaction in interactions]
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return values

    def _begin(self, connection: Any) -> Transaction:
        for _ in range(_TRIES - 1):
            try:
                return self.backend.begin_write(connection)
            except self.backend.errors as error:
                if self.backend.trouble(error) is not Trouble.LOCKED:
                    raise
                log.warn("{database} is locked by another process, trying again", database=str(self.backend))
        return self.backend.begin_write(connection)

    def _outcome(self, error: Exception) -> Exception:
        if isinstance(error, (*self.backend.errors, OSError)):
            return self.backend.unavailable(error)
        if not isinstance(error, OCSError):
            log.failure("a change of the store failed", Failure(error))
        return error


class GroupCommit:
    """The queue of changes: in order, several in a transaction, at most `limit` waiting."""

    def __init__(self, database: Database, limit: int = 10_000, group: int = 500) -> None:
        self._database, self._limit, self._group = database, limit, group
        self._waiting: deque[tuple[Interaction, Deferred[Any]]] = deque()
        self._busy = False
        self._idle: list[Deferred[None]] = []

    def submit(self, interaction: Callable[[Transaction], _Value]) -> Deferred[_Value]:
        """Run a change; fires with what it returns once it is committed. Fails with DatabaseAway when too much is
        waiting already."""
        if len(self._waiting) >= self._limit:
            return fail(DatabaseAway(f"{self._limit} changes wait for the database already"))
        deferred: Deferred[_Value] = Deferred()
        self._waiting.append((interaction, deferred))
        self._next_group()
        return deferred

    def idle(self) -> Deferred[None]:
        """Fires when nothing waits and nothing runs."""
        if not self._busy and not self._waiting:
            return succeed(None)
        self._idle.append(Deferred())
        return self._idle[-1]

    def _next_group(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        group = [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]
        self._database.write_all([interaction for interaction, _ in group]).addBoth(self._done, group)

    def _done(self, outcomes: Any, group: Sequence[tuple[Interaction, Deferred[Any]]]) -> None:
        if isinstance(outcomes, Failure):
            outcomes = [outcomes] * len(group)
        for outcome, (_, deferred) in zip(outcomes, group):
            if isinstance(outcome, (Failure, Exception)):
                deferred.errback(outcome)
            else:
                deferred.callback(outcome)
        self._busy = False
        self._next_group()
        if not self._busy:
            waiters, self._idle = self._idle, []
            for waiter in waiters:
                waiter.callback(None)
