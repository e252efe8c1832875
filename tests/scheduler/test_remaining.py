"""Time to complete: what is left is counted while a session dials, and only then."""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.campaign import CallingList
from ocs.dialing.results import RecordStatus
from ocs.scheduler.remaining import TimesToComplete
from tests.scheduler.bench import Bench, record


def made(**more: object) -> tuple[Bench, TimesToComplete]:
    bench = Bench([record(n) for n in range(1, 101)], running=False, **more)    # type: ignore[arg-type]
    bench.up()
    times = TimesToComplete(bench.engine)
    times.start()
    return bench, times


def settle(bench: Bench, *numbers: int) -> None:
    """Somebody else is done with these records."""
    table = bench.memory._lists["list"]
    for number in numbers:
        table.put(replace(table.records[number], record_status=RecordStatus.UPDATED))


def test_it_follows_from_what_became_final_lately() -> None:
    bench, times = made()
    bench.begin()
    bench.pass_(30)
    (calling_list,) = bench.session.group.lists
    assert times.of_group(bench.session) is None
    settle(bench, *range(31, 61))
    bench.pass_(60)
    assert times.of_group(bench.session) == times.of_list(bench.session, calling_list) == 140.0    # 70 left, 30 in 60 s
    bench.session.stop()
    assert times.of_group(bench.session) is None
    times.stop()


def test_lists_that_are_not_dialed_do_not_count_for_the_group() -> None:
    bench, times = made(more_lists=(CallingList("rest", 2, table="list"), CallingList("later", 3, share=0, table="gone")))
    bench.memory.add_list("gone", [record(1)], ())
    bench.begin()
    bench.pass_(30)
    settle(bench, *range(31, 61))
    bench.pass_(60)
    assert times.of_group(bench.session) == 140.0 and times.of_list(bench.session, bench.session.group.lists[2]) is None
    times.stop()


def test_while_the_database_is_away_it_asks_again_and_after_the_end_no_more() -> None:
    bench, times = made()
    bench.begin()
    bench.memory.available = False
    bench.pass_(60)
    bench.memory.available = True
    bench.pass_(30)
    settle(bench, *range(31, 61))
    bench.pass_(60)
    assert times.of_group(bench.session) == 140.0
    times.stop()
    bench.session.force_unload()
    bench.pass_(1)
    assert bench.clock.getDelayedCalls() == []
