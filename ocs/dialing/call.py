"""One outbound call, from the dial request to its end: states, signals, a table, and what the OCS must do at each step.

Three ways of dialing share the table. A call on behalf of a queue is queued by the switch itself when the party answers
(Queued). A call on behalf of a trunk group, or of a CPD Server's channels, is Answered there, and the OCS moves it on as its flow
says: to the agents' queue, to an agent who is engaged, or into an application (Listening) and then on. A call that an agent
dials (preview) is connected to that agent from the start. Events of the switch that change nothing in a state are rows of the
table too, so an event without a row is a real surprise.
Source: call flows 10.1 to 10.5 of the T-Server reference (docs/wire.md, section 9).
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from ocs.dialing.modes import CallFlow
from ocs.dialing.results import CallResult
from ocs.errors import UnexpectedEvent
from ocs.frozen import changed

__all__ = ["CPD_ORIGIN", "OBN_ORIGIN", "Call", "CallEvent", "CallOrigin", "CallState", "Effect",
           "PlacedCall", "SwitchEvent", "step"]


CPD_ORIGIN = "cpd"      # in place of a DN: the channels of the CPD Server
OBN_ORIGIN = "obn"      # the Outbound Notification Manager


class CallState(Enum):
    """Where an outbound call stands."""
    REQUESTED = auto()      # the dial request is out
    DIALING = auto()        # the switch dials
    ANSWERED = auto()       # picked up, at a trunk group, on its way to the agents
    LISTENING = auto()      # led through an application
    QUEUED = auto()         # waits for an agent
    RINGING = auto()        # an agent's phone rings
    TALKING = auto()
    ENDED = auto()

    @property
    def without_agent(self) -> bool:
        """True while no agent has anything to do with the call."""
        return self.awaits_agent or self is CallState.LISTENING

    @property
    def awaits_agent(self) -> bool:
        """True while the call may still need an agent who is free now."""
        return self in (CallState.REQUESTED, CallState.DIALING, CallState.ANSWERED, CallState.QUEUED)


class CallOrigin(Enum):
    """On whose behalf the switch dials."""
    QUEUE = auto()
    TRUNK_GROUP = auto()
    AGENT = auto()


class SwitchEvent(Enum):
    """Events of the switch that concern a call, by their public names."""
    DIALING = "EventDialing"
    NETWORK_REACHED = "EventNetworkReached"
    DESTINATION_BUSY = "EventDestinationBusy"
    QUEUED = "EventQueued"
    DIVERTED = "EventDiverted"
    ROUTE_REQUEST = "EventRouteRequest"
    ROUTE_USED = "EventRouteUsed"
    RINGING = "EventRinging"
    ESTABLISHED = "EventEstablished"
    RELEASED = "EventReleased"
    ABANDONED = "EventAbandoned"
    PARTY_CHANGED = "EventPartyChanged"
    PARTY_ADDED = "EventPartyAdded"
    PARTY_DELETED = "EventPartyDeleted"
    HELD = "EventHeld"
    RETRIEVED = "EventRetrieved"
    TREATMENT_APPLIED = "EventTreatmentApplied"
    TREATMENT_END = "EventTreatmentEnd"
    DATA_CHANGED = "EventAttachedDataChanged"
    VANISHED = "vanished"           # ours: after a reconnect the switch no longer has the call


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call of the switch that a dial request has led to; "" where its name is not known."""

    conn_id: str = ""
    call_uuid: str = ""


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event of the switch. `at` is epoch seconds; `user_data` holds what the engine looks up: the attempt's GUID.
    `placed` are the calls behind a dial request, oldest first."""

    kind: SwitchEvent
    conn_id: str
    dn: str
    call_state: int = 0
    at: float = 0.0
    other_dn: str = ""
    guid: str = ""
    record_handle: int = 0
    previous_conn_id: str = ""
    call_uuid: str = ""
    placed: tuple[PlacedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An outbound call. `detected` is what call progress detection said of the party who picked up (0 = a person). One
    of the Outbound Notification Manager stands for all calls of its request, `placed`: its `conn_id` is the request's token."""

    origin: CallOrigin
    origin_dn: str
    flow: CallFlow = CallFlow.TRANSFER
    state: CallState = CallState.REQUESTED
    conn_id: str = ""
    call_uuid: str = ""             # the switch's GUID of the call, for reports
    dialed_at: float | None = None
    rang_at: float | None = None    # the network reached the far end; not all networks tell
    answered_at: float | None = None
    cpd_completed_at: float | None = None       # it is known who picked up; of calls that no agent dials
    transferred_at: float | None = None         # first with the agents: in their queue, or at one
    agent_connected_at: float | None = None
    ended_at: float | None = None
    agent_dn: str = ""              # who rings or talks
    talked: bool = False            # an agent was connected
    detected: int = 0
    busy_reported: bool = False
    transfer_failed: bool = False
    dropped: bool = False           # nobody was there for the party: we hung up
    listened: bool = False          # an application was applied
    call_state: int | None = None   # the switch's last word
    result: CallResult | None = None
    placed: tuple[PlacedCall, ...] = ()

    @property
    def at_switch(self) -> tuple[PlacedCall, ...]:
        """The calls as the switch knows them, oldest first; the last one may have no name."""
        return self.placed if self.origin_dn == OBN_ORIGIN else (PlacedCall(self.conn_id, self.call_uuid),)

    @property
    def owed(self) -> Effect:
        """What the OCS has to do for a party who picked up at a trunk group; again after a reconnect, if the call stands
        there still."""
        if self.state is not CallState.ANSWERED:
            return Effect.NONE
        return Effect.DROP if self.dropped or self.detected in _NOT_A_PERSON else Effect.MOVE_ON

    @property
    def found_no_person(self) -> bool:
        """True where a machine, a fax or silence was detected."""
        return self.detected in _NOT_A_PERSON

    @property
    def next_move(self) -> CallFlow:
        """Where a party who picked up goes now: through the application first, then as any other call."""
        return CallFlow.TRANSFER if self.flow is CallFlow.IVR and self.listened else self.flow

    def with_transfer_error(self) -> Call:
        """The call could not be moved to the agents: when it ends its result is Transfer Error."""
        return replace(self, transfer_failed=True)

    def with_drop(self) -> Call:
        """Nobody is there for the party: when the call ends its result is Dropped."""
        return replace(self, dropped=True)


