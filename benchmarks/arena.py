"""The engine's predictive pacer in the pacing arena: a thin adapter, nothing is decided here.

`pacer(limit, agents, max_lines)` is the factory that the arena asks for. The arena itself is `pacing_arena.py`:

    python -m benchmarks.pacing_arena run benchmarks.arena:pacer --seeds 1,2,3,4,5,6,7,8
"""
from __future__ import annotations

from typing import Any

from ocs.dialing.pacing.agents import Activity
from ocs.dialing.pacing.decision import PacingInput
from ocs.dialing.pacing.group_pacer import GroupPacer
from ocs.dialing.pacing.learning import LearningPacer

__all__ = ["ArenaPacer", "pacer"]

_ACTIVITY = {each.value: each for each in Activity}


class ArenaPacer:
    """Events of the arena become calls of the pacer; lines in use are counted here, as a server counts its ports."""

    def __init__(self, own: LearningPacer, max_lines: int) -> None:
        self.pacer, self._ports, self.ports_least = own, max_lines, max_lines
        self._call_events = {"dial": own.dialed, "ring": own.rang, "answer": own.answered, "connect": own.connected,
                             "abandon": own.abandoned, "end": own.failed}

    def on(self, event: tuple[Any, ...]) -> None:
        """One event, as the arena defines them."""
        kind, now = event[0], event[1]
        if kind == "agent":
            self.pacer.agent(now, event[2], _ACTIVITY[event[3]])
            return
        if kind == "dial":
            self._ports -= 1
            self.ports_least = min(self.ports_least, self._ports)
        elif kind in ("end", "abandon", "hangup"):
            self._ports += 1
        if kind != "hangup":
            self._call_events[kind](now, event[2])

    def dials(self, now: float) -> int:
        """Calls to place now."""
        own = self.pacer
        return own.decide(PacingInput(now, own.agents.idle, len(own.calls) + own.waiting, ports_left=self._ports)).calls


def pacer(limit: float = 0.03, agents: int = 0, max_lines: int = 0) -> ArenaPacer:
    """The arena's factory; the number of agents is left to the pacer to see."""
    return ArenaPacer(GroupPacer(abandon_limit=limit), max_lines)
