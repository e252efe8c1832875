"""The writes of one chain: in order, together after a failure, nothing forgotten."""
from __future__ import annotations

from typing import Any

from ocs.dialing.values import Attempt, ChainSave, DoNotCallEntry, Record
from ocs.errors import StoreUnavailable
from ocs.scheduler.writes import ChainWrites, merged
from ocs.store.memory import MemoryStore
from tests.doubles.clock import VirtualClock
from tests.doubles.store import MoodyStore

RECORD = Record(1, 1, 0, "+12125550001")


def attempt(guid: str, number: int = 1) -> Attempt:
    return Attempt(guid, "list", 1, 1, 0, "+12125550001", number, "spring", "sales", "S", 1.0)


def bench() -> tuple[VirtualClock, MoodyStore, ChainWrites, list[str]]:
    memory, clock, emptied = MemoryStore(), VirtualClock(), []      # type: ignore[var-annotated]
    memory.add_list("list", [RECORD])
    store = MoodyStore(memory)
    return clock, store, ChainWrites(clock, store, 1, lambda: emptied.append("emptied")), emptied


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
    assert told == [StoreUnavailable]
    clock.pump([1.0] * 60)
    assert store.of("save") == [] and not writes.empty and len(clock.getDelayedCalls()) == 1
    store.failing.clear()
    clock.pump([1.0] * 5)
    assert len(store.of("save")) == 1 and writes.empty and told == [StoreUnavailable] and clock.getDelayedCalls() == []


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
    assert first == [StoreUnavailable] and second == [StoreUnavailable]
    store.failing.clear()
    clock.advance(5)
    (change,) = store.of("save")
    assert change.records and change.attempts and writes.empty
