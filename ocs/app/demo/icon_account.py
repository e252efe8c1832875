"""The third account of a run, kept by ICON: what the interaction database tells of attempts, calls and records.

`read_icon` reads, `differences` compares with the calling list's database and the T-Server's call log. An attempt that ICON knows
and the database does not was made ready by a server that died before it was committed: it must have ended as not dialed.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Collection, Iterator, Mapping, Sequence

from sqlalchemy import bindparam, select

from ocs.database.backend import Backend, transaction
from ocs.database.statements import Sql
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.servers.icon import schema
from ocs.servers.icon.overview import Missing, overview
from ocs.servers.icon.versions import icon_versions
from protocols.icon.messages import Cause

__all__ = ["IconAccount", "IconAttempt", "differences", "read_icon"]

_chain, _history = schema.chains.c, schema.chain_history.c
_calls, _records = schema.chain_calls.c, schema.records.c
_of_list = schema.chains.c.CallingListID == bindparam("list")
_attempts = Sql(
    select(_history.CallAttID, _history.AttemptState, _history.CallResult, _history.ConnID, _history.RecordID,
           _history.ContactInfo, _history.Attempt)
    .join(schema.chains, _chain.ChainGUID == _history.ChainGUID).where(_of_list, _history.AttemptState.is_not(None))
    .order_by(_history.ID))
_sequences = Sql(select(_history.GSYS_DOMAIN, _history.GSYS_SEQ).join(schema.chains, _chain.ChainGUID == _history.ChainGUID)
                 .where(_of_list, _history.Cause != int(Cause.SERVER_RESTARTED)))
_placed = Sql(select(_calls.ConnID, _calls.CallAttID).join(schema.chains, _chain.ChainGUID == _calls.ChainGUID)
              .where(_of_list, _calls.ConnID.is_not(None)))
_record_rows = Sql(select(_records.RecordID, _records.CallResult, _records.RecordStatus, _records.Attempt, _records.ChainGUID)
                   .join(schema.chains, _chain.ChainGUID == _records.ChainGUID).where(_of_list).order_by(_records.ID))
_cut_off = Sql(select(_history.ChainGUID).join(schema.chains, _chain.ChainGUID == _history.ChainGUID)
               .where(_of_list, _history.Cause == int(Cause.SERVER_RESTARTED)))
_open_chains = Sql(select(_chain.ChainID).where(_of_list, schema.open_chain))
_open_sessions = Sql(select(schema.campaigns.c.SessID).where(schema.open_campaign))


@dataclass(frozen=True, slots=True)
class IconAttempt:
    """The last word of ICON on an attempt."""

    state: AttemptState
    result: CallResult | None
    conn_id: str | None
    record_id: int
    phone: str
    number: int


@dataclass(frozen=True)
class IconAccount:
    """What the interaction database tells of one calling list. `records` has (result, status, attempts) of those whose last
    chain was let go in order; `twice` the reports that are there more than once; `left_open` what has not ended, in words."""

    attempts: Mapping[str, IconAttempt]
    calls: Mapping[str, str]                                    # ConnID -> CallAttID
    records: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    twice: Sequence[int] = ()
    missing: Sequence[Missing] = ()
    left_open: Sequence[str] = ()


def read_icon(backend: Backend, list_dbid: int) -> IconAccount:
    """One moment of the interaction database. Blocks: call it off the reactor's thread. Raises StoreUnavailable."""
    with transaction(backend, write=False) as work:
        icon_versions.check(work)
        attempts = {guid: IconAttempt(AttemptState(state), None if result is None else CallResult(result), *rest)
                    for guid, state, result, *rest in work.rows(_attempts, list=list_dbid)}
        sequences = Counter(work.rows(_sequences, list=list_dbid))
        cut_off = {guid for guid, in work.rows(_cut_off, list=list_dbid)}
        records: dict[int, tuple[int, int, int]] = {}
        for record_id, result, status, count, guid in work.rows(_record_rows, list=list_dbid):
            records.pop(record_id, None)
            if guid not in cut_off:
                records[record_id] = result, status, count
        left_open = [f"chain {chain_id}" for chain_id, in work.rows(_open_chains, list=list_dbid)]
        left_open += [f"session {session}" for session, in work.rows(_open_sessions)]
        return IconAccount(
            attempts, dict(work.rows(_placed, list=list_dbid)), records,
            sorted(sequence for (_, sequence), count in sequences.items() if count > 1), overview(work).missing, left_open)


def differences(icon: IconAccount, attempts: Sequence[Attempt], records: Sequence[Record], logged: Collection[str],
                expected: Collection[str]) -> Iterator[str]:
    """Every difference, in words. `logged` are the ConnIDs of all calls of the T-Server's log, `expected` those that belong to an
    attempt."""
    yield from (f"ICON: {one.count} reports {one.kind}, {one.first_sequence} to {one.last_sequence}: {one.text}"
                for one in icon.missing)
    yield from (f"ICON: report {sequence} is there more than once" for sequence in icon.twice)
    yield from (f"ICON: {what} has not ended" for what in icon.left_open)
    yield from _attempt_differences(icon, attempts)
    for conn_id in sorted(set(expected) - icon.calls.keys()):
        yield f"call {conn_id}: in the call log, not in ICON"
    for conn_id in sorted(icon.calls.keys() - set(logged)):
        yield f"call {conn_id}: in ICON, not in the call log"
    for record in records:
        told = icon.records.get(record.record_id)
        have = int(record.call_result), int(record.record_status), record.attempt
        if record.record_status.final and told is not None and told != have:
            yield f"record {record.record_id}: result, status, attempts {have} in the list, {told} in ICON"


def _attempt_differences(icon: IconAccount, attempts: Sequence[Attempt]) -> Iterator[str]:
    known = {attempt.guid for attempt in attempts}
    for attempt in attempts:
        told = icon.attempts.get(attempt.guid)
        if told is None:
            yield f"attempt {attempt.guid} of record {attempt.record_id}: not in ICON"
            continue
        ours = IconAttempt(attempt.state, attempt.call_result, attempt.conn_id, attempt.record_id, attempt.phone, attempt.number)
        for name in IconAttempt.__slots__:
            here, there = getattr(ours, name), getattr(told, name)
            if here != there:
                yield (f"attempt {attempt.guid} of record {attempt.record_id}: {name.replace('_', ' ')} {_word(here)} in the"
                       f" database, {_word(there)} in ICON")
    for guid, told in icon.attempts.items():
        if guid not in known and told.state is not AttemptState.NOT_DIALED:
            yield f"attempt {guid} of record {told.record_id}: {told.state.value} in ICON, not in the database"


def _word(value: Any) -> str:
    if isinstance(value, CallResult):
        return value.label
    return value.value if isinstance(value, AttemptState) else str(value)
