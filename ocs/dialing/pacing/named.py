"""The algorithms that the field knows by name. Pure functions of what was measured; `named_pacer.py` feeds them.

The vendors never published theirs; these are the equivalents that can be built from what is known: queueing theory for
`classical`, batches that are sure enough for `small_group`, the same without waiting for the batch for `advanced_small_group`,
the same over time for `time_optimized_odr`. Goals are ratios: 0.03 for an overdial rate of 3 %.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, pi, sqrt
from typing import Sequence

import numpy as np

from ocs.dialing.pacing.ages import Floats
from ocs.dialing.pacing.erlang import largest_load
from ocs.dialing.pacing.forecast import Surplus, normal_share

__all__ = ["Measured", "advanced_small_group", "busy_factor_for_wait", "classical_busy_factor", "classical_overdial",
           "small_group", "time_optimized_odr"]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Measured:
    """What the classical algorithm knows: `agents` in session, `idle` of them free, `dialing` calls out; times in seconds."""

    agents: float
    idle: int
    queued: int
    dialing: int
    hit_ratio: float
    answer_s: float
    failure_s: float
    handle_s: float
    patience_s: float = 2.0


def classical_busy_factor(known: Measured, busy_factor: float, most_overdial: float = 1.0) -> int:
    """Calls that are missing to keep the agents as busy as the goal (0 to 1), within an overdial rate not to be exceeded."""
    load = busy_factor * known.agents
    if most_overdial < 1.0:
        load = min(load, largest_load(known.agents, most_overdial, known.handle_s, known.patience_s))
    idle_on_purpose = (1.0 - busy_factor) * known.agents
    return _missing(known, load, max(0.0, known.idle - known.queued - idle_on_purpose))


def classical_overdial(known: Measured, goal: float) -> int:
    """Calls that are missing for the largest load at which no larger share of callers than the goal would leave (Erlang A)."""
    return _missing(known, largest_load(known.agents, goal, known.handle_s, known.patience_s), 0.0)


def busy_factor_for_wait(handle_s: float, wait_s: float) -> float:
    """The busy factor at which an agent waits so long between calls, on average."""
    return handle_s / (handle_s + wait_s)


def _missing(known: Measured, load: float, catch_up: float) -> int:
    """Little's law: calls that must be out to bring `load` busy agents, less those that are; and answers for agents left over."""
    answers_a_second = load / known.handle_s
    out = answers_a_second * (known.answer_s + (1.0 - known.hit_ratio) / known.hit_ratio * known.failure_s)
    return max(0, round(out - known.dialing + catch_up))


def small_group(goal: float, hit_ratio: float, free: int, queued: int, dialing: int) -> int:
    """The next batch: as many calls as keep the expected overdial rate at or under the goal; none while a batch is out."""
    return 0 if dialing else _batch(goal, hit_ratio, free - queued, ())


def advanced_small_group(goal: float, hit_ratio: float, free: int, inbound: int, becoming_free: float,
                         out: Sequence[float]) -> int:
    """As `small_group`, with the calls that are out: `out` has the chance of each to be answered yet.

    `inbound` calls of all stages that no agent has finished are taken off; agents who are expected to become free within a
    dial are added."""
    return _batch(goal, hit_ratio, floor(free - inbound + becoming_free + 1e-9), out)


def _batch(goal: float, chance: float, free: int, out: Sequence[float]) -> int:
    """The largest n with E[(X - free)+] <= goal x E[X], X the answers of n new calls and those that are out."""
    if free <= 0 or chance <= 0.0:
        return 0
    below = np.zeros(free)                  # chance of 0, 1 ... free - 1 answers
    below[0] = 1.0
    excess = answers = 0.0
    for each in out:
        excess, answers = excess + each * max(0.0, 1.0 - float(below.sum())), answers + each
        below = _one_more(below, each)
    calls = 0
    while True:
        excess, answers = excess + chance * max(0.0, 1.0 - float(below.sum())), answers + chance
        if excess > goal * answers + _ROUNDING:
            return calls
        below = _one_more(below, chance)
        calls += 1


def _one_more(below: Floats, chance: float) -> Floats:
    after = below * (1.0 - chance)
    after[1:] += below[:-1] * chance
    return after


def time_optimized_odr(surplus: Surplus, goal: float, credit: float, most: int) -> int:
    """Calls to dial now so that over all the moments ahead the expected abandons stay within the goal of the expected answers and
    what is left of the budget (`credit`, calls)."""
    low, high = 0, 1
    while high <= most and _affordable(surplus, high, goal, credit):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _affordable(surplus, middle, goal, credit) else (low, middle)
    return low


def _affordable(surplus: Surplus, calls: int, goal: float, credit: float) -> bool:
    worst = 0.0
    for moment, chance in enumerate(surplus.chance):
        deviation = sqrt(max(surplus.variance[moment] + calls * chance * (1.0 - chance), _ROUNDING))
        short = -(surplus.mean[moment] - calls * chance)
        z = short / deviation
        worst = max(worst, short * normal_share(z) + deviation * exp(-0.5 * z * z) / sqrt(2.0 * pi))
    return worst <= max(0.0, goal * (surplus.due[-1] + calls * surplus.chance[-1]) + credit)
