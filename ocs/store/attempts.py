"""Attempts and do-not-call entries: values to rows and back."""
from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, func, insert, literal_column, or_, select

from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, DoNotCallEntry
from ocs.store import schema
from ocs.store.statements import Sql, Transaction, insert_ignoring, insert_or_update

__all__ = ["add_do_not_call", "attempts_of", "do_not_call_entries", "do_not_call_of_phone", "insert_attempts", "open_attempts_of",
           "remove_do_not_call", "write_attempts"]

_ATTEMPT_COLUMNS = tuple(column.name for column in schema.attempts.columns)
_insert = Sql(insert(schema.attempts))
_write = insert_or_update(schema.attempts, "guid")
_by_list = (select(schema.attempts).where(schema.attempts.c.calling_list == bindparam("calling_list"))
            .order_by(schema.attempts.c.opened_at, schema.attempts.c.guid))
_all = Sql(_by_list)
_open = Sql(_by_list.where(schema.attempts.c.state == literal_column(f"'{AttemptState.OPEN.value}'")))


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "guid": attempt.guid, "calling_list": attempt.calling_list, "record_id": attempt.record_id,
        "chain_id": attempt.chain_id, "chain_n": attempt.chain_n, "phone": attempt.phone, "number": attempt.number,
        "campaign": attempt.campaign, "group_name": attempt.group, "session_guid": attempt.session_guid,
        "opened_at": attempt.opened_at, "state": attempt.state.value, "conn_id": attempt.conn_id,
        "dialed_at": attempt.dialed_at, "answered_at": attempt.answered_at, "ended_at": attempt.ended_at,
        "call_state": attempt.call_state,
        "call_result": None if attempt.call_result is None else int(attempt.call_result),
        "agent_id": attempt.agent_id, "agent_dn": attempt.agent_dn, "treatment": attempt.treatment,
    }


def _attempt(row: tuple[Any, ...]) -> Attempt:
    values = dict(zip(_ATTEMPT_COLUMNS, row))
    values["group"] = values.pop("group_name")
    values["state"] = AttemptState(values["state"])
    if values["call_result"] is not None:
        values["call_result"] = CallResult(values["call_result"])
    return Attempt(**values)


def insert_attempts(work: Transaction, attempts: Sequence[Attempt]) -> None:
    """New rows; a guid that is there is an error of the driver."""
    work.run_many(_insert, [_attempt_row(attempt) for attempt in attempts])


def write_attempts(work: Transaction, attempts: Sequence[Attempt]) -> None:
    """Rows by guid, new or not."""
    work.run_many(_write, [_attempt_row(attempt) for attempt in attempts])


def attempts_of(work: Transaction, calling_list: str) -> list[Attempt]:
    """All attempts on a list, oldest first."""
    return [_attempt(row) for row in work.rows(_all, calling_list=calling_list)]


def open_attempts_of(work: Transaction, calling_list: str) -> list[Attempt]:
    """The attempts on a list that have no outcome, oldest first."""
    return [_attempt(row) for row in work.rows(_open, calling_list=calling_list)]


_dnc = schema.do_not_call.c
_dnc_add = insert_ignoring(schema.do_not_call)
_tenant = or_(func.coalesce(_dnc.tenant_dbid, literal_column("0")) == literal_column("0"),
              _dnc.tenant_dbid == bindparam("tenant"))
_phone_is = func.coalesce(_dnc.phone, literal_column("''")) == bindparam("phone")
_dnc_query = (select(_dnc.phone, _dnc.customer_id, schema.campaigns.c.name, _dnc.campaign_dbid, _dnc.dnc_message,
                     _dnc.is_internal, _dnc.time_stamp)
              .select_from(schema.do_not_call.outerjoin(schema.campaigns,
                                                        _dnc.campaign_dbid == schema.campaigns.c.campaign_dbid))
              .where(_tenant))
_dnc_all, _dnc_of_phone = Sql(_dnc_query), Sql(_dnc_query.where(_phone_is))
_dnc_remove = Sql(delete(schema.do_not_call).where(_phone_is, _tenant))


def add_do_not_call(work: Transaction, entries: Iterable[DoNotCallEntry], campaign_dbids: Mapping[str, int],
                    tenant_dbid: int) -> int:
    """New entries; one that is there is left alone. `campaign_dbids` knows every campaign in them. How many were new."""
    return work.run_many(_dnc_add, [{
        "phone": entry.phone or None, "customer_id": entry.customer_id or None,
        "dnc_message": entry.message[:255] or None, "tenant_dbid": tenant_dbid,
        "campaign_dbid": 0 if entry.campaign is None else campaign_dbids[entry.campaign],
        "list_dbid": 0, "is_internal": int(entry.internal), "time_stamp": entry.time_stamp,
    } for entry in entries])


def remove_do_not_call(work: Transaction, phone: str, tenant_dbid: int) -> int:
    """Take a phone off the list, in every scope; how many rows went."""
    return work.run(_dnc_remove, phone=phone, tenant=tenant_dbid)


def do_not_call_entries(work: Transaction, tenant_dbid: int) -> list[DoNotCallEntry]:
    """The tenant's entries, and those of every tenant. A campaign that is only known by its dbid is named `#dbid`: its
    entry blocks nothing here, but is not taken for one of every campaign."""
    return [_entry(row) for row in work.rows(_dnc_all, tenant=tenant_dbid)]


def do_not_call_of_phone(work: Transaction, phone: str, tenant_dbid: int) -> list[DoNotCallEntry]:
    """The entries of one phone (E.164)."""
    return [_entry(row) for row in work.rows(_dnc_of_phone, phone=phone, tenant=tenant_dbid)]


def _entry(row: tuple[Any, ...]) -> DoNotCallEntry:
    phone, customer_id, name, campaign_dbid, message, internal, stamp = row
    campaign = name if name is not None else f"#{int(campaign_dbid)}" if campaign_dbid else None
    return DoNotCallEntry(phone, customer_id, campaign, message or "", bool(internal), stamp or 0)
