"""What supervisors and applications may ask of campaign groups, whichever way the request came: one method a verb.

Each verb does it, or raises CampaignRefused with the public error code and a text, and then nothing has changed. Unloading is
done when calls have ended; its Deferred fires then. Source: the public campaign requests and their errors.
"""
from __future__ import annotations

from twisted.internet.defer import Deferred

from ocs.dialing.results import DialingMode, OptimizationMethod
from ocs.dialing.session import SessionState
from ocs.errors import LoadedElsewhere, OCSError, StoreUnavailable, UnfitCallingList, UnknownCallingList, WrongState
from ocs.scheduler.completion import Completion
from ocs.scheduler.engine import Engine
from ocs.scheduler.live import use
from ocs.scheduler.mode_change import Course, change_course, why_not
from ocs.scheduler.session import DialingSession
from protocols.communication.index import CampaignErrorCode
from protocols.communication.messages import GroupFacts

__all__ = ["CampaignOperations", "CampaignRefused"]

_E = CampaignErrorCode
_S = SessionState


class CampaignRefused(OCSError):
    """A verb that is not carried out."""

    def __init__(self, code: CampaignErrorCode, detail: str) -> None:
        super().__init__(f"{code.text}: {detail}")
        self.code, self.detail = code, detail


class CampaignOperations:
    """The verbs over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.completion = Completion(engine)

    # -- which ----------------------------------------------------------------------------------------------------
    def find(self, campaign_id: int | None, group_id: int | None, session_id: int | None) -> DialingSession:
        """By the number of the campaign group, or by those of campaign and agent group."""
        sessions = list(self._engine.sessions.values())
        if session_id is not None:
            named = [session for session in sessions if session.group.dbid == session_id]
            if not named:
                raise CampaignRefused(_E.CAMPAIGN_GROUP_NOT_FOUND, f"session {session_id}")
        else:
            named = sessions
        for code, number, numbers in (
                (_E.CAMPAIGN_NOT_FOUND, campaign_id, {session.group.campaign_dbid for session in sessions}),
                (_E.GROUP_NOT_FOUND, group_id, {session.group.group.dbid for session in sessions})):
            if number is not None and number not in numbers:
                raise CampaignRefused(code, str(number))
        found = [session for session in named if campaign_id in (None, session.group.campaign_dbid)
                 and group_id in (None, session.group.group.dbid)]
        if len(found) != 1:
            raise CampaignRefused(_E.CAMPAIGN_GROUP_NOT_FOUND, f"campaign {campaign_id}, group {group_id}")
        return found[0]

    def all(self) -> list[DialingSession]:
        """Every campaign group, in the order of the configuration; CampaignRefused if there is none."""
        if not self._engine.sessions:
            raise CampaignRefused(_E.CAMPAIGN_GROUP_NOT_FOUND, "none is configured")
        return list(self._engine.sessions.values())

    @staticmethod
    def facts(session: DialingSession) -> GroupFacts:
        """How it stands with a campaign group."""
        group = session.group
        method, goal = group.pacing.method, group.pacing.goal
        if group.mode is DialingMode.POWER_GVP:
            method, goal = OptimizationMethod.MAXIMUM_GAIN, group.maximum_queue_size
        return GroupFacts(group.campaign_dbid, group.group.dbid, group.dbid, int(session.state), int(group.mode), int(method),
                          round(goal))

    # -- verbs ----------------------------------------------------------------------------------------------------
    async def load(self, session: DialingSession, automatic: bool | None = None) -> None:
        """Loaded, not dialing. `automatic`: whether it completes by itself."""
        if session.state in (_S.ACTIVE, _S.RUNNING, _S.INACTIVE):
            raise CampaignRefused(_E.CAMPAIGN_ALREADY_LOADED, _state(session))
        if session.state is not _S.NOT_LOADED:
            raise CampaignRefused(_E.CAMPAIGN_NOT_LOADED, _state(session))
        try:
            await session.load()
        except (UnfitCallingList, UnknownCallingList) as error:
            raise CampaignRefused(_E.WRONG_CONFIGURATION, str(error)) from None
        except StoreUnavailable as error:
            raise CampaignRefused(_E.SERVER_CONNECTION_ERROR, str(error)) from None
        except LoadedElsewhere as error:
            raise CampaignRefused(_E.CAMPAIGN_ALREADY_LOADED, str(error)) from None
        except WrongState as error:         # unloaded meanwhile, or a peer does not want this server beside it
            raise CampaignRefused(_E.CAMPAIGN_NOT_LOADED, str(error)) from None
        self._note(session, automatic)

    def start(self, session: DialingSession, course: Course = Course(), automatic: bool | None = None) -> None:
        """Dialing, on this course if one is given."""
        if session.state is _S.RUNNING:
            raise CampaignRefused(_E.CAMPAIGN_ALREADY_STARTED, _state(session))
        self._need(session, _S.ACTIVE)
        before = session.group
        self._check(session, course)
        change_course(session, course)
        try:
            session.start()
        except WrongState as error:         # another group dials for the same agents
            if session.group != before:
                use(session, before, session.lists)
            raise CampaignRefused(_E.WRONG_CONFIGURATION, str(error)) from None
        self._note(session, automatic)

    def stop(self, session: DialingSession) -> None:
        """No new calls."""
        if session.state is _S.ACTIVE:
            raise CampaignRefused(_E.CAMPAIGN_NOT_STARTED, _state(session))
        self._need(session, _S.RUNNING)
        session.stop()

    def set_course(self, session: DialingSession, course: Course, automatic: bool | None = None) -> None:
        """Go on in another mode, or to another goal."""
        self._need(session, _S.ACTIVE, _S.RUNNING)
        self._check(session, course)
        change_course(session, course)
        self._note(session, automatic)

    def unload(self, session: DialingSession) -> Deferred[None]:
        """No new calls; fires when the last call has ended and every record is given back."""
        self._need(session, _S.ACTIVE, _S.RUNNING)
        return session.unload()

    def force_unload(self, session: DialingSession) -> Deferred[None]:
        """As unload, without waiting for calls."""
        if session.state is _S.NOT_LOADED:
            raise CampaignRefused(_E.CAMPAIGN_NOT_LOADED, _state(session))
        return session.force_unload()

    def pause(self, session: DialingSession) -> None:
        """Hold the dialing without a change of the state."""
        self._need(session, _S.RUNNING)
        session.pause()

    def resume(self, session: DialingSession) -> None:
        """Go on after a pause."""
        self._need(session, _S.RUNNING)
        session.resume()

    # -- what they share ------------------------------------------------------------------------------------------
    @staticmethod
    def _need(session: DialingSession, *states: SessionState) -> None:
        if session.state not in states:
            stopped = session.state is _S.ACTIVE
            raise CampaignRefused(_E.CAMPAIGN_NOT_STARTED if stopped else _E.CAMPAIGN_NOT_LOADED, _state(session))

    @staticmethod
    def _check(session: DialingSession, course: Course) -> None:
        reason = why_not(session, course)
        if reason:
            raise CampaignRefused(_E.INVALID_CAMPAIGN_MODE, f"{session.group.name}: {reason}")

    def _note(self, session: DialingSession, automatic: bool | None) -> None:
        if automatic is not None:
            self.completion.want(session, automatic)


def _state(session: DialingSession) -> str:
    return f"{session.group.name} is {session.state.name.lower().replace('_', ' ')}"
