"""Mutated messages on every entry of the desktop protocol: no crash, no leak, no legal request unanswered. A sample; a million on
each entry with `make test-long`."""
from __future__ import annotations

from functools import partial
from typing import Callable

import pytest

from tests.conftest import Logged
from tests.course import Course
from tests.desktop.fuzz import ENTRIES, SEEDS, fuzz, in_database
from tests.postgres import PostgresServer

_SAMPLE, _MANY = 2_000, 1_000_000


@pytest.mark.parametrize("entry", ENTRIES)
def test_whatever_comes_requests_are_answered_once_and_nothing_is_left(entry: str) -> None:
    assert fuzz(entry, _SAMPLE, seed=1) > _SAMPLE / 4


def test_whatever_comes_the_database_takes_what_is_acknowledged(database: str) -> None:
    assert fuzz("user events", 700, 3, new_store=partial(in_database, database)) > 400


def test_the_seeds_are_many() -> None:
    assert len(SEEDS) > 100


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_million_messages(entry: str, logged: Logged, record_property: Callable[[str, object], None]) -> None:
    course = Course(entry, _MANY, logged, record_property)
    answered = fuzz(entry, _MANY, 2, course)
    course.check(f"{answered:,} answered")
    assert answered > _MANY / 4


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_many_messages_in_front_of_postgresql(postgres_server: PostgresServer, logged: Logged,
                                              record_property: Callable[[str, object], None]) -> None:
    course = Course("user events, PostgreSQL", _MANY // 5, logged, record_property)
    fuzz("user events", _MANY // 5, 5, course, lambda records: in_database(postgres_server.cleared_database(), records))
    course.check()