class Effect(Enum):
    """What the OCS has to do after a step."""
    NONE = auto()
    MOVE_ON = auto()            # a person at the trunk group: to the agents, or into the application
    DROP = auto()               # machine, fax or silence at the trunk group: release
    ENDED = auto()              # settle the result


class _Signal(Enum):
    """A switch event seen from one call: what it means depends on the DN it happened at."""
    DIALING = auto()
    PROGRESS = auto()           # void everywhere
    BUSY = auto()
    ANSWERED = auto()           # established at the trunk group
    QUEUED = auto()
    OFFERED = auto()            # rings at an agent
    CONNECTED = auto()          # established at an agent, or joined with one
    TREATED = auto()            # an application began
    LISTENED = auto()           # it is over
    AGENT_GONE = auto()         # an agent's leg ended
    MOVED = auto()              # a leg ended because the call went elsewhere
    FAILED = auto()             # released at the origin
    ABANDONED = auto()
    VANISHED = auto()


_VOID = frozenset({SwitchEvent.NETWORK_REACHED, SwitchEvent.DIVERTED, SwitchEvent.ROUTE_REQUEST, SwitchEvent.ROUTE_USED,
                   SwitchEvent.PARTY_CHANGED, SwitchEvent.PARTY_ADDED, SwitchEvent.PARTY_DELETED, SwitchEvent.HELD,
                   SwitchEvent.RETRIEVED, SwitchEvent.DATA_CHANGED})
_MOVED_STATES = frozenset({int(CallResult.TRANSFERRED), int(CallResult.REDIRECTED), int(CallResult.FORWARDED)})
_NOT_A_PERSON = frozenset({int(CallResult.ANSWERING_MACHINE_DETECTED), int(CallResult.FAX_DETECTED),
                           int(CallResult.SILENCE_DETECTED)})
_PLAIN = {**dict.fromkeys(_VOID, _Signal.PROGRESS),
          SwitchEvent.DIALING: _Signal.DIALING, SwitchEvent.DESTINATION_BUSY: _Signal.BUSY,
          SwitchEvent.QUEUED: _Signal.QUEUED, SwitchEvent.RINGING: _Signal.OFFERED,
          SwitchEvent.ABANDONED: _Signal.ABANDONED, SwitchEvent.VANISHED: _Signal.VANISHED,
          SwitchEvent.TREATMENT_APPLIED: _Signal.TREATED, SwitchEvent.TREATMENT_END: _Signal.LISTENED}
