"""Mutated requests on the entries of third parties: no crash, no leak, no legal request unanswered. A sample; a million on each
entry with `make test-long`."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import pytest

from tests.app.fuzz import fuzz_api, fuzz_communication, fuzz_octets, fuzz_public
from tests.conftest import Logged
from tests.course import Course
from tests.postgres import PostgresServer

_MANY = 1_000_000
_MUCH = {"communication": 0.4, "public": 0.1, "octets": 0.2, "api": 0.1}      # this part of them at least comes to something


def test_whatever_comes_on_the_communication_dn() -> None:
    assert fuzz_communication(2_000, seed=1) > 1_000


def test_whatever_is_asked_at_the_public_uris() -> None:
    assert fuzz_public(2_000, seed=1) > 250


def test_whatever_octets_come() -> None:
    assert fuzz_octets(3_000, seed=1) > 600


def test_whatever_is_asked_of_the_management_api(database: str) -> None:
    assert fuzz_api(600, 1, lambda: database) > 50


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("entry", _MUCH)
def test_a_million_requests(entry: str, logged: Logged, sqlite_template: Path, tmp_path: Path,
                            record_property: Callable[[str, object], None]) -> None:
    def new_database() -> str:
        for one in tmp_path.iterdir():      # the one before
            one.unlink()
        shutil.copy(sqlite_template, tmp_path / "ocs.sqlite")
        return f"sqlite:///{tmp_path / 'ocs.sqlite'}"

    course = Course(entry, _MANY, logged, record_property)
    done = {"communication": lambda: fuzz_communication(_MANY, 2, course), "public": lambda: fuzz_public(_MANY, 2, course),
            "octets": lambda: fuzz_octets(_MANY, 2, course), "api": lambda: fuzz_api(_MANY, 2, new_database, course)}[entry]()
    course.check(f"{done:,} carried out")
    assert done > _MANY * _MUCH[entry]


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_many_requests_in_front_of_postgresql(postgres_server: PostgresServer, logged: Logged,
                                              record_property: Callable[[str, object], None]) -> None:
    course = Course("api, PostgreSQL", _MANY // 5, logged, record_property)
    done = fuzz_api(_MANY // 5, 3, postgres_server.cleared_database, course)
    course.check(f"{done:,} carried out")
