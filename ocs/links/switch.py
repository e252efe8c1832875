"""The T-Server as `ISwitchLink`: DNs are registered after every login, messages become events of calls and agents.

After a login all watched DNs are registered, then the calls in progress there are asked for; only then do listeners hear
`switch_up`, and after it whatever came meanwhile, in order. So nobody acts on half a picture.
Transport-free: `granted` gives it a client to ask with; sockets are the affair of `ocs.links.service`.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.agent import AgentEvent, AgentEventKind
from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.interfaces import IDeskLine, ISwitchLink
from ocs.links.relay import Relay
from protocols.attributes import KVList, first
from protocols.client import IClientListener
from protocols.desktop.fields import lenient_integer
from protocols.desktop.keys import CALL_ATTEMPT_GUID, RECORD_HANDLE
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused
from protocols.tserver.messages import (
    ATTRIBUTE_TYPES,
    SENDER,
    USER_EVENT_NUMBER,
    AgentStatus,
    AgentWorkMode,
    CallType,
    Message,
)

__all__ = ["SwitchLink"]

_CALL_EVENTS = {event.value: event for event in SwitchEvent if event is not SwitchEvent.VANISHED}
_AGENT_EVENTS = {"EventAgentLogin": AgentEventKind.LOGIN, "EventAgentLogout": AgentEventKind.LOGOUT,
                 "EventAgentReady": AgentEventKind.READY, "EventAgentNotReady": AgentEventKind.NOT_READY,
                 "EventAgentAfterCallWork": AgentEventKind.AFTER_CALL_WORK}
_STATUS_EVENTS: dict[object, AgentEventKind] = {
    AgentStatus.LOGGED_IN: AgentEventKind.NOT_READY, AgentStatus.READY: AgentEventKind.READY,
    AgentStatus.NOT_READY: AgentEventKind.NOT_READY, AgentStatus.AFTER_CALL_WORK: AgentEventKind.AFTER_CALL_WORK}
_PENDING_LIMIT = 100_000
_PAGES_LIMIT = 400          # pages of calls of one DN that are asked for after a login


@implementer(ISwitchLink, IDeskLine, IClientListener)
class SwitchLink:
    """Call control on one T-Server. `switch` is the name of its switch where there are several."""

    log = Logger()

    def __init__(self, clock: IClock, name: str = "tserver", switch: str = "") -> None:
        self.name, self._clock, self._switch = name, clock, switch
        self.up = False
        self.last_reason = "not connected yet"
        self._client: Any = None
        self._dns: dict[str, None] = {}
        self._followers: dict[str, Callable[[KVList, str], None]] = {}
        self._resources: dict[str, tuple[int, int]] = {}    # trunk group -> lines, IVR ports
        self._listeners: list[Any] = []
        self._pictures = 0                              # registrations whose answers are not complete
        self._pending: list[Message] = []               # messages that wait for them
        self._relay = Relay(self._ask)

    # -- ISwitchLink ----------------------------------------------------------------------------------------------
    def switch_of(self, dn: str) -> str:
        return self._switch

    def away(self, dns: Sequence[str]) -> str:
        return "" if self.up else f"no link to the T-Server {self._switch}".rstrip()

    def resources(self, dn: str) -> tuple[int, int]:
        return self._resources.get(dn, (0, 0))

    def add_listener(self, listener: Any) -> None:
        self._listeners.append(listener)

    def watch(self, dns: Sequence[str]) -> None:
        fresh = [dn for dn in dns if dn not in self._dns]
        self._dns.update(dict.fromkeys(fresh))
        if self._client is not None and fresh:
            self._build_picture(fresh)

    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        asked = self._ask("RequestMakePredictiveCall", {
            "ThisDN": origin_dn, "OtherDN": destination, "Timeout": int(ring_timeout_s), "UserData": user_data,
            "Extensions": extensions})
        return asked.addCallback(lambda answer: answer.get("ConnID", ""))

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        return self._ask("RequestReleaseCall", {"ThisDN": dn, "ConnID": conn_id}).addCallback(_nothing)

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        asked = self._ask("RequestMakeCall", {"ThisDN": origin_dn, "OtherDN": destination, "UserData": user_data})
        return asked.addCallback(lambda answer: answer.get("ConnID", ""))

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        if two_step:
            return Deferred.fromCoroutine(self._transfer_in_two_steps(dn, conn_id, destination_dn))
        return self._ask("RequestSingleStepTransfer", {"ThisDN": dn, "ConnID": conn_id, "OtherDN": destination_dn}
                         ).addCallback(_nothing)

    async def _transfer_in_two_steps(self, dn: str, conn_id: str, destination_dn: str) -> None:
        consult = await self._ask("RequestInitiateTransfer", {"ThisDN": dn, "ConnID": conn_id, "OtherDN": destination_dn})
        other = consult.get("ConnID", "")
        try:
            await self._ask("RequestCompleteTransfer", {"ThisDN": dn, "ConnID": conn_id, "TransferConnID": other})
        except RequestRefused:
            self.release_call(dn, other).addErrback(lambda failure: self.log.info(
                "release of the consult call {conn_id}: {reason}", conn_id=other, reason=failure.getErrorMessage()))
            raise

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return self._ask("RequestMergeCalls", {"ThisDN": dn, "ConnID": conn_id, "TransferConnID": other_conn_id}
                         ).addCallback(_nothing)

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        return self._ask("RequestApplyTreatment", {"ThisDN": dn, "ConnID": conn_id, "TreatmentType": treatment_type,
                                                   "TreatmentParms": parameters}).addCallback(_nothing)

    def distribute_user_event(self, dn: str, user_data: KVList) -> Deferred[None]:
        return self._ask("RequestDistributeUserEvent", {"ThisDN": dn, "UserEvent": USER_EVENT_NUMBER,
                                                        "UserData": user_data}).addCallback(_nothing)

    def follow_user_events(self, dn: str, listener: Callable[[KVList, str], None]) -> None:
        self._followers[dn] = listener
        self.watch([dn])

    # -- IDeskLine ------------------------------------------------------------------------------------------------
    def ask(self, dn: str, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        return self._relay.ask(name, {**attributes, "ThisDN": dn})

    def follow(self, dn: str, told: Callable[[Message], None] | None) -> None:
        self._relay.follow(dn, told)

    def _ask(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        if self._client is None:
            return fail(LinkLost(f"{name}: no link to {self.name} ({self.last_reason})"))
        try:
            asked: Deferred[Any] = self._client.request(name, attributes)
            return asked
        except LocalProtocolError as error:         # what cannot be sent: too long for a frame
            return fail(error)

    # -- IClientListener -----------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self.log.info("link {link} is granted", link=self.name)
        self._client = client
        self._build_picture(list(self._dns))

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.last_reason = f"login refused: {error}"
        self.log.error("link {link}: {reason}", link=self.name, reason=self.last_reason)

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client, self._pictures, self._pending, self.last_reason = None, 0, [], reason
        self._relay.lost()
        if self.up:
            self.up = False
            self.log.warn("link {link} lost: {reason}", link=self.name, reason=reason)
            self._tell("switch_down", reason, self._switch)

    def event(self, client: Any, message: Message) -> None:
        if self._pictures:
            if len(self._pending) >= _PENDING_LIMIT:
                self.log.error("link {link}: {count} events wait for the registration; reconnecting", link=self.name,
                               count=len(self._pending))
                client.abort()
                return
            self._pending.append(message)
        else:
            self._deliver(message)

    # -- the picture after a login --------------------------------------------------------------------------------
    def _build_picture(self, dns: list[str]) -> None:
        client = self._client
        self._pictures += 1
        asked = [client.request("RequestRegisterAddress", {"ThisDN": dn}) for dn in dns]
        DeferredList(asked, consumeErrors=True).addCallback(self._registered, client, dns).addErrback(self._bug, client)

    def _registered(self, answers: list[tuple[bool, Any]], client: Any, dns: list[str]) -> Any:
        if client is not self._client:
            return None
        pages: list[Deferred[Message]] = []
        agents: list[AgentEvent] = []
        for dn, (good, answer) in zip(dns, answers):
            if not good:
                self._not_registered(dn, answer)
                continue
            pages.append(succeed(answer))
            pages.extend(client.request("RequestQueryAddress", {"ThisDN": dn, "Extensions": (("first-call", at),)})
                         for at in _further_pages(answer))
            agents.extend(_agent_picture(answer, dn, self._clock.wall()))
        return DeferredList(pages, consumeErrors=True).addCallback(self._calls_listed, client, agents)

    def _calls_listed(self, answers: list[tuple[bool, Any]], client: Any, agents: list[AgentEvent]) -> Any:
        if client is not self._client:
            return None
        calls: dict[str, str] = {}
        for good, answer in answers:
            if good:
                calls.update(_calls_in(answer, answer.get("ThisDN", "")))
        asked = [client.request("RequestQueryCall", {"ThisDN": dn, "ConnID": conn}) for conn, dn in calls.items()]
        return DeferredList(asked, consumeErrors=True).addCallback(self._complete, client, list(calls), agents)

    def _not_registered(self, dn: str, failure: Failure) -> None:
        if failure.check(LinkLost) is None:
            self.log.error("link {link}: DN {dn} cannot be registered: {reason}", link=self.name, dn=dn,
                           reason=failure.getErrorMessage())

    def _complete(self, answers: Any, client: Any, conns: list[str], agents: list[AgentEvent]) -> None:
        if client is not self._client:
            return
        guids = {conn: str(answer.user_value(CALL_ATTEMPT_GUID) or "") if good else ""
                 for conn, (good, answer) in zip(conns, answers)}
        for event in agents:
            self._tell("agent_event", event)
        if not self.up:
            self.up = True
            self._tell("switch_up", guids, self._switch)
        self._pictures -= 1
        if not self._pictures:
            pending, self._pending = self._pending, []
            for message in pending:
                self._deliver(message)

    def _bug(self, failure: Failure, client: Any) -> None:
        """Without a picture nothing can be done: a new connection gives a new try."""
        self.log.failure("registering at {link}", failure, link=self.name)
        if client is self._client:
            client.abort()

    # -- messages into events -------------------------------------------------------------------------------------
    def _deliver(self, message: Message) -> None:
        try:
            self._relay.heard(message)
        except Exception:
            self.log.failure("telling the desktop at {dn} of {name}", dn=message.get("ThisDN"), name=message.name)
        message = self._well_typed(message)
        dn, at = message.get("ThisDN", ""), _stamp(message, self._clock)
        if message.name == "EventResourceInfo":
            self._resources[dn] = _count(message, "total-ports"), _count(message, "ivr-ports")
        elif message.name == "EventUserEvent":
            self._user_event(dn, message)
        elif message.name in _AGENT_EVENTS:
            kind = _AGENT_EVENTS[message.name]
            if kind is AgentEventKind.NOT_READY and message.get("AgentWorkMode") == AgentWorkMode.AFTER_CALL_WORK:
                kind = AgentEventKind.AFTER_CALL_WORK
            self._tell("agent_event", AgentEvent(kind, dn, at, message.get("AgentID", "")))
        elif message.name in _CALL_EVENTS:
            event = _call_event(message, _CALL_EVENTS[message.name], dn, at)
            self._tell("call_event", event)
            for agent_event in _agent_steps(event):
                self._tell("agent_event", agent_event)

    def _user_event(self, dn: str, message: Message) -> None:
        follower = self._followers.get(dn)
        if follower is None:
            self._tell("user_event", dn, message.user_data)
            return
        sender = first(message.extensions, SENDER)
        with self.log.failuresHandled("telling {listener} of a user event", listener=follower):
            follower(message.user_data, sender if isinstance(sender, str) else "")

    def _well_typed(self, message: Message) -> Message:
        """The message without attributes that are not of their type."""
        wrong = [name for name, value in message.attributes.items()
                 if type(value) is not ATTRIBUTE_TYPES.get(name) and not _is_of_its_type(name, value)]
        if not wrong:
            return message
        self.log.warn("link {link}: {name} with a wrong type of {wrong}", link=self.name, name=message.name, wrong=wrong)
        return replace(message, attributes={name: value for name, value in message.attributes.items() if name not in wrong})

    def _tell(self, method: str, *args: Any) -> None:
        for listener in self._listeners:
            try:            # a hundred times a second and more: `failuresHandled` is not for nothing
                getattr(listener, method)(*args)
            except Exception:
                self.log.failure("telling {listener} of {method}", listener=listener, method=method)


def _nothing(_: object) -> None:
    """Drop an answer of which only the arrival matters."""


def _is_of_its_type(name: str, value: Any) -> bool:
    wanted = ATTRIBUTE_TYPES.get(name)
    return wanted is None or isinstance(value, wanted) and not isinstance(value, bool)


def _count(message: Message, name: str) -> int:
    """A number of the Extensions; 0 where there is none, or no sensible one."""
    number = first(message.extensions, name)
    return max(number, 0) if isinstance(number, int) else 0


def _stamp(message: Message, clock: IClock) -> float:
    """The event's own time (epoch s); the local wall clock where it has none."""
    seconds = message.get("TimeinSecs")
    return clock.wall() if seconds is None else seconds + message.get("TimeinuSecs", 0) / 1e6


