"""docs/architecture.md is kept true: its state diagrams are the machines', and what it names is in the tree."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocs.dialing import chain, session
from ocs.dialing.call import CallState
from ocs.errors import OCSError

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def diagram(heading: str) -> set[tuple[str, str, str]]:
    """(state, event, next state) of the diagram under a heading."""
    drawn = TEXT.split(f"### {heading}\n", 1)[1].split("```mermaid\n", 1)[1].split("```", 1)[0]
    arrows = re.findall(r"^ *(\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)
    return {(state, event.strip(), following) for state, following, events in arrows for event in events.split(",")}


def test_the_diagram_of_a_session_is_its_machine() -> None:
    machine = set()
    for state in session.SessionState:
        for event in session.SessionEvent:
            try:
                machine.add((state.name, event.name, session.next_state(state, event).name))
            except OCSError:
                continue
    assert diagram("A dialing session") == machine


def test_the_diagram_of_a_held_chain_is_its_machine() -> None:
    machine = set()
    for state in chain.ChainState:
        for event in chain.ChainEvent:
            try:
                machine.add((state.name, event.name, chain.next_state(state, event).name))
            except OCSError:
                continue
    assert diagram("A held chain") == machine


def test_the_table_of_a_call_names_its_states_in_order() -> None:
    table = TEXT.split("### A call\n", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| ([A-Z]+) \|", table, re.MULTILINE) == [state.name for state in CallState]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:ocs|protocols|tests)/[\w/.]*)`", TEXT))))
def test_every_path_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", sorted(set(re.findall(
    r"`((?:dialing|scheduler|store|desktop|links)/\w+)`", TEXT))))
def test_every_module_that_is_named_exists(module: str) -> None:
    assert (ROOT / "ocs" / f"{module}.py").exists() or (ROOT / "ocs" / module / "__init__.py").exists()


def test_every_package_is_named() -> None:
    found = [path.parent.relative_to(ROOT).as_posix() for pattern in ("ocs/*/__init__.py", "ocs/servers/*/__init__.py",
                                                                      "protocols/*/__init__.py") for path in ROOT.glob(pattern)]
    assert len(found) > 20
    assert [path for path in found if f"`{path}/`" not in TEXT and f"`{path.partition('/')[2]}/`" not in TEXT] == []
