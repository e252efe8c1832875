"""The whole do-not-call list into memory: from the snapshot and what changed since, or from the table.

Blocking, for a thread of its own. Everything is done in steps of a few milliseconds, so that other threads go on. A
snapshot is used only if the database has the same trail of changes as it was made from, and as many rows now as it had
then plus those that the trail accounts for: rows that somebody put in or took out by hand make it unusable.
"""
from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Iterator

from sqlalchemy import bindparam, func, literal_column, or_, select
from sqlalchemy.sql.expression import ColumnElement
from twisted.logger import Logger

from ocs.database.backend import Backend, transaction
from ocs.database.statements import Sql, Transaction
from ocs.dialing.dnc import DoNotCallBuilder, DoNotCallList, Scope
from ocs.errors import StoreUnavailable
from ocs.store import schema
from ocs.store.do_not_call import scope_name
from ocs.store.do_not_call_changes import BigImport, Changes, changes_since, head, imported, mark_of, rows_changed_since
from ocs.store.do_not_call_snapshot import Origin, SnapshotUnusable, read_snapshot, write_snapshot

__all__ = ["Loaded", "load_list", "snapshot_path"]

log = Logger()
_BATCH = 500                    # fewer rows than make the garbage collector run: a full run stops every thread for 100 ms
_SINGLE_CHANGES = 200_000       # of the trail since a snapshot; with more, reading the table is the better way
_REWRITE = 20_000               # changes since a snapshot that make a new one worth writing
_dnc = schema.do_not_call.c
_ZERO: ColumnElement[Any] = literal_column("0")
_entries = Sql(select(_dnc.phone, _dnc.customer_id, func.coalesce(_dnc.tenant_dbid, _ZERO),
                      func.coalesce(_dnc.campaign_dbid, _ZERO))
               .where(or_(func.coalesce(_dnc.tenant_dbid, _ZERO) == _ZERO, _dnc.tenant_dbid == bindparam("tenant"))))
_campaigns = Sql(select(schema.campaigns.c.campaign_dbid, schema.campaigns.c.name))
_count = Sql(select(func.count()).select_from(schema.do_not_call))


@dataclass(frozen=True)
class Loaded:
    """A list read from the database, up to `listed.known`. `unfit`: why the snapshot was not used, "" where it was or was
    not to be."""

    listed: DoNotCallList
    from_snapshot: bool
    seconds: float
    unfit: str = ""


def snapshot_path(database: Path) -> Path:
    """Where the snapshot of a SQLite file lies: beside it."""
    return database.with_name(database.name + ".dnc")


def load_list(backend: Backend, tenant_dbid: int, snapshot: Path | None = None, use_snapshot: bool = True,
              wanted: Callable[[], bool] = lambda: True) -> Loaded:
    """Read the list of a tenant and of every tenant. Where a `snapshot` is named it is used if it fits, and written anew if
    it does not, or is old. Raises StoreUnavailable, also when the list is no longer `wanted`, which is asked again and again
    while the table is read; trouble with the snapshot is only logged."""
    started, unfit = time.monotonic(), ""
    if snapshot is not None and use_snapshot and snapshot.exists():
        try:
            listed = _from_snapshot(backend, tenant_dbid, snapshot)
        except SnapshotUnusable as error:
            unfit = str(error)
            log.warn("do-not-call snapshot {path} is not used: {reason}", path=str(snapshot), reason=unfit)
        else:
            return Loaded(listed, True, time.monotonic() - started)
    listed, origin = _from_table(backend, tenant_dbid, wanted)
    if snapshot is not None:
        _write(snapshot, listed, origin)
    return Loaded(listed, False, time.monotonic() - started, unfit)


def _from_table(backend: Backend, tenant_dbid: int, wanted: Callable[[], bool]) -> tuple[DoNotCallList, Origin]:
    builder = DoNotCallBuilder()
    with transaction(backend, write=False) as work:
        sequence = head(work)
        origin = Origin(tenant_dbid, sequence, mark_of(work, sequence), _row_count(work))
        names = dict(work.rows(_campaigns))
        scopes: dict[Any, Scope] = {}
        for batch in _batches(work, _entries, tenant=tenant_dbid):
            if not wanted():
                raise StoreUnavailable("the do-not-call list is no longer wanted")
            for key, phones, customer_ids in _by_scope(batch):
                if key not in scopes:
                    scopes[key] = Scope(int(key[0]), scope_name(key[1], names.get(int(key[1]))))
                builder.extend(scopes[key], phones, customer_ids)
    return builder.finish(sequence), origin


