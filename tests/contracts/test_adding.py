"""One more record in a calling list, on every store."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType
from ocs.dialing.values import NewRecord, Record
from ocs.errors import DatabaseAway, NotAdded, StoreUnavailable, UnknownCallingList
from ocs.store.adding import number_alone
from ocs.store.registry import Catalog
from ocs.store.request_log import logged_requests
from tests.contracts.stores import (
    EASTERN,
    LIST,
    PACIFIC,
    Harness,
    all_records,
    claim,
    database_with,
    make,
    record,
    result,
    spooled,
    sql_store,
)
from tests.postgres import upgraded_database

__all__ = ["make"]

PHONE = "+12125550199"


def add(store: Any, **values: Any) -> Record:
    added: Record = result(store.add_record(NewRecord(LIST, **{"phone": PHONE, **values})))
    return added


def test_a_record_is_numbered_on_and_has_what_the_list_says(make: Harness) -> None:
    store = make([record(1), record(7, 3)])
    added = add(store)
    assert added == all_records(store)[8] == Record(8, 4, 1, PHONE, fields={"account": None, "balance": None})
    assert (added.record_type, added.record_status, added.call_result, added.attempt) == (
        RecordType.GENERAL, RecordStatus.READY, CallResult.UNKNOWN, 0)
    assert (added.daily_from, added.daily_till, added.tz_dbid, added.tz_name) == (28_800, 64_800, PACIFIC, "America/Los_Angeles")
    assert [chain.chain_id for chain in claim(store)] == [1, 3, 4]


def test_a_record_has_what_is_asked_for(make: Harness) -> None:
    store = make([record(1, tz_dbid=EASTERN)])
    asked: dict[str, Any] = {
        "phone_type": ContactInfoType.MOBILE, "zone": "EST", "record_type": RecordType.PERSONAL_CALLBACK,
        "call_result": CallResult.BUSY, "attempt": 3, "due": datetime(2026, 3, 11, 10, 30), "call_time": 1_700_000_000,
        "daily_from": 0, "daily_till": 86_340, "agent_id": "1001", "fields": {"account": "N1", "balance": 2.5}}
    added = add(store, **asked)
    assert added == all_records(store)[2]
    assert added.tz_name == "America/New_York" and added.tz_dbid == EASTERN
    assert added.dial_sched_time == 1_773_239_400 and added.contact_info_type is ContactInfoType.MOBILE
    assert (added.agent_id, added.attempt, added.call_time) == ("1001", 3, 1_700_000_000)
    assert added.fields == {"account": "N1", "balance": 2.5}


def test_a_record_joins_a_chain_behind_its_others_and_waits_with_them_for_a_date(make: Harness) -> None:
    store = make([record(1, 1, 1), record(2, 1, 4), record(3, dial_sched_time=1_900_000_000)])
    joined = add(store, chain_id=1)
    assert (joined.chain_id, joined.chain_n, joined.record_status) == (1, 5, RecordStatus.READY)
    assert add(store, chain_id=3).record_status is RecordStatus.CHAIN_READY
    assert add(store, chain_id=3, phone="+12125550198", due=datetime(2026, 3, 11, 10, 30)).record_status is RecordStatus.READY


def test_a_record_may_join_a_chain_that_somebody_holds(make: Harness) -> None:
    store = make([record(1)])
    claim(store)
    added = add(store, chain_id=1)
    assert added.record_status is RecordStatus.READY and claim(store) == []     # the chain is somebody's


def test_a_final_record_may_be_added(make: Harness) -> None:
    assert add(make([]), record_status=RecordStatus.UPDATED).record_status is RecordStatus.UPDATED


@pytest.mark.parametrize("values, attribute", [
    ({"zone": "Mars/Olympus"}, "tz_name"), ({"chain_id": 99}, "chain_id"), ({"daily_from": 70_000}, "daily_until"),
    ({"chain_id": 1, "phone": record(1).contact_info}, "phone")])
def test_what_cannot_be_is_refused_by_name_and_adds_nothing(make: Harness, values: Any, attribute: str) -> None:
    store = make([record(1)])
    with pytest.raises(NotAdded) as refused:
        add(store, **values)
    assert refused.value.attribute == attribute and list(all_records(store)) == [1]


@pytest.mark.parametrize("text, region, phone", [
    ("(212) 555-0199", "US", PHONE), ("1-212-555-0199", "US", PHONE), (" 020 7946 0958 ", "GB", "+442079460958"),
    ("+44 20 7946 0958", "US", "+442079460958"), ("+1 (212) 555-0199", "", PHONE)])
def test_a_number_is_read_as_one_of_the_lists_country(make: Harness, text: str, region: str, phone: str) -> None:
    store = make([record(1)])
    assert add(store, phone=text, phone_region=region).contact_info == all_records(store)[2].contact_info == phone


@pytest.mark.parametrize("text, region, reason", [
    ("2125550199", "", "not \\+ and 7 to 15"), ("+1212555019९", "", "not \\+"), ("555-0199", "US", "too short|area code"),
    ("(012) 555-0199", "US", "not valid"), ("ask Ada", "US", "not a phone number"), ("212 555 0199 x5", "US", "extension"),
    ("+12125550199000", "US", "too long"), (f"{PHONE}\n", "", "not \\+"), ("9" * 65, "US", "too long")])
def test_what_is_no_number_there_adds_nothing(make: Harness, text: str, region: str, reason: str) -> None:
    store = make([record(1)])
    with pytest.raises(NotAdded, match=f"^phone: .*({reason})"):
        add(store, phone=text, phone_region=region)
    assert list(all_records(store)) == [1]


def test_a_number_that_the_chain_has_already_is_found_however_it_is_written(make: Harness) -> None:
    store = make([record(1)])
    with pytest.raises(NotAdded, match="already"):
        add(store, chain_id=1, phone="212-555-0001", phone_region="US")


def test_a_list_that_is_not_there_takes_none(make: Harness) -> None:
    with pytest.raises(UnknownCallingList):
        result(make([]).add_record(NewRecord("nowhere", PHONE)))


def test_nothing_is_added_while_changes_wait_for_the_database(tmp_path: Any) -> None:
    store = spooled([record(1)], tmp_path)
    store._is_away("cut")
    with pytest.raises(DatabaseAway):
        add(store)
    result(store.stop())


def test_a_zone_that_is_new_gets_a_number(make: Harness) -> None:
    store = make([record(1)])
    assert add(store, zone="Europe/Berlin").tz_dbid == add(store, zone="cet").tz_dbid != PACIFIC


def test_the_rows_of_the_log_of_requests_go_with_the_record(tmp_path: Any, request: Any) -> None:
    url = upgraded_database(request, "sqlite", tmp_path)
    database_with(url, [])
    store = sql_store(url)
    asked = LoggedRequest(RequestType.ADD_RECORD, 1.0, "1001", "7001", request_id=5)
    add(store, requests=(asked,))
    with pytest.raises(NotAdded):
        add(store, zone="nowhere", requests=(replace(asked, request_id=6),))
    with transaction(backend_for(url), write=False) as work:
        assert [one.request_id for _, one in logged_requests(work)] == [5]
    result(store.stop())


def test_while_an_import_numbers_records_none_is_added_and_nobody_waits(tmp_path: Any, request: Any) -> None:
    url = upgraded_database(request, "postgresql", tmp_path)
    database_with(url, [record(1)])
    store = sql_store(url)
    with transaction(backend_for(url)) as work:
        assert number_alone(work, Catalog().calling_list(work, LIST))
        with pytest.raises(StoreUnavailable, match="imported"):
            add(store)
    assert add(store).record_id == 2
    result(store.stop())