_OF_TREATMENTS = (_Signal.TREATED, _Signal.LISTENED)


def _signal(call: Call, event: CallEvent) -> _Signal:
    at_origin = event.dn == call.origin_dn and call.origin is not CallOrigin.AGENT
    if event.kind is SwitchEvent.PARTY_CHANGED and call.flow is CallFlow.SEIZING and call.state is CallState.ANSWERED \
            and not at_origin:
        return _Signal.CONNECTED        # joined with the agent who was engaged
    if event.kind is SwitchEvent.TREATMENT_END and call.dropped:
        return _Signal.LISTENED         # the announcement for whom nobody is there
    plain = _PLAIN.get(event.kind)
    if plain is not None:
        return _Signal.PROGRESS if plain in _OF_TREATMENTS and call.flow is not CallFlow.IVR else plain
    if event.kind is SwitchEvent.ESTABLISHED:
        return _Signal.ANSWERED if at_origin else _Signal.CONNECTED
    if event.call_state in _MOVED_STATES and call.origin_dn != OBN_ORIGIN:
        return _Signal.MOVED            # of a call of the manager, what it says is the end
    if call.origin is CallOrigin.AGENT and call.state is not CallState.TALKING:
        return _Signal.FAILED
    if at_origin:
        return _Signal.FAILED
    if call.state is CallState.QUEUED and event.dn != call.agent_dn and (call.dropped or event.call_state == CallResult.DROPPED):
        return _Signal.FAILED           # released in the queue, which is not where it was dialed
    # an agent who let it ring may be told so after the next one's phone rings already
    late = call.state is CallState.RINGING and event.dn != call.agent_dn
    return _Signal.PROGRESS if late else _Signal.AGENT_GONE


_S, _G = CallState, _Signal
_ENDS = {_G.FAILED: _S.ENDED, _G.ABANDONED: _S.ENDED, _G.VANISHED: _S.ENDED}
_WAITS = {_G.PROGRESS: None, _G.MOVED: None, _G.QUEUED: _S.QUEUED, _G.OFFERED: _S.RINGING, _G.CONNECTED: _S.TALKING}
# state -> signal -> next state; None: the signal is void here
_NEXT: dict[CallState, dict[_Signal, CallState | None]] = {
    _S.REQUESTED: {**_WAITS, **_ENDS, _G.DIALING: _S.DIALING, _G.BUSY: None, _G.ANSWERED: _S.ANSWERED},
    _S.DIALING: {**_WAITS, **_ENDS, _G.DIALING: None, _G.BUSY: None, _G.ANSWERED: _S.ANSWERED, _G.AGENT_GONE: _S.ENDED},
    _S.ANSWERED: {**_WAITS, **_ENDS, _G.ANSWERED: None, _G.TREATED: _S.LISTENING, _G.LISTENED: _S.ANSWERED},
    _S.LISTENING: {**_WAITS, **_ENDS, _G.ANSWERED: None, _G.TREATED: None, _G.LISTENED: _S.ANSWERED},
    # music while waiting, too, is void
    _S.QUEUED: {**_WAITS, **_ENDS, _G.AGENT_GONE: None, _G.TREATED: None, _G.LISTENED: None},
    _S.RINGING: {**_WAITS, **_ENDS, _G.AGENT_GONE: _S.QUEUED, _G.LISTENED: None},
    _S.TALKING: {**_WAITS, **_ENDS, _G.QUEUED: None, _G.OFFERED: None, _G.ANSWERED: None, _G.AGENT_GONE: _S.ENDED,
                 _G.BUSY: None, _G.LISTENED: None},
    _S.ENDED: dict.fromkeys(_G, None),
}


def step(call: Call, event: CallEvent) -> tuple[Call, Effect]:
    """The call after the event and what is to be done; UnexpectedEvent where the table has no row."""
    signal = _signal(call, event)
    try:
        following = _NEXT[call.state][signal]
    except KeyError:
        raise UnexpectedEvent(f"call {event.conn_id}: {event.kind.value} at {event.dn} in state {call.state.name}") from None
    if call.state is CallState.ENDED:
        return call, Effect.NONE
    alone = call.listened and call.state in (CallState.ANSWERED, CallState.LISTENING)
    changes = _noted(call, signal, event)
    if following is not None:
        changes["state"] = following
    if following is CallState.ENDED:
        changes |= _ending(call, signal, event, alone)
    if changes:
        call = changed(call, **changes)
    if following is None:
        return call, Effect.NONE
    if following is CallState.ENDED:
        return call, Effect.ENDED
    if signal in (_Signal.ANSWERED, _Signal.LISTENED):
        return call, call.owed
    return call, Effect.NONE


