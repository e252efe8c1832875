"""`ocs report`: what was dialed, for people who must prove it. Works on the database, with or without a server that runs."""
from __future__ import annotations

import csv
import functools
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import click
from sqlalchemy.exc import ArgumentError

from ocs.app.calling_rules import the_rules
from ocs.app.cli.db import directory_database
from ocs.app.compliance_report import DayLine, day_lines, in_force, local_day
from ocs.database.backend import Backend, backend_for, transaction
from ocs.dialing.compliance.account import Estimates, number_text
from ocs.dialing.compliance.attempts import PastWanted
from ocs.dialing.compliance.calls import category, facts_of_attempt
from ocs.dialing.compliance.evidence import RulePeriod
from ocs.dialing.compliance.rules import CountedFrom, Rule
from ocs.dialing.dial_hours import known_zone
from ocs.dialing.values import Attempt
from ocs.errors import ConfigurationError, OCSError
from ocs.store.attempts import attempts_with
from ocs.store.compliance import campaigns_with_attempts, past_attempts
from ocs.store.phones import BadNumber, parse_phone
from ocs.store.versions import check_version

__all__ = ["report"]

_DAYS_SHOWN = 30
_E164 = re.compile(r"\+[0-9]{4,15}")
_COLUMNS = ("day", "rule", "dialed", "answered", "abandoned", "window", "rate", "limit", "worst", "verdict", "hard stop")


@dataclass
class _Ruled:
    """Rules and estimates of each campaign of a configuration, and where its own rules lie; without one, none."""

    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    estimates: dict[str, Estimates] = field(default_factory=dict)
    directory: Path | None = None


def _configured(config: Path) -> tuple[str, _Ruled]:
    from ocs.app.config import to_campaign_groups
    from ocs.app.sources import load_server
    options, found = load_server(config).options, _Ruled()
    found.directory = options.compliance.rules_directory
    for group in to_campaign_groups(options).values():
        found.rules[group.campaign] = tuple(dict.fromkeys([*found.rules.get(group.campaign, ()), *group.rules]))
        own = Estimates(group.detection_error, group.undetected_machine)
        found.estimates[group.campaign] = _stricter(own, found.estimates.get(group.campaign, own))
    return options.database.url, found


def _stricter(one: Estimates, other: Estimates) -> Estimates:
    return Estimates(max(one.detection_error, other.detection_error), min(one.undetected_machine, other.undetected_machine))


