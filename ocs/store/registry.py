"""The registry: which calling lists there are, their tables and custom fields; time zones and campaigns by dbid.

Names from people never become identifiers as they are: the names of a list's table and columns are derived from them
(letters, digits, underscores), and the registry keeps what belongs together.
"""
from __future__ import annotations

import re
import unicodedata
from typing import Any, Iterable, Mapping, Sequence

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.schema import CreateIndex, CreateTable

from ocs.database.statements import Sql, Transaction
from ocs.dialing.values import CustomField
from ocs.errors import OCSError, StoreUnavailable, UnknownCallingList
from ocs.store import schema
from ocs.store.formats import REGISTRY_COLUMNS, AddColumn, field_of, registry_row
from ocs.store.records import ListTable
from ocs.store.schema import PUBLIC_COLUMNS
from ocs.store.zones import SHORT_NAMES

__all__ = ["Catalog", "add_fields", "column_names", "create_list", "identifier"]

_lists = schema.calling_lists.c
_names = Sql(select(_lists.name, _lists.list_dbid).order_by(_lists.list_dbid))
_by_name = Sql(select(_lists.list_dbid, _lists.table_name, _lists.daily_from, _lists.daily_till, _lists.tz_dbid,
                      _lists.revision).where(_lists.name == bindparam("name")))
_tables = Sql(select(_lists.table_name))
_fields = Sql(select(*(schema.custom_fields.c[name] for name in REGISTRY_COLUMNS))
              .where(schema.custom_fields.c.list_dbid == bindparam("list_dbid"))
              .order_by(schema.custom_fields.c.position))
_highest_list = Sql(select(func.max(_lists.list_dbid)))
_add_list = Sql(insert(schema.calling_lists))
_add_field = Sql(insert(schema.custom_fields))
_revise = Sql(update(schema.calling_lists).values(revision=_lists.revision + 1)
              .where(_lists.list_dbid == bindparam("k_list")))
_zones = Sql(select(schema.time_zones.c.tz_dbid, schema.time_zones.c.iana_name))
_add_zone = Sql(insert(schema.time_zones))
_campaigns = Sql(select(schema.campaigns.c.name, schema.campaigns.c.campaign_dbid))
_add_campaign = Sql(insert(schema.campaigns))
FIRST_OWN_CAMPAIGN = 1_000_001          # dbids that the store gives lie above those of a configuration


def identifier(name: str, prefix: str, taken: Iterable[str] = ()) -> str:
    """A plain lower-case identifier that reads like `name` and is not among `taken`; `prefix` where it must be told
    apart or would not begin with a letter."""
    text = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:32]
    if not text or not text[0].isalpha():
        text = f"{prefix}_{text}".rstrip("_")
    used = {other.lower() for other in taken}
    candidate, number = text, 1
    while candidate in used:
        number += 1
        candidate = f"{text}_{number}"
    return candidate


def column_names(headers: Sequence[str]) -> list[str]:
    """A column name for each header of a file, none of them public and no two the same."""
    names: list[str] = []
    for header in headers:
        name = identifier(header, "field")
        names.append(identifier(f"field_{name}" if name in PUBLIC_COLUMNS else name, "field", names))
    return names


