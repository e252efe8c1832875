"""`ocs list`: contacts in, an overview, everything out. Works on the database, with or without a server that runs."""
from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import click

from ocs.app.cli.db import progress_bar, tables_option
from ocs.app.cli.export import FORMS, export_list
from ocs.app.cli.remote import RemoteServer, server_or_database
from ocs.app.cli.remote_import import import_through
from ocs.database.backend import Backend, transaction
from ocs.dialing.checks import RefusalCount
from ocs.dialing.custom_fields import FIELD_TYPES, open_values
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import CustomField, Record
from ocs.errors import OCSError
from ocs.log import masked
from ocs.store import reading
from ocs.store.checking import parse_daily_time
from ocs.store.columns import MAPPABLE
from ocs.store.contacts import ImportOptions, ImportRefused, ImportReport, import_contacts
from ocs.store.csv_file import ENCODINGS
from ocs.store.formats import read_field
from ocs.store.refusals import refusals_of
from ocs.store.registry import Catalog
from ocs.store.sql import page_of_records
from ocs.store.versions import check_version

__all__ = ["lists"]

_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")


def daily_time(value: str) -> int:
    """An option's time of the day: 08:00, or seconds after midnight."""
    seconds = parse_daily_time(value)
    if seconds is None:
        raise click.BadParameter(f"{value!r} is neither a time like 08:00 nor seconds after midnight")
    return seconds


def field_mapping(value: str) -> tuple[str, str]:
    """An option's FIELD=COLUMN."""
    field, equals, column = value.partition("=")
    if not equals or not column or field not in MAPPABLE:
        raise click.BadParameter(f"{value!r} is not FIELD=COLUMN with a FIELD of {', '.join(MAPPABLE)}")
    return field, column


