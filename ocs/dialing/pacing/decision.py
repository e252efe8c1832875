"""What a pacer is told and what it says; the limits that hold for every pacer.

Source of the order of limits: free ports, then the dialing rate, then the records at hand.
"""
from __future__ import annotations

from dataclasses import dataclass

from ocs.dialing.session import Condition

__all__ = ["PacingDecision", "PacingInput", "within_limits"]


@dataclass(frozen=True, slots=True)
class PacingInput:
    """What a pacer may know. `under_way` are calls that may still need an agent; `ports_left` None = unlimited."""

    now: float
    ready_agents: int
    under_way: int
    multiplier: float = 1.0
    ports_left: int | None = None
    rate_left: int = 1_000_000
    records_left: int = 1_000_000


@dataclass(frozen=True, slots=True)
class PacingDecision:
    """Calls to place now, the condition that results, and the reason a supervisor can read."""

    at: float
    calls: int
    condition: Condition
    reason: str


def within_limits(given: PacingInput, wanted: int, text: str) -> PacingDecision:
    """As many of the calls wanted as ports, dialing rate and records allow; `text` is the reason for those wanted."""
    calls, condition = wanted, Condition.DIALING
    if given.ports_left is not None and given.ports_left < calls:
        calls, text = max(0, given.ports_left), f"{text}, {given.ports_left} ports left"
        condition = Condition.WAITING_PORTS if not calls else condition
    if given.rate_left < calls:
        calls, text = max(0, given.rate_left), f"{text}, {given.rate_left} left of the dialing rate"
    if given.records_left < calls:
        calls, text = max(0, given.records_left), f"{text}, {given.records_left} records at hand"
        condition = Condition.WAITING_RECORDS if not calls else condition
    return PacingDecision(given.now, calls, condition, f"dialed {calls}: {text}")
