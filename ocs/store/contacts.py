"""Contacts from a CSV file into a calling list.

An import is all there or not at all. On SQLite first the whole file is read and checked, without the database: good contacts
go to a temporary file, faults to the report. Then, if nothing is wrong or the user said `skip_bad`, one transaction loads
them, so the database is locked for the loading only. PostgreSQL, which keeps nobody out, takes the contacts while they are
checked, in a transaction that is undone if the file is refused; unless the list needs new columns.

Rules. A contact is a row; its phones are one chain, in the order of the columns. A time zone in the file is
authoritative; that it differs from where the number belongs is only counted. Without one the number's own zone is taken;
of several the list's default if it is among them, else the first. A row without a usable phone, with an unknown zone or
an impossible window is bad. One bad phone beside good ones is a fault too: with `skip_bad` the contact is imported with
the phones that are good. A phone that is repeated in the file is imported, and counted.
"""
from __future__ import annotations

import csv
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy.engine import URL

from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.statements import Transaction
from ocs.dialing.values import CustomField
from ocs.errors import OCSError, UnknownCallingList
from ocs.store.adding import number_alone
from ocs.store.checking import Checked, CheckedContact, Defaults, Fault
from ocs.store.columns import map_columns
from ocs.store.csv_file import CsvFile, Row
from ocs.store.formats import typed_fields
from ocs.store.loading import insert_rows
from ocs.store.phones import known_region
from ocs.store.records import ListTable
from ocs.store.registry import Catalog, add_fields, create_list
from ocs.store.schema import DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL, DEFAULT_TZ_NAME
from ocs.store.spool import Spool
from ocs.store.versions import check_version
from ocs.store.zones import zone_name

__all__ = ["Fault", "ImportOptions", "ImportRefused", "ImportReport", "Progress", "bad_rows_writer", "import_contacts"]

Progress = Callable[[str, int, int], None]      # stage ("checking", "loading"), done, total; units of the stage's own


@dataclass(frozen=True)
class ImportOptions:
    """How to read the file. Windows in seconds after local midnight; None = the list's default."""

    region: str = "US"                                          # of numbers without +
    mapping: tuple[tuple[str, str], ...] = ()                   # (field, header): overrides of what headers mean
    default_timezone: str | None = None
    daily_from: int | None = None
    daily_till: int | None = None
    encoding: str = "utf-8"
    skip_bad: bool = False
    bad_rows: Path | None = None                                # where to write the rows with faults, as CSV
    fields: tuple[CustomField, ...] = ()                        # columns that are more than text, by their names in the list


@dataclass(frozen=True)
class ImportReport:
    """What an import found and did. `zones` counts records by where their zone comes from: `file`, `number`, `ambiguous`
    (one of several that the number may be in), `default` (the number tells none); `conflict` those of `file` whose number
    belongs elsewhere."""

    calling_list: str
    path: str
    created: bool = False
    imported: bool = False
    rows: int = 0                                               # contacts in the file, bad ones included
    contacts: int = 0                                           # chains that are good
    records: int = 0                                            # phones in them
    bad_rows: int = 0
    bad_phones: int = 0                                         # left out of contacts that are good otherwise
    repeated_phones: int = 0
    zones: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)       # header -> what it was taken for
    faults: tuple[Fault, ...] = ()                              # the first 1,000
    repeated: tuple[tuple[int, int], ...] = ()                  # (line, line where the phone came first); 1,000
    records_before: int = 0
    seconds: float = 0.0


class ImportRefused(OCSError):
    """The file has faults and nothing was imported; `report` has them."""

    def __init__(self, report: ImportReport) -> None:
        shown = "; ".join(f"line {fault.line}: {fault.reason}" for fault in report.faults[:3])
        count = report.bad_rows + report.bad_phones
        more = f"; and {count - 3} more" if count > 3 else ""
        super().__init__(f"{report.path}: {report.bad_rows} of {report.rows} contacts are bad"
                         + (f", {report.bad_phones} more have a bad phone" if report.bad_phones else "")
                         + f"; nothing was imported ({shown}{more})")
        self.report = report


