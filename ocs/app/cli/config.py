"""`ocs config`: what can be configured, and whether a file is right."""
from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import click

from ocs.app.config import OCSOptions, load_configuration, to_campaign_groups
from ocs.errors import ConfigurationError
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
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def check(file: Path, as_json: bool) -> None:
    """Report every problem of FILE; exit status 1 if there is one."""
    problems: list[str] = []
    groups: dict[str, object] = {}
    try:
        groups = dict(to_campaign_groups(load_configuration(file)))
    except ConfigurationError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"file": str(file), "problems": problems, "campaign_groups": list(groups)}))
    elif problems:
        for problem in problems:
            click.echo(problem, err=True)
    else:
        click.echo(f"{file}: in order; campaign groups: {', '.join(groups) or 'none'}")
    if problems:
        raise SystemExit(1)


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
