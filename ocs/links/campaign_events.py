"""What campaigns do, told to the Stat Server on a data stream: the campaign events, by their public numbers.

A listener of the engine's history. While the link is away nothing is kept but where each session stands: when it is back the
stream begins with that, so statuses are right again; what was to be counted meanwhile is lost, and the log says how much.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.dialing import history as told
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.history import ChainFacts, ChainStage, SessionFacts
from ocs.dialing.results import DialingMode
from ocs.dialing.session import Condition, SessionState
from ocs.interfaces import IHistory
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RequestFailed, RequestRefused
from protocols.message import Message
from protocols.statserver.messages import CampaignEvent, StreamType

__all__ = ["CampaignEvents"]

_STREAM = 1                     # UserRequestID of our one stream
_E = CampaignEvent
_WAITS = {Condition.WAITING_AGENTS: (_E.WAITING_AGENTS_START, _E.WAITING_AGENTS_OVER),
          Condition.WAITING_PORTS: (_E.WAITING_PORTS_START, _E.WAITING_PORTS_OVER),
          Condition.WAITING_RECORDS: (_E.WAITING_RECORDS_START, _E.WAITING_RECORDS_OVER),
          Condition.SYSTEM_ERROR: (_E.SYSTEM_ERROR_START, _E.SYSTEM_ERROR_OVER)}
_CALLBACKS = {CallbackNews.SCHEDULED: _E.CALLBACK_SCHEDULED, CallbackNews.COMPLETED: _E.CALLBACK_COMPLETED,
              CallbackNews.MISSED: _E.CALLBACK_MISSED}
_ACTIVE = frozenset({SessionState.ACTIVE, SessionState.RUNNING, SessionState.WAITING_UNLOAD, SessionState.UNLOAD_IN_PROGRESS})
_Told = tuple[CampaignEvent, Mapping[str, Any]]


@dataclass
class _Standing:
    """Where one session stands."""

    facts: SessionFacts
    mode: DialingMode
    activated: bool = False
    running: bool = False
    condition: Condition = Condition.DIALING


@implementer(IHistory, IClientListener)
class CampaignEvents:
    """Sends on one link."""

    log = Logger()

    def __init__(self) -> None:
        self._client: Any = None
        self._open = False
        self._sessions: dict[str, _Standing] = {}       # by GUID
        self.dropped = 0        # events that nobody was told of, since the start of the server

    # -- IHistory -------------------------------------------------------------------------------------------------
    def happened(self, event: object) -> None:
        if isinstance(event, told.SessionChanged):
            self._session(event)
        elif isinstance(event, told.GroupChanged):
            self._group(event)
        elif isinstance(event, told.ConditionChanged):
            self._condition(event)
        else:
            for number, more in _record_event(event):
                self._send(event.session, number, more)       # type: ignore[attr-defined]

    def _session(self, event: told.SessionChanged) -> None:
        standing = self._sessions.setdefault(event.session.guid, _Standing(event.session, event.group.mode))
        standing.mode = event.group.mode
        activated, running = event.state in _ACTIVE, event.state is SessionState.RUNNING
        was_activated, standing.activated = standing.activated, activated
        was_running, standing.running = standing.running, running
        if activated and not was_activated:
            self._send(event.session, _E.CAMPAIGN_ACTIVATED)
        if running is not was_running:
            self._send(event.session, *_running(standing))
        if was_activated and not activated:
            self._send(event.session, _E.CAMPAIGN_DEACTIVATED)
        if event.state is SessionState.NOT_LOADED:
            del self._sessions[event.session.guid]

    def _group(self, event: told.GroupChanged) -> None:
        standing = self._sessions.get(event.session.guid)
        if standing is not None and standing.mode is not event.after.mode:
            standing.mode = event.after.mode
            if standing.running:
                self._send(event.session, _E.DIAL_MODE_CHANGED, {"DialMode": int(standing.mode)})

    def _condition(self, event: told.ConditionChanged) -> None:
        if event.session.guid in self._sessions:
            self._sessions[event.session.guid].condition = event.condition
        if event.previous in _WAITS:
            self._send(event.session, _WAITS[event.previous][1])
        if event.condition in _WAITS:
            self._send(event.session, _WAITS[event.condition][0])

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client, self._open = client, False
        asked = client.request("RequestOpenDataStream", {"UserRequestID": _STREAM, "StreamType": int(StreamType.UNICAST)})
        asked.addCallbacks(self._opened, self._not_opened, callbackArgs=(client,), errbackArgs=(client,))

    def refused(self, client: Any, error: RequestRefused) -> None:
        """Told by whoever opens statistics on the same link."""

    def event(self, client: Any, message: Message) -> None:
        if client is self._client and message.name == "SEventDataStreamClosed" and not message.reference_id:
            self._open = False
            self.log.error("the Stat Server has closed the data stream")

    def lost(self, client: Any, reason: str) -> None:
        if client is self._client:
            self._client, self._open = None, False

    # -- the stream -----------------------------------------------------------------------------------------------
    def _opened(self, answer: Message, client: Any) -> None:
        if client is not self._client:
            return
        if answer.name != "SEventDataStreamOpened":
            self.log.error("the Stat Server opens no data stream: {reason}", reason=answer.get("Reason", answer.name))
            return
        self._open = True
        if self.dropped:
            self.log.warn("{count} campaign events were not told so far", count=self.dropped)
        for standing in self._sessions.values():
            for number, more in _standing(standing):
                self._send(standing.facts, number, more)

    def _not_opened(self, failure: Failure, client: Any) -> None:
        failure.trap(RequestFailed, LocalProtocolError)
        if client is self._client and failure.check(LinkLost) is None:
            self.log.error("the Stat Server opens no data stream: {reason}", reason=failure.getErrorMessage())

    def _send(self, session: SessionFacts, event: CampaignEvent, more: Mapping[str, Any] | None = None) -> None:
        if not self._open:
            self.dropped += event >= _E.CALL_COMPLETED
            return
        asked = self._client.request("RequestDataStreamMessage", {
            "UserRequestID": _STREAM, "CampaignEvent": int(event), "Campaign": session.campaign,
            "CampaignDBID": session.campaign_dbid, "Group": session.group, "GroupDBID": session.group_dbid,
            "CampaignGroupDBID": session.dbid, "ApplicationDBID": session.application_dbid, "SessionGUID": session.guid,
            **(more or {})})
        asked.addErrback(self._not_taken, event)

    def _not_taken(self, failure: Failure, event: CampaignEvent) -> None:
        failure.trap(RequestFailed, LocalProtocolError)
        self.dropped += 1
        if failure.check(LinkLost) is None:
            self.log.warn("the Stat Server did not take {event}: {reason}", event=event.word, reason=failure.getErrorMessage())


def _running(standing: _Standing) -> _Told:
    if standing.running:
        return _E.DIALING_STARTED, {"DialMode": int(standing.mode)}
    return _E.DIALING_STOPPED, {}


def _standing(standing: _Standing) -> Iterator[_Told]:
    """What brings a stream that has just begun to where the session is."""
    if standing.activated:
        yield _E.CAMPAIGN_ACTIVATED, {}
    if standing.running:
        yield _running(standing)
        if standing.condition in _WAITS:
            yield _WAITS[standing.condition][0], {}


def _list(chain: ChainFacts, handle: int) -> dict[str, Any]:
    return {"CallingList": chain.calling_list, "CallingListDBID": chain.calling_list_dbid, "RecordHandle": handle}


def _record_event(event: object) -> Iterator[_Told]:
    """What happens to records and calls, as far as it is one of the campaign events."""
    if isinstance(event, told.CallCompleted):
        yield _E.CALL_COMPLETED, {**_list(event.chain, event.handle), "CallResult": int(event.result)}
    elif isinstance(event, told.ChainChanged) and event.stage is ChainStage.PROCESSED:
        yield _E.LEAD_PROCESSED, _list(event.chain, event.handle)
    elif isinstance(event, told.CallbackNoted):
        yield _CALLBACKS[event.news], _list(event.chain, event.handle)
    elif isinstance(event, told.AgentFailed):
        yield _E.AGENT_ERROR, _list(event.chain, event.handle)
    elif isinstance(event, told.RecordScheduled):
        yield _E.RECORD_SCHEDULED, _list(event.chain, event.handle)
