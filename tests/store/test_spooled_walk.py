"""A store whose database comes and goes at random: what was acknowledged is there in the end."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.dialing.results import RecordStatus
from tests.contracts.stores import result
from tests.store.spooled_bench import RETRIEVED, UPDATED, Bench, attempt, bench

__all__ = ["bench"]


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
