"""How long until campaign groups are done with their lists: what is left of the tables is counted while they dial."""
from __future__ import annotations

from typing import Iterable

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.dialing.campaign import CallingList
from ocs.dialing.results import RecordStatus
from ocs.dialing.session import SessionState
from ocs.dialing.time_to_complete import Remaining, time_to_complete
from ocs.errors import OCSError
from ocs.scheduler.context import run
from ocs.scheduler.engine import Engine
from ocs.scheduler.session import DialingSession

__all__ = ["TimesToComplete"]

_OPEN = frozenset(int(status) for status in RecordStatus if status.open)
_SHARE = 50         # a database that takes long to count is left alone for as many times that long


class TimesToComplete:
    """Counts from `start` to `stop`; tables of sessions that dial, one after the other."""

    log = Logger()

    def __init__(self, engine: Engine, look_s: float = 30.0) -> None:
        self._engine, self._clock, self._look_s = engine, engine.context.clock, look_s
        self._tables: dict[str, Remaining] = {}
        self._timer: IDelayedCall | None = None
        self._on = False

    def start(self) -> None:
        self._on = True
        self._timer = self._clock.callLater(self._look_s, self._look)

    def stop(self) -> None:
        self._on = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def of_list(self, session: DialingSession, calling_list: CallingList) -> float | None:
        """Seconds until its table is done with; None where that is not known."""
        return self._of(session, [calling_list])

    def of_group(self, session: DialingSession) -> float | None:
        """Seconds until all lists that it dials are."""
        return self._of(session, [one for one in session.group.lists if one.active and one.share])

    def _of(self, session: DialingSession, lists: Iterable[CallingList]) -> float | None:
        if session.state is not SessionState.RUNNING:
            return None
        return time_to_complete([self._tables.get(name) or Remaining() for name in sorted({one.reads for one in lists})])

    def _look(self) -> None:
        self._timer = None
        run(self._look_at_all(), "time to complete")

    async def _look_at_all(self) -> None:
        wanted = sorted({one.reads for session in self._engine.loaded() if session.state is SessionState.RUNNING
                         for one in session.group.lists})
        self._tables = {name: self._tables.get(name) or Remaining() for name in wanted}
        began = self._clock.seconds()
        try:
            for name in wanted:
                counts = await self._engine.context.store.counts(name)
                left = sum(count for status, count in counts.items() if status in _OPEN)
                if name in self._tables:
                    self._tables[name].look(self._clock.seconds(), left)
        except OCSError as error:
            self.log.debug("time to complete: {reason}", reason=str(error))
        finally:
            if self._on:
                wait_s = max(self._look_s, _SHARE * (self._clock.seconds() - began))
                self._timer = self._clock.callLater(wait_s, self._look)
