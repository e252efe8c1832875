"""Benchmarks report in one shape, and a goal is met by a figure only."""
from __future__ import annotations

import json

import pytest

from benchmarks import _report


@pytest.mark.parametrize("figures, goals, reached", [
    ({"a": 1.0, "b": 2.0}, {}, True),
    ({"a": 1.0}, {"a": (">=", 1.0)}, True), ({"a": 0.99}, {"a": (">=", 1.0)}, False),
    ({"a": 1.0}, {"a": ("<=", 1.0)}, True), ({"a": 1.01}, {"a": ("<=", 1.0)}, False),
    ({"a": 5.0, "b": 5.0}, {"a": (">=", 1.0), "b": ("<=", 1.0)}, False),
    ({}, {"a": ("<=", 1.0)}, False),                            # what was not measured meets no goal
])
def test_a_report_tells_whether_every_goal_is_met(figures: dict[str, float], goals: dict[str, tuple[str, float]], reached: bool,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert _report.report("one", {"cpu": "some"}, figures, goals, as_json=True) == (0 if reached else 1)
    assert json.loads(capsys.readouterr().out) == {"name": "one", "machine": {"cpu": "some"}, "figures": figures, "met": reached,
                                                   "goals": {name: list(goal) for name, goal in goals.items()}}
    assert _report.report("one", {"cpu": "some"}, figures, goals, as_json=False) == (0 if reached else 1)
    assert capsys.readouterr().out.count("MISSED") == sum(
        not _report.met(figures, {name: goal}) for name, goal in goals.items() if name in figures)


def test_the_machine_is_described() -> None:
    assert {"cpu", "cores", "memory_gib", "system", "python"} <= _report.machine().keys()
    assert _report.resident_octets() > 1_000_000
