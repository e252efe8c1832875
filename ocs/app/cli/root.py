"""The root of the `ocs` command. Families are imported on demand, so that `ocs --help` answers at once."""
from __future__ import annotations

import errno
import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version

import click

from ocs.errors import ConfigurationError, OCSError

__all__ = ["FAMILIES", "main", "ocs"]

# name -> (module, its click command, one line of help)
FAMILIES: dict[str, tuple[str, str, str]] = {
    "campaign": ("ocs.app.cli.campaign", "campaign", "Campaign groups of a running server: load, start, stop, mode, status."),
    "config": ("ocs.app.cli.config", "config", "Check a configuration, print the sample or the reference."),
    "db": ("ocs.app.cli.db", "db", "Create or upgrade the database."),
    "desktop": ("ocs.app.cli.desktop", "desktop", "An agent's workplace in the terminal."),
    "demo": ("ocs.app.cli.demo", "demo", "Run a whole contact center on this machine until a list is dialed."),
    "dnc": ("ocs.app.cli.dnc", "dnc", "Do-not-call list: import, add, remove, check."),
    "icon": ("ocs.app.cli.icon", "icon", "Interaction database: make, upgrade, status."),
    "list": ("ocs.app.cli.lists", "lists", "Calling lists: import, export, show."),
    "simulate": ("ocs.app.cli.simulate", "simulate", "Simulate a day of dialing in seconds: for tuning before going live."),
    "report": ("ocs.app.cli.report", "report", "What was dialed, for people who must prove it: calling rules."),
    "token": ("ocs.app.cli.token", "token", "Tokens of the HTTP API: add, list, revoke."),
    "serve-lab": ("ocs.app.cli.demo", "serve_lab", "The same contact center, up until interrupted, to connect to."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(FAMILIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in FAMILIES:
            return None
        module, attribute, _ = FAMILIES[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: help must not import every family."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, FAMILIES[name][2]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        """What the engine refuses is told in its words, one line a problem, exit status 1."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            ctx.exit(1)
        except OCSError as error:
            _leave_output()
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise               # nobody reads any more: click ends without a word
            _leave_output()
            raise click.ClickException(f"{error.filename or 'output'}: {error.strerror or error}") from error


def _leave_output() -> None:
    """A disk that is full takes what is left in standard output at the end no more than before: drop it, the error is told."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _version() -> str:
    try:
        return version("outbound-contact-server")
    except PackageNotFoundError:        # run from a tree that is not installed
        return "unknown"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="ocs")
def ocs() -> None:
    """Outbound contact server: calling lists, do-not-call list, configuration, demonstration.

    Exit status: 0 done, 1 failed, 2 wrong use. The server itself is `twistd -n ocs --config FILE`.
    """


def main() -> None:
    """Entry point of the `ocs` command."""
    ocs(prog_name="ocs")
