"""What every store keeps: lists, saves, attempts, recovery, the do-not-call list; on each kind of store."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import AttemptState, Chain, ChainSave, ClaimRequest, DoNotCallEntry, Owner
from ocs.errors import StoreUnavailable, UnknownCallingList
from ocs.interfaces import IStore
from tests.contracts.stores import (
    CENTRAL,
    CHAIN_READY,
    EASTERN,
    FIELDS,
    LIST,
    NOON,
    NOW,
    OURS,
    PACIFIC,
    READY,
    RETRIEVED,
    THEIRS,
    ZONES,
    Harness,
    all_records,
    attempt,
    attempts_in,
    claim,
    ids,
    logged,
    make,
    record,
    result,
)

__all__ = ["make"]


def test_a_store_provides_the_interface(make: Harness) -> None:
    assert verifyObject(IStore, make([]))


def test_the_registry_gives_the_lists_with_their_custom_fields(make: Harness) -> None:
    assert result(make([]).calling_lists()) == {LIST: FIELDS}


def test_the_zones_of_a_list_are_those_of_its_records(make: Harness) -> None:
    store = make([record(1), record(2, tz_dbid=EASTERN), record(3, tz_dbid=EASTERN)])
    assert result(store.zones(LIST)) == {PACIFIC: "America/Los_Angeles", EASTERN: "America/New_York"}


def test_records_come_back_as_they_were_put_in(make: Harness) -> None:
    one = record(7, 3, 2, record_type=RecordType.PERSONAL_CALLBACK, call_result=CallResult.BUSY, attempt=4,
                 call_time=NOW, dial_sched_time=NOW + 60, daily_from=0, daily_till=86_400, tz_dbid=CENTRAL, agent_id="1001",
                 treatments="12@1@2@1")
    store = make([one, record(8, 3, 1)])
    assert result(store.records(LIST, 10)) == [record(8, 3, 1), one]
    assert result(store.records(LIST, 1, 1)) == [one]


def test_saved_records_are_written_and_can_be_claimed_again(make: Harness) -> None:
    store = make([record(1, 1, 1), record(2, 1, 2)])
    (chain,) = claim(store)
    head = replace(chain.records[0], record_status=READY, record_type=RecordType.CAMPAIGN_RESCHEDULED,
                   contact_info="+12125559999", call_result=CallResult.BUSY, attempt=1, dial_sched_time=NOW - 1,
                   call_time=NOW, daily_from=0, daily_till=86_400, tz_dbid=CENTRAL, tz_name=ZONES[CENTRAL],
                   agent_id="1001", treatments="1@1@1@1", fields={"account": "B", "balance": None})
    sibling = replace(chain.records[1], record_status=CHAIN_READY)
    result(store.save(ChainSave(LIST, (head, sibling))))
    assert all_records(store) == {1: head, 2: sibling}
    assert claim(store, local_times={CENTRAL: 0}) == [
        Chain(LIST, 1, (replace(head, record_status=RETRIEVED), replace(sibling, record_status=RETRIEVED)))]


def test_a_save_leaves_fields_alone_that_the_record_does_not_bring(make: Harness) -> None:
    store = make([record(1)])
    result(store.save(ChainSave(LIST, (replace(record(1), fields={"balance": 2.0, "colour": "red"}),))))
    assert all_records(store)[1].fields == {"account": "A1", "balance": 2.0}


def test_a_save_of_a_record_that_is_not_there_writes_nothing(make: Harness) -> None:
    store = make([record(1)])
    change = ChainSave(LIST, (replace(record(1), attempt=9), record(2)), (attempt("g", record(1)),),
                       (DoNotCallEntry("+12125550001"),))
    with pytest.raises(StoreUnavailable, match="record 2"):
        result(store.save(change))
    assert all_records(store) == {1: record(1)}
    assert result(store.do_not_call()) == []


def test_requests_are_written_with_what_they_changed_or_not_at_all(make: Harness) -> None:
    store = make([record(1)])
    cancel, refused = (LoggedRequest(RequestType.RECORD_CANCEL, float(n), "1001", "7001", n) for n in (1, 2))
    change = ChainSave(LIST, (replace(record(1), attempt=9),), requests=(cancel,))
    with pytest.raises(StoreUnavailable):
        result(store.save(replace(change, records=(*change.records, record(2)))))
    assert logged(store) == []
    result(store.save(change))
    result(store.save(change))              # repeated: the answer was lost
    result(store.save(ChainSave("", requests=(refused,))))
    assert logged(store) == [cancel, refused] and all_records(store)[1].attempt == 9
    with pytest.raises(UnknownCallingList):
        result(store.save(ChainSave("", (record(1),))))


def test_attempts_are_opened_once_and_closed_by_a_save(make: Harness) -> None:
    store = make([record(1), record(2)])
    claim(store)
    result(store.open_attempts([attempt("g1", record(1)), attempt("g2", record(2))]))
    with pytest.raises(StoreUnavailable):
        result(store.open_attempts([attempt("g3", record(1)), attempt("g2", record(2))]))
    closed = attempt("g1", record(1), state=AttemptState.CLOSED, call_result=CallResult.ANSWER, conn_id="7")
    new = attempt("g4", record(1), state=AttemptState.NOT_DIALED)
    result(store.save(ChainSave(LIST, attempts=(closed, new))))
    result(store.save(ChainSave(LIST, attempts=(replace(closed, treatment="redial"),))))
    (recovered,) = result(store.recover(OURS, LIST))
    assert recovered.attempt == attempt("g2", record(2))


def test_recovery_gives_back_what_was_not_dialed_and_tells_what_was(make: Harness) -> None:
    due = NOW - 5
    store = make([record(1), record(2, 2, 1), record(3, 2, 2), record(4, 4, 1, dial_sched_time=due, tz_dbid=EASTERN,
                  record_type=RecordType.CAMPAIGN_RESCHEDULED), record(5, 4, 2, record_status=CHAIN_READY),
                  record(6, 4, 3, record_status=RecordStatus.UPDATED), record(7)])
    claim(store, 3)
    claim(store, owner=THEIRS)
    result(store.open_attempts([attempt("g1", record(2, 2, 1))]))
    (recovered,) = result(store.recover(OURS, LIST))
    assert recovered.attempt == attempt("g1", record(2, 2, 1))
    assert [one.record_status for one in recovered.chain.records] == [RETRIEVED, RETRIEVED]
    statuses = {record_id: one.record_status for record_id, one in all_records(store).items()}
    assert statuses == {1: READY, 2: RETRIEVED, 3: RETRIEVED, 4: READY, 5: CHAIN_READY, 6: RecordStatus.UPDATED,
                        7: RETRIEVED}
    assert result(store.recover(Owner(2, 10, 100), LIST)) == []
    assert ids(claim(store)) == [4, 1]


def test_recovery_closes_attempts_whose_record_was_settled_before_the_calls_end(make: Harness) -> None:
    store = make([record(1), record(2), record(3), record(4, 4, 1), record(5, 4, 2)])
    claim(store, 2)
    claim(store, 1, THEIRS)
    claim(store, 1)
    opened = {n: attempt(f"g{n}", record(n)) for n in (1, 2, 3)}
    opened[4] = attempt("g4", record(4, 4, 1))
    result(store.open_attempts(list(opened.values())))
    settled = replace(opened[1], call_result=CallResult.ANSWER, conn_id="7")
    result(store.save(ChainSave(LIST, (replace(record(1), record_status=RecordStatus.UPDATED),), (settled,))))
    result(store.save(ChainSave(LIST, (replace(record(3), record_status=RecordStatus.UPDATED),))))
    cancelled = replace(record(4, 4, 1), record_status=RecordStatus.CANCELLED)
    result(store.save(ChainSave(LIST, (cancelled, replace(record(5, 4, 2), record_status=RETRIEVED)))))
    (recovered,) = result(store.recover(OURS, LIST))
    assert (recovered.chain.chain_id, recovered.attempt) == (2, opened[2])
    assert all_records(store)[5].record_status is READY             # its chain was held by us, and nobody calls it
    unknown = AttemptState.UNKNOWN
    assert attempts_in(store) == [replace(settled, state=unknown), opened[2], opened[3], replace(opened[4], state=unknown)]
    result(store.recover(THEIRS, LIST))
    assert attempts_in(store)[2] == replace(opened[3], state=unknown)


def test_the_do_not_call_list_keeps_the_first_of_equal_entries(make: Harness) -> None:
    store = make([record(1)])
    phone = DoNotCallEntry("+12125550001", message="asked", internal=True, time_stamp=NOW)
    customer = DoNotCallEntry(customer_id="C7", campaign="Spring", time_stamp=NOW)
    result(store.save(ChainSave(LIST, do_not_call=(phone, customer))))
    scoped = replace(phone, campaign="Spring")
    result(store.save(ChainSave(LIST, do_not_call=(replace(phone, message="again"), scoped))))
    assert sorted(result(store.do_not_call()), key=str) == sorted([phone, customer, scoped], key=str)


@pytest.mark.parametrize("ask", [
    lambda store: store.zones("Winter"), lambda store: store.counts("Winter"), lambda store: store.records("Winter", 1),
    lambda store: store.claim_chains(ClaimRequest("Winter", OURS, 1, NOW, NOON)),
    lambda store: store.recover(OURS, "Winter"), lambda store: store.save(ChainSave("Winter")),
])
def test_a_list_that_is_not_there_is_named(make: Harness, ask: Callable[[Any], Deferred[Any]]) -> None:
    with pytest.raises(UnknownCallingList, match="Winter"):
        result(ask(make([])))
