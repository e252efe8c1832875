"""`ocs demo` and `ocs serve-lab`: a whole contact center on this machine."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Callable

import click

from ocs.app.demo.options import NOW, DemoOptions, shipped
from ocs.app.demo.times import parse_time
from ocs.database.backend import SqliteBackend, backend_for
from ocs.dialing.modes import AVAILABLE_MODES
from ocs.dialing.results import DialingMode
from ocs.errors import ConfigurationError

__all__ = ["demo", "serve_lab"]

MODES = {mode.word: mode for mode in DialingMode if mode is not DialingMode.NO_DIAL_MODE}
DEMO_SPEED, LAB_SPEED = 100.0, 10.0


class Mode(click.ParamType):      # type: ignore[type-arg]
    """A dialing mode by its word."""

    name = "mode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> DialingMode:
        if isinstance(value, DialingMode):
            return value
        available = ", ".join(mode.word for mode in AVAILABLE_MODES)
        if value not in MODES:
            self.fail(f"{value!r} is no dialing mode; there are {available}", param, ctx)
        if MODES[value] not in AVAILABLE_MODES:
            self.fail(f"{value} is not available; there are {available}", param, ctx)
        return MODES[value]


class Moment(click.ParamType):      # type: ignore[type-arg]
    """An ISO time with its offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class DatabaseUrl(click.ParamType):     # type: ignore[type-arg]
    """A database URL; a relative SQLite path becomes an absolute one."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            backend = backend_for(str(value))
        except ConfigurationError as error:
            self.fail("; ".join(problem.removeprefix("database.url: ") for problem in error.problems), param, ctx)
        url = backend.url
        if isinstance(backend, SqliteBackend):
            url = url.set(database=str(backend.path.absolute()))
        return url.set(drivername=backend.dialect.name).render_as_string(hide_password=False)


_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def _options(speed: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that both commands have."""
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed((
            click.option("--contacts", type=_FILE, metavar="CSV", help="Contacts to dial: columns such as name, phone, phone2,"
                         " timezone, account. [default: the demonstration's 2,000]"),
            click.option("--agents", type=click.IntRange(1, 500), default=20, show_default=True, metavar="N",
                         help="Simulated agents."),
            click.option("--mode", type=Mode(), default="progressive", show_default=True, help="Dialing mode."),
            click.option("--speed", type=click.FloatRange(0.1, 1_000), default=speed, show_default=True, metavar="X",
                         help="How much faster than real time people, retries and calling windows go."),
            click.option("--now", type=Moment(), metavar="TIME", help="Where the laboratory's clock starts, with its offset."
                         f" [default: {NOW}, or where DIR's clock stopped]"),
            click.option("--database", type=DatabaseUrl(), metavar="URL",
                         help="sqlite:///FILE or postgresql://USER@HOST/NAME. [default: a SQLite file in DIR]"),
            click.option("--dnc", type=_FILE, metavar="CSV", help="Numbers that must not be called. [default: the"
                         " demonstration's, where its own contacts are dialed]"),
            click.option("--seed", type=int, default=1, show_default=True, metavar="N",
                         help="Another seed, other people behind the same numbers."),
            click.option("--directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
                         help="Where everything is kept; a second run in it goes on. [default: a new one]"),
            click.option("--json", "json_file", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FILE",
                         help="Write the outcome as a JSON object."),
            click.option("--picture", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="SVG",
                         help="Draw the run: the board half way and the closing table."),
            click.option("--cpd", is_flag=True, help="The CPD Server dials, and tells by listening what answers; not in the GVP"
                         " modes."),
            click.option("--obn", is_flag=True, help="The Outbound Notification Manager dials; in power-gvp."),
            click.option("--tls", is_flag=True, help="Ports and links speak TLS, with certificates made for the run"
                         " (DIR/ca.pem is their authority)."),
            click.option("--mutual-tls", is_flag=True, help="The same, and every client has to show a certificate (a visitor"
                         " DIR/visitor.pem)."),
            click.option("--skip-bad", is_flag=True, help="Leave rows out that cannot be imported; without it they stop the"
                         " import."),
        )):
            command = option(command)
        return command
    return decorate


@click.command()
@_options(DEMO_SPEED)
def demo(**values: Any) -> None:
    """Run a whole contact center on this machine until a list is dialed.

    T-Server, outbound contact server and simulated agents are processes and sockets of their own. Exit status 0: every
    record is final or planned for later, and the calling list, the T-Server's call log and ICON agree on every call.
    """
    raise SystemExit(_run(_demo_options(values, stay=False)))


@click.command("serve-lab")
@_options(LAB_SPEED)
def serve_lab(**values: Any) -> None:
    """The same contact center, up until interrupted, to connect to.

    DIR/endpoints.json tells host, port and credentials of every server, and of agents' seats that are free for a
    visitor's own client.
    """
    raise SystemExit(_run(_demo_options(values, stay=True)))


def _demo_options(values: dict[str, Any], stay: bool) -> DemoOptions:
    contacts, dnc = values["contacts"], values["dnc"]
    if contacts is None:
        contacts = shipped("demo-contacts.csv")
        dnc = dnc or shipped("demo-dnc.csv")
    if values["obn"] and values["mode"] is not DialingMode.POWER_GVP:
        raise click.BadParameter("only in --mode power-gvp", param_hint="--obn")
    json_file = values["json_file"]
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise click.BadParameter(f"{json_file.absolute().parent} is no directory", param_hint="--json")
    directory = values["directory"] or Path(tempfile.mkdtemp(prefix="ocs-demo-"))
    return DemoOptions(
        contacts=contacts.absolute(), dnc=dnc, agents=values["agents"], mode=values["mode"], speed=values["speed"],
        now=values["now"], seed=values["seed"], directory=directory.absolute(), database=values["database"],
        json=json_file.absolute() if json_file is not None else None, picture=values["picture"],
        skip_bad=values["skip_bad"], cpd=values["cpd"], obn=values["obn"], tls=values["tls"] or values["mutual_tls"],
        mutual_tls=values["mutual_tls"], stay=stay)


def _run(options: DemoOptions) -> int:
    from ocs.app.demo.main import run
    return run(options)
