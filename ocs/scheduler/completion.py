"""Campaign groups that stop and are unloaded by themselves when their lists are done with, where they are configured so
(`auto_completion`) or somebody asked for it.

A list is done with when no record of it is Ready any more: neither now nor at a later time, whichever filter applies. It is
looked at now and then, and only while the session dials and holds nothing. Source: the public key GSW_AUTO_COMPLETION.
"""
from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.dialing.results import RecordStatus
from ocs.dialing.session import SessionEvent, SessionState
from ocs.errors import OCSError
from ocs.scheduler.context import run
from ocs.scheduler.engine import Engine
from ocs.scheduler.session import DialingSession

__all__ = ["Completion"]

_OPEN = (RecordStatus.READY, RecordStatus.CHAIN_READY, RecordStatus.RETRIEVED)


class Completion:
    """Watches over the sessions that are to complete by themselves."""

    log = Logger()

    def __init__(self, engine: Engine, look_s: float = 10.0) -> None:
        self._engine, self._clock, self._look_s = engine, engine.context.clock, look_s
        self._wanted: dict[str, bool] = {}          # what was asked for, by name, in place of what is configured
        self._timer: IDelayedCall | None = None
        self._looking = False
        engine.watch(self._changed)
        engine.context.history.add_group_listener(lambda session, before: self._plan())

    def wanted(self, session: DialingSession) -> bool:
        """Whether the session completes by itself."""
        return self._wanted.get(session.group.name, session.group.auto_completion)

    def want(self, session: DialingSession, automatic: bool) -> None:
        """From now on, until it is unloaded, the session completes by itself, or does not."""
        self._wanted[session.group.name] = automatic
        self._plan()

    def _changed(self, session: DialingSession, event: SessionEvent) -> None:
        if event in (SessionEvent.UNLOADED, SessionEvent.LOAD_FAILED):
            self._wanted.pop(session.group.name, None)
        self._plan()

    def _running(self) -> list[DialingSession]:
        return [session for session in self._engine.loaded() if session.state is SessionState.RUNNING and self.wanted(session)]

    def _plan(self) -> None:
        """A timer while, and only while, there is something to look at."""
        needed = bool(self._running())
        if needed and self._timer is None and not self._looking:
            self._timer = self._clock.callLater(self._look_s, self._look)
        elif not needed and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer, self._looking = None, True
        run(self._look_at_all(), "completion")

    async def _look_at_all(self) -> None:
        try:
            for session in self._running():
                if await self._done(session) and session.state is SessionState.RUNNING:
                    self.log.info("{session} is completed: no record is left to be dialed", session=session.group.name)
                    session.stop()
                    session.unload()
        except OCSError as error:
            self.log.debug("completion: {reason}", reason=str(error))
        finally:
            self._looking = False
            self._plan()

    async def _done(self, session: DialingSession) -> bool:
        if session.held or len(session.callbacks) or session.paused:
            return False
        for table in {one.reads for one in session.group.lists}:
            counts = await self._engine.context.store.counts(table)
            if any(counts.get(status) for status in _OPEN):
                return False
        return not session.held
