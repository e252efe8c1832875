"""The writes of one chain: in order, together after a failure, nothing forgotten."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.logger import LogLevel

from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, Chain, ChainSave, DoNotCallEntry, Holding, Owner, Record
from ocs.errors import DatabaseAway
from ocs.scheduler.writes import ChainWrites, merged
from ocs.store.memory import MemoryStore
from tests.conftest import Logged
from tests.doubles.clock import VirtualClock
from tests.doubles.store import MoodyStore

RETRIEVED, READY, UPDATED = RecordStatus.RETRIEVED, RecordStatus.READY, RecordStatus.UPDATED
RECORD, OWNER = Record(1, 1, 0, "+12125550001", record_status=RETRIEVED), Owner(1, 2, 3)


def attempt(guid: str, number: int = 1) -> Attempt:
    return Attempt(guid, "list", 1, 1, 0, "+12125550001", number, "spring", "sales", "S", 1.0)


def bench() -> tuple[VirtualClock, MoodyStore, ChainWrites, list[str]]:
    memory, clock, emptied = MemoryStore(), VirtualClock(), []      # type: ignore[var-annotated]
    memory.add_list("list", [RECORD])
    store = MoodyStore(memory)
    writes = ChainWrites(clock, store, Chain("list", 1, (RECORD,)), OWNER, lambda: emptied.append("emptied"))
    return clock, store, writes, emptied


def outcome(writes: ChainWrites, change: ChainSave) -> list[Any]:
    """What the write comes to; empty until then."""
    told: list[Any] = []
    writes.post(change).addCallbacks(lambda _: told.append("written"), lambda failure: told.append(failure.type))
    return told


def test_newer_values_win_and_what_a_newer_write_leaves_out_stays():
    entry, other = DoNotCallEntry(phone="+1"), DoNotCallEntry(phone="+2")
    older = ChainSave("list", (RECORD,), (attempt("a"), attempt("b")), (entry,))
    newer = ChainSave("list", (), (attempt("b", 2), attempt("c")), (entry, other))
    both = merged(older, newer)
    assert both.records == (RECORD,) and both.do_not_call == (entry, other)
    assert [(each.guid, each.number) for each in both.attempts] == [("a", 1), ("b", 2), ("c", 1)]
    assert merged(None, newer) is newer
    first, second = replace(RECORD, record_id=8), replace(RECORD, record_id=9)
    changed = replace(second, attempt=5)
    assert merged(ChainSave("list", (first, second)), ChainSave("list", (changed,))).records == (first, changed)


def test_a_write_goes_out_at_once_and_its_end_is_told():
    clock, store, writes, emptied = bench()
    assert outcome(writes, ChainSave("list", (RECORD,))) == ["written"]
    assert writes.empty and emptied == ["emptied"] and clock.getDelayedCalls() == []


def test_one_write_at_a_time_and_those_that_come_meanwhile_go_together():
    clock, store, writes, emptied = bench()
    store.held.add("save")
    told = [outcome(writes, ChainSave("list", (), (attempt(guid),))) for guid in "abc"]
    store.release()
    assert [len(each) for each in told] == [1, 0, 0] and not writes.empty and emptied == []
    store.release()
    assert told == [["written"]] * 3 and emptied == ["emptied"]
    assert [[each.guid for each in change.attempts] for change in store.of("save")] == [["a"], ["b", "c"]]


def test_a_write_that_fails_is_told_and_tried_again_until_it_succeeds():
    clock, store, writes, emptied = bench()
    store.failing.add("save")
    told = outcome(writes, ChainSave("list", (), (attempt("a"),)))
    assert told == [DatabaseAway]
    clock.pump([1.0] * 60)
    assert store.of("save") == [] and not writes.empty and len(clock.getDelayedCalls()) == 1
    store.failing.clear()
    clock.pump([1.0] * 5)
    assert len(store.of("save")) == 1 and writes.empty and told == [DatabaseAway] and clock.getDelayedCalls() == []


def test_what_was_refused_goes_along_with_the_next_write():
    clock, store, writes, emptied = bench()
    store.failing.add("save")
    outcome(writes, ChainSave("list", (RECORD,), (attempt("a"),)))
    store.failing.clear()
    assert outcome(writes, ChainSave("list", (), (attempt("b"),))) == ["written"]
    (change,) = store.of("save")
    assert change.records == (RECORD,) and [each.guid for each in change.attempts] == ["a", "b"]
    assert clock.getDelayedCalls() == []


def test_whoever_waits_behind_a_write_that_fails_is_not_kept_waiting():
    clock, store, writes, emptied = bench()
    store.held.add("save")
    first, second = outcome(writes, ChainSave("list", (RECORD,))), outcome(writes, ChainSave("list", (), (attempt("b"),)))
    store.held.clear()
    store.failing.add("save")
    store.release()
    assert first == [DatabaseAway] and second == [DatabaseAway]
    store.failing.clear()
    clock.advance(5)
    (change,) = store.of("save")
    assert change.records and change.attempts and writes.empty


def test_a_write_says_what_its_records_may_be_by_now_if_they_are_still_ours():
    clock, store, writes, emptied = bench()
    store.losing.add("save")                # done, but who knows
    outcome(writes, ChainSave("list", (replace(RECORD, record_status=UPDATED),)))
    store.losing.clear()
    outcome(writes, ChainSave("list", (RECORD,)))
    outcome(writes, ChainSave("list", (replace(RECORD, record_status=READY),)))
    outcome(writes, ChainSave("list", (), (attempt("a"),)))
    assert [change.holding for change in store.of("save")] == [
        Holding(OWNER, {1: frozenset({RETRIEVED, UPDATED})}), Holding(OWNER, {1: frozenset({RETRIEVED, UPDATED})}),
        Holding(OWNER, {1: frozenset({RETRIEVED, UPDATED})}), Holding(OWNER, {})]


def test_a_write_that_fails_again_and_again_is_told_to_the_operator_once(logged: Logged):
    clock, store, writes, emptied = bench()
    for _ in range(2):
        store.failing.add("save")
        outcome(writes, ChainSave("list", (RECORD,)))
        clock.pump([1.0] * 60)
        store.failing.clear()
        clock.pump([1.0] * 6)
    assert len(logged.texts(LogLevel.error)) == 2 and writes.empty
