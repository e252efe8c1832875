"""A dialing filter says the same in a database as in memory, whatever the filter and the records.

The PostgreSQL database sorts by the rules of English (ICU): a filter must not notice.
"""
from __future__ import annotations

import sqlite3
from typing import Iterator

import pytest
from hypothesis import given, settings
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.schema import CreateTable

from ocs.database.statements import Sql, Transaction
from ocs.dialing.values import Record
from ocs.store.filters import parse_filter
from ocs.store.loading import insert_records
from ocs.store.records import ListTable
from tests.postgres import PostgresServer
from tests.store import filter_texts as made

LIST = ListTable("Spring", 101, "cl_spring", made.FIELDS, 28_800, 64_800, 122, 1)
_empty = Sql(delete(LIST.table))


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[Transaction]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    work = Transaction(connection.cursor(), SQLiteDialect_pysqlite(paramstyle="qmark"))
    work.define(CreateTable(LIST.table))
    yield work
    connection.close()


@pytest.fixture(scope="module")
def on_postgresql(postgres_server: PostgresServer) -> Iterator[Transaction]:
    import psycopg
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
    postgres_server.execute("CREATE DATABASE filters TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'")
    with psycopg.connect(postgres_server.url("filters")) as connection:
        work = Transaction(connection.cursor(), PGDialect_psycopg())
        work.define(CreateTable(LIST.table))
        yield work


def check_criteria(work: Transaction, criteria: str, records: list[Record]) -> None:
    one = parse_filter(criteria, "", made.FIELDS)
    fill(work, records)
    found = {number for number, in work.rows(Sql(select(LIST.table.c.record_id).where(one.expression(LIST.table))))}
    assert found == {record.record_id for record in records if one.matches(record)}


def check_order(work: Transaction, order_by: str, records: list[Record]) -> None:
    one = parse_filter("", order_by, made.FIELDS)
    fill(work, records)
    keys = [*one.ordering(LIST.table), LIST.table.c.record_id]
    found = [number for number, in work.rows(Sql(select(LIST.table.c.record_id).order_by(*keys)))]
    expected = sorted(records, key=lambda record: (one.sort_key(record), record.record_id))
    assert found == [record.record_id for record in expected]


def fill(work: Transaction, records: list[Record]) -> None:
    work.run(_empty)
    insert_records(work, LIST, records)


def record(**fields: object) -> list[Record]:
    return [Record(1, 1, 1, "", fields={field.name: fields.get(field.name) for field in made.FIELDS})]  # type: ignore[misc]


_EXAMPLES = [
    ("points / 0.1 > 1", record(points=-2 ** 63)), ("balance * balance > 1", record(balance=1e300)),
    ("balance * balance * balance = 0", record(balance=1e-300)), ("points * points > 5", record(points=2 ** 53 - 1)),
    ("attempt * attempt > 5", record()), ("mod(points, attempt) = 0", record(points=5)),
    ("abs(points) > 1", record(points=-2 ** 63)),
    ("points = 9007199254740992.0", record(points=2 ** 53 + 1)), ("region LIKE 'A%'", record(Region="abc")),
    ("lower(region) = 'é'", record(Region="É")), ("region < 'a'", record(Region="B")), ("code = 'ab'", record(code="ab")),
    ("length(code) = 2", record(code="ab")), ("region LIKE '[*]'", record(Region="x")),
    ("region LIKE '!_%'", record(Region="!a")),
    ("points NOT IN (1, 2)", record()), ("NOT (points > 1 AND since IS NOT NULL)", record(points=0)),
    ("points BETWEEN 1 AND date", record(points=0)), ("since > '2026-03-10'", record(since="2026-03-10 00:00:00.000001")),
]


@settings(max_examples=80, deadline=None)
@given(made.criteria(), made.records())
def test_sqlite_finds_what_matches_in_memory(on_sqlite: Transaction, criteria: str, records: list[Record]) -> None:
    check_criteria(on_sqlite, criteria, records)


@settings(max_examples=60, deadline=None)
@given(made.criteria(), made.records())
def test_postgresql_finds_what_matches_in_memory(on_postgresql: Transaction, criteria: str, records: list[Record]) -> None:
    check_criteria(on_postgresql, criteria, records)


@settings(max_examples=50, deadline=None)
@given(made.orders(), made.records())
def test_sqlite_sorts_as_memory_does(on_sqlite: Transaction, order_by: str, records: list[Record]) -> None:
    check_order(on_sqlite, order_by, records)


@settings(max_examples=40, deadline=None)
@given(made.orders(), made.records())
def test_postgresql_sorts_as_memory_does(on_postgresql: Transaction, order_by: str, records: list[Record]) -> None:
    check_order(on_postgresql, order_by, records)


@pytest.mark.parametrize(("criteria", "records"), _EXAMPLES)
@pytest.mark.parametrize("database", ["on_sqlite", "on_postgresql"])
def test_the_odd_cases_are_the_same_everywhere(request: pytest.FixtureRequest, database: str, criteria: str,
                                               records: list[Record]) -> None:
    check_criteria(request.getfixturevalue(database), criteria, records)
