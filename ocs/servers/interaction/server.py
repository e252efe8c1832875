"""The Interaction Server without sockets: requests in, invitations and news out."""
from __future__ import annotations

from itertools import count
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.clock import IClock
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.interaction.queues import Agent, Interaction, InteractionQueues
from protocols.attributes import KVValue, first, updated
from protocols.interaction.messages import VOCABULARY, InteractionState, StopReason
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, ServedClient

__all__ = ["InteractionService"]

_PAGE = 300


@implementer(IMessageService)
class InteractionService:
    """Queues and agents. `clock` is what people wait for, `real_clock` that of lost clients; `verify(hash, password)` fires with
    a bool."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, options: InteractionServerOptions, clock: IClock, real_clock: IReactorTime,
                 verify: Callable[[str, str], Deferred[bool]]) -> None:
        self._options, self._clock, self._real_clock, self._verify = options.routing, clock, real_clock, verify
        self._lengths = {one.name: one.length for one in options.queue}
        self._people = {one.id: one for one in options.agent}
        self.queues = InteractionQueues()
        self._clients: dict[str, set[ServedClient]] = {}
        self._graces: dict[str, IDelayedCall] = {}
        self._numbers, self._start = count(1), int(clock.wall())
        self._requests: Mapping[str, Callable[[ServedClient, Message], Any]] = {
            "RequestSubmit": self._submit, "RequestStopProcessing": self._stop_processing,
            "RequestChangeProperties": self._change, "RequestQueryInteractions": self._query,
            "RequestAgentLogin": self._log_in, "RequestAgentLogout": self._log_out, "RequestReadyForMedia": self._ready,
            "RequestNotReadyForMedia": self._not_ready, "RequestAccept": self._accept, "RequestReject": self._reject,
            "RequestDistributeUserEvent": self._user_event}

    def start(self) -> None:
        """There is nothing to wait for."""

    def stop(self) -> None:
        """No timers any more; who is connected sees the connection go."""
        for interaction in self.queues.interactions.values():
            interaction.stop_timer()
        for grace in self._graces.values():
            grace.cancel()
        self._graces.clear()

    # -- IMessageService ------------------------------------------------------------------------------------------
    def granted(self, client: ServedClient) -> None:
        self._clients.setdefault(client.application, set()).add(client)
        grace = self._graces.pop(client.application, None)
        if grace is not None:
            grace.cancel()

    def request(self, client: ServedClient, message: Message) -> Any:
        return self._requests[message.name](client, message)

    def gone(self, client: ServedClient) -> None:
        for agent in [agent for agent in self.queues.agents.values() if agent.client is client]:
            self._unseat(agent)
        name = client.application
        self._clients[name].discard(client)
        if not self._clients[name]:
            del self._clients[name]
            if any(one.submitter == name for one in self.queues.interactions.values()):
                self._graces[name] = self._real_clock.callLater(self._options.submitter_grace_s, self._abandon, name)
        self._match()

    def _abandon(self, application: str) -> None:
        del self._graces[application]
        for one in [one for one in self.queues.interactions.values() if one.submitter == application]:
            self._end(one, StopReason.SUBMITTER_GONE, match=False)      # nobody is invited to the next one that ends
        self._match()

    # -- interactions ---------------------------------------------------------------------------------------------
    def _submit(self, client: ServedClient, message: Message) -> None:
        queue = message.attributes["Queue"]
        if queue not in self._lengths:
            raise Refused(ErrorCode.NOT_CONFIGURED, f"Queue: there is no queue {queue[:64]!r}")
        if self.queues.waiting(queue) >= self._lengths[queue]:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE,
                          f"Queue: {self._lengths[queue]} interactions wait in {queue}, the limit")
        if len(self.queues.interactions) >= self._options.interactions:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"{self._options.interactions} interactions, the limit")
        handed_on = {name: message.attributes[name] for name in ("InteractionType", "InteractionSubtype", "TenantID")
                     if name in message.attributes}
        one = Interaction(f"{self._start:08x}{next(self._numbers):08x}", queue, message.attributes["MediaType"],
                          client.application, message.user_data, handed_on)
        self.queues.put(one)
        client.answer(message, "EventAck", {"InteractionID": one.id})
        self._match()

    def _stop_processing(self, client: ServedClient, message: Message) -> Message:
        one = self._find(message)
        agent = one.agent
        if one.submitter == client.application:
            self._end(one, StopReason.SUBMITTER)
        elif agent is not None and agent.client is client and one.state is InteractionState.HANDLED:
            self._end(one, StopReason.AGENT)
        else:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "InteractionID: the interaction is neither yours nor with an agent of yours")
        return Message("EventAck", 0, {"InteractionID": one.id})

    def _change(self, client: ServedClient, message: Message) -> Message:
        one = self._find(message)
        if one.submitter != client.application and (one.agent is None or one.agent.client is not client):
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "InteractionID: the interaction is neither yours nor with an agent of yours")
        one.user_data = updated(one.user_data, message.user_data)
        if one.agent is not None and one.agent.client is not client:
            one.agent.client.send(Message("EventPropertiesChanged", 0, self._about(one)))
        return Message("EventAck", 0, {"InteractionID": one.id})

    def _query(self, client: ServedClient, message: Message) -> Message:
        """The client's interactions, a page of them from `first` on: for one that comes back."""
        start = first(message.extensions, "first")
        if start is None:
            start = 1
        if not isinstance(start, int) or start < 1:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "Extensions.first: a positive int is expected")
        own = [one for one in self.queues.interactions.values() if one.submitter == client.application]
        pairs: list[tuple[str, KVValue]] = [("interactions", len(own))]
        for place, one in enumerate(own[start - 1:start - 1 + _PAGE], start):
            pairs += [(f"id-{place}", one.id), (f"state-{place}", one.state.value),
                      (f"agent-{place}", "" if one.agent is None else one.agent.id)]
        return Message("EventInteractionsInfo", 0, {"Extensions": tuple(pairs)})

    def _find(self, message: Message) -> Interaction:
        one = self.queues.interactions.get(message.attributes["InteractionID"])
        if one is None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"InteractionID: no interaction {message.attributes['InteractionID'][:64]!r}")
        return one

    def _end(self, one: Interaction, reason: StopReason, match: bool = True) -> None:
        agent = self.queues.remove(one)
        news = Message("EventProcessingStopped", 0, {**self._about(one), "Reason": reason.value,
                                                     **({} if agent is None else {"AgentID": agent.id})})
        self._tell_submitter(one, news)
        if agent is not None:
            agent.client.send(news)
            self.queues.waits_again(agent)
        if match:
            self._match()

    # -- agents ---------------------------------------------------------------------------------------------------
    def _log_in(self, client: ServedClient, message: Message) -> Any:
        agent_id = message.attributes["AgentID"]
        person, media = self._people.get(agent_id), message.attributes["MediaTypes"]
        if person is None:
            raise Refused(ErrorCode.AGENT_WRONG_ID, f"AgentID: no agent {agent_id[:64]!r} is configured")
        if not media or not all(isinstance(one, str) and 0 < len(one) <= 64 for one in media):
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "MediaTypes: an array of names is expected")
        if not person.password_hash:
            return self._seat(client, message, person.queues)

        def verified(right: bool) -> Message:
            if not right:
                raise Refused(ErrorCode.AGENT_BAD_PASSWORD, "AgentPassword: wrong")
            return self._seat(client, message, person.queues)

        return self._verify(person.password_hash, message.get("AgentPassword", "")).addCallback(verified)

    def _seat(self, client: ServedClient, message: Message, queues: tuple[str, ...]) -> Message:
        agent_id = message.attributes["AgentID"]
        if agent_id in self.queues.agents:
            raise Refused(ErrorCode.AGENT_ID_IN_USE, f"AgentID: {agent_id} is logged in already")
        if client.granted:
            self.queues.seat(Agent(agent_id, client, message.get("PlaceID", ""), frozenset(queues) or None,
                                   frozenset(message.attributes["MediaTypes"])))
        return Message("EventAgentLogin", 0, {"AgentID": agent_id})

    def _log_out(self, client: ServedClient, message: Message) -> Message:
        agent = self._agent(client, message)
        self._unseat(agent)
        self._match()
        return Message("EventAgentLogout", 0, {"AgentID": agent.id})

    def _ready(self, client: ServedClient, message: Message) -> None:
        agent, media = self._agent(client, message), message.attributes["MediaType"]
        if media not in agent.media:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"MediaType: the agent is not logged in for {media[:64]!r}")
        if media not in agent.ready:
            agent.ready.add(media)
            self.queues.waits_again(agent)
        client.answer(message, "EventReadyForMedia", {"AgentID": agent.id, "MediaType": media})
        self._match()

    def _not_ready(self, client: ServedClient, message: Message) -> Message:
        agent, media = self._agent(client, message), message.attributes["MediaType"]
        agent.ready.discard(media)
        return Message("EventNotReadyForMedia", 0, {"AgentID": agent.id, "MediaType": media})

    def _agent(self, client: ServedClient, message: Message) -> Agent:
        agent = self.queues.agents.get(message.attributes["AgentID"])
        if agent is None or agent.client is not client:
            raise Refused(ErrorCode.AGENT_NOT_IN,
                          f"AgentID: {message.attributes['AgentID'][:64]!r} is not logged in by this client")
        return agent

    def _unseat(self, agent: Agent) -> None:
        """The agent is gone: what was offered waits again, and so does what was being handled."""
        del self.queues.agents[agent.id]
        for one in list(agent.has.values()):
            self._back(one, "EventAgentLogout")

    # -- invitations ----------------------------------------------------------------------------------------------
    def _match(self) -> None:
        for one, agent in self.queues.matches():
            self.queues.take(one, agent)
            one.timer = self._clock.callLater(self._options.invite_timeout_s, self._no_answer, one)
            agent.client.send(Message("EventInvite", 0, {**self._about(one), "AgentID": agent.id}))
            self._tell_submitter(one, Message("EventAgentInvited", 0, {**self._about(one), "AgentID": agent.id}))

    def _accept(self, client: ServedClient, message: Message) -> None:
        agent, one = self._invited(client, message)
        one.stop_timer()
        one.state = InteractionState.HANDLED
        client.answer(message, "EventAck", {"InteractionID": one.id})
        self._tell_submitter(one, Message("EventAccepted", 0, {**self._about(one), "AgentID": agent.id, "PlaceID": agent.place}))

    def _reject(self, client: ServedClient, message: Message) -> None:
        agent, one = self._invited(client, message)
        agent.ready.discard(one.media_type)         # who does not want this one is not asked again at once
        client.answer(message, "EventAck", {"InteractionID": one.id})
        self._back(one, "EventRejected")

    def _no_answer(self, one: Interaction) -> None:
        one.timer = None
        agent = one.agent
        if agent is not None:
            agent.ready.discard(one.media_type)
            agent.client.send(Message("EventRevoked", 0, {**self._about(one), "AgentID": agent.id}))
        self._back(one, "EventRejected")

    def _invited(self, client: ServedClient, message: Message) -> tuple[Agent, Interaction]:
        agent, one = self._agent(client, message), self._find(message)
        if one.agent is not agent or one.state is not InteractionState.INVITED:
            raise Refused(ErrorCode.WRONG_CALL_STATE, "InteractionID: the agent is not invited to this interaction")
        return agent, one

    def _back(self, one: Interaction, news: str) -> None:
        """To the head of its queue."""
        agent = self.queues.leave(one)
        self.queues.put(one, at_head=True)
        self._tell_submitter(one, Message(news, 0, {**self._about(one), "AgentID": "" if agent is None else agent.id}))
        self._match()

    # -- user events ----------------------------------------------------------------------------------------------
    def _user_event(self, client: ServedClient, message: Message) -> Message:
        """From an agent to whoever submitted the interaction, and back."""
        agent_id, told = message.get("AgentID", ""), 0
        event = Message("EventUserEvent", 0, {name: message.attributes[name] for name in ("AgentID", "InteractionID", "UserData")
                                              if name in message.attributes})
        if "InteractionID" in message.attributes:
            one = self._find(message)
            if one.submitter != client.application:
                self._tell_submitter(one, event)
                told += 1
        agent = self.queues.agents.get(agent_id)
        if agent is not None and agent.client is not client:
            agent.client.send(event)
            told += 1
        if not told:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "AgentID: neither this agent nor an InteractionID leads to anybody")
        return Message("EventAck", 0, {})

    def _about(self, one: Interaction) -> dict[str, Any]:
        return {"InteractionID": one.id, "Queue": one.queue, "MediaType": one.media_type, "UserData": one.user_data,
                **one.attributes}

    def _tell_submitter(self, one: Interaction, message: Message) -> None:
        for client in self._clients.get(one.submitter, ()):
            client.send(message)
