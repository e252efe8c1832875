"""`ocs config import`, `export`, `history`, `upgrade`: the Configuration Database, with or without servers that run.

Servers that work with it see a change within a second.
"""
from __future__ import annotations

import functools
import getpass
import json
import os
import sys
import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import click

from ocs.app.cli.upgrading import tell_upgrade
from ocs.database.backend import Backend, backend_for, transaction
from ocs.errors import ConfigurationError, OCSError, StaleObject

__all__ = ["chosen_backend", "chosen_fields", "chosen_rules", "export_file", "history", "import_file", "place_options",
           "rules_option", "told_unchecked", "upgrade"]

_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
rules_option = click.option("--rules", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
                            help="Folder of the site's own calling rules; else that of the server's file.")
_SHOWN = 60
_STALE = "nothing is done: export again and make the changes there, or undo what was done since with --force"


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which Configuration Database is meant."""
    for option in (
        click.option("--database", metavar="URL", help="URL of the Configuration Database."),
        click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A server's file that names it."),
        click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration."),
    ):
        command = option(command)
    return command


def chosen_backend(directory: Path | None, config: Path | None, database: str | None) -> Backend:
    """The database that the options name; a usage error unless exactly one of them is given."""
    if sum(value is not None for value in (directory, config, database)) != 1:
        raise click.UsageError("say which database: one of --directory DIR, --config FILE, --database URL")
    if database is None:
        from ocs.app.config import load_configuration
        from ocs.app.sources import configuration_backend
        file = _server_file(directory, config)
        assert file is not None
        return configuration_backend(load_configuration(file))
    try:
        return backend_for(database)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def chosen_fields(directory: Path | None, config: Path | None, database: str | None) -> tuple[Any, str]:
    """The fields of the tables of calling lists beside that Configuration Database; None and why where they cannot be read."""
    from ocs.app.config import load_configuration
    from ocs.app.list_checks import known_lists
    try:
        if database is None:
            file = _server_file(directory, config)
            assert file is not None
            database = load_configuration(file).database.url
        return known_lists(database), ""
    except OCSError as error:
        if directory is None and config is None:
            return None, "there are none in this one; --config FILE of a server names theirs"
        return None, str(error)


def chosen_rules(rules: Path | None, directory: Path | None, config: Path | None, database: str | None) -> Path | None:
    """The folder of the site's own calling rules; None = there are only those that come with the program."""
    from ocs.app.config import load_configuration
    file = _server_file(directory, config)
    return rules if rules is not None or file is None else load_configuration(file).compliance.rules_directory


def _server_file(directory: Path | None, config: Path | None) -> Path | None:
    return directory / "ocs.toml" if directory is not None else config


def told_unchecked(unchecked: str) -> None:
    """That filters were not looked at, on standard error."""
    if unchecked:
        click.echo(f"filters and disposition fields are not checked against the database: {unchecked}", err=True)


def _with_backend(command: Callable[..., Any]) -> Callable[..., Any]:
    @place_options
    @functools.wraps(command)
    def wrapped(*args: Any, directory: Path | None, config: Path | None, database: str | None, **kwargs: Any) -> Any:
        return command(*args, backend=chosen_backend(directory, config, database), **kwargs)
    return wrapped


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):         # a user without a name
        return ""


@click.command("upgrade")
@_with_backend
@_json
def upgrade(backend: Backend, as_json: bool) -> None:
    """Bring the Configuration Database to the version that this program needs; make its tables where there are none."""
    from ocs.configuration.versions import configuration_versions
    tell_upgrade(backend, configuration_versions.upgrade, "configuration", as_json)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@place_options
@click.option("--replace", is_flag=True, help="Remove what FILE does not have; without it such objects stay.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--force", is_flag=True, help="Also where others changed the same objects since FILE was exported.")
@rules_option
@click.option("--who", default=_user, show_default="your user name", help="Who does it, for the history.")
@_json
def import_file(file: Path, replace: bool, dry_run: bool, force: bool, rules: Path | None, who: str, as_json: bool,
                **place: Any) -> None:
    """Make the objects of FILE those of the Configuration Database: all of them, or, with any problem, none.

    FILE is what `ocs config export` writes, or a server's own file: its tables of campaigns, lists, groups and treatments, with
    [application] and [dialing]; what concerns that server alone stays there. An object of FILE is taken as FILE has it. Filters
    are checked against the columns of their lists where these lie in the same database, or in that of the --config file; calling
    rules are those that come with the program, and the site's own (--rules)."""
    from ocs.app.importing import import_objects
    from ocs.configuration.history import Act
    from ocs.options import read_toml
    backend = chosen_backend(**place)
    fields, unchecked = chosen_fields(**place)
    try:
        report = import_objects(backend, read_toml(file), Act(time.time(), who, f"import {file.name}"), replace, dry_run, force,
                                fields, chosen_rules(rules, **place))
    except ConfigurationError as error:
        if not as_json:
            hint = [_STALE] if isinstance(error, StaleObject) else []
            raise ConfigurationError([problem if problem.startswith(str(file)) else f"{file}: {problem}"
                                      for problem in error.problems] + hint) from None
        click.echo(json.dumps({"file": str(file), "done": False, "problems": error.problems}))
        raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps(_as_json(file, backend, report) | {"not_checked_against_database": unchecked}))
    else:
        _show(report)
        told_unchecked(unchecked)


