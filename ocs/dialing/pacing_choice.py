"""How a campaign group chooses to be paced where it dials ahead of agents: the algorithm, and what it aims at.

Values only: who decides by them is in `ocs.dialing.pacing`.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.dialing.results import OptimizationMethod

__all__ = ["Algorithm", "PacingChoice"]

_M = OptimizationMethod
_PERCENT = frozenset({_M.BUSY_FACTOR, _M.OVERDIAL_RATE})
_SECONDS = frozenset({_M.WAIT_TIME, _M.DISTRIBUTION_TIME})
_LONGEST_S = 3_600.0
_LEAST, _MOST = 0.0001, 0.99        # abandoned


class Algorithm(Enum):
    """The option `predictive_algorithm`: the public names, and two of our own."""
    AUTOMATIC = "automatic"                 # ours: by the abandon budget
    CLASSICAL = "classical"
    SMALL_GROUP = "small_group"
    ADVANCED_SMALL_GROUP = "advanced_small_group"
    TIME_OPTIMIZED_ODR = "time_optimized_odr"
    FIXED_RATIO = "fixed_ratio"             # so many calls per ready agent, whatever becomes of them


@dataclass(frozen=True)
class PacingChoice:
    """`goal` is in the method's unit, percent or seconds; methods that have none do not look at it."""

    algorithm: Algorithm = Algorithm.AUTOMATIC
    method: OptimizationMethod = OptimizationMethod.NONE
    goal: float = 0.0
    small_group_size: int = 30

    @property
    def problem(self) -> str:
        """What is wrong with it, beginning with the option's name; "" if nothing is."""
        if self.method is _M.MAXIMUM_GAIN:
            return "optimization_method: maximum-gain is for the power modes, which dial as many calls as there are ports"
        if self.method in _PERCENT and not 0.0 < self.goal <= 100.0:
            return f"optimization_goal: {self.goal:g} is no {self.method.word}: above 0, at most 100 percent"
        if self.method in _SECONDS and not 0.0 < self.goal <= _LONGEST_S:
            return f"optimization_goal: {self.goal:g} is no {self.method.word}: above 0, at most {_LONGEST_S:g} seconds"
        return ""

    @property
    def goal_value(self) -> float:
        """The goal as the algorithms have it: a ratio, or seconds."""
        return self.goal / 100.0 if self.method in _PERCENT else self.goal

    @property
    def fixed(self) -> bool:
        """True where a fixed ratio is dialed."""
        return self.algorithm is Algorithm.FIXED_RATIO

    @property
    def text(self) -> str:
        """In words, for people: "automatic, busy-factor 85 %"."""
        aim = f", {self.method.word} {self.goal:g} {self.method.unit}" if self.method.unit else ""
        return self.algorithm.value + aim

    def limit(self, abandon_limit: float) -> float:
        """The share, 0 to 1, that may be abandoned: a goal of the overdial rate may be stricter than the limit. (A rule that
        allows nothing at all is one call in ten thousand here: what is dialed ahead can never be quite sure.)"""
        limit = min(abandon_limit, self.goal_value) if self.method is _M.OVERDIAL_RATE else abandon_limit
        return min(_MOST, max(_LEAST, limit))
