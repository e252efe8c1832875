"""Contacts from a CSV file into a calling list.

First the whole file is read and checked, without the database: good contacts go to a temporary file, faults to the
report. Then, if nothing is wrong or the user said `skip_bad`, one transaction loads them, so the database is locked for
the loading only and an import is all there or not at all.

Rules. A contact is a row; its phones are one chain, in the order of the columns. A time zone in the file is
authoritative; that it differs from where the number belongs is only counted. Without one the number's own zone is taken;
of several the list's default if it is among them, else the first. A row without a usable phone, with an unknown zone or
an impossible window is bad. One bad phone beside good ones is a fault too: with `skip_bad` the contact is imported with
the phones that are good. A phone that is repeated in the file is imported, and counted.
"""
from __future__ import annotations

import csv
import pickle
import re
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Mapping, Sequence

from sqlalchemy.engine import URL

from ocs.dialing.values import CustomField
from ocs.errors import OCSError, UnknownCallingList
from ocs.store.backend import SqliteBackend, backend_for, transaction
from ocs.store.columns import ColumnMap, map_columns
from ocs.store.csv_file import CsvFile, Row
from ocs.store.loading import insert_rows
from ocs.store.phones import BadNumber, known_region, parse_phone
from ocs.store.records import ListTable
from ocs.store.registry import Catalog, add_fields, create_list
from ocs.store.schema import DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL, DEFAULT_TZ_NAME
from ocs.store.statements import Transaction
from ocs.store.versions import check_version
from ocs.store.zones import same_time, zone_name

__all__ = ["Fault", "ImportOptions", "ImportRefused", "ImportReport", "Progress", "import_contacts", "parse_daily_time"]

Progress = Callable[[str, int, int], None]      # stage ("checking", "loading"), done, total; units of the stage's own
_KEPT = 1_000                                   # faults and repeated phones that a report keeps; all are counted
_BATCH = 1_000                                  # contacts in one batch of the temporary file


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


@dataclass(frozen=True)
class Fault:
    """What is wrong on one line. `kept`: the contact was good enough to import without what is wrong."""

    line: int
    reason: str
    kept: bool = False


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


def import_contacts(database: str | URL | SqliteBackend, calling_list: str, path: Path,
                    options: ImportOptions = ImportOptions(), progress: Progress | None = None) -> ImportReport:
    """Read `path` into the calling list, which is made if it is not there and added to if it is.

    Blocks; for the command line or a worker thread. Raises ImportRefused where the file has faults and `skip_bad` is not
    set, or no contact is good; OCSError for a file or an option that cannot be used; StoreUnavailable."""
    started = time.monotonic()
    tell = progress or (lambda stage, done, total: None)
    backend = database if isinstance(database, SqliteBackend) else backend_for(database)
    catalog = Catalog()
    existing = _existing(backend, catalog, calling_list)
    defaults = _defaults(options, existing, backend, catalog)
    with ExitStack() as stack:
        file = stack.enter_context(CsvFile(path, options.encoding))
        columns = map_columns(file.headers, options.mapping)
        spool = stack.enter_context(tempfile.TemporaryFile())
        checked = _Checked(columns, options.region, defaults)
        _check(file, checked, spool, _bad_rows_writer(stack, options, path, file.headers), tell)
        refused = not checked.contacts or (checked.faults and not options.skip_bad)
        report = checked.report(calling_list, str(path), file.headers)
        if refused:
            raise ImportRefused(ImportReport(**{**report, "seconds": time.monotonic() - started}))
        spool.seek(0)
        with transaction(backend) as work:
            loaded = _load(work, catalog, calling_list, columns, defaults, checked, spool, tell)
    return ImportReport(**{**report, **loaded, "imported": True, "seconds": time.monotonic() - started})


