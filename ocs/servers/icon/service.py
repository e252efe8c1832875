"""ICON as a service of messages: sources are opened, batches of their reports written, and acknowledged after the commit.

Batches of all clients go through one writer in groups. While the database is away a batch is answered with EventError 166;
the OCS keeps it and sends it again.
"""
from __future__ import annotations

from typing import Any, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.database.backend import backend_for
from ocs.database.pool import Database, GroupCommit
from ocs.errors import DataRefused, OCSError, StoreUnavailable
from ocs.servers.icon.config import IconOptions
from ocs.servers.icon.sources import UnknownSource, open_source
from ocs.servers.icon.versions import icon_versions
from ocs.servers.icon.writer import BadBatch, Writer, Written
from ocs.servers.service import MessageCompanion
from protocols.icon.messages import BATCH_LIMIT, VOCABULARY
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, ServedClient

__all__ = ["IconService", "make_icon"]

_SOURCE_LENGTH = 64


@implementer(IMessageService)
class IconService:
    """Writes what clients report. `counts` tells how much."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, options: IconOptions, clock: IClock, reactor: Any, database: Any = None) -> None:
        """ConfigurationError for a database that cannot be used. `database` as ocs.database.pool.Database, for tests."""
        self._options, self._clock, self._reactor = options.database, clock, reactor
        self._backend = backend_for(options.database.url, options.database.statement_timeout_s)
        self._database = database or Database(reactor, self._backend, readers=1)
        self._changes = GroupCommit(self._database, options.database.waiting_batches, group=20)
        self._writer = Writer(options.database.sys_id)
        self._away = False
        self.counts = {"reports": 0, "repeated": 0, "refused": 0, "batches": 0}

    async def start(self) -> None:
        """Open the database; OCSError says what is to be done where its tables are missing."""
        if self._options.create:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._create)
        self._database.startService()
        try:
            await self._database.read(icon_versions.check)
        except StoreUnavailable as error:
            self._database.stopService()
            hint = "" if self._options.create else ", or set database.create"
            raise OCSError(f"database.url: {error}{hint}") from None
        self.log.info("interaction database: {database}", database=str(self._backend))

    def _create(self) -> None:
        self._backend.prepare_place()
        before, after = icon_versions.upgrade(self._backend)
        if before != after:
            self.log.info("{database}: tables made, version {version}", database=str(self._backend), version=after)

    async def stop(self) -> None:
        """Write and answer what has come, close the database."""
        await self._changes.idle()
        if self._database.running:
            self._database.stopService()
        self.log.info("stopped: {reports} reports in {batches} batches were written", **self.counts)

    # -- IMessageService ------------------------------------------------------------------------------------------
    def granted(self, client: ServedClient) -> None:
        """It opens its source by itself."""

    def gone(self, client: ServedClient) -> None:
        """What it reported is written or is not; it knows how far from its last answer, or asks again."""

    def request(self, client: ServedClient, message: Message) -> Deferred[Message]:
        source = message.get("Source")
        if not 0 < len(source) <= _SOURCE_LENGTH or "\x00" in source:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Source: 1 to {_SOURCE_LENGTH} characters")
        work = self._open if message.name == "RequestOpenReporting" else self._report
        return work(client, source, message).addErrback(self._not_done)

    def _open(self, client: ServedClient, source: str, message: Message) -> Deferred[Message]:
        following, ocsid = message.get("NextSequence"), message.get("OCSID")
        if not 1 <= following < 2 ** 63 or not 0 <= ocsid < 2 ** 63:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "NextSequence: from 1 on; OCSID: from 0 on")
        application, now = client.application, self._clock.wall()
        opened = self._changes.submit(lambda work: open_source(work, source, application, ocsid, following, now))

        def answer(last_sequence: int) -> Message:
            self.log.info("{application} reports as {source}, {sequence} is written", application=application, source=source,
                          sequence=last_sequence)
            return Message("EventReportingOpened", 0, {"Source": source, "LastSequence": last_sequence})
        return opened.addCallback(answer)

    def _report(self, client: ServedClient, source: str, message: Message) -> Deferred[Message]:
        events = message.get("Events")
        if not 0 < len(events) <= BATCH_LIMIT:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Events: 1 to {BATCH_LIMIT} reports")

        def answer(outcome: Written) -> Message:
            self._note(source, outcome)
            return Message("EventGOReportingAcknowledged", 0, {"Source": source, "LastSequence": outcome.last_sequence})
        return Deferred.fromCoroutine(self._write(source, events, self._clock.wall())).addCallback(answer)

    async def _write(self, source: str, events: Sequence[object], now: float) -> Written:
        """Write a batch. Where it holds a value that the database refuses its reports are written one by one, and the one with
        that value is put down instead: it must not stand in the way of all others for ever."""
        try:
            return await self._changes.submit(lambda work: self._writer.write(work, source, events, now))
        except DataRefused as error:
            if len(events) == 1:
                reason, event = str(error), events[0]
                return await self._changes.submit(lambda work: self._writer.give_up(work, source, event, now, reason))
        written = await self._write(source, events[:1], now)
        for event in events[1:]:
            written = written.and_then(await self._write(source, [event], now))
        return written

    def _note(self, source: str, outcome: Written) -> None:
        self._writer.committed(outcome)
        if self._away:
            self._away = False
            self.log.info("{database} takes reports again", database=str(self._backend))
        self.counts["batches"] += 1
        self.counts["reports"] += outcome.reports
        self.counts["repeated"] += outcome.repeated
        self.counts["refused"] += outcome.refused
        if outcome.refused:
            self.log.error("{source}: {count} reports could not be understood; the table icon_audit says why", source=source,
                           count=outcome.refused)

    def _not_done(self, failure: Failure) -> Any:
        """What the client is told: that it should try again, or that it did something wrong."""
        if failure.check(Refused) is not None:
            return failure
        if failure.check(UnknownSource) is not None:
            raise Refused(ErrorCode.NOT_CONFIGURED, "Source: RequestOpenReporting comes first")
        if failure.check(BadBatch) is not None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Events: {failure.getErrorMessage()}")
        failure.trap(StoreUnavailable)
        if not self._away:
            self._away = True
            self.log.error("reports cannot be written, OCSs keep them: {reason}", reason=failure.getErrorMessage())
        raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, "the interaction database does not take it now")


def make_icon(options: IconOptions, clock: IClock, reactor: Any) -> MessageCompanion:
    """The companion that the options describe."""
    return MessageCompanion(IconService(options, clock, reactor), options, reactor)
