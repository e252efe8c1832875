"""A claim that is cut off at any of its steps: nothing is lost, nothing half claimed, nothing claimed twice.

A store's connection counts what is done on it and dies at a chosen step: before a statement, before the commit, or after
the commit and before its answer. Then either the same store goes on, as after a network fault; or its process is gone, and
another one recovers what it held.
"""
from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import ClaimRequest, Owner, Record
from ocs.errors import StoreUnavailable
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.sql import SqlStore
from tests.contracts.stores import result
from tests.postgres import PostgresServer, upgraded_database
from tests.store.threads import InlineReactor, InlineThreads

NOW, ZONE = 1_767_600_000, 122
OURS, NEXT = Owner(1, 10, 100), Owner(2, 10, 100)
TYPES = (RecordType.CAMPAIGN_CALLBACK, RecordType.GENERAL)
READY, CHAIN_READY = RecordStatus.READY, RecordStatus.CHAIN_READY

chains = st.lists(st.lists(st.tuples(st.sampled_from([READY, READY, CHAIN_READY, RecordStatus.UPDATED]), st.sampled_from(TYPES)),
                           min_size=1, max_size=3), min_size=1, max_size=8)
plenty = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Fragile:
    """A connection that dies at a step: statements and commits count one each; a commit once more after it is done."""

    def __init__(self, connection: Any, fuse: Fuse) -> None:
        self._connection, self._fuse = connection, fuse

    def cursor(self) -> FragileCursor:
        return FragileCursor(self._connection.cursor(), self._fuse)

    def commit(self) -> None:
        self._fuse.step(self._connection)
        self._connection.commit()
        self._fuse.step(self._connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class FragileCursor:
    """The cursor of a fragile connection."""

    def __init__(self, cursor: Any, fuse: Fuse) -> None:
        self._cursor, self._fuse = cursor, fuse

    def execute(self, *statement: Any) -> Any:
        self._fuse.step(self._cursor.connection)
        return self._cursor.execute(*statement)

    def executemany(self, *statement: Any) -> Any:
        self._fuse.step(self._cursor.connection)
        return self._cursor.executemany(*statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class Fuse:
    """Burns down by a step each time; at its end the connection is cut. Not before it is lit."""

    def __init__(self, steps: int) -> None:
        self.left, self.lit = steps, False

    def step(self, connection: Any) -> None:
        if not self.lit:
            return
        self.left -= 1
        if self.left == 0:
            if isinstance(connection, sqlite3.Connection):
                raise sqlite3.OperationalError("disk I/O error")
            connection.pgconn.finish()              # the socket is closed; the server rolls back what is open


def loaded(url: str, contents: Any) -> int:
    """Fill the list; how many chains can be claimed."""
    records, record_id = [], 0
    for chain_id, members in enumerate(contents, 1):
        for chain_n, (status, record_type) in enumerate(members, 1):
            record_id += 1
            records.append(Record(record_id, chain_id, chain_n, "+12125550100", record_status=status, record_type=record_type))
    with transaction(backend_for(url)) as work:
        insert_records(work, create_list(work, Catalog(), "Spring"), records)
    return sum(any(status is READY for status, _ in members) for members in contents)


def fragile_store(url: str, fuse: Fuse) -> SqlStore:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads)
    real = store.backend.connect
    store.backend.connect = lambda **how: Fragile(real(**how), fuse)        # type: ignore[method-assign]
    result(store.start())
    return store


def claim(store: SqlStore, owner: Owner, limit: int, calling_list: str = "", chosen: Any = None) -> list[int]:
    found = result(store.claim_chains(
        ClaimRequest("Spring", owner, limit, NOW, {ZONE: 43_200}, TYPES, filter=chosen, calling_list=calling_list)))
    return [chain.chain_id for chain in found]


def states(url: str) -> dict[int, Counter[int]]:
    """chain_id -> how many records of which status."""
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT chain_id, record_status FROM cl_spring")
        found: dict[int, Counter[int]] = {}
        for chain_id, status in work.cursor.fetchall():
            found.setdefault(chain_id, Counter())[status] += 1
        return found


def check(url: str, contents: Any, steps: int, limit: int, goes_on: bool) -> bool:
    """One story; whether the fuse burned down."""
    expected, fuse = loaded(url, contents), Fuse(steps)
    store = fragile_store(url, fuse)
    fuse.lit = True
    claimed: list[int] = []
    got: list[int] | None = None
    while got != [] and (goes_on or fuse.left > 0):
        try:
            claimed += (got := claim(store, OURS, limit))
        except StoreUnavailable:
            got = None
        for members in states(url).values():            # whatever happened, no chain is held in part
            assert not members[RecordStatus.RETRIEVED] or not members[READY] + members[CHAIN_READY]
    fuse.lit = False
    if goes_on:
        claimed += claim(store, OURS, 100)
    else:                                               # the process is gone: another one of the same name takes over
        assert result(store.recover(OURS, "Spring")) == []
        held = {chain_id for chain_id, members in states(url).items() if members[RecordStatus.RETRIEVED]}
        assert held == set()
        claimed = claim(store, NEXT, 100)
    assert len(claimed) == len(set(claimed)) == expected
    result(store.stop())
    return fuse.left <= 0


@pytest.mark.parametrize("goes_on", [True, False])
def test_every_step_of_a_claim_can_be_its_last(request: pytest.FixtureRequest, tmp_path: Any, goes_on: bool) -> None:
    contents = [[(READY, TYPES[n % 2]), (CHAIN_READY, TYPES[1])] for n in range(6)]
    for kind in ("sqlite", "postgresql"):
        burned: list[bool] = []
        while not burned or burned[-1]:                 # until the fuse is longer than the story
            steps = len(burned) + 1
            folder = tmp_path / f"{kind}{steps}"
            folder.mkdir()
            burned.append(check(upgraded_database(request, kind, folder), contents, steps, 4, goes_on))
        assert len(burned) > 15


def test_what_a_cut_claim_may_have_taken_goes_to_the_list_that_asked(request: pytest.FixtureRequest, tmp_path: Any) -> None:
    """Two lists read the table; the first one's claim is cut."""
    for kind in ("sqlite", "postgresql"):
        burned: list[bool] = []
        while not burned or burned[-1]:
            steps = len(burned) + 1
            folder = tmp_path / f"{kind}{steps}"
            folder.mkdir()
            url, fuse = upgraded_database(request, kind, folder), Fuse(steps)
            loaded(url, [[(READY, RecordType.GENERAL)]] * 8)
            store = fragile_store(url, fuse)
            odd, even = (result(store.dialing_filter("Spring", {"criteria": f"record_id % 2 = {rest}"})) for rest in (1, 0))
            fuse.lit, came = True, list[int]()
            try:
                came += claim(store, OURS, 4, "odd", odd)
            except StoreUnavailable:
                assert fuse.left <= 0
            fuse.lit = False
            assert claim(store, OURS, 8, "even", even) == [2, 4, 6, 8]
            assert came + claim(store, OURS, 8, "odd", odd) == [1, 3, 5, 7]
            burned.append(fuse.left <= 0)
            result(store.stop())
        assert len(burned) > 5


@plenty
@given(contents=chains, steps=st.integers(1, 30), limit=st.integers(1, 5), goes_on=st.booleans())
def test_random_lists_survive_a_cut_claim_on_sqlite(request: pytest.FixtureRequest, contents: Any, steps: int, limit: int,
                                                    goes_on: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(upgraded_database(request, "sqlite", tmp_path_factory.mktemp("killed")), contents, steps, limit, goes_on)


@plenty
@given(contents=chains, steps=st.integers(1, 30), limit=st.integers(1, 5), goes_on=st.booleans())
def test_random_lists_survive_a_cut_claim_on_postgresql(postgres_server: PostgresServer, contents: Any, steps: int, limit: int,
                                                        goes_on: bool) -> None:
    check(postgres_server.cleared_database(), contents, steps, limit, goes_on)
