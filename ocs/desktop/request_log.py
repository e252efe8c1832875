"""The rows of the log of requests (`gsw_request_log`): one for each request, whatever became of it.

The row of a request that changes something goes into the same transaction as the change: it is there if and only if the change
is. Every other one, of a request that was refused or only asked, is written by itself, soon after the answer. A desktop that is
told of a database error is told that the change waits: once it is made, its row says that it was done.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.values import ChainSave
from ocs.errors import OCSError
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain
from ocs.scheduler.session import DialingSession
from protocols.desktop.errors import DesktopError, Echo
from protocols.desktop.index import kind_of
from protocols.desktop.messages import DesktopRequest

__all__ = ["RequestEntry", "RequestLog"]


class RequestEntry:
    """The row of one request, until it is on its way to the database."""

    def __init__(self, row: LoggedRequest) -> None:
        self._row = row
        self._held: HeldChain | None = None
        self._taken = False

    def about(self, held: HeldChain, index: int) -> None:
        """The request is about this record."""
        record, group = held.chain.records[index], held.session.group
        self._row = replace(
            self._row, record_handle=held.first_handle + index, campaign_dbid=group.campaign_dbid, group_dbid=group.group.dbid,
            list_dbid=held.calling_list.dbid, phone=self._row.phone or record.contact_info)

    def beside(self, held: HeldChain) -> None:
        """The next write of this chain takes the row along."""
        self._held = held
        held.requests += (self._row,)

    def take(self) -> tuple[LoggedRequest, ...]:
        """The row, for a write that is not of a chain."""
        self._taken = True
        return (self._row,)

    def put_back(self) -> None:
        """The write was refused, and has written nothing."""
        self._taken = False

    def left(self) -> LoggedRequest | None:
        """The row, if no write has taken it along; none will any more."""
        if self._held is not None:
            others = tuple(one for one in self._held.requests if one is not self._row)
            self._taken = len(others) == len(self._held.requests)
            self._held.requests = others
        return None if self._taken else self._row


class RequestLog:
    """Writes the rows. `lost` are those that neither the database nor the disk took."""

    log = Logger()

    def __init__(self, context: Context) -> None:
        self._context = context
        self._failing = False
        self.lost = 0

    def entry(self, dn: str, agent_id: str, request: DesktopRequest, sessions: Iterable[DialingSession]) -> RequestEntry:
        """The row of a request that is about to be carried out. `sessions` are those that it may be about."""
        row = LoggedRequest(RequestType(request.kind.log_code), self._context.clock.wall(), agent_id, dn, request.record_handle,
                            phone=(request.phone or "").encode("utf-8", "replace").decode()[:128])
        session = max(sessions, key=lambda each: each.state, default=None)
        if session is not None:
            group = session.group
            dbid = next((each.dbid for each in group.lists if each.name == request.calling_list), None)
            row = replace(row, campaign_dbid=group.campaign_dbid, group_dbid=group.group.dbid, list_dbid=dbid)
        return RequestEntry(row)

    def finish(self, entry: RequestEntry, error: int) -> None:
        """The request has been carried out (`error` 0), or refused."""
        row = entry.left()
        if row is not None:
            self._write(replace(row, error=error))

    def refused(self, dn: str, agent_id: str, echo: Echo, error: DesktopError) -> None:
        """A request that was not even tried."""
        kind = kind_of(echo.name)
        if kind is not None:
            self._write(LoggedRequest(RequestType(kind.log_code), self._context.clock.wall(), agent_id, dn, echo.record_handle,
                                      error=int(error.code)))

    def _write(self, row: LoggedRequest) -> None:
        written = self._context.store.save(ChainSave("", requests=(row,)))
        written.addCallbacks(self._written, self._not_written)
        written.addErrback(lambda failure: self.log.failure("the log of requests", failure))

    def _written(self, _: object) -> None:
        self._failing = False

    def _not_written(self, failure: Failure) -> None:
        failure.trap(OCSError)
        self.lost += 1
        if not self._failing:
            self.log.error("requests are missing in the log of requests, {count} so far: {reason}", count=self.lost,
                           reason=failure.getErrorMessage())
        self._failing = True