def field_definition(value: str) -> CustomField:
    """An option's user-defined field."""
    try:
        return read_field(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def lists() -> None:
    """Calling lists: import, export, show."""


@lists.command("import")
@click.argument("file", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--list", "name", required=True, metavar="NAME", help="The calling list, whose table is made if it is not there.")
@server_or_database
@click.option("--region", default="US", show_default=True, help="Country of numbers without +.")
@click.option("--map", "mapping", type=field_mapping, metavar="FIELD=COLUMN", multiple=True,
              help=f"What a column means; FIELD is one of {', '.join(MAPPABLE)}. Phones may be named several times.")
@click.option("--field", "fields", type=field_definition, metavar="DEFINITION", multiple=True,
              help="A custom field that is more than text, or is not in the file: 'balance float', 'code char(4) not null', "
                   "'pin varchar(8) secure unsent', 'outcome varchar(20) default none send OUTCOME'; types are "
                   f"{', '.join(FIELD_TYPES)}.")
@click.option("--default-timezone", metavar="ZONE", help="Zone where neither the file nor the number tells one.")
@click.option("--daily-from", type=daily_time, metavar="TIME",
              help="Earliest local time of a call where the file gives none (08:00).")
@click.option("--daily-till", type=daily_time, metavar="TIME",
              help="Latest local time of a call where the file gives none (18:00).")
@click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True)
@click.option("--skip-bad", is_flag=True, help="Import what is good although some of it is bad.")
@click.option("--bad-rows", type=click.Path(path_type=Path), help="Write the bad rows with their reasons to this CSV file.")
@_json
def import_file(file: Path, name: str, server: RemoteServer | None, backend: Backend | None, tables: Mapping[str, str],
                region: str, mapping: tuple[tuple[str, str], ...], fields: tuple[CustomField, ...], default_timezone: str | None,
                daily_from: int | None, daily_till: int | None, encoding: str, skip_bad: bool, bad_rows: Path | None,
                as_json: bool) -> None:
    """Import contacts: a row a contact, its phones one chain. They go into the list's table, which several lists of the
    configuration (--config, --directory) may read; without one it has the name of the list.

    Phone, time zone and window columns are known by their names or by --map; every other column becomes a custom field.
    If anything is wrong with a row nothing is imported, unless --skip-bad is given: then bad contacts are left out, and
    of contacts with a bad phone beside good ones the good phones are taken.

    With --server the file is sent to a running server, which takes it in; of the options it knows --region, --skip-bad and
    --default-timezone."""
    if server is not None:
        if mapping or fields or daily_from is not None or daily_till is not None or encoding != "utf-8" or bad_rows is not None:
            raise click.UsageError("with --server only --region, --skip-bad and --default-timezone are possible")
        import_through(server, file, name, {"region": region.upper(), "skip_bad": str(skip_bad).lower(),
                                            "default_timezone": default_timezone}, as_json)
        return
    assert backend is not None
    options = ImportOptions(region.upper(), mapping, default_timezone, daily_from, daily_till, encoding, skip_bad, bad_rows,
                            fields)
    try:
        with progress_bar(f"list {name}", as_json) as tell:
            report = import_contacts(backend, tables.get(name, name), file, options, tell)
    except ImportRefused as error:
        report = error.report
        if not as_json:
            _show_faults(report)
            raise OCSError(f"{file}: {report.bad_rows} of {report.rows} contacts are bad, {report.bad_phones} more phones; "
                           "nothing was imported" + ("" if skip_bad else " (--skip-bad imports what is good)")) from None
    if as_json:
        click.echo(json.dumps(asdict(replace(report, seconds=round(report.seconds, 3)))))
    else:
        _show_faults(report)
        _show_report(report)
    if not report.imported:
        raise SystemExit(1)


def _show_faults(report: ImportReport) -> None:
    for fault in report.faults:
        click.echo(f"{report.path}: line {fault.line}: {fault.reason}"
                   + (" (imported without it)" if fault.kept and report.imported else ""), err=True)
    if report.bad_rows + report.bad_phones > len(report.faults):
        click.echo(f"... and more than these {len(report.faults)}", err=True)
    for line, first in report.repeated[:20]:
        click.echo(f"{report.path}: line {line}: a phone that line {first} has too", err=True)
    if report.repeated_phones > 20:
        click.echo(f"... {report.repeated_phones} phones are repeated in all", err=True)


def _show_report(report: ImportReport) -> None:
    zones = report.zones
    rows = [
        ("calling list", f"{report.calling_list} ({'made' if report.created else f'had {report.records_before} records'})"),
        ("columns", ", ".join(f"{header} = {meaning}" for header, meaning in report.columns.items())),
        ("contacts", f"{report.contacts} imported, {report.bad_rows} bad left out"),
        ("records", f"{report.records} imported, {report.bad_phones} bad phones left out, "
                    f"{report.repeated_phones} phones repeated"),
        ("time zones", f"{zones['file']} from the file ({zones['conflict']} differ from the number's own), "
                       f"{zones['number']} from the number, {zones['ambiguous']} of several, {zones['default']} by default"),
        ("took", f"{report.seconds:.1f} s, {report.rows / max(report.seconds, 0.001):,.0f} rows/s"),
    ]
    for title, text in rows:
        click.echo(f"{title:13} {text}")


@lists.command("show")
@click.argument("name", required=False)
@tables_option
@click.option("--limit", type=click.IntRange(0, 10_000), default=5, show_default=True, help="How many records to show.")
@click.option("--full", is_flag=True, help="Show phones in full, and the custom fields that are not secure.")
@_json
def show(name: str | None, backend: Backend, tables: Mapping[str, str], limit: int, full: bool, as_json: bool) -> None:
    """Count the records of list NAME by status and result, and those that its last sessions did not dial by reason; show the
    first of them. Without NAME count in every table. What is shown is the table with all of its records, whichever lists of the
    configuration (--config, --directory) read it."""
    catalog, name = Catalog(), name if name is None else tables.get(name, name)
    with transaction(backend, write=False) as work:
        check_version(work)
        names = [name] if name is not None else list(catalog.calling_lists(work))
        overviews = [reading.list_overview(work, catalog, one) for one in names]
        refusals = {one: refusals_of(work, one) for one in names}
        records = [] if name is None else [
            replace(record, fields=open_values(overviews[0].fields, record.fields))
            for record in page_of_records(work, catalog, name, limit)]
    if as_json:
        values = [{**_overview_json(overview), "read_by": _readers(overview.name, tables),
                   "not_dialed": [_refusal_json(one) for one in refusals[overview.name]]} for overview in overviews]
        shown = [_record_json(record, full) for record in records]
        click.echo(json.dumps(values if name is None else {**values[0], "first": shown}))
        return
    if not overviews:
        click.echo(f"{backend}: no calling lists")
    for overview in overviews:
        _show_overview(overview, _readers(overview.name, tables))
        _show_refusals(refusals[overview.name])
    if records:
        _show_records(records, full)


def _overview_json(overview: reading.ListOverview) -> dict[str, Any]:
    return {"name": overview.name, "table": overview.table, "records": overview.records,
            "daily_from": overview.daily_from, "daily_till": overview.daily_till, "timezone": overview.tz_name,
            "fields": [asdict(replace(field, default=None) if field.secure else field) for field in overview.fields],
            "statuses": {_status(status): count for status, count in sorted(overview.statuses.items())},
            "results": [{"status": _status(status), "result": _result(result), "records": count}
                        for (status, result), count in sorted(overview.results.items())]}


def _readers(table: str, tables: Mapping[str, str]) -> list[str]:
    """The calling lists of the configuration that read this table."""
    return [name for name, read in tables.items() if read == table]


def _refusal_json(one: RefusalCount) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "table"}


