"""Configuration Databases for tests, of both kinds; and how a test puts objects into them."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ocs.app.importing import ImportReport, import_objects
from ocs.configuration import schema
from ocs.configuration.history import Act
from ocs.configuration.versions import configuration_versions
from ocs.database.backend import backend_for
from tests.postgres import PostgresServer

_on_postgres: dict[int, str] = {}           # port of a server -> URL of the database on it


@pytest.fixture(params=["sqlite", "postgresql"])
def configuration_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a Configuration Database without objects, of both kinds."""
    return empty_configuration(request, request.param, tmp_path)


def empty_configuration(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """The URL of a Configuration Database without objects; on PostgreSQL the one that all tests use, emptied."""
    if kind == "sqlite":
        return sqlite_configuration(folder)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    if server.port not in _on_postgres:
        url = server.database()
        configuration_versions.upgrade(url)
        _on_postgres[server.port] = url
    url = _on_postgres[server.port]
    names = ", ".join(table.name for table in schema.metadata.sorted_tables if table is not schema.database)
    server.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE", url.rpartition("/")[2])
    return url


def sqlite_configuration(folder: Path) -> str:
    """The URL of a new file."""
    url = f"sqlite:///{folder / 'configuration.sqlite'}"
    configuration_versions.upgrade(url)
    return url


def imported(url: str, text: str | dict[str, Any], **options: Any) -> ImportReport:
    """Import TOML, as somebody called test."""
    mapping = tomllib.loads(text) if isinstance(text, str) else text
    act = options.pop("act", Act(1_800_000_000.0, "test", "import test.toml"))
    return import_objects(backend_for(url), mapping, act, **options)
