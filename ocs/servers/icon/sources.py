"""Who reports to an interaction database, and how far each source has been written; what is missing, and why."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Insert, Table, bindparam, func, insert, select, update

from ocs.database.statements import Sql, Transaction
from ocs.errors import OCSError
from ocs.servers.icon import schema

__all__ = ["Source", "UnknownSource", "claim_source", "move_on", "new_domain", "note_audit", "open_source"]

_columns = schema.sources.c


def _insertion(table: Table) -> Insert:
    """A new row; the database numbers it."""
    return insert(table).values({column.name: bindparam(column.name) for column in table.columns if column.name != "id"})


_lock = Sql(update(schema.sources).values(opened_at=_columns.opened_at).where(_columns.source == bindparam("name")))
_by_name = Sql(select(_columns.id, _columns.ocsid, _columns.domain, _columns.last_sequence)
               .where(_columns.source == bindparam("name")))
_highest = Sql(select(func.max(_columns.domain)))
_add = Sql(_insertion(schema.sources))
_reopen = Sql(update(schema.sources).values(application=bindparam("v_application"), ocsid=bindparam("v_ocsid"),
                                            opened_at=bindparam("v_opened_at")).where(_columns.id == bindparam("k_id")))
_set_domain = Sql(update(schema.sources).values(domain=bindparam("v_domain")).where(_columns.id == bindparam("k_id")))
_move = Sql(update(schema.sources).values(last_sequence=bindparam("v_last")).where(_columns.id == bindparam("k_id")))
_audit = Sql(_insertion(schema.audit))
_TEXT = 1_000


class UnknownSource(OCSError):
    """Reports of a source that was never opened here."""


@dataclass(frozen=True)
class Source:
    """One source as the database knows it, locked until the transaction ends."""

    id: int
    ocsid: int
    domain: int
    last_sequence: int


def claim_source(work: Transaction, name: str) -> Source:
    """The source, and nobody else writes of it until this transaction is over. UnknownSource."""
    work.run(_lock, name=name)
    row = work.row(_by_name, name=name)
    if row is None:
        raise UnknownSource(name)
    return Source(*row)


def open_source(work: Transaction, name: str, application: str, ocsid: int, next_sequence: int, at: float) -> int:
    """A source connects and will go on with `next_sequence`: the last sequence number that is written here. A source that is
    new begins there; one that has gone on without this database leaves a gap, which is put down."""
    try:
        source = claim_source(work, name)
    except UnknownSource:
        work.run(_add, source=name, application=application[:255], ocsid=ocsid, domain=new_domain(work),
                 last_sequence=next_sequence - 1, opened_at=at)
        return next_sequence - 1
    work.run(_reopen, k_id=source.id, v_application=application[:255], v_ocsid=ocsid, v_opened_at=at)
    if next_sequence > source.last_sequence + 1:
        note_audit(work, source.id, at, "missing", source.last_sequence + 1, next_sequence - 1, next_sequence - 1
                   - source.last_sequence, "the source has let them go, and they are not here: was this database restored?")
        move_on(work, source.id, next_sequence - 1)
        return next_sequence - 1
    return source.last_sequence


def new_domain(work: Transaction, source_id: int | None = None) -> int:
    """The number of a new data-source session; of this source, if one is named."""
    row = work.row(_highest)
    domain = int(row[0] or 0) + 1 if row is not None else 1
    if source_id is not None:
        work.run(_set_domain, k_id=source_id, v_domain=domain)
    return domain


def move_on(work: Transaction, source_id: int, last_sequence: int) -> None:
    """Everything up to here is written."""
    work.run(_move, k_id=source_id, v_last=last_sequence)


def note_audit(work: Transaction, source_id: int, at: float, kind: str, first: int, last: int, count: int, text: Any) -> None:
    """Put down that something is missing."""
    work.run(_audit, source_id=source_id, at=at, kind=kind, first_sequence=first, last_sequence=last, count=count,
             text=str(text).replace("\x00", "")[:_TEXT])
