"""A store with a spool, and a database that a test takes away."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Iterator

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, Chain, ChainSave, ClaimRequest, Owner, Record
from ocs.scheduler.writes import ChainWrites
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.memory import MemoryStore
from ocs.store.spooled import SpooledStore
from tests.contracts.stores import result
from tests.doubles.clock import VirtualClock
from tests.doubles.store import MoodyStore
from tests.store.threads import InlineReactor, InlineThreads

__all__ = ["Bench", "CLAIM", "OWNER", "READY", "RETRIEVED", "UPDATED", "attempt", "bench", "outcome", "record"]


RETRIEVED, READY, UPDATED = RecordStatus.RETRIEVED, RecordStatus.READY, RecordStatus.UPDATED
OWNER = Owner(1, 10, 100)
CLAIM = ClaimRequest("list", OWNER, 100, 1_800_000_000, {5: 43_200})


def record(number: int, **changes: Any) -> Record:
    return Record(number, number, 0, f"+1212555{number:04d}", tz_dbid=5, tz_name="America/New_York", **changes)


def attempt(number: int, guid: str = "", **changes: Any) -> Attempt:
    return Attempt(guid or f"g{number}", "list", number, number, 0, f"+1212555{number:04d}", 1, "spring", "sales", "S", 1.0,
                   **changes)


class Bench:
    """A database of five chains, all claimed; `crash` leaves the machine as a power cut would."""

    def __init__(self, folder: Path, limit_mb: int = 1, records: int = 5) -> None:
        self.clock, self.memory = VirtualClock(), MemoryStore()
        self.memory.add_list("list", [record(n) for n in range(1, records + 1)])
        self.database, self.folder, self._limit, self._crashes = MoodyStore(self.memory), folder, limit_mb, 0
        self.store = self.started()
        self.writes = {chain.chain_id: self.writes_of(chain) for chain in result(self.store.claim_chains(CLAIM))}

    def started(self) -> SpooledStore:
        options = ChangeSpoolOptions(file=self.folder / "spool.db", limit_mb=self._limit)
        store = SpooledStore(self.database, ChangeSpool(options, InlineReactor(), InlineThreads), self.clock,
                             self.clock.wall, OWNER.app_dbid)
        result(store.start())
        return store

    def writes_of(self, chain: Chain) -> ChainWrites:
        return ChainWrites(self.clock, self.store, chain, OWNER, lambda: None)

    def crash(self) -> None:
        """The process is gone; what it had on disk is in a folder of its own now."""
        self._crashes += 1
        after = self.folder / f"crash-{self._crashes}"
        after.mkdir()
        for path in self.folder.glob("spool.db*"):
            shutil.copy(path, after)
        self.folder = after
        for timer in self.clock.getDelayedCalls():
            timer.cancel()

    def back(self) -> None:
        self.database.come_back()
        self.pass_(6)

    def pass_(self, seconds: float) -> None:
        self.clock.pump([0.25] * round(seconds * 4))

    def post(self, number: int, status: RecordStatus = RETRIEVED, **changes: Any) -> Deferred[None]:
        """Write a record in the way of the engine."""
        change = ChainSave("list", (record(number, record_status=status, **changes),))
        return self.writes[number].post(change)

    def record(self, number: int) -> Record:
        return {one.record_id: one for one in result(self.memory.records("list", 100))}[number]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.come_back()
    result(made.store.stop())
    assert made.clock.getDelayedCalls() == []


def outcome(deferred: Deferred[Any]) -> list[Any]:
    told: list[Any] = []
    deferred.addCallbacks(lambda value: told.append("done"), lambda failure: told.append(failure.type))
    return told
