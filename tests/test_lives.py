"""Nothing of what came grows for the length of a server's life, at no entry."""
from __future__ import annotations

import gc
import shutil
from contextlib import closing
from pathlib import Path
from typing import Callable

import pytest

from tests.conftest import FIGURES, Logged
from tests.lives import LIVES

_TURNS, _MESSAGES, _WARM = 40, 1_000, 10        # in the first turns caches fill, and what is kept of the last so many
_OBJECTS = 0.05                                 # for each message


@pytest.fixture
def url(tmp_path: Path, sqlite_template: Path) -> str:
    """An empty database."""
    shutil.copy(sqlite_template, tmp_path / "ocs.sqlite")
    return f"sqlite:///{tmp_path / 'ocs.sqlite'}"


@pytest.mark.parametrize("entry", LIVES)
def test_an_entry_can_be_left_and_come_back_to(entry: str, url: str) -> None:
    with closing(LIVES[entry](url, 60)) as life:
        next(life)
        next(life)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("entry", LIVES)
def test_nothing_grows_with_messages(entry: str, url: str, logged: Logged,
                                     record_property: Callable[[str, object], None]) -> None:
    alive: list[int] = []
    with closing(LIVES[entry](url, _MESSAGES)) as life:
        for _ in range(_TURNS):
            next(life)
            logged.events.clear()
            gc.collect()
            alive.append(len(gc.get_objects()))
    growth = (alive[-1] - alive[_WARM]) / ((_TURNS - _WARM - 1) * _MESSAGES)
    record_property(FIGURES, f"one server's life, {entry}: {alive[_WARM]:,} -> {alive[-1]:,} objects, {growth:+.4f} a message")
    assert growth < _OBJECTS, alive
