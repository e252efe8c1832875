"""`ocs db`: make and upgrade the database; and how every offline command is told which database is meant."""
from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Callable, Mapping

import click
from sqlalchemy.exc import ArgumentError

from ocs.app.cli.upgrading import tell_upgrade
from ocs.database.backend import Backend, backend_for
from ocs.errors import ConfigurationError

__all__ = ["database_option", "db", "directory_database", "progress_bar", "tables_option"]


def directory_database(directory: Path) -> str:
    """The URL of the database of a directory of `ocs demo` or `ocs serve-lab`: the one that its server was given, else the
    file in it."""
    from ocs.app.demo.directory import DemoDirectory
    config = directory / "ocs.toml"
    if config.exists():
        from ocs.app.config import load_configuration
        return load_configuration(config).database.url
    return DemoDirectory(directory).database


def database_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--directory`, `--config`, `--database`, of which one is to be used; the function gets
    the database as `backend`."""
    @tables_option
    @functools.wraps(command)
    def without_tables(*args: Any, tables: Mapping[str, str], **kwargs: Any) -> Any:
        return command(*args, **kwargs)
    return without_tables


def tables_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `database_option`; the function also gets `tables`: the calling lists of the configuration, where there is one, and the
    names of the tables that they read."""
    @click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration of the server.")
    @click.option("--database", metavar="URL", help="URL of the database: sqlite:///FILE or postgresql://USER@HOST/NAME.")
    @functools.wraps(command)
    def with_backend(*args: Any, directory: Path | None, config: Path | None, database: str | None, **kwargs: Any) -> Any:
        if sum(value is not None for value in (directory, config, database)) != 1:
            raise click.UsageError("say which database: one of --directory DIR, --config FILE, --database URL")
        url, tables = (database, {}) if database is not None else _configured(directory, config)
        try:
            backend = backend_for(url)
        except (ConfigurationError, ArgumentError) as error:
            raise click.UsageError(str(error)) from None
        return command(*args, backend=backend, tables=tables, **kwargs)
    return with_backend


def _configured(directory: Path | None, config: Path | None) -> tuple[str, dict[str, str]]:
    """The URL of the database, and the tables of the calling lists."""
    if config is None:
        assert directory is not None
        config = directory / "ocs.toml"
        if not config.exists():
            return directory_database(directory), {}
    from ocs.app.config import load_configuration
    options = load_configuration(config)
    return options.database.url, {one.name: one.reads for one in options.calling_list}


class progress_bar:
    """`with progress_bar("import", quiet) as tell:` gives a function (stage, done, total) that shows progress on the
    terminal; it shows nothing where standard error is none, or when quiet."""

    def __init__(self, title: str, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
        console = Console(stderr=True)
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
                                  TimeRemainingColumn(), console=console, transient=True,
                                  disable=quiet or not console.is_terminal)
        self._title, self._tasks = title, {}        # type: str, dict[str, Any]

    def __enter__(self) -> Callable[[str, int, int], None]:
        self._progress.start()
        return self._tell

    def __exit__(self, *error: Any) -> None:
        self._progress.stop()

    def _tell(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(f"{self._title}: {stage}", total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)


@click.group()
def db() -> None:
    """Create or upgrade the database."""


@db.command("upgrade")
@database_option
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def upgrade(backend: Backend, as_json: bool) -> None:
    """Bring the database to the version that this program needs; make it where there is none."""
    from ocs.store.versions import upgrade as upgrade_store
    tell_upgrade(backend, upgrade_store, "", as_json)


@db.command("status")
@database_option
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def status(backend: Backend, as_json: bool) -> None:
    """Tell the version of the database and the one that this program needs; exit status 1 where they differ."""
    from ocs.store import versions
    current, needed = versions.current_version(backend), versions.needed_version()
    if as_json:
        click.echo(json.dumps({"database": backend.shown_url, "current": current, "needed": needed}))
    elif current == needed:
        click.echo(f"{backend}: version {current}, as needed")
    else:
        click.echo(f"{backend}: version {current or 'none'}, needed is {needed}: run `ocs db upgrade`", err=True)
    if current != needed:
        raise SystemExit(1)
