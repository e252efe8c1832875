"""A store whose database goes away: acknowledged is durable, the order holds, each change is written once."""
from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel
from zope.interface.verify import verifyObject

from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, Chain, ChainSave, ClaimRequest, DoNotCallEntry, Owner, Record
from ocs.errors import DatabaseAway, DataRefused, StoreUnavailable, UnknownCallingList
from ocs.interfaces import IStore
from ocs.scheduler.writes import ChainWrites
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.memory import MemoryStore
from ocs.store.spooled import SpooledStore
from tests.conftest import Logged
from tests.contracts.test_store import result
from tests.doubles.clock import VirtualClock
from tests.doubles.store import MoodyStore
from tests.store.threads import InlineReactor, InlineThreads

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


def test_it_is_a_store_and_the_database_has_everything_while_it_is_there(bench: Bench) -> None:
    assert verifyObject(IStore, bench.store)
    assert outcome(bench.post(1, UPDATED)) == ["done"] and outcome(bench.store.open_attempts([attempt(2)])) == ["done"]
    assert bench.record(1).record_status is UPDATED and set(bench.memory.attempts) == {"g2"}
    assert bench.store.spool.waiting == 0 and str(bench.store) == "there"


def test_while_the_database_is_away_changes_are_acknowledged_by_the_disk_and_written_when_it_is_back(bench: Bench) -> None:
    bench.database.go_away()
    assert outcome(bench.post(1, attempt=1)) == ["done"] and outcome(bench.post(1, UPDATED, attempt=2)) == ["done"]
    assert outcome(bench.store.open_attempts([attempt(2)])) == ["done"]
    blocked = ChainSave("list", do_not_call=(DoNotCallEntry("+12125550003"),))
    assert outcome(bench.store.save(blocked)) == ["done"]
    assert bench.record(1).record_status is RETRIEVED and bench.store.spool.waiting == 4
    bench.pass_(60)
    assert "4 changes on disk (0.0 of 1 MB): replay: connection refused" in str(bench.store)
    assert str(bench.store).startswith("away since 2026-03-10 16:30:00 UTC, ")
    bench.back()
    assert (bench.record(1).record_status, bench.record(1).attempt) == (UPDATED, 2) and set(bench.memory.attempts) == {"g2"}
    assert result(bench.memory.do_not_call()) == list(blocked.do_not_call)
    assert str(bench.store) == "there" and bench.store.spool.waiting == 0
    assert outcome(bench.post(2, UPDATED)) == ["done"] and bench.record(2).record_status is UPDATED


