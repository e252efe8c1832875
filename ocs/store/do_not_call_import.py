"""The do-not-call list from the outside: entries from files, one entry added, removed or looked up; by blocking calls.

A file has a phone column or a customer id column, or both, under their usual names; or it is a plain list of numbers,
one a line, without a header. First the whole file is checked, without the database. What is good waits in memory: phones
as numbers of a few octets each, which drops repetitions and gives them back in ascending order, so that the database
fills its index from one end. Then one transaction puts everything on the list, or nothing; an entry that is on the list
already stays as it is. On SQLite the database is locked for the length of that transaction.

A number that is written in E.164 is taken as it is: to block one that does not exist harms nobody. Others are
read by the rules of their country.
"""
from __future__ import annotations

import json
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from sqlalchemy import ARRAY, String, bindparam, column, func, literal_column, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.expression import ClauseElement, ColumnElement

from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.statements import Sql, Transaction
from ocs.dialing.dnc.identifiers import IdentifierSet
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError
from ocs.store import schema
from ocs.store.checking import Fault
from ocs.store.contacts import Progress, bad_rows_writer
from ocs.store.csv_file import CsvFile
from ocs.store.do_not_call import Act, ListedEntry, add_do_not_call, audit, entries_of, remove_entries
from ocs.store.do_not_call_file import FoundEntries, columns_of, rows_of
from ocs.store.phones import known_region
from ocs.store.plain_numbers import plain_numbers
from ocs.store.registry import Catalog
from ocs.store.versions import check_version

__all__ = ["DoNotCallImport", "DoNotCallOptions", "DoNotCallRefused", "Who", "add_one", "add_phones",
           "import_do_not_call", "look_up", "remove_one"]

TENANT = 1
_BATCH = 10_000


@dataclass(frozen=True)
class DoNotCallOptions:
    """How to read numbers and files, and for whom entries count. `campaign` None = every campaign; `everyone` = for every
    tenant, too. `who` and `why` are for the audit trail."""

    region: str = "US"
    campaign: str | None = None
    message: str = ""
    encoding: str = "utf-8"
    skip_bad: bool = False
    bad_rows: Path | None = None
    tenant_dbid: int = TENANT
    everyone: bool = False
    who: str = ""
    why: str = ""


@dataclass(frozen=True)
class DoNotCallImport:
    """What an import found and did."""

    path: str
    imported: bool = False
    rows: int = 0
    added: int = 0                  # entries that are new on the list
    known: int = 0                  # good entries that were there already, or came twice
    bad_rows: int = 0
    faults: tuple[Fault, ...] = ()  # the first 1,000
    seconds: float = 0.0


class DoNotCallRefused(OCSError):
    """The file has faults and nothing was imported; `report` has them."""

    def __init__(self, report: DoNotCallImport) -> None:
        shown = "; ".join(f"line {fault.line}: {fault.reason}" for fault in report.faults[:3])
        super().__init__(f"{report.path}: {report.bad_rows} of {report.rows} entries are bad; nothing was imported"
                         + (f" ({shown})" if shown else ""))
        self.report = report


@dataclass(frozen=True)
class Who:
    """What an entry is known by: a phone in E.164, or a customer id."""

    phone: str | None = None
    customer_id: str | None = None


def import_do_not_call(database: str | URL | Backend, path: Path, options: DoNotCallOptions = DoNotCallOptions(),
                       progress: Progress | None = None) -> DoNotCallImport:
    """Put the file's entries on the list. Blocks. Raises DoNotCallRefused where the file has faults and `skip_bad` is not
    set, or nothing in it is good; OCSError; StoreUnavailable."""
    started, now = time.monotonic(), time.time()
    tell = progress or (lambda stage, done, total: None)
    backend = _checked_backend(database, options.region)
    with ExitStack() as stack:
        file = stack.enter_context(CsvFile(path, options.encoding))
        columns = columns_of(file.headers, options.region)
        found = FoundEntries(columns, options.region, bad_rows_writer(stack, options.bad_rows, path, file.headers))
        if len(file.headers) == 1 and columns.phones:
            for numbers, position in plain_numbers(path, header=not columns.headless):
                found.take_plain(numbers)
                tell("checking", position, file.size)
        plain = found.rows                      # what is behind them is read row by row
        if plain == 0 or position < file.size:
            for count, row in enumerate(rows_of(file, columns)):
                if count >= plain:
                    found.take(row)
                    if not found.rows % _BATCH:
                        tell("checking", file.position, file.size)
        phones, customer_ids = found.finish()
        report = DoNotCallImport(str(path), rows=found.rows, bad_rows=found.bad, faults=tuple(found.faults),
                                 seconds=time.monotonic() - started)
        if not found.good or (found.bad and not options.skip_bad):
            raise DoNotCallRefused(report)
    total = len(phones) + len(customer_ids)
    with transaction(backend) as work:
        campaign = _campaign_dbid(work, options)
        tenant, import_id = 0 if options.everyone else options.tenant_dbid, secrets.randbits(62)
        rest = {"message": options.message[:255] or None, "tenant": tenant, "campaign": campaign, "now": int(now),
                "import_id": import_id}
        added = _insert(work, {"phone": phones, "customer_id": customer_ids}, rest, lambda done: tell("loading", done, total))
        audit(work, "import", Act(now, options.who, options.why or options.message, str(path.absolute())),
              tenant_dbid=tenant, campaign_dbid=campaign, import_id=import_id, entries=added)
        tell("committing", 0, 0)
    return replace(report, imported=True, added=added, known=found.good - added, seconds=time.monotonic() - started)


