"""What one decision of the predictive pacer costs, at 10 to 5,000 agents with five calls an agent.

A busy state is built by events (agents in talk, in wrap-up and idle, calls that ring), the pacer learns from it, and decisions
are timed that look at everything: something has just happened before each of them, time passes, and results come in.

    python benchmarks/pacing_cost.py [--quick] [--json]

Figures: microseconds a decision by number of agents; decision_growth = cost at 5,000 agents over cost at 50.
"""
from __future__ import annotations

import heapq
import random
import sys
import time
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._report import arguments, machine, note, report  # noqa: E402
from ocs.dialing.pacing.agents import Activity  # noqa: E402
from ocs.dialing.pacing.decision import PacingInput  # noqa: E402
from ocs.dialing.pacing.group_pacer import GroupPacer  # noqa: E402

__all__ = ["Floor"]

AGENTS = (10, 50, 200, 1000, 5000)
CALLS_PER_AGENT = 5
GOALS = {"decision_growth": ("<=", 20.0), "decision_us_200": ("<=", 300.0), "decision_us_5000": ("<=", 3000.0)}
_SHIFT_S = 240.0


class Floor:
    """A floor of agents in mid-shift, and five calls out for each of them; every call that ends is replaced by a new one."""

    def __init__(self, agents: int, rng: random.Random) -> None:
        self.pacer, self.agents, self.rng, self.now, self.placed = GroupPacer(), agents, rng, 0.0, 0
        self.due: list[tuple[float, int, str]] = []
        for agent in range(agents):
            self.pacer.agent(self.now, agent, self._activity())
        while self.now < _SHIFT_S:
            self.step(1.0)

    def _activity(self) -> Activity:
        return self.rng.choices(list(Activity), (1, 12, 3, 1))[0]

    def step(self, seconds: float) -> None:
        """Let time pass: calls ring, end and are answered, agents change, new calls are dialed."""
        pacer, rng = self.pacer, self.rng
        self.now += seconds
        while self.due and self.due[0][0] <= self.now:
            at, call, what = heapq.heappop(self.due)
            if what == "ring":
                pacer.rang(at, call)
            elif what == "answer":
                pacer.answered(at, call)
                pacer.connected(at, call)
            else:
                pacer.failed(at, call)
        for agent in rng.sample(range(self.agents), max(1, int(self.agents * seconds / 60.0))):
            pacer.agent(self.now, agent, self._activity())
        while len(pacer.calls) < CALLS_PER_AGENT * self.agents:
            self.placed += 1
            pacer.dialed(self.now, self.placed)
            rings = self.now + rng.uniform(0.5, 3.0)
            heapq.heappush(self.due, (rings, self.placed, "ring"))
            answered = rng.random() < 0.3
            decided = rings + (rng.lognormvariate(2.3, 0.5) if answered else rng.uniform(12.0, 26.0))
            heapq.heappush(self.due, (decided, self.placed, "answer" if answered else "end"))

    def decision_s(self) -> float:
        """Seconds of processor time of one decision after a tenth of a second of events."""
        self.step(0.1)
        self.pacer.agent(self.now, 0, Activity.READY)
        self.pacer.agent(self.now, 0, Activity.WRAP)
        given = PacingInput(self.now, self.pacer.agents.idle, len(self.pacer.calls), ports_left=100_000)
        begin = time.perf_counter()
        self.pacer.decide(given)
        return time.perf_counter() - begin


def main() -> int:
    options = arguments(__doc__)
    where, figures = machine(), {}
    for agents in AGENTS:
        note(f"{agents} agents")
        floor = Floor(agents, random.Random(agents))
        samples = [floor.decision_s() for _ in range(100 if options.quick else 400)]
        figures[f"decision_us_{agents}"] = 1e6 * median(samples)
        figures[f"decision_mean_us_{agents}"] = 1e6 * mean(samples)
    figures["decision_growth"] = figures["decision_us_5000"] / figures["decision_us_50"]
    return report("pacing_cost", where, figures, GOALS, options.json)


if __name__ == "__main__":
    sys.exit(main())
