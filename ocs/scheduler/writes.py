"""The writes of one held chain: one at a time, in order, tried again until the database has taken them.

What the database refused goes along with the next write, newer values over older ones, so nothing that was once to be
written is lost or overtaken. Whoever asked for a write hears of its first try.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.values import ChainSave
from ocs.errors import OCSError
from ocs.interfaces import IStore

__all__ = ["ChainWrites", "merged"]

_RETRY_S = 5.0


def merged(older: ChainSave | None, newer: ChainSave) -> ChainSave:
    """Both writes as one. The newer records replace the older ones; a write without records leaves those alone."""
    if older is None:
        return newer
    attempts = {attempt.guid: attempt for attempt in (*older.attempts, *newer.attempts)}
    return replace(newer, records=newer.records or older.records, attempts=tuple(attempts.values()),
                   do_not_call=tuple({one.request_id: one for one in (*older.do_not_call, *newer.do_not_call)}.values()))


class ChainWrites:
    """Made for each held chain. `emptied()` is called whenever everything has been written."""

    log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore, chain_id: int, emptied: Callable[[], None]) -> None:
        self._clock, self._store, self._chain_id, self._emptied = clock, store, chain_id, emptied
        self._next: ChainSave | None = None             # to be written next
        self._waiting: list[Deferred[None]] = []        # who wants to know of it
        self._sending = False
        self._retry: IDelayedCall | None = None

    @property
    def empty(self) -> bool:
        """True when the database has everything."""
        return not self._sending and self._next is None

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
        saved = self._store.save(change)
        saved.addCallbacks(self._saved, self._failed, callbackArgs=(waiting,), errbackArgs=(change, waiting))
        saved.addErrback(lambda failure: self.log.failure("after a write of chain {chain_id}", failure,
                                                          chain_id=self._chain_id))

    def _saved(self, _: object, waiting: list[Deferred[None]]) -> None:
        self._sending = False
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
            self.log.error("chain {chain_id} not written, tried again in {wait_s} s: {reason}", chain_id=self._chain_id,
                           wait_s=_RETRY_S, reason=failure.getErrorMessage())
        self._next = change if self._next is None else merged(change, self._next)
        if self._waiting:
            self._send()        # somebody waits for a newer write
        else:
            self._retry = self._clock.callLater(_RETRY_S, self._send)
        for told in waiting:
            told.errback(failure)
