"""The call model: a call joins parties; a party is a DN of this switch or a leg into the network.

A call begins with two parties. It changes by replacing one (a queue hands over to an agent, a transfer to its target), by adding
one (then it is a conference), and ends when fewer than two are left, or nobody who talks. What a party may do next is the table
below; whoever asks for another step is refused.
Source of the party states' numbers: the public PartyState bits (pairs `ps-N` of docs/wire.md).
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from itertools import count
from typing import TYPE_CHECKING, Iterator

from twisted.internet.interfaces import IDelayedCall

from protocols.attributes import KVList
from protocols.message import Refused
from protocols.tserver.messages import CallState, CallType, DNRole, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.directory import DN

__all__ = ["Call", "CallKind", "CallNumbers", "FinishedCall", "Party", "PartyState", "PartyStep", "next_state"]


class PartyState(IntEnum):
    """Where a party stands in its call."""
    NULL = 0x0              # has left
    QUEUED = 0x9            # waits at a queue
    ALERTING = 0xA          # its telephone rings
    CONNECTED = 0xC
    HELD = 0xE
    ROUTING = 0x800         # waits at a routing point for instructions
    DIALING = 0x10000       # has dialed, or is being dialed


class PartyStep(Enum):
    """What can happen to a party."""
    ANSWER = auto()
    HOLD = auto()
    RETRIEVE = auto()
    QUEUE = auto()
    ROUTE = auto()
    LEAVE = auto()


_NEXT: dict[tuple[PartyState, PartyStep], PartyState] = {
    (PartyState.DIALING, PartyStep.ANSWER): PartyState.CONNECTED,
    (PartyState.DIALING, PartyStep.QUEUE): PartyState.QUEUED,       # a predictive call's origin receives its answer
    (PartyState.DIALING, PartyStep.ROUTE): PartyState.ROUTING,
    (PartyState.ALERTING, PartyStep.ANSWER): PartyState.CONNECTED,
    (PartyState.CONNECTED, PartyStep.HOLD): PartyState.HELD,
    (PartyState.HELD, PartyStep.RETRIEVE): PartyState.CONNECTED,
    **{(state, PartyStep.LEAVE): PartyState.NULL for state in PartyState if state is not PartyState.NULL},
}


def next_state(state: PartyState, step: PartyStep) -> PartyState:
    """The state after a step; Refused (1712) where the step is not possible."""
    try:
        return _NEXT[state, step]
    except KeyError:
        raise Refused(ErrorCode.WRONG_CALL_STATE,
                      f"{step.name.lower()} is not possible for a party that is {state.name.lower()}") from None


class CallKind(Enum):
    """Kind of a call in the call log."""
    OUTBOUND = "outbound"       # leaves for the network
    ENGAGING = "engaging"       # from a trunk group to an agent, ahead of a customer
    INBOUND = "inbound"
    INTERNAL = "internal"


@dataclass(eq=False, slots=True)
class Party:
    """One side of a call. `name` is a DN or, for a leg into the network, an E.164 number (then `dn` is None)."""

    call: Call
    name: str
    role: DNRole
    state: PartyState
    dn: DN | None = None
    leg: str = ""                       # the driver's name for it; "" for a party on this switch
    queue: str = ""                     # DN of the queue through which the call came to this party
    transferred_by: str = ""            # DN that transferred the call here
    place: int = 0                      # in the queue where it waits, or waited last
    on_hold: bool = False               # a leg: everybody whom it could talk with has put the call on hold
    timer: IDelayedCall | None = None   # ring, queue or route limit; belongs to the present state

    def step(self, step: PartyStep) -> None:
        """Go to the next state and drop the old one's timer; Refused changes nothing."""
        self.state = next_state(self.state, step)
        self.stop_timer()

    def stop_timer(self) -> None:
        """Cancel the limit of the present state."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None

    @property
    def waiting(self) -> bool:
        """True while the party waits in a queue, for routing or for its telephone to be answered."""
        return self.state in (PartyState.QUEUED, PartyState.ROUTING, PartyState.ALERTING)

    @property
    def talking(self) -> bool:
        """True while the party is connected or on hold."""
        return self.state in (PartyState.CONNECTED, PartyState.HELD)


@dataclass(eq=False, slots=True)
class Call:
    """A call in progress; times are epoch seconds."""

    conn_id: str
    call_uuid: str
    call_id: int
    call_type: CallType
    kind: CallKind
    destination: str                                    # as dialed: a DN or E.164
    dialed_at: float
    user_data: KVList = ()
    extensions: KVList = ()
    predictive: bool = False
    previous_conn_id: str = ""                          # of a consult call: the call on hold
    ani: str = ""                                       # of an inbound call: who calls
    parties: list[Party] = field(default_factory=list)  # two or more while the call lives; one only in mid-step
    picked_up_at: float | None = None
    answer_state: CallState | None = None               # what answered; None while nobody did
    agent_dn: str | None = None                         # the first extension that was connected

    def party_at(self, dn: DN) -> Party | None:
        """The party at this DN."""
        for party in self.parties:
            if party.dn is dn:
                return party
        return None

    @property
    def conference(self) -> bool:
        """True while the call joins more than two."""
        return len(self.parties) > 2

    def other(self, party: Party) -> Party | None:
        """The party on the other side; in a conference the first of the others, in the network where there is one; None in
        mid-step."""
        found = None
        for candidate in self.parties:
            if candidate is not party and (found is None or candidate.leg and not found.leg):
                found = candidate
        return found

    def others(self, party: Party) -> list[Party]:
        """All parties but this one."""
        return [candidate for candidate in self.parties if candidate is not party]

    def final_state(self, reason: CallState) -> CallState:
        """The state for the call log when the call ends for `reason`: a machine stays a machine, whom an agent was
        connected to is OK, everybody else is what ended the call."""
        if self.answer_state in (CallState.ANSWERING_MACHINE_DETECTED, CallState.FAX_DETECTED):
            return self.answer_state
        joined = reason in (CallState.TRANSFERRED, CallState.CONFERENCED)
        return CallState.OK if self.agent_dn is not None and not joined else reason


@dataclass(frozen=True)
class FinishedCall:
    """A line of the call log."""

    conn_id: str
    kind: CallKind
    destination: str
    dialed_at: float
    answered_at: float | None
    ended_at: float
    call_state: CallState
    agent_dn: str | None


class CallNumbers:
    """ConnID, CallUUID and CallID of new calls. `instance` tells one start of the server from another (32 bits)."""

    def __init__(self, instance: int) -> None:
        self._instance = instance & 0xFFFFFFFF
        digest = int.from_bytes(hashlib.sha256(str(instance).encode()).digest(), "big")
        self._prefix = _digits(digest, 22)
        self._counter: Iterator[int] = count(1)

    def next(self) -> tuple[str, str, int]:
        """ConnID (16 hex digits: instance and counter), CallUUID (32 of 0-9A-Z) and CallID (int) of one more call."""
        number = next(self._counter)
        return (f"{self._instance:08x}{number & 0xFFFFFFFF:08x}", self._prefix + f"{number % 10**10:010d}", number)


_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


def _digits(number: int, width: int) -> str:
    """The lowest `width` base-32 digits of a number."""
    return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in range(width))
