"""Reports from the spool to ICON: opened where ICON stands, sent in batches, behind each its acknowledgement.

One batch is on its way at a time; while it is, the next ones gather. What ICON refuses for now is sent again after a growing
wait, what it will never take is left out, one report of it, with an error in the log.
"""
from __future__ import annotations

import random
from typing import Any, Callable, Coroutine

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.errors import OCSError
from ocs.interfaces import IReportSpool
from ocs.links.back_off import BackOff
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RequestFailed, RequestRefused
from protocols.icon.codec import batch, take_batch
from protocols.icon.messages import BATCH_LIMIT
from protocols.message import ErrorCode, Message

__all__ = ["Delivery"]

_FIRST_S, _LONGEST_S = 0.5, 30.0        # between two tries while ICON refuses


@implementer(IClientListener)
class Delivery:
    """The way of one spool's reports. `link` is set by whoever makes it: an `ocs.links.service.Link` whose listener this is.
    `clock` is the reactor's; `told(sequence)` is called when ICON has everything up to there."""

    log = Logger()

    def __init__(self, spool: IReportSpool, clock: IReactorTime, rng: random.Random, application_dbid: int, frame_octets: int,
                 told: Callable[[int], None]) -> None:
        self.link: Any = None
        self.acknowledged = 0
        self._spool, self._clock, self._ocsid, self._frame_octets, self._told = (
            spool, clock, application_dbid, frame_octets, told)
        self._back_off = BackOff(rng, _FIRST_S, _LONGEST_S)
        self._connection = 0                                # counts granted log-ins: whoever delivers for an old one stops
        self._single = False                                # ICON refused a batch: one report at a time, to find which
        self._sleeping: tuple[Deferred[None], IDelayedCall | None] | None = None
        spool.add_listener(self._wake)

    async def stop(self) -> None:
        """Leave ICON."""
        self._connection += 1
        self._rouse()
        await self.link.stopService()

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._connection += 1
        self._back_off.granted()
        self._run(self._deliver(self._connection), "delivering reports")

    def _run(self, work: Coroutine[Any, Any, None], what: str) -> None:
        Deferred.fromCoroutine(work).addErrback(lambda failure: self.log.failure("{what}", failure, what=what))

    def refused(self, client: Any, error: RequestRefused) -> None:
        """The link tells of it."""

    def event(self, client: Any, message: Message) -> None:
        """Answers come to their requests."""

    def lost(self, client: Any, reason: str) -> None:
        self._connection += 1
        self._rouse()

    # -- delivery -------------------------------------------------------------------------------------------------
    async def _deliver(self, connection: int) -> None:
        """Deliver over this connection until it is gone."""
        is_open = False
        while connection == self._connection:
            try:
                if not is_open:
                    is_open = await self._open_source()
                elif self.acknowledged >= self._spool.written:
                    await self._sleep()
                else:
                    await self._send(connection)
                    self._back_off.granted()
            except LinkLost:
                return
            except RequestRefused as error:
                is_open = is_open and error.code != ErrorCode.NOT_CONFIGURED
                await self._not_taken(error)
            except RequestFailed as error:      # no answer: whether it was written is not known, ICON says so when asked again
                self.log.warn("ICON does not answer: {reason}", reason=str(error))
                self._cut()
            except OCSError as error:
                self.log.error("the spool of reports cannot be read: {reason}", reason=str(error))
                await self._sleep(self._back_off.next_delay())

    def _cut(self) -> None:
        if self.link.client is not None:
            self.link.client.abort()

    async def _open_source(self) -> bool:
        """Tell ICON who reports; it says how far it has come. True when the stream may go on."""
        answer = await self.link.request("RequestOpenReporting", {
            "Source": self._spool.source, "OCSID": self._ocsid, "NextSequence": self.acknowledged + 1})
        last = _position(answer)
        if last > self._spool.last:
            source, made = self._spool.rename(), self._spool.last
            self.log.error("ICON has {last} reports of this stream, of which only {count} were made: was the spool restored? The"
                           " stream goes on as {source}", last=last, count=made, source=source)
            await self._spool.flushed()
            return False
        self._acknowledge(last)
        return True

    async def _send(self, connection: int) -> None:
        rows = await self._spool.oldest(self.acknowledged, 1 if self._single else BATCH_LIMIT)
        bodies = take_batch((body for _, body in rows), self._frame_octets)
        if not bodies or connection != self._connection:
            return
        try:
            answer = await self.link.request("RequestGOReportingData", batch(self._spool.source, bodies))
        except LocalProtocolError as error:
            self._pass_over(rows[0][0], error)
            return
        except RequestRefused as error:
            if error.code != ErrorCode.BAD_ATTRIBUTE:
                raise
            if len(bodies) == 1:
                self._pass_over(rows[0][0], error)
            self._single = True
            return
        self._single = False
        self._acknowledge(min(_position(answer), rows[len(bodies) - 1][0]))

    def _pass_over(self, sequence: int, error: Exception) -> None:
        """A report that ICON will never take must not stand in the way of all others."""
        self.log.error("report {sequence} is not taken by ICON and is left out: {reason}", sequence=sequence, reason=str(error))
        self._acknowledge(sequence)

    async def _not_taken(self, error: RequestRefused) -> None:
        wait_s = self._back_off.next_delay()
        self.log.warn("ICON does not take reports: {reason}; tried again in {wait_s:.1f} s", reason=str(error), wait_s=wait_s)
        await self._sleep(wait_s)

    def _acknowledge(self, sequence: int) -> None:
        if sequence > self.acknowledged:
            self.acknowledged = sequence
            self._spool.acknowledged(sequence)
            self._told(sequence)

    # -- waiting --------------------------------------------------------------------------------------------------
    def _sleep(self, seconds: float | None = None) -> Deferred[None]:
        """Fires after `seconds`; without, when there is something to do. A connection that is lost ends both."""
        sleeping: Deferred[None] = Deferred()
        timer = None if seconds is None else self._clock.callLater(seconds, self._rouse)
        self._sleeping = sleeping, timer
        return sleeping

    def _wake(self) -> None:
        """The spool has more. Who waits for time to pass goes on waiting."""
        if self._sleeping is not None and self._sleeping[1] is None:
            self._rouse()

    def _rouse(self) -> None:
        if self._sleeping is not None:
            (sleeping, timer), self._sleeping = self._sleeping, None
            if timer is not None and timer.active():
                timer.cancel()
            sleeping.callback(None)


def _position(answer: Message) -> int:
    last = answer.get("LastSequence")
    if isinstance(last, bool) or not isinstance(last, int):
        raise RequestFailed(f"{answer.name} without LastSequence")
    return last
