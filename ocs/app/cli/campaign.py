"""`ocs campaign`: a running server's campaign groups, through its API."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import click

from ocs.app.cli.remote import NotReached, RemoteServer, server_option
from ocs.dialing.modes import AVAILABLE_MODES
from ocs.dialing.results import OptimizationMethod

__all__ = ["campaign"]

_MODES, _METHODS = [mode.word for mode in AVAILABLE_MODES], [method.word for method in OptimizationMethod]
_group = click.argument("group", metavar="GROUP")
_json = click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
_automatic = click.option("--auto-completion/--no-auto-completion", default=None,
                          help="Whether it stops and is unloaded by itself when no record is left.")


@click.group()
def campaign() -> None:
    """Campaign groups of a running server: load, start, stop, unload, mode, status.

    GROUP is Campaign@Group, the number of the campaign group, or the campaign's name where that has one group. The server is
    named with --server, or is that of --config or --directory; orders need a token with the role supervisor.
    """


def _goal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((
        click.option("--optimize-by", type=click.Choice(_METHODS), help="What predictive dialing aims at."),
        click.option("--goal", type=float, help="Its goal: percent, seconds or, of maximum-gain, calls."),
        _automatic,
    )):
        command = option(command)
    return command


def _order(server: RemoteServer, group: str, verb: str, as_json: bool, **body: Any) -> None:
    said = {name: value for name, value in body.items() if value is not None}
    told = server.ask("POST", "campaign-groups", group, verb, body=said)
    click.echo(json.dumps(told) if as_json else _line(told))


def _line(told: dict[str, Any]) -> str:
    """How a campaign group stands, in a line."""
    goal = "" if told["optimize_by"] == "none" else f" ({told['optimize_by']} {told['optimize_goal']:g})"
    agents = sum(told["agents"].values())
    parts = [f"{told['name']}: {told['state']}{', paused' if told['paused'] else ''}", f"{told['mode']}{goal}",
             f"{agents} agents", f"{told['calls']} calls", f"{told['held']} records held"]
    if told["condition"]:
        parts.append(told["condition"] + (f" ({told['why_not']})" if told["why_not"] else ""))
    return ", ".join(parts)


@campaign.command()
@_group
@_automatic
@server_option
@_json
def load(group: str, auto_completion: bool | None, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Load GROUP: its lists are read, records retrieved; it does not dial yet."""
    _order(server, group, "load", as_json, auto_completion=auto_completion)


@campaign.command()
@_group
@click.option("--mode", type=click.Choice(_MODES), help="Dialing mode; as configured where nothing is said.")
@_goal_options
@server_option
@_json
def start(group: str, mode: str | None, optimize_by: str | None, goal: float | None, auto_completion: bool | None,
          server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Let GROUP dial."""
    _order(server, group, "start", as_json, mode=mode, optimize_by=optimize_by, optimize_goal=goal,
           auto_completion=auto_completion)


@campaign.command()
@_group
@server_option
@_json
def stop(group: str, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """No new calls of GROUP; those in progress go on."""
    _order(server, group, "stop", as_json)


@campaign.command()
@_group
@click.option("--force", is_flag=True, help="Do not wait for calls to end.")
@server_option
@_json
def unload(group: str, force: bool, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Give back what GROUP holds, when its calls have ended; `ocs campaign status` tells how far it is."""
    _order(server, group, "unload", as_json, force=force)


@campaign.command()
@_group
@click.argument("mode", type=click.Choice(_MODES), required=False)
@_goal_options
@server_option
@_json
def mode(group: str, mode: str | None, optimize_by: str | None, goal: float | None, auto_completion: bool | None,
         server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Let GROUP go on in MODE, or to another goal, until it is unloaded."""
    if mode is None and optimize_by is None and goal is None and auto_completion is None:
        raise click.UsageError("give a MODE, --optimize-by, --goal or --auto-completion")
    _order(server, group, "mode", as_json, mode=mode, optimize_by=optimize_by, optimize_goal=goal,
           auto_completion=auto_completion)


@campaign.command()
@_group
@server_option
@_json
def pause(group: str, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Hold the dialing of GROUP."""
    _order(server, group, "pause", as_json)


@campaign.command()
@_group
@server_option
@_json
def resume(group: str, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """Go on after a pause."""
    _order(server, group, "resume", as_json)


@campaign.command()
@_group
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many.")
@server_option
@_json
def decisions(group: str, limit: int, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """What the pacing of GROUP decided lately, and why; the latest first."""
    told = server.ask("GET", "campaign-groups", group, "decisions", query={"limit": limit})
    if as_json:
        click.echo(json.dumps(told))
        return
    from datetime import datetime, timezone
    for one in told["decisions"]:
        moment = datetime.fromtimestamp(one["at"], timezone.utc).strftime("%H:%M:%S")
        click.echo(f"{moment} {one['condition']}: {one['reason']}")


@campaign.command()
@click.argument("group", required=False)
@server_option
@_json
def status(group: str | None, server: RemoteServer, config: Path | None, as_json: bool) -> None:
    """How GROUP stands, or every campaign group. Where the server of a --config does not answer, what the configuration and the
    lists say is told instead, and the exit status is 1."""
    try:
        if group is None:
            found = server.ask("GET", "campaign-groups")["campaign_groups"]
        else:
            found = [server.ask("GET", "campaign-groups", group)]
    except NotReached as error:
        if config is None:
            raise
        _offline(config, group, str(error), as_json)
        raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps(found if group is None else found[0]))
        return
    for told in found:
        click.echo(_line(told))
        if group is not None:
            for name in ("not_dialed", "results"):
                counts = ", ".join(f"{reason} {count}" for reason, count in told[name].items())
                click.echo(f"  {name.replace('_', ' ')}: {counts or 'none'}")
            click.echo(f"  last decision: {told['last_decision'] or 'none'}")


def _offline(config: Path, group: str | None, reason: str, as_json: bool) -> None:
    """What there is to say of campaign groups without a server: their lists' records by status."""
    from ocs.app.config import load_configuration, to_campaign_groups
    from ocs.database.backend import backend_for, transaction
    from ocs.dialing.results import RecordStatus
    from ocs.store.registry import Catalog
    options, catalog = load_configuration(config), Catalog()
    rows: list[dict[str, Any]] = []
    with transaction(backend_for(options.database.url), write=False) as work:
        tables = catalog.calling_lists(work)
        for name, one in to_campaign_groups(options).items():
            if group in (None, name, one.campaign, str(one.dbid)):
                counts: dict[str, int] = {}
                for table in {each.reads for each in one.lists} & set(tables):
                    for number, count in work.rows(catalog.calling_list(work, table).status_counts):
                        word = RecordStatus(number).name.lower().replace("_", "-")
                        counts[word] = counts.get(word, 0) + int(count)
                rows.append({"name": name, "state": "unknown", "mode": one.mode.word, "records": counts})
    click.echo(reason, err=True)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        shown = ", ".join(f"{count} {word}" for word, count in row["records"].items())
        click.echo(f"{row['name']}: no server to ask; {row['mode']}, records: {shown or 'none'}")
