"""What agents say of themselves: which campaigns there are for them, that they want previews, leave, are ready soon, go on."""
from __future__ import annotations

from typing import Any, Callable

from ocs.desktop.finding import Finding
from ocs.desktop.requester import Requester
from ocs.dialing.chain import ChainState
from ocs.dialing.session import SessionState
from ocs.scheduler.context import Context
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList
from protocols.desktop import keys
from protocols.desktop.build import CampaignEvent, acknowledge, campaign_event
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest

__all__ = ["Attending", "news_of", "standing_of"]

_WITH_MODE = (CampaignEvent.STARTED, CampaignEvent.STOPPED, CampaignEvent.MODE_CHANGED)


def news_of(session: DialingSession, kind: CampaignEvent, application_id: int, reference_id: Any = None) -> KVList:
    """A campaign event of this session for one agent."""
    group = session.group
    return campaign_event(
        kind, application_id, group.campaign, description=group.campaign_description, group_name=group.name,
        group_description=group.description, mode=group.mode.desktop if kind in _WITH_MODE else "", reference_id=reference_id)


def standing_of(session: DialingSession, application_id: int, reference_id: Any = None) -> KVList:
    """How a loaded session stands, for one agent."""
    running = session.state is SessionState.RUNNING
    return news_of(session, CampaignEvent.STARTED if running else CampaignEvent.LOADED, application_id, reference_id)


class Attending:
    """The requests of agents that are about no record."""

    def __init__(self, context: Context, finding: Finding) -> None:
        self._context, self._finding = context, finding

    async def campaign_status(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        loaded = [session for session in self._finding.sessions(requester, request.campaign_name) if session.keeps_chains]
        if not loaded:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_FOUND, "none is loaded for this agent")
        return [standing_of(session, self._context.options.application_id, request.reference_id) for session in loaded]

    async def begin_previews(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        self._finding.session(requester, request).attendance.begin_previews(requester.dn)
        return [acknowledge(request)]

    async def end_previews(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        self._finding.session(requester, request).attendance.end_previews(requester.dn)
        return [acknowledge(request)]

    async def log_out(self, requester: Requester, request: DesktopRequest, meanwhile: Callable[[KVList], None]) -> list[KVList]:
        """The answer comes when the agent may go; LogOutTime goes ahead where that is not at once."""
        session = self._finding.session(requester, request)
        if not requester.agent_id:
            raise DesktopError(DesktopErrorCode.AGENT_NOT_AVAILABLE, "nobody is logged in here")
        may_go = session.attendance.leave(requester.dn)
        if not may_go.called:
            meanwhile(acknowledge(request, "LogOutTime", ((keys.LOGOUT_TIME, session.attendance.wait_s()),)))
        if not await may_go:
            raise DesktopError(DesktopErrorCode.AGENT_NOT_AVAILABLE, "previews were asked for again")
        return [acknowledge(request)]

    async def ready_time(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        self._finding.session(requester, request)
        return [acknowledge(request)]

    async def continue_processing(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        session = self._finding.session(requester, request)
        if request.record_handle is not None:
            at_hand = [self._finding.record(requester, request)[0]]
        else:
            at_hand = session.desks.at(requester.dn)
        for held in at_hand:
            if held.state is ChainState.WITH_AGENT:
                held.session.desks.settles(held)
        return [acknowledge(request)]