def _record_json(record: Record, full: bool) -> dict[str, Any]:
    row = {name: value for name, value in asdict(record).items() if full or name != "fields"}
    return {**row, "contact_info": record.contact_info if full else masked(record.contact_info)}


def _status(number: int) -> str:
    return RecordStatus(number).name.replace("_", " ").title() if number in list(RecordStatus) else str(number)


def _result(number: int) -> str:
    return CallResult(number).label if number in list(CallResult) else str(number)


def _show_overview(overview: reading.ListOverview, readers: Sequence[str]) -> None:
    fields = ", ".join(field.name for field in overview.fields) or "none"
    by = f", read by the lists {', '.join(readers)}" if readers not in ([], [overview.name]) else ""
    click.echo(f"{overview.name}: {overview.records} records in table {overview.table}{by}; custom fields: {fields}")
    for (status, result), count in sorted(overview.results.items()):
        click.echo(f"  {_status(status):14} {_result(result):28} {count:8}")


def _show_refusals(counts: Iterable[RefusalCount]) -> None:
    for (_, group, began_at, of), reasons in groupby(counts, lambda one: (
            one.session_guid, one.campaign_group, one.began_at, f" for list {one.calling_list}" if one.table else "")):
        began = datetime.fromtimestamp(began_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        click.echo(f"  not dialed by {group}{of} since {began}: "
                   + ", ".join(f"{one.reason} {one.records}" for one in reasons))


def _show_records(records: Iterable[Record], full: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    table = Table("record", "chain", "phone", "type", "status", "result", "attempts", "due", "zone",
                  *(["fields"] if full else []), box=None)
    for one in records:
        due = "" if one.dial_sched_time is None else datetime.fromtimestamp(
            one.dial_sched_time, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        fields = [" ".join(f"{name}={value}" for name, value in one.fields.items())] if full else []
        phone = one.contact_info if full else masked(one.contact_info)
        table.add_row(str(one.record_id), f"{one.chain_id}/{one.chain_n}", phone,
                      RecordType(one.record_type).name.replace("_", " ").title(), _status(one.record_status),
                      _result(one.call_result), str(one.attempt), due, one.tz_name, *fields)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 240         # a pipe has no width of its own
    console.print(table)


@lists.command("export")
@click.argument("name")
@tables_option
@click.option("--format", "form", type=click.Choice(FORMS), help="csv (where nothing is said), or a JSON object a line.")
@click.option("--output", type=click.Path(path_type=Path), help="File to write; standard output where it is not given.")
@click.option("--secure", is_flag=True, help="Write the secure custom fields too.")
@click.option("--history", is_flag=True, help="Write the attempts in place of the records: one row for each try to reach one.")
@click.option("--json", "as_json", is_flag=True,
              help="For machines: JSON lines or, with --output, an object that says what was done.")
def export(name: str, backend: Backend, tables: Mapping[str, str], form: str | None, output: Path | None, secure: bool,
           history: bool, as_json: bool) -> None:
    """Write every record of list NAME: public columns by their public names and numbers, then the custom fields.

    With --history every attempt, by record: who, when, for which list, which number, with what result, for how long. The rows
    go out as they are read, so a list may have any length; they are what the database had when the export began. They are those
    of the list's table, whichever lists of the configuration (--config, --directory) read it."""
    if history and secure:
        raise click.UsageError("--secure: attempts have no custom fields")
    if as_json and output is None and form == "csv":
        raise click.UsageError("--json and --format csv: say one of them, or --output FILE")
    form = form or ("jsonl" if as_json and output is None else "csv")
    with progress_bar(f"list {name}", as_json or output is None) as tell:
        done = export_list(backend, tables.get(name, name), form, output, history, secure, tell)
    if output is not None:
        click.echo(json.dumps({**asdict(done), "seconds": round(done.seconds, 3)}) if as_json else
                   f"{output}: {done.rows} {'attempts' if history else 'records'} of list {name}, {done.seconds:.1f} s")
