"""ICON is told of everything that happens in the engine: each event once, in order, whatever is killed at whatever moment.

Theory of operation. A report gets its sequence number and goes to the spool on disk at once; only what would survive a crash
is sent. ICON writes a batch and the sequence number of its last report in one transaction and then acknowledges it; what is
acknowledged leaves the spool. After any loss of the connection ICON first says how far it has come, and the stream goes on
behind that.

So that what the calling lists' database says and what is reported agree after a crash too, a change of an attempt or a record
is on the spool before it is handed to the database (`told`, which the store waits for). A crash between the two leaves
reports of what the database never had: the recovery then tells of the same attempt again and what is told last holds; what
nobody recovers is found out by comparing the attempts that were reported as begun with the database, at the start and
whenever a session has been loaded.

The spool has a bound. What finds no room any more is given up, the newest first, because what was reported must have no holes
in it that nobody knows of; how many reports were lost, from when to when, is reported itself as soon as there is room.
Reporting never stops the dialing.
"""
from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Awaitable, Callable, Coroutine, Mapping, Sequence

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.dialing.history import SessionChanged
from ocs.dialing.reporting import LeftReports
from ocs.dialing.session import SessionEvent
from ocs.dialing.values import Attempt, AttemptState
from ocs.errors import OCSError
from ocs.interfaces import IHistory, IReportSpool
from ocs.links.back_off import BackOff
from ocs.links.icon_reports import Reports, closed_later
from ocs.links.options import LinkOptions
from ocs.options import option
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RequestFailed, RequestRefused
from protocols.icon.codec import batch, encode_report, take_batch
from protocols.icon.messages import BATCH_LIMIT, EvtCode, GOMessageType, Report
from protocols.message import ErrorCode, Message

__all__ = ["IconLinkOptions", "IconReporter", "IconStatus"]

_ROW = 32                       # octets of a report in the spool beside its body
_CHUNK = 1_000                  # reports whose size is kept as one number
_IN_MEMORY = 20_000             # reports that wait in memory while the disk does not take them
_FIRST_S, _LONGEST_S = 0.5, 30.0        # between two tries while ICON refuses


@dataclass(frozen=True)
class IconLinkOptions(LinkOptions):
    """ICON, which keeps history in an interaction database. Nothing is reported unless this is enabled."""

    enabled: bool = option(False, text="Whether to report to ICON.")
    port: int = option(7030, low=1, high=65_535, text="Port of the server.")
    spool_file: Path = option(
        Path("ocs-icon.db"),
        text="Where reports wait until ICON has acknowledged them, on a local disk; it has telephone numbers in it and is its "
             "owner's alone. Each server needs a file of its own.")
    spool_mb: int = option(
        512, low=1, high=65_536, unit="MB",
        text="How much may wait while ICON is away. What comes when it is full is lost, counted, and reported as lost.")
    frame_octets: int = option(
        65_536, low=32_768, high=16_777_216, unit="octets", text="Longest frame that this ICON takes.")
    stop_deadline_s: float = option(
        5.0, low=0, high=600, unit="seconds", text="On stop, how long to wait for the last acknowledgement.")


@dataclass(frozen=True)
class IconStatus:
    """How the reporting stands: reports that wait and their octets, the last sequence number that was given and that ICON has
    acknowledged, and how many were lost since the start."""

    waiting: int
    octets: int
    last: int
    acknowledged: int
    lost: int
    failing: bool

    def __str__(self) -> str:
        text = f"{self.acknowledged} acknowledged, {self.waiting} wait ({self.octets / 1_048_576:.1f} MB)"
        text += f", {self.lost} lost for want of room" if self.lost else ""
        return text + (", the disk does not take them" if self.failing else "")


Attempts = Callable[[Sequence[str]], Awaitable[Mapping[str, Attempt]]]
"""GUIDs -> those attempts that the database has, by GUID. OCSError."""


