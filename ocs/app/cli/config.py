"""`ocs config`: what can be configured, and whether a file is right."""
from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import click

from ocs.app.config import OCSOptions, load_configuration, to_campaign_groups
from ocs.errors import ConfigurationError, OCSError
from ocs.options import Entry, entries, sample

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
    """Check a configuration, print the sample or the reference."""


@config.command("sample")
def print_sample() -> None:
    """Print a configuration with every option at its default."""
    click.echo(sample(OCSOptions, SAMPLE_TITLE), nl=False)


@config.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--offline", is_flag=True, help="Do not look into the database.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def check(file: Path, offline: bool, as_json: bool) -> None:
    """Report every problem of FILE; exit status 1 if there is one.

    Filters and disposition fields are checked against the columns that their lists have in the database; where it cannot be
    opened, this is said and is no problem."""
    problems: list[str] = []
    groups: dict[str, object] = {}
    unchecked = "--offline" if offline else ""
    try:
        options = load_configuration(file)
        groups = dict(to_campaign_groups(options))
        if not offline:
            problems, unchecked = _against_database(file, options)
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
        if unchecked and not offline:
            click.echo(f"filters and disposition fields are not checked against the database: {unchecked}", err=True)
    if problems:
        raise SystemExit(1)


def _against_database(file: Path, options: OCSOptions) -> tuple[list[str], str]:
    """Problems, and why they could not be looked for."""
    from ocs.app.list_checks import known_lists, list_problems
    try:
        known = known_lists(options.database.url)
    except OCSError as error:
        return [], str(error)
    return [f"{file}: {problem}" for problem in list_problems(options, known)], ""


@config.command("password")
@click.password_option(help="The password; asked for where it is not given.")
def print_hash(password: str) -> None:
    """Print the hash of a password, for manhole.password_hash."""
    from ocs.passwords import hash_password
    click.echo(hash_password(password))


@config.command("reference")
def print_reference() -> None:
    """Print every option as a Markdown page."""
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
