"""How a server hears of a new revision: it asks, seldom where it is told, and says so when it cannot."""
from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogLevel

from ocs.configuration.feed import ConfigurationFeed
from ocs.errors import DatabaseAway
from tests.conftest import Logged


class Following:
    """A feed on a revision that the test sets."""

    def __init__(self) -> None:
        self.clock, self.revision, self.asked, self.changes = Clock(), 7, 0, 0
        self.notified, self.away, self.held = False, False, list[Deferred[int]]()
        self.hold = False
        self.feed = ConfigurationFeed(self.read, self.clock, self.changed, 0.5, lambda: self.notified)

    def read(self, interaction: Callable[[Any], Any]) -> Deferred[Any]:
        self.asked += 1
        if self.hold:
            self.held.append(Deferred())
            return self.held[-1]
        return fail(DatabaseAway("gone")) if self.away else succeed(self.revision)

    def changed(self) -> None:
        self.changes += 1


@pytest.fixture
def following() -> Iterator[Following]:
    one = Following()
    one.feed.start()
    one.clock.advance(0)
    yield one
    one.feed.stop()
    assert one.clock.getDelayedCalls() == []


def test_the_first_revision_is_told_and_then_each_other_one_within_the_interval(following: Following) -> None:
    assert following.changes == 1
    following.clock.pump([0.25] * 4)
    assert following.changes == 1 and following.asked == 3
    following.revision = 8
    following.clock.advance(0.5)
    assert following.changes == 2
    following.revision = 3              # of a backup
    following.clock.advance(0.5)
    assert following.changes == 3


def test_where_notifications_come_it_is_asked_seldom_and_at_once_when_one_comes(following: Following) -> None:
    following.notified = True
    following.clock.advance(0.5)
    asked = following.asked
    following.clock.pump([0.5] * 19)
    assert following.asked == asked
    following.revision = 8
    following.feed.wake()
    following.clock.advance(0)
    assert following.changes == 2
    following.revision = 9              # what a lost notification would have told
    following.clock.advance(10.0)
    assert following.changes == 3


def test_a_notification_while_it_is_asked_asks_once_more(following: Following) -> None:
    following.hold = True
    following.clock.advance(0.5)
    following.feed.wake()
    following.hold = False
    following.revision = 8
    following.held[0].callback(7)
    following.clock.advance(0)
    assert following.changes == 2


def test_a_database_that_is_away_is_told_of_once_and_asked_on(following: Following, logged: Logged) -> None:
    following.away = True
    following.clock.pump([0.5] * 4)
    assert following.feed.trouble == "gone" and following.changes == 1
    following.away, following.revision = False, 8
    following.clock.advance(0.5)
    assert following.feed.trouble == "" and following.changes == 2
    texts = logged.texts(LogLevel.info)
    assert len([text for text in texts if "are not seen: gone" in text]) == 1
    assert len([text for text in texts if "are seen again" in text]) == 1


def test_a_stop_waits_for_the_answer_and_tells_nobody_of_it(following: Following) -> None:
    following.hold = True
    following.clock.advance(0.5)
    idle = following.feed.stop()
    assert idle is not None and not idle.called
    following.held[0].callback(99)
    assert idle.called and following.changes == 1


def test_a_listener_that_fails_does_not_end_the_following(following: Following, logged: Logged) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    following.feed._changed = fails     # type: ignore[method-assign]
    following.revision = 8
    following.clock.advance(0.5)
    assert len(logged.failures(ZeroDivisionError)) == 1
    asked = following.asked
    following.clock.advance(0.5)
    assert following.asked == asked + 1
