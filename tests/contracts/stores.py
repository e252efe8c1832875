"""Stores of each kind with records in them, and what tests ask of them."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, Iterator, Protocol

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ocs.database.backend import backend_for, transaction
from ocs.dialing.request_log import LoggedRequest
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, Chain, ClaimRequest, CustomField, Owner, Record
from ocs.store.attempts import attempts_of
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.loading import insert_records
from ocs.store.memory import MemoryStore
from ocs.store.registry import Catalog, create_list
from ocs.store.request_log import logged_requests
from ocs.store.spooled import SpooledStore
from ocs.store.sql import SqlStore
from tests.postgres import upgraded_database
from tests.store.threads import InlineReactor, InlineThreads

__all__ = ["CENTRAL", "CHAIN_READY", "EASTERN", "FIELDS", "Harness", "LIST", "NOON", "NOW", "OURS", "PACIFIC", "READY",
           "RETRIEVED", "THEIRS", "ZONES", "all_records", "attempt", "attempts_in", "claim", "database_with", "ids",
           "in_memory", "logged", "make", "record", "result", "spooled", "sql_store"]


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


def logged(store: Any) -> list[LoggedRequest]:
    store = store._store if isinstance(store, SpooledStore) else store
    if isinstance(store, MemoryStore):
        return list(store.requests.values())
    with transaction(store.backend, write=False) as work:
        return [request for _, request in logged_requests(work)]