def add_one(database: str | URL | Backend, entry: Who, options: DoNotCallOptions = DoNotCallOptions()) -> bool:
    """Put one phone or customer id on the list; False if it was there in this scope. Raises StoreUnavailable."""
    with transaction(_checked_backend(database, options.region)) as work:
        return _add_all(work, [entry], options) == 1


def _add_all(work: Transaction, entries: Sequence[Who], options: DoNotCallOptions) -> int:
    now, dbids = int(time.time()), {options.campaign or "": _campaign_dbid(work, options)}
    listed = [DoNotCallEntry(one.phone, one.customer_id, options.campaign, options.message, time_stamp=now,
                             requested_by=options.who, origin="command") for one in entries]
    return add_do_not_call(work, listed, dbids, 0 if options.everyone else options.tenant_dbid)


def add_phones(database: str | URL | Backend, table: str, options: DoNotCallOptions = DoNotCallOptions(), *,
               record_id: int | None = None, chain_id: int | None = None) -> dict[str, int]:
    """Put the phone of a record, or those of a chain, of this table on the list: how many `phones` there are, how many were
    `added`. Raises OCSError where there is no such record or chain, UnknownCallingList, StoreUnavailable."""
    with transaction(_checked_backend(database, options.region)) as work:
        columns = Catalog().calling_list(work, table).table.c
        column, wanted = (columns.record_id, record_id) if chain_id is None else (columns.chain_id, chain_id)
        phones = [phone for phone, in work.rows(Sql(select(columns.contact_info).where(
            column == bindparam("wanted")).order_by(columns.chain_n)), wanted=wanted)]
        if not phones:
            raise OCSError(f"calling list {table!r} has no {'record' if chain_id is None else 'chain'} {wanted}")
        entries = [Who(phone=phone) for phone in dict.fromkeys(phones)]
        return {"phones": len(entries), "added": _add_all(work, entries, options)}


def remove_one(database: str | URL | Backend, entry: Who, options: DoNotCallOptions = DoNotCallOptions()) -> int:
    """Take one phone or customer id off the list: out of the scope of the campaign that is given, else out of every scope.
    How many entries it was taken from. Raises StoreUnavailable."""
    backend = _checked_backend(database, options.region)
    act = Act(time.time(), options.who, options.why or options.message, "command")
    with transaction(backend) as work:
        campaign = None if options.campaign is None else _campaign_dbid(work, options)
        return remove_entries(work, act, options.tenant_dbid, phone=entry.phone, customer_id=entry.customer_id,
                              campaign_dbid=campaign)


def look_up(database: str | URL | Backend, entry: Who, options: DoNotCallOptions = DoNotCallOptions()) -> list[ListedEntry]:
    """The entries that block a phone or a customer id. Raises StoreUnavailable."""
    backend = _checked_backend(database, options.region)
    with transaction(backend, write=False) as work:
        return entries_of(work, options.tenant_dbid, phone=entry.phone, customer_id=entry.customer_id)


def _checked_backend(database: str | URL | Backend, region: str) -> Backend:
    if not known_region(region):
        raise OCSError(f"region {region!r} is not a country code like US, GB, DE")
    backend = backend_for(database)
    with transaction(backend, write=False) as work:
        check_version(work)
    return backend


def _campaign_dbid(work: Transaction, options: DoNotCallOptions) -> int:
    if options.campaign is None:
        return 0
    return Catalog().campaign_dbids(work, [options.campaign], {})[options.campaign]


def _adding(name: str) -> Sql:
    """Put many entries in that are not there and differ in this column only: its values are one parameter, `texts`. With a
    row of parameters for each it would take three times as long."""
    table = schema.do_not_call
    values: dict[str, ColumnElement[Any]] = {
        "dnc_message": bindparam("message"), "tenant_dbid": bindparam("tenant"), "campaign_dbid": bindparam("campaign"),
        "list_dbid": literal_column("0"), "is_internal": literal_column("0"), "time_stamp": bindparam("now"),
        "ocs_import_id": bindparam("import_id")}

    def build(dialect: Dialect) -> ClauseElement:
        if dialect.name == "postgresql":
            rows = select(func.unnest(bindparam("texts", type_=ARRAY(String))), *values.values())
            return postgresql.insert(table).from_select([name, *values], rows).on_conflict_do_nothing()
        rows = select(column("value"), *values.values()).select_from(func.json_each(bindparam("texts")))
        # without a WHERE it takes ON for the condition of a join
        return sqlite.insert(table).from_select([name, *values], rows.where(true())).on_conflict_do_nothing()
    return Sql(build)


_ADDING = {"phone": _adding("phone"), "customer_id": _adding("customer_id")}


def _insert(work: Transaction, entries: Mapping[str, IdentifierSet], rest: Mapping[str, Any], tell: Callable[[int], None]) -> int:
    """Put entries in that are not there, by the name of their column; how many were new."""
    added = done = 0
    for name, texts in entries.items():
        remaining = iter(texts)
        while batch := list(islice(remaining, _BATCH)):
            given = batch if work.dialect.name == "postgresql" else json.dumps(batch)
            added += work.run(_ADDING[name], texts=given, **rest)
            done += len(batch)
            tell(done)
    return added
