"""Interaction databases for the tests of this folder."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ocs.servers.icon.versions import icon_versions
from tests.servers.icon.tables import Tables, cleared_postgresql


@pytest.fixture(scope="session")
def icon_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "icon.sqlite"
    icon_versions.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    """An interaction database without a row."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("icon_template"), tmp_path / "icon.sqlite")
        return Tables(f"sqlite:///{tmp_path / 'icon.sqlite'}")
    return Tables(cleared_postgresql(request.getfixturevalue("postgres_server")))
