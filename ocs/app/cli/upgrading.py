"""What every command says that brings tables to the version that the program needs."""
from __future__ import annotations

import json
from typing import Callable

import click

from ocs.database.backend import Backend

__all__ = ["tell_upgrade"]


def tell_upgrade(backend: Backend, upgrade: Callable[[Backend], tuple[str | None, str]], tables: str, as_json: bool) -> None:
    """Do it, and tell. `upgrade` gives the versions before (None = there were no tables) and after; `tables` is what they are
    called, "" where they are all that the database is for."""
    backend.prepare_place()
    before, after = upgrade(backend)
    what = f"{backend}: {tables} " if tables else f"{backend}: "
    if as_json:
        click.echo(json.dumps({"database": backend.shown_url, "before": before, "after": after}))
    elif before == after:
        click.echo(f"{what}at version {after} already")
    else:
        click.echo(f"{what}{'made' if before is None else f'upgraded from version {before}'}, now at version {after}")
