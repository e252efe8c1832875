"""Claims through a dialing filter: the same chains, in the same order, from every store."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Chain, ClaimRequest, Owner, Record
from ocs.errors import FilterError, UnknownCallingList
from ocs.store.filters import DialingFilter, filter_of, parse_filter
from ocs.store.loading import insert_records
from ocs.store.memory import MemoryStore
from ocs.store.registry import Catalog, create_list
from ocs.store.rules import may_be_claimed
from tests.contracts.stores import NOON, NOW, ZONES, Harness, result, sql_store
from tests.postgres import PostgresServer, upgraded_database
from tests.store import filter_texts as made

LIST = "Spring offer"
OURS, THEIRS = Owner(1, 10, 100), Owner(1, 10, 101)
READY, RETRIEVED, CHAIN_READY = RecordStatus.READY, RecordStatus.RETRIEVED, RecordStatus.CHAIN_READY
ZONE_NUMBERS = sorted(ZONES)


def record(record_id: int, chain_id: int | None = None, chain_n: int = 1, zone: int = ZONE_NUMBERS[0], points: int | None = None,
           region: str | None = None, **changes: Any) -> Record:
    fields = {**dict.fromkeys((field.name for field in made.FIELDS), None), "points": points, "Region": region}
    return Record(record_id, record_id if chain_id is None else chain_id, chain_n, f"+1212555{record_id:04d}", tz_dbid=zone,
                  tz_name=ZONES[zone], fields=fields, **changes)


def in_memory(records: Iterable[Record]) -> MemoryStore:
    store = MemoryStore()
    store.add_list(LIST, records, made.FIELDS)
    return store


def in_database(url: str, records: Iterable[Record]) -> Any:
    with transaction(backend_for(url)) as work:
        catalog = Catalog()
        for name in ZONES.values():
            catalog.zone_dbid(work, name)
        insert_records(work, create_list(work, catalog, LIST, made.FIELDS), records)
    return sql_store(url)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    stores: list[Any] = []

    def harness(records: Iterable[Record]) -> Any:
        stores.append(in_memory(records) if request.param == "memory"
                      else in_database(upgraded_database(request, request.param, tmp_path), records))
        return stores[-1]

    yield harness
    for store in stores:
        result(store.stop())


def claim(store: Any, criteria: str = "", order_by: str = "", limit: int = 100, owner: Owner = OURS, **more: Any) -> list[int]:
    chosen = result(store.dialing_filter(LIST, {"criteria": criteria, "order_by": order_by}))
    chains: list[Chain] = result(store.claim_chains(ClaimRequest(LIST, owner, limit, NOW, NOON, filter=chosen, **more)))
    return [chain.chain_id for chain in chains]


def test_only_records_that_meet_the_criteria_are_claimed(make: Harness) -> None:
    store = make([record(1, points=3), record(2, points=9), record(3), record(4, points=10, zone=ZONE_NUMBERS[1])])
    assert claim(store, "points > 5") == [2, 4]
    assert claim(store, "points > 5") == []
    assert claim(store, "points IS NULL") == [3]
    assert claim(store) == [1]


def test_a_chain_is_claimed_whole_by_one_record_that_meets_the_criteria(make: Harness) -> None:
    store = make([record(1, 1, 1, points=1), record(2, 1, 2, points=9), record(3, 1, 3, record_status=CHAIN_READY),
                  record(4, 4, 1, points=9, record_status=CHAIN_READY), record(5, 4, 2, points=1),
                  record(6, 6, 1, points=9, dial_sched_time=NOW + 60), record(7, 6, 2, points=1)])
    assert claim(store, "points > 5") == [1]
    assert result(store.counts(LIST)) == {RETRIEVED: 3, READY: 3, CHAIN_READY: 1}


@pytest.mark.parametrize("order_by, expected", [
    ("points", [2, 5, 4, 1, 3]), ("points DESC", [4, 1, 2, 5, 3]), ("points NULLS FIRST", [3, 2, 5, 4, 1]),
    ("region DESC, points DESC", [1, 2, 5, 4, 3]), ("record_id DESC", [5, 4, 3, 2, 1]), ("lower(region)", [4, 2, 5, 1, 3]),
])
def test_the_order_goes_before_the_due_time(make: Harness, order_by: str, expected: list[int]) -> None:
    records = [record(1, points=9, region="b", dial_sched_time=NOW), record(2, points=-5, region="b"),
               record(3, dial_sched_time=NOW - 9), record(4, points=9, region="A", zone=ZONE_NUMBERS[1]),
               record(5, points=-5, region="b", dial_sched_time=NOW - 50, zone=ZONE_NUMBERS[2])]
    assert claim(make(records), "", order_by) == expected


def test_types_still_come_before_the_order(make: Harness) -> None:
    rescheduled = RecordType.CAMPAIGN_RESCHEDULED
    store = make([record(1, points=9), record(2, points=1, record_type=rescheduled),
                  record(3, points=2, record_type=rescheduled)])
    assert claim(store, "", "points DESC") == [3, 2, 1]


def test_a_chain_stands_where_its_first_record_in_the_order_stands(make: Harness) -> None:
    store = make([record(1, 1, 1, points=1), record(2, 1, 2, points=8), record(3, 3, 1, points=5), record(4, 4, 1, points=9),
                  record(5, 4, 2, points=0)])
    assert claim(store, "", "points DESC") == [4, 1, 3]


@pytest.mark.parametrize("order_by", ["points", "points DESC, region"])
def test_the_order_holds_over_many_claims_zones_and_owners(make: Harness, order_by: str) -> None:
    """More than a page of one zone, chains of many records, others that hold some."""
    records = [record(n, (n + 19) // 20, n % 20, points=n // 20, zone=ZONE_NUMBERS[0]) for n in range(1, 201)]
    records += [record(n, points=n % 7, region="xy"[n % 2], zone=ZONE_NUMBERS[1 + n % 2]) for n in range(300, 340)]
    store, plain = make(records), Plain(records)
    for limit, owner in ((3, OURS), (7, THEIRS), (1, OURS), (16, OURS), (2, THEIRS), (50, OURS), (5, THEIRS)):
        expected = plain.claim(limit, parse_filter("", order_by, made.FIELDS))
        assert claim(store, "", order_by, limit, owner) == expected


def test_criteria_and_order_go_together_with_agents(make: Harness) -> None:
    callback = RecordType.PERSONAL_CALLBACK
    store = make(record(number, points=points, agent_id=agent_id, record_type=callback) for number, points, agent_id in (
        (1, 1, "1001"), (2, 7, "1002"), (3, 8, "1001"), (4, 9, None)))
    assert claim(store, "points > 0", "points DESC", types=(callback,), agent_ids=("1001",)) == [3, 1]
    assert claim(store, "points < 9", "", types=(callback,), without_agents=("1001",)) == [2]


def test_what_a_list_has_not_is_named_with_its_place(make: Harness) -> None:
    store = make([])
    with pytest.raises(FilterError, match="criteria2, line 1, column 5: no column 'colour' in this calling list"):
        result(store.dialing_filter(LIST, {"criteria": "points > 1", "criteria1": "AND attempt < 3",
                                           "criteria2": "AND colour = 1"}))
    with pytest.raises(UnknownCallingList, match="Winter"):
        result(store.dialing_filter("Winter", {}))


def test_a_filter_of_somebody_else_is_no_filter() -> None:
    with pytest.raises(TypeError, match="not a filter"):
        filter_of(ClaimRequest(LIST, OURS, 1, NOW, NOON, filter="points > 1"))       # type: ignore[arg-type]


class Plain:
    """A filtered claim in the plainest words: look at every record each time."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = list(records)

    def claim(self, limit: int, chosen: DialingFilter, **more: Any) -> list[int]:
        found: list[int] = []
        request = ClaimRequest(LIST, OURS, limit, NOW, NOON, filter=chosen, **more)
        held = {one.chain_id for one in self.records if one.record_status is RETRIEVED}
        for record_type in request.types:
            good = [one for one in self.records if may_be_claimed(one, request, record_type) and one.chain_id not in held]
            good.sort(key=lambda one: (chosen.sort_key(one), one.dial_sched_time or 0, one.chain_id))
            found += [one.chain_id for one in good]
        taken = list(dict.fromkeys(found))[:limit]
        self.records = [replace(one, record_status=RETRIEVED) if one.chain_id in taken and one.record_status.open else one
                        for one in self.records]
        return taken


