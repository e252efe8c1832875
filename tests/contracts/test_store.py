"""What every store keeps: one suite on the store in memory and on the one on SQL, on SQLite and PostgreSQL."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ocs.database.backend import backend_for, transaction
from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import (
    Attempt,
    AttemptState,
    Chain,
    ChainSave,
    ClaimRequest,
    CustomField,
    DoNotCallEntry,
    Owner,
    Record,
)
from ocs.errors import StoreUnavailable, UnknownCallingList
from ocs.interfaces import IStore
from ocs.store.attempts import attempts_of
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.loading import insert_records
from ocs.store.memory import MemoryStore
from ocs.store.registry import Catalog, create_list
from ocs.store.request_log import logged_requests
from ocs.store.spooled import SpooledStore
from ocs.store.sql import SqlStore
from tests.postgres import PostgresServer, upgraded_database
from tests.store.threads import InlineReactor, InlineThreads

PACIFIC, EASTERN, CENTRAL = 122, 123, 124
ZONES = {PACIFIC: "America/Los_Angeles", EASTERN: "America/New_York", CENTRAL: "America/Chicago"}
NOON = dict.fromkeys(ZONES, 43_200)
NOW = 1_767_600_000
OURS, THEIRS = Owner(1, 10, 100), Owner(1, 10, 101)
LIST = "Spring offer"
FIELDS = (CustomField("account", send_attribute="account"), CustomField("balance", "float"))
RETRIEVED, READY, CHAIN_READY = RecordStatus.RETRIEVED, RecordStatus.READY, RecordStatus.CHAIN_READY


def record(record_id: int, chain_id: int | None = None, chain_n: int = 1, **changes: Any) -> Record:
    changes.setdefault("tz_dbid", PACIFIC)
    return Record(record_id, record_id if chain_id is None else chain_id, chain_n, f"+1212555{record_id:04d}",
                  tz_name=ZONES[changes["tz_dbid"]], fields={"account": f"A{record_id}", "balance": 1.5}, **changes)


class Harness(Protocol):
    def __call__(self, records: Iterable[Record]) -> Any:
        """A started store that has the records in LIST."""


def in_memory(records: Iterable[Record]) -> MemoryStore:
    store = MemoryStore()
    store.add_list(LIST, records, FIELDS)
    assert result(store.start()) is None
    return store


def database_with(url: str, records: Iterable[Record]) -> None:
    with transaction(backend_for(url)) as work:
        catalog = Catalog()
        for dbid, name in ZONES.items():
            assert catalog.zone_dbid(work, name) == dbid
        insert_records(work, create_list(work, catalog, LIST, FIELDS), records)


def sql_store(url: str, **options: Any) -> SqlStore:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads, **options)
    assert result(store.start()) is None
    return store


def spooled(records: Iterable[Record], folder: Path) -> SpooledStore:
    clock, options = Clock(), ChangeSpoolOptions(file=folder / "spool.db")
    store = SpooledStore(in_memory(records), ChangeSpool(options, InlineReactor(), InlineThreads), clock, clock.seconds, 1)
    assert result(store.start()) is None
    return store


@pytest.fixture(params=["memory", "sqlite", "postgresql", "spooled"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    stores: list[Any] = []

    def harness(records: Iterable[Record]) -> Any:
        if request.param == "memory":
            stores.append(in_memory(records))
        elif request.param == "spooled":
            stores.append(spooled(records, tmp_path))
        else:
            url = upgraded_database(request, request.param, tmp_path)
            database_with(url, records)
            stores.append(sql_store(url))
        return stores[-1]

    yield harness
    for store in stores:
        result(store.stop())


def result(deferred: Deferred[Any]) -> Any:
    """The value that the Deferred has fired with; raises what it failed with."""
    outcome: list[Any] = []
    deferred.addBoth(outcome.append)
    assert outcome, "the Deferred has not fired"
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]


def claim(store: Any, limit: int = 100, owner: Owner = OURS, local_times: Any = None, **more: Any) -> list[Chain]:
    chains: list[Chain] = result(store.claim_chains(
        ClaimRequest(LIST, owner, limit, NOW, NOON if local_times is None else local_times, **more)))
    return chains


def ids(chains: Iterable[Chain]) -> list[int]:
    return [chain.chain_id for chain in chains]


def attempt(guid: str, of: Record, **changes: Any) -> Attempt:
    return Attempt(guid, LIST, of.record_id, of.chain_id, of.chain_n, of.contact_info, of.attempt + 1, "Spring", "East",
                   "session", float(NOW), **changes)


def all_records(store: Any) -> dict[int, Record]:
    return {one.record_id: one for one in result(store.records(LIST, 10_000))}


def attempts_in(store: Any) -> list[Attempt]:
    """All attempts on LIST, by guid."""
    store = store._store if isinstance(store, SpooledStore) else store
    if isinstance(store, MemoryStore):
        return sorted(store.attempts.values(), key=lambda one: one.guid)
    with transaction(store.backend, write=False) as work:
        return attempts_of(work, LIST)


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


def test_a_claimed_chain_is_retrieved_with_all_its_records(make: Harness) -> None:
    done = record(2, 1, 2, record_status=RecordStatus.UPDATED)
    sibling = record(3, 1, 3, record_status=CHAIN_READY)
    store = make([record(1, 1, 1), done, sibling])
    assert claim(store) == [Chain(LIST, 1, (record(1, 1, 1, record_status=RETRIEVED), done,
                                            replace(sibling, record_status=RETRIEVED)))]
    assert result(store.counts(LIST)) == {RETRIEVED: 2, RecordStatus.UPDATED: 1}


def test_nothing_is_claimed_twice(make: Harness) -> None:
    store = make(map(record, range(1, 31)))
    claimed = ids(claim(store, 12)) + ids(claim(store, 12, THEIRS)) + ids(claim(store, 12))
    assert sorted(claimed) == list(range(1, 31))
    assert claim(store) == []


@pytest.mark.parametrize("limit", [0, 1, 5, 9, 10, 50])
def test_a_claim_gives_no_more_chains_than_asked_for(make: Harness, limit: int) -> None:
    store = make(record(n, (n + 1) // 2, 2 - n % 2) for n in range(1, 19))
    chains = claim(store, limit)
    assert ids(chains) == list(range(1, min(limit, 9) + 1))
    assert all(len(chain.records) == 2 for chain in chains)


def test_chains_come_by_due_time_then_chain_id(make: Harness) -> None:
    store = make([record(1, dial_sched_time=NOW), record(2), record(3, dial_sched_time=NOW - 50), record(4),
                  record(5, dial_sched_time=NOW - 50, tz_dbid=EASTERN), record(6, tz_dbid=EASTERN)])
    assert ids(claim(store)) == [2, 4, 6, 3, 5, 1]


def test_the_order_holds_when_one_zone_has_more_than_is_asked_for(make: Harness) -> None:
    east = [record(n, (n + 19) // 20, n % 20, tz_dbid=EASTERN) for n in range(1, 101)]         # 5 chains of 20
    store = make(east + [record(n, tz_dbid=CENTRAL) for n in range(200, 210)])
    assert ids(claim(store, 7)) == [1, 2, 3, 4, 5, 200, 201]
    assert ids(claim(store, 3)) == [202, 203, 204]


def test_types_come_in_the_order_asked_for_and_others_not_at_all(make: Harness) -> None:
    callback, personal, rescheduled = (RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK,
                                       RecordType.CAMPAIGN_RESCHEDULED)
    store = make([record(1), record(2, record_type=rescheduled, dial_sched_time=NOW - 5),
                  record(3, record_type=callback, dial_sched_time=NOW - 1), record(4, record_type=personal),
                  record(5, record_type=RecordType.NO_CALL)])
    assert ids(claim(store, 2)) == [3, 2]
    assert ids(claim(store)) == [1]
    assert ids(claim(store, types=(personal,))) == [4]


def test_a_chain_is_claimed_by_its_first_type_once(make: Harness) -> None:
    store = make([record(1), record(2, 2, 1), record(3, 2, 2, record_type=RecordType.CAMPAIGN_CALLBACK)])
    assert ids(claim(store)) == [2, 1]


def test_a_claim_for_an_agent_gives_only_that_agents_records(make: Harness) -> None:
    personal = RecordType.PERSONAL_CALLBACK
    agents = ["1001", "1002", None, "1001"]
    store = make([record(n, record_type=personal, agent_id=agent) for n, agent in enumerate(agents)])
    assert ids(claim(store, 1, types=(personal,), agent_ids=("1001",))) == [0]
    assert ids(claim(store, types=(personal,), agent_ids=("1001",))) == [3]
    assert ids(claim(store, types=(personal,))) == [1, 2]


def test_a_claim_may_be_for_several_agents_or_for_all_but_some(make: Harness) -> None:
    personal = RecordType.PERSONAL_CALLBACK
    agents = ["1001", "1002", None, "1003", "1001"]
    one = make([record(n, record_type=personal, agent_id=agent) for n, agent in enumerate(agents)])
    assert ids(claim(one, types=(personal,), agent_ids=())) == []
    assert ids(claim(one, types=(personal,), agent_ids=("1003", "1001"))) == [0, 3, 4]
    assert ids(claim(one, types=(personal,), without_agents=("1002",))) == [2]
    assert ids(claim(one, types=(personal,), without_agents=("1001",))) == [1]


@pytest.mark.parametrize("others, own, claimed", [
    (Owner(1, 10, 101), {}, [1, 2, 3]), (Owner(1, 10, 101), {"own_campaign": True}, [1, 2, 3]),
    (Owner(1, 10, 101), {"own_group": True}, [1, 3]), (Owner(1, 11, 100), {"own_group": True}, [1, 2, 3]),
    (Owner(2, 11, 100), {"own_campaign": True}, [1, 3]),
    (Owner(2, 10, 100), {"own_campaign": True, "own_group": True}, [1, 2, 3])])
def test_callbacks_may_be_kept_to_the_campaign_and_the_group_that_agreed_on_them(
        make: Harness, others: Owner, own: dict[str, bool], claimed: list[int]) -> None:
    kind = RecordType.CAMPAIGN_CALLBACK
    store = make([record(1, record_type=kind), record(2, record_type=kind), record(3)])
    for chain in claim(store, owner=others)[1:]:
        result(store.save(ChainSave(LIST, tuple(replace(one, record_status=READY) for one in chain.records))))
    # 1 is held by the others, 2 and 3 were: a general record is nobody's, a callback may be theirs
    assert ids(claim(store, **own)) == [chain_id for chain_id in claimed if chain_id != 1]


def test_a_callback_that_nobody_has_held_is_everybodys(make: Harness) -> None:
    store = make([record(1, record_type=RecordType.CAMPAIGN_CALLBACK)])
    assert ids(claim(store, own_campaign=True, own_group=True)) == [1]


def test_a_record_that_is_not_due_is_left(make: Harness) -> None:
    store = make([record(1, dial_sched_time=NOW + 1), record(2, dial_sched_time=NOW)])
    assert ids(claim(store)) == [2]


def test_a_chain_ready_record_does_not_qualify_its_chain(make: Harness) -> None:
    store = make([record(1, 1, 1, record_status=CHAIN_READY), record(2, 1, 2, dial_sched_time=NOW + 1)])
    assert claim(store) == []


def test_zones_that_are_missing_are_closed(make: Harness) -> None:
    store = make([record(1), record(2, tz_dbid=EASTERN), record(3, 3, 1), record(4, 3, 2, tz_dbid=EASTERN)])
    assert ids(claim(store, local_times={EASTERN: 43_200})) == [2, 3]
    assert claim(store, local_times={}) == []


@pytest.mark.parametrize("daily_from, daily_till, local_time, open_", [
    (28_800, 64_800, 28_799, False), (28_800, 64_800, 28_800, True), (28_800, 64_800, 64_799, True),
    (28_800, 64_800, 64_800, False), (0, 86_400, 86_399, True), (0, 86_340, 86_399, True), (0, 86_339, 86_399, False),
    (0, 86_340, 0, True), (64_800, 28_800, 70_000, False), (64_800, 28_800, 10, False), (36_000, 36_000, 36_000, False),
    (0, 0, 0, False),
])
def test_a_record_is_claimed_inside_its_daily_window_only(make: Harness, daily_from: int, daily_till: int,
                                                          local_time: int, open_: bool) -> None:
    store = make([record(1, daily_from=daily_from, daily_till=daily_till)])
    assert ids(claim(store, local_times={PACIFIC: local_time})) == ([1] if open_ else [])


def test_a_chain_of_which_someone_holds_a_record_is_not_split(make: Harness) -> None:
    store = make([record(1, 1, 1), record(2, 1, 2), record(3)])
    first = claim(store, 1)[0]
    result(store.save(ChainSave(LIST, (replace(first.records[0], record_status=READY),))))
    assert ids(claim(store, owner=THEIRS)) == [3]
    result(store.save(ChainSave(LIST, (replace(first.records[1], record_status=READY),))))
    assert ids(claim(store, owner=THEIRS)) == [1]


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


def logged(store: Any) -> list[LoggedRequest]:
    store = store._store if isinstance(store, SpooledStore) else store
    if isinstance(store, MemoryStore):
        return list(store.requests.values())
    with transaction(store.backend, write=False) as work:
        return [request for _, request in logged_requests(work)]


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
