"""How many calls to place now. One decision with its reason in words; pure, `now` is passed in.

Progressive: as many calls as `multiplier` times the ready agents allow, less the calls that already look for an agent.
Source: the public rule of progressive dialing, floor(multiplier x free agents).
"""
from __future__ import annotations

from dataclasses import dataclass
from math import floor

from ocs.dialing.session import Condition

__all__ = ["PacingDecision", "PacingInput", "RateLimit", "progressive"]


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


def progressive(given: PacingInput) -> PacingDecision:
    """Calls for the agents who are ready and for whom no call is on its way."""
    allowed = floor(given.multiplier * given.ready_agents)
    wanted = max(0, allowed - given.under_way)
    text = f"{given.ready_agents} ready x {given.multiplier:g} less {given.under_way} under way"
    if not given.ready_agents:
        return PacingDecision(given.now, 0, Condition.WAITING_AGENTS, "no agent is ready")
    if not wanted:
        return PacingDecision(given.now, 0, Condition.DIALING, f"dialed 0: {text}")
    calls, condition = wanted, Condition.DIALING
    if given.ports_left is not None and given.ports_left < calls:
        calls, text = max(0, given.ports_left), f"{text}, {given.ports_left} ports left"
        condition = Condition.WAITING_PORTS if not calls else condition
    if given.rate_left < calls:
        calls, text = given.rate_left, f"{text}, {given.rate_left} left of the dialing rate"
    if given.records_left < calls:
        calls, text = given.records_left, f"{text}, {given.records_left} records at hand"
        condition = Condition.WAITING_RECORDS if not calls else condition
    return PacingDecision(given.now, calls, condition, f"dialed {calls}: {text}")


class RateLimit:
    """At most `per_second` dials in any second: a bucket that holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        self._rate, self._level, self._at = per_second, max(1.0, per_second), float("-inf")

    def left(self, now: float) -> int:
        """How many dials are allowed at `now` (monotonic seconds)."""
        if self._at != float("-inf"):
            self._level = min(max(1.0, self._rate), self._level + (now - self._at) * self._rate)
        self._at = now
        return int(self._level + 1e-9)

    def spend(self, count: int) -> None:
        """`count` dials were placed."""
        self._level -= count
