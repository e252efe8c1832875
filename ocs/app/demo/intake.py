"""Contacts and do-not-call numbers into the database of a demonstration."""
from __future__ import annotations

import csv
from pathlib import Path
from typing import Callable

from ocs.app.demo.directory import State
from ocs.app.demo.options import DemoOptions
from ocs.database.backend import Backend, transaction
from ocs.dialing.values import CustomField
from ocs.errors import OCSError
from ocs.store.contacts import ImportOptions, ImportRefused, ImportReport, import_contacts
from ocs.store.do_not_call_import import import_do_not_call
from ocs.store.registry import Catalog
from ocs.store.versions import upgrade

__all__ = ["take_in"]

FAULTS_SHOWN = 10
_REPORTED = {"name": 1, "account": 2}       # column -> icon_attribute


def take_in(backend: Backend, options: DemoOptions, calling_list: str, state: State, say: Callable[[str], None]) -> None:
    """Make or upgrade the database and, once in a directory's life, import the contacts; the do-not-call file each time,
    numbers that are there stay. Blocks. OCSError for what cannot be used; nothing is imported then."""
    upgrade(backend)
    if options.database is not None and not state.imported:
        with transaction(backend, write=False) as work:
            if calling_list in Catalog().calling_lists(work):
                raise OCSError(f"--database: {backend} has a calling list {calling_list!r} already, of another demonstration: "
                               "give its --directory, or a database of its own")
    if options.dnc is not None:
        taken = import_do_not_call(backend, options.dnc)
        say(f"{options.dnc.name}: {taken.added} numbers that must not be called, {taken.known} known already")
    if state.imported:
        say(f"{state.contacts_name}: imported by an earlier run, which goes on")
        return
    try:
        report = import_contacts(backend, calling_list, options.contacts, ImportOptions(
            skip_bad=options.skip_bad, fields=_reported_fields(options.contacts)))
    except ImportRefused as error:
        raise OCSError(_faults(error.report) + "\nNothing was imported; --skip-bad leaves such rows out.") from None
    if report.bad_rows or report.bad_phones:
        say(_faults(report))
    say(f"{options.contacts.name}: {report.contacts} contacts with {report.records} numbers imported")


def _reported_fields(contacts: Path) -> tuple[CustomField, ...]:
    """What ICON is told of the file's columns: names in the open, account numbers as secure."""
    with contacts.open(encoding="utf-8", errors="replace", newline="") as file:
        headers = next(csv.reader(file), [])
    return tuple(CustomField(name, send_attribute=name, icon_attribute=number) for name, number in _REPORTED.items()
                 if name in headers)


def _faults(report: ImportReport) -> str:
    lines = [f"{report.path}: {report.bad_rows} of {report.rows} rows are bad, {report.bad_phones} numbers of others"]
    lines += [f"  line {fault.line}: {fault.reason}" for fault in report.faults[:FAULTS_SHOWN]]
    if len(report.faults) > FAULTS_SHOWN:
        lines.append(f"  ... {len(report.faults) - FAULTS_SHOWN} more")
    return "\n".join(lines)
