"""Progressive: as many calls as `multiplier` times the ready agents allow, less the calls that already look for an agent.

Source: the public rule of progressive dialing, floor(multiplier x free agents).
"""
from __future__ import annotations

from math import floor

from ocs.dialing.pacing.decision import PacingDecision, PacingInput, within_limits
from ocs.dialing.session import Condition

__all__ = ["agents_suffice", "progressive"]

_ROUNDING = 1e-9


def agents_suffice(ready_agents: int, multiplier: float, under_way: int) -> bool:
    """True if so many agents allow the calls that are under way."""
    return under_way <= floor(multiplier * ready_agents + _ROUNDING)


def progressive(given: PacingInput) -> PacingDecision:
    """Calls for the agents who are ready and for whom no call is on its way."""
    allowed = floor(given.multiplier * given.ready_agents + _ROUNDING)      # 0.29 x 100 is 29
    wanted = max(0, allowed - given.under_way)
    text = f"{given.ready_agents} ready x {given.multiplier:g} less {given.under_way} under way"
    if not given.ready_agents:
        return PacingDecision(given.now, 0, Condition.WAITING_AGENTS, "no agent is ready")
    if not wanted:
        return PacingDecision(given.now, 0, Condition.DIALING, f"dialed 0: {text}")
    return within_limits(given, wanted, text)
