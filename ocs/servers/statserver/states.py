"""What a DN does, by what its T-Server tells, and the one status that follows: the highest current action wins. Pure.

A DN carries several actions at once (it is monitored, an agent is logged in and waits, two calls are there); agents and
places carry those of their DNs. While a call is on hold its own action is hidden behind CallOnHold.
Source: the public order of priorities of actions; the statuses of a group; roles of calls with an engaged agent.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Iterable, Mapping

from protocols.statserver.messages import Status
from protocols.tserver.messages import CallType

__all__ = ["CallPhase", "DNCall", "DNEvent", "DNEventKind", "DNState", "UNKNOWN_DN", "WorkState", "agent_status", "dn_actions",
           "dn_status", "group_status", "place_status", "step"]


class WorkState(Enum):
    """What the agent at a DN has told the switch."""
    NOBODY = auto()
    LOGGED_IN = auto()          # readiness not known
    NOT_READY = auto()
    READY = auto()
    AFTER_CALL_WORK = auto()


class CallPhase(Enum):
    """Where a call is at a DN."""
    DIALING = auto()
    RINGING = auto()
    CONNECTED = auto()
    HELD = auto()


class DNEventKind(Enum):
    """Events at a DN."""
    LOGIN = auto()
    LOGOUT = auto()
    READY = auto()
    NOT_READY = auto()
    AFTER_CALL_WORK = auto()
    CALL = auto()           # a call comes to a phase
    CALL_GONE = auto()


@dataclass(frozen=True, slots=True)
class DNCall:
    """One call at a DN. `engaging`: its other end is a trunk group that keeps the agent for a customer; `joined`: it was
    such a call, and the customer is on the line now."""

    conn_id: str
    phase: CallPhase
    call_type: int = CallType.UNKNOWN
    engaging: bool = False
    joined: bool = False

    @property
    def action(self) -> Status:
        """What the call makes of the DN."""
        if self.phase is not CallPhase.CONNECTED:
            return _PHASES[self.phase]
        if self.engaging:
            return Status.ASM_ENGAGED
        return Status.ASM_OUTBOUND if self.joined else _TYPES.get(self.call_type, Status.CALL_UNKNOWN)


_PHASES = {CallPhase.DIALING: Status.CALL_DIALING, CallPhase.RINGING: Status.CALL_RINGING,
           CallPhase.HELD: Status.CALL_ON_HOLD}
_TYPES: dict[int, Status] = {
    CallType.INTERNAL: Status.CALL_INTERNAL, CallType.INBOUND: Status.CALL_INBOUND,
    CallType.OUTBOUND: Status.CALL_OUTBOUND, CallType.CONSULT: Status.CALL_CONSULT}
_WORK = {WorkState.NOT_READY: Status.NOT_READY_FOR_NEXT_CALL, WorkState.READY: Status.WAIT_FOR_NEXT_CALL,
         WorkState.AFTER_CALL_WORK: Status.AFTER_CALL_WORK}


@dataclass(frozen=True, slots=True)
class DNEvent:
    """One event. `login` is the agent's name at the switch, `queue` the one that the agent serves; the others describe the
    call of CALL and CALL_GONE, and `previous` the one that it took the place of (a transfer, or a customer who was joined
    with an engaged agent)."""

    kind: DNEventKind
    login: str = ""
    queue: str = ""
    conn_id: str = ""
    phase: CallPhase = CallPhase.CONNECTED
    call_type: int | None = None        # None: as it was
    engaging: bool = False
    previous: str = ""


@dataclass(frozen=True, slots=True)
class DNState:
    """A DN. Where it is not `monitored` nothing is known of it."""

    monitored: bool = False
    login: str = ""
    queue: str = ""
    work: WorkState = WorkState.NOBODY
    calls: tuple[DNCall, ...] = ()


UNKNOWN_DN = DNState()
_KINDS = {DNEventKind.READY: WorkState.READY, DNEventKind.NOT_READY: WorkState.NOT_READY,
          DNEventKind.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}


def step(state: DNState, event: DNEvent) -> DNState:
    """The DN after the event. Every event is legal in every state: the switch's word is the truth."""
    if event.kind is DNEventKind.CALL:
        return replace(state, calls=_with_call(state.calls, event))
    if event.kind is DNEventKind.CALL_GONE:
        return replace(state, calls=tuple(call for call in state.calls if call.conn_id != event.conn_id))
    if event.kind is DNEventKind.LOGOUT:
        return replace(state, login="", queue="", work=WorkState.NOBODY)
    login = event.login or state.login
    if not login:
        return state            # whose event it is nobody knows
    queue = event.queue or (state.queue if login == state.login else "")
    if event.kind is DNEventKind.LOGIN:
        known = state.work is not WorkState.NOBODY and login == state.login      # a repeated login changes nothing
        return replace(state, login=login, queue=queue, work=state.work if known else WorkState.LOGGED_IN)
    return replace(state, login=login, queue=queue, work=_KINDS[event.kind])


def _with_call(calls: tuple[DNCall, ...], event: DNEvent) -> tuple[DNCall, ...]:
    known = {call.conn_id: call for call in calls}
    gone = known.pop(event.previous, None) if event.previous != event.conn_id else None
    before = known.get(event.conn_id) or gone or DNCall(event.conn_id, event.phase)
    joined = before.joined or (gone is not None and gone.engaging and not event.engaging)
    known[event.conn_id] = DNCall(
        event.conn_id, event.phase, before.call_type if event.call_type is None else event.call_type,
        event.engaging or (before.engaging and not joined), joined)
    return tuple(known.values())


def dn_actions(state: DNState) -> frozenset[Status]:
    """All that the DN does now."""
    if not state.monitored:
        return frozenset((Status.NOT_MONITORED,))
    found = {Status.MONITORED, *(call.action for call in state.calls)}
    in_use = any(call.phase is not CallPhase.RINGING for call in state.calls)
    found.add(Status.OFF_HOOK if in_use else Status.ON_HOOK)
    if state.work is not WorkState.NOBODY:
        found.add(Status.LOGGED_IN)
    if state.work in _WORK:
        found.add(_WORK[state.work])
    return frozenset(found)


def dn_status(state: DNState) -> Status:
    """The highest of its actions."""
    return max(dn_actions(state))


def place_status(dns: Iterable[DNState]) -> Status:
    """The highest action of a place's DNs."""
    return max((dn_status(state) for state in dns), default=Status.NOT_MONITORED)


def agent_status(dns: Iterable[DNState], everything_seen: bool) -> Status:
    """Of an agent who is logged in: the highest action at the agent's DNs. An agent who is logged in nowhere is LoggedOut,
    if every T-Server is in sight (`everything_seen`); else nobody knows."""
    found = [dn_status(state) for state in dns]
    if found:
        return max(found)
    return Status.LOGGED_OUT if everything_seen else Status.NOT_MONITORED


def group_status(members: Mapping[Status, int] | Counter[Status]) -> Status:
    """Of a group, by how many of its members have which status: WaitForNextCall if one of them waits; else
    NotReadyForNextCall if one of them is at work; else LoggedOut, or NotMonitored where none of them is in sight."""
    present = {status for status, count in members.items() if count > 0}
    if Status.WAIT_FOR_NEXT_CALL in present:
        return Status.WAIT_FOR_NEXT_CALL
    if any(status.works for status in present):
        return Status.NOT_READY_FOR_NEXT_CALL
    return Status.NOT_MONITORED if present <= {Status.NOT_MONITORED} else Status.LOGGED_OUT
