"""The machine of a link: whatever happens in whatever order, something is always under way, and nothing after a stop."""
from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred

from ocs.links.life import link_life
from tests.doubles.clock import VirtualClock


class Acts:
    """Does what the machine wants on a clock of its own, and remembers it."""

    def __init__(self) -> None:
        self.clock, self.done, self.state = VirtualClock(), [], "stopped"
        self.attempt: Deferred[Any] | None = None
        self.connection = False
        self.life = link_life(self)

    def connect(self) -> Deferred[Any]:
        self.done.append("connect")
        self.state = "connecting"
        self.attempt = Deferred()
        self.attempt.addCallbacks(lambda _: self.life.connected(), lambda _: self.life.not_connected("nobody is there"))
        return self.attempt

    def wait_for_answer(self) -> Any:
        self.state, self.connection, self.attempt = "logging in", True, None
        return self.clock.callLater(10.0, self.life.leave, "no answer")

    def is_up(self) -> None:
        self.state = "up"

    def wait(self, reason: str) -> Any:
        self.done.append(reason)
        self.state, self.connection, self.attempt = "waiting", False, None
        return self.clock.callLater(5.0, self.life.due)

    def remember(self, reason: str) -> None:
        self.done.append(f"remember {reason}")

    def part(self, reason: str) -> None:
        self.done.append(f"part {reason}")

    def close(self) -> Any:
        self.state = "closing"
        return self.clock.callLater(2.0, self.done.append, "cut off")

    def rest(self) -> None:
        self.state, self.connection, self.attempt = "stopped", False, None


class Lives(RuleBasedStateMachine):
    """What the network and the owner may do, at any time that they can."""

    def __init__(self) -> None:
        super().__init__()
        self.acts = Acts()
        self.wanted = False

    @rule()
    def start(self) -> None:
        self.acts.life.start()
        self.wanted = self.wanted or self.acts.state != "closing"

    @rule()
    def stop(self) -> None:
        self.acts.life.stop()
        self.wanted = False

    @precondition(lambda self: self.acts.attempt is not None)
    @rule(works=st.booleans())
    def answer(self, works: bool) -> None:
        attempt = self.acts.attempt
        if works:
            attempt.callback(None)
        else:
            attempt.errback(OSError())

    @precondition(lambda self: self.acts.state in ("logging in", "closing"))
    @rule()
    def grant(self) -> None:
        self.acts.life.granted()

    @precondition(lambda self: self.acts.state in ("logging in", "closing"))
    @rule()
    def refuse(self) -> None:
        self.acts.life.refused("no")

    @precondition(lambda self: self.acts.state in ("logging in", "up", "closing"))
    @rule()
    def leave(self) -> None:
        self.acts.life.leave("backup")

    @precondition(lambda self: self.acts.connection)
    @rule()
    def lose(self) -> None:
        self.acts.life.lost("cut")

    @rule(seconds=st.floats(0.1, 20.0))
    def time_passes(self, seconds: float) -> None:
        self.acts.clock.advance(seconds)

    @invariant()
    def something_is_under_way_or_it_rests(self) -> None:
        timers, state = len(self.acts.clock.getDelayedCalls()), self.acts.state
        if state == "stopped":
            assert timers == 0 and self.acts.attempt is None and not self.wanted
        elif state == "connecting":
            assert timers == 0 and self.acts.attempt is not None
        elif state == "up":
            assert timers == 0 and self.acts.connection
        elif state == "waiting":
            assert timers == 1
        else:       # a connection is open: its loss comes, or the timer that cuts it off has brought it about
            assert self.acts.connection and timers <= 1


TestLives = Lives.TestCase


def test_a_stop_cancels_the_attempt_and_nothing_comes_of_it() -> None:
    acts = Acts()
    cancelled: list[Any] = []
    acts.life.start()
    acts.attempt.addErrback(cancelled.append)      # type: ignore[union-attr]
    acts.life.stop()
    assert acts.state == "stopped" and acts.clock.getDelayedCalls() == []
    acts.life.start()
    assert acts.state == "connecting" and acts.done == ["connect", "connect"]


@given(st.sampled_from(["granted", "lost"]))
def test_the_timer_of_the_login_ends_with_it(ends: str) -> None:
    acts = Acts()
    acts.life.start()
    acts.attempt.callback(None)     # type: ignore[union-attr]
    acts.life.granted() if ends == "granted" else acts.life.lost("cut")
    acts.clock.advance(11.0)
    assert "part no answer" not in acts.done
