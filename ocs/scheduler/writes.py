"""The writes of one held chain: one at a time, in order, tried again until the database has taken them.

What the database refused goes along with the next write, newer values over older ones, so nothing that was once to be
written is lost or overtaken. Whoever asked for a write hears of its first try. Each write says by what the records are known
to be still ours, for the case that it is done much later.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Chain, ChainSave, Holding, Owner
from ocs.errors import OCSError
from ocs.interfaces import IStore

__all__ = ["ChainWrites", "merged"]

_RETRY_S = 5.0


def merged(older: ChainSave | None, newer: ChainSave) -> ChainSave:
    """Both writes as one. Newer records replace older ones of the same ids; what a write leaves out it leaves alone."""
    if older is None:
        return newer
    records = {record.record_id: record for record in (*older.records, *newer.records)}
    attempts = {attempt.guid: attempt for attempt in (*older.attempts, *newer.attempts)}
    return replace(newer, records=tuple(records.values()), attempts=tuple(attempts.values()),
                   do_not_call=tuple({one.request_id: one for one in (*older.do_not_call, *newer.do_not_call)}.values()),
                   requests=tuple({one.request_id: one for one in (*older.requests, *newer.requests)}.values()))


class ChainWrites:
    """Made for each held chain, as it was claimed by `owner`. `emptied()` is called whenever everything has been written."""

    log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore, chain: Chain, owner: Owner, emptied: Callable[[], None]) -> None:
        self._clock, self._store, self._chain_id, self._emptied = clock, store, chain.chain_id, emptied
        self._owner = owner
        self._statuses = {one.record_id: frozenset({one.record_status}) for one in chain.records}
        self._next: ChainSave | None = None             # to be written next
        self._waiting: list[Deferred[None]] = []        # who wants to know of it
        self._sending = self._failing = False
        self._retry: IDelayedCall | None = None

    @property
    def empty(self) -> bool:
        """True when the database has everything."""
        return not self._sending and self._next is None

    def tell_nobody(self) -> None:
        """The chain is let go. What it had is free at once: nothing waits for a search for cycles."""
        self._emptied = _nothing

    def post(self, change: ChainSave) -> Deferred[None]:
        """Write this. Fires after the commit; fails as the store does, and the write is tried again until it succeeds."""
        told: Deferred[None] = Deferred()
        self._waiting.append(told)
        self._next = merged(self._next, change)
        self._send()
        return told

    def _send(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None
        if self._sending or self._next is None:
            return
        change, self._next = self._next, None
        waiting, self._waiting = self._waiting, []
        self._sending = True
        saved = self._store.save(self._as_ours(change))
        saved.addCallbacks(self._saved, self._failed, callbackArgs=(waiting,), errbackArgs=(change, waiting))
        saved.addErrback(lambda failure: self.log.failure("after a write of chain {chain_id}", failure,
                                                          chain_id=self._chain_id))

    def _as_ours(self, change: ChainSave) -> ChainSave:
        """The change with the statuses that its records may have by now. One that we have let go is not ours any more."""
        for one in change.records:
            if one.record_status not in (RecordStatus.READY, RecordStatus.CHAIN_READY):
                self._statuses[one.record_id] = self._statuses.get(one.record_id, frozenset()) | {one.record_status}
        holding = Holding(self._owner, {one.record_id: self._statuses.get(one.record_id, frozenset()) for one in change.records})
        return ChainSave(change.table, change.records, change.attempts, change.do_not_call, change.requests, holding)

    def _saved(self, _: object, waiting: list[Deferred[None]]) -> None:
        self._sending = self._failing = False
        self._send()
        for told in waiting:
            told.callback(None)
        if self.empty:
            self._emptied()

    def _failed(self, failure: Failure, change: ChainSave, waiting: list[Deferred[None]]) -> None:
        self._sending = False
        if failure.check(OCSError) is None:
            self.log.failure("writing chain {chain_id}", failure, chain_id=self._chain_id)
        else:
            level = LogLevel.debug if self._failing else LogLevel.error
            self.log.emit(level, "chain {chain_id} not written, tried again every {wait_s} s: {reason}",
                          chain_id=self._chain_id, wait_s=_RETRY_S, reason=failure.getErrorMessage())
        self._failing = True
        self._next = change if self._next is None else merged(change, self._next)
        if self._waiting:
            self._send()        # somebody waits for a newer write
        else:
            self._retry = self._clock.callLater(_RETRY_S, self._send)
        for told in waiting:
            told.errback(failure)


def _nothing() -> None:
    """Nobody wants to know."""
