"""The named algorithms as pacers: they learn as ours does, and decide by the goal that the campaign group names.

Source of what runs when: busy factor and average waiting time are always classical; an overdial rate goes by the algorithm
that is set; the two small-group algorithms hold up to `small_group_size` agents, above it the classical one takes over.
"""
from __future__ import annotations

from enum import Enum

from ocs.dialing.pacing.decision import PacingDecision, PacingInput, within_limits
from ocs.dialing.pacing.learning import LearningPacer
from ocs.dialing.pacing.named import (
    Measured,
    advanced_small_group,
    busy_factor_for_wait,
    classical_busy_factor,
    classical_overdial,
    small_group,
    time_optimized_odr,
)

__all__ = ["Algorithm", "NamedPacer", "Optimization"]

_ALL = 1_000_000


class Algorithm(Enum):
    """The option `predictive_algorithm`."""
    CLASSICAL = "classical"
    SMALL_GROUP = "small_group"
    ADVANCED_SMALL_GROUP = "advanced_small_group"
    TIME_OPTIMIZED_ODR = "time_optimized_odr"


class Optimization(Enum):
    """What the goal means: a ratio, a ratio, seconds."""
    OVERDIAL_RATE = "overdial rate"
    BUSY_FACTOR = "busy factor"
    AVERAGE_WAITING_TIME = "average waiting time"


class NamedPacer(LearningPacer):
    """One campaign group paced by a named algorithm. Goal: 0.03 for 3 % overdial, 0.85 for a busy factor of 85 %, or seconds."""

    def __init__(self, algorithm: Algorithm, optimization: Optimization = Optimization.OVERDIAL_RATE, goal: float = 0.03, *,
                 small_group_size: int = 30, most_overdial: float = 1.0) -> None:
        if optimization is Optimization.AVERAGE_WAITING_TIME:
            if goal <= 0.0:
                raise ValueError(f"goal {goal}: seconds of waiting must be positive")
        elif not 0.0 < goal <= 1.0:
            raise ValueError(f"goal {goal}: a ratio above 0, at most 1")
        super().__init__(goal if optimization is Optimization.OVERDIAL_RATE and goal < 1.0 else 0.03)
        self.algorithm, self.optimization, self.goal = algorithm, optimization, goal
        self.small_group_size, self.most_overdial = small_group_size, most_overdial

    def _predict(self, given: PacingInput) -> PacingDecision:
        known = Measured(
            agents=self.agents.present, idle=given.ready_agents, queued=self.waiting, dialing=len(self.calls),
            hit_ratio=max(1e-3, self.calls.hit_ratio), answer_s=float(self.moments.mean()), failure_s=self.calls.failure_s,
            handle_s=max(1.0, self.agents.handle_s), patience_s=max(0.1, self._patience_s))
        name, wanted = self._wanted(given, known)
        text = (f"{name}, goal {self.optimization.value} {self.goal:g}: {known.idle} idle of {known.agents}, "
                f"{known.dialing} out, hit ratio {known.hit_ratio:.2f}, handle time {known.handle_s:.0f} s")
        return within_limits(given, wanted, text)

    def _wanted(self, given: PacingInput, known: Measured) -> tuple[str, int]:
        if self.optimization is Optimization.AVERAGE_WAITING_TIME:
            goal = busy_factor_for_wait(known.handle_s, self.goal)
            return "classical", classical_busy_factor(known, goal, self.most_overdial)
        if self.optimization is Optimization.BUSY_FACTOR:
            return "classical", classical_busy_factor(known, self.goal, self.most_overdial)
        goal = min(self.goal, self.most_overdial)
        algorithm = self.algorithm
        if algorithm in (Algorithm.SMALL_GROUP, Algorithm.ADVANCED_SMALL_GROUP) and known.agents > self.small_group_size:
            algorithm = Algorithm.CLASSICAL
        if algorithm is Algorithm.CLASSICAL:
            wanted = classical_overdial(known, goal)
        elif algorithm is Algorithm.SMALL_GROUP:
            wanted = small_group(goal, known.hit_ratio, known.idle, known.queued, known.dialing)
        else:
            surplus = self.surplus(given)
            if algorithm is Algorithm.ADVANCED_SMALL_GROUP:
                becoming_free = surplus.mean[0] + surplus.due[0] - known.idle + known.queued      # when the first answers come
                out = self.calls.chances_out()
                wanted = advanced_small_group(goal, known.hit_ratio, known.idle, known.queued, becoming_free, out)
            else:
                ports = _ALL if given.ports_left is None else given.ports_left
                most = max(1, min(ports, given.rate_left, given.records_left))
                afforded = time_optimized_odr(surplus, goal, self.budget.credit, most)
                wanted = max(afforded, known.idle - known.queued - known.dialing)   # in debt an agent still gets one call
        return algorithm.value, wanted
