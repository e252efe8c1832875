"""How many calls to place now. One decision with its reason in words; pure, `now` is passed in.

Progressive: as many calls as `multiplier` times the ready agents allow, less the calls that already look for an agent.
Source: the public rule of progressive dialing, floor(multiplier x free agents).
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import floor

from ocs.dialing.session import Condition

__all__ = ["PacingDecision", "PacingInput", "RateLimit", "agents_suffice", "progressive"]

_ROUNDING = 1e-9


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


class RateLimit:
    """At most `per_second` dials in any second, rounded down; below one a second, one in `1 / per_second` seconds.

    The times of the last dials are kept, so the limit holds over every second, not on an average."""

    def __init__(self, per_second: float) -> None:
        if per_second <= 0:
            raise ValueError("per_second must be positive")
        self._most, self._span_s = max(1, int(per_second)), 1.0 if per_second >= 1 else 1.0 / per_second
        self._dials: deque[float] = deque()
        self._at = float("-inf")

    def left(self, now: float) -> int:
        """How many dials are allowed at `now` (monotonic seconds)."""
        self._at = now
        while self._dials and now - self._dials[0] >= self._span_s - _ROUNDING:
            self._dials.popleft()
        return max(0, self._most - len(self._dials))

    def spend(self, count: int) -> None:
        """`count` dials were placed, at the time that `left` was last asked for."""
        self._dials.extend([self._at] * count)
