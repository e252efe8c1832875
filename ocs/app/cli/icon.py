"""`ocs icon`: make, upgrade and look at an interaction database, with or without an ICON that runs."""
from __future__ import annotations

import functools
import json
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import click

from ocs.app.cli.upgrading import tell_upgrade
from ocs.database.backend import Backend, backend_for, transaction
from ocs.errors import ConfigurationError

__all__ = ["icon"]


def _database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--directory`, `--config`, `--database`, of which one is to be used, as `backend`."""
    @click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration of ICON.")
    @click.option("--database", metavar="URL", help="URL of the database: sqlite:///FILE or postgresql://USER@HOST/NAME.")
    @functools.wraps(command)
    def with_backend(*args: Any, directory: Path | None, config: Path | None, database: str | None, **kwargs: Any) -> Any:
        if sum(value is not None for value in (directory, config, database)) != 1:
            raise click.UsageError("say which database: one of --directory DIR, --config FILE, --database URL")
        file = directory / "icon.toml" if directory is not None else config
        return command(*args, backend=_backend(file, database), **kwargs)
    return with_backend


def _backend(config: Path | None, database: str | None) -> Backend:
    if config is not None:
        from ocs.options import load_file
        from ocs.servers.icon.config import IconOptions
        database = load_file(IconOptions, config).database.url
    assert database is not None
    try:
        return backend_for(database)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


@click.group()
def icon() -> None:
    """The interaction database: its tables, who reports, what is missing."""


@icon.command("upgrade")
@_database
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def upgrade(backend: Backend, as_json: bool) -> None:
    """Bring the tables to the version that ICON needs; make them where there are none."""
    from ocs.servers.icon.versions import icon_versions
    tell_upgrade(backend, icon_versions.upgrade, "tables", as_json)


@icon.command("status")
@_database
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def status(backend: Backend, as_json: bool) -> None:
    """Tell rows by table, who reports and how far, and what is missing; exit status 1 where reports are missing."""
    from ocs.servers.icon.overview import overview
    from ocs.servers.icon.versions import icon_versions
    with transaction(backend, write=False) as work:
        icon_versions.check(work)
        found = overview(work)
    if as_json:
        click.echo(json.dumps({"database": backend.shown_url, **asdict(found)}))
    else:
        for name, count in found.rows.items():
            click.echo(f"{name:20} {count:>12,}")
        for source in found.sources:
            click.echo(f"{source.application} (OCSID {source.ocsid}, {source.source}): {source.last_sequence:,} reports,"
                       f" connected {_moment(source.opened_at)}")
        for one in found.missing:
            click.echo(f"{_moment(one.at)} {one.kind}: {one.count:,} reports, {one.first_sequence} to {one.last_sequence}"
                       f" of {one.source}: {one.text}", err=True)
    if found.missing:
        raise SystemExit(1)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
