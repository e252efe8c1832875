"""What peers ask of this server, carried out by its engine."""
from __future__ import annotations

from typing import Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.peering import CancelTarget, GroupKey, PeerSession
from ocs.dialing.session import SessionState
from ocs.dialing.values import DoNotCallEntry
from ocs.interfaces import IPeerRequests
from ocs.scheduler.cancelling import cancel_held
from ocs.scheduler.engine import Engine
from ocs.scheduler.session import DialingSession

__all__ = ["PeerRequests"]


def _key(group: CampaignGroup) -> GroupKey:
    return GroupKey(group.campaign_dbid, group.group.dbid)


@implementer(IPeerRequests)
class PeerRequests:
    """Over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def block(self, entries: Sequence[DoNotCallEntry]) -> None:
        for entry in entries:
            self._engine.block(entry)
        self._engine.take_back_blocked()

    def cancel(self, target: CancelTarget) -> Deferred[int]:
        return Deferred.fromCoroutine(cancel_held(self._engine, target))

    # -- callbacks ------------------------------------------------------------------------------------------------
    def _session_for(self, agent_id: str, calling_list: str, owner: GroupKey) -> DialingSession | None:
        """A session that dials a list of this table, has the agent logged in, and takes callbacks last held by `owner`."""
        for session in self._engine.loaded():
            group, key = session.group, _key(session.group)
            fits = ((not group.callback_observe_campaign or key.campaign_dbid == owner.campaign_dbid)
                    and (not group.callback_observe_group or key.group_dbid == owner.group_dbid))
            if (fits and session.may_dial and any(one.reads == calling_list for one in group.active_lists)
                    and self._engine.context.agents.find(group, agent_id) is not None):
                return session
        return None

    def has_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        return bool(agent_id) and self._session_for(agent_id, calling_list, owner) is not None

    def take_callback(self, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        return Deferred.fromCoroutine(self._take_callback(agent_id, calling_list, owner))

    async def _take_callback(self, agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        session = self._session_for(agent_id, calling_list, owner) if agent_id else None
        if session is None:
            return False
        await session.callbacks.ask_for(agent_id)
        took = session.callbacks.waits_for(agent_id)
        session.callbacks.serve()
        return took

    # -- campaigns ------------------------------------------------------------------------------------------------
    def loaded(self, key: GroupKey) -> bool:
        return any(_key(session.group) == key for session in self._engine.loaded())

    def may_share(self, key: GroupKey) -> bool:
        return all(session.group.shared for session in self._engine.sessions.values() if _key(session.group) == key)

    def sessions(self) -> Sequence[PeerSession]:
        return [self._told(session) for session in self._engine.sessions.values()]

    def _told(self, session: DialingSession) -> PeerSession:
        group = session.group
        agents = [] if session.state is SessionState.NOT_LOADED else list(self._engine.context.agents.of(group))
        return PeerSession(_key(group), group.name, session.state, int(group.mode), len(agents), len(session.calls),
                           len(session.held))
