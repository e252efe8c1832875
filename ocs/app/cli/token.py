"""`ocs token`: who may ask at the HTTP API, and as what."""
from __future__ import annotations

import json
import time
from datetime import datetime, timezone

import click

from ocs.app.cli.db import database_option
from ocs.database.backend import Backend, transaction
from ocs.store.api_tokens import Role, add_token, revoke_token, tokens
from ocs.store.versions import check_version

__all__ = ["token"]

_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")


@click.group()
def token() -> None:
    """Tokens of the HTTP API: add, list, revoke.

    The database keeps only hashes of them. A running server takes notice within seconds.
    """


@token.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.word for role in Role]), required=True,
              help="agent: sees campaign groups, do-not-call; supervisor: orders and sees everything; administrator: also takes"
                   " numbers off the do-not-call list, imports.")
@click.option("--agent", "agent_id", metavar="ID", help="The agent whose token it is; needed with the role agent.")
@click.option("--days", type=click.IntRange(1, 3_650), help="How long it is good; for ever where nothing is said.")
@database_option
@_json
def add(name: str, role: str, agent_id: str | None, days: int | None, backend: Backend, as_json: bool) -> None:
    """Make a token called NAME and print it: nobody can read it again."""
    now = time.time()
    expires_at = None if days is None else now + 86_400.0 * days
    with transaction(backend) as work:
        check_version(work)
        made = add_token(work, name, Role[role.upper()], now, agent_id, expires_at)
    if as_json:
        click.echo(json.dumps({"name": name, "role": role, "agent_id": agent_id, "expires_at": expires_at, "token": made}))
    else:
        click.echo(made)
        click.echo(f"{name}: {role}; keep it now, it is not shown again", err=True)


@token.command("list")
@database_option
@_json
def list_tokens(backend: Backend, as_json: bool) -> None:
    """Show which tokens there are."""
    with transaction(backend, write=False) as work:
        check_version(work)
        found = tokens(work)
    if as_json:
        click.echo(json.dumps([{"name": one.name, "role": one.role.word, "agent_id": one.agent_id, "made_at": one.made_at,
                                "expires_at": one.expires_at} for one in found]))
        return
    if not found:
        click.echo("no tokens")
    for one in found:
        until = "" if one.expires_at is None else f", until {_day(one.expires_at)}"
        of = f" {one.agent_id}" if one.agent_id else ""
        click.echo(f"{one.name}: {one.role.word}{of}, since {_day(one.made_at)}{until}"
                   + ("" if one.valid(time.time()) else " (expired)"))


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


@token.command("revoke")
@click.argument("name")
@database_option
@_json
def revoke(name: str, backend: Backend, as_json: bool) -> None:
    """Let nobody use the token NAME any more; exit status 1 if there is none."""
    with transaction(backend) as work:
        check_version(work)
        revoked = revoke_token(work, name)
    if as_json:
        click.echo(json.dumps({"name": name, "revoked": revoked}))
    else:
        click.echo(f"{name}: {'revoked' if revoked else 'there is no such token'}", err=not revoked)
    if not revoked:
        raise SystemExit(1)
