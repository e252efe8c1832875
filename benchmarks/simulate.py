"""How fast a day is simulated: eight hours of a hundred agents (etc/scenarios/day.toml), the store in memory, on one core.

    python benchmarks/simulate.py [--quick] [--json] [--scenario FILE]

Figures: dials, seconds from the first to the last moment of the day (processor time beside it: other programs do not count),
dials a second, microseconds a dial.
"""
from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._report import arguments, machine, note, report  # noqa: E402
from ocs.app.simulate.play import play  # noqa: E402
from ocs.app.simulate.scenario import load_scenario  # noqa: E402

_DAY = Path(__file__).resolve().parent.parent / "etc" / "scenarios" / "day.toml"
GOALS = {"processor_seconds": ("<=", 120.0)}
QUICK_HOURS = 0.5
QUICK_GOALS = {"microseconds_a_dial": ("<=", 2_182.0)}      # 120 s for 55,000


def main() -> int:
    options = arguments(__doc__, ("--scenario", {"type": Path, "default": _DAY, "help": "another day"}))
    where, scenario = machine(), load_scenario(options.scenario)
    if options.quick:
        scenario = replace(scenario, hours=QUICK_HOURS)
    note(f"{scenario.name}: {scenario.hours:g} h")
    began, used = time.perf_counter(), time.process_time()
    account, bugs = play(scenario)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    totals = account.measures.totals
    for text in [*account.differences, *bugs]:
        note(text)
    figures = {
        "dials": float(totals.calls), "seconds": seconds, "processor_seconds": processor,
        "dials_a_second": totals.calls / processor, "microseconds_a_dial": 1e6 * processor / max(1, totals.calls),
        "timers_a_dial": account.timers / max(1, totals.calls),
        "utilisation": account.measures.utilisation() or 0.0, "abandon_rate": totals.abandoned / max(1, totals.answered),
        "differences": float(len(account.differences) + len(bugs))}
    goals = {**(QUICK_GOALS if options.quick else GOALS), "differences": ("<=", 0.0)}
    return report("simulate", where, figures, goals, options.json)


if __name__ == "__main__":
    sys.exit(main())
