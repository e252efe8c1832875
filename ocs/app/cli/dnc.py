"""`ocs dnc`: the do-not-call list in the database. A server that is running sees what is changed here within a second."""
from __future__ import annotations

import getpass
import json
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Mapping

import click

from ocs.app.cli.db import database_option, progress_bar
from ocs.app.cli.remote import RemoteServer, server_or_database
from ocs.database.backend import Backend
from ocs.dialing.dnc import Scope
from ocs.store import do_not_call_import as lists
from ocs.store.csv_file import ENCODINGS
from ocs.store.do_not_call import Act, ListedEntry
from ocs.store.do_not_call_file import to_e164
from ocs.store.phones import BadNumber, known_region

__all__ = ["dnc"]

_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
_message = click.option("--message", default="", help="Text that is kept with the entry.")
_tenant = click.option("--tenant", type=click.IntRange(min=1), default=lists.TENANT, show_default=True,
                       help="Number of the tenant.")
_why = click.option("--why", default="", help="The reason, for the audit trail.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):         # a user without a name
        return ""


def _scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """For whom, and by whom."""
    for option in reversed((
        click.option("--region", default="US", show_default=True, help="Country of numbers without +."),
        click.option("--campaign", help="Only for this campaign; for every campaign where it is not given."),
        _tenant,
        click.option("--who", default=_user, show_default="your user name", help="Who does it, for the audit trail."),
    )):
        command = option(command)
    return command


def _entry_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A number as the argument, or a customer id as an option."""
    for option in reversed((
        click.argument("number", required=False),
        click.option("--customer-id", help="A customer id instead of a number."),
    )):
        command = option(command)
    return command


def _entry(number: str | None, customer_id: str | None, region: str) -> tuple[str, lists.Who]:
    """How it was called, and what the list has."""
    if (number is None) == (customer_id is None):
        raise click.UsageError("give a NUMBER or --customer-id ID, one of them")
    if customer_id is not None:
        if not 1 <= len(customer_id.strip()) <= 64:
            raise click.UsageError("--customer-id has 1 to 64 characters")
        return f"customer id {customer_id.strip()}", lists.Who(customer_id=customer_id.strip())
    assert number is not None
    if not known_region(region.upper()):
        return number, lists.Who(phone=number)          # the region is what will be complained of
    try:
        return number, lists.Who(phone=to_e164(number, region.upper()))
    except BadNumber as error:
        raise click.UsageError(str(error)) from None


def _named(number: str | None, customer_id: str | None) -> dict[str, str]:
    return {"number": number} if number is not None else {"customer_id": customer_id or ""}


@click.group()
def dnc() -> None:
    """Do-not-call list: import, add, remove, check.

    These commands work on the database; add, remove and check also through a running server (--server). A server that is
    running sees single changes within a second, an import of more than some thousand entries as soon as it has read them. Every
    change is in the audit trail.
    """


@dnc.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@_scope_options
@click.option("--all-tenants", is_flag=True, help="For every tenant of this database.")
@_message
@_why
@click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True)
@click.option("--skip-bad", is_flag=True, help="Import what is good although some of it is bad.")
@click.option("--bad-rows", type=click.Path(path_type=Path), help="Write the bad rows with their reasons to this CSV file.")
@_json
def import_file(file: Path, backend: Backend, region: str, campaign: str | None, tenant: int, who: str, all_tenants: bool,
                message: str, why: str, encoding: str, skip_bad: bool, bad_rows: Path | None, as_json: bool) -> None:
    """Put the numbers and customer ids of FILE on the list.

    FILE is a CSV file with a column phone or customer_id, or both; or a plain list of numbers. All or nothing, unless
    --skip-bad is given."""
    options = lists.DoNotCallOptions(region.upper(), campaign, message, encoding, skip_bad, bad_rows, tenant, all_tenants, who,
                                     why)
    try:
        with progress_bar("do-not-call list", as_json) as tell:
            report = lists.import_do_not_call(backend, file, options, tell)
    except lists.DoNotCallRefused as error:
        report = error.report
        if not as_json:
            _show_faults(file, report)
            raise
    if as_json:
        click.echo(json.dumps(asdict(replace(report, seconds=round(report.seconds, 3)))))
    else:
        _show_faults(file, report)
        click.echo(f"{report.rows} rows: {report.added} new entries, {report.known} known ones; {report.bad_rows} bad rows left"
                   f" out; {report.seconds:.1f} s, {report.rows / max(report.seconds, 0.001):,.0f} rows/s")
    if not report.imported:
        raise SystemExit(1)


def _show_faults(file: Path, report: lists.DoNotCallImport) -> None:
    for fault in report.faults:
        click.echo(f"{file}: line {fault.line}: {fault.reason}", err=True)
    if report.bad_rows > len(report.faults):
        click.echo(f"... and {report.bad_rows - len(report.faults)} more", err=True)


@dnc.command("add")
@_entry_options
@click.option("--list", "calling_list", metavar="NAME", help="Calling list of --record or --chain.")
@click.option("--record", "record_id", type=int, metavar="ID", help="The phone of this record, instead of a number.")
@click.option("--chain", "chain_id", type=int, metavar="ID", help="All phones of this contact, instead of a number.")
@server_or_database
@_scope_options
@click.option("--all-tenants", is_flag=True, help="For every tenant of this database.")
@_message
@_json
def add(number: str | None, customer_id: str | None, calling_list: str | None, record_id: int | None, chain_id: int | None,
        server: RemoteServer | None, backend: Backend | None, tables: Mapping[str, str], region: str, campaign: str | None,
        tenant: int, who: str, all_tenants: bool, message: str, as_json: bool) -> None:
    """Put NUMBER, a customer id, or the phones of a record or a chain on the list."""
    if server is not None:
        if calling_list is not None or record_id is not None or chain_id is not None or all_tenants or tenant != lists.TENANT:
            raise click.UsageError("--list, --record, --chain, --tenant and --all-tenants work on a database, not with --server")
        name, entry = _entry(number, customer_id, region)
        told = server.ask("POST", "do-not-call", body=_asked(entry, campaign=campaign, message=message or None))
        _tell_added(name, _named(number, customer_id), told["added"], as_json)
        return
    assert backend is not None
    options = lists.DoNotCallOptions(region.upper(), campaign, message, tenant_dbid=tenant, everyone=all_tenants, who=who)
    if calling_list is not None or record_id is not None or chain_id is not None:
        if calling_list is None or (record_id is None) == (chain_id is None) or number is not None or customer_id is not None:
            raise click.UsageError("give --list NAME with either --record ID or --chain ID, and no number or customer id")
        done = lists.add_phones(backend, tables.get(calling_list, calling_list), options, record_id=record_id, chain_id=chain_id)
        what = {"record": record_id} if chain_id is None else {"chain": chain_id}
        if as_json:
            click.echo(json.dumps({"list": calling_list, **what, **done}))
        else:
            click.echo(f"{calling_list}, {' '.join(f'{key} {value}' for key, value in what.items())}: {done['added']} of"
                       f" {done['phones']} phones added, the others were on the list already")
        return
    name, entry = _entry(number, customer_id, region)
    _tell_added(name, _named(number, customer_id), lists.add_one(backend, entry, options), as_json)


def _asked(entry: lists.Who, **more: str | None) -> dict[str, str]:
    """What a server is asked about an entry."""
    given = {"phone": entry.phone, "customer_id": entry.customer_id, **more}
    return {name: value for name, value in given.items() if value is not None}


def _tell_added(name: str, named: dict[str, str], added: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**named, "added": added}))
    else:
        click.echo(f"{name}: {'added' if added else 'was on the list already'}")


@dnc.command("remove")
@_entry_options
@server_or_database
@_scope_options
@_why
@_json
def remove(number: str | None, customer_id: str | None, server: RemoteServer | None, backend: Backend | None,
           tables: Mapping[str, str], region: str, campaign: str | None, tenant: int, who: str, why: str, as_json: bool) -> None:
    """Take NUMBER, or a customer id, off the list; exit status 1 if it is not on it.

    With --campaign out of that campaign's scope only, else out of every scope."""
    name, entry = _entry(number, customer_id, region)
    if server is not None:
        asked = _asked(entry)
        removed = 0
        if server.ask("GET", "do-not-call", query=asked)["listed"]:
            removed = server.ask("DELETE", "do-not-call", query={**asked, "campaign": campaign, "why": why or None})["removed"]
    else:
        assert backend is not None
        options = lists.DoNotCallOptions(region.upper(), campaign, tenant_dbid=tenant, who=who, why=why)
        removed = lists.remove_one(backend, entry, options)
    if as_json:
        click.echo(json.dumps({**_named(number, customer_id), "removed": removed}))
    elif removed:
        click.echo(f"{name}: removed")
    else:
        click.echo(f"{name}: not on the list", err=True)
    if not removed:
        raise SystemExit(1)


@dnc.command("check")
@_entry_options
@server_or_database
@click.option("--region", default="US", show_default=True, help="Country of numbers without +.")
@_tenant
@_json
def check(number: str | None, customer_id: str | None, server: RemoteServer | None, backend: Backend | None,
          tables: Mapping[str, str], region: str, tenant: int, as_json: bool) -> None:
    """Tell whether NUMBER, or a customer id, is on the list: for whom, since when, by whom."""
    name, entry = _entry(number, customer_id, region)
    if server is not None:
        entries = [_listed(one, tenant) for one in server.ask("GET", "do-not-call", query=_asked(entry))["entries"]]
    else:
        assert backend is not None
        entries = lists.look_up(backend, entry, lists.DoNotCallOptions(region.upper(), tenant_dbid=tenant))
    if as_json:
        click.echo(json.dumps({**_named(number, customer_id), "listed": bool(entries), "entries": list(map(_value, entries))}))
        return
    if not entries:
        click.echo(f"{name}: not on the list")
    for found in entries:
        click.echo(f"{name}: not to be called for {_scope(found)}, since {_time(found.since)}{_by(found)}"
                   + (f" ({found.message})" if found.message else ""))


def _listed(told: Mapping[str, Any], tenant: int) -> ListedEntry:
    """An entry as a server tells it."""
    return ListedEntry(told["phone"], told["customer_id"], Scope(0 if told["every_tenant"] else tenant, told["campaign"]),
                       told["message"], True, told["since"], Act(told["since"], told["who"], "", told["origin"]))


def _scope(entry: ListedEntry) -> str:
    campaign = "every campaign" if entry.scope.campaign is None else f"campaign {entry.scope.campaign}"
    return campaign if entry.scope.tenant else f"{campaign} of every tenant"


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M UTC") if moment else "an unknown time"


def _by(entry: ListedEntry) -> str:
    if entry.act is None:
        return ""
    return (f", by {entry.act.who}" if entry.act.who else "") + (f" from {entry.act.origin}" if entry.act.origin else "")


def _value(entry: ListedEntry) -> dict[str, Any]:
    return {"phone": entry.phone, "customer_id": entry.customer_id, "tenant": entry.scope.tenant,
            "campaign": entry.scope.campaign, "message": entry.message, "internal": entry.internal, "time_stamp": entry.since,
            "act": None if entry.act is None else asdict(entry.act)}
