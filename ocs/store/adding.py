"""One more record in a calling list's table, while the list is dialed.

It is numbered on from the highest ids, as an import's records are. On SQLite whoever writes is alone; on PostgreSQL who numbers
records of one list does it one after the other: an import that is under way is not waited for, because every other change of this
server would wait too.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from sqlalchemy import bindparam, func, select

from ocs.database.statements import Sql, Transaction
from ocs.dialing.adding import ListDefaults, added
from ocs.dialing.values import NewRecord, Record
from ocs.errors import NotAdded, StoreUnavailable
from ocs.store.loading import insert_records
from ocs.store.phones import phone_of
from ocs.store.records import ListTable
from ocs.store.registry import Catalog
from ocs.store.request_log import log_requests
from ocs.store.zones import zone_name

__all__ = ["add_record", "number_alone"]

_NUMBERING = 0x4E756D6265727300         # the first of a range of advisory locks, one for each list
_ZONE = 13                              # where a row has its tz_dbid
_lock = Sql(select(func.pg_advisory_xact_lock(bindparam("number"))))
_try_lock = Sql(select(func.pg_try_advisory_xact_lock(bindparam("number"))))


def number_alone(work: Transaction, calling_list: ListTable, wait: bool = True) -> bool:
    """Nobody else numbers records of this list until the transaction ends; False if somebody does, and we do not wait."""
    if work.dialect.name != "postgresql":
        return True
    row = work.row(_lock if wait else _try_lock, number=_NUMBERING + calling_list.list_dbid)
    return wait or bool(row and row[0])


def add_record(work: Transaction, catalog: Catalog, new: NewRecord) -> Record:
    """As `IStore.add_record`, inside a transaction for changes."""
    calling_list = catalog.calling_list(work, new.table)
    if not number_alone(work, calling_list, wait=False):
        raise StoreUnavailable(f"records of {new.table!r} are being imported")
    new = replace(new, phone=phone_of(new))
    record_id, chain_id = (highest or 0 for highest in work.row(calling_list.highest_ids) or (0, 0))
    defaults = ListDefaults(calling_list.daily_from, calling_list.daily_till, calling_list.fields)
    record = added(new, defaults, _zone(work, catalog, calling_list, new.zone), (record_id, chain_id),
                   _chain(work, catalog, calling_list, new.chain_id))
    insert_records(work, calling_list, [record])
    log_requests(work, new.requests)
    return record


def _zone(work: Transaction, catalog: Catalog, calling_list: ListTable, text: str | None) -> tuple[int, str]:
    if text is None:
        return calling_list.tz_dbid, catalog.zones(work, [calling_list.tz_dbid])[calling_list.tz_dbid]
    name = zone_name(text)
    if name is None:
        raise NotAdded("tz_name", "there is no such time zone")
    return catalog.zone_dbid(work, name), name


def _chain(work: Transaction, catalog: Catalog, calling_list: ListTable, chain_id: int | None) -> Sequence[Record]:
    if chain_id is None:
        return ()
    rows = work.rows(calling_list.lock_members, ids=[chain_id])
    return calling_list.records(rows, catalog.zones(work, {row[_ZONE] for row in rows}))