def test_the_log_says_once_that_it_goes_and_once_that_it_is_back(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    for number in range(1, 6):
        bench.post(number, attempt=1)
        bench.post(number, attempt=2)
    bench.pass_(300)
    assert len(logged.texts(LogLevel.warn)) == 1
    bench.back()
    assert len(logged.texts(LogLevel.warn)) == 1
    assert [text for text in logged.texts() if "is back after 30" in text and "10 changes" in text]


def test_records_are_neither_claimed_nor_recovered_while_what_the_database_shows_is_old(bench: Bench) -> None:
    bench.database.failing.add("save")
    bench.post(1, READY)
    bench.database.come_back()              # it is, but not everything has been written
    with pytest.raises(DatabaseAway):
        result(bench.store.claim_chains(CLAIM))
    with pytest.raises(DatabaseAway):
        result(bench.store.recover(OWNER, "list"))
    assert result(bench.store.counts("list")) == {RETRIEVED: 5}
    bench.back()
    assert [chain.chain_id for chain in result(bench.store.claim_chains(CLAIM))] == [1]


def test_a_database_that_does_not_answer_is_away_and_what_it_still_does_is_no_harm(bench: Bench) -> None:
    bench.database.held |= {"save", "open_attempts", "replay"}
    saved, opened = outcome(bench.post(1, UPDATED, attempt=1)), outcome(bench.store.open_attempts([attempt(2)]))
    bench.pass_(4.5)
    assert saved == opened == []
    bench.pass_(1)
    assert saved == opened == ["done"] and "no answer within 5 s" in str(bench.store)
    later = outcome(bench.store.save(ChainSave("list", attempts=(attempt(2, state=AttemptState.CLOSED),))))
    assert later == ["done"] and bench.memory.attempts == {}
    bench.database.held.clear()
    bench.database.release()                # it had only been slow
    bench.pass_(6)
    assert bench.record(1).attempt == 1 and bench.memory.attempts["g2"].state is AttemptState.CLOSED
    assert str(bench.store) == "there"


def test_an_answer_in_time_puts_the_deadline_off(bench: Bench) -> None:
    bench.database.held.add("save")
    for number in range(1, 6):
        bench.post(number, UPDATED)
        bench.pass_(3)
        bench.database.release()
    assert bench.store.outage is None


def replaying(bench: Bench) -> None:
    """The database is back and at work on the first change that waited."""
    bench.database.go_away()
    bench.post(1, attempt=1)
    bench.database.come_back()
    bench.database.held.add("replay")
    bench.pass_(1)
    bench.database.release()                # it is there
    assert bench.store.spool.waiting == 1


def test_what_comes_while_the_last_of_the_spool_is_replayed_goes_to_the_database_behind_it(bench: Bench) -> None:
    replaying(bench)
    told = outcome(bench.store.save(ChainSave("list", (record(1, record_status=UPDATED, attempt=2),))))
    assert told == [] and bench.store.spool.waiting == 1
    bench.database.release()
    assert told == ["done"] and bench.record(1).attempt == 2 and str(bench.store) == "there"
    assert [name for name, _ in bench.database.asked][-2:] == ["replay", "save"]


def test_what_comes_while_a_replay_fails_or_takes_too_long_is_on_disk(bench: Bench) -> None:
    replaying(bench)
    late = outcome(bench.store.save(ChainSave("list", (record(1, record_status=RETRIEVED, attempt=2),))))
    bench.pass_(6)
    assert late == ["done"] and bench.store.spool.waiting == 2
    bench.database.failing.add("replay")
    in_vain = outcome(bench.store.save(ChainSave("list", (record(1, record_status=UPDATED, attempt=3),))))
    assert in_vain == []
    bench.database.release()
    assert in_vain == ["done"] and bench.store.spool.waiting == 3
    bench.database.held.clear()
    bench.back()
    assert bench.record(1).attempt == 3 and bench.record(1).record_status is UPDATED


def test_only_so_much_waits_in_memory_for_the_end_of_a_replay(bench: Bench) -> None:
    replaying(bench)
    told = [outcome(bench.store.open_attempts([attempt(2, f"g{n}")])) for n in range(1_000)]
    assert not any(told)
    assert outcome(bench.store.open_attempts([attempt(2, "one more")])) == ["done"]
    assert told == [["done"]] * 1_000 and bench.store.spool.waiting == 1_002
    bench.database.held.clear()
    bench.database.release()
    bench.pass_(6)
    assert len(bench.memory.attempts) == 1_001 and bench.store.outage is None


def test_a_database_that_goes_away_again_at_once_loses_nothing_that_was_held_back(bench: Bench) -> None:
    replaying(bench)
    told = [outcome(bench.store.save(ChainSave("list", (record(n, record_status=UPDATED, attempt=9),)))) for n in (2, 3, 4)]
    bench.database.failing |= {"save"}
    bench.database.release()
    assert told == [["done"]] * 3 and bench.store.outage is not None and bench.store.spool.waiting == 3
    bench.database.held.clear()
    bench.back()
    assert [bench.record(n).attempt for n in (1, 2, 3, 4)] == [1, 9, 9, 9] and bench.store.outage is None


def test_traffic_without_a_pause_does_not_keep_the_database_away_for_ever(bench: Bench) -> None:
    writing, written = True, [0] * 6

    def again(_: object, number: int) -> None:
        if writing:
            written[number] += 1
            # as fast as it is acknowledged, but not within the very same step
            bench.clock.callLater(0.001, lambda: bench.store.save(ChainSave("list", (
                record(number, record_status=RETRIEVED, attempt=written[number]),))).addCallback(again, number))

    bench.database.go_away()
    for number in range(1, 6):
        again(None, number)
    bench.clock.pump([0.001] * 100)
    bench.database.held.add("replay")
    bench.database.come_back()
    for _ in range(20):
        bench.clock.pump([0.05] * 10)
        bench.database.release()
    assert bench.store.outage is None
    writing = False
    bench.clock.pump([0.01] * 10)
    assert [bench.record(number).attempt for number in range(1, 6)] == written[1:]


def test_a_change_whose_answer_was_lost_is_written_again_and_comes_to_the_same(bench: Bench, logged: Logged) -> None:
    bench.database.losing |= {"save", "open_attempts", "replay"}
    assert outcome(bench.post(1, READY, dial_sched_time=77)) == ["done"]
    assert outcome(bench.store.open_attempts([attempt(2)])) == ["done"]
    bench.pass_(30)
    bench.back()
    assert bench.record(1).dial_sched_time == 77 and set(bench.memory.attempts) == {"g2"} and bench.store.spool.waiting == 0
    assert not any("left as they are" in text for text in logged.texts())


def test_what_came_later_is_not_overtaken_by_what_had_to_wait(bench: Bench) -> None:
    bench.database.held.add("save")
    first = outcome(bench.store.save(ChainSave("list", (record(1, record_status=RETRIEVED, attempt=1),))))
    second = outcome(bench.store.save(ChainSave("list", (record(1, record_status=RETRIEVED, attempt=2),))))
    (one, *rest), bench.database._waiting = bench.database._waiting, []
    bench.database.failing.add("save")
    bench.database._do(*one)
    bench.database.failing.clear()
    bench.database._waiting = rest
    bench.database.release()
    assert first == second == ["done"] and bench.record(1).attempt == 2
    bench.back()
    assert bench.record(1).attempt == 2


def test_a_change_that_is_turned_away_at_the_door_does_not_overtake_one_that_is_inside(bench: Bench) -> None:
    bench.database.held.add("save")
    first = outcome(bench.store.save(ChainSave("list", (record(1, record_status=RETRIEVED, attempt=1),))))
    inside, bench.database._waiting = bench.database._waiting, []
    bench.database.held.clear()
    bench.database.failing.add("save")      # as where too much waits for the database
    second = outcome(bench.store.save(ChainSave("list", (record(1, record_status=RETRIEVED, attempt=2),))))
    assert first == second == ["done"]
    bench.database.failing.clear()
    bench.database._waiting = inside
    bench.database.release()
    assert bench.record(1).attempt == 1
    bench.back()
    assert bench.record(1).attempt == 2


def test_what_the_database_refuses_is_refused(bench: Bench) -> None:
    assert outcome(bench.store.save(ChainSave("list", (record(99),)))) == [StoreUnavailable]
    assert outcome(bench.store.open_attempts([attempt(1), attempt(1)])) == [StoreUnavailable]
    assert outcome(bench.store.save(ChainSave("nowhere", (record(1),)))) == [UnknownCallingList]
    assert bench.store.outage is None and bench.store.spool.waiting == 0


def test_a_change_that_is_refused_long_after_is_set_aside_and_the_others_are_written(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    bench.post(1, UPDATED)
    assert outcome(bench.store.save(ChainSave("dropped meanwhile", (record(7, agent_id="1001"),)))) == ["done"]
    bench.post(2, UPDATED)
    bench.back()
    assert [bench.record(n).record_status for n in (1, 2)] == [UPDATED] * 2
    assert str(bench.store) == "there; 1 changes that it refused are set aside" and bench.store.spool.waiting == 0
    assert [text for text in logged.texts(LogLevel.error) if "change 2 of chain 7 is refused" in text]
    bench.crash()
    bench.store = bench.started()
    assert bench.store.spool.refused == 1 and bench.store.spool.waiting == 0


@pytest.mark.parametrize("error, waits", [(StoreUnavailable("permission denied"), 2), (DataRefused("too long"), 0)])
def test_only_a_value_is_set_aside_any_other_trouble_is_waited_out(bench: Bench, error: StoreUnavailable, waits: int,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(app_dbid: int, spool: str, changes: Any) -> None:
        if changes:
            raise error

    bench.database.go_away()
    bench.post(1, UPDATED)
    bench.post(2, UPDATED)
    with monkeypatch.context() as patch:
        patch.setattr(bench.memory, "_replay", refuse)
        bench.back()
        assert (bench.store.spool.waiting, bench.store.spool.refused) == (waits, 2 - waits)
        assert ("permission denied" in str(bench.store)) is (waits == 2)
    bench.pass_(6)
    assert bench.store.spool.waiting == 0 and bench.record(2).record_status is (UPDATED if waits else RETRIEVED)


def test_a_full_spool_takes_no_new_attempt_and_results_wait_in_memory_at_last(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    long = "x" * 50_000
    number, told = 0, ["done"]
    while told == ["done"]:
        number += 1
        told = outcome(bench.store.open_attempts([attempt(1, f"{number}", treatment=long)]))
    assert told == [DatabaseAway] and number > 10
    assert outcome(bench.post(1, UPDATED, treatments=long)) == ["done"]
    told = ["done"]
    while told == ["done"]:
        told = outcome(bench.post(2, treatments=long, attempt=7))
    assert told == [DatabaseAway] and not bench.writes[2].empty
    bench.pass_(60)
    assert len([text for text in logged.texts(LogLevel.error) if "no new attempt is dialed, results wait in memory" in text]) == 1
    bench.back()
    assert bench.writes[2].empty and bench.record(2).attempt == 7 and bench.record(1).record_status is UPDATED
    assert len(bench.memory.attempts) == number - 1


def test_what_the_last_run_left_on_disk_is_written_before_anything_is_recovered(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    bench.post(1, UPDATED, call_result=CallResult.ANSWER)
    bench.store.open_attempts([attempt(2)])
    blocked = DoNotCallEntry("+12125550003")
    bench.store.save(ChainSave("list", do_not_call=(blocked,)))
    bench.crash()
    bench.database.come_back()
    bench.store = bench.started()
    assert bench.record(1).call_result is CallResult.ANSWER and result(bench.store.do_not_call()) == [blocked]
    (recovered,) = result(bench.store.recover(OWNER, "list"))
    assert recovered.attempt.guid == "g2" and bench.record(1).record_status is UPDATED      # may have been dialed: not again
    assert [bench.record(n).record_status for n in (3, 4, 5)] == [READY] * 3
    assert [text for text in logged.texts() if "3 changes that the last run left on disk are written" in text]


def test_a_start_while_the_database_is_away_is_refused_and_leaves_the_disk_as_it_was(bench: Bench) -> None:
    bench.database.go_away()
    bench.post(1, UPDATED)
    bench.crash()
    with pytest.raises(DatabaseAway):
        bench.started()
    bench.database.come_back()
    bench.store = bench.started()
    assert bench.record(1).record_status is UPDATED


def test_a_stop_while_the_database_is_away_leaves_the_rest_for_the_next_run(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    bench.post(1, UPDATED)
    result(bench.store.stop())
    assert bench.clock.getDelayedCalls() == [] and "1 changes on disk" in logged.texts(LogLevel.warn)[-1]
    bench.database.come_back()
    bench.store = bench.started()
    assert bench.record(1).record_status is UPDATED


def test_what_the_database_does_not_take_at_the_stop_is_on_disk(bench: Bench) -> None:
    bench.database.held.add("save")
    saved = outcome(bench.post(1, UPDATED))
    bench.database.failing.add("save")
    bench.database.held.clear()
    stop = bench.database.stop

    def stop_last() -> Deferred[None]:
        bench.database.release()
        return stop()

    bench.database.stop = stop_last         # type: ignore[method-assign]
    result(bench.store.stop())
    assert saved == ["done"] and bench.clock.getDelayedCalls() == []
    bench.database.stop = stop              # type: ignore[method-assign]
    bench.database.come_back()
    bench.store = bench.started()
    assert bench.record(1).record_status is UPDATED


def test_a_server_in_anothers_place_is_not_undone_by_what_the_other_had_on_disk(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    bench.post(1, UPDATED, call_result=CallResult.BUSY)
    bench.store.save(ChainSave("list", attempts=(attempt(1, state=AttemptState.CLOSED, call_result=CallResult.BUSY),)))
    bench.crash()
    left, bench.folder = bench.folder, bench.folder / "new"
    bench.folder.mkdir()
    bench.database.come_back()
    new = bench.started()
    result(new.recover(OWNER, "list"))
    assert len(result(new.claim_chains(CLAIM))) == 5        # the very same owner has the very same records again
    result(new.stop())
    bench.folder = left
    bench.store = bench.started()
    assert bench.record(1).record_status is RETRIEVED and bench.memory.attempts["g1"].call_result is CallResult.BUSY
    assert [text for text in logged.texts(LogLevel.warn) if "1 records are left as they are" in text]


def test_what_an_administrator_changed_meanwhile_stays(bench: Bench, logged: Logged) -> None:
    bench.database.go_away()
    for number in (1, 2):
        bench.post(number, UPDATED, call_result=CallResult.ANSWER)
    bench.crash()
    bench.database.come_back()
    cancelled = record(1, record_status=RecordStatus.CANCELLED)
    result(bench.memory.save(ChainSave("list", (cancelled,))))
    bench.store = bench.started()
    assert bench.record(1) == cancelled and bench.record(2).call_result is CallResult.ANSWER
    assert [text for text in logged.texts(LogLevel.warn) if "left as they are" in text and text.endswith(": 1")]


steps = st.lists(st.one_of(
    st.tuples(st.just("post"), st.integers(1, 3), st.sampled_from([RETRIEVED, RETRIEVED, UPDATED, RecordStatus.STALE])),
    st.tuples(st.just("attempt"), st.integers(1, 3)),
    st.tuples(st.just("mood"), st.sampled_from(["away", "losing", "held", "back"])),
    st.tuples(st.just("pass"), st.sampled_from([0.25, 1.0, 6.0])),
), max_size=25)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, crashes=st.booleans())
def test_whatever_the_database_does_what_was_acknowledged_is_there_in_the_end(tmp_path_factory: Any, steps: Any,
                                                                              crashes: bool) -> None:
    bench = Bench(tmp_path_factory.mktemp("walk"), records=3)
    posted = {number: [(RETRIEVED, 0)] for number in bench.writes}
    known = {number: 0 for number in bench.writes}          # which of them was acknowledged last
    opened: list[str] = []

    def acknowledged(_: object, number: int, place: int) -> None:
        known[number] = max(known[number], place)

    for step in steps:
        if step[0] == "post":
            _, number, status = step
            place = len(posted[number])
            posted[number].append((status, place))
            bench.post(number, status, attempt=place).addCallbacks(acknowledged, lambda failure: None,
                                                                   callbackArgs=(number, place))
        elif step[0] == "attempt":
            guid = f"{step[1]}/{len(opened)}"
            bench.store.open_attempts([attempt(step[1], guid)]).addCallbacks(
                lambda _, guid=guid: opened.append(guid), lambda failure: None)
        elif step[0] == "pass":
            bench.pass_(step[1])
        else:
            bench.database.come_back()
            bench.database.held.clear()
            bench.database.release()
            if step[1] == "away":
                bench.database.go_away()
            elif step[1] == "losing":
                bench.database.losing |= {"save", "open_attempts", "replay"}
            elif step[1] == "held":
                bench.database.held |= {"save", "open_attempts", "replay"}
    if crashes:
        bench.crash()
        bench.database._waiting.clear()
    bench.database.held.clear()
    bench.database.come_back()
    bench.database.release()
    if crashes:
        bench.store = bench.started()
    bench.pass_(20)
    for number, values in posted.items():
        found = bench.record(number)
        assert (found.record_status, found.attempt) in values[known[number]:]
        assert crashes or (found.record_status, found.attempt) == values[-1]
    assert set(opened) <= set(bench.memory.attempts)
    assert bench.store.spool.waiting == 0 and bench.store.outage is None
    result(bench.store.stop())


def test_a_walk_changes_nothing_of_a_record_that_it_does_not_touch(bench: Bench) -> None:
    before = replace(bench.record(5))
    bench.database.go_away()
    bench.post(1, UPDATED)
    bench.back()
    assert bench.record(5) == before