def import_contacts(database: str | URL | Backend, calling_list: str, path: Path,
                    options: ImportOptions = ImportOptions(), progress: Progress | None = None) -> ImportReport:
    """Read `path` into the calling list, which is made if it is not there and added to if it is.

    Blocks; for the command line or a worker thread. Raises ImportRefused where the file has faults and `skip_bad` is not
    set, or no contact is good; OCSError for a file or an option that cannot be used; StoreUnavailable."""
    started = time.monotonic()
    tell = progress or (lambda stage, done, total: None)
    backend = backend_for(database)
    catalog = Catalog()
    existing = _existing(backend, catalog, calling_list)
    defaults = _defaults(options, existing, backend, catalog)
    with ExitStack() as stack:
        file = stack.enter_context(CsvFile(path, options.encoding))
        columns = map_columns(file.headers, options.mapping)
        typed, more = typed_fields([custom for _, custom in columns.fields], options.fields,
                                   () if existing is None else existing.fields)
        columns = replace(columns, fields=tuple(zip([index for index, _ in columns.fields], typed)))
        checked = Checked(columns, options.region, defaults)
        contacts = _checked(file, checked, bad_rows_writer(stack, options.bad_rows, path, file.headers), tell)

        def report() -> dict[str, Any]:
            """What was found; ImportRefused where it is not to be imported."""
            found = checked.report(calling_list, str(path), file.headers)
            found["seconds"] = time.monotonic() - started
            if not checked.contacts or (checked.faults and not options.skip_bad):
                raise ImportRefused(ImportReport(**found))
            return found

        def load(good: Iterable[CheckedContact], zones: Mapping[str, int] | None) -> dict[str, Any]:
            with transaction(backend) as work:
                if zones is None:
                    zones = {zone: catalog.zone_dbid(work, zone) for zone in sorted(checked.zones_used)}
                loaded = _load(work, catalog, calling_list, typed, more, defaults, zones, good)
                found = report()
                tell("loading", checked.contacts, checked.contacts)
                return {**found, **loaded}

        if backend.loads_beside_others and _has_columns(existing, typed + more):
            zones = _Zones(backend)
            zones[defaults.zone]        # before the transaction: it would wait for itself
            done = load(contacts, zones)
        else:
            spool: Spool[tuple[Any, ...]] = stack.enter_context(Spool())
            for contact in contacts:
                spool.add(tuple(contact))
            report()
            done = load(_told((CheckedContact(*values) for values in spool), checked.contacts, tell), None)
    return ImportReport(**{**done, "imported": True, "seconds": time.monotonic() - started})


