"""`ocs simulate`: a day in seconds, from a scenario file or from what a campaign has recorded."""
from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

__all__ = ["simulate"]

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_TOLD = 20         # differences and bugs that are shown
_NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("scenario", type=_FILE, required=False)
@click.option("--json", "json_file", type=_NEW_FILE, metavar="FILE", help="Write the report as a JSON object;"
              " - is standard output.")
@click.option("--html", "html_file", type=_NEW_FILE, metavar="FILE", help="Write the report as a page with charts"
              " that needs nothing else.")
@click.option("--seed", type=click.IntRange(0, 2**53), metavar="N", help="Another day of the same kind. [default: the"
              " scenario's]")
@click.option("--from-history", "campaign", metavar="CAMPAIGN", help="Make the scenario from what this campaign has recorded;"
              " CAMPAIGN@GROUP where it works for several groups.")
@click.option("--config", type=_FILE, metavar="FILE", help="The server's configuration, for --from-history.")
@click.option("--days", type=click.IntRange(1, 3_650), default=28, show_default=True, metavar="N",
              help="How many days back from the last call --from-history looks.")
@click.option("--write-scenario", "scenario_file", type=_NEW_FILE, metavar="FILE", help="Write the scenario of --from-history"
              " instead of running it; with --json or --html do both.")
@click.option("--sample", is_flag=True, is_eager=True, expose_value=False, callback=lambda *given: _print_sample(*given),
              help="Print a scenario file with every option at its default.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def simulate(scenario: Path | None, json_file: Path | None, html_file: Path | None, seed: int | None, campaign: str | None,
             config: Path | None, days: int, scenario_file: Path | None, quiet: bool) -> None:
    """Simulate a day of dialing: the unchanged engine and T-Server with simulated people, in virtual time.

    SCENARIO is a TOML file: agents and shifts, the list, what people are like, events, the campaign group's options; there are
    examples in etc/scenarios. The same scenario and seed give the same report. Exit status 0: simulated; 1: a scenario, option or
    file that cannot be used, or accounts of the day that do not agree.
    """
    from ocs.app.simulate.scenario import load_scenario, read_scenario
    if (scenario is None) is (campaign is None):
        raise click.UsageError("give a SCENARIO, or --from-history CAMPAIGN")
    if campaign is None and (config is not None or scenario_file is not None):
        raise click.UsageError("--config and --write-scenario belong to --from-history")
    for name, file in (("--json", json_file), ("--html", html_file), ("--write-scenario", scenario_file)):
        if file is not None and not file.absolute().parent.is_dir():
            raise click.BadParameter(f"{file.absolute().parent} is no directory", param_hint=name)
    if campaign is None:
        assert scenario is not None
        wanted = load_scenario(scenario)
    else:
        if config is None:
            raise click.UsageError("--from-history needs the server's configuration: --config FILE")
        from ocs.app.simulate.history import as_toml, recorded
        made = recorded(config, campaign, days)
        wanted = read_scenario(made.mapping)
        for text in made.notes:
            click.echo(text, err=True)
        if scenario_file is not None:
            scenario_file.write_text(as_toml(made), encoding="utf-8")
            if json_file is None and html_file is None:
                return
    raise SystemExit(_run(wanted if seed is None else replace(wanted, seed=seed), json_file, html_file, quiet))


def _print_sample(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from ocs.app.simulate.scenario import Scenario
        from ocs.options import sample
        click.echo(sample(Scenario, "A scenario of `ocs simulate`: every option at its default."), nl=False)
        context.exit()


def _run(wanted: Any, json_file: Path | None, html_file: Path | None, quiet: bool) -> int:
    from ocs.app.simulate.play import play
    from ocs.simulation.page import page
    from ocs.simulation.report import report
    began = time.monotonic()
    if not quiet and sys.stderr.isatty():
        with click.progressbar(length=int(3_600 * wanted.hours), label="simulating", file=sys.stderr) as bar:
            account, bugs = play(wanted, lambda elapsed_s: bar.update(int(elapsed_s) - bar.pos))
    else:
        account, bugs = play(wanted)
    made = report(account, time.monotonic() - began)
    if json_file is not None:
        text = json.dumps(made, indent=1) + "\n"
        if str(json_file) == "-":
            click.echo(text, nl=False)
        else:
            json_file.write_text(text, encoding="utf-8")
    if html_file is not None:
        html_file.write_text(page(made), encoding="utf-8")
    if str(json_file) != "-":
        click.echo(_summary(made))
    for text in [*(f"the accounts differ: {one}" for one in made["differences"]), *bugs][:_TOLD]:
        click.echo(text, err=True)
    return 1 if made["differences"] or bugs else 0


def _summary(made: dict[str, Any]) -> str:
    limit, wall = made["scenario"]["abandon_limit"], made["wall"]
    waits = made["idle_waits_s"]
    lines = [
        f"{made['scenario']['name'] or 'simulated day'}: {made['elapsed_s'] / 3600:.4g} h, {made['scenario']['agents']} agents,"
        f" {made['scenario']['mode']}",
        f"  utilisation   {_percent(made['utilisation'])}",
        f"  abandon rate  {_percent(made['abandon_rate'])}" + ("" if limit is None else f" (limit {100 * limit:g} %)")
        + f": {made['abandoned']} of {made['answered']} answered",
        f"  calls         {made['calls']}, hit ratio {_percent(made['hit_ratio'])}, {made['talked']} talks",
        f"  idle waits    median {_seconds(waits['p50'])}, one in ten over {_seconds(waits['p90'])}",
        f"  simulated in  {wall['seconds']:.1f} s ({made['calls'] / max(wall['seconds'], 1e-9):.0f} calls a second)"]
    dry = made["nothing_to_dial"]
    if dry["minutes"]:
        lines.insert(-1, f"  the list      had nothing to dial in {dry['minutes']} minutes in which agents waited,"
                     f" first at {dry['first_at'][:5]}")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
