"""Putting many records into a calling list's table, and writing changed ones back: few statements, many rows."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

from ocs.database.statements import Transaction
from ocs.dialing.values import Record
from ocs.store.records import READ_COLUMNS, ListTable

__all__ = ["LOADED_COLUMNS", "insert_records", "insert_rows", "write_records"]

LOADED_COLUMNS = READ_COLUMNS


def insert_rows(work: Transaction, calling_list: ListTable, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows of values in the order of `names`; columns that are not named get their defaults. How many."""
    if work.dialect.name == "postgresql":
        return _copy(work, calling_list, names, rows)
    text, positions = calling_list.insertion(tuple(names)).positions(work.dialect)
    place = {name: index for index, name in enumerate(names)}
    order = [place[name] for name in positions]
    if order == list(range(len(names))):
        work.cursor.executemany(text, rows)
    else:
        work.cursor.executemany(text, (tuple([row[index] for index in order]) for row in rows))
    return int(work.cursor.rowcount)


def _copy(work: Transaction, calling_list: ListTable, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    quote = work.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    with work.cursor.copy(f"COPY {quote(calling_list.table.name)} ({columns}) FROM STDIN") as copy:
        write = copy.write_row
        for row in rows:
            write(row)
    return int(work.cursor.rowcount)


def insert_records(work: Transaction, calling_list: ListTable, records: Iterable[Record]) -> int:
    """Insert new records; their tz_dbid is in the table of time zones. How many."""
    fields = tuple(field.name for field in calling_list.fields)
    return insert_rows(work, calling_list, LOADED_COLUMNS + fields, (
        (one.record_id, one.chain_id, one.chain_n, one.contact_info, int(one.contact_info_type), int(one.record_type),
         int(one.record_status), int(one.call_result), one.attempt, one.dial_sched_time, one.call_time, one.daily_from,
         one.daily_till, one.tz_dbid, one.agent_id, one.treatments, *(one.fields.get(name) for name in fields))
        for one in records))


def write_records(work: Transaction, calling_list: ListTable, records: Sequence[Record]) -> int | None:
    """Write the mutable columns of these records; the id of the first that is not there, or None."""
    updates = [calling_list.update_of(record) for record in records]
    if len({id(sql) for sql, _ in updates}) == 1:
        if work.run_many(updates[0][0], [parameters for _, parameters in updates]) == len(updates):
            return None
    for record, (sql, parameters) in zip(records, updates):
        if work.run(sql, **parameters) != 1:
            return record.record_id
    return None
