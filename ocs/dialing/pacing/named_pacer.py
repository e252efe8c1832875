"""The named algorithms as pacers: they learn as ours does, and decide by the goal that the campaign group names.

Source of what runs when: busy factor and average waiting time are always classical, and so is the distribution time, of which
the field has no other rule; an overdial rate goes by the algorithm that is set; the two small-group algorithms hold up to
`small_group_size` agents, above it the classical one takes over.
"""
from __future__ import annotations

from dataclasses import dataclass

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
from ocs.dialing.pacing_choice import Algorithm
from ocs.dialing.results import OptimizationMethod

__all__ = ["NamedRule"]

_ALL = 1_000_000
_RATIOS = frozenset({OptimizationMethod.OVERDIAL_RATE, OptimizationMethod.BUSY_FACTOR})
_TIMES = frozenset({OptimizationMethod.WAIT_TIME, OptimizationMethod.DISTRIBUTION_TIME})


_NAMED = frozenset(Algorithm) - {Algorithm.AUTOMATIC, Algorithm.FIXED_RATIO}


@dataclass(frozen=True)
class NamedRule:
    """A named algorithm with its goal: 0.03 for 3 % overdial, 0.85 for a busy factor of 85 %, or seconds. No method lets more
    than `most_overdial` be abandoned, as far as its own model goes. ValueError for a goal that makes no sense."""

    algorithm: Algorithm
    method: OptimizationMethod = OptimizationMethod.OVERDIAL_RATE
    goal: float = 0.03
    small_group_size: int = 30
    most_overdial: float = 1.0

    def __post_init__(self) -> None:
        if self.algorithm not in _NAMED:
            raise ValueError(f"{self.algorithm.value}: none of the named algorithms")
        if self.method in _TIMES:
            if self.goal <= 0.0:
                raise ValueError(f"goal {self.goal}: seconds of waiting must be positive")
        elif self.method not in _RATIOS:
            raise ValueError(f"method {self.method.word} has no goal to dial by")
        elif not 0.0 < self.goal <= 1.0:
            raise ValueError(f"goal {self.goal}: a ratio above 0, at most 1")

    def decide(self, pacer: LearningPacer, given: PacingInput) -> PacingDecision:
        """The decision, by what the pacer has learned."""
        known = _measured(pacer, given)
        name, wanted = self._wanted(pacer, given, known)
        text = (f"{name}, goal {self.method.word.replace('-', ' ')} {self.goal:g}: {known.idle} idle of {known.agents:g}, "
                f"{known.dialing} out, hit ratio {known.hit_ratio:.2f}, handle time {known.handle_s:.0f} s")
        return within_limits(given, wanted, text)

    def calls(self, pacer: LearningPacer, given: PacingInput) -> int:
        """How many calls the goal allows now."""
        return self._wanted(pacer, given, _measured(pacer, given))[1]

    def _wanted(self, pacer: LearningPacer, given: PacingInput, known: Measured) -> tuple[str, int]:
        if self.method is OptimizationMethod.WAIT_TIME:
            goal = busy_factor_for_wait(known.handle_s, self.goal)
            return "classical", classical_busy_factor(known, goal, self.most_overdial)
        if self.method is OptimizationMethod.BUSY_FACTOR:
            return "classical", classical_busy_factor(known, self.goal, self.most_overdial)
        if self.method is OptimizationMethod.DISTRIBUTION_TIME:
            # where callers leave at a rate of 1 / patience, the share who do is the mean wait over the patience
            return "classical", classical_overdial(known, min(self.goal / known.patience_s, self.most_overdial))
        goal = min(self.goal, self.most_overdial)
        algorithm = self.algorithm
        if algorithm in (Algorithm.SMALL_GROUP, Algorithm.ADVANCED_SMALL_GROUP) and known.agents > self.small_group_size:
            algorithm = Algorithm.CLASSICAL
        return algorithm.value, self._by_overdial_rate(algorithm, goal, pacer, given, known)

    @staticmethod
    def _by_overdial_rate(algorithm: Algorithm, goal: float, pacer: LearningPacer, given: PacingInput, known: Measured) -> int:
        if algorithm is Algorithm.CLASSICAL:
            return classical_overdial(known, goal)
        if algorithm is Algorithm.SMALL_GROUP:
            return small_group(goal, known.hit_ratio, known.idle, known.queued, known.dialing)
        surplus = pacer.surplus(given)
        if algorithm is Algorithm.ADVANCED_SMALL_GROUP:
            becoming_free = surplus.mean[0] + surplus.due[0] - known.idle + known.queued      # when the first answers come
            out = list(pacer.calls.chances_out().values())
            return advanced_small_group(goal, known.hit_ratio, known.idle, known.queued, becoming_free, out)
        ports = _ALL if given.ports_left is None else given.ports_left
        most = max(1, min(ports, given.rate_left, given.records_left))
        afforded = time_optimized_odr(surplus, goal, pacer.budget.credit, most)
        return max(afforded, known.idle - known.queued - known.dialing)     # in debt an agent still gets one call


def _measured(pacer: LearningPacer, given: PacingInput) -> Measured:
    return Measured(
        agents=pacer.agents.present, idle=given.ready_agents, queued=pacer.waiting, dialing=len(pacer.calls),
        hit_ratio=max(1e-3, pacer.calls.hit_ratio), answer_s=float(pacer.moments.mean()), failure_s=pacer.calls.failure_s,
        handle_s=max(1.0, pacer.agents.handle_s), patience_s=max(0.1, pacer.patience_s))