def _call_event(message: Message, kind: SwitchEvent, dn: str, at: float) -> CallEvent:
    return CallEvent(
        kind=kind, conn_id=message.get("ConnID", ""), dn=dn, call_state=message.get("CallState", 0), at=at,
        other_dn=message.get("OtherDN", ""), guid=str(message.user_value(CALL_ATTEMPT_GUID) or ""),
        record_handle=lenient_integer(message.user_value(RECORD_HANDLE)) or 0,
        previous_conn_id=message.get("PreviousConnID", ""), call_uuid=message.get("CallUUID", ""))


def _agent_steps(event: CallEvent) -> Iterable[AgentEvent]:
    """What a call's event means for whoever sits at the DN. For queues and trunk groups it is noise that nobody reads."""
    if event.kind in (SwitchEvent.RINGING, SwitchEvent.DIALING):
        yield AgentEvent(AgentEventKind.CALL, event.dn, event.at, conn_id=event.conn_id)
    elif event.kind in (SwitchEvent.ESTABLISHED, SwitchEvent.PARTY_CHANGED):
        yield AgentEvent(AgentEventKind.CALL, event.dn, event.at, conn_id=event.conn_id, talking=True)
        if event.previous_conn_id and event.previous_conn_id != event.conn_id:
            yield AgentEvent(AgentEventKind.CALL_GONE, event.dn, event.at, conn_id=event.previous_conn_id)
    elif event.kind in (SwitchEvent.RELEASED, SwitchEvent.ABANDONED):
        yield AgentEvent(AgentEventKind.CALL_GONE, event.dn, event.at, conn_id=event.conn_id)


