"""Chains that the OCS holds, and the handles by which agents name their records.

A handle is unique while its chain is held and not used again for long after: the count starts from the wall clock, so a
desktop that kept a handle over a restart of the OCS does not touch somebody else's record.
"""
from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from twisted.internet.interfaces import IDelayedCall

from ocs.dialing.call import Call
from ocs.dialing.campaign import CallingList
from ocs.dialing.chain import ChainEvent, ChainState, head_index, next_state, put_record
from ocs.dialing.contact import Contact
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.request_log import LoggedRequest
from ocs.dialing.results import RecordStatus
from ocs.dialing.treatments import policy_of
from ocs.dialing.values import Attempt, Chain, Record
from ocs.frozen import changed
from ocs.scheduler.writes import ChainWrites

__all__ = ["Handles", "HeldChain", "Settled"]


class HeldChain:
    """One chain in memory: its values, where it stands, the call and the agent at hand."""

    __slots__ = ("session", "calling_list", "chain", "index", "state", "first_handle", "progress", "attempt", "call",
                 "agent_dn", "agent_id", "turn", "assured", "scheduled", "timer", "lease", "treatment", "disposition", "counted",
                 "writes", "requests", "_filter")

    writes: ChainWrites         # set by whoever holds the chain

    def __init__(self, session: Any, calling_list: CallingList, chain: Chain, chosen: RecordFilter | None = None) -> None:
        """`chosen`: the list's filter, which also says in which order the chain's records are dialed."""
        if chosen is not None:
            chain = replace(chain, records=chosen.chain_order(chain.records))
        self.session, self.calling_list, self.chain, self._filter = session, calling_list, chain, chosen
        self.index = self.first() or 0
        self.state = ChainState.BUFFERED
        self.first_handle = 0
        # of the treatments; a rescheduled record goes on where it was
        self.progress = policy_of(calling_list).resume(chain.records, self.index)
        self.attempt: Attempt | None = None
        self.call: Call | None = None
        self.agent_dn = self.agent_id = ""
        self.turn = 0                               # of the numbers that are shown as the caller's one after the other
        self.assured = False                        # an agent is engaged for this record
        self.scheduled = False                      # the agent got it unasked, as a callback that is due
        self.timer: IDelayedCall | None = None      # a treatment's delay, or the stale time-out
        self.lease: IDelayedCall | None = None      # how long a dialed call may stay without an outcome
        self.treatment: str | None = None           # applied last
        self.disposition = ""                       # the code that an agent gave in this attempt
        self.counted = False                        # is in its session's count of calls that need an agent
        self.requests: tuple[LoggedRequest, ...] = ()       # rows of the log of requests that the next write takes along

    @property
    def record(self) -> Record:
        """The record that is dialed, or is to be dialed next."""
        return self.chain.records[self.index]

    @property
    def handle(self) -> int:
        """The handle of `record`."""
        return self.first_handle + self.index

    def first(self) -> int | None:
        """Which record of the chain is to be dialed first; None if none is open."""
        return head_index(self.chain.records, self._meets)

    def _meets(self, record: Record) -> bool:
        """Whether the record met the filter's criteria when it was Ready."""
        return self._filter is None or self._filter.matches(replace(record, record_status=RecordStatus.READY))

    def customer_id(self, record: Record) -> str | None:
        """The id of a record's customer; None where there is none."""
        name = self.calling_list.customer_id_field or self.session.context.options.customer_id_field
        value = record.fields.get(name) if name else None
        return None if value is None else str(value)

    def contact(self) -> Contact:
        """The chain's head with everything that it belongs to: what systems outside are told."""
        record, group = self.record, self.session.group
        return Contact(record, self.calling_list.name, self.calling_list.dbid, group,
                       self.session.custom_fields.get(self.chain.table, ()), self.handle, self.attempt, self.agent_id,
                       self.customer_id(record) or "")

    @property
    def undialed(self) -> bool:
        """True while an agent has the record and has not dialed it."""
        return self.state is ChainState.WITH_AGENT and self.call is None

    @property
    def call_over(self) -> bool:
        """True once a call was made and has ended."""
        return self.call is not None and self.call.ended_at is not None

    def move(self, event: ChainEvent) -> None:
        """Step the machine; UnexpectedEvent where it has no row."""
        self.state = next_state(self.state, event)

    def change_record(self, **changes: Any) -> None:
        """Replace fields of `record`."""
        self.chain = put_record(self.chain, self.index, changed(self.record, **changes))

    def drop_timer(self) -> None:
        """Cancel the delay or stale time-out, if one runs."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None

    def drop_lease(self) -> None:
        """Cancel the lease of the call, if one runs."""
        if self.lease is not None and self.lease.active():
            self.lease.cancel()
        self.lease = None


class Settled(Enum):
    """How a record left, as far as a late request for it must know."""
    PROCESSED = auto()
    RESCHEDULED = auto()
    DO_NOT_CALL = auto()
    OTHER = auto()


class Handles:
    """Handle -> held chain; remembers for a while how settled ones ended."""

    def __init__(self, wall: float, remembered: int = 20_000) -> None:
        self._next = int(wall) % 1_000_000 * 1_000 + 1
        self._held: dict[int, tuple[HeldChain, int]] = {}
        self._settled: OrderedDict[int, Settled] = OrderedDict()
        self._remembered = remembered

    def __len__(self) -> int:
        return len(self._held)

    def give(self, held: HeldChain) -> None:
        """Give every record of the chain its handle."""
        held.first_handle = self._next
        for index in range(len(held.chain.records)):
            self._held[self._next] = held, index
            self._next += 1

    def find(self, handle: int) -> tuple[HeldChain, int] | None:
        """The held chain and the record's index in it; None if the handle is unknown or settled."""
        return self._held.get(handle)

    def how_settled(self, handle: int) -> Settled | None:
        """How a record that is no longer held left; None if that is not known (any more)."""
        return self._settled.get(handle)

    def forget(self, held: HeldChain, how: Settled) -> None:
        """The chain is no longer held."""
        for handle in range(held.first_handle, held.first_handle + len(held.chain.records)):
            if self._held.pop(handle, None) is not None:
                self._settled[handle] = how
        while len(self._settled) > self._remembered:
            self._settled.popitem(last=False)
