"""Attempts: values to rows and back."""
from __future__ import annotations

from typing import Any, Sequence

from sqlalchemy import bindparam, insert, literal_column, select

from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState
from ocs.store import schema
from ocs.store.statements import Sql, Transaction, insert_or_update

__all__ = ["attempts_of", "insert_attempts", "open_attempts_of", "write_attempts"]

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
