"""The predictive pacer in worlds that nobody tuned it for: 2 to 2,000 agents, odd hit ratios, sudden and slow drift, long
tails, shifts.

    python benchmarks/pacing_worlds.py [--quick] [--json] [--seeds 1,2] [--world NAME,NAME]

For each world the utilisation, the mean and the worst abandon rate, and the cost of a decision. The goal: the mean of every
world is at most 3 %, and no day is above 3.3 %. `--quick` plays the smaller worlds for one seed.
"""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._report import arguments, machine, note, report  # noqa: E402
from benchmarks.arena import pacer  # noqa: E402
from benchmarks.pacing_arena import Phase, Scenario, play  # noqa: E402

__all__ = ["WORLDS"]

_BASE = Scenario("base", 50)


def _ramp(hours: int, first: float, last: float) -> tuple[Phase, ...]:
    """The hit ratio moves in a straight line, in steps of ten minutes."""
    steps = hours * 6
    return tuple(Phase(600.0 * step, human=first + (last - first) * step / steps) for step in range(steps))


def _batches(hours: int) -> tuple[Phase, ...]:
    """Agents come and go in batches each hour."""
    return tuple(Phase(3600.0 * hour, staffed=(1.0, 0.4, 0.8, 0.2)[hour % 4]) for hour in range(hours))


WORLDS = {each.name: each for each in (
    replace(_BASE, name="two", agents=2),
    replace(_BASE, name="three", agents=3),
    replace(_BASE, name="seven", agents=7),
    replace(_BASE, name="thirty-five", agents=35),
    replace(_BASE, name="few-answers", agents=25, phases=(Phase(0.0, human=0.05, machine=0.40),), lines_per_agent=30.0),
    *(replace(_BASE, name=f"{name}-cold", agents=agents, phases=(Phase(0.0, human=0.10, machine=0.35),))
      for agents, name in ((4, "four"), (7, "seven"), (10, "ten"))),
    replace(_BASE, name="many-answers", agents=25, phases=(Phase(0.0, human=0.80, machine=0.05),)),
    replace(_BASE, name="long-tails", agents=25, talk_cv=2.5),
    replace(_BASE, name="slow-drift", agents=35, phases=_ramp(8, 0.45, 0.10)),
    replace(_BASE, name="jumps", agents=30, phases=tuple(
        Phase(2700.0 * turn, human=0.10 if turn % 2 else 0.50, machine=0.2) for turn in range(11))),
    replace(_BASE, name="batches", agents=50, phases=_batches(8)),
    replace(_BASE, name="no-breaks-no-wrap", agents=15, break_every=0.0, wrap=0.0),
    replace(_BASE, name="slow-answers", agents=25, answer_mean=16.0, ring_limit=40.0),
    replace(_BASE, name="hundred", agents=100),
    replace(_BASE, name="five-hundred", agents=500, hours=3.0),
    replace(_BASE, name="two-thousand", agents=2000, hours=1.5),
)}


def main() -> int:
    options = arguments(__doc__, ("--seeds", {"default": "1,2"}), ("--world", {"default": ""}))
    where, figures, goals = machine(), {}, {}
    names = options.world.split(",") if options.world else [
        name for name, world in WORLDS.items() if not options.quick or world.agents < 30]
    seeds = [int(seed) for seed in options.seeds.split(",")][:1 if options.quick else None]
    for name in names:
        scores = [play(WORLDS[name], seed, pacer) for seed in seeds]
        rates = [score["abandon_rate"] for score in scores]
        figures[f"{name}_utilisation"] = mean(score["utilisation"] for score in scores)
        figures[f"{name}_abandon_rate"], figures[f"{name}_worst"] = mean(rates), max(rates)
        goals[f"{name}_abandon_rate"], goals[f"{name}_worst"] = ("<=", 0.03), ("<=", 0.033)
        note(f"{name:18} utilisation {figures[f'{name}_utilisation']:.3f}  abandon rate {mean(rates):.4f}"
             f" (worst {max(rates):.4f})  {mean(score['pacer_us'] for score in scores):.0f} us")
    return report("pacing_worlds", where, figures, goals, options.json)


if __name__ == "__main__":
    sys.exit(main())
