"""Decisions are kept for an hour, and the quiet ones thinned out."""
from __future__ import annotations

from ocs.dialing.pacing import PacingDecision
from ocs.dialing.session import Condition
from ocs.scheduler.decisions import Decisions


def decision(at: float, calls: int, reason: str = "", condition: Condition = Condition.DIALING) -> PacingDecision:
    return PacingDecision(at, calls, condition, reason or f"dialed {calls} at {at}")


def test_what_dialed_is_kept_and_of_the_rest_one_a_second() -> None:
    kept = Decisions(100)
    for at, calls in ((0.0, 2), (0.1, 0), (0.2, 0), (0.3, 0), (0.9, 1), (1.0, 0), (1.4, 0), (2.5, 0), (2.6, 3)):
        kept.keep(decision(at, calls))
    assert [(one.at, one.calls) for one in kept] == [(0.0, 2), (0.3, 0), (0.9, 1), (1.4, 0), (2.5, 0), (2.6, 3)]
    assert [one.at for one in kept.latest(2)] == [2.6, 2.5] and kept[-1].at == 2.6


def test_the_same_words_are_kept_once_and_another_condition_always() -> None:
    kept = Decisions(100)
    kept.keep(decision(0.0, 0, "no agent is ready", Condition.WAITING_AGENTS))
    kept.keep(decision(5.0, 0, "no agent is ready", Condition.WAITING_AGENTS))
    kept.keep(decision(5.1, 0, "no link", Condition.SYSTEM_ERROR))
    kept.keep(decision(5.2, 0, "no agent is ready", Condition.WAITING_AGENTS))
    assert [one.at for one in kept] == [0.0, 5.1, 5.2]


def test_an_hour_is_kept_and_never_more_than_the_limit() -> None:
    kept = Decisions(100)
    for at in range(0, 8_000, 100):
        kept.keep(decision(float(at), 1))
    assert kept[0].at == 7_900.0 - 3_600.0
    for at in range(1_000):
        kept.keep(decision(8_000.0 + at / 10, 1))
    assert len(kept) == 100
    kept.keep(decision(100.0, 1))           # somebody has set the clock back
    assert [one.at for one in kept] == [100.0]
