"""A record chain in the OCS's memory: its machine, and what each outcome writes into its records.

The machine says where a held chain stands; the functions below it are the only place that sets record statuses. Exactly
one record of a chain is its head: the one that is dialed, or rescheduled; its siblings follow (Chain Ready, Chain Updated).
Source: the public record statuses and their transitions.
"""
from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import Callable, Iterable

from ocs.dialing.progress import read_note
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import Chain, Record
from ocs.errors import UnexpectedEvent
from ocs.frozen import changed

__all__ = ["ChainEvent", "ChainState", "blocked_by_dnc", "cancelled", "close_one", "close_siblings", "finish",
           "give_back", "head_index", "hold_until", "next_state", "noted", "put_record", "reschedule", "stale", "updated",
           "with_phone"]


class ChainState(Enum):
    """Where a held chain stands."""
    BUFFERED = auto()       # retrieved, waits for its turn
    OPENING = auto()        # taken for a dial; its attempt is being committed
    CALLING = auto()        # a call is in progress
    TRAILING = auto()       # the agent has settled the record while the call goes on
    WITH_AGENT = auto()     # a preview before the dial, or the work after the call
    WAITING = auto()        # a treatment's delay runs
    SAVING = auto()         # the last write is on its way
    GONE = auto()           # no longer held


class ChainEvent(Enum):
    """What happens to a held chain."""
    TAKEN = auto()          # pacing takes it for a dial
    DELIVERED = auto()      # an agent gets it as a preview
    OPENED = auto()         # the attempt is committed
    AGENT_DIALS = auto()    # the agent dials the previewed record
    CALL_ENDED = auto()
    TO_AGENT = auto()       # the call ended after an agent talked: the agent settles the record
    SETTLED = auto()        # an agent's request, or a final result, settles the record
    DELAYED = auto()        # a treatment dials it again later
    DUE = auto()            # the delay is over, or the dial did not come about: it is its turn again
    GIVEN_BACK = auto()     # back to the list as it is
    SAVED = auto()


_RECALLS = frozenset({RecordType.CAMPAIGN_RESCHEDULED, RecordType.PERSONAL_RESCHEDULED})
_S, _E = ChainState, ChainEvent
_NEXT: dict[tuple[ChainState, ChainEvent], ChainState] = {
    (_S.BUFFERED, _E.TAKEN): _S.OPENING,
    (_S.BUFFERED, _E.DELIVERED): _S.WITH_AGENT,
    (_S.BUFFERED, _E.GIVEN_BACK): _S.SAVING,
    (_S.BUFFERED, _E.SETTLED): _S.SAVING,
    (_S.OPENING, _E.OPENED): _S.CALLING,
    (_S.OPENING, _E.DUE): _S.BUFFERED,          # not dialed after all: back into the buffer
    (_S.OPENING, _E.SETTLED): _S.SAVING,
    (_S.OPENING, _E.DELAYED): _S.WAITING,       # whoever else is asked before a dial says no, a treatment says later
    (_S.OPENING, _E.GIVEN_BACK): _S.SAVING,
    (_S.CALLING, _E.CALL_ENDED): _S.SAVING,
    (_S.CALLING, _E.TO_AGENT): _S.WITH_AGENT,
    (_S.CALLING, _E.SETTLED): _S.TRAILING,
    (_S.CALLING, _E.DELAYED): _S.WAITING,
    (_S.CALLING, _E.DUE): _S.BUFFERED,          # the switch refused the dial for its own reasons
    (_S.CALLING, _E.GIVEN_BACK): _S.SAVING,
    (_S.TRAILING, _E.CALL_ENDED): _S.SAVING,
    (_S.TRAILING, _E.TO_AGENT): _S.SAVING,
    (_S.TRAILING, _E.SETTLED): _S.TRAILING,
    (_S.WITH_AGENT, _E.AGENT_DIALS): _S.CALLING,
    (_S.WITH_AGENT, _E.SETTLED): _S.SAVING,
    (_S.WITH_AGENT, _E.DELAYED): _S.WAITING,
    (_S.WITH_AGENT, _E.GIVEN_BACK): _S.SAVING,
    (_S.WAITING, _E.DUE): _S.BUFFERED,
    (_S.WAITING, _E.GIVEN_BACK): _S.SAVING,
    (_S.WAITING, _E.SETTLED): _S.SAVING,
    (_S.SAVING, _E.SAVED): _S.GONE,
}


