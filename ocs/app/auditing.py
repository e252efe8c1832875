"""What is written of calls and records apart from the database, wired: it hears what the engine tells, and writes in a thread
of the reactor's pool."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, TimeoutError, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ocs.app.config import OCSOptions
from ocs.scheduler.history import History
from ocs.store.call_audit import AuditFile
from ocs.store.call_history import CallHistory
from ocs.store.line_writer import ILines, LineWriter
from ocs.store.record_history import DialLogFile, RecordHistory

__all__ = ["Auditing"]

_STOP_S = 5.0           # a disk that does not answer does not keep the server from stopping


class Auditing:
    """Listens to `history` if the options say so. Times are of the engine's clock, threads and repetitions of the reactor's."""

    log = Logger()

    def __init__(self, options: OCSOptions, history: History, reactor: Any, wall: Callable[[], float]) -> None:
        self._reactor = reactor
        self._writers: dict[str, LineWriter] = {}
        self._listeners: list[CallHistory | RecordHistory] = []
        audit, dial_log = options.call_audit, options.dial_log
        if audit.log_call_stats:
            writer = self._writer("call audit", AuditFile(audit.directory, wall, audit.segment_mb * 1_000_000, audit.segments))
            self._listeners.append(CallHistory(writer.note))
        notes = {
            one.name: self._writer(f"record history of {one.name}", DialLogFile(
                one.dial_log_destination, one.dial_log_delimiter or "\t", dial_log.rotate_mb * 1_000_000, dial_log.keep)).note
            for one in options.calling_list if one.dial_log_destination is not None}
        if notes:
            self._listeners.append(RecordHistory(notes))
        for listener in self._listeners:
            history.add_listener(listener)

    def _writer(self, what: str, file: ILines) -> LineWriter:
        self._writers[what] = LineWriter(what, file, self._in_thread, self._reactor)
        return self._writers[what]

    def _in_thread(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *args)

    def state(self) -> dict[str, str]:
        """How it stands with each file, for people."""
        return {what: str(writer) for what, writer in self._writers.items()}

    async def stop(self) -> None:
        """Write what there is, once the engine tells nothing any more."""
        for listener in self._listeners:
            listener.stop()
        try:
            await gatherResults([writer.stop() for writer in self._writers.values()]).addTimeout(_STOP_S, self._reactor)
        except TimeoutError:
            self.log.error("a disk does not answer: of {what} something may be lost", what=", ".join(self._writers))
