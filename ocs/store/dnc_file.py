"""The do-not-call list from the outside: entries from files, one number added, removed or looked up.

A file has a phone column or a customer id column, or both, under their usual names; or it is a plain list of numbers,
one a line, without a header. Import is all or nothing unless the user skips what is bad; an entry that is on the list
already stays as it is.
"""
from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterator, Sequence

from sqlalchemy.engine import URL

from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError
from ocs.store.attempts import add_do_not_call, do_not_call_of_phone, remove_do_not_call
from ocs.store.backend import Backend, backend_for, transaction
from ocs.store.checking import FAULTS_KEPT, BadRow, Fault
from ocs.store.columns import phone_kind
from ocs.store.contacts import Progress, bad_rows_writer
from ocs.store.csv_file import CsvFile, Row
from ocs.store.phones import BadNumber, known_region, parse_phone
from ocs.store.registry import Catalog
from ocs.store.spool import Spool
from ocs.store.versions import check_version

__all__ = ["DoNotCallImport", "DoNotCallOptions", "DoNotCallRefused", "add_number", "entries_of_number",
           "import_do_not_call", "remove_number"]

_TENANT = 1
_BATCH = 10_000


@dataclass(frozen=True)
class DoNotCallOptions:
    """How to read the file. `campaign` None = every campaign."""

    region: str = "US"
    campaign: str | None = None
    message: str = ""
    encoding: str = "utf-8"
    skip_bad: bool = False
    bad_rows: Path | None = None


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


def import_do_not_call(database: str | URL | Backend, path: Path, options: DoNotCallOptions = DoNotCallOptions(),
                       progress: Progress | None = None) -> DoNotCallImport:
    """Put the file's entries on the list. Blocks. Raises DoNotCallRefused where the file has faults and `skip_bad` is not
    set, or nothing in it is good; OCSError; StoreUnavailable."""
    started, now = time.monotonic(), int(time.time())
    tell = progress or (lambda stage, done, total: None)
    backend = _checked_backend(database, options.region)
    pattern = DoNotCallEntry(campaign=options.campaign, message=options.message, time_stamp=now)
    faults: list[Fault] = []
    rows = bad = 0
    with ExitStack() as stack:
        file = stack.enter_context(CsvFile(path, options.encoding))
        spool: Spool[tuple[str | None, str | None]] = stack.enter_context(Spool())
        columns = _columns(file.headers, options.region)
        write_bad = bad_rows_writer(stack, options.bad_rows, path, file.headers)
        for row in _rows(file, columns):
            rows += 1
            try:
                for entry in _entries(row, columns, options.region):
                    spool.add(entry)
            except BadRow as error:
                bad += 1
                write_bad(row, str(error))
                if len(faults) < FAULTS_KEPT:
                    faults.append(Fault(row.line, str(error)))
            if rows % 1_000 == 0:
                tell("checking", file.position, file.size)
        report = DoNotCallImport(str(path), rows=rows, bad_rows=bad, faults=tuple(faults),
                                 seconds=time.monotonic() - started)
        if not len(spool) or (bad and not options.skip_bad):
            raise DoNotCallRefused(report)
        added = done = 0
        with transaction(backend) as work:
            dbids = Catalog().campaign_dbids(work, [options.campaign] if options.campaign is not None else [], {})
            batch: list[DoNotCallEntry] = []
            for done, (phone, customer_id) in enumerate(spool, 1):
                batch.append(replace(pattern, phone=phone, customer_id=customer_id))
                if len(batch) == _BATCH or done == len(spool):
                    added += add_do_not_call(work, batch, dbids, _TENANT)
                    batch = []
                    tell("loading", done, len(spool))
    return replace(report, imported=True, added=added, known=done - added, seconds=time.monotonic() - started)


def add_number(database: str | URL | Backend, number: str, options: DoNotCallOptions = DoNotCallOptions()) -> bool:
    """Put one number on the list; False if it was there. Raises BadNumber, StoreUnavailable."""
    backend = _checked_backend(database, options.region)
    entry = DoNotCallEntry(parse_phone(number, options.region).e164, None, options.campaign, options.message,
                           time_stamp=int(time.time()))
    with transaction(backend) as work:
        scope = [options.campaign] if options.campaign is not None else []
        return add_do_not_call(work, [entry], Catalog().campaign_dbids(work, scope, {}), _TENANT) == 1


def remove_number(database: str | URL | Backend, number: str, region: str = "US") -> int:
    """Take one number off the list, in every scope; how many entries went. Raises BadNumber, StoreUnavailable."""
    backend = _checked_backend(database, region)
    with transaction(backend) as work:
        return remove_do_not_call(work, parse_phone(number, region).e164, _TENANT)


def entries_of_number(database: str | URL | Backend, number: str, region: str = "US") -> list[DoNotCallEntry]:
    """The entries that block a number. Raises BadNumber, StoreUnavailable."""
    backend = _checked_backend(database, region)
    with transaction(backend, write=False) as work:
        return do_not_call_of_phone(work, parse_phone(number, region).e164, _TENANT)


def _checked_backend(database: str | URL | Backend, region: str) -> Backend:
    if not known_region(region):
        raise OCSError(f"region {region!r} is not a country code like US, GB, DE")
    backend = backend_for(database)
    with transaction(backend, write=False) as work:
        check_version(work)
    return backend


@dataclass(frozen=True)
class _Columns:
    phones: tuple[int, ...]
    customer_id: int | None
    headless: bool = False          # the first line is a number already


def _columns(headers: Sequence[str], region: str) -> _Columns:
    phones = tuple(index for index, header in enumerate(headers) if phone_kind(header) is not None)
    customers = [index for index, header in enumerate(headers)
                 if header.strip().lower().replace(" ", "_") in ("customer_id", "customerid")]
    if phones or customers:
        return _Columns(phones, customers[0] if customers else None)
    if len(headers) == 1:
        try:
            parse_phone(headers[0], region)
        except BadNumber:
            pass
        else:
            return _Columns((0,), None, headless=True)
    raise OCSError(f"no phone or customer_id column among the headers: {', '.join(headers)}")


def _rows(file: CsvFile, columns: _Columns) -> Iterator[Row]:
    if columns.headless:
        yield Row(1, file.headers)
    yield from file


def _entries(row: Row, columns: _Columns, region: str) -> Iterator[tuple[str | None, str | None]]:
    """(phone, customer id) of each entry of a row. A phone and a customer id in one row are two entries: each blocks."""
    if row.fault:
        raise BadRow(row.fault)
    found: list[tuple[str | None, str | None]] = []
    for index in columns.phones:
        text = row.values[index].strip() if index < len(row.values) else ""
        if text:
            try:
                found.append((parse_phone(text, region).e164, None))
            except BadNumber as error:
                raise BadRow(f"phone {error}") from None
    if columns.customer_id is not None and columns.customer_id < len(row.values):
        customer_id = row.values[columns.customer_id].strip()
        if len(customer_id) > 64:
            raise BadRow(f"customer_id has {len(customer_id)} characters, 64 are possible")
        if customer_id:
            found.append((None, customer_id))
    if not found:
        raise BadRow("no phone" if columns.customer_id is None else "no phone and no customer id")
    return iter(found)