def _as_json(file: Path, backend: Backend, report: Any) -> dict[str, Any]:
    from ocs.configuration.difference import Action
    return {"file": str(file), "database": backend.shown_url, "done": report.done, "revision": report.revision,
            **{action.value: [{"object": change.label, "fields": [asdict(each) for each in change.fields]}
                              for change in report.changes if change.action is action] for action in Action},
            "unchanged": list(report.unchanged), "not_imported": list(report.left), "problems": []}


def _show(report: Any) -> None:
    from ocs.configuration.difference import Action
    for change in report.changes:
        click.echo(f"{change.action.value:8} {change.label}")
        if change.action is Action.CHANGED:
            for each in change.fields:
                click.echo(f"         {_field_name(change.key[0], each.field)}: {_short(each.old)} -> {_short(each.new)}")
    counts = ", ".join(f"{len(report.labels(action))} {action.value}" for action in Action)
    would = "" if report.done else "nothing is done (--dry-run): "
    click.echo(f"{would}{counts}, {len(report.unchanged)} unchanged; revision {report.revision}")
    if report.left:
        click.echo(f"not objects, they stay with their server: {', '.join(f'[{name}]' for name in report.left)}")


def _field_name(kind: str, field: str) -> str:
    """As files call it."""
    from ocs.app.vocabulary import VOCABULARY
    place, _, rest = field.partition(".")
    section, _, key = rest.partition(".")
    return VOCABULARY.shown(kind, section, key) if place == "options" and key else field


def _short(text: str) -> str:
    text = " ".join(text.split()) or "(none)"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN - 3]}..."


@click.command("export")
@place_options
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, for your eyes only.")
@click.option("--secrets", is_flag=True, help="With passwords and the like; without them an import leaves these as they are.")
@click.option("--for", "application", metavar="APPLICATION", help="The tables that this server works with, its options looked"
                                                                  " up, as its own file would have to have them.")
@_json
def export_file(output: Path | None, secrets: bool, application: str | None, as_json: bool, **place: Any) -> None:
    """Write every object of the Configuration Database as TOML; `ocs config import` reads it back.

    With --config or --directory of a server that has its configuration in its file, and no Configuration Database yet: the
    objects of that file."""
    from ocs.app.importing import export_file_objects, export_objects, export_server
    from ocs.configuration.exporting import written
    from ocs.options import read_toml
    backend, origin = chosen_backend(**place), ""
    if application is not None:
        mapping = export_server(backend, application)
    elif (own := _own_file(backend, **place)) is not None:
        mapping, origin = export_file_objects(read_toml(own), secrets, chosen_rules(None, **place)), str(own)
    else:
        mapping = export_objects(backend, secrets)
    if as_json:
        text = json.dumps(mapping) + "\n"
    else:
        text = f"# {origin or backend}, {_moment(time.time())}\n\n{written(mapping)}"
    if output is None:
        sys.stdout.write(text)
        return
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


def _own_file(backend: Backend, directory: Path | None, config: Path | None, database: str | None) -> Path | None:
    """The file of a server that works with that alone, while there is no Configuration Database."""
    from ocs.app.config import load_configuration
    from ocs.app.importing import has_objects
    from ocs.configuration.options import Source
    file = _server_file(directory, config)
    if file is None or load_configuration(file).configuration.source is not Source.FILE:
        return None
    return None if has_objects(backend) else file


@click.command("history")
@click.argument("object", required=False, default="")
@_with_backend
@click.option("--limit", type=click.IntRange(min=1, max=100_000), default=50, show_default=True, help="Newest rows at most.")
@_json
def history(object: str, backend: Backend, limit: int, as_json: bool) -> None:
    """Tell who changed what in the configuration, the newest first: of OBJECT (campaign[renewals], or renewals), or of all."""
    from ocs.configuration.history import read_history
    from ocs.configuration.kinds import KINDS
    from ocs.configuration.versions import configuration_versions
    with transaction(backend, write=False) as work:
        configuration_versions.check(work)
        entries = read_history(work, object, limit)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in entries]))
        return
    words = {kind.number: word for word, kind in KINDS.items()}
    for entry in entries:
        field = f".{_field_name(words[entry.type], entry.field)}: {_short(entry.old)} -> {_short(entry.new)}"
        click.echo(f"{entry.sequence} {_moment(entry.at)} {entry.who or '-'} ({entry.origin}) {entry.action}"
                   f" {entry.object}{field if entry.field else ''}")
    if not entries and object:
        raise click.ClickException(f"the history has nothing of {object}")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
