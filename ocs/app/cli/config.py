"""`ocs config`: what can be configured, whether a file is right, and the Configuration Database."""
from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ocs.app.cli.objects import (
    chosen_backend,
    chosen_fields,
    chosen_rules,
    export_file,
    history,
    import_file,
    place_options,
    rules_option,
    told_unchecked,
    upgrade,
)
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.sources import ServerConfiguration, load_own, load_server
from ocs.configuration.options import Source
from ocs.database.backend import Backend
from ocs.errors import ConfigurationError, OCSError
from ocs.options import Entry, entries, read_toml, sample

__all__ = ["REFERENCE_TITLE", "SAMPLE_TITLE", "config", "reference"]

SAMPLE_TITLE = """Configuration of the outbound contact server: `twistd -n ocs --config FILE`.
Every option stands here with its default; what is left out has it too. `ocs config check FILE` tells what is wrong.
Lines that begin with # and no space are examples to be uncommented."""

REFERENCE_TITLE = """# Configuration

One TOML file: `twistd -n ocs --config FILE`. `ocs config sample` prints it with every default, `ocs config check FILE`
names every unknown option and bad value at once; a server does not start with a wrong file. Relative paths count from
the file's folder. This page is what `ocs config reference` prints.
"""


@click.group()
def config() -> None:
    """Check a configuration, print the sample or the reference; import into the Configuration Database, export from it."""


for command in (import_file, export_file, history, upgrade):
    config.add_command(command)


@config.command("sample")
def print_sample() -> None:
    """Print a configuration with every option at its default."""
    click.echo(sample(OCSOptions, SAMPLE_TITLE), nl=False)


@config.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@place_options
@click.option("--objects", is_flag=True, help="FILE is one of objects: check it as an empty Configuration Database takes it.")
@click.option("--offline", is_flag=True, help="Open no database at all.")
@rules_option
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def check(file: Path | None, objects: bool, offline: bool, rules: Path | None, as_json: bool, **place: Any) -> None:
    """Report every problem of a configuration; exit status 1 if there is one.

    FILE alone is a server's own file: it is checked as the server would read it, with the objects of the Configuration Database
    where it works with that. Filters and disposition fields are checked against the columns that their lists have in the
    database; where it cannot be opened, this is said and is no problem. With --offline nothing but FILE is looked at.

    With --database, --config or --directory the objects of that Configuration Database are checked; with FILE beside, FILE as it
    would be imported there. A file of objects is checked without any database by --objects, or by --offline beside --config."""
    named = any(value is not None for value in place.values())
    if file is None and (not named or offline or objects):
        raise click.UsageError("give a FILE" if named else "give a FILE, or say which database")
    if file is not None and (named and offline or objects and not named):
        _check_file_objects(file, chosen_rules(rules, **place), as_json)
    elif named:
        _check_objects(file, chosen_backend(**place), chosen_fields(**place), chosen_rules(rules, **place), as_json)
    elif rules is not None:
        raise click.UsageError("--rules is for objects: a server's file names its folder in [compliance] rules_directory")
    elif file is not None:
        _check_server(file, offline, as_json)


def _check_server(file: Path, offline: bool, as_json: bool) -> None:
    problems: list[str] = []
    groups: dict[str, object] = {}
    unchecked = "--offline" if offline else ""
    elsewhere = False       # the groups are in a database that is not looked at
    try:
        found = ServerConfiguration(load_own(file)) if offline else load_server(file)
        elsewhere = offline and found.options.configuration.source is Source.DATABASE
        groups = dict(to_campaign_groups(found.options))
        if not offline:
            problems, unchecked = _against_database(file, found)
    except ConfigurationError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"file": str(file), "problems": problems, "campaign_groups": list(groups),
                               "not_checked_against_database": unchecked}))
    else:
        told = "in the configuration database, which was not looked at" if elsewhere else ", ".join(groups) or "none"
        _tell(problems, f"{file}: in order; campaign groups: {told}", "" if offline else unchecked)
    if problems:
        raise SystemExit(1)


def _tell(problems: list[str], in_order: str, unchecked: str) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if not problems:
        click.echo(in_order)
    told_unchecked(unchecked)


def _against_database(file: Path, found: ServerConfiguration) -> tuple[list[str], str]:
    """Problems, and why they could not be looked for."""
    from ocs.app.list_checks import known_lists, list_problems
    try:
        known = known_lists(found.options.database.url)
    except OCSError as error:
        return [], str(error)
    told = (lambda problem: f"{file}: {problem}") if found.tables is None else found.tables.named
    return [told(problem) for problem in list_problems(found.options, known)], ""


def _check_objects(file: Path | None, backend: Backend, found: tuple[Any, str], rules: Path | None, as_json: bool) -> None:
    from ocs.app.importing import check_objects, import_objects
    from ocs.configuration.history import Act
    problems: list[str] = []
    servers: list[str] = []
    fields, unchecked = found
    try:
        if file is None:
            problems, servers = check_objects(backend, fields, rules)
        else:
            import_objects(backend, read_toml(file), Act(0.0), dry_run=True, fields=fields, rules=rules)
    except ConfigurationError as error:
        problems = error.problems
    place = {"database": backend.shown_url, **({} if file is None else {"file": str(file)})}
    in_order = f"{file or backend}: in order" + (f"; servers: {', '.join(servers) or 'none'}" if file is None else "")
    _end(place, problems, servers, in_order, unchecked, as_json)


def _check_file_objects(file: Path, rules: Path | None, as_json: bool) -> None:
    from ocs.app.importing import check_file_objects
    problems: list[str] = []
    servers: list[str] = []
    try:
        servers = check_file_objects(read_toml(file), rules)
    except ConfigurationError as error:
        problems = error.problems
    in_order = f"{file}: in order by itself; servers: {', '.join(servers) or 'none'}"
    _end({"file": str(file)}, problems, servers, in_order, "no database is opened", as_json)


def _end(place: dict[str, str], problems: list[str], servers: list[str], in_order: str, unchecked: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**place, "problems": problems, "servers": servers, "not_checked_against_database": unchecked}))
    else:
        _tell(problems, in_order, "" if problems else unchecked)
    if problems:
        raise SystemExit(1)


@config.command("password")
@click.password_option(help="The password; asked for where it is not given.")
def print_hash(password: str) -> None:
    """Print the hash of a password, for manhole.password_hash."""
    from ocs.passwords import hash_password
    click.echo(hash_password(password))


@config.command("reference")
@click.option("--objects", is_flag=True, help="The objects of the Configuration Database.")
def print_reference(objects: bool) -> None:
    """Print every option as a Markdown page."""
    if objects:
        from ocs.app.vocabulary import VOCABULARY
        from ocs.configuration.reference import object_reference
        click.echo(object_reference(VOCABULARY), nl=False)
    else:
        click.echo(reference(), nl=False)


def reference() -> str:
    """The page `docs/configuration.md`."""
    lines = [REFERENCE_TITLE]
    for _, group in groupby(entries(OCSOptions), key=lambda entry: entry.section):
        rows = list(group)
        lines += [f"## {rows[0].heading}", "",
                  "| option | type | default | range | takes effect | meaning |", "|---|---|---|---|---|---|",
                  *map(_row, rows), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(entry: Entry) -> str:
    default = "required" if entry.required else f"`{entry.default}`"
    return f"| `{entry.name}` | {entry.type} | {default} | {_span(entry)} | {entry.effect} | {entry.text} |"


def _span(entry: Entry) -> str:
    return " ".join(filter(None, [entry.range, entry.unit])) if entry.range[:1].isdigit() else entry.range or entry.unit
