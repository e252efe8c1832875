"""`ocs dnc`: the do-not-call list, offline. A server that is running reads the list when a session is loaded."""
from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import click

from ocs.app.cli.db import database_option, progress_bar
from ocs.store import dnc_file
from ocs.store.backend import Backend
from ocs.store.csv_file import ENCODINGS
from ocs.store.phones import BadNumber

__all__ = ["dnc"]

_region = click.option("--region", default="US", show_default=True, help="Country of numbers without +.")
_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
_campaign = click.option("--campaign", help="Only for this campaign; for every campaign where it is not given.")
_message = click.option("--message", default="", help="Text that is kept with the entry.")


@click.group()
def dnc() -> None:
    """Do-not-call list: import, add, remove, check.

    These commands work on the database. A server that is running has its list in memory and reads what was changed here
    at its next start.
    """


@dnc.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@_region
@_campaign
@_message
@click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True)
@click.option("--skip-bad", is_flag=True, help="Import what is good although some of it is bad.")
@click.option("--bad-rows", type=click.Path(path_type=Path), help="Write the bad rows with their reasons to this CSV file.")
@_json
def import_file(file: Path, backend: Backend, region: str, campaign: str | None, message: str, encoding: str,
                skip_bad: bool, bad_rows: Path | None, as_json: bool) -> None:
    """Put the numbers and customer ids of FILE on the list.

    FILE is a CSV file with a column phone or customer_id, or both; or a plain list of numbers. All or nothing, unless
    --skip-bad is given."""
    options = dnc_file.DoNotCallOptions(region.upper(), campaign, message, encoding, skip_bad, bad_rows)
    try:
        with progress_bar("do-not-call list", as_json) as tell:
            report = dnc_file.import_do_not_call(backend, file, options, tell)
    except dnc_file.DoNotCallRefused as error:
        report = error.report
        if not as_json:
            for fault in report.faults:
                click.echo(f"{file}: line {fault.line}: {fault.reason}", err=True)
            raise
    if as_json:
        click.echo(json.dumps(asdict(replace(report, seconds=round(report.seconds, 3)))))
    else:
        for fault in report.faults:
            click.echo(f"{file}: line {fault.line}: {fault.reason}", err=True)
        click.echo(f"{report.rows} rows: {report.added} new entries, {report.known} known ones; "
                   f"{report.bad_rows} bad rows left out")
    if not report.imported:
        raise SystemExit(1)


@dnc.command("add")
@click.argument("number")
@database_option
@_region
@_campaign
@_message
@_json
def add(number: str, backend: Backend, region: str, campaign: str | None, message: str, as_json: bool) -> None:
    """Put NUMBER on the list."""
    options = dnc_file.DoNotCallOptions(region.upper(), campaign, message)
    try:
        added = dnc_file.add_number(backend, number, options)
    except BadNumber as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"number": number, "added": added}))
    else:
        click.echo(f"{number}: {'added' if added else 'was on the list already'}")


@dnc.command("remove")
@click.argument("number")
@database_option
@_region
@_json
def remove(number: str, backend: Backend, region: str, as_json: bool) -> None:
    """Take NUMBER off the list, for every campaign; exit status 1 if it is not on it."""
    try:
        removed = dnc_file.remove_number(backend, number, region.upper())
    except BadNumber as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"number": number, "removed": removed}))
    elif removed:
        click.echo(f"{number}: removed")
    else:
        click.echo(f"{number}: not on the list", err=True)
    if not removed:
        raise SystemExit(1)


@dnc.command("check")
@click.argument("number")
@database_option
@_region
@_json
def check(number: str, backend: Backend, region: str, as_json: bool) -> None:
    """Tell whether NUMBER is on the list."""
    try:
        entries = dnc_file.entries_of_number(backend, number, region.upper())
    except BadNumber as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"number": number, "listed": bool(entries), "entries": [asdict(entry) for entry in entries]}))
        return
    if not entries:
        click.echo(f"{number}: not on the list")
    for entry in entries:
        scope = "every campaign" if entry.campaign is None else f"campaign {entry.campaign}"
        since = datetime.fromtimestamp(entry.time_stamp, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        click.echo(f"{number}: not to be called for {scope}, since {since}"
                   + (f" ({entry.message})" if entry.message else ""))
