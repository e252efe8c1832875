"""The schema's version: upgraded from anything older, refused otherwise."""
from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from ocs.database.backend import backend_for, transaction
from ocs.errors import ConfigurationError, StoreUnavailable
from ocs.store import schema
from ocs.store.sql import SqlStore
from ocs.store.versions import current_version, needed_version, upgrade
from tests.contracts.stores import result
from tests.store.threads import InlineReactor, InlineThreads


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ocs.sqlite'}"


def test_an_upgrade_makes_the_tables_and_a_second_one_changes_nothing(empty_database: str) -> None:
    url = empty_database
    assert current_version(url) is None
    assert upgrade(url) == (None, needed_version())
    assert upgrade(url) == (needed_version(), needed_version())
    assert current_version(url) == needed_version()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index",
                            "ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_scripts_make_the_tables_that_the_program_describes(empty_database: str) -> None:
    upgrade(empty_database)
    engine = create_engine(backend_for(empty_database).url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_the_scripts_make_every_index_that_the_program_describes(url: str) -> None:
    upgrade(url)
    described = sqlite3.connect(":memory:")
    for table in schema.metadata.sorted_tables:
        for element in (CreateTable(table), *map(CreateIndex, table.indexes)):
            described.execute(str(element.compile(dialect=backend_for(url).dialect)))
    with transaction(backend_for(url), write=False) as work:
        made = work.cursor.execute("SELECT name FROM sqlite_master WHERE name <> 'alembic_version'").fetchall()
        assert work.cursor.execute("SELECT * FROM ocs_time_zone").fetchall() == [(122, "America/Los_Angeles", "PST")]
    expected = described.execute("SELECT name FROM sqlite_master").fetchall()
    described.close()
    automatic = "sqlite_autoindex"
    assert sorted(n for n, in made if automatic not in n) == sorted(n for n, in expected if automatic not in n)


def test_the_database_is_for_its_owner_and_keeps_a_write_ahead_log(url: str) -> None:
    upgrade(url)
    path = backend_for(url).path
    assert path.stat().st_mode & 0o077 == 0
    connection = backend_for(url).connect()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)      # FULL
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.close()


def store_refusal(url: str) -> str:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads)
    with pytest.raises(StoreUnavailable) as refusal:
        result(store.start())
    with pytest.raises(StoreUnavailable, match="not open"):
        result(store.calling_lists())
    result(store.stop())
    return str(refusal.value)


def test_a_store_does_not_start_without_a_database_and_makes_none(url: str) -> None:
    assert "ocs db upgrade" in store_refusal(url)
    assert not backend_for(url).path.exists()


def test_a_store_does_not_start_on_a_database_without_a_version(url: str) -> None:
    sqlite3.connect(backend_for(url).path).close()
    backend_for(url).path.touch()
    text = store_refusal(url)
    assert "version none" in text and needed_version() in text and "ocs db upgrade" in text


def test_a_database_of_a_newer_program_is_left_alone(empty_database: str) -> None:
    url = empty_database
    upgrade(url)
    with transaction(backend_for(url)) as work:
        work.cursor.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in store_refusal(url)
    with pytest.raises(StoreUnavailable, match="newer"):
        upgrade(url)
    assert current_version(url) == "9999"


def test_what_is_no_database_is_said_to_be_none(url: str) -> None:
    backend_for(url).path.write_bytes(b"name,phone\n" * 1_000)
    assert "not a database" in store_refusal(url)
    with pytest.raises(StoreUnavailable, match="not a database"):
        upgrade(url)
    assert backend_for(url).path.read_bytes() == b"name,phone\n" * 1_000


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no directory .*missing"):
        upgrade(f"sqlite:///{tmp_path / 'missing' / 'ocs.sqlite'}")


@pytest.mark.parametrize("url, reason", [
    ("mysql://localhost/ocs", "mysql"), ("postgresql://localhost:x/ocs", "database.url"),
    ("postgresql://localhost/ocs?colour=red", "colour"), ("postgresql+asyncpg://h/ocs", "asyncpg"),
    ("sqlite://", "memory"), ("sqlite:///:memory:", "memory"),
    ("sqlite:///x?mode=ro", "query"), ("nonsense", "database.url"), ("sqlite://host/x", "host"),
])
def test_an_url_that_cannot_be_used_is_explained(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        backend_for(url)


def test_upgrades_at_the_same_time_wait_for_each_other(empty_database: str) -> None:
    outcomes: list[tuple[str | None, str]] = []
    threads = [Thread(target=lambda: outcomes.append(upgrade(empty_database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(before is None for before, _ in outcomes) == [False, False, True]
    assert {after for _, after in outcomes} == {needed_version()}
