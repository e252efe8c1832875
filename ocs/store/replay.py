"""Changes that waited on a server's disk while the database was away, written when it is back: each once, and nothing over
what has become somebody else's meanwhile.

The row of the application in `ocs_spool` says how far its spool has been replayed; it is written in the same transaction, so
a replay whose answer is lost is not done twice. It also says which spool speaks for the application: a server that is
started in the place of another one adopts its own, and by that takes everything over that the other one held.
"""
from __future__ import annotations

from typing import Any, Callable, Iterable, Sequence

from sqlalchemy import bindparam, select

from ocs.database.statements import Sql, Transaction, insert_or_update
from ocs.dialing.values import ChainSave, DoNotCallEntry, Owner
from ocs.store import schema
from ocs.store.attempts import write_late_attempts
from ocs.store.loading import write_records
from ocs.store.records import ListTable
from ocs.store.registry import Catalog
from ocs.store.request_log import log_requests
from ocs.store.rules import ReplayGuard

__all__ = ["adopt_spool", "replay"]

_CHUNK = 1_000          # records in one statement
_adopt = insert_or_update(schema.spools, "app_dbid")
_adopted = Sql(select(schema.spools.c.spool, schema.spools.c.sequence)
               .where(schema.spools.c.app_dbid == bindparam("app_dbid")).with_for_update())

Block = Callable[[Transaction, Sequence[DoNotCallEntry]], None]


def adopt_spool(work: Transaction, app_dbid: int, spool: str, sequence: int) -> None:
    """As `IReplayStore.adopt_spool`, inside a transaction for changes."""
    work.run(_adopt, app_dbid=app_dbid, spool=spool, sequence=sequence)


def replay(work: Transaction, catalog: Catalog, app_dbid: int, spool: str, changes: Sequence[tuple[int, ChainSave]],
           block: Block) -> tuple[int, ...]:
    """As `IReplayStore.replay`, inside a transaction for changes. `block` writes do-not-call rows."""
    adopted, done = work.row(_adopted, app_dbid=app_dbid) or (spool, 0)
    ours = adopted == spool
    due = [(number, change) for number, change in changes if not ours or number > done]
    lists = {name: catalog.calling_list(work, name) for name in dict.fromkeys(
        change.table for _, change in due if change.records)}
    guards = {name: _guard(work, calling_list, ours, [
        record.record_id for _, change in due if change.table == name for record in change.records])
        for name, calling_list in lists.items()}
    for name, calling_list in lists.items():
        write_records(work, calling_list, [record for _, change in due if change.table == name
                                           for record in guards[name].records(change)])
    write_late_attempts(work, [attempt for _, change in due for attempt in change.attempts])
    block(work, [entry for _, change in due for entry in change.do_not_call])
    log_requests(work, [request for _, change in due for request in change.requests])
    if due and ours:
        adopt_spool(work, app_dbid, spool, due[-1][0])
    return tuple([record_id for guard in guards.values() for record_id in guard.left])


def _guard(work: Transaction, calling_list: ListTable, ours: bool, record_ids: Iterable[int]) -> ReplayGuard:
    """These records as they stand, locked until the transaction ends."""
    ids, standing = sorted(set(record_ids)), dict[int, tuple[int, Owner | None]]()
    for start in range(0, len(ids), _CHUNK):
        rows: list[Any] = work.rows(calling_list.lock_owned, ids=ids[start:start + _CHUNK])
        standing.update((record_id, (status, None if app is None else Owner(app, campaign, group)))
                        for record_id, status, app, campaign, group in rows)
    return ReplayGuard(standing, ours)
