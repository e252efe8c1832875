"""What holds for every test: a failure that went to the log and that the test did not claim fails it."""
from __future__ import annotations

import gc
import os
import shutil
from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, settings
from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from tests.postgres import database, empty_database, own_postgres_server, postgres_server, sqlite_template  # noqa: F401

# How fast a machine is, no property says. The gate draws the same examples each time: what fails there, the change did.
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("anywhere"), derandomize=True)
settings.load_profile("gate" if os.environ.get("OCS_REQUIRE_SERVICES") == "1" else "anywhere")


FIGURES = "figures"     # a property of a test: a line that the summary shows


class Logged:
    """The events that a test logged."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def failures(self, *kinds: type[BaseException]) -> list[Failure]:
        """Claim the logged failures of these kinds (of any, without arguments) and return them."""
        gc.collect()        # a Deferred tells of its lost failure when it goes
        claimed = [event for event in self._unclaimed() if not kinds or event["log_failure"].check(*kinds)]
        for event in claimed:
            event["claimed"] = True
        return [event["log_failure"] for event in claimed]

    def texts(self, level: LogLevel = LogLevel.info) -> list[str]:
        """The formatted events of at least this level, oldest first."""
        from twisted.logger import formatEvent
        return [formatEvent(event) for event in self.events if event["log_level"] >= level]

    def _unclaimed(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("log_failure") is not None and "claimed" not in event]


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """Collects what is logged; `logged.failures(SomeError)` claims failures that the test means to cause."""
    seen = Logged()
    globalLogPublisher.addObserver(seen)
    yield seen
    gc.collect()
    gc.freeze()             # what outlives this test (imports, reports) need not be walked after each of the next ones
    globalLogPublisher.removeObserver(seen)
    lost = seen._unclaimed()
    if lost:
        pytest.fail("logged failures that the test did not claim:\n"
                    + "\n".join(event["log_failure"].getTraceback() for event in lost), pytrace=False)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the imports made stays for good: `gc.collect()` after every test need not walk it."""
    gc.collect()
    gc.freeze()


def needs(program: str) -> str:
    """The path of a program that a test needs; without it the test is skipped by name, or fails where
    OCS_REQUIRE_SERVICES=1 promises that everything is there."""
    path = shutil.which(program)
    if path is None:
        text = f"{program} is not on this machine (`make services` installs it)"
        if os.environ.get("OCS_REQUIRE_SERVICES") == "1":
            pytest.fail(text)
        pytest.skip(text)
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `long` run only where `-m long` (or another -m) asks for them."""
    if config.getoption("-m"):
        return
    chosen = [item for item in items if "long" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "long" in item.keywords])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What long tests have measured."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [str(value) for report in reports if report.when == "call" for name, value in report.user_properties
             if name == FIGURES]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)
