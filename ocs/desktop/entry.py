"""The entry by user events on agents' DNs: who asks is whoever is logged in there, answers go to the same DN.

It also tells agents of their campaigns: when they log in, and when a session is loaded, started, stopped, unloaded. What many
hear at once goes by `rounds`, a few of them at a time; everything else that is said to a desktop comes behind what waits for it.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterable, Mapping

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.desktop.attending import news_of, standing_of
from ocs.desktop.operations import RecordOperations
from ocs.desktop.reception import Reception
from ocs.desktop.records import record_data
from ocs.desktop.requester import Requester
from ocs.desktop.rounds import Rounds
from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind
from ocs.dialing.callbacks import is_personal
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.session import SessionEvent
from ocs.interfaces import ISwitchListener
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList
from protocols.desktop.build import CampaignEvent, record_event
from protocols.desktop.names import CallbackType
from protocols.errors import LinkLost

__all__ = ["AgentEntry"]

_NEWS = {SessionEvent.LOADED: CampaignEvent.LOADED, SessionEvent.START: CampaignEvent.STARTED,
         SessionEvent.STOP: CampaignEvent.STOPPED, SessionEvent.UNLOADED: CampaignEvent.UNLOADED}


@implementer(ISwitchListener)
class AgentEntry:
    """Requests of agents' desktops, by way of the T-Server. `reception` takes those of every other way, too."""

    log = Logger()

    def __init__(self, engine: Engine) -> None:
        self._engine, self._switch, self._agents = engine, engine.context.switch, engine.context.agents
        self._application_id = engine.context.options.application_id
        self.reception = Reception(RecordOperations(engine), self._application_id)
        self.nearer: Callable[[str, KVList], bool] = lambda dn, user_data: False    # desktops that are connected to this server
        self.rounds = Rounds(engine.context.clock)
        self._joining: set[tuple[DialingSession, str]] = set()     # DNs that were added, and nobody is known to be there
        self._switch.add_listener(self)
        self._agents.add_listener(self._agent_state)
        engine.context.desktops = self
        engine.watch(self._session_changed)
        engine.context.history.add_group_listener(self._regrouped)

    def send(self, dn: str, user_data: KVList) -> None:
        """Tell the desktop at `dn`; a desktop that cannot be reached does not hear it."""
        self.rounds.first(dn)
        if not self.nearer(dn, user_data):
            self._distribute(dn, user_data)

    def _send_to_all(self, dns: Iterable[str], user_data: KVList) -> None:
        """Tell the desktops at these DNs, each when it is its turn."""
        self.rounds.to_all(dns, lambda dn: self.send(str(dn), user_data))

    def _distribute(self, dn: str, user_data: KVList) -> None:
        """One user event at the T-Server."""
        def failed(failure: Failure) -> None:
            # a lost link is told once, by the link
            level = LogLevel.debug if failure.check(LinkLost) is not None else LogLevel.warn
            self.log.emit(level, "desktop at {dn} not told: {reason}", dn=dn, reason=failure.getErrorMessage())
        self._switch.distribute_user_event(dn, user_data).addErrback(failed)

    # -- requests -------------------------------------------------------------------------------------------------
    def user_event(self, dn: str, user_data: KVList) -> None:
        self.reception.receive(self.requester_at(dn), user_data, lambda pairs: self._answer(dn, pairs))

    def _answer(self, dn: str, user_data: KVList) -> None:
        """To whom has asked by way of the T-Server, and hears the answer there."""
        self.rounds.first(dn)
        self._distribute(dn, user_data)

    def requester_at(self, dn: str) -> Requester:
        """Whoever works at this DN."""
        agent = self._agents.agent_at(dn)
        return Requester(dn, "" if agent is None else agent.agent_id)

    # -- records that agents did not ask for ----------------------------------------------------------------------
    def callback_due(self, held: HeldChain) -> None:
        """The agent is to call this contact now: ScheduledCall."""
        kind = CallbackType.PERSONAL if is_personal(held.record) else CallbackType.CAMPAIGN
        data = record_data(held, held.index, self._application_id, self._engine.context.clock.wall())
        self.send(held.agent_dn, record_event("ScheduledCall", replace(data, callback_type=kind.value)))

    def taken_back(self, held: HeldChain) -> None:
        """The agent no longer has the record: RecordCancel, and at once, since the agent may be about to dial it."""
        data = record_data(held, held.index, self._application_id, self._engine.context.clock.wall())
        self.send(held.agent_dn, record_event("RecordCancel", data))

    # -- news of campaigns ----------------------------------------------------------------------------------------
    def _session_changed(self, session: DialingSession, event: SessionEvent) -> None:
        if event is SessionEvent.UNLOADED:
            self._joining = {one for one in self._joining if one[0] is not session}
        kind = _NEWS.get(event)
        if kind is not None:
            self._send_to_all([agent.dn for agent in self._agents.of(session.group)],
                              news_of(session, kind, self._application_id))

    def _agent_state(self, agent: Agent, event: AgentEvent) -> None:
        if event.kind is not AgentEventKind.LOGIN:
            return
        for session in self._engine.loaded():
            if agent.dn in session.group.group.dns and session.keeps_chains:
                if (session, agent.dn) in self._joining:        # the DN was not looked at before, the agent may have been there
                    self._joining.remove((session, agent.dn))
                    self.send(agent.dn, news_of(session, CampaignEvent.GROUP_ASSIGNED, self._application_id))
                self.send(agent.dn, standing_of(session, self._application_id))

    def _regrouped(self, session: DialingSession, before: CampaignGroup) -> None:
        """A loaded session has other values: new agents hear that it is theirs and how it stands, the others of a new mode."""
        if not session.keeps_chains:
            return
        self._joining |= {(session, dn) for dn in session.group.group.dns
                          if dn not in before.group.dns and self._agents.agent_at(dn) is None}
        before_that = {agent.dn for agent in self._agents.of(before)}
        now = [agent.dn for agent in self._agents.of(session.group)]
        new = [dn for dn in now if dn not in before_that]
        self._send_to_all(new, news_of(session, CampaignEvent.GROUP_ASSIGNED, self._application_id))
        self._send_to_all(new, standing_of(session, self._application_id))
        if session.group.mode is not before.mode:
            self._send_to_all([dn for dn in now if dn in before_that],
                              news_of(session, CampaignEvent.MODE_CHANGED, self._application_id))

    # -- what else a switch tells does not concern desktops -------------------------------------------------------
    def call_event(self, event: object) -> None:
        """Calls are the engine's."""

    def agent_event(self, event: object) -> None:
        """Agents come through the provider of IAgentState."""

    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        """Agents who are logged in are told by the events of the registration."""

    def switch_down(self, reason: str, switch: str = "") -> None:
        """Nobody can be told."""
