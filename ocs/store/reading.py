"""Calling lists read for people and for other programs: an overview, and every record as a stream."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

from ocs.database.statements import Transaction
from ocs.dialing.values import CustomField, Record
from ocs.store.registry import Catalog

__all__ = ["ListOverview", "all_records", "export_columns", "export_row", "list_overview"]

_PAGE = 2_000
_PUBLIC = ("record_id", "chain_id", "chain_n", "contact_info", "contact_info_type", "record_type", "record_status",
           "call_result", "attempt", "dial_sched_time", "call_time", "daily_from", "daily_till", "tz_dbid", "tz_name",
           "agent_id", "treatments")


@dataclass(frozen=True)
class ListOverview:
    """A calling list in numbers. `results` are (record_status, call_result) -> records; times in seconds after midnight."""

    name: str
    table: str
    fields: tuple[CustomField, ...]
    daily_from: int
    daily_till: int
    tz_name: str
    statuses: dict[int, int]
    results: dict[tuple[int, int], int]

    @property
    def records(self) -> int:
        """All records of the list."""
        return sum(self.statuses.values())


def list_overview(work: Transaction, catalog: Catalog, name: str) -> ListOverview:
    """The list's columns and counts; raises UnknownCallingList."""
    calling_list = catalog.calling_list(work, name)
    statuses: dict[int, int] = {}
    results: dict[tuple[int, int], int] = {}
    for status, result, count in work.rows(calling_list.result_counts):
        key = int(status), 28 if result is None else int(result)
        results[key] = results.get(key, 0) + count
        statuses[key[0]] = statuses.get(key[0], 0) + count
    zone = catalog.zones(work, [calling_list.tz_dbid])[calling_list.tz_dbid]
    return ListOverview(name, calling_list.table.name, calling_list.fields, calling_list.daily_from,
                        calling_list.daily_till, zone, statuses, results)


def all_records(work: Transaction, catalog: Catalog, name: str) -> Iterator[Record]:
    """Every record in order of chain_id, chain_n, a page at a time; what one transaction sees."""
    calling_list = catalog.calling_list(work, name)
    chain, n = -2**63, 0
    while True:
        rows = work.rows(calling_list.after, chain=chain, n=n, count=_PAGE)
        yield from calling_list.records(rows, catalog.zones(work, {row[13] for row in rows}))
        if len(rows) < _PAGE:
            return
        chain, n = rows[-1][1], rows[-1][2]


def export_columns(fields: tuple[CustomField, ...]) -> list[str]:
    """The names of an exported record's values: the public columns with the zone's IANA name, then the custom fields."""
    return [*_PUBLIC, *(field.name for field in fields)]


def export_row(record: Record, fields: tuple[CustomField, ...]) -> list[Any]:
    """An exported record's values; enumerations by their public numbers, times as epoch seconds."""
    values = [getattr(record, name) for name in _PUBLIC]
    return [int(value) if isinstance(value, int) else value for value in values] + [
        record.fields.get(field.name) for field in fields]
