"""The pacer of a campaign group: one memory, and the decision of whatever the group has chosen; another choice keeps the memory.

By default it is ours, within the abandon limit. An optimization goal then says how far short of that to stay: an overdial rate is
a lower limit, a busy factor or a time lets no more calls go out than the classical algorithm would for it.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.learning import LearningPacer
from ocs.dialing.pacing.named_pacer import Algorithm, NamedRule
from ocs.dialing.pacing.predictive import by_budget
from ocs.dialing.results import OptimizationMethod
from ocs.dialing.session import Condition

__all__ = ["GroupPacer", "PacingChoice"]

_M = OptimizationMethod
_PERCENT = frozenset({_M.BUSY_FACTOR, _M.OVERDIAL_RATE})
_SECONDS = frozenset({_M.WAIT_TIME, _M.DISTRIBUTION_TIME})


@dataclass(frozen=True)
class PacingChoice:
    """How a campaign group is paced where it dials ahead of agents. `goal` is in the method's unit, percent or seconds."""

    algorithm: Algorithm = Algorithm.AUTOMATIC
    method: OptimizationMethod = OptimizationMethod.NONE
    goal: float = 0.0
    small_group_size: int = 30

    def problem(self) -> str:
        """What is wrong with it, beginning with the option's name; "" if nothing is."""
        if self.method is _M.MAXIMUM_GAIN:
            return "optimization_method: maximum-gain is for the power modes, which dial as many calls as there are ports"
        if self.method in _PERCENT and not 0.0 < self.goal <= 100.0:
            return f"optimization_goal: {self.goal:g} is no {self.method.word}: above 0, at most 100 percent"
        if self.method in _SECONDS and not 0.0 < self.goal <= 3_600.0:
            return f"optimization_goal: {self.goal:g} is no {self.method.word}: above 0, at most 3600 seconds"
        return ""

    def limit(self, abandon_limit: float) -> float:
        """The share, 0 to 1, that may be abandoned: a goal of the overdial rate may be stricter than the limit."""
        return min(abandon_limit, self.goal / 100.0) if self.method is _M.OVERDIAL_RATE else abandon_limit

    def rule(self, limit: float) -> NamedRule | None:
        """What the named algorithm, or the goal alone, allows; None where there is neither."""
        algorithm = Algorithm.CLASSICAL if self.algorithm is Algorithm.AUTOMATIC else self.algorithm
        if self.method in (_M.NONE, _M.OVERDIAL_RATE):
            if self.algorithm is Algorithm.AUTOMATIC:
                return None
            return NamedRule(algorithm, _M.OVERDIAL_RATE, limit, self.small_group_size, limit)
        goal = self.goal / 100.0 if self.method in _PERCENT else self.goal
        return NamedRule(algorithm, self.method, goal, self.small_group_size, limit)


class GroupPacer(LearningPacer):
    """Paces as `choice` says; `choose` changes that at any time."""

    def __init__(self, choice: PacingChoice = PacingChoice(), abandon_limit: float = 0.03, answered: int = 0,
                 abandoned: int = 0) -> None:
        """ValueError for a choice that cannot be followed; of a fixed ratio the caller decides without a pacer."""
        super().__init__(choice.limit(abandon_limit), answered, abandoned)
        self.choice = choice
        self._rule: NamedRule | None = None
        self.choose(choice, abandon_limit)

    def choose(self, choice: PacingChoice, abandon_limit: float) -> None:
        """Go on by this, with everything that was learned. ValueError, and nothing has changed, where it makes no sense."""
        if problem := choice.problem():
            raise ValueError(problem)
        limit = choice.limit(abandon_limit)
        fixed = choice.algorithm is Algorithm.FIXED_RATIO
        self._rule, self.choice = None if fixed else choice.rule(limit), choice
        self.budget.change_limit(limit)
        self.look_again()

    def _predict(self, given: PacingInput) -> PacingDecision:
        if self.choice.algorithm is not Algorithm.AUTOMATIC and self._rule is not None:
            decision = self._rule.decide(self, given)
        else:
            decision = by_budget(self, given)
            if self._rule is not None:
                decision = self._no_busier(decision, given, self._rule)
        if not decision.calls and not given.ready_agents and not self.agents.present:
            return replace(decision, condition=Condition.WAITING_AGENTS)
        return decision

    def _no_busier(self, decision: PacingDecision, given: PacingInput, rule: NamedRule) -> PacingDecision:
        """At most the calls that the goal allows."""
        allowed = rule.calls(self, given)
        if allowed >= decision.calls:
            return decision
        _, _, text = decision.reason.partition(": ")
        goal = f"{rule.method.word.replace('-', ' ')} {self.choice.goal:g} {rule.method.unit}"
        return replace(decision, calls=allowed, reason=f"dialed {allowed}: {text}, no more for a goal of {goal}")
