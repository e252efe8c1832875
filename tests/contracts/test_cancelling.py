"""Records that nobody holds, cancelled by phone or by a custom field. On every store."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import CancelRequest, ChainSave, CustomField, Record
from ocs.errors import DatabaseAway, UnknownCallingList
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.spooled import SpooledStore
from tests.contracts.stores import (
    CHAIN_READY,
    LIST,
    READY,
    RETRIEVED,
    Harness,
    claim,
    database_with,
    in_memory,
    make,
    record,
    result,
    sql_store,
)
from tests.postgres import PostgresServer, upgraded_database

__all__ = ["make"]

CANCELLED, UPDATED = RecordStatus.CANCELLED, RecordStatus.UPDATED


def cancel(store: Any, phone: str = "", **more: Any) -> int:
    count: int = result(store.cancel_records(CancelRequest(LIST, phone, **more)))
    return count


def statuses(store: Any) -> dict[int, RecordStatus]:
    return {one.record_id: one.record_status for one in result(store.records(LIST, 100))}


def test_records_with_the_number_are_cancelled_and_their_siblings_may_be_dialed(make: Harness) -> None:
    store = make([record(1, 1), record(2, 1, 2), record(3), replace(record(4), contact_info=record(1).contact_info)])
    assert cancel(store, record(1).contact_info) == 2
    assert statuses(store) == {1: CANCELLED, 2: READY, 3: READY, 4: CANCELLED}
    cancelled = {one.record_id: one for one in result(store.records(LIST, 9))}[1]
    assert cancelled.call_result is CallResult.CANCEL_RECORD and cancelled.fields == record(1).fields
    assert cancel(store, record(1).contact_info) == cancel(store, "+19995550000") == 0


def test_the_whole_chain_where_that_is_asked_for(make: Harness) -> None:
    done = record(3, 1, 3, record_status=UPDATED, call_result=CallResult.BUSY)
    store = make([record(1, 1), record(2, 1, 2), done, record(4)])
    assert cancel(store, record(2, 1, 2).contact_info, whole_chain=True) == 2
    assert statuses(store) == {1: CANCELLED, 2: CANCELLED, 3: UPDATED, 4: READY}
    assert cancel(store, done.contact_info, whole_chain=True) == 0, "a record that is final means nothing any more"


def test_a_date_goes_with_its_record_and_the_siblings_are_anybodys(make: Harness) -> None:
    store = make([record(1, 1, dial_sched_time=1_900_000_000), record(2, 1, 2, record_status=CHAIN_READY)])
    assert cancel(store, record(1).contact_info) == 1
    left = {one.record_id: one for one in result(store.records(LIST, 9))}
    assert left[1].dial_sched_time is None and statuses(store) == {1: CANCELLED, 2: READY}
    assert [chain.chain_id for chain in claim(store)] == [1]


def test_what_somebody_holds_is_left_to_whoever_holds_it(make: Harness) -> None:
    store = make([record(1, 1), record(2, 1, 2), record(3)])
    claim(store, 1)
    assert cancel(store, record(1).contact_info) == 0 and statuses(store) == {1: RETRIEVED, 2: RETRIEVED, 3: READY}


@pytest.mark.parametrize("field, text, count", [
    ("account", "A2", 1), ("account", "a2", 0), ("account", "A2 ", 0), ("", "A2", 0), ("nowhere", "A2", 0),
    ("balance", "1.5", 0)])
def test_by_a_custom_field_of_text(make: Harness, field: str, text: str, count: int) -> None:
    store = make([record(1), record(2), replace(record(3), fields={"account": None, "balance": None})])
    assert cancel(store, field=field, text=text) == count


@pytest.mark.parametrize("text, count", [("-5", 1), ("7", 1), ("--5", 0), ("-", 0), ("07", 0), ("9" * 5_000, 0), (str(2**63), 0),
                                         ("\u0667", 0), ("", 0)])
def test_by_a_custom_field_of_integers_as_they_are_written(database: str, text: str, count: int) -> None:
    records = [record(1), record(2), record(3)]
    records = [replace(one, fields={"member": number}) for one, number in zip(records, (-5, 7, None))]
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        zones = {one.tz_dbid: catalog.zone_dbid(work, one.tz_name) for one in records}
        table = create_list(work, catalog, LIST, (CustomField("member", "int"),))
        insert_records(work, table, [replace(one, tz_dbid=zones[one.tz_dbid]) for one in records])
    store = sql_store(database)
    assert cancel(store, field="member", text=text) == count
    assert sum(CancelRequest(LIST, field="member", text=text).meant(one) for one in records) == count
    store.stop()


def test_a_list_that_is_not_there_and_a_database_that_is_away(make: Harness) -> None:
    store = make([record(1)])
    with pytest.raises(UnknownCallingList):
        result(store.cancel_records(CancelRequest("Winter", "+12125550001")))
    if isinstance(store, SpooledStore):
        store._store.available = False
        result(store.save(ChainSave(LIST, (record(1),))))
        with pytest.raises(DatabaseAway):
            cancel(store, record(1).contact_info)


PHONES = ("+12125550001", "+12125550002", "+12125550003")
some_records = st.lists(st.tuples(
    st.integers(1, 4), st.sampled_from(PHONES), st.sampled_from([READY, READY, CHAIN_READY, UPDATED]),
    st.sampled_from([None, 1_900_000_000])), max_size=9)
some_steps = st.lists(st.one_of(st.integers(1, 3), st.tuples(st.sampled_from(PHONES), st.booleans())), max_size=5)
as_in_memory = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@as_in_memory
@given(rows=some_records, steps=some_steps)
def test_cancelling_beside_claims_goes_as_in_memory_on_sqlite(request: pytest.FixtureRequest, rows: Any, steps: Any,
                                                              tmp_path_factory: pytest.TempPathFactory) -> None:
    compare(upgraded_database(request, "sqlite", tmp_path_factory.mktemp("cancelling")), rows, steps)


@as_in_memory
@given(rows=some_records, steps=some_steps)
def test_cancelling_beside_claims_goes_as_in_memory_on_postgresql(postgres_server: PostgresServer, rows: Any, steps: Any) -> None:
    compare(postgres_server.cleared_database(), rows, steps)


def compare(url: str, rows: Any, steps: Any) -> None:
    records = [replace(record(number, chain_id, number), contact_info=phone, record_status=status, dial_sched_time=due)
               for number, (chain_id, phone, status, due) in enumerate(rows, 1)]
    database_with(url, records)
    stores = [in_memory(records), sql_store(url)]
    for step in steps:
        if isinstance(step, int):
            assert [claim(stores[0], step)] == [claim(stores[1], step)]
        else:
            phone, whole_chain = step
            expected = sum(one.contact_info == phone and one.record_status in (READY, CHAIN_READY) and free(stores[0], one)
                           for one in result(stores[0].records(LIST, 99)))
            counts = {cancel(store, phone, whole_chain=whole_chain) for store in stores}
            assert len(counts) == 1 and (counts.pop() >= expected if whole_chain else counts.pop() == expected)
    assert result(stores[0].records(LIST, 99)) == result(stores[1].records(LIST, 99))
    for store in stores:
        result(store.stop())


def free(store: Any, one: Record) -> bool:
    return all(other.record_status is not RETRIEVED for other in result(store.records(LIST, 99))
               if other.chain_id == one.chain_id)
