"""Small days for tests."""
from __future__ import annotations

from typing import Any

from ocs.app.simulate.scenario import Scenario, read_scenario, simulated_day
from ocs.simulation.day import Account
from ocs.simulation.report import report

__all__ = ["played", "reported", "scenario"]


def scenario(**tables: Any) -> Scenario:
    """Twelve minutes of five agents who have no breaks, unless the tables say otherwise."""
    return read_scenario({
        "hours": 0.2, "interval_min": 2.0, "decisions": 20, "shift": [{"agents": 5}],
        **tables, "agents": {"break_every_s": 0.0, "wrap_up_s": 10.0, **tables.get("agents", {})},
        "people": {"talk_s": 40.0, "person": 0.5, "answer_s": 8.0, **tables.get("people", {})},
        "calling_list": {"contacts": 500, **tables.get("calling_list", {})}})


def played(**tables: Any) -> Account:
    """Such a day, played to its end."""
    return simulated_day(scenario(**tables)).run()


def reported(**tables: Any) -> dict[str, Any]:
    """Its report."""
    return report(played(**tables), 1.0)