def _position(answer: Message) -> int:
    last = answer.get("LastSequence")
    if isinstance(last, bool) or not isinstance(last, int):
        raise RequestFailed(f"{answer.name} without LastSequence")
    return last


@implementer(IHistory, IClientListener)
class IconReporter:
    """The stream of reports. `link` is set by whoever makes it: an `ocs.links.service.Link` whose listener this is. `clock` is
    the reactor's, `wall` the engine's time (epoch seconds)."""

    log = Logger()

    def __init__(self, options: IconLinkOptions, spool: IReportSpool, clock: IReactorTime, wall: Callable[[], float],
                 rng: random.Random, application_dbid: int, attempts: Attempts) -> None:
        self.link: Any = None
        self._options, self._spool, self._clock, self._wall = options, spool, clock, wall
        self._ocsid, self._attempts = application_dbid, attempts
        self._back_off = BackOff(rng, _FIRST_S, _LONGEST_S)
        self._reports = Reports()
        self._left: dict[str, Mapping[str, Any]] = {}       # attempts of earlier runs whose end was not reported
        self._running = False
        self._limit = options.spool_mb * 1_048_576
        self._sizes: deque[list[int]] = deque()             # [up to this sequence number, reports, octets] of what waits
        self._octets = self._last = self._acknowledged = 0
        self._lost = self._lost_now = 0
        self._lost_since = 0.0
        self._connection = 0                                # counts granted log-ins: whoever delivers for an old one stops
        self._single = False                                # ICON refused a batch: one report at a time, to find which
        self._sleeping: tuple[Deferred[None], IDelayedCall | None] | None = None
        self._quiet: list[Deferred[None]] = []              # who waits until everything is acknowledged

    @property
    def status(self) -> IconStatus:
        """How it stands now."""
        return IconStatus(self._last - self._acknowledged, self._octets, self._last, self._acknowledged, self._lost,
                          self._spool.failing)

    # -- start and stop -------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Open the spool and go on with what is in it. StoreUnavailable."""
        left: LeftReports = await self._spool.start()
        self._last, self._acknowledged = self._spool.written, left.first - 1
        if left.count:
            self.log.info("{count} reports wait for ICON from earlier", count=left.count)
            self._sizes.append([self._last, left.count, left.octets + _ROW * left.count])
            self._octets = left.octets + _ROW * left.count
        self._left = {guid: msgspec.msgpack.decode(opened) for guid, opened in left.attempts.items()}
        self._spool.add_listener(self._wake)
        self._running = True
        self._tell(Report(0, GOMessageType.SOURCE, EvtCode.STARTED, self._wall()))
        await self._compare()
        self.link.startService()

    async def stop(self) -> None:
        """Report the end, give ICON a while to acknowledge everything, close. What it does not stays in the spool."""
        if self._running:
            self._tell(Report(0, GOMessageType.SOURCE, EvtCode.STOPPED, self._wall()))
            self._running = False
            await self._spool.flushed()
            if self.link.up and self._acknowledged < self._last:
                quiet: Deferred[None] = Deferred()
                self._quiet.append(quiet)
                self._wake()
                await quiet.addTimeout(self._options.stop_deadline_s, self._clock, lambda outcome, _: None)
            if self.status.waiting:
                self.log.warn("{count} reports wait for ICON; they are delivered after the next start",
                              count=self.status.waiting)
        self._connection += 1
        self._rouse()
        await self.link.stopService()
        await self._spool.stop()

    def told(self) -> Deferred[None]:
        """Fires when everything that has happened is on the spool. Never fails."""
        return self._spool.flushed() if self._running else succeed(None)

    # -- IHistory -------------------------------------------------------------------------------------------------
    def happened(self, event: object) -> None:
        if not self._running:
            return
        for report in self._reports.of(event):
            self._tell(report)
        if self._left and isinstance(event, SessionChanged) and event.event is SessionEvent.LOADED:
            # what its recovery did not have to tell of is settled in the database now
            self._clock.callLater(0, lambda: self._run(self._compare(), "comparing attempts of an earlier run"))

    def _tell(self, report: Report) -> None:
        if not self._room(report):
            return
        if self._lost_now:
            since, count, self._lost_now = self._lost_since, self._lost_now, 0
            self.log.info("there is room for reports again; {count} were lost", count=count)
            self._tell(Report(0, GOMessageType.SOURCE, EvtCode.LOST, self._wall(), {
                "Count": count, "Since": since, "Until": report.at}))
        try:
            body = encode_report(replace(report, sequence=self._last + 1))
        except LocalProtocolError:
            self.log.failure("a report cannot travel")
            return
        self._last += 1
        self._count(self._last, len(body) + _ROW)
        self._spool.add(self._last, body)
        if report.kind is GOMessageType.ATTEMPT:
            self._note_attempt(report)

    def _room(self, report: Report) -> bool:
        """Whether there is room for one more. Once there was none, a part of it must be free before it goes on."""
        limit = self._limit - self._limit // 10 if self._lost_now else self._limit
        if self._octets < limit and self._spool.unwritten < _IN_MEMORY:
            return True
        if not self._lost_now:
            self._lost_since = report.at
            self.log.error("no room for reports: {count} wait for ICON in {spool}; further ones are lost and counted",
                           count=self.status.waiting, spool=str(self._options.spool_file))
        self._lost += 1
        self._lost_now += 1
        return False

    def _note_attempt(self, report: Report) -> None:
        guid = report.attributes["CallAttID"]
        if report.code is EvtCode.ADDED:
            self._spool.attempt_opened(guid, msgspec.msgpack.encode(
                {name: value for name, value in report.attributes.items() if value is not None}))
        else:
            self._left.pop(guid, None)
            self._spool.attempt_closed(guid)

    def _count(self, sequence: int, octets: int) -> None:
        self._octets += octets
        if self._sizes and self._sizes[-1][1] < _CHUNK:
            self._sizes[-1][:] = sequence, self._sizes[-1][1] + 1, self._sizes[-1][2] + octets
        else:
            self._sizes.append([sequence, 1, octets])

    # -- attempts of earlier runs ---------------------------------------------------------------------------------
    async def _compare(self) -> None:
        """What became of attempts whose end was not reported, by the database. One that is open there is left to the recovery
        of its list."""
        guids = list(self._left)
        if not guids:
            return
        try:
            found = await self._attempts(guids)
        except OCSError as error:
            self.log.warn("attempts of an earlier run cannot be compared yet: {reason}", reason=str(error))
            return
        for guid in guids:
            opened, attempt = self._left.get(guid), found.get(guid)
            if opened is not None and (attempt is None or attempt.state is not AttemptState.OPEN) and self._running:
                self._tell(closed_later(opened, attempt, self._wall()))

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
                elif self._acknowledged >= self._spool.written:
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
            "Source": self._spool.source, "OCSID": self._ocsid, "NextSequence": self._acknowledged + 1})
        last = _position(answer)
        if last > self._last:
            source = self._spool.rename()
            self.log.error("ICON has {last} reports of this stream, of which only {count} were made: was {spool} restored? The"
                           " stream goes on as {source}", last=last, count=self._last, spool=str(self._options.spool_file),
                           source=source)
            await self._spool.flushed()
            return False
        self._acknowledge(last)
        return True

    async def _send(self, connection: int) -> None:
        rows = await self._spool.oldest(self._acknowledged, 1 if self._single else BATCH_LIMIT)
        bodies = take_batch((body for _, body in rows), self._options.frame_octets)
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
        if sequence <= self._acknowledged:
            return
        self._acknowledged = sequence
        self._spool.acknowledged(sequence)
        while self._sizes and self._sizes[0][0] <= sequence:
            self._octets -= self._sizes.popleft()[2]
        if self._acknowledged >= self._last:
            quiet, self._quiet = self._quiet, []
            for waiting in quiet:
                waiting.callback(None)

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
