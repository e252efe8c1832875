"""`ocs list import --server`: the file goes to a running server, which is asked how far it is until it is done."""
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Mapping

import click

from ocs.app.cli.db import progress_bar
from ocs.app.cli.remote import RemoteServer
from ocs.errors import OCSError

__all__ = ["import_through"]

_LOOK_S = 0.5


def import_through(server: RemoteServer, file: Path, name: str, query: Mapping[str, Any], as_json: bool) -> None:
    """Send, wait, tell. OCSError where nothing was imported."""
    try:
        job = server.ask("POST", "lists", name, "imports", query=query, file=file)
    except FileNotFoundError as error:
        raise OCSError(f"{file}: {error.strerror}") from None
    with progress_bar(f"list {name}", as_json) as tell:
        while job["ended_at"] is None:
            time.sleep(_LOOK_S)
            job = server.ask("GET", "imports", str(job["id"]))
            if job["stage"]:
                tell(job["stage"], job["done"], job["total"])
    if as_json:
        click.echo(json.dumps(job))
    else:
        for fault in job["faults"]:
            click.echo(f"{file}: {fault}", err=True)
    if job["state"] != "done":
        raise OCSError(f"{file}: {job['error'] or 'nothing was imported'}")
    if not as_json:
        click.echo(f"list {name}: {job['contacts']} contacts, {job['records']} records imported, {job['bad_rows']} bad rows left"
                   " out")