def _ruled_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--directory`, `--config`, `--database`; the function gets `backend` and `ruled`."""
    @click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE",
                  help="Configuration of the server, with the rules of its campaigns.")
    @click.option("--database", metavar="URL", help="URL of the database: sqlite:///FILE or postgresql://USER@HOST/NAME.")
    @functools.wraps(command)
    def with_backend(*args: Any, directory: Path | None, config: Path | None, database: str | None, **kwargs: Any) -> Any:
        if sum(value is not None for value in (directory, config, database)) != 1:
            raise click.UsageError("say which database: one of --directory DIR, --config FILE, --database URL")
        if directory is not None and (directory / "ocs.toml").exists():
            config = directory / "ocs.toml"
        ruled = _Ruled()
        if config is not None:
            database, ruled = _configured(config)
        elif directory is not None:
            database = directory_database(directory)
        try:
            backend = backend_for(database or "")
        except (ConfigurationError, ArgumentError) as error:
            raise click.UsageError(str(error)) from None
        return command(*args, backend=backend, ruled=ruled, **kwargs)
    return with_backend


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day like 2026-03-31") from None


def _zone(value: str) -> str:
    if not known_zone(value):
        raise click.BadParameter(f"there is no time zone {value}")
    return value


@click.group()
def report() -> None:
    """What was dialed, for people who must prove it."""


@report.command("compliance")
@_ruled_option
@click.option("--campaign", "campaigns", metavar="NAME", multiple=True, help="Only this campaign; may be given several times.")
@click.option("--rule", "names", metavar="NAME", multiple=True,
              help="Judge by this rule, in place of those that are configured or were in force.")
@click.option("--from", "first", type=_day, metavar="DAY", help="First day, like 2026-03-01; else 30 days before the last one.")
@click.option("--to", "last", type=_day, metavar="DAY", help="Last day; else the last one on which the campaign was dialed.")
@click.option("--zone", type=_zone, metavar="ZONE", help="Time zone of the days; else that of the rule, or UTC.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
@click.option("--csv", "as_csv", is_flag=True, help="Print lines for a spreadsheet.")
def compliance(backend: Backend, ruled: _Ruled, campaigns: tuple[str, ...], names: tuple[str, ...], first: date | None,
               last: date | None, zone: str | None, as_json: bool, as_csv: bool) -> None:
    """Abandoned calls of each campaign and day under the rules that hold for it: counts, the rate over the rule's window, the
    limit, a verdict, and for how long the rule held the dialing back.

    The rules are those that the configuration names and those under which sessions were loaded in this time. Nothing here is
    legal advice; docs/compliance.md says what is counted."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    lines: list[DayLine] = []
    periods: list[RulePeriod] = []
    with transaction(backend, write=False) as work:
        check_version(work)
        dialed = campaigns_with_attempts(work)
        unknown = [name for name in campaigns if name not in dialed and name not in ruled.rules]
        if unknown:
            raise OCSError(f"campaign {', '.join(unknown)}: nothing was dialed for it; there are {', '.join(dialed) or 'none'}")
        for name in dict.fromkeys(campaigns or sorted({*dialed, *ruled.rules})):
            until = last or _last_day(dialed.get(name))
            since = first or date.fromordinal(until.toordinal() - _DAYS_SHOWN + 1)
            had = in_force(work, name, local_day(since, "UTC") - 86_400, local_day(until, "UTC") + 2 * 86_400)
            periods += had
            rules = _rules(name, names, ruled, had)
            lines += day_lines(work, name, rules, since, until, time.time(), zone, ruled.estimates.get(name, Estimates()))
    if as_json:
        click.echo(json.dumps({"at": time.time(), "days": [one.as_json() for one in lines],
                               "in_force": [{**asdict(one), "kind": one.kind.value} for one in periods]}))
    elif as_csv:
        _print_csv(lines)
    else:
        _print(lines)


@report.command("number")
@click.argument("number")
@_ruled_option
@click.option("--region", default="US", show_default=True, help="Country of numbers without +.")
@click.option("--from", "first", type=_day, metavar="DAY", help="First day, of UTC; else from the beginning.")
@click.option("--rule", "name", default="us-ftc", show_default=True, metavar="NAME",
              help="By which what became of a call is told.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for machines.")
def number(number: str, backend: Backend, ruled: _Ruled, region: str, first: date | None, name: str, as_json: bool) -> None:
    """Every attempt on a number, of whatever campaign, list and server: when, for whom, what came of it, and as what it counts.
    The number stands in full."""
    try:        # what is written as it was dialed is looked for as it is, even if no such number exists
        phone = number if _E164.fullmatch(number) else parse_phone(number, region.upper()).e164
    except BadNumber as error:
        raise click.BadParameter(str(error), param_hint="NUMBER") from None
    rule = _by_name(ruled.directory, [name])[0]
    with transaction(backend, write=False) as work:
        check_version(work)
        past = past_attempts(work, PastWanted(0.0 if first is None else local_day(first, "UTC"), (phone,)))
        found = attempts_with(work, [one.guid for one in past])
    rows = [_attempt_row(found[one.guid], rule) for one in past]
    if as_json:
        click.echo(json.dumps({"number": phone, "rule": rule.name, "version": rule.version, "attempts": rows}))
    elif rows:
        from ocs.app.console import as_text
        click.echo(f"{phone}: {len(rows)} attempts; counted by rule {rule.name}, version {rule.version}")
        click.echo(as_text(rows, 160))
    else:
        click.echo(f"{phone}: no attempts")


def _attempt_row(attempt: Attempt, rule: Rule) -> dict[str, Any]:
    counted_from = CountedFrom.GREETING if rule.abandon is None else rule.abandon.counted_from
    kind = category(facts_of_attempt(attempt), rule.agent_within_s, counted_from)
    moment = datetime.fromtimestamp(attempt.opened_at, timezone.utc).isoformat(" ", "seconds").removesuffix("+00:00")
    return {"at (UTC)": moment, "campaign": f"{attempt.campaign}@{attempt.group}", "list": attempt.calling_list,
            "record": attempt.record_id, "attempt": attempt.number, "state": attempt.state.value,
            "result": "" if attempt.call_result is None else attempt.call_result.label, "counts as": kind.value if kind else "",
            "agent": attempt.agent_id or ""}


def _last_day(times: tuple[float, float] | None) -> date:
    return datetime.fromtimestamp(time.time() if times is None else times[1], timezone.utc).date()


def _rules(campaign: str, names: Sequence[str], ruled: _Ruled, had: Sequence[RulePeriod]) -> tuple[Rule, ...]:
    """By which a campaign is judged."""
    if names:
        return _by_name(ruled.directory, names)
    shelf = the_rules(ruled.directory)
    configured = ruled.rules.get(campaign, ())
    known = {rule.name for rule in configured}
    then = dict.fromkeys(one.rule for one in had if one.rule not in known and one.rule in shelf.rules)
    return (*configured, *(shelf.rules[name] for name in then))


def _by_name(directory: Path | None, names: Sequence[str]) -> tuple[Rule, ...]:
    """These rules; OCSError for what there is not."""
    shelf = the_rules(directory)
    missing = [name for name in names if name not in shelf.rules]
    if missing:
        raise OCSError(f"there is no rule {', '.join(missing)}; there are {', '.join(sorted(shelf.rules))}")
    return tuple(shelf.rules[name] for name in dict.fromkeys(names))


def _percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.2f} %"


def _print(lines: Sequence[DayLine]) -> None:
    from ocs.app.console import as_text
    if not lines:
        click.echo("no rule about abandoned calls holds for what was dialed (--rule NAME judges by one)")
        return
    for campaign in dict.fromkeys(one.campaign for one in lines):
        ours = [one for one in lines if one.campaign == campaign]
        click.echo(f"campaign {campaign}")
        for rule in dict.fromkeys((one.rule, one.version, one.source, one.window, one.zone) for one in ours):
            click.echo("  rule {}, version {}: {}; counted over {}; days of {}".format(*rule))
        first = min((one.day for one in ours if one.dialed or one.window_answered or one.hard_stop_min), default=ours[-1].day)
        rows = [dict(zip(_COLUMNS, (
            one.day.isoformat(), one.rule, f"{one.dialed:,}", number_text(one.answered), number_text(one.abandoned),
            f"{number_text(one.window_abandoned)} of {number_text(one.window_answered)}", _percent(one.rate), _percent(one.limit),
            _percent(one.worst_rate), one.verdict.value, f"{one.hard_stop_min:g} min"))) for one in ours if one.day >= first]
        click.echo(as_text(rows, 160))
        over, before = sum(one.verdict.value == "over" for one in ours), len(ours) - len(rows)
        click.echo(f"{len(ours)} days, {f'{over} of them' if over else 'none'} over a limit"
                   + (f"; the first {before}, without calls, are not shown" if before else "") + "\n")


def _print_csv(lines: Sequence[DayLine]) -> None:
    kinds = sorted({kind for one in lines for kind in one.counts})
    writer = csv.writer(sys.stdout, lineterminator="\n")
    columns = [name for name in DayLine.__dataclass_fields__ if name != "counts"]
    writer.writerow([*columns, *(f"calls_{kind}" for kind in kinds)])
    for one in lines:
        row: Mapping[str, Any] = one.as_json()
        values = ["" if row[name] is None else row[name] for name in columns]
        writer.writerow([*values, *(one.counts.get(kind, 0) for kind in kinds)])
