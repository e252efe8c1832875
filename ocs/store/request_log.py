"""The optional log table of requests, `gsw_request_log`: values to rows and back."""
from __future__ import annotations

from typing import Any, Sequence

from sqlalchemy import bindparam, insert, select

from ocs.database.statements import Sql, Transaction
from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.store import schema

__all__ = ["log_requests", "logged_requests"]

_table = schema.request_log
_insert = Sql(insert(_table).values({column.name: bindparam(column.name) for column in _table.columns
                                     if not column.primary_key}))
_after = Sql(select(_table).where(_table.c.sequence > bindparam("sequence")).order_by(_table.c.sequence)
             .limit(bindparam("count")))


def log_requests(work: Transaction, requests: Sequence[LoggedRequest]) -> None:
    """Put these at the end."""
    work.run_many(_insert, [{
        "request_type": int(one.request_type), "time_stamp": one.at, "agent_id": one.agent_id[:255] or None,
        "dn": one.dn[:255] or None, "record_handle": one.record_handle, "campaign_dbid": one.campaign_dbid,
        "group_dbid": one.group_dbid, "list_dbid": one.list_dbid, "phone": one.phone[:128] or None, "error_code": one.error,
    } for one in requests])


def logged_requests(work: Transaction, after: int = 0, count: int = 1_000) -> list[tuple[int, LoggedRequest]]:
    """(number, request) of the first `count` behind the number `after`, in the order in which they came."""
    return [(row[0], _request(row)) for row in work.rows(_after, sequence=after, count=count)]


def _request(row: tuple[Any, ...]) -> LoggedRequest:
    _, kind, at, agent_id, dn, handle, campaign, group, list_dbid, phone, error = row
    return LoggedRequest(RequestType(kind), at, agent_id or "", dn or "", handle, campaign, group, list_dbid, phone or "", error)
