"""What changed on the do-not-call list since a place in its audit trail: how a server follows what others do to it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, literal_column, or_, select
from sqlalchemy.sql.expression import ColumnElement

from ocs.database.statements import Sql, Transaction
from ocs.dialing.dnc import ChangeKind, DoNotCallChange, Scope
from ocs.store import schema
from ocs.store.do_not_call import scope_name

__all__ = ["BigImport", "Changes", "changes_since", "head", "imported", "mark_of", "rows_changed_since"]

_PAGE = 2_000                   # rows of the trail in one read
_trail, _dnc, _campaigns = schema.dnc_audit.c, schema.do_not_call.c, schema.campaigns.c
_ZERO: ColumnElement[Any] = literal_column("0")
_head = Sql(select(func.coalesce(func.max(_trail.sequence), _ZERO)))
_since = Sql(select(_trail.sequence, _trail.action, _trail.phone, _trail.customer_id, _trail.tenant_dbid, _trail.campaign_dbid,
                    _campaigns.name, _trail.import_id, _trail.request_id, _trail.entries)
             .select_from(schema.dnc_audit.outerjoin(schema.campaigns, _trail.campaign_dbid == _campaigns.campaign_dbid))
             .where(_trail.sequence > bindparam("sequence")).order_by(_trail.sequence).limit(_PAGE))
imported = Sql(select(_dnc.phone, _dnc.customer_id).where(_dnc.ocs_import_id == bindparam("import_id")))  # what is left of it
_rows_since = Sql(select(func.coalesce(func.sum(_trail.entries), _ZERO)).where(_trail.sequence > bindparam("sequence")))
_mark = Sql(select(_trail["at"], _trail.action, _trail.who, _trail.why, _trail.origin).where(
    or_(_trail.sequence == bindparam("sequence"), _trail.sequence == literal_column("1"))).order_by(_trail.sequence))


@dataclass(frozen=True)
class Changes:
    """A page of the trail. `sequence`: read on from there. `reload`: there is too much to be told one by one (then it is the
    next change, an `imported`), or the trail does not go back so far, or is shorter than it was."""

    sequence: int
    changes: tuple[DoNotCallChange, ...] = ()
    reload: bool = False
    more: bool = False
    imported: BigImport | None = None


@dataclass(frozen=True)
class BigImport:
    """An import of many entries, by its place in the trail."""

    sequence: int
    scope: Scope
    import_id: int


def head(work: Transaction) -> int:
    """The last place in the trail; 0 while there is none."""
    row = work.row(_head)
    return int(row[0]) if row is not None else 0


def mark_of(work: Transaction, sequence: int) -> str:
    """What the trail says at its beginning and at one place, as text: two trails that agree there are one trail."""
    return repr([tuple(row) for row in work.rows(_mark, sequence=sequence)])


def rows_changed_since(work: Transaction, sequence: int) -> int:
    """How many rows the list has more (or less, negative) than at that place in the trail."""
    row = work.row(_rows_since, sequence=sequence)
    return int(row[0]) if row is not None else 0


def changes_since(work: Transaction, sequence: int, tenant_dbid: int, known: int = 0, import_limit: int = 5_000) -> Changes:
    """The next changes that concern a tenant, in their order. An import of more than `import_limit` entries asks for a
    reload, after the changes before it; one up to `known`, which the list has from a reload, is passed over."""
    rows = work.rows(_since, sequence=sequence)
    if not rows:
        return Changes(sequence, reload=head(work) < sequence)
    if rows[0][0] != sequence + 1 and work.dialect.name == "sqlite":       # PostgreSQL leaves gaps where a change was undone
        return Changes(sequence, reload=True)
    changes: list[DoNotCallChange] = []
    for row in rows:
        number, action, phone, customer_id, tenant, campaign, name, import_id, request_id, entries = row
        scope = Scope(int(tenant), scope_name(campaign, name))
        if tenant in (0, tenant_dbid):
            if action == "import" and number > known:
                if entries > import_limit:
                    return Changes(sequence, tuple(changes), True, imported=BigImport(int(number), scope, int(import_id)))
                changes += _of_import(work, int(number), scope, import_id)
            elif action in ("add", "remove"):
                changes.append(DoNotCallChange(int(number), ChangeKind(action), phone, customer_id, scope,
                                               campaign is None, int(request_id or 0)))
        sequence = int(number)
    return Changes(sequence, tuple(changes), more=len(rows) == _PAGE)


def _of_import(work: Transaction, number: int, scope: Scope, import_id: Any) -> list[DoNotCallChange]:
    """The entries of an import that are still there, all under the import's own number."""
    return [DoNotCallChange(number, ChangeKind.ADD, phone, customer_id, scope)
            for phone, customer_id in work.rows(imported, import_id=import_id)]
