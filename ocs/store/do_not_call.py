"""The do-not-call list's table: entries come and go, and each change is a row of the audit trail in the same transaction.

The audit trail is in the order of the commits, numbered without end by `sequence`: what other servers read to follow
(`ocs.store.do_not_call_feed`). On SQLite there is one writer at a time, so the order is given; on PostgreSQL a lock, taken
at the last moment before the row, makes it so. An import is one row of the trail; its entries carry the import's id.

An entry names a phone, a customer id, or both; each blocks. To remove a phone leaves the customer id of its entries
blocked, and the other way round.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from sqlalchemy import bindparam, delete, func, insert, literal_column, or_, select
from sqlalchemy.sql.expression import ColumnElement

from ocs.database.statements import Sql, Transaction, insert_ignoring
from ocs.dialing.dnc import Scope
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError
from ocs.store import schema

__all__ = ["Act", "ListedEntry", "NOTIFY_CHANNEL", "add_do_not_call", "audit", "audit_rows", "do_not_call_entries", "entries_of",
           "remove_entries", "scope_name"]

NOTIFY_CHANNEL = "ocs_dnc"                  # PostgreSQL tells those who LISTEN on it that the trail has a new row
_LOCK = 0x6F6373_646E63                     # "ocsdnc"
_dnc, _trail = schema.do_not_call.c, schema.dnc_audit.c
_ZERO: ColumnElement[Any] = literal_column("0")
_EMPTY: ColumnElement[Any] = literal_column("''")
_of_tenant = or_(func.coalesce(_dnc.tenant_dbid, _ZERO) == _ZERO, _dnc.tenant_dbid == bindparam("tenant"))
_is_phone = func.coalesce(_dnc.phone, _EMPTY) == bindparam("text")      # spelled as in the unique index, which serves it
_is_customer = _dnc.customer_id == bindparam("text")

_add = insert_ignoring(schema.do_not_call)
_delete = Sql(delete(schema.do_not_call).where(
    func.coalesce(_dnc.phone, _EMPTY) == bindparam("phone"), func.coalesce(_dnc.customer_id, _EMPTY) == bindparam("customer"),
    func.coalesce(_dnc.tenant_dbid, _ZERO) == bindparam("tenant"),
    func.coalesce(_dnc.campaign_dbid, _ZERO) == bindparam("campaign")))
_record = Sql(insert(schema.dnc_audit).inline().values(
    {column.name: bindparam(column.name) for column in schema.dnc_audit.columns if column.name != "sequence"}))
_trail_rows = Sql(select(_trail.sequence, _trail["at"], _trail.action, _trail.who, _trail.why, _trail.origin, _trail.phone,
                         _trail.customer_id, _trail.entries).where(_trail.sequence > bindparam("after"))
                  .order_by(_trail.sequence).limit(bindparam("count")))
_in_order = Sql(select(func.pg_advisory_xact_lock(_LOCK), func.pg_notify(NOTIFY_CHANNEL, "")))
_listed = (select(_dnc.phone, _dnc.customer_id, func.coalesce(_dnc.tenant_dbid, _ZERO),
                  func.coalesce(_dnc.campaign_dbid, _ZERO), schema.campaigns.c.name, _dnc.dnc_message, _dnc.is_internal,
                  _dnc.time_stamp, _dnc.ocs_import_id, _dnc.list_dbid)
           .select_from(schema.do_not_call.outerjoin(schema.campaigns, _dnc.campaign_dbid == schema.campaigns.c.campaign_dbid))
           .where(_of_tenant))
_all = Sql(_listed)
_of_phone, _of_customer = Sql(_listed.where(_is_phone)), Sql(_listed.where(_is_customer))


def _acts(condition: ColumnElement[bool]) -> Sql:
    """The last audited act of one kind for which the condition holds."""
    return Sql(select(_trail.who, _trail.why, _trail.origin, _trail["at"]).where(
        condition, _trail.action == bindparam("action")).order_by(_trail.sequence.desc()).limit(1))


_scope = (_trail.tenant_dbid == bindparam("tenant"), _trail.campaign_dbid == bindparam("campaign"))
_act_for_phone = _acts((_trail.phone == bindparam("text")) & _scope[0] & _scope[1])
_act_for_customer = _acts((_trail.customer_id == bindparam("text")) & _scope[0] & _scope[1])
_act_of_import = _acts(_trail.import_id == bindparam("import_id"))


@dataclass(frozen=True)
class Act:
    """Who changes the list, why, and where it comes from (`desktop`, `command`, a file ...); `at` in epoch seconds."""

    at: float
    who: str = ""
    why: str = ""
    origin: str = ""


@dataclass(frozen=True)
class ListedEntry:
    """An entry as it stands in the table, and the audited act that brought it, as far as there is one."""

    phone: str | None
    customer_id: str | None
    scope: Scope
    message: str
    internal: bool
    since: int                              # epoch seconds; 0 = not known
    act: Act | None


def scope_name(campaign_dbid: Any, name: str | None) -> str | None:
    """A campaign's name in scopes; `#dbid` for one that is only known by its dbid: its entries block nothing here, but are
    not taken for those of every campaign."""
    return name if name is not None else f"#{int(campaign_dbid)}" if campaign_dbid else None


def audit(work: Transaction, action: str, act: Act, *, phone: str | None = None, customer_id: str | None = None,
          tenant_dbid: int = 0, campaign_dbid: int | None = 0, import_id: int | None = None, request_id: int | None = None,
          entries: int = 0) -> None:
    """Write a row of the trail; the last statement of a change, so that its lock is short."""
    if work.dialect.name == "postgresql":
        work.row(_in_order)
    work.run(_record, at=act.at, action=action, who=act.who[:255], why=act.why[:255], origin=act.origin[:255], phone=phone,
             customer_id=customer_id, tenant_dbid=tenant_dbid, campaign_dbid=campaign_dbid, import_id=import_id,
             request_id=request_id, entries=entries)


def audit_rows(work: Transaction, after: int, count: int) -> list[tuple[Any, ...]]:
    """The first rows of the trail behind the place `after`: sequence, at, action, who, why, origin, phone, customer id,
    entries."""
    return work.rows(_trail_rows, after=after, count=count)


def add_do_not_call(work: Transaction, entries: Iterable[DoNotCallEntry], campaign_dbids: Mapping[str, int],
                    tenant_dbid: int) -> int:
    """New entries; one that is there is left alone, but that it was asked for again is in the trail. `campaign_dbids` knows
    every campaign in them. How many were new."""
    added = 0
    for entry in entries:
        campaign = 0 if entry.campaign is None else campaign_dbids[entry.campaign]
        phone, customer_id = entry.phone or None, entry.customer_id or None
        if phone is None and customer_id is None:
            continue
        new = work.run(_add, phone=phone, customer_id=customer_id, dnc_message=entry.message[:255] or None,
                       tenant_dbid=tenant_dbid, campaign_dbid=campaign, list_dbid=entry.list_dbid,
                       is_internal=int(entry.internal), time_stamp=entry.time_stamp, ocs_import_id=None)
        act = Act(entry.time_stamp, entry.requested_by, entry.message, entry.origin)
        audit(work, "add", act, phone=phone, customer_id=customer_id, tenant_dbid=tenant_dbid, campaign_dbid=campaign,
              request_id=entry.request_id, entries=new)
        added += new
    return added


def remove_entries(work: Transaction, act: Act, tenant_dbid: int, *, phone: str | None = None, customer_id: str | None = None,
                   campaign_dbid: int | None = None) -> int:
    """Take a phone, or a customer id, off the list: in one campaign's scope (0 = that of every campaign), or in all scopes
    of the tenant and of every tenant. How many entries it was taken from; a removal of nothing is in the trail too."""
    if (phone is None) == (customer_id is None):
        raise OCSError("to remove from the do-not-call list, name either a phone or a customer id")
    taken = 0
    change = {tenant_dbid: 0}               # tenant -> rows: those of a tenant follow their own removals only
    for row in _rows_of(work, phone, customer_id, tenant_dbid):
        _, _, tenant, campaign, _, message, internal, stamp, import_id, list_dbid = row
        if campaign_dbid is not None and int(campaign) != campaign_dbid:
            continue
        gone = work.run(_delete, phone=row[0] or "", customer=row[1] or "", tenant=tenant, campaign=campaign)
        rest = (None, row[1]) if phone is not None else (row[0], None)
        if any(rest):
            gone -= work.run(_add, phone=rest[0], customer_id=rest[1], dnc_message=message, tenant_dbid=tenant,
                             campaign_dbid=campaign, list_dbid=list_dbid, is_internal=internal, time_stamp=stamp,
                             ocs_import_id=import_id)
        change[int(tenant)] = change.get(int(tenant), 0) - gone
        taken += 1
    for tenant, rows in change.items():
        audit(work, "remove", act, phone=phone, customer_id=customer_id, tenant_dbid=tenant, campaign_dbid=campaign_dbid,
              entries=rows)
    return taken


def _rows_of(work: Transaction, phone: str | None, customer_id: str | None, tenant_dbid: int) -> list[tuple[Any, ...]]:
    if phone is not None:
        return work.rows(_of_phone, text=phone, tenant=tenant_dbid)
    return work.rows(_of_customer, text=customer_id, tenant=tenant_dbid)


def entries_of(work: Transaction, tenant_dbid: int, *, phone: str | None = None,
               customer_id: str | None = None) -> list[ListedEntry]:
    """The entries that name a phone or a customer id, of the tenant and of every tenant, with the acts behind them."""
    entries = []
    for row in _rows_of(work, phone, customer_id, tenant_dbid):
        tenant, campaign, name, message, internal, stamp, import_id, _ = row[2:]
        scope = Scope(int(tenant), scope_name(campaign, name))
        entries.append(ListedEntry(row[0], row[1], scope, message or "", bool(internal), stamp or 0,
                                   _act(work, row, import_id)))
    return sorted(entries, key=lambda entry: (entry.since, entry.scope.tenant, entry.scope.campaign or ""))


def _act(work: Transaction, row: tuple[Any, ...], import_id: int | None) -> Act | None:
    """The act that brought an entry. Of several requests for the same entry the latest is told."""
    scope = {"tenant": int(row[2]), "campaign": int(row[3])}
    if import_id is not None:
        found = work.row(_act_of_import, import_id=import_id, action="import")
    elif row[0]:
        found = work.row(_act_for_phone, text=row[0], action="add", **scope)
    else:
        found = work.row(_act_for_customer, text=row[1], action="add", **scope)
    return None if found is None else Act(found[3], *found[:3])


def do_not_call_entries(work: Transaction, tenant_dbid: int) -> list[DoNotCallEntry]:
    """The tenant's entries, and those of every tenant. For lists that are known to be short."""
    return [DoNotCallEntry(row[0], row[1], scope_name(row[3], row[4]), row[5] or "", bool(row[6]), row[7] or 0)
            for row in work.rows(_all, tenant=tenant_dbid)]
