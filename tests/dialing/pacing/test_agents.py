"""Agents: who is idle, and when the others will be."""
from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.agents import AWAY_KINDS, TALK_SLOTS, WRAP_SLOTS, Activity, Agents

A = Activity


def agents() -> tuple[Agents, np.ndarray, np.ndarray, np.ndarray]:
    talking, wrapping, away = np.zeros(TALK_SLOTS), np.zeros(WRAP_SLOTS), np.zeros(AWAY_KINDS)
    return Agents(talking, wrapping, away), talking, wrapping, away


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 4), st.sampled_from([*A, None])), max_size=80))
def test_every_agent_is_counted_once(changes: list[tuple[float, int, Activity | None]]) -> None:
    group, talking, wrapping, away = agents()
    now, expected = 0.0, {}
    for pause, agent, activity in changes:
        now += pause
        group.advance(now)
        if activity is None:
            group.forget(now, agent)
            expected.pop(agent, None)
        else:
            group.change(now, agent, activity)
            expected[agent] = activity
    counted = group.idle, talking.sum(), wrapping.sum(), away.sum()
    assert counted == tuple(sum(each is state for each in expected.values()) for state in (A.READY, A.TALK, A.WRAP, A.AWAY))
    assert len(group) == len(expected) and group.present == sum(each is not A.AWAY for each in expected.values())


def work(group: Agents, rounds: int, leave: bool = False) -> float:
    """Each round: idle 1 s, talk 100 s, wrap-up 20 s."""
    now = 0.0
    for _ in range(rounds):
        for activity, seconds in ((A.READY, 1.2), (A.TALK, 100.2), (A.WRAP, 20.2)):
            group.advance(now)
            group.change(now, 1, activity)
            now += seconds
        if leave:
            group.change(now, 1, A.AWAY)
            now += 60.0
    group.change(now, 1, A.READY)
    return now


def test_what_an_agent_is_found_at_counts_by_its_age_and_teaches_nothing() -> None:
    group, talking, wrapping, _ = agents()
    group.advance(1000.0)
    group.change(1000.0, "talks", A.TALK, since=900.0)
    group.change(1000.0, "wraps up", A.WRAP, since=987.5)
    assert talking[20] == 1 and wrapping[12] == 1
    group.change(1010.0, "talks", A.WRAP, since=0.0)
    group.change(1010.0, "wraps up", A.READY)
    assert not talking.any() and group.talks.seen == 0 and group.wraps.seen == 0
    group.change(1030.0, "talks", A.READY)
    assert group.wraps.seen == 1 and not wrapping.any()


def test_wrap_up_and_talk_lead_to_idle_agents_in_their_time() -> None:
    group, *_ = agents()
    work(group, 60)
    group.prepare(np.array([5.0, 30.0]))
    talking, wrapping, _ = group.chances()
    assert wrapping[:, 2] == pytest.approx([0.0, 1.0], abs=0.05)         # 2 s old: not in 5 s, surely in 30 s
    assert wrapping[:, 17] == pytest.approx([1.0, 1.0], abs=0.05)
    assert talking[:, 4] == pytest.approx([0.0, 0.0], abs=0.05)
    assert talking[1, 19] > 0.8                                          # 95 s old: talk and wrap-up are over in 30 s
    assert group.handle_s == pytest.approx(120.0, abs=5.0)


def test_agents_who_leave_after_a_call_are_not_counted_on() -> None:
    group, *_ = agents()
    work(group, 60, leave=True)
    assert group.stay < 0.1
    group.prepare(np.array([60.0]))
    _, wrapping, back = group.chances()
    assert wrapping[0, 10] < 0.1 and back[0, 1] == pytest.approx(1 - np.exp(-1), abs=0.15)


