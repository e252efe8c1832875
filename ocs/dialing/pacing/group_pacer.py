"""The pacer of a campaign group: one memory, and the decision of whatever the group has chosen; another choice keeps the memory.

By default it is ours, within the abandon limit. An optimization goal then says how far short of that to stay: an overdial rate is
a lower limit, a busy factor or a time lets no more calls go out than the classical algorithm would for it.
"""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.learning import LearningPacer
from ocs.dialing.pacing.named_pacer import NamedRule
from ocs.dialing.pacing.predictive import by_budget
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import OptimizationMethod
from ocs.dialing.session import Condition

__all__ = ["GroupPacer"]

_NO_OTHER_GOAL = frozenset({OptimizationMethod.NONE, OptimizationMethod.OVERDIAL_RATE})      # than the abandon limit


def _rule(choice: PacingChoice, limit: float) -> NamedRule | None:
    """What the named algorithm, or the goal alone, allows; None where there is neither."""
    automatic = choice.algorithm is Algorithm.AUTOMATIC
    algorithm, size = Algorithm.CLASSICAL if automatic else choice.algorithm, choice.small_group_size
    if choice.fixed or automatic and choice.method in _NO_OTHER_GOAL:
        return None
    if choice.method in _NO_OTHER_GOAL:
        return NamedRule(algorithm, OptimizationMethod.OVERDIAL_RATE, limit, size, limit)
    return NamedRule(algorithm, choice.method, choice.goal_value, size, limit)


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
        if choice.problem:
            raise ValueError(choice.problem)
        limit = choice.limit(abandon_limit)
        self._rule, self.choice = _rule(choice, limit), choice
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