def _by_scope(batch: list[tuple[Any, ...]]) -> Iterator[tuple[Any, list[str], list[str]]]:
    """(tenant, campaign), phones, customer ids of rows; nearly always all rows of a batch are of one scope."""
    phones, customers, tenants, campaigns = zip(*batch)
    if len(set(tenants)) == len(set(campaigns)) == 1:
        yield (tenants[0], campaigns[0]), [text for text in phones if text], [text for text in customers if text]
        return
    parts: dict[Any, tuple[list[str], list[str]]] = {}
    for phone, customer_id, tenant, campaign in batch:
        found = parts.setdefault((tenant, campaign), ([], []))
        if phone:
            found[0].append(phone)
        if customer_id:
            found[1].append(customer_id)
    for key, (some, others) in parts.items():
        yield key, some, others


def _batches(work: Transaction, sql: Sql, **parameters: Any) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query as they come; on PostgreSQL from a cursor on the server, or they would all come at once."""
    cursor = work.cursor
    if work.dialect.name == "postgresql":
        cursor = cursor.connection.cursor(name="ocs_dnc_load")
    try:
        cursor.execute(*sql.bound(work.dialect, parameters))
        while batch := cursor.fetchmany(_BATCH):
            yield batch
    finally:
        if cursor is not work.cursor:
            cursor.close()


def _row_count(work: Transaction) -> int:
    row = work.row(_count)
    return 0 if row is None else int(row[0])


def _from_snapshot(backend: Backend, tenant_dbid: int, path: Path) -> DoNotCallList:
    listed, origin = read_snapshot(path)
    if origin.tenant_dbid != tenant_dbid:
        raise SnapshotUnusable(f"of tenant {origin.tenant_dbid}, not {tenant_dbid}")
    with transaction(backend, write=False) as work:
        last = head(work)
        if last < origin.sequence or mark_of(work, origin.sequence) != origin.mark:
            raise SnapshotUnusable("of another database, or of a later state of this one")
        if last - origin.sequence > _SINGLE_CHANGES:
            raise SnapshotUnusable(f"{last - origin.sequence} changes old")
        rows = _row_count(work)
        if rows != origin.rows + rows_changed_since(work, origin.sequence):
            raise SnapshotUnusable("the table was changed by hand since")
        applied = _catch_up(work, listed, tenant_dbid)
        now = Origin(tenant_dbid, last, mark_of(work, last), rows)
    listed.rewind(last)
    if applied > _REWRITE:
        _write(path, listed, now)
    return listed


def _catch_up(work: Transaction, listed: DoNotCallList, tenant_dbid: int) -> int:
    """Do what changed since the snapshot; how many changes that were."""
    applied = 0
    page = Changes(listed.sequence, more=True)
    while page.more or page.imported is not None:
        page = changes_since(work, page.sequence, tenant_dbid)
        for change in page.changes:
            listed.follow(change)
        listed.passed(page.sequence)
        applied += len(page.changes)
        if page.imported is not None:
            applied += _add_import(work, listed, page.imported)
            page = replace(page, sequence=page.imported.sequence)
        elif page.reload:
            raise SnapshotUnusable("the trail of changes has a gap")
    return applied


def _add_import(work: Transaction, listed: DoNotCallList, big: BigImport) -> int:
    builder = DoNotCallBuilder()
    for batch in _batches(work, imported, import_id=big.import_id):
        builder.extend(big.scope, [phone for phone, _ in batch if phone], [customer for _, customer in batch if customer])
    added = builder.finish(big.sequence)
    for scope, phones, customers in added.scopes():
        listed.put_scope(scope, phones, customers)
    listed.passed(big.sequence)
    return len(added)


def _write(path: Path, listed: DoNotCallList, origin: Origin) -> None:
    try:
        size = write_snapshot(path, listed, origin)
    except OSError as error:
        log.warn("do-not-call snapshot {path} not written: {reason}", path=str(path), reason=error.strerror or str(error))
    else:
        log.info("do-not-call snapshot {path}: {size} octets", path=str(path), size=size)