def next_state(state: ChainState, event: ChainEvent) -> ChainState:
    """The state after the event; UnexpectedEvent where the table has no row."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise UnexpectedEvent(f"chain: {event.name} in state {state.name}") from None


def head_index(records: tuple[Record, ...], meets: Callable[[Record], bool] = lambda record: True) -> int | None:
    """Which record to dial first: the one that is scheduled, else the first open one that meets the criteria of its list's
    filter, else the first that is open; None if none is. Where a treatment has scheduled it, its note may name another one of
    the chain."""
    open_ = [index for index, record in enumerate(records) if record.record_status.open]
    scheduled = [index for index in open_ if records[index].dial_sched_time is not None]
    if not scheduled:
        return next((index for index in open_ if meets(records[index])), open_[0] if open_ else None)
    head = min(scheduled, key=lambda index: records[index].dial_sched_time or 0)
    note = read_note(records[head].treatments) if records[head].record_type in _RECALLS else None
    named = (index for index in open_ if note is not None and records[index].chain_n == note.chain_n)
    return next(named, head)


def put_record(chain: Chain, index: int, record: Record) -> Chain:
    """The chain with one record replaced."""
    return chain.with_records(chain.records[:index] + (record,) + chain.records[index + 1:])


def with_phone(chain: Chain, index: int, phone: str | None) -> tuple[Chain, int]:
    """The chain, and which of its records is to be called at this number: the one that has it, else the one at `index`, which
    gets it. (What was dialed before stands in its attempts.)"""
    numbers = [record.contact_info for record in chain.records]
    if phone is None or phone == numbers[index]:
        return chain, index
    if phone in numbers:
        return chain, numbers.index(phone)
    return put_record(chain, index, replace(chain.records[index], contact_info=phone)), index


def _rest(chain: Chain, index: int, status: RecordStatus) -> Iterable[tuple[int, Record]]:
    """The siblings of the head that are still open, moved to `status`."""
    for number, record in enumerate(chain.records):
        if number != index and record.record_status.open:
            yield number, changed(record, record_status=status, dial_sched_time=None)


def _with_head(chain: Chain, index: int, head: Record, siblings: RecordStatus) -> Chain:
    records = list(chain.records)
    records[index] = head
    for number, record in _rest(chain, index, siblings):
        records[number] = record
    return chain.with_records(tuple(records))


def finish(chain: Chain, index: int, result: CallResult, status: RecordStatus = RecordStatus.UPDATED) -> Chain:
    """The contact is done: head Updated (or Agent Error) with its result, siblings Chain Updated."""
    head = changed(chain.records[index], record_status=status, call_result=result, dial_sched_time=None)
    return _with_head(chain, index, head, RecordStatus.CHAIN_UPDATED)


def updated(record: Record) -> Record:
    """A record that is not to be dialed any more; its result stays."""
    return replace(record, record_status=RecordStatus.UPDATED, dial_sched_time=None)


def stale(chain: Chain, index: int) -> Chain:
    """Nobody settled the record in time: Stale, with result Stale."""
    head = changed(chain.records[index], record_status=RecordStatus.STALE, call_result=CallResult.STALE,
                   dial_sched_time=None)
    return _with_head(chain, index, head, RecordStatus.CHAIN_UPDATED)


def close_one(chain: Chain, index: int, result: CallResult) -> Chain:
    """This record is done, its siblings are Ready for themselves."""
    head = changed(chain.records[index], record_status=RecordStatus.UPDATED, call_result=result, dial_sched_time=None)
    return _with_head(chain, index, head, RecordStatus.READY)


def blocked_by_dnc(chain: Chain, index: int) -> Chain:
    """The record must not be called: No Call, Do Not Call, Updated. Its siblings stay as they are."""
    return put_record(chain, index, replace(
        chain.records[index], record_type=RecordType.NO_CALL, record_status=RecordStatus.UPDATED,
        call_result=CallResult.DO_NOT_CALL, dial_sched_time=None))


def cancelled(chain: Chain, index: int) -> Chain:
    """The record is cancelled on request. Its siblings stay as they are."""
    return put_record(chain, index, replace(
        chain.records[index], record_status=RecordStatus.CANCELLED, call_result=CallResult.CANCEL_RECORD,
        dial_sched_time=None))


def close_siblings(chain: Chain) -> Chain:
    """The contact is done, by a record that is final already: whatever is still open becomes Chain Updated."""
    records = list(chain.records)
    for number, record in _rest(chain, -1, RecordStatus.CHAIN_UPDATED):
        records[number] = record
    return chain.with_records(tuple(records))


def noted(chain: Chain, index: int, note: str) -> Chain:
    """The chain with this in the record's `treatments` column."""
    return put_record(chain, index, replace(chain.records[index], treatments=note))


def give_back(chain: Chain) -> Chain:
    """Back to the list as it came: a scheduled head Ready with its siblings Chain Ready, else every open record Ready."""
    index = head_index(chain.records)
    if index is None:
        return chain
    head = changed(chain.records[index], record_status=RecordStatus.READY)
    siblings = RecordStatus.READY if head.dial_sched_time is None else RecordStatus.CHAIN_READY
    return _with_head(chain, index, head, siblings)


def reschedule(chain: Chain, index: int, due: int, record_type: RecordType, result: CallResult | None = None,
               agent_id: str | None = None, treatments: str | None = None) -> Chain:
    """Back to the list for later: head Ready, due at `due` (epoch s), of the given type; siblings Chain Ready. `agent_id` ""
    takes it from the agent it was meant for."""
    head = chain.records[index]
    head = changed(head, record_status=RecordStatus.READY, record_type=record_type, dial_sched_time=due,
                   call_result=head.call_result if result is None else result,
                   agent_id=head.agent_id if agent_id is None else agent_id or None,
                   treatments=treatments if treatments is not None else head.treatments)
    return _with_head(chain, index, head, RecordStatus.CHAIN_READY)


def hold_until(chain: Chain, index: int, due: int, record_type: RecordType, treatments: str | None = None) -> Chain:
    """Stay in memory until `due`: written so that a crash keeps the date, but still Retrieved."""
    head = changed(chain.records[index], record_status=RecordStatus.RETRIEVED, record_type=record_type, dial_sched_time=due,
                   treatments=treatments if treatments is not None else chain.records[index].treatments)
    return _with_head(chain, index, head, RecordStatus.RETRIEVED)
