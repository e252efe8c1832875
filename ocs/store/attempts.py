"""Attempts: values to rows and back."""
from __future__ import annotations

from typing import Any, Iterator, Sequence

from sqlalchemy import BigInteger, Integer, String, bindparam, func, insert, literal_column, select, tuple_

from ocs.database.statements import Sql, Transaction, insert_or_update, one_of
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState
from ocs.store import schema

__all__ = ["attempts_of", "attempts_on", "attempts_with", "count_attempts", "history", "history_columns", "history_row",
           "insert_attempts", "open_attempts_of", "write_attempts", "write_late_attempts"]

_ATTEMPT_COLUMNS = tuple(column.name for column in schema.attempts.columns)
_insert = Sql(insert(schema.attempts))
_is_open = schema.attempts.c.state == literal_column(f"'{AttemptState.OPEN.value}'")
_write, _write_open = insert_or_update(schema.attempts, "guid"), insert_or_update(schema.attempts, "guid", where=_is_open)
_by_table = (select(schema.attempts).where(schema.attempts.c.table_access == bindparam("table"))
             .order_by(schema.attempts.c.opened_at, schema.attempts.c.guid))
_all = Sql(_by_table)
_PAGE, _RECORD, _NUMBER = 2_000, _ATTEMPT_COLUMNS.index("record_id"), _ATTEMPT_COLUMNS.index("number")
_place = tuple_(schema.attempts.c.record_id, schema.attempts.c.number, schema.attempts.c.guid)
_history = Sql(select(schema.attempts)
               .where(schema.attempts.c.table_access == bindparam("table"),
                      _place > tuple_(bindparam("record", type_=BigInteger), bindparam("number", type_=Integer),
                                      bindparam("guid", type_=String)))
               .order_by(schema.attempts.c.record_id, schema.attempts.c.number, schema.attempts.c.guid)
               .limit(bindparam("count")))
_count = Sql(select(func.count()).select_from(schema.attempts)
             .where(schema.attempts.c.table_access == bindparam("table")))
_by_guid = Sql(lambda dialect: select(schema.attempts).where(one_of(schema.attempts.c.guid, "guids", dialect, String)))
_open = Sql(_by_table.where(_is_open))
_on_record = Sql(_by_table.where(schema.attempts.c.record_id == bindparam("record")).limit(bindparam("count")))


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
        "cpd_completed_at": attempt.cpd_completed_at, "transferred_at": attempt.transferred_at,
        "agent_connected_at": attempt.agent_connected_at, "table_access": attempt.on_table,
        "earlier_conn_ids": attempt.earlier_conn_ids,
    }


def _attempt(row: tuple[Any, ...]) -> Attempt:
    values = dict(zip(_ATTEMPT_COLUMNS, row))
    values["group"], table = values.pop("group_name"), values.pop("table_access")
    values["table"] = "" if table == values["calling_list"] else table
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


def write_late_attempts(work: Transaction, attempts: Sequence[Attempt]) -> None:
    """Rows by guid, new or not, long after their time: one that is open leaves a row alone that has been closed since."""
    work.run_many(_write_open, [_attempt_row(one) for one in attempts if one.state is AttemptState.OPEN])
    work.run_many(_write, [_attempt_row(one) for one in attempts if one.state is not AttemptState.OPEN])


def attempts_of(work: Transaction, table: str) -> list[Attempt]:
    """All attempts on the records of a table, oldest first."""
    return [_attempt(row) for row in work.rows(_all, table=table)]


def attempts_on(work: Transaction, table: str, record_id: int, limit: int) -> list[Attempt]:
    """The first attempts on one record, oldest first."""
    return [_attempt(row) for row in work.rows(_on_record, table=table, record=record_id, count=limit)]


def count_attempts(work: Transaction, table: str) -> int:
    """How many attempts were ever made on the records of a table."""
    (count,) = work.row(_count, table=table) or (0,)
    return int(count)


def history(work: Transaction, table: str) -> Iterator[Attempt]:
    """All attempts on a table by record and number, a page at a time; what one transaction sees."""
    last: tuple[Any, ...] = (-2**63, -1, "")
    while True:
        rows = work.rows(_history, table=table, record=last[0], number=last[1], guid=last[2], count=_PAGE)
        for row in rows:
            yield _attempt(row)
        if len(rows) < _PAGE:
            return
        last = rows[-1][_RECORD], rows[-1][_NUMBER], rows[-1][0]


def history_columns() -> list[str]:
    """The names of an exported attempt's values."""
    return [*_ATTEMPT_COLUMNS, "duration"]


def history_row(attempt: Attempt) -> list[Any]:
    """An exported attempt's values; times as epoch seconds, the duration of the conversation in seconds."""
    answered, ended = attempt.answered_at, attempt.ended_at
    duration = round(max(0.0, ended - answered), 3) if answered is not None and ended is not None else None
    return [*_attempt_row(attempt).values(), duration]


def attempts_with(work: Transaction, guids: Sequence[str]) -> dict[str, Attempt]:
    """Those of these attempts that there are, by GUID."""
    found: dict[str, Attempt] = {}
    for start in range(0, len(guids), _PAGE):
        for row in work.rows(_by_guid, guids=list(guids[start:start + _PAGE])):
            attempt = _attempt(row)
            found[attempt.guid] = attempt
    return found


def open_attempts_of(work: Transaction, table: str) -> list[Attempt]:
    """The attempts on a table that have no outcome, oldest first."""
    return [_attempt(row) for row in work.rows(_open, table=table)]
