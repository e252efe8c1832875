"""Claims and saves in any order: two stores on one database, and a plain model beside it."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Chain, ChainSave, ClaimRequest, Record
from tests.contracts.stores import (
    CHAIN_READY,
    LIST,
    NOW,
    OURS,
    READY,
    RETRIEVED,
    THEIRS,
    ZONES,
    all_records,
    claim,
    database_with,
    ids,
    in_memory,
    record,
    result,
    sql_store,
)
from tests.postgres import PostgresServer, upgraded_database


def test_two_stores_on_one_database_never_claim_the_same_chain(database: str) -> None:
    url = database
    database_with(url, (record(n, (n + 2) // 3, n % 3) for n in range(1, 301)))
    stores = [sql_store(url), sql_store(url)]
    claimed: list[int] = []
    for turn in range(40):
        claimed += ids(claim(stores[turn % 2], 3 + turn % 4, (OURS, THEIRS)[turn % 2]))
    assert sorted(claimed) == list(range(1, 101))
    for store in stores:
        result(store.stop())


class Model:
    """The rules of the claim in the plainest words: look at every record each time."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = {one.record_id: one for one in records}

    def chain(self, chain_id: int) -> Chain:
        members = [one for one in self.records.values() if one.chain_id == chain_id]
        return Chain(LIST, chain_id, tuple(sorted(members, key=lambda one: one.chain_n)))

    def claim(self, request: ClaimRequest) -> list[Chain]:
        found: list[int] = []
        for record_type in request.types:
            keys = []
            for one in self.records.values():
                local = request.local_times.get(one.tz_dbid)
                till = 100_000 if one.daily_till >= 86_340 else one.daily_till
                if (one.record_status is READY and one.record_type is record_type and local is not None
                        and one.daily_from < one.daily_till and one.daily_from <= local < till
                        and (one.dial_sched_time or 0) <= request.now
                        and not any(r.record_status is RETRIEVED for r in self.chain(one.chain_id).records)):
                    keys.append((one.dial_sched_time or 0, one.chain_id))
            found += dict.fromkeys(chain_id for _, chain_id in sorted(keys) if chain_id not in found)
        for chain_id in found[:request.limit]:
            for one in self.chain(chain_id).records:
                if one.record_status in (READY, CHAIN_READY):
                    self.records[one.record_id] = replace(one, record_status=RETRIEVED)
        return [self.chain(chain_id) for chain_id in found[:request.limit]]


TYPES = (RecordType.CAMPAIGN_CALLBACK, RecordType.CAMPAIGN_RESCHEDULED, RecordType.GENERAL)
dues = st.sampled_from([None, NOW - 60, NOW, NOW + 60])
traits = st.fixed_dictionaries({
    "record_type": st.sampled_from(TYPES), "dial_sched_time": dues, "tz_dbid": st.sampled_from(sorted(ZONES)),
    "record_status": st.sampled_from([READY, READY, CHAIN_READY, RecordStatus.UPDATED]),
    "daily_from": st.sampled_from([0, 28_800, 64_800]), "daily_till": st.sampled_from([28_800, 64_800, 86_400])})
lists = st.lists(st.tuples(st.integers(1, 6), traits), max_size=14)
local_times = st.dictionaries(st.sampled_from(sorted(ZONES)), st.sampled_from([10, 30_000, 70_000]))
claims = st.tuples(st.integers(0, 5), st.integers(NOW - 61, NOW + 61), local_times, st.permutations(TYPES))
saves = st.tuples(st.integers(0, 20), traits)


as_in_the_model = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
some_steps = st.lists(st.one_of(claims, saves), max_size=8)


@as_in_the_model
@given(rows=lists, steps=some_steps)
def test_random_claims_and_saves_go_as_in_the_plain_model_on_sqlite(request: pytest.FixtureRequest, rows: Any, steps: Any,
                                                                    tmp_path_factory: pytest.TempPathFactory) -> None:
    compare_with_model(upgraded_database(request, "sqlite", tmp_path_factory.mktemp("store")), rows, steps)


@as_in_the_model
@given(rows=lists, steps=some_steps)
def test_random_claims_and_saves_go_as_in_the_plain_model_on_postgresql(postgres_server: PostgresServer, rows: Any,
                                                                        steps: Any) -> None:
    compare_with_model(postgres_server.cleared_database(), rows, steps)


def compare_with_model(url: str, rows: Any, steps: Any) -> None:
    records = [record(n, chain_id, n, **changes) for n, (chain_id, changes) in enumerate(rows, 1)]
    database_with(url, records)
    model, stores = Model(records), [in_memory(records), sql_store(url)]
    for step in steps:
        if len(step) == 4:
            limit, now, times, types = step
            request = ClaimRequest(LIST, OURS, limit, now, times, tuple(types))
            expected = model.claim(request)
            assert [result(store.claim_chains(request)) for store in stores] == [expected, expected]
        elif records:
            one = replace(model.records[1 + step[0] % len(records)], **step[1], tz_name=ZONES[step[1]["tz_dbid"]])
            model.records[one.record_id] = one
            for store in stores:
                result(store.save(ChainSave(LIST, (one,))))
    assert [all_records(store) for store in stores] == [model.records, model.records]
    for store in stores:
        result(store.stop())
