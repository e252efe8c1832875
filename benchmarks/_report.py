"""What the benchmarks share: their arguments, the machine, the report and its goals.

A report is one JSON object: {"name", "machine", "figures": {figure: number}, "goals": {figure: [">=" or "<=", number]},
"met"}. With --json it is all that goes to standard output; without, a table for people. Exit status 0: every goal is met.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Mapping

__all__ = ["Goals", "arguments", "machine", "met", "note", "report", "resident_octets"]

Goals = Mapping[str, tuple[str, float]]


def arguments(text: str | None, *more: tuple[str, dict[str, object]]) -> argparse.Namespace:
    """The command line: --quick, --json and what a benchmark has of its own, as (name, keywords of `add_argument`)."""
    parser = argparse.ArgumentParser(description=(text or "").strip().partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smaller run that ends within a minute")
    parser.add_argument("--json", action="store_true", help="print the report as a JSON object")
    for name, keywords in more:
        parser.add_argument(name, **keywords)       # type: ignore[arg-type]
    return parser.parse_args()


def machine() -> dict[str, object]:
    """Where the figures come from."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
                 platform.processor())
    kibibytes = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")), 0)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(kibibytes / 2**20, 1), "system": platform.platform(),
            "python": platform.python_version(), "load_before": round(os.getloadavg()[0], 2)}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def resident_octets() -> int:
    """Memory of this process, after giving back what is free."""
    import ctypes
    import gc
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        pass                                        # another C library
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def note(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def met(figures: Mapping[str, float], goals: Goals) -> bool:
    """Whether every goal is met; a figure that is missing meets none."""
    return all(_meets(figures.get(name), *goal) for name, goal in goals.items())


def _meets(figure: float | None, relation: str, bound: float) -> bool:
    return figure is not None and (figure >= bound if relation == ">=" else figure <= bound)


def report(name: str, where: Mapping[str, object], figures: Mapping[str, float], goals: Goals, as_json: bool) -> int:
    """Print the report; the exit status."""
    reached = met(figures, goals)
    if as_json:
        print(json.dumps({"name": name, "machine": where, "figures": figures, "goals": goals, "met": reached}))
        return 0 if reached else 1
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in where.items()))
    for figure, value in figures.items():
        relation, bound = goals.get(figure, ("", 0.0))
        verdict = f"   {relation} {bound:g}: {'met' if _meets(value, relation, bound) else 'MISSED'}" if relation else ""
        print(f"  {figure:34} {value:>16,.3f}{verdict}")
    return 0 if reached else 1