def parse_daily_time(text: str) -> int | None:
    """Seconds after midnight from "08:00", "08:00:30" or "28800"; None for anything else, and beyond 24:00."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", text.strip(), re.ASCII)
    if match is not None:
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    elif re.fullmatch(r"\d{1,5}", text.strip(), re.ASCII):
        seconds = int(text)
    else:
        return None
    return seconds if seconds <= 86_400 else None


@dataclass(frozen=True)
class _Defaults:
    daily_from: int
    daily_till: int
    zone: str


def _existing(backend: SqliteBackend, catalog: Catalog, name: str) -> ListTable | None:
    with transaction(backend, write=False) as work:
        check_version(work)
        try:
            return catalog.calling_list(work, name)
        except UnknownCallingList:
            return None


def _defaults(options: ImportOptions, existing: ListTable | None, backend: SqliteBackend, catalog: Catalog) -> _Defaults:
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
    return _Defaults(daily_from, daily_till, zone)


def _bad_rows_writer(stack: ExitStack, options: ImportOptions, path: Path,
                     headers: Sequence[str]) -> Callable[[Row, str], None]:
    if options.bad_rows is None:
        return lambda row, reason: None
    try:
        if options.bad_rows.exists() and options.bad_rows.samefile(path):
            raise OCSError(f"{options.bad_rows}: the file that is read cannot take the bad rows")
        file = stack.enter_context(options.bad_rows.open("w", newline="", encoding="utf-8"))
    except OSError as error:
        raise OCSError(f"{options.bad_rows}: {error.strerror}") from None
    writer = csv.writer(file)
    writer.writerow(["line", "reason", *headers])
    return lambda row, reason: writer.writerow([row.line, reason, *row.values])


def _check(file: CsvFile, checked: "_Checked", spool: IO[bytes], bad: Callable[[Row, str], None], tell: Progress) -> None:
    batch: list[Any] = []
    for row in file:
        contact, reason = checked.add(row)
        if reason:
            bad(row, reason)
        if contact is not None:
            batch.append(contact)
        if len(batch) == _BATCH:
            pickle.dump(batch, spool)
            batch = []
        if checked.rows % _BATCH == 0:
            tell("checking", file.position, file.size)
    if batch:
        pickle.dump(batch, spool)
    tell("checking", file.size, file.size)


class _Checked:
    """Rows turned into contacts, with everything that a report counts."""

    def __init__(self, columns: ColumnMap, region: str, defaults: _Defaults) -> None:
        self._columns, self._region, self._defaults = columns, region, defaults
        self._width = max([index for index, _ in columns.phones] + [index for index, _ in columns.fields]
                          + [index or 0 for index in (columns.timezone, columns.daily_from, columns.daily_till)]) + 1
        self.rows = self.contacts = self.records = self.bad_rows = self.bad_phones = self.repeats = 0
        self.faults: list[Fault] = []
        self._repeated: list[tuple[int, int]] = []
        self._lines: dict[str, int] = {}
        self.zones_used: set[str] = set()
        self._zones = dict.fromkeys(("file", "number", "ambiguous", "default", "conflict"), 0)

    def add(self, row: Row) -> tuple[Any, str]:
        """The contact of a row as (daily_from, daily_till, phones, custom values), phones being (E.164, type, zone); None
        where it is bad. And what is wrong with it, "" = nothing."""
        self.rows += 1
        try:
            contact, reasons = self._contact(row)
        except _BadRow as error:
            self.bad_rows += 1
            self._fault(row, str(error), kept=False)
            return None, str(error)
        self.contacts += 1
        self.records += len(contact[2])
        reason = "; ".join(reasons)
        if reasons:
            self.bad_phones += len(reasons)
            self._fault(row, reason, kept=True)
        return contact, reason

    def report(self, calling_list: str, path: str, headers: Sequence[str]) -> dict[str, Any]:
        """The fields of an ImportReport."""
        return {"calling_list": calling_list, "path": path, "rows": self.rows, "contacts": self.contacts,
                "records": self.records, "bad_rows": self.bad_rows, "bad_phones": self.bad_phones,
                "repeated_phones": self.repeats, "zones": self._zones, "columns": self._columns.meanings(headers),
                "faults": tuple(self.faults), "repeated": tuple(self._repeated)}

    def _fault(self, row: Row, reason: str, kept: bool) -> None:
        if len(self.faults) < _KEPT:
            self.faults.append(Fault(row.line, reason, kept))

    def _contact(self, row: Row) -> tuple[Any, list[str]]:
        if row.fault:
            raise _BadRow(row.fault)
        values = [value.strip() for value in row.values]
        values += [""] * (self._width - len(values))            # programs leave trailing empty values out
        zone = self._zone(values)
        daily_from = self._daily(values, self._columns.daily_from, "daily_from", self._defaults.daily_from)
        daily_till = self._daily(values, self._columns.daily_till, "daily_till", self._defaults.daily_till)
        if daily_from >= daily_till:
            raise _BadRow(f"the daily window from {daily_from} to {daily_till} (seconds after midnight) is never open")
        fields = tuple([self._field(values[index], custom) for index, custom in self._columns.fields])
        phones, reasons = self._phones(row, values, zone)
        return (daily_from, daily_till, phones, fields), reasons

    def _zone(self, values: list[str]) -> str | None:
        text = "" if self._columns.timezone is None else values[self._columns.timezone]
        if not text:
            return None
        zone = zone_name(text)
        if zone is None:
            raise _BadRow(f"time zone {text[:64]!r} is unknown; use a name like America/New_York")
        return zone

    @staticmethod
    def _daily(values: list[str], index: int | None, name: str, default: int) -> int:
        if index is None or not values[index]:
            return default
        seconds = parse_daily_time(values[index])
        if seconds is None:
            raise _BadRow(f"{name} {values[index][:32]!r} is neither a time like 08:00 nor seconds after midnight")
        return seconds

    @staticmethod
    def _field(value: str, custom: CustomField) -> str | None:
        if len(value) > custom.length:
            raise _BadRow(f"{custom.name} has {len(value)} characters, {custom.length} are possible")
        return value or None

    def _phones(self, row: Row, values: list[str], zone: str | None) -> tuple[list[tuple[str, int, str]], list[str]]:
        phones: list[tuple[str, int, str]] = []
        parsed, reasons = [], []
        for index, kind in self._columns.phones:
            if values[index]:
                try:
                    parsed.append((parse_phone(values[index], self._region), int(kind)))
                except BadNumber as error:
                    reasons.append(f"phone {error}")
        if not parsed:
            raise _BadRow("; ".join(reasons) or "no phone")
        for phone, info_type in parsed:
            place = self._place(phone.zones, zone)
            self.zones_used.add(place)
            phones.append((phone.e164, info_type, place))
            first = self._lines.setdefault(phone.e164, row.line)
            if first != row.line or sum(phone.e164 == other.e164 for other, _ in parsed[:len(phones)]) > 1:
                self.repeats += 1
                if len(self._repeated) < _KEPT:
                    self._repeated.append((row.line, first))
        return phones, reasons

    def _place(self, candidates: tuple[str, ...], given: str | None) -> str:
        if given is not None:
            self._zones["file"] += 1
            self._zones["conflict"] += bool(candidates) and not same_time(given, candidates)
            return given
        if not candidates:
            self._zones["default"] += 1
            return self._defaults.zone
        self._zones["number" if len(candidates) == 1 else "ambiguous"] += 1
        return self._defaults.zone if self._defaults.zone in candidates else candidates[0]


class _BadRow(Exception):
    """Why a row cannot be imported."""


def _load(work: Transaction, catalog: Catalog, name: str, columns: ColumnMap, defaults: _Defaults,
          checked: _Checked, spool: IO[bytes], tell: Progress) -> dict[str, Any]:
    fields = [custom for _, custom in columns.fields]
    created = False
    try:
        calling_list = catalog.calling_list(work, name)
    except UnknownCallingList:
        calling_list, created = create_list(work, catalog, name, fields, defaults.daily_from, defaults.daily_till,
                                            defaults.zone), True
    else:
        known = {custom.name for custom in calling_list.fields}
        missing = [custom for custom in fields if custom.name not in known]
        if missing:
            calling_list = add_fields(work, catalog, name, missing)
    (before,) = work.row(calling_list.count) or (0,)
    record_id, chain_id = (highest or 0 for highest in work.row(calling_list.highest_ids) or (0, 0))
    zones = {zone: catalog.zone_dbid(work, zone) for zone in sorted(checked.zones_used)}
    names = ("record_id", "chain_id", "chain_n", "contact_info", "contact_info_type", "tz_dbid", "daily_from",
             "daily_till", *(custom.name for custom in fields))
    insert_rows(work, calling_list, names, _rows(record_id, chain_id, zones, spool, checked.contacts, tell))
    return {"created": created, "records_before": before}


def _rows(record_id: int, chain_id: int, zones: Mapping[str, int], spool: IO[bytes], contacts: int,
          tell: Progress) -> Iterator[tuple[Any, ...]]:
    """Rows of the table from the temporary file, numbered on from the highest ids; while the driver takes them, the
    cursor is busy and no statement can run."""
    done = 0
    while done < contacts:
        for daily_from, daily_till, phones, values in pickle.load(spool):
            chain_id += 1
            for chain_n, (phone, info_type, zone) in enumerate(phones, 1):
                record_id += 1
                yield (record_id, chain_id, chain_n, phone, info_type, zones[zone], daily_from, daily_till, *values)
            done += 1
        tell("loading", done, contacts)