def _noted(call: Call, signal: _Signal, event: CallEvent) -> dict[str, Any]:
    """The facts that an event adds, whatever the state: fields of the call that have other values now."""
    changes: dict[str, Any] = {}
    # news of a request may overtake each other; its last word counts, for a call that was told of may have been refused
    if event.placed and event.placed != call.placed and (len(event.placed) >= len(call.placed) or signal in _ENDS):
        changes["placed"] = event.placed
    if event.conn_id and not (call.conn_id and call.call_uuid):
        changes |= {"conn_id": call.conn_id or event.conn_id, "call_uuid": call.call_uuid or event.call_uuid}
    if event.kind is SwitchEvent.NETWORK_REACHED and call.rang_at is None:
        changes["rang_at"] = event.at
    elif signal is _Signal.DIALING and call.dialed_at is None:
        changes["dialed_at"] = event.at
    elif signal is _Signal.BUSY:
        changes["busy_reported"] = True
    elif signal in (_Signal.ANSWERED, _Signal.QUEUED):
        changes |= _reached(call, signal, event.at)
        changes["detected"] = event.call_state or call.detected
    elif signal is _Signal.TREATED:
        changes["listened"] = True
    elif signal is _Signal.OFFERED:
        changes |= _reached(call, signal, event.at)
        changes["agent_dn"] = event.dn
    elif signal is _Signal.CONNECTED:
        changes |= _reached(call, signal, event.at)
        changes |= {"agent_dn": event.dn, "talked": True}
    return changes


def _reached(call: Call, signal: _Signal, at: float) -> dict[str, Any]:
    """The call came this far, for the first time or again: what it passed on the way has its time."""
    by_agent, times = call.origin is CallOrigin.AGENT, dict[str, Any]()
    if signal is not _Signal.OFFERED and call.answered_at is None:      # the phone of an agent who dials may ring first
        times["answered_at"] = at
    if not by_agent and call.cpd_completed_at is None:
        times["cpd_completed_at"] = at          # the switch tells what it detected with the answer
    if not by_agent and signal is not _Signal.ANSWERED and call.transferred_at is None:
        times["transferred_at"] = at
    if signal is _Signal.CONNECTED and call.agent_connected_at is None:
        times["agent_connected_at"] = at
    return times


def _ending(call: Call, signal: _Signal, event: CallEvent, alone: bool) -> dict[str, Any]:
    """The end and the result that the course of the call tells; an agent's word may replace it later. `alone`: the party was led
    through an application, and not yet on to agents."""
    if call.detected in _NOT_A_PERSON:
        result = CallResult(call.detected)      # a machine stays one, whoever hangs up first
    elif call.talked:
        result = CallResult.ANSWER
    elif signal is _Signal.VANISHED:
        result = CallResult.UNKNOWN
    elif call.transfer_failed:
        result = CallResult.TRANSFER_ERROR
    elif call.dropped:
        result = CallResult.DROPPED
    elif alone:
        result = CallResult.ANSWER
    elif signal is _Signal.ABANDONED:
        result = CallResult.ABANDONED
    elif call.busy_reported:
        result = CallResult.BUSY
    elif call.answered_at is not None and event.call_state in _HUNG_UP:
        result = CallResult.ABANDONED       # a person was there and nobody came to the line
    elif event.call_state == CallResult.OK:
        result = CallResult.NO_ANSWER       # given up before anybody picked up
    else:
        result = CallResult(event.call_state) if event.call_state in _FAILURES else CallResult.GENERAL_ERROR
    last_word = None if signal is _Signal.VANISHED else event.call_state      # it ended unseen: how is not known
    return {"ended_at": event.at, "call_state": last_word, "result": result}


_HUNG_UP = frozenset({int(CallResult.OK), int(CallResult.REMOTE_RELEASE), int(CallResult.ANSWER)})
# what a switch may say of a call that reached no agent; successes, and results that only the OCS or an agent gives, are not
# taken from it
_FAILURES = frozenset(range(CallResult.GENERAL_ERROR, CallResult.STALE)) - {CallResult.ANSWER} | {
    int(CallResult.DEAFENED), int(CallResult.HELD)}
