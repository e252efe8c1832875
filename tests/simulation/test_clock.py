"""The heap clock: as `task.Clock` where that one is right, and exact where it bunches timers up."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from ocs.clock import IClock
from ocs.simulation.clock import HeapClock

_DELAYS = st.integers(1, 20).map(float)      # at a delay of 0 that clock has passed the moment already
_STEPS = st.lists(st.one_of(
    st.tuples(st.just("later"), _DELAYS), st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("reset"), st.integers(0, 30), _DELAYS), st.tuples(st.just("delay"), st.integers(0, 30), _DELAYS),
    st.tuples(st.just("advance"), st.just(1.0))), max_size=60)


def played(clock: Any, steps: list[tuple[Any, ...]]) -> list[tuple[float, int]]:
    """When which timer fired. Seconds pass one at a time, timers are set at whole ones."""
    fired: list[tuple[float, int]] = []
    timers: list[Any] = []
    for step in [*steps, *[("advance", 1.0)] * 60]:
        if step[0] == "later":
            number = len(timers)
            timers.append(clock.callLater(step[1], lambda number=number: fired.append((clock.seconds(), number))))
        elif step[0] == "advance":
            clock.advance(step[1])
        elif step[1] < len(timers) and timers[step[1]].active():
            getattr(timers[step[1]], step[0])(*step[2:])
    assert not clock.getDelayedCalls()
    return fired


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_timers_fire_when_those_of_twisteds_clock_do(steps: list[tuple[Any, ...]]) -> None:
    ours, theirs = played(HeapClock(), steps), played(Clock(), steps)
    assert sorted(ours) == sorted(theirs)
    assert [at for at, _ in ours] == sorted(at for at, _ in ours)


def test_it_keeps_the_interfaces() -> None:
    clock = HeapClock()
    assert verifyObject(IClock, clock) and verifyObject(IDelayedCall, clock.callLater(1.0, print))


def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_set() -> None:
    clock, fired = HeapClock(), list[str]()
    for name in "abc":
        clock.callLater(5.0, fired.append, name)
    moved = clock.callLater(1.0, fired.append, "moved")
    moved.reset(5.0)
    clock.advance(5.0)
    assert fired == ["a", "b", "c", "moved"]


def test_a_timer_set_by_a_timer_fires_at_its_own_time_however_far_the_clock_goes() -> None:
    clock, fired = HeapClock(), list[float]()

    def again() -> None:
        fired.append(clock.seconds())
        if len(fired) < 5:
            clock.callLater(1.5, again)
    again()
    clock.advance(100.0)
    assert fired == [0.0, 1.5, 3.0, 4.5, 6.0] and clock.seconds() == 100.0


def test_what_is_over_cannot_be_cancelled_or_moved() -> None:
    clock = HeapClock()
    called, cancelled = clock.callLater(0.0, int), clock.callLater(0.0, int)
    cancelled.cancel()
    clock.advance(0.0)
    for act in (called.cancel, lambda: called.reset(1.0), lambda: called.delay(1.0)):
        with pytest.raises(AlreadyCalled):
            act()
    with pytest.raises(AlreadyCancelled):
        cancelled.cancel()
    with pytest.raises(ValueError):
        clock.callLater(-1.0, int)


def test_cancelled_timers_do_not_pile_up() -> None:
    clock = HeapClock()
    kept = clock.callLater(500.0, int)
    for _ in range(50_000):
        clock.callLater(1_000.0, int).cancel()
    assert len(clock._heap) < 10_000 and clock.getDelayedCalls() == [kept]
    clock.advance(500.0)
    assert kept.called and clock.fired == 1


def test_setting_the_wall_clock_moves_no_timer() -> None:
    clock, fired = HeapClock(1_000.0), list[float]()
    clock.callLater(10.0, lambda: fired.append(clock.wall()))
    clock.advance(4.0)
    clock.step_wall(-600.0)
    assert clock.wall() == 404.0
    clock.advance(6.0)
    assert fired == [410.0] and clock.seconds() == 10.0


def test_it_stops_where_it_is_told_to() -> None:
    clock, fired = HeapClock(), list[int]()
    for second in range(10):
        clock.callLater(float(second), fired.append, second)
    clock.run_until(9.0, going=lambda: len(fired) < 4)
    assert fired == [0, 1, 2, 3] and clock.seconds() == 3.0
