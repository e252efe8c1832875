"""A scenario is played: quickly, and with an ear for what the log calls a failure."""
from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import Callable, Iterator

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from ocs.app.simulate.scenario import Scenario, simulated_day
from ocs.log import set_level
from ocs.simulation.day import Account

__all__ = ["play"]

_BUGS = 20          # failures that are kept


def play(scenario: Scenario, told: Callable[[float], None] = lambda elapsed_s: None) -> tuple[Account, list[str]]:
    """The day's account, and the failures that were logged meanwhile, each of them a bug; `told` hears now and then how much of
    the day has passed (s)."""
    set_level("info")       # nobody hears more
    with _listening() as bugs, _seldom_collecting():
        day = simulated_day(scenario)
        gc.freeze()         # the list of contacts stays to the end: no search goes through it
        return day.run(told), bugs


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Almost all garbage of a day goes without a search for cycles."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@contextmanager
def _listening() -> Iterator[list[str]]:
    bugs: list[str] = []

    @implementer(ILogObserver)
    def watch(event: LogEvent) -> None:
        if event.get("log_failure") is not None and len(bugs) < _BUGS:
            bugs.append(f"bug: {formatEvent(event)}\n{event['log_failure'].getTraceback()}")

    globalLogPublisher.addObserver(watch)
    try:
        yield bugs
    finally:
        globalLogPublisher.removeObserver(watch)
