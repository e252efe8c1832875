"""A store whose database comes back: the order holds, and each change is written once."""
from __future__ import annotations

from ocs.dialing.values import ChainSave
from tests.conftest import Logged
from tests.store.spooled_bench import READY, RETRIEVED, UPDATED, Bench, attempt, bench, outcome, record

__all__ = ["bench"]


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
