"""Messages of a T-Server as events of DNs, and its answer to a registration as the state of a DN. Pure.

Source: docs/wire.md, sections 6 to 9.
"""
from __future__ import annotations

from typing import Container, Iterator

from ocs.servers.statserver.states import CallPhase, DNCall, DNEvent, DNEventKind, DNState, WorkState
from protocols.attributes import first
from protocols.message import Message
from protocols.tserver.messages import ATTRIBUTE_TYPES, AgentStatus, AgentWorkMode, CallType

__all__ = ["dn_event", "internal_calls", "party_dns", "registered_state", "stamp", "with_engaged", "well_typed"]

_KINDS = {"EventAgentLogin": DNEventKind.LOGIN, "EventAgentLogout": DNEventKind.LOGOUT,
          "EventAgentReady": DNEventKind.READY, "EventAgentNotReady": DNEventKind.NOT_READY,
          "EventAgentAfterCallWork": DNEventKind.AFTER_CALL_WORK}
_PHASES = {"EventDialing": CallPhase.DIALING, "EventRinging": CallPhase.RINGING, "EventEstablished": CallPhase.CONNECTED,
           "EventPartyChanged": CallPhase.CONNECTED, "EventHeld": CallPhase.HELD, "EventRetrieved": CallPhase.CONNECTED}
_GONE = frozenset({"EventReleased", "EventAbandoned"})
_WORK: dict[object, WorkState] = {
    AgentStatus.LOGGED_IN: WorkState.LOGGED_IN, AgentStatus.READY: WorkState.READY,
    AgentStatus.NOT_READY: WorkState.NOT_READY, AgentStatus.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}
_PARTIES: dict[object, CallPhase] = {
    10: CallPhase.RINGING, 12: CallPhase.CONNECTED, 14: CallPhase.HELD, 65_536: CallPhase.DIALING}


def well_typed(message: Message) -> Message:
    """The message without attributes that are not of their type."""
    wrong = [name for name, value in message.attributes.items()
             if name in ATTRIBUTE_TYPES and (isinstance(value, bool) or not isinstance(value, ATTRIBUTE_TYPES[name]))]
    if not wrong:
        return message
    return Message(message.name, message.reference_id,
                   {name: value for name, value in message.attributes.items() if name not in wrong})


def stamp(message: Message, wall: float) -> float:
    """The event's own time (epoch s); `wall` where it has none."""
    seconds = message.get("TimeinSecs")
    return wall if seconds is None else float(seconds + message.get("TimeinuSecs", 0) / 1e6)


def dn_event(message: Message, trunk_groups: Container[str]) -> DNEvent | None:
    """What a message means for its ThisDN; None for one that changes no state. A party at one of `trunk_groups`, in a call
    that does not leave the switch, engages the agent."""
    name = message.name
    if name in _KINDS:
        kind = _KINDS[name]
        if kind is DNEventKind.NOT_READY and message.get("AgentWorkMode") == AgentWorkMode.AFTER_CALL_WORK:
            kind = DNEventKind.AFTER_CALL_WORK
        return DNEvent(kind, message.get("AgentID", ""), message.get("ThisQueue", ""))
    conn_id = message.get("ConnID", "")
    if not conn_id:
        return None
    if name in _GONE:
        return DNEvent(DNEventKind.CALL_GONE, conn_id=conn_id)
    if name not in _PHASES:
        return None
    call_type = message.get("CallType")
    engaging = message.get("OtherDN", "") in trunk_groups and call_type in (None, CallType.UNKNOWN, CallType.INTERNAL)
    return DNEvent(DNEventKind.CALL, conn_id=conn_id, phase=_PHASES[name], call_type=call_type, engaging=engaging,
                   previous=message.get("PreviousConnID", "") if name == "EventPartyChanged" else "")


def registered_state(answer: Message) -> DNState:
    """The DN as EventRegistered tells it."""
    status, login = first(answer.extensions, "AgentStatus"), answer.get("AgentID", "")
    work = _WORK.get(status, WorkState.LOGGED_IN if login else WorkState.NOBODY)
    if not login:
        work = WorkState.NOBODY
    return DNState(True, login, answer.get("ThisQueue", "") if login else "", work, tuple(_calls(answer)))


def _calls(answer: Message) -> Iterator[DNCall]:
    for key, conn_id in answer.extensions:
        if key.startswith("conn-") and isinstance(conn_id, str) and conn_id:
            phase = _PARTIES.get(first(answer.extensions, "ps-" + key[5:]))
            call_type = first(answer.extensions, "ct-" + key[5:])
            if phase is not None:
                yield DNCall(conn_id, phase, call_type if isinstance(call_type, int) else CallType.UNKNOWN)


def internal_calls(state: DNState) -> list[str]:
    """ConnIDs of calls that might engage the agent."""
    return [call.conn_id for call in state.calls if call.call_type == CallType.INTERNAL]


def party_dns(answer: Message) -> list[str]:
    """The DNs in a call, as EventAddressInfo of a call tells them."""
    return [str(value) for key, value in answer.extensions if key.startswith("party-")]


def with_engaged(state: DNState, conn_ids: Container[str]) -> DNState:
    """The DN with these of its calls known as engaging ones."""
    return DNState(state.monitored, state.login, state.queue, state.work, tuple(
        DNCall(call.conn_id, call.phase, call.call_type, call.engaging or call.conn_id in conn_ids, call.joined)
        for call in state.calls))
