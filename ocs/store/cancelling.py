"""Cancelling records that nobody holds, by phone or by a custom field.

First the table is looked through without a lock; what was found is then locked chain by chain, looked at again and written. A
chain that somebody has claimed in between is left to whoever holds it. (For very long tables that are often asked for a
number an index on `contact_info` serves; none is made, because each import would pay for it.)
"""
from __future__ import annotations

import re
from typing import Any, Sequence

from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.sql.expression import ColumnElement

from ocs.database.statements import Sql, Transaction
from ocs.dialing.values import CancelRequest, Chain, Record
from ocs.store.loading import write_records
from ocs.store.records import ListTable
from ocs.store.registry import Catalog
from ocs.store.rules import CLAIMABLE, with_cancelled

__all__ = ["cancel_chains", "chains_meant"]

_CHUNK = 500            # chains in one statement
_ZONE = 13              # where a row has its tz_dbid
_INTEGER = re.compile("0|-?[1-9][0-9]{0,18}")      # as `CancelRequest.meant` compares one


def chains_meant(work: Transaction, catalog: Catalog, request: CancelRequest) -> list[int]:
    """Chains that have open records which may be meant, ascending."""
    calling_list = catalog.calling_list(work, request.table)
    asked = _asked(calling_list, request)
    if asked is None:
        return []
    columns, (condition, value) = calling_list.table.c, asked
    sql = Sql(select(columns.chain_id).distinct().where(
        condition, columns.record_status.in_([int(status) for status in CLAIMABLE])).order_by(columns.chain_id))
    return [chain_id for chain_id, in work.rows(sql, asked=value)]


def _asked(calling_list: ListTable, request: CancelRequest) -> tuple[ColumnElement[bool], Any] | None:
    """The condition with its value; None where no record can meet it."""
    columns = calling_list.table.c
    if request.phone:
        return columns.contact_info == bindparam("asked"), request.phone
    kinds = {field.name: field.type for field in calling_list.fields}
    kind = kinds.get(request.field)
    if kind in ("varchar", "char"):
        return columns[request.field] == bindparam("asked"), request.text
    if kind == "int" and _INTEGER.fullmatch(request.text) and abs(int(request.text)) < 2**63:
        return columns[request.field] == bindparam("asked", type_=BigInteger), int(request.text)
    return None


def cancel_chains(work: Transaction, catalog: Catalog, request: CancelRequest, chain_ids: Sequence[int]) -> int:
    """Cancel what is still open and free of these chains; how many records. Inside a transaction for changes."""
    calling_list = catalog.calling_list(work, request.table)
    count = 0
    for start in range(0, len(chain_ids), _CHUNK):
        rows = work.rows(calling_list.lock_members, ids=list(chain_ids[start:start + _CHUNK]))
        chains: dict[int, list[Record]] = {}
        for record in calling_list.records(rows, catalog.zones(work, {row[_ZONE] for row in rows})):
            chains.setdefault(record.chain_id, []).append(record)
        changed: list[Record] = []
        for chain_id, records in chains.items():
            after, cancelled = with_cancelled(Chain(request.table, chain_id, tuple(records)), request)
            count += cancelled
            changed += [new for old, new in zip(records, after.records) if new != old]
        if changed:
            write_records(work, calling_list, changed)
    return count
