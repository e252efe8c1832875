"""Records of a calling list that somebody looks for: by phone, number, contact, status or a user-defined field; page by page."""
from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.types import BigInteger

from ocs.database.statements import Sql, Transaction
from ocs.dialing.custom_fields import from_text
from ocs.dialing.values import Record
from ocs.errors import OCSError
from ocs.store.records import READ_COLUMNS
from ocs.store.registry import Catalog

__all__ = ["Search", "Sought", "search_records"]

_ZONE = 13                  # where a row has its tz_dbid


@dataclass(frozen=True)
class Search:
    """What is looked for; None = whatever it is. `field` is the name of a user-defined field that has the text `value`.
    `after` is (chain_id, chain_n) of the last record of the page before."""

    phone: str | None = None
    record_id: int | None = None
    chain_id: int | None = None
    status: int | None = None
    field: str | None = None
    value: str | None = None
    after: tuple[int, int] = (-2**63, -1)
    limit: int = 100


@dataclass(frozen=True)
class Sought:
    """A page; `more` where there may be another behind it."""

    records: tuple[Record, ...]
    more: bool


def search_records(work: Transaction, catalog: Catalog, table: str, search: Search) -> Sought:
    """In order of chain_id, chain_n. UnknownCallingList; OCSError for a field that the list does not have."""
    calling_list = catalog.calling_list(work, table)
    columns = calling_list.table.c
    names = {field.name: field for field in calling_list.fields}
    last = tuple_(bindparam("chain", type_=BigInteger), bindparam("n", type_=BigInteger))
    place = tuple_(columns.chain_id, columns.chain_n)
    query = select(*(columns[name] for name in READ_COLUMNS + tuple(names))).where(place > last)
    values: dict[str, object] = {"chain": search.after[0], "n": search.after[1], "count": search.limit + 1}
    for name, column in (("phone", "contact_info"), ("record_id", "record_id"), ("chain_id", "chain_id"),
                         ("status", "record_status")):
        value = getattr(search, name)
        if value is not None:
            query = query.where(columns[column] == bindparam(f"w_{name}"))
            values[f"w_{name}"] = value
    if search.field is not None:
        field = names.get(search.field)
        if field is None:
            raise OCSError(f"field: {search.field} is no user-defined field of the list")
        if field.secure:
            raise OCSError(f"field: {search.field} is secure")
        try:
            values["w_field"] = from_text(field, search.value or "")
        except ValueError as error:
            raise OCSError(f"value: {error}") from None
        query = query.where(columns[field.name] == bindparam("w_field"))
    rows = work.rows(Sql(query.order_by(columns.chain_id, columns.chain_n).limit(bindparam("count"))), **values)
    records = calling_list.records(rows[:search.limit], catalog.zones(work, {row[_ZONE] for row in rows}))
    return Sought(tuple(records), len(rows) > search.limit)