def _further_pages(answer: Message) -> range:
    """Where the next pages begin if the DN has more calls (pair `calls`) than the answer has room for."""
    calls, shown = first(answer.extensions, "calls"), sum(key.startswith("conn-") for key, _ in answer.extensions)
    if not isinstance(calls, int) or not 0 < shown < calls:
        return range(0)
    return range(shown + 1, min(calls, shown * (_PAGES_LIMIT + 1)) + 1, shown)


def _calls_in(answer: Message, dn: str) -> dict[str, str]:
    """ConnID -> DN of the calls in progress that EventRegistered lists (pairs conn-1, conn-2 ...; ct-N their types)."""
    found: dict[str, str] = {}
    for key, value in answer.extensions:
        if key.startswith("conn-") and isinstance(value, str):
            call_type = first(answer.extensions, "ct-" + key[5:])
            if call_type in (None, CallType.OUTBOUND, CallType.INTERNAL):      # engaging calls are internal
                found[value] = dn
    return found


def _agent_picture(answer: Message, dn: str, at: float) -> Iterable[AgentEvent]:
    """The events that bring a listener to the state that EventRegistered tells."""
    status, agent_id = first(answer.extensions, "AgentStatus"), answer.get("AgentID", "")
    if status is None and not agent_id:
        return
    if status in (None, AgentStatus.LOGGED_OUT):
        yield AgentEvent(AgentEventKind.LOGOUT, dn, at)
        return
    yield AgentEvent(AgentEventKind.LOGIN, dn, at, agent_id)
    yield AgentEvent(_STATUS_EVENTS.get(status, AgentEventKind.NOT_READY), dn, at, agent_id)
    for key, conn in answer.extensions:
        if key.startswith("conn-") and isinstance(conn, str):
            yield AgentEvent(AgentEventKind.CALL, dn, at, conn_id=conn, talking=True)
