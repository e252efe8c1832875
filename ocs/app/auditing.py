"""The call audit of a server, wired: it hears what the engine tells, and writes in a thread of the reactor's pool."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ocs.scheduler.history import History
from ocs.store.call_audit import AuditFile, CallAudit, CallAuditOptions
from ocs.store.call_history import CallHistory

__all__ = ["Auditing"]

_STOP_S = 5.0           # a disk that does not answer does not keep the server from stopping


class Auditing:
    """Listens to `history` if the options say so. Times are of the engine's clock, the thread of the reactor's."""

    log = Logger()

    def __init__(self, options: CallAuditOptions, history: History, reactor: Any, wall: Callable[[], float]) -> None:
        self._reactor = reactor
        self._audit: CallAudit | None = None
        if options.log_call_stats:
            file = AuditFile(options.directory, wall, options.segment_mb * 1_000_000, options.segments)
            self._audit = CallAudit(file, self._in_thread, reactor)
            self._calls = CallHistory(self._audit.note)
            history.add_listener(self._calls)

    def __str__(self) -> str:
        """For people."""
        return "off" if self._audit is None else str(self._audit)

    def _in_thread(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *args)

    async def stop(self) -> None:
        """Write what there is, once the engine tells nothing any more."""
        if self._audit is None:
            return
        self._calls.stop()
        try:
            await self._audit.stop().addTimeout(_STOP_S, self._reactor)
        except TimeoutError:
            self.log.error("call audit: its disk does not answer, what is not written is lost")
