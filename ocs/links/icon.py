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
from typing import Any, Awaitable, Callable, Mapping, Sequence

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.dialing.history import SessionChanged
from ocs.dialing.reporting import LeftReports
from ocs.dialing.session import SessionEvent
from ocs.dialing.values import Attempt, AttemptState
from ocs.errors import OCSError
from ocs.interfaces import IHistory, IReportSpool
from ocs.links.icon_delivery import Delivery
from ocs.links.icon_reports import Reports, closed_later
from ocs.links.options import LinkOptions
from ocs.options import option
from protocols.errors import LocalProtocolError
from protocols.icon.codec import encode_report
from protocols.icon.messages import EvtCode, GOMessageType, Report

__all__ = ["IconLinkOptions", "IconReporter", "IconStatus"]

_ROW = 32                       # octets of a report in the spool beside its body
_CHUNK = 1_000                  # reports whose size is kept as one number
_IN_MEMORY = 20_000             # reports that wait in memory while the disk does not take them


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


@implementer(IHistory)
class IconReporter:
    """The stream of reports. `delivery` brings them to ICON. `clock` is the reactor's, `wall` the engine's time (epoch
    seconds)."""

    log = Logger()

    def __init__(self, options: IconLinkOptions, spool: IReportSpool, clock: IReactorTime, wall: Callable[[], float],
                 rng: random.Random, application_dbid: int, attempts: Attempts) -> None:
        self.delivery = Delivery(spool, clock, rng, application_dbid, options.frame_octets, self._acknowledged)
        self._options, self._spool, self._clock, self._wall, self._attempts = options, spool, clock, wall, attempts
        self._reports = Reports()
        self._left: dict[str, Mapping[str, Any]] = {}       # attempts of earlier runs whose end was not reported
        self._running = False
        self._limit = options.spool_mb * 1_048_576
        self._sizes: deque[list[int]] = deque()             # [up to this sequence number, reports, octets] of what waits
        self._octets = self._last = 0
        self._lost = self._lost_now = 0
        self._lost_since = 0.0
        self._quiet: list[Deferred[None]] = []              # who waits until everything is acknowledged

    @property
    def status(self) -> IconStatus:
        """How it stands now."""
        acknowledged = self.delivery.acknowledged
        return IconStatus(self._last - acknowledged, self._octets, self._last, acknowledged, self._lost, self._spool.failing)

    # -- start and stop -------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Open the spool and go on with what is in it. StoreUnavailable."""
        left: LeftReports = await self._spool.start()
        self._last, self.delivery.acknowledged = self._spool.written, left.first - 1
        if left.count:
            self.log.info("{count} reports wait for ICON from earlier", count=left.count)
            self._sizes.append([self._last, left.count, left.octets + _ROW * left.count])
            self._octets = left.octets + _ROW * left.count
        self._left = {guid: msgspec.msgpack.decode(opened) for guid, opened in left.attempts.items()}
        self._running = True
        self._tell(Report(0, GOMessageType.SOURCE, EvtCode.STARTED, self._wall()))
        await self._compare()
        self.delivery.link.startService()

    async def stop(self) -> None:
        """Report the end, give ICON a while to acknowledge everything, close. What it does not stays in the spool."""
        if self._running:
            self._tell(Report(0, GOMessageType.SOURCE, EvtCode.STOPPED, self._wall()))
            self._running = False
            await self._spool.flushed()
            if self.delivery.link.up and self.status.waiting:
                quiet: Deferred[None] = Deferred()
                self._quiet.append(quiet)
                await quiet.addTimeout(self._options.stop_deadline_s, self._clock, lambda outcome, _: None)
            if self.status.waiting:
                self.log.warn("{count} reports wait for ICON; they are delivered after the next start",
                              count=self.status.waiting)
        await self.delivery.stop()
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
            self._clock.callLater(0, self._compare_now)

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

    def _acknowledged(self, sequence: int) -> None:
        """ICON has everything up to here."""
        while self._sizes and self._sizes[0][0] <= sequence:
            self._octets -= self._sizes.popleft()[2]
        if sequence >= self._last:
            quiet, self._quiet = self._quiet, []
            for waiting in quiet:
                waiting.callback(None)

    def _count(self, sequence: int, octets: int) -> None:
        self._octets += octets
        if self._sizes and self._sizes[-1][1] < _CHUNK:
            self._sizes[-1][:] = sequence, self._sizes[-1][1] + 1, self._sizes[-1][2] + octets
        else:
            self._sizes.append([sequence, 1, octets])

    # -- attempts of earlier runs ---------------------------------------------------------------------------------
    def _compare_now(self) -> None:
        compared = Deferred.fromCoroutine(self._compare())
        compared.addErrback(lambda failure: self.log.failure("comparing attempts of an earlier run", failure))

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
