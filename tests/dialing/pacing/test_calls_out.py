"""Calls between dial and result."""
from __future__ import annotations

import random

import numpy as np
import pytest

from ocs.dialing.pacing.calls_out import CALL_SLOTS, CallsOut


def calls() -> tuple[CallsOut, np.ndarray, np.ndarray]:
    dialed, ringing = np.zeros(CALL_SLOTS), np.zeros(CALL_SLOTS)
    return CallsOut(dialed, ringing), dialed, ringing


def learn_from(out: CallsOut, count: int, rings: bool = True) -> None:
    """One dial a second: rings after 2 s, three in ten are answered 10 s later, the others end after 20 s more."""
    rng = random.Random(1)
    events = []
    for call in range(count):
        begin = float(call)
        answered = rng.random() < 0.3
        events.append((begin, 0, call, answered))
        if rings:
            events.append((begin + 2.0, 1, call, answered))
        events.append((begin + (12.2 if answered else 22.2), 2, call, answered))
    for at, step, call, answered in sorted(events):
        out.advance(at)
        (out.dial if step == 0 else out.ring)(at, call) if step < 2 else out.end(at, call, answered)
    out.learn()
    out.prepare(np.array([5.0, 14.0, 60.0]))


def test_a_call_is_counted_where_it_is() -> None:
    out, dialed, ringing = calls()
    out.dial(10.0, "a")
    assert (len(out), dialed.sum(), ringing.sum()) == (1, 1, 0)
    out.ring(12.0, "a")
    assert (len(out), dialed.sum(), ringing.sum()) == (1, 0, 1)
    assert out.end(20.0, "a", answered=True)
    assert (len(out), dialed.sum(), ringing.sum()) == (0, 0, 0)


def test_events_that_make_no_sense_change_nothing() -> None:
    out, dialed, ringing = calls()
    out.ring(1.0, "unknown")
    assert not out.end(1.0, "unknown", answered=True)
    out.dial(1.0, "a")
    out.dial(2.0, "a")
    out.ring(3.0, "a")
    out.ring(4.0, "a")
    assert (len(out), dialed.sum(), ringing.sum(), out.answered) == (1, 0, 1, 0)


@pytest.mark.parametrize("rings", [True, False])
def test_chances_follow_the_age_of_a_call(rings: bool) -> None:
    out, *_ = calls()
    learn_from(out, 1000, rings)
    dialed, ringing = out.chances()
    assert dialed[:, 0] == pytest.approx([0.0, 0.3, 0.3], abs=0.06)          # an answer needs 12 s
    column = ringing[:, 8] if rings else dialed[:, 16]
    assert column == pytest.approx([0.0 if rings else 0.3, 0.3, 0.3], abs=0.06)
    late = ringing[:, 30] if rings else dialed[:, 30]
    assert late == pytest.approx([0.0, 0.0, 0.0], abs=0.01)                  # it would have been answered by now
    assert out.hit_ratio == pytest.approx(0.3, abs=0.05)
    assert out.answer_delays(3) == pytest.approx([12.2] * 3, abs=1.0)
    assert out.failure_s == pytest.approx(22.2, abs=1.0)


def test_the_chances_of_calls_that_are_out() -> None:
    out, *_ = calls()
    learn_from(out, 1000)
    out.chances()
    out.ring(2001.0, "never dialed")
    out.dial(2000.0, "rings")
    out.ring(2002.0, "rings")
    out.dial(2002.0, "new")
    assert out.chances_out() == {"rings": pytest.approx(0.3, abs=0.06), "new": pytest.approx(0.3, abs=0.06)}
    out.advance(2014.0)
    assert out.chances_out()["rings"] < 0.02


def test_a_call_that_is_lost_is_not_waited_for_without_end() -> None:
    out, dialed, ringing = calls()
    out.dial(0.0, "a")
    out.dial(0.0, "b")
    out.ring(2.0, "b")
    out.advance(599.0)
    out.forget_lost(599.0)
    assert len(out) == 2
    out.advance(700.0)
    out.forget_lost(700.0)
    assert (len(out), dialed.sum(), ringing.sum()) == (0, 0, 0)