class Catalog:
    """What the registry says, kept between transactions and refreshed when the registry has changed."""

    def __init__(self) -> None:
        self._lists: dict[str, ListTable] = {}
        self._zones: dict[int, str] = {}
        self._campaigns: dict[str, int] = {}

    def calling_list(self, work: Transaction, name: str) -> ListTable:
        """The list's table and statements; raises UnknownCallingList."""
        if name in work.known:
            found: ListTable = work.known[name]
            return found
        row = work.row(_by_name, name=name)
        if row is None:
            self._lists.pop(name, None)
            raise UnknownCallingList(f"no calling list {name!r} in the database")
        list_dbid, table_name, daily_from, daily_till, tz_dbid, revision = row
        known = self._lists.get(name)
        if known is None or (known.list_dbid, known.revision) != (list_dbid, revision):
            fields = [field_of(row) for row in work.rows(_fields, list_dbid=list_dbid)]
            known = ListTable(name, list_dbid, table_name, fields, daily_from, daily_till, tz_dbid, revision)
            self._lists[name] = known
        work.known[name] = known
        return known

    def calling_lists(self, work: Transaction) -> dict[str, tuple[CustomField, ...]]:
        """Every list with its custom fields, in column order."""
        return {name: tuple(field_of(row) for row in work.rows(_fields, list_dbid=list_dbid))
                for name, list_dbid in work.rows(_names)}

    def zones(self, work: Transaction, needed: Iterable[int] = ()) -> Mapping[int, str]:
        """tz_dbid -> IANA name of every zone that has a number; raises StoreUnavailable if one of `needed` has
        none."""
        wanted = set(needed)
        if not self._zones or not wanted <= self._zones.keys():
            self._zones = dict(work.rows(_zones))
            missing = wanted - self._zones.keys()
            if missing:
                raise StoreUnavailable(f"tz_dbid {min(missing)} is not in the table of time zones")
        return self._zones

    def zone_dbid(self, work: Transaction, iana_name: str) -> int:
        """The zone's number, a new one where it has none yet."""
        rows = dict(work.rows(_zones))
        for dbid, name in rows.items():
            if name == iana_name:
                return int(dbid)
        dbid = max([schema.DEFAULT_TZ_DBID, *rows]) + 1
        work.run(_add_zone, tz_dbid=dbid, iana_name=iana_name, alias=SHORT_NAMES.get(iana_name))
        return int(dbid)

    def campaign_dbids(self, work: Transaction, names: Iterable[str],
                       configured: Mapping[str, int]) -> Mapping[str, int]:
        """Campaign name -> dbid, for all of `names`: the one that the database has, else the configured one, else a new
        one."""
        missing = sorted(set(names) - self._campaigns.keys())
        if not missing:
            return self._campaigns
        self._campaigns = dict(work.rows(_campaigns))
        known = dict(self._campaigns)               # new ones are not kept here: this transaction may yet be undone
        for name in missing:
            if name not in known:
                dbid = configured.get(name, 0)
                if not dbid or dbid in known.values():
                    dbid = max([FIRST_OWN_CAMPAIGN - 1, *known.values()]) + 1
                work.run(_add_campaign, campaign_dbid=dbid, name=name)
                known[name] = dbid
        return known


def create_list(work: Transaction, catalog: Catalog, name: str, fields: Sequence[CustomField] = (),
                daily_from: int = schema.DEFAULT_DAILY_FROM, daily_till: int = schema.DEFAULT_DAILY_TILL,
                tz_name: str = schema.DEFAULT_TZ_NAME) -> ListTable:
    """Make a calling list: its row in the registry and its table. Raises OCSError if there is one of that name, or for
    a field that cannot be a column."""
    if not name.strip() or len(name) > 255:
        raise OCSError("the name of a calling list has 1 to 255 characters")
    if work.row(_by_name, name=name) is not None:
        raise OCSError(f"there is a calling list {name!r} already")
    (highest,), = work.rows(_highest_list)
    list_dbid = (highest or 100) + 1
    table_name = identifier(f"cl_{name}", "cl", [table for table, in work.rows(_tables)])
    try:
        made = ListTable(name, list_dbid, table_name, fields, daily_from, daily_till,
                         catalog.zone_dbid(work, tz_name), 1)
    except ValueError as error:
        raise OCSError(f"calling list {name!r}: {error}") from None
    work.run(_add_list, list_dbid=list_dbid, name=name, table_name=table_name, daily_from=daily_from,
             daily_till=daily_till, tz_dbid=made.tz_dbid, revision=1)
    work.run_many(_add_field, _field_rows(list_dbid, fields, 1))
    work.define(CreateTable(made.table))
    for index in sorted(made.table.indexes, key=lambda index: str(index.name)):
        work.define(CreateIndex(index))
    return made


def add_fields(work: Transaction, catalog: Catalog, name: str, fields: Sequence[CustomField]) -> ListTable:
    """Give a list more custom columns, in its records their default or null. Raises OCSError for one that cannot be a
    column, and for one that needs a value and has no default."""
    old = catalog.calling_list(work, name)
    try:
        wider = ListTable(name, old.list_dbid, old.table.name, old.fields + tuple(fields), old.daily_from,
                          old.daily_till, old.tz_dbid, old.revision + 1)
    except ValueError as error:
        raise OCSError(f"calling list {name!r}: {error}") from None
    for field in fields:
        if not field.nullable and field.default is None:
            raise OCSError(f"calling list {name!r}: field {field.name!r} needs a default, for the records that are there")
        work.define(AddColumn(wider.table.c[field.name]))
    work.run_many(_add_field, _field_rows(old.list_dbid, fields, len(old.fields) + 1))
    work.run(_revise, k_list=old.list_dbid)
    work.known[name] = wider
    return wider


def _field_rows(list_dbid: int, fields: Sequence[CustomField], first: int) -> list[dict[str, Any]]:
    return [{"list_dbid": list_dbid, "position": position, **registry_row(field)}
            for position, field in enumerate(fields, first)]
