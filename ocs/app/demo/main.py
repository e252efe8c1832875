"""The demonstration on the global reactor: signals in, exit status out."""
from __future__ import annotations

from typing import Any

from rich.console import Console
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ocs.app.demo.directory import DemoDirectory
from ocs.app.demo.figures import Figures
from ocs.app.demo.options import DemoOptions
from ocs.app.demo.run import Demonstration, on_signals
from ocs.errors import ConfigurationError, OCSError

__all__ = ["run"]


def run(options: DemoOptions) -> int:
    """Run it; the exit status: 0 good, 1 not."""
    console, errors = Console(), Console(stderr=True)
    directory = DemoDirectory(options.directory, options.database)
    try:
        directory.open(lambda text: console.print(text, highlight=False))
    except OCSError as error:
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    try:
        return _run(options, directory, console, errors)
    finally:
        directory.close()


def _run(options: DemoOptions, directory: DemoDirectory, console: Console, errors: Console) -> int:
    from twisted.internet import reactor as installed
    reactor: Any = installed
    demonstration = Demonstration(options, directory, reactor, console)
    status = 1

    def done(outcome: Figures | None | Failure) -> None:
        nonlocal status
        if isinstance(outcome, Failure):
            _explain(outcome, errors)
        elif outcome is not None:
            # a laboratory is interrupted on purpose
            status = 0 if outcome.good or (options.stay and outcome.reconciled) else 1
            if not outcome.complete and not options.stay:
                console.print(f"Interrupted before the end; `ocs demo --directory {directory.path}` with the same contacts"
                              " goes on.", markup=False, highlight=False, soft_wrap=True)
        reactor.stop()

    def start() -> None:
        on_signals(demonstration.interrupt, reactor)
        Deferred.fromCoroutine(demonstration.run()).addBoth(done)

    reactor.callWhenRunning(start)
    reactor.run()
    return status


def _explain(failure: Failure, errors: Console) -> None:
    """What cannot be done, in its own words; a bug with its traceback."""
    error = failure.value
    if isinstance(error, ConfigurationError):
        text = "\n".join(error.problems)
    elif isinstance(error, (OCSError, OSError)):
        text = str(error)
    else:
        text = failure.getTraceback()
    errors.print(text, markup=False, highlight=False, soft_wrap=True)
