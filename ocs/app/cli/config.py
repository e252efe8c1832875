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
    export_file,
    history,
    import_file,
    place_options,
    told_unchecked,
    upgrade,
)
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.sources import ServerConfiguration, load_server
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
@click.option("--offline", is_flag=True, help="Do not look into the database of the lists.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def check(file: Path | None, offline: bool, as_json: bool, **place: Any) -> None:
    """Report every problem of a configuration; exit status 1 if there is one.

    FILE alone is a server's own file: it is checked as the server would read it, with the objects of the Configuration Database
    where it works with that. Filters and disposition fields are checked against the columns that their lists have in the
    database; where it cannot be opened, this is said and is no problem. With --database, --config or --directory the objects of
    that Configuration Database are checked; with FILE beside, FILE as it would be imported there."""
    if any(value is not None for value in place.values()):
        _check_objects(file, chosen_backend(**place), (None, "") if offline else chosen_fields(**place), as_json)
        return
    if file is None:
        raise click.UsageError("give a FILE, or say which database")
    problems: list[str] = []
    groups: dict[str, object] = {}
    unchecked = "--offline" if offline else ""
    try:
        found = load_server(file)
        groups = dict(to_campaign_groups(found.options))
        if not offline:
            problems, unchecked = _against_database(file, found)
    except ConfigurationError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"file": str(file), "problems": problems, "campaign_groups": list(groups),
                               "not_checked_against_database": unchecked}))
    else:
        for problem in problems:
            click.echo(problem, err=True)
        if not problems:
            click.echo(f"{file}: in order; campaign groups: {', '.join(groups) or 'none'}")
        if not offline:
            told_unchecked(unchecked)
    if problems:
        raise SystemExit(1)


def _against_database(file: Path, found: ServerConfiguration) -> tuple[list[str], str]:
    """Problems, and why they could not be looked for."""
    from ocs.app.list_checks import known_lists, list_problems
    try:
        known = known_lists(found.options.database.url)
    except OCSError as error:
        return [], str(error)
    told = (lambda problem: f"{file}: {problem}") if found.tables is None else found.tables.named
    return [told(problem) for problem in list_problems(found.options, known)], ""


def _check_objects(file: Path | None, backend: Backend, found: tuple[Any, str], as_json: bool) -> None:
    from ocs.app.importing import check_objects, import_objects
    from ocs.configuration.history import Act
    problems: list[str] = []
    servers: list[str] = []
    fields, unchecked = found
    try:
        if file is None:
            problems, servers = check_objects(backend, fields)
        else:
            import_objects(backend, read_toml(file), Act(0.0), dry_run=True, fields=fields)
    except ConfigurationError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"database": backend.shown_url, **({} if file is None else {"file": str(file)}),
                               "problems": problems, "servers": servers, "not_checked_against_database": unchecked}))
    else:
        for problem in problems:
            click.echo(problem, err=True)
        if not problems:
            click.echo(f"{file or backend}: in order" + (f"; servers: {', '.join(servers) or 'none'}" if file is None else ""))
            told_unchecked(unchecked)
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
