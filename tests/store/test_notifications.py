"""What PostgreSQL notifies of: heard at once, and asked for again where something may have been missed."""
from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import LogLevel

from ocs.database.backend import backend_for
from ocs.database.notifications import Notifications
from tests.conftest import Logged
from tests.doubles.descriptors import ReadingClock
from tests.postgres import PostgresServer


class Listening:
    """A service on the run's server, and what it told."""

    def __init__(self, server: PostgresServer) -> None:
        self.server, self.reactor, self.told = server, ReadingClock(), list[str]()
        self.late: list[Callable[[], None]] | None = None       # where set: threads that have not begun
        self.service = Notifications(backend_for(server.url("postgres")), self.reactor, self.in_thread)
        for channel in ("ocs_one", "Ocs two"):
            self.service.listen(channel, lambda channel=channel: self.told.append(channel))     # type: ignore[misc]

    def in_thread(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        if self.late is None:
            return maybeDeferred(work, *args)
        fired: Deferred[Any] = Deferred()
        self.late.append(lambda: maybeDeferred(work, *args).chainDeferred(fired))
        return fired

    def notify(self, *channels: str) -> None:
        for channel in channels:
            self.server.execute(f"SELECT pg_notify('{channel}', '')")

    def cut(self) -> None:
        self.server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                            " WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")

    def heard(self) -> list[str]:
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def listening(postgres_server: PostgresServer) -> Iterator[Listening]:
    one = Listening(postgres_server)
    yield one
    if one.service.running:
        one.service.stopService()
    assert one.reactor.readers == [] and one.reactor.getDelayedCalls() == []


def test_everybody_is_told_once_it_listens_and_then_of_their_own_channels(listening: Listening) -> None:
    listening.service.startService()
    assert listening.service.up and listening.heard() == ["ocs_one", "Ocs two"]
    listening.notify("Ocs two")
    assert listening.reactor.read() and listening.heard() == ["Ocs two"]
    listening.notify("ocs_one", "ocs_three")
    assert listening.reactor.read() and listening.heard() == ["ocs_one"]


def test_many_notifications_that_came_together_are_one(listening: Listening) -> None:
    listening.service.startService()
    listening.heard()
    listening.notify(*["ocs_one"] * 20)
    while listening.reactor.read(0.3):
        pass
    assert 1 <= len(listening.heard()) <= 20
    listening.server.execute("SELECT pg_notify('ocs_one', n::text) FROM generate_series(1, 50) AS n")
    assert listening.reactor.read() and listening.heard() == ["ocs_one"]


def test_a_connection_that_broke_is_made_anew_and_everybody_told(listening: Listening, logged: Logged) -> None:
    listening.service.startService()
    listening.heard()
    listening.cut()
    while listening.service.up:             # what the server says before it goes, then the end
        assert listening.reactor.read()
    assert listening.heard() == []
    listening.notify("ocs_one")
    listening.reactor.advance(0.1)
    assert listening.service.up and listening.heard() == ["ocs_one", "Ocs two"]
    texts = logged.texts(LogLevel.info)
    assert any("does not tell of changes, they are asked for" in text for text in texts)
    assert any("tells of changes again" in text for text in texts)
    listening.notify("ocs_one")
    assert listening.reactor.read() and listening.heard() == ["ocs_one"]


def test_a_server_that_is_away_is_tried_again_after_waits_that_double_and_told_of_once(
        own_postgres_server: PostgresServer, logged: Logged) -> None:
    listening = Listening(own_postgres_server)
    own_postgres_server.stop()
    listening.service.startService()
    for wait_s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0):
        [retry] = listening.reactor.getDelayedCalls()
        assert retry.getTime() - listening.reactor.seconds() == pytest.approx(wait_s)
        listening.reactor.advance(wait_s)
    assert len([text for text in logged.texts() if "does not tell of changes" in text]) == 1
    own_postgres_server.start()
    listening.reactor.advance(3.0)
    assert listening.service.up and listening.heard() == ["ocs_one", "Ocs two"]
    listening.service.stopService()


def test_a_listener_that_fails_harms_no_other(listening: Listening, logged: Logged) -> None:
    def fails() -> None:
        raise ValueError("mine")

    listening.service = Notifications(backend_for(listening.server.url("postgres")), listening.reactor, listening.in_thread)
    listening.service.listen("ocs_one", fails)
    listening.service.listen("ocs_one", lambda: listening.told.append("second"))
    listening.service.startService()
    assert listening.heard() == ["second"] and len(logged.failures(ValueError)) == 1


def test_a_stop_while_a_connection_is_being_made_closes_it(listening: Listening) -> None:
    listening.late = []
    listening.service.startService()
    stopped = listening.service.stopService()
    assert stopped is not None and not stopped.called
    listening.late[0]()
    assert stopped.called and not listening.service.up and listening.told == []
    assert listening.reactor.readers == []
