"""The form in which every benchmark reports: figures, goals, whether they are met."""
from __future__ import annotations

import json
import os
import platform
from typing import Any, Mapping

__all__ = ["machine", "report"]

Goals = Mapping[str, tuple[str, float]]


def machine() -> str:
    """The machine in a line: processors, memory, Python."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{os.cpu_count()} x {model or platform.machine()}, {memory:.0f} GiB, {platform.system()}, "
            f"Python {platform.python_version()}")


def _met(value: float, goal: tuple[str, float]) -> bool:
    return value >= goal[1] if goal[0] == ">=" else value <= goal[1]


def report(name: str, figures: Mapping[str, float], goals: Goals, as_json: bool, notes: Mapping[str, Any] | None = None) -> int:
    """Print the outcome; the exit status: 0 if every goal is met, else 1. A goal without its figure is not met."""
    met = all(goal in figures and _met(figures[goal], goals[goal]) for goal in goals)
    if as_json:
        print(json.dumps({"name": name, "machine": machine(), "figures": figures,
                          "goals": {figure: list(goal) for figure, goal in goals.items()}, "met": met, **(notes or {})}))
        return 0 if met else 1
    print(f"{name} on {machine()}")
    for figure, value in figures.items():
        goal = goals.get(figure)
        verdict = "" if goal is None else f"   goal {goal[0]} {goal[1]:g}: {'met' if _met(value, goal) else 'MISSED'}"
        print(f"  {figure:36} {value:14,.4g}{verdict}")
    for title, text in (notes or {}).items():
        print(f"{title}:\n{text}")
    return 0 if met else 1
