"""Records that a session did not dial: why, and how often; kept in the database too, for whoever asks when it is over.

The counts of a list and a reason are written as they stand, a few seconds after they changed. So nothing is counted twice
when a write is repeated, and a crash costs what those seconds brought.
"""
from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.campaign import CallingList
from ocs.dialing.checks import RefusalCount
from ocs.dialing.session import SessionState
from ocs.errors import OCSError
from ocs.scheduler.context import Context

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Tally"]

_KEPT_AFTER_S = 5.0             # from a count to its write
_KEPT_AFTER_REAL_S = 1.0        # in a laboratory that runs faster the database is not asked more often than this
_WAITING_LIMIT = 1_000          # counts that a database that is away has not taken


class Tally:
    """The counts of one session. `total` has those of this run of the server, by the reason in words."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self.total: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()      # (list, reason), since the session was started
        self._began_at = 0.0
        self._waiting: dict[tuple[str, str, str], RefusalCount] = {}        # by list, session and reason: to be written
        self._timer: IDelayedCall | None = None
        self._failing = False

    def begin(self) -> None:
        """The session was started, under a GUID of its own."""
        self._counts.clear()
        self._began_at = self._context.clock.wall()

    def count(self, calling_list: CallingList, reason: str) -> None:
        """A record of this list was not dialed."""
        self.total[reason] += 1
        if self._context.keep_refusals is None:
            return
        session, name = self._session, calling_list.name
        self._counts[name, reason] += 1
        self._waiting[name, session.guid, reason] = RefusalCount(
            name, session.guid, reason, session.group.name, self._began_at, self._counts[name, reason], calling_list.table)
        self._later()

    def _later(self) -> None:
        if self._timer is None:
            clock = self._context.clock
            self._timer = clock.callLater(max(_KEPT_AFTER_S, _KEPT_AFTER_REAL_S * clock.speed), self.keep)

    def keep(self) -> None:
        """Write what has changed; at the end of a session, and now and then."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._waiting and self._context.keep_refusals is not None:
            counts, self._waiting = self._waiting, {}
            written = self._context.keep_refusals(tuple(counts.values()))
            written.addCallbacks(self._kept, self._not_kept, errbackArgs=(counts,))
            written.addErrback(lambda failure: self.log.failure("keeping counts of refusals", failure))

    def _kept(self, _: object) -> None:
        self._failing = False

    def _not_kept(self, failure: Failure, counts: dict[tuple[str, str, str], RefusalCount]) -> None:
        """They wait for the next time, unless they have changed meanwhile."""
        failure.trap(OCSError)
        if not self._failing:
            self.log.error("counts of refusals are not written, they wait: {reason}", reason=failure.getErrorMessage())
        self._failing = True
        self._waiting = dict([*counts.items(), *self._waiting.items()][-_WAITING_LIMIT:])
        if self._session.state is not SessionState.NOT_LOADED:
            self._later()
