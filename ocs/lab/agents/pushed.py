"""Previews that an Interaction Server pushes to the lab's agents: one connection speaks for the whole floor.

Whoever is ready for calls is ready for a preview; who is invited accepts, if still free, and has the record on the desk as one
that was asked for. What becomes of the record is between the agent and the OCS.
"""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.lab.agents.agent import LabAgent
from ocs.lab.agents.machine import AgentState
from protocols.client import IClientListener, MessageClient
from protocols.conversation import ClientConversation
from protocols.desktop.messages import parse_event
from protocols.errors import RequestFailed, RequestRefused
from protocols.interaction.messages import MEDIA_TYPE
from protocols.message import Message

__all__ = ["PushedPreviews"]

_LOOK_S = 1.0       # lab seconds between two looks at who is free
_RETRY_S = 0.5


@implementer(IClientListener)
class PushedPreviews:
    """The agents of a floor at the Interaction Server at `endpoint`. `reactor` is the sockets' time."""

    log = Logger()

    def __init__(self, reactor: IReactorTime, clock: IClock, endpoint: IStreamClientEndpoint, application: str, password: str,
                 agents: Sequence[LabAgent]) -> None:
        self._reactor, self._clock, self._login = reactor, clock, (application, password)
        self._agents = {agent.person.login: agent for agent in agents}
        self._client: Any = None
        self._ready: set[str] = set()
        self._looking: IDelayedCall | None = None
        self._service = ClientService(endpoint, Factory.forProtocol(self._build), retryPolicy=lambda _: _RETRY_S, clock=reactor)

    def start(self) -> None:
        """Connect, log everybody in, and look who is free from now on."""
        self._service.startService()
        self._look()

    def stop(self) -> Deferred[Any]:
        """Nobody takes previews any more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        stopped: Deferred[Any] = self._service.stopService()
        return stopped

    def _build(self) -> MessageClient:
        return MessageClient(ClientConversation(*self._login), self, self._reactor)

    # -- IClientListener --------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client = client
        self._ready.clear()
        for login in self._agents:
            self._ask("RequestAgentLogin", AgentID=login, MediaTypes=[MEDIA_TYPE])

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the Interaction Server refuses the lab: {reason}", reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if client is self._client:
            self._client = None

    def event(self, client: Any, message: Message) -> None:
        if message.name == "EventInvite":
            self._invited(message)
        elif message.name == "EventRevoked":
            self._ready.discard(message.get("AgentID", ""))
        elif message.name == "EventProcessingStopped":
            self._taken_back(message)

    # -- what agents do -----------------------------------------------------------------------------------------------
    def _look(self) -> None:
        self._looking = self._clock.callLater(_LOOK_S, self._look)
        for login, agent in self._agents.items():
            free = agent.state is AgentState.READY
            if free and login not in self._ready:
                self._ready.add(login)
                self._ask("RequestReadyForMedia", AgentID=login, MediaType=MEDIA_TYPE)
            elif not free and login in self._ready:
                self._ready.discard(login)
                self._ask("RequestNotReadyForMedia", AgentID=login, MediaType=MEDIA_TYPE)

    def _invited(self, message: Message) -> None:
        login, interaction_id = message.get("AgentID", ""), message.get("InteractionID", "")
        agent = self._agents.get(login)
        if agent is None or agent.state is not AgentState.READY:
            self._ready.discard(login)
            self._ask("RequestReject", AgentID=login, InteractionID=interaction_id)
            return
        event = parse_event((("GSW_USER_EVENT", "PreviewRecord"), *message.user_data))
        accepted = self._ask("RequestAccept", AgentID=login, InteractionID=interaction_id)
        if event is not None:
            accepted.addCallback(lambda answer: None if answer is None else agent.desktop_event(event))
        accepted.addErrback(lambda failure: self.log.failure("a pushed preview", failure))

    def _taken_back(self, message: Message) -> None:
        """Whoever still looks at the record must not dial it any more."""
        agent = self._agents.get(message.get("AgentID", ""))
        event = parse_event((("GSW_USER_EVENT", "RecordCancel"), *message.user_data))
        if agent is not None and event is not None:
            agent.desktop_event(event)

    def _ask(self, name: str, **attributes: Any) -> Deferred[Any]:
        """Fires with the answer; with None where there is none, as the other side has gone on meanwhile."""
        return _asked(self._client, name, attributes).addErrback(self._not_done, name)

    def _not_done(self, failure: Failure, name: str) -> None:
        failure.trap(RequestFailed)
        self.log.debug("{name}: {reason}", name=name, reason=failure.getErrorMessage())


def _asked(client: Any, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
    if client is None:
        gone: Deferred[Any] = Deferred()
        gone.callback(None)
        return gone
    asked: Deferred[Any] = client.request(name, attributes)
    return asked
