"""Dialing modes end to end: real processes, agents at real desks, and three accounts that must agree."""
from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system.test_demo import runs  # noqa: F401  a fixture

CONTACTS = 30


def small(folder: Path) -> Path:
    path = folder / "few.csv"
    rows = [f"Person {n},(415) 555-{n:04},,America/Los_Angeles,A{n}" for n in range(1_000, 1_000 + CONTACTS)]
    path.write_text("\n".join(["name,phone,phone2,timezone,account", *rows]) + "\n")
    return path


def played(runs: Any, folder: Path, mode: str, *arguments: str) -> tuple[Any, Counter[str], list[Any]]:      # noqa: F811
    """The run, how many calls of each kind the T-Server logged, and all of them."""
    run = runs("demo", "--speed", "200", "--mode", mode, *arguments, contacts=small(folder))
    assert run.wait(150) == 0, run.text()
    outcome, calls = run.outcome(), run.calls()
    kinds = Counter(call["kind"] for call in calls)
    assert outcome["reconciled"] and outcome["calls"] == kinds["outbound"] >= CONTACTS / 2
    return outcome, kinds, calls


def test_seizing_by_the_cpd_server_engages_agents_ahead_of_customers(runs: Any, tmp_path: Path) -> None:      # noqa: F811
    outcome, kinds, calls = played(runs, tmp_path, "predictive-seizing", "--cpd")
    assert kinds["engaging"] >= 5
    # the T-Server's account: whoever talked with an agent was joined with one who was engaged before the customer was dialed
    talked = [call for call in calls if call["kind"] == "outbound" and call["agent_dn"]]
    assert talked and outcome["results"]["Answer"] >= len(talked) / 2


def test_pushed_previews_are_dialed_by_the_agents_who_accepted_them(runs: Any, tmp_path: Path) -> None:       # noqa: F811
    outcome, kinds, calls = played(runs, tmp_path, "push-preview")
    assert set(kinds) == {"outbound"} and outcome["abandoned"] == 0


@pytest.mark.long
@pytest.mark.parametrize("mode, arguments", [
    ("predictive", ()), ("predictive", ("--cpd",)), ("progressive-seizing", ()), ("predictive-seizing", ()),
    ("progressive-gvp", ()), ("predictive-gvp", ()), ("power-gvp", ()), ("power-gvp", ("--obn",))])
def test_every_other_mode_comes_to_its_end(runs: Any, tmp_path: Path, mode: str,                               # noqa: F811
                                           arguments: tuple[str, ...]) -> None:
    played(runs, tmp_path, mode, *arguments)