# -- random filters, records and claims -----------------------------------------------------------------------------
@st.composite
def lists(draw: st.DrawFn) -> list[Record]:
    records = []
    for number, one in enumerate(draw(made.records(8)), 1):
        zone = draw(st.sampled_from(ZONE_NUMBERS))
        records.append(replace(
            one, record_id=number, chain_id=draw(st.integers(1, 4)), chain_n=number, tz_dbid=zone, tz_name=ZONES[zone],
            record_type=draw(st.sampled_from([RecordType.GENERAL, RecordType.CAMPAIGN_CALLBACK])),
            record_status=draw(st.sampled_from([READY, READY, READY, CHAIN_READY, RecordStatus.UPDATED])),
            dial_sched_time=draw(st.sampled_from([None, 0, NOW, NOW - 5, NOW + 5]))))
    return records


texts = st.tuples(st.just("") | made.criteria(), st.just("") | made.orders())
claims = st.lists(st.tuples(st.integers(0, 4), texts), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=lists(), steps=claims)
def test_random_filters_claim_the_same_from_memory_and_sqlite(request: pytest.FixtureRequest, records: list[Record], steps: Any,
                                                              tmp_path_factory: pytest.TempPathFactory) -> None:
    compare(upgraded_database(request, "sqlite", tmp_path_factory.mktemp("store")), records, steps)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=lists(), steps=claims)
def test_random_filters_claim_the_same_from_memory_and_postgresql(postgres_server: PostgresServer, records: list[Record],
                                                                  steps: Any) -> None:
    compare(postgres_server.cleared_database(), records, steps)


def compare(url: str, records: list[Record], steps: Any) -> None:
    plain, stores = Plain(records), [in_memory(records), in_database(url, records)]
    try:
        for limit, (criteria, order_by) in steps:
            expected = plain.claim(limit, parse_filter(criteria, order_by, made.FIELDS))
            assert [claim(store, criteria, order_by, limit) for store in stores] == [expected, expected]
    finally:
        for store in stores:
            result(store.stop())
