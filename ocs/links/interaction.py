"""The Interaction Server: interactions are submitted and stopped, and what agents do with them is told.

After each log-in the interactions that are still there are asked for; only then do listeners hear `interactions_up`.
Transport-free: `granted` gives it a client to ask with; sockets are the affair of `ocs.links.service`.
"""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.interfaces import IInteractions
from protocols.attributes import KVList, first
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused
from protocols.interaction.messages import MEDIA_TYPE, InteractionState, StopReason
from protocols.message import Message

__all__ = ["InteractionLink"]

_PAGES_LIMIT = 1_000
_PENDING_LIMIT = 100_000


@implementer(IInteractions, IClientListener)
class InteractionLink:
    """One Interaction Server. `listener` is an IInteractionListener."""

    log = Logger()

    def __init__(self, listener: Any = None) -> None:
        self.listener = listener
        self.up = False
        self._client: Any = None
        self._pending: list[Message] | None = None      # news that waits for the picture

    # -- IInteractions ----------------------------------------------------------------------------------------------
    def submit(self, queue: str, user_data: KVList) -> Deferred[str]:
        asked: Deferred[Any] = self._ask("RequestSubmit", {
            "Queue": queue, "MediaType": MEDIA_TYPE, "InteractionType": "Outbound", "InteractionSubtype": "OutboundNew",
            "UserData": user_data})
        return asked.addCallback(lambda answer: answer.get("InteractionID", ""))

    def stop(self, interaction_id: str) -> Deferred[None]:
        asked: Deferred[Any] = self._ask("RequestStopProcessing", {"InteractionID": interaction_id})
        return asked.addCallback(lambda _: None)

    def send(self, agent_id: str, user_data: KVList) -> Deferred[None]:
        asked: Deferred[Any] = self._ask("RequestDistributeUserEvent", {"AgentID": agent_id, "UserData": user_data})
        return asked.addCallback(lambda _: None)

    def _ask(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        if self._client is None:
            return fail(LinkLost(f"{name}: no link to the Interaction Server"))
        try:
            asked: Deferred[Any] = self._client.request(name, attributes)
            return asked
        except LocalProtocolError as error:         # what cannot be sent: too long for a frame
            return fail(error)

    # -- IClientListener --------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client, self._pending = client, []
        Deferred.fromCoroutine(self._build(client)).addErrback(self._no_picture, client)

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the Interaction Server refuses the log-in: {reason}", reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client, self._pending = None, None
        if self.up:
            self.up = False
            self.listener.interactions_down(reason)

    def event(self, client: Any, message: Message) -> None:
        if client is not self._client or message.name not in _NEWS:
            return
        if self._pending is None:
            _NEWS[message.name](self, message)
        elif len(self._pending) < _PENDING_LIMIT:
            self._pending.append(message)
        else:
            self.log.error("{count} messages wait for the list of interactions; reconnecting", count=len(self._pending))
            client.abort()

    # -- what it tells ----------------------------------------------------------------------------------------------
    async def _build(self, client: Any) -> None:
        found: dict[str, str] = {}
        for _ in range(_PAGES_LIMIT):
            answer = await client.request("RequestQueryInteractions", {"Extensions": (("first", len(found) + 1),)})
            page = {str(value): _handled_by(answer.extensions, key[3:]) for key, value in answer.extensions
                    if key.startswith("id-")}
            found.update(page)
            total = first(answer.extensions, "interactions")
            if not page or not isinstance(total, int) or len(found) >= total:
                break
        if client is not self._client:
            return
        self.up = True
        self.listener.interactions_up(found)
        pending, self._pending = self._pending or [], None
        for message in pending:
            _NEWS[message.name](self, message)

    def _no_picture(self, failure: Failure, client: Any) -> None:
        if failure.check(LinkLost) is None:
            self.log.error("the interactions cannot be had: {reason}", reason=failure.getErrorMessage())
            client.abort()

    def _accepted(self, message: Message) -> None:
        self.listener.interaction_accepted(message.get("InteractionID", ""), message.get("AgentID", ""))

    def _returned(self, message: Message) -> None:
        self.listener.interaction_returned(message.get("InteractionID", ""))

    def _stopped(self, message: Message) -> None:
        if message.get("Reason") != StopReason.SUBMITTER.value:
            self.listener.interaction_stopped(message.get("InteractionID", ""))

    def _user_event(self, message: Message) -> None:
        self.listener.interaction_event(message.get("AgentID", ""), message.user_data)


def _handled_by(extensions: KVList, place: str) -> str:
    """The agent who has accepted the interaction; "" if none has."""
    handled = first(extensions, f"state-{place}") == InteractionState.HANDLED.value
    return str(first(extensions, f"agent-{place}") or "") if handled else ""


_NEWS: dict[str, Callable[[InteractionLink, Message], None]] = {
    "EventAccepted": InteractionLink._accepted, "EventRejected": InteractionLink._returned,
    "EventAgentLogout": InteractionLink._returned, "EventProcessingStopped": InteractionLink._stopped,
    "EventUserEvent": InteractionLink._user_event}
