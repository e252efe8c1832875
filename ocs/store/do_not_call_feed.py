"""Keeps a `DoNotCallList` as the database has it: loads it, and follows what other servers and commands do to it.

The list is read in a thread while the server goes on. Requests that come meanwhile, and changes that others make, are in
the present list at once and in the fresh one when it takes the place (`ocs.dialing.dnc.listed`). Afterwards the audit trail
is read every quarter of a second, and at once when somebody calls `wake` (on PostgreSQL a notification does); many changes
are done in slices, so that the reactor goes on. What is too much to be told one by one is loaded again. After a start
with the snapshot the table itself is read too, in the background: what is in the table counts.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from ocs.database.backend import Backend
from ocs.database.statements import Transaction
from ocs.dialing.dnc import DoNotCallList
from ocs.errors import OCSError
from ocs.store.do_not_call_changes import Changes, changes_since, head
from ocs.store.do_not_call_load import Loaded, load_list

__all__ = ["DoNotCallFeed", "InThread", "Reads"]

_Value = TypeVar("_Value")
_SLICE = 500                    # changes done in one turn of the reactor: a few milliseconds
_RETRY_S = 5.0


class InThread(Protocol):
    """Runs something in a thread; fires with what it returns. `reactor`'s own threads will do."""

    def __call__(self, work: Callable[[], _Value], /) -> Deferred[_Value]: ...


class Reads(Protocol):
    """Runs a query in a transaction on one of the store's connections (`SqlStore.read`)."""

    def __call__(self, interaction: Callable[[Transaction], _Value], /) -> Deferred[_Value]: ...


class DoNotCallFeed:
    """Of one list and one tenant. `loads` counts the lists that were read, `told` the changes."""

    log = Logger()

    def __init__(self, listed: DoNotCallList, backend: Backend, read: Reads, in_thread: InThread, clock: IReactorTime,
                 tenant_dbid: int = 1, snapshot: Path | None = None, interval_s: float = 0.25) -> None:
        self.listed, self._backend, self._read, self._in_thread, self._clock = listed, backend, read, in_thread, clock
        self._tenant, self._snapshot, self._interval_s = tenant_dbid, snapshot, interval_s
        self.loads = self.told = 0
        self._running = self._away = self._asking = self._again = False
        self._timer: IDelayedCall | None = None         # when the trail is read next
        self._retry: IDelayedCall | None = None         # when a load that failed is tried again
        self._loading: Deferred[None] | None = None     # one list is read at a time
        self._wanted: bool | None = None                # another one after it; whether the snapshot will do
        self._coming = 0                                # imports up to here come with a list that is being read

    async def start(self) -> None:
        """Fires when the list is there; nothing may be dialed before. Fails as the database does."""
        self._running = self.listed.followed = True
        try:
            self.listed.passed(await self._read(head))      # what is followed is what comes from now on
            self._schedule(self._interval_s)
            loaded = await self._first_load()
        except BaseException:
            await self.stop()
            raise
        if loaded.from_snapshot or self._wanted is not None:
            self._want(use_snapshot=False)

    async def stop(self) -> None:
        """Ask the database no more. Fires when no list is being read for this feed; one that is is given up soon."""
        self._running, self._wanted = False, None
        for timer in (self._timer, self._retry):
            if timer is not None and timer.active():
                timer.cancel()
        if self._loading is not None:
            idle: Deferred[None] = Deferred()
            self._loading.addBoth(idle.callback)
            await idle

    def reread(self) -> None:
        """Read the whole table again, in the background: it was edited by hand, or it is the time of the day for it."""
        self._want(use_snapshot=False)

    def wake(self) -> None:
        """Something changed: ask now."""
        if self._asking:
            self._again = True
        elif self._running:
            self._schedule(0.0)

    # -- loading --------------------------------------------------------------------------------------------------
    async def _first_load(self) -> Loaded:
        self._loading = first = Deferred[None]()
        try:
            return await self._load(use_snapshot=True)
        finally:
            self._loading = None
            first.callback(None)

    async def _load(self, use_snapshot: bool) -> Loaded:
        load = self.listed.begin_load()
        try:
            loaded = await self._in_thread(
                lambda: load_list(self._backend, self._tenant, self._snapshot, use_snapshot, lambda: self._running))
            old = load.finish(loaded.listed)
        except BaseException:
            load.abandon()
            raise
        self.loads += 1
        self.log.info("do-not-call list: {count} numbers and customer ids from {source} in {wait_s:.1f} s", wait_s=loaded.seconds,
                      count=len(self.listed), source="the snapshot" if loaded.from_snapshot else "the database")
        await self._in_thread(old.dismantle)
        return loaded

    def _want(self, use_snapshot: bool) -> None:
        """Have a list read in the background, after the one that is being read; that one may be too old already."""
        self._wanted = use_snapshot and self._wanted is not False
        if self._loading is None and self._running:
            wanted, self._wanted = self._wanted, None
            self._loading = Deferred.fromCoroutine(self._load(wanted)).addCallbacks(lambda loaded: None, self._not_loaded,
                                                                                    errbackArgs=(wanted,))
            self._loading.addBoth(self._loaded)

    def _loaded(self, _: object) -> None:
        self._loading = None
        if self._wanted is not None:
            self._want(self._wanted)

    def _not_loaded(self, failure: Any, use_snapshot: bool) -> None:
        if failure.check(OCSError, OverflowError) is None:
            self.log.failure("reading the do-not-call list", failure)
        if self._running:
            self.log.warn("do-not-call list not read, tried again in {wait_s} s: {reason}", wait_s=_RETRY_S,
                          reason=failure.getErrorMessage())
            self._retry = self._clock.callLater(_RETRY_S, self._want, use_snapshot)

    # -- following ------------------------------------------------------------------------------------------------
    def _schedule(self, wait_s: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(wait_s, self._ask)

    def _ask(self) -> None:
        self._asking = True
        asked = Deferred.fromCoroutine(self._follow())
        asked.addErrback(lambda failure: self.log.failure("following the do-not-call list", failure))
        asked.addBoth(self._asked)

    def _asked(self, _: object) -> None:
        self._asking = False
        if self._running:
            self._schedule(0.0 if self._again else self._interval_s)
        self._again = False

    async def _follow(self) -> None:
        sequence, known = self.listed.sequence, max(self.listed.known, self._coming)
        try:
            page = await self._read(lambda work: changes_since(work, sequence, self._tenant, known))
            if page.reload and page.imported is None:
                self.log.error("do-not-call list: the trail of changes is not the one that was followed; the list is read anew")
                self.listed.rewind(await self._read(head))
                self._want(use_snapshot=False)
                return
        except OCSError as error:
            if not self._away and self._running:
                self.log.warn("do-not-call list: changes of others are not seen: {reason}", reason=str(error))
            self._away = True
            return
        if self._away:
            self._away = False
            self.log.info("do-not-call list: changes of others are seen again")
        await self._do(page)
        self._again = self._again or page.more

    async def _do(self, page: Changes) -> None:
        for start in range(0, len(page.changes), _SLICE):
            if start:
                await self._next_turn()
            for change in page.changes[start:start + _SLICE]:
                self.listed.follow(change)
        self.listed.passed(page.sequence)
        self.told += len(page.changes)
        if page.imported is not None:
            self._coming, self._again = page.imported.sequence, True
            self._want(use_snapshot=True)

    def _next_turn(self) -> Deferred[None]:
        turn: Deferred[None] = Deferred()
        self._clock.callLater(0, turn.callback, None)
        return turn