class _Zones(dict[str, int]):
    """Zone -> tz_dbid, new ones made in transactions of their own: a zone that has a number hurts nobody."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    def __missing__(self, zone: str) -> int:
        with transaction(self._backend) as work:
            self[zone] = Catalog().zone_dbid(work, zone)
        return self[zone]


def _has_columns(existing: ListTable | None, fields: Iterable[CustomField]) -> bool:
    """Whether nothing is to be changed of a table that is in use: nobody could read it until the file is read."""
    return existing is None or {one.name for one in fields} <= {one.name for one in existing.fields}


def _existing(backend: Backend, catalog: Catalog, name: str) -> ListTable | None:
    with transaction(backend, write=False) as work:
        check_version(work)
        try:
            return catalog.calling_list(work, name)
        except UnknownCallingList:
            return None


def _defaults(options: ImportOptions, existing: ListTable | None, backend: Backend, catalog: Catalog) -> Defaults:
    if not known_region(options.region):
        raise OCSError(f"region {options.region!r} is not a country code like US, GB, DE")
    daily_from, daily_till, zone = DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL, DEFAULT_TZ_NAME
    if existing is not None:
        with transaction(backend, write=False) as work:
            zone = catalog.zones(work, [existing.tz_dbid])[existing.tz_dbid]
        daily_from, daily_till = existing.daily_from, existing.daily_till
    if options.default_timezone is not None:
        given = zone_name(options.default_timezone)
        if given is None:
            raise OCSError(f"default time zone {options.default_timezone!r} is unknown; use a name like America/New_York")
        zone = given
    daily_from = daily_from if options.daily_from is None else options.daily_from
    daily_till = daily_till if options.daily_till is None else options.daily_till
    if not 0 <= daily_from < daily_till <= 86_400:
        raise OCSError(f"daily window {daily_from} to {daily_till} (seconds after midnight) is never open")
    return Defaults(daily_from, daily_till, zone)


def bad_rows_writer(stack: ExitStack, target: Path | None, source: Path,
                    headers: Sequence[str]) -> Callable[[Row, str], None]:
    """Writes rows with their line and fault to `target`, which stays open as long as `stack`; nothing without one."""
    if target is None:
        return lambda row, reason: None
    try:
        if target.exists() and target.samefile(source):
            raise OCSError(f"{target}: the file that is read cannot take the bad rows")
        file = stack.enter_context(target.open("w", newline="", encoding="utf-8"))
    except OSError as error:
        raise OCSError(f"{target}: {error.strerror}") from None
    writer = csv.writer(file)
    writer.writerow(["line", "reason", *headers])
    return lambda row, reason: writer.writerow([row.line, reason, *row.values])


def _checked(file: CsvFile, checked: Checked, bad: Callable[[Row, str], None], tell: Progress) -> Iterator[CheckedContact]:
    for row in file:
        contact, reason = checked.add(row)
        if reason:
            bad(row, reason)
        if contact is not None:
            yield contact
        if checked.rows % 1_000 == 0:
            tell("checking", file.position, file.size)
    tell("checking", file.size, file.size)


def _told(contacts: Iterable[CheckedContact], count: int, tell: Progress) -> Iterator[CheckedContact]:
    for done, contact in enumerate(contacts, 1):
        yield contact
        if done % 1_000 == 0:
            tell("loading", done, count)


def _load(work: Transaction, catalog: Catalog, name: str, fields: tuple[CustomField, ...], more: tuple[CustomField, ...],
          defaults: Defaults, zones: Mapping[str, int], contacts: Iterable[CheckedContact]) -> dict[str, Any]:
    created = False
    try:
        calling_list = catalog.calling_list(work, name)
    except UnknownCallingList:
        calling_list, created = create_list(work, catalog, name, fields + more, defaults.daily_from, defaults.daily_till,
                                            defaults.zone), True
    else:
        known = {custom.name for custom in calling_list.fields}
        missing = [custom for custom in fields + more if custom.name not in known]
        if missing:
            calling_list = add_fields(work, catalog, name, missing)
    number_alone(work, calling_list)
    (before,) = work.row(calling_list.count) or (0,)
    record_id, chain_id = (highest or 0 for highest in work.row(calling_list.highest_ids) or (0, 0))
    names = ("record_id", "chain_id", "chain_n", "contact_info", "contact_info_type", "tz_dbid", "daily_from",
             "daily_till", *(custom.name for custom in fields))
    insert_rows(work, calling_list, names, _rows(record_id, chain_id, zones, contacts))
    return {"created": created, "records_before": before}


def _rows(record_id: int, chain_id: int, zones: Mapping[str, int],
          contacts: Iterable[CheckedContact]) -> Iterator[tuple[Any, ...]]:
    """Rows of the table, numbered on from the highest ids; while the driver takes them, the cursor is busy and no statement
    can run on it."""
    for daily_from, daily_till, phones, values in contacts:
        chain_id += 1
        for chain_n, (phone, info_type, zone) in enumerate(phones, 1):
            record_id += 1
            yield (record_id, chain_id, chain_n, phone, info_type, zones[zone], daily_from, daily_till, *values)