def test_who_leaves_at_the_end_of_a_shift_is_not_expected_like_one_on_a_break() -> None:
    group, _, _, away = agents()
    for agent in range(40):
        group.change(0.0, agent, A.READY)
    for each in range(60):                                  # one break of ten minutes after another
        group.change(600.0 * each, 0, A.AWAY)
        group.change(600.0 * each + 599.0, 0, A.READY)
        for agent in range(1, 30):
            group.change(600.0 * each + 300.0, agent, A.TALK)
            group.change(600.0 * each + 400.0, agent, A.READY)
    for agent in range(26):
        group.change(36_000.0, agent, A.AWAY)
    assert away[1] >= 23
    group.prepare(np.array([14.0]))
    back, = group.chances()[2]
    assert back[0] == pytest.approx(14 / 600, rel=0.2) and away @ back < 0.2
    for agent in range(26):
        group.change(39_600.0, agent, A.READY)
    assert not away.any()


def test_a_call_without_wrap_up_is_a_wrap_up_of_no_length() -> None:
    group, *_ = agents()
    group.change(0.0, 1, A.TALK)
    group.change(30.0, 1, A.READY)
    group.change(40.0, 1, A.TALK)
    assert (group.talks.seen, group.wraps.seen, group.idle) == (1, 1, 0)


def test_who_is_ready_for_a_blink_between_talk_and_wrap_up_was_not_ready() -> None:
    told, plain = agents()[0], agents()[0]
    for number in range(40):
        begin = 100.0 * number
        for group in (told, plain):
            group.change(begin, 1, A.TALK)
            if group is told:
                group.change(begin + 30.0, 1, A.READY)
            group.change(begin + 30.0, 1, A.WRAP)
            group.change(begin + 45.0, 1, A.AWAY if number % 4 == 0 else A.READY)
            group.change(begin + 90.0, 1, A.READY)
    assert (told.wraps.seen, told.idle) == (40, 1)
    assert told.stay == plain.stay < 0.99
    assert (told.wraps.ends() == plain.wraps.ends()).all()


def test_the_same_activity_twice_is_one() -> None:
    group, talking, *_ = agents()
    group.change(0.0, 1, A.TALK)
    group.change(5.0, 1, A.TALK)
    assert talking.sum() == 1 and group.talks.seen == 0


def test_wrap_ups_left_open_overnight_do_not_make_the_handle_time_longer() -> None:
    """Six of thirty go home in the work after their last call."""
    group, *_ = agents()
    rng, now = random.Random(1), 1_000.0

    def day(now: float, hours: float) -> float:
        events: list[tuple[float, int, Activity]] = []
        for agent in range(30):
            at = now + rng.random() * 120
            while at < now + hours * 3_600:
                for activity, length in ((A.TALK, rng.expovariate(1 / 120)), (A.WRAP, rng.uniform(10, 30)), (A.READY, 10.0)):
                    events.append((at, agent, activity))
                    at += length
        for at, agent, activity in sorted(events, key=lambda event: event[0]):
            group.advance(at)
            group.change(at, agent, activity)
        group.prepare(np.array([14.0]))
        return now + hours * 3_600

    now = day(now, 8)
    usual = group.handle_s
    for agent in range(30):
        group.advance(now + 200)
        if agent < 6:
            group.change(now + 200, agent, A.WRAP)
        else:
            group.forget(now + 200, agent)
    for _ in range(60):
        now += 840
        group.advance(now)
    day(now, 0.5)
    assert group.handle_s < 1.3 * usual


def test_who_forgot_to_end_the_work_after_a_call_is_not_expected_in_a_moment() -> None:
    """Some wrap-ups take five minutes, longer than there are slots; one agent went home without ending it."""
    group, talking, wrapping, _ = agents()
    group.change(0.0, "gone", A.WRAP)
    now = work(group, 50)
    for seconds in (300.0,) * 5:
        for activity, length in ((A.TALK, 100.2), (A.WRAP, seconds), (A.READY, 1.2)):
            group.change(now, 1, activity)
            now += length
            group.advance(now)
    assert wrapping[-1] == 1
    group.prepare(np.array([14.0, 600.0]))
    _, chances, _ = group.chances()
    assert chances[0, -1] < 0.05 and chances[1, -1] < 0.7
    assert chances[0, 15] > 0.5
