"""Several calling lists on one table: each with its own filter, all over the same records. On every store."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from ocs.database.backend import transaction
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, Chain, ChainSave, ClaimRequest
from ocs.errors import DatabaseAway
from ocs.store.attempts import attempts_of
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.memory import MemoryStore
from ocs.store.spooled import SpooledStore
from tests.contracts.stores import (
    LIST,
    NOON,
    NOW,
    OURS,
    READY,
    RETRIEVED,
    THEIRS,
    Harness,
    database_with,
    ids,
    in_memory,
    make,
    record,
    result,
    sql_store,
)
from tests.postgres import PostgresServer, upgraded_database
from tests.store.threads import InlineReactor, InlineThreads

__all__ = ["make"]

_FILTERS = {"low": {"criteria": "record_id <= 6"}, "high": {"criteria": "record_id > 3", "order_by": "record_id DESC"}, "all": {}}


def claim(store: Any, calling_list: str, limit: int = 100, owner: Any = OURS) -> list[Chain]:
    chosen = result(store.dialing_filter(LIST, _FILTERS[calling_list])) if _FILTERS[calling_list] else None
    chains: list[Chain] = result(store.claim_chains(
        ClaimRequest(LIST, owner, limit, NOW, NOON, filter=chosen, calling_list=calling_list)))
    return chains


def attempt(guid: str, calling_list: str, number: int, **changes: Any) -> Attempt:
    return Attempt(guid, calling_list, number, number, 1, f"+1212555{number:04d}", 1, "Spring", "East", "session", float(NOW),
                   table=LIST, **changes)


def kept_attempts(store: Any) -> dict[str, Attempt]:
    inner = store._store if isinstance(store, SpooledStore) else store
    if isinstance(inner, MemoryStore):
        return inner.attempts
    with transaction(inner.backend, write=False) as work:
        return {one.guid: one for one in attempts_of(work, LIST)}


def test_lists_whose_filters_overlap_share_the_records_of_a_table(make: Harness) -> None:
    store = make(record(number) for number in range(1, 10))
    assert ids(claim(store, "low", 5)) == [1, 2, 3, 4, 5]
    assert ids(claim(store, "high", owner=THEIRS)) == [9, 8, 7, 6]
    assert ids(claim(store, "low")) == ids(claim(store, "all")) == []
    assert result(store.counts(LIST)) == {RETRIEVED: 9}


def test_what_one_list_gives_back_another_one_may_take(make: Harness) -> None:
    store = make(record(number) for number in range(1, 10))
    claim(store, "low")
    result(store.save(ChainSave(LIST, (record(5, record_status=READY),))))
    assert ids(claim(store, "high", owner=THEIRS)) == [9, 8, 7, 5]


def test_an_attempt_names_its_list_and_is_found_by_its_table(make: Harness) -> None:
    store = make(record(number) for number in range(1, 10))
    claim(store, "low")
    one, other = attempt("a", "low", 1), attempt("b", "all", 2)
    result(store.open_attempts([one]))
    result(store.save(ChainSave(LIST, (), (other,))))
    own = Attempt("c", LIST, 3, 3, 1, "+12125550003", 1, "Spring", "East", "session", float(NOW))
    result(store.open_attempts([own]))
    assert kept_attempts(store) == {"a": one, "b": other, "c": own}
    assert own.table == "" and own.on_table == LIST


def test_recovery_takes_the_table_whole_for_whichever_list_it_was_claimed(make: Harness) -> None:
    store = make(record(number) for number in range(1, 10))
    claim(store, "low", 3)
    claim(store, "high", 3)
    claim(store, "all", 1, THEIRS)
    opened = [attempt("a", "low", 1), attempt("b", "high", 9), attempt("c", "all", 2)]
    result(store.open_attempts(opened))
    result(store.save(ChainSave(LIST, (record(2, record_status=RecordStatus.UPDATED, call_result=CallResult.ANSWER),))))
    left = result(store.recover(OURS, LIST))
    assert [(one.attempt.calling_list, one.chain.chain_id, one.attempt) for one in left] == [
        ("low", 1, opened[0]), ("high", 9, opened[1])]
    assert kept_attempts(store)["c"] == replace(opened[2], state=AttemptState.UNKNOWN)      # settled, its end not seen
    assert result(store.counts(LIST)) == {RETRIEVED: 3, RecordStatus.UPDATED: 1, READY: 5}


def test_attempts_of_another_table_are_nobodys_here(make: Harness) -> None:
    store = make(record(number) for number in range(1, 4))
    claim(store, "all", 1)
    result(store.open_attempts([replace(attempt("a", LIST, 1), table="Another one")]))
    assert result(store.recover(OURS, LIST)) == [] and result(store.counts(LIST)) == {READY: 3}


some_examples = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
some_claims = st.lists(st.tuples(st.sampled_from(list(_FILTERS)), st.integers(1, 4), st.sampled_from([OURS, THEIRS])), max_size=8)
_FITS: dict[str, Callable[[int], bool]] = {
    "low": lambda number: number <= 6, "high": lambda number: number > 3, "all": lambda number: True}


@some_examples
@given(claims=some_claims)
def test_no_record_is_claimed_twice_whichever_lists_ask_on_sqlite(request: pytest.FixtureRequest, claims: Any,
                                                                  tmp_path_factory: pytest.TempPathFactory) -> None:
    claim_in_turns(upgraded_database(request, "sqlite", tmp_path_factory.mktemp("shared")), claims)


@some_examples
@given(claims=some_claims)
def test_no_record_is_claimed_twice_whichever_lists_ask_on_postgresql(postgres_server: PostgresServer, claims: Any) -> None:
    claim_in_turns(postgres_server.cleared_database(), claims)


def claim_in_turns(url: str, claims: Any) -> None:
    records = [record(number) for number in range(1, 10)]
    database_with(url, records)
    for store in (in_memory(records), sql_store(url)):
        free = set(range(1, 10))
        for calling_list, limit, owner in claims:
            came = ids(claim(store, calling_list, limit, owner))
            assert came == sorted(filter(_FITS[calling_list], free), reverse=calling_list == "high")[:limit]
            free -= set(came)
        result(store.stop())


def test_attempts_on_their_way_to_the_disk_keep_their_table(tmp_path: Any) -> None:
    memory, clock = MemoryStore(), Clock()
    memory.add_list(LIST, [record(1)])
    spool = ChangeSpool(ChangeSpoolOptions(file=tmp_path / "spool.db"), InlineReactor(), InlineThreads)
    store = SpooledStore(memory, spool, clock, clock.seconds, 1)
    result(store.start())
    memory.available = False
    result(store.open_attempts([attempt("a", "low", 1)]))
    with pytest.raises(DatabaseAway):
        claim(store, "all")
    memory.available = True
    clock.pump([0.5] * 20)
    assert memory.attempts == {"a": attempt("a", "low", 1)}
    result(store.stop())
