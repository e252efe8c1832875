"""Our algorithm, the default of predictive dialing: dial while one more answered call is sure enough to find an agent.

The abandon budget says how sure; there is no setting but its limit. Theory and measurements: docs/pacing.md.
"""
from __future__ import annotations

from ocs.dialing.pacing.decision import PacingDecision, PacingInput, within_limits
from ocs.dialing.pacing.learning import LearningPacer

__all__ = ["by_budget"]

_ALL = 1_000_000


def by_budget(pacer: LearningPacer, given: PacingInput) -> PacingDecision:
    """The decision, by what the pacer has learned."""
    surplus, idle, waiting = pacer.surplus(given), given.ready_agents, pacer.waiting
    threshold = surplus.threshold(pacer.budget.risk)
    most = min(given.records_left, given.rate_left, _ALL if given.ports_left is None else given.ports_left)
    wanted = surplus.calls(threshold, max(1, most))
    middle = len(pacer.moments) // 2
    due = surplus.due[middle]
    free = surplus.mean[middle] - idle + waiting + due
    text = (f"{idle} idle, {free:.1f} expected free in {pacer.moments[middle]:.0f} s, {due + waiting:.1f} answers due, "
            f"threshold {threshold:.3f}, budget {pacer.budget.credit:+.0f} calls")
    return within_limits(given, wanted, text)
