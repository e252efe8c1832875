"""A store that goes on while its database is away: attempts and results wait on the local disk, in order.

Theory of operation. As long as the database answers, every change goes to it and nothing else happens. The first change
that it does not take, or does not answer to in time, goes to the spool, and so does every change after it; each is
acknowledged when the disk has it, which is as durable as a commit. From time to time the database is asked; when it is back,
the spool is replayed, oldest first, and when nothing waits any more the changes go to the database again. So there is one
order of all changes, whoever took them: what the database answered to while something older waits in the spool goes into the
spool too, and is written once more behind it. What comes while a part of the spool is being replayed waits for the end of
that; if nothing is left then, it goes to the database, else into the spool. So the end is reached, however much comes.

Records are not claimed and nothing is recovered while changes wait: what the database shows is older than what we know.
What the last run left in the spool is replayed before the store is started; only then our spool speaks for the application,
so that the spool of a server whose place we have taken touches no record any more (`ocs.store.replay`).

A change with a value that the database refuses, or of a list that is no more, would stand in the way of all others for
ever: it is set aside in the spool's file, and the log says so. Whatever else goes wrong is the database's, and waits.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import count
from typing import Any, Callable, Sequence

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.components import proxyForInterface
from twisted.python.failure import Failure

from ocs.dialing.compliance.attempts import PastAttempt, PastWanted
from ocs.dialing.compliance.calls import AnsweredCalls, CallsWanted
from ocs.dialing.values import (
    Attempt,
    CancelRequest,
    Chain,
    ChainSave,
    ClaimRequest,
    NewRecord,
    Owner,
    Record,
    RecoveredChain,
)
from ocs.errors import DatabaseAway, DataRefused, OCSError, UnknownCallingList
from ocs.interfaces import IReplayStore, IStore
from ocs.store.change_spool import ChangeSpool, SpooledChange

__all__ = ["Outage", "SpooledStore"]

_BATCH = 500                            # changes in one transaction
_HELD_BACK = 1_000                      # changes in memory that wait for the end of a replay
_FIRST_S, _LONGEST_S = 0.25, 5.0        # between two looks whether the database is back
_IDS_SHOWN = 20


@dataclass(frozen=True)
class Outage:
    """The database is away since then (epoch s)."""

    since: float
    reason: str


@dataclass(frozen=True)
class _Asked:
    """A change that the database was asked for, by `ask`, and has not answered to."""

    change: ChainSave
    ask: Callable[[], Deferred[None]]
    new_attempt: bool
    asked_at: float
    told: Deferred[None]


class SpooledStore(proxyForInterface(IStore, "_store")):       # type: ignore[misc]
    """An IStore: what is not written out here is the database's own affair. `store` provides IReplayStore.
    `clock` is the reactor's: a network has its own time; `wall` gives epoch seconds. `outage` is None while changes go to the
    database."""

    log = Logger()

    def __init__(self, store: IReplayStore, spool: ChangeSpool, clock: IReactorTime, wall: Callable[[], float], app_dbid: int,
                 answer_timeout_s: float = 5.0) -> None:
        super().__init__(store)
        self.spool, self._clock, self._wall = spool, clock, wall
        self._app_dbid, self._timeout_s = app_dbid, answer_timeout_s
        self.outage: Outage | None = None
        self._asked: dict[int, _Asked] = {}                 # in the order of the calls
        self._held_back: set[int] = set()                   # those of them that are asked for after the replay
        self._replaying = False
        self._numbers = count()
        self._deadline: IDelayedCall | None = None          # of the oldest of them
        self._stopping = self._no_room = False
        self._pausing: tuple[IDelayedCall, Deferred[None]] | None = None
        self._returning: Deferred[None] | None = None       # until the database is back

    def __str__(self) -> str:
        """The database, and what waits for it, for people."""
        refused = f"; {self.spool.refused} changes that it refused are set aside" if self.spool.refused else ""
        if self.outage is None:
            return "there" + refused
        since = datetime.fromtimestamp(self.outage.since, timezone.utc).isoformat(" ", "seconds").removesuffix("+00:00")
        return f"away since {since} UTC, {self.spool}: {self.outage.reason}{refused}"

    # -- start and stop -------------------------------------------------------------------------------------------
    def start(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        await self._store.start()
        try:
            await self.spool.start()
            try:
                left = self.spool.waiting
                await self._write_waiting()
                await self._store.adopt_spool(self._app_dbid, self.spool.name, self.spool.replayed)
            except BaseException:
                await self.spool.stop()
                raise
        except BaseException:
            await self._store.stop()
            raise
        if left:
            self.log.info("{count} changes that the last run left on disk are written", count=left)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopping = True
        if self._pausing is not None:
            self._pausing[0].cancel()
            self._go_on()
        if self._returning is not None:
            await self._returning
        await self._store.stop()            # what it does not take any more goes to the spool
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        await self.spool.stop()
        if self.spool.waiting:
            self.log.warn("{waiting} are left for the next run", waiting=str(self.spool))

    # -- changes --------------------------------------------------------------------------------------------------
    def open_attempts(self, attempts: Sequence[Attempt]) -> Deferred[None]:
        change = ChainSave(attempts[0].on_table if attempts else "", attempts=tuple(attempts))
        return self._write(change, lambda: self._store.open_attempts(attempts), new_attempt=True)

    def save(self, change: ChainSave) -> Deferred[None]:
        return self._write(change, lambda: self._store.save(change), new_attempt=False)

    def _write(self, change: ChainSave, ask: Callable[[], Deferred[None]], new_attempt: bool) -> Deferred[None]:
        if len(self._held_back) == _HELD_BACK:      # the replay takes long
            self._keep_asked(list(self._asked))
            self._replaying = False
        if self.outage is not None and not self._replaying:
            return self._keep(change, new_attempt)
        number, asked = next(self._numbers), _Asked(change, ask, new_attempt, self._clock.seconds(), Deferred())
        self._asked[number] = asked
        if self._replaying:
            self._held_back.add(number)
        else:
            ask().addBoth(self._answered, number)
        if self._deadline is None and self._asked:
            self._deadline = self._clock.callLater(self._timeout_s, self._deadline_over)
        return asked.told

    def _answered(self, answer: object, number: int) -> None:
        asked = self._asked.pop(number, None)
        if asked is None:
            return                          # too late: it waits in the spool, and will be written again
        if isinstance(answer, Failure):
            if answer.check(DatabaseAway) is None:
                asked.told.errback(answer)
                return
            self._is_away(answer.getErrorMessage())
            self._keep_asked([earlier for earlier in self._asked if earlier < number])
        elif self.outage is None:
            asked.told.callback(None)
            return
        self._keep(asked.change, asked.new_attempt).chainDeferred(asked.told)

    def _deadline_over(self) -> None:
        self._deadline = None
        if not self._asked:
            return
        left_s = next(iter(self._asked.values())).asked_at + self._timeout_s - self._clock.seconds()
        if left_s > 0:
            self._deadline = self._clock.callLater(left_s, self._deadline_over)
        else:
            self._is_away(f"no answer within {self._timeout_s:g} s")
            self._keep_asked(list(self._asked))

    def _keep_asked(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            asked = self._asked.pop(number, None)
            self._held_back.discard(number)
            if asked is not None:
                self._keep(asked.change, asked.new_attempt).chainDeferred(asked.told)

    def _keep(self, change: ChainSave, new_attempt: bool) -> Deferred[None]:
        return self.spool.add(change, new_attempt).addErrback(self._not_kept)

    def _not_kept(self, failure: Failure) -> Failure:
        if failure.check(DatabaseAway) is not None and not self._no_room:
            self._no_room = True
            self.log.error("{reason}: no new attempt is dialed, results wait in memory", reason=failure.getErrorMessage())
        return failure

    # -- away, and back -------------------------------------------------------------------------------------------
    def _is_away(self, reason: str) -> None:
        if self.outage is None:
            self.outage = outage = Outage(self._wall(), reason)
            self.log.warn("the database is away: {reason}; attempts and results wait on disk", reason=reason)
            if not self._stopping:
                self._returning = Deferred.fromCoroutine(self._return(outage))
                self._returning.addErrback(lambda failure: self.log.failure("waiting for the database", failure))

    async def _return(self, outage: Outage) -> None:
        """Until the database has everything that waits, or we stop."""
        wait_s = _FIRST_S
        while True:
            await self._pause(wait_s)
            if self._stopping:
                return
            wait_s = min(2 * wait_s, _LONGEST_S)
            try:
                written = await self._write_waiting()
            except Exception as error:
                if not isinstance(error, OCSError):     # a bug; the changes stay where they are
                    self.log.failure("writing what waited for the database")
                outage = replace(outage, reason=str(error))
                self.outage = outage
                self._keep_asked(list(self._asked))
            else:
                self.log.info("the database is back after {wait_s:.0f} s: {count} changes that waited on disk are written",
                              wait_s=self._wall() - outage.since, count=written)
                self.outage, self._no_room = None, False
                self._ask_held_back()
                return

    def _ask_held_back(self) -> None:
        for number in [number for number in self._asked if number in self._held_back]:
            if self.outage is None:
                self._held_back.discard(number)
                self._asked[number].ask().addBoth(self._answered, number)
            else:                           # away again, at once
                self._keep_asked([number])

    def _pause(self, wait_s: float) -> Deferred[None]:
        pausing: Deferred[None] = Deferred()
        self._pausing = self._clock.callLater(wait_s, self._go_on), pausing
        return pausing

    def _go_on(self) -> None:
        assert self._pausing is not None
        (_, pausing), self._pausing = self._pausing, None
        pausing.callback(None)

    async def _write_waiting(self) -> int:
        """Write what waits, oldest first, until nothing does; how many changes that were. Fails as the store
        does."""
        written = 0
        await self._store.replay(self._app_dbid, self.spool.name, ())       # is it there at all?
        while self.spool.waiting:
            self._replaying = self.outage is not None
            try:
                batch = await self.spool.oldest(_BATCH)
                await self._replay(batch)
            finally:
                self._replaying = False
            written += len(batch)
            if self.spool.waiting:
                self._keep_asked(list(self._asked))
        return written

    async def _replay(self, batch: Sequence[SpooledChange]) -> None:
        """Write these changes; where one is refused, each by itself. Fails as the store does for whatever says nothing
        against the change."""
        if not batch:
            return
        last = batch[-1][0]
        try:
            left = await self._store.replay(self._app_dbid, self.spool.name, batch)
        except (DataRefused, UnknownCallingList) as error:
            if len(batch) > 1:
                for one in batch:
                    await self._replay([one])
                return
            self.log.error("change {sequence} of chain {chain_id} is refused by the database and set aside: {reason}",
                           sequence=last, chain_id=_chain_id(batch[0][1]), reason=str(error))
            await self.spool.set_aside(last, str(error))
            return
        self.spool.done(last)
        if left:
            self.log.warn("{count} records are left as they are, somebody has changed them while the database was away:"
                          " {record_ids}", count=len(left), record_ids=", ".join(map(str, left[:_IDS_SHOWN])))

    # -- what only the database can do ----------------------------------------------------------------------------
    def _away(self) -> Deferred[Any] | None:
        """An error, while what the database shows is older than what we know."""
        return None if self.outage is None else fail(DatabaseAway(f"the database is away: {self.outage.reason}"))

    def claim_chains(self, request: ClaimRequest) -> Deferred[list[Chain]]:
        return self._away() or self._store.claim_chains(request)

    def cancel_records(self, request: CancelRequest) -> Deferred[int]:
        return self._away() or self._store.cancel_records(request)

    def add_record(self, new: NewRecord) -> Deferred[Record]:
        return self._away() or self._store.add_record(new)

    def recover(self, owner: Owner, table: str) -> Deferred[list[RecoveredChain]]:
        return self._away() or self._store.recover(owner, table)

    def past_attempts(self, wanted: PastWanted) -> Deferred[list[PastAttempt]]:
        return self._away() or self._store.past_attempts(wanted)

    def answered_calls(self, wanted: CallsWanted) -> Deferred[AnsweredCalls]:
        return self._away() or self._store.answered_calls(wanted)


def _chain_id(change: ChainSave) -> int | None:
    """For the log."""
    ids = [*(record.chain_id for record in change.records), *(attempt.chain_id for attempt in change.attempts)]
    return ids[0] if ids else None
