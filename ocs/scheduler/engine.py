"""The engine: the sessions of all campaign groups, fed by the switch and by the agents, stopped in order."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, DeferredList, TimeoutError
from twisted.logger import Logger
from zope.interface import implementer

from ocs.dialing.agent import Agent, AgentEvent
from ocs.dialing.call import CallEvent
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.checks import Refusal
from ocs.dialing.session import SessionEvent, SessionState
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError, UnknownCampaign
from ocs.interfaces import ISwitchListener
from ocs.scheduler.assignments import Assignments
from ocs.scheduler.context import Context
from ocs.scheduler.engagements import ENGAGING
from ocs.scheduler.line_shares import line_share
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList

__all__ = ["Engine"]


@implementer(ISwitchListener)
class Engine:
    """All dialing sessions of one OCS."""

    log = Logger()

    def __init__(self, context: Context, groups: Mapping[str, CampaignGroup]) -> None:
        self.context = context
        self._watchers: list[Callable[[DialingSession, SessionEvent], None]] = []
        self.sessions = {name: DialingSession(context, group, self._changed, self._rivals) for name, group in groups.items()}
        self.leaving: set[str] = set()      # sessions that are removed once they are unloaded
        context.switch.add_listener(self)
        context.calls_from = lambda dn: sum(session.calls_from(dn) for session in self.loaded())
        context.line_share = lambda session, dn, lines: line_share(session, dn, lines, self.loaded())
        context.has_agent = Assignments(context.clock, context.agents, self.loaded).has
        context.waiting.ours = lambda conn_id: any(session.has_call(conn_id) for session in self.loaded())
        context.agents.add_listener(self.agent_state)
        context.agents.add_change_listener(self.agents_changed)

    async def start(self) -> None:
        """Read the do-not-call list; nothing is dialed before. StoreUnavailable if it cannot be read."""
        entries: list[DoNotCallEntry] = await self.context.store.do_not_call()
        self.context.do_not_call.replace(entries)
        self.log.info("{count} do-not-call entries", count=len(self.context.do_not_call))

    async def stop(self, deadline_s: float) -> None:
        """Stop dialing, let calls and wrap-ups finish for `deadline_s` (engine clock), give every record back."""
        waiting = [session for session in self.sessions.values() if session.state is not SessionState.NOT_LOADED]
        unloads: list[Deferred[None]] = []
        for session in waiting:
            if session.keeps_chains:
                unloads.append(session.unload())
        finished = DeferredList(unloads, consumeErrors=True)
        try:
            await finished.addTimeout(deadline_s, self.context.clock)
        except TimeoutError:
            self.log.warn("calls did not finish within {wait_s} s: given up", wait_s=deadline_s)
        forced = [session.force_unload() for session in waiting if session.state is not SessionState.NOT_LOADED]
        try:
            await DeferredList(forced, consumeErrors=True).addTimeout(deadline_s, self.context.clock)
        except TimeoutError:
            self.log.error("the database did not take every record: what it still shows as retrieved is given back at the"
                           " next start")

    def session(self, name: str) -> DialingSession:
        """The session of a campaign group, by `Campaign@Group` or, where that is unique, by the campaign's name.
        UnknownCampaign if there is none."""
        if name in self.sessions:
            return self.sessions[name]
        found = [session for session in self.sessions.values() if session.group.campaign == name]
        if len(found) != 1:
            known = ", ".join(sorted(self.sessions)) or "none"
            raise UnknownCampaign(f"campaign group {name!r}: {'not unique' if found else 'not configured'} (there: {known})")
        return found[0]

    def add(self, group: CampaignGroup) -> None:
        """A campaign group that there was not before."""
        self.sessions[group.name] = DialingSession(self.context, group, self._changed, self._rivals)

    def remove(self, name: str) -> None:
        """A campaign group that is to be no more: gone once it is not loaded."""
        if self.sessions[name].state is SessionState.NOT_LOADED:
            self.leaving.discard(name)
            del self.sessions[name]
        else:
            self.leaving.add(name)

    def watch(self, watcher: Callable[[DialingSession, SessionEvent], None]) -> None:
        """Tell `watcher(session, event)` of every change of a session's state."""
        self._watchers.append(watcher)

    def _changed(self, session: DialingSession, event: SessionEvent) -> None:
        for watcher in self._watchers:
            with self.log.failuresHandled("telling {watcher} of a session", watcher=watcher):
                watcher(session, event)
        if session.group.name in self.leaving and session.state is SessionState.NOT_LOADED:
            self.remove(session.group.name)

    def loaded(self) -> list[DialingSession]:
        """Sessions that are loaded or on their way out."""
        return [session for session in self.sessions.values() if session.state is not SessionState.NOT_LOADED]

    def _rivals(self, session: DialingSession) -> list[DialingSession]:
        dns = set(session.group.group.dns)
        return [other for other in self.sessions.values() if other is not session and dns & set(other.group.group.dns)]

    def block(self, entry: DoNotCallEntry) -> None:
        """From this moment the contact is not dialed by this server, whatever the database says later."""
        self.context.do_not_call.add(entry)

    def take_back_blocked(self) -> None:
        """Previews that nobody has dialed yet and that must not be dialed any more are taken from their agents."""
        for session in self.loaded():
            for held in list(session.held):
                if held.undialed and session.dialer.refused(held) is Refusal.DO_NOT_CALL:
                    self.context.desktops.taken_back(held)
                    session.desks.leaves(held)

    # -- ISwitchListener and the agents' listener -----------------------------------------------------------------
    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        for session in self.loaded():
            session.feed.picture_changed()
            session.steps.switch_up(guids, switch)
        self._release_orphans(guids, switch)

    def switch_down(self, reason: str, switch: str = "") -> None:
        self.context.waiting.forget(lambda dn: self.context.switch.switch_of(dn) == switch)
        for session in self.loaded():
            session.feed.out_of_sight()
            session.feed.picture_changed()
            session.wake()

    def cpd_up(self, guids: Mapping[str, str]) -> None:
        """The CPD Server is there; `guids` as in `switch_up`."""
        for session in self.loaded():
            session.steps.cpd_up(guids)

    def cpd_down(self, reason: str) -> None:
        """It is away; its calls go on."""
        for session in self.loaded():
            session.feed.out_of_sight()
            session.wake()

    def obn_up(self) -> None:
        """The Outbound Notification Manager is there."""
        for session in self.loaded():
            session.wake()

    def obn_down(self, reason: str) -> None:
        """It is away; what it has goes on."""
        for session in self.loaded():
            session.wake()

    def obn_not_dialed(self, token: str, refused: bool = False) -> None:
        """A request of it has ended without a call; `refused`: the switch does not dial such a number."""
        for session in self.loaded():
            session.requests.not_dialed(token, refused)

    def call_event(self, event: Any) -> None:
        call_event: CallEvent = event
        for session in self.loaded():
            if not session.engagements.event(call_event):
                session.calls.event(call_event)
        if self.context.waiting.event(call_event):
            for session in self.loaded():
                session.heard_inbound(call_event.dn)

    def _release_orphans(self, guids: Mapping[str, str], switch: str) -> None:
        """Agents whom an earlier run engaged wait for nobody."""
        known = {guid for session in self.loaded() for guid in session.engagements.guids}
        orphans = [conn_id for conn_id, guid in guids.items() if guid.startswith(ENGAGING) and guid not in known]
        origins = {session.origin_dn for session in self.loaded() if not (session.group.cpd or session.group.obn)
                   and self.context.switch.switch_of(session.origin_dn) == switch}
        for conn_id in orphans:
            for dn in origins:
                self.context.switch.release_call(dn, conn_id).addErrback(
                    lambda failure: self.log.debug("orphan: {reason}", reason=failure.getErrorMessage()))

    def agent_event(self, event: Any) -> None:
        """Agents' events come through the provider of IAgentState (`agent_state`)."""

    def user_event(self, dn: str, user_data: KVList) -> None:
        """Requests of desktops are the affair of `ocs.desktop`."""

    def agents_changed(self) -> None:
        """More, or less, is known of agents' states than before."""
        for session in self.loaded():
            session.feed.picture_changed()
            session.wake()

    def agent_state(self, agent: Agent, event: AgentEvent) -> None:
        """An agent's state changed."""
        for session in self.loaded():
            if agent.dn in session.group.group.dns:
                try:
                    session.agent_event(agent, event)
                except OCSError as error:
                    self.log.error("agent {dn}: {reason}", dn=agent.dn, reason=str(error))
