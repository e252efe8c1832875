"""The optional log table of requests, `gsw_request_log`: values to rows and back."""
from __future__ import annotations

from typing import Any, Sequence

from sqlalchemy import bindparam, select

from ocs.database.statements import Sql, Transaction, insert_ignoring
from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.store import schema

__all__ = ["log_requests", "logged_requests"]

_table = schema.request_log
_insert = insert_ignoring(_table, "sequence")
_after = Sql(select(_table).where(_table.c.sequence > bindparam("sequence")).order_by(_table.c.sequence)
             .limit(bindparam("count")))


def log_requests(work: Transaction, requests: Sequence[LoggedRequest]) -> None:
    """Put these at the end; what is there already, from a write whose answer was lost, stays as it is."""
    work.run_many(_insert, [{
        "request_type": int(one.request_type), "time_stamp": one.at, "agent_id": _text(one.agent_id, 255),
        "dn": _text(one.dn, 255), "record_handle": _number(one.record_handle), "campaign_dbid": _number(one.campaign_dbid),
        "group_dbid": _number(one.group_dbid), "list_dbid": _number(one.list_dbid), "phone": _text(one.phone, 128),
        "error_code": one.error, "request_id": one.request_id,
    } for one in requests])


def _text(value: str, length: int) -> str | None:
    """As every database takes it: what a desktop sent must not stand in the way of the change that it asked for."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:length] or None


def _number(value: int | None) -> int | None:
    return value if value is not None and -2**63 <= value < 2**63 else None


def logged_requests(work: Transaction, after: int = 0, count: int = 1_000) -> list[tuple[int, LoggedRequest]]:
    """(number, request) of the first `count` behind the number `after`, in the order in which they came."""
    return [(row[0], _request(row)) for row in work.rows(_after, sequence=after, count=count)]


def _request(row: tuple[Any, ...]) -> LoggedRequest:
    _, kind, at, agent_id, dn, handle, campaign, group, list_dbid, phone, error, request_id = row
    return LoggedRequest(RequestType(kind), at, agent_id or "", dn or "", handle, campaign, group, list_dbid, phone or "", error,
                         request_id or 0)
