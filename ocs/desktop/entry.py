"""The entry by user events on agents' DNs: who asks is whoever is logged in there, answers go to the same DN.

It also tells agents of their campaigns: when they log in, and when a session is loaded, started, stopped, unloaded.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.desktop.operations import RecordOperations, Requester, news_of
from ocs.desktop.records import record_data
from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind
from ocs.dialing.callbacks import is_personal
from ocs.dialing.session import SessionEvent, SessionState
from ocs.interfaces import ISwitchListener
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList
from protocols.desktop.build import CampaignEvent, error_answer, error_event, record_event
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo
from protocols.desktop.messages import DesktopRequest, parse_request
from protocols.desktop.names import CallbackType
from protocols.errors import LinkLost

__all__ = ["AgentEntry"]

_NEWS = {SessionEvent.LOADED: CampaignEvent.LOADED, SessionEvent.START: CampaignEvent.STARTED,
         SessionEvent.STOP: CampaignEvent.STOPPED, SessionEvent.UNLOADED: CampaignEvent.UNLOADED}
_OUTSTANDING_LIMIT = 100        # requests of one DN that may be under way at once


@implementer(ISwitchListener)
class AgentEntry:
    """Requests of agents' desktops, by way of the T-Server."""

    log = Logger()

    def __init__(self, engine: Engine) -> None:
        self._engine, self._switch, self._agents = engine, engine.context.switch, engine.context.agents
        self._application_id = engine.context.options.application_id
        self._operations = RecordOperations(engine, self.send)
        self._outstanding: Counter[str] = Counter()
        self._switch.add_listener(self)
        self._agents.add_listener(self._agent_state)
        engine.context.desktops = self
        engine.watch(self._session_changed)

    def send(self, dn: str, user_data: KVList) -> None:
        """One user event to the desktop at `dn`; a desktop that cannot be reached does not hear it."""
        def failed(failure: Failure) -> None:
            # a lost link is told once, by the link
            level = LogLevel.debug if failure.check(LinkLost) is not None else LogLevel.warn
            self.log.emit(level, "desktop at {dn} not told: {reason}", dn=dn, reason=failure.getErrorMessage())
        self._switch.distribute_user_event(dn, user_data).addErrback(failed)

    # -- requests -------------------------------------------------------------------------------------------------
    def user_event(self, dn: str, user_data: KVList) -> None:
        self.request(dn, user_data, lambda pairs: self.send(dn, pairs))

    def request(self, dn: str, user_data: KVList, answer: Callable[[KVList], None]) -> None:
        """Carry out what the agent at `dn` asks for; `answer` sends each of the answers."""
        try:
            request = parse_request(user_data)
        except DesktopError as error:
            if self._for_us(error.echo):
                self._refuse(dn, error, answer)
            return
        if request is None or not self._for_us(request.echo):
            return
        if self._outstanding[dn] >= _OUTSTANDING_LIMIT:
            many = DesktopError(DesktopErrorCode.INVALID_REQUEST, "too many requests at once", request.echo)
            self._refuse(dn, many, answer)
            return
        self._outstanding[dn] += 1
        requester = Requester(dn, self._agent_id(dn))
        done = Deferred.fromCoroutine(self._operations.perform(requester, request))
        done.addCallbacks(self._answer, self._bug, callbackArgs=(answer,), errbackArgs=(answer, request))
        done.addBoth(self._answered, dn)

    def _agent_id(self, dn: str) -> str:
        agent = self._agents.agent_at(dn)
        return "" if agent is None else agent.agent_id

    def _refuse(self, dn: str, error: DesktopError, answer: Callable[[KVList], None]) -> None:
        if self._operations.requests is not None:
            self._operations.requests.refused(dn, self._agent_id(dn), error.echo, error)
        answer(error_answer(error))

    def _for_us(self, echo: Echo) -> bool:
        """A request that names another application is that application's affair."""
        return echo.application_id in (None, self._application_id)

    @staticmethod
    def _answer(answers: list[KVList], answer: Callable[[KVList], None]) -> None:
        for pairs in answers:
            answer(pairs)

    def _bug(self, failure: Any, answer: Callable[[KVList], None], request: DesktopRequest) -> None:
        self.log.failure("request {request}", failure, request=request.name)
        answer(error_event(request, DesktopErrorCode.INVALID_REQUEST, "internal error"))

    def _answered(self, result: Any, dn: str) -> Any:
        self._outstanding[dn] -= 1
        if not self._outstanding[dn]:
            del self._outstanding[dn]
        return result

    # -- records that agents did not ask for ----------------------------------------------------------------------
    def callback_due(self, held: HeldChain) -> None:
        """The agent is to call this contact now: ScheduledCall."""
        kind = CallbackType.PERSONAL if is_personal(held.record) else CallbackType.CAMPAIGN
        data = record_data(held, held.index, self._application_id, self._engine.context.clock.wall())
        self.send(held.agent_dn, record_event("ScheduledCall", replace(data, callback_type=kind.value)))

    def taken_back(self, held: HeldChain) -> None:
        """The agent no longer has the record: RecordCancel."""
        data = record_data(held, held.index, self._application_id, self._engine.context.clock.wall())
        self.send(held.agent_dn, record_event("RecordCancel", data))

    # -- news of campaigns ----------------------------------------------------------------------------------------
    def _session_changed(self, session: DialingSession, event: SessionEvent) -> None:
        kind = _NEWS.get(event)
        if kind is not None:
            for agent in self._agents.of(session.group):
                self.send(agent.dn, news_of(session, kind, self._application_id))

    def _agent_state(self, agent: Agent, event: AgentEvent) -> None:
        if event.kind is not AgentEventKind.LOGIN:
            return
        for session in self._engine.loaded():
            if agent.dn in session.group.group.dns and session.keeps_chains:
                running = session.state is SessionState.RUNNING
                kind = CampaignEvent.STARTED if running else CampaignEvent.LOADED
                self.send(agent.dn, news_of(session, kind, self._application_id))

    # -- what else a switch tells does not concern desktops -------------------------------------------------------
    def call_event(self, event: object) -> None:
        """Calls are the engine's."""

    def agent_event(self, event: object) -> None:
        """Agents come through the provider of IAgentState."""

    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        """Agents who are logged in are told by the events of the registration."""

    def switch_down(self, reason: str, switch: str = "") -> None:
        """Nobody can be told."""
