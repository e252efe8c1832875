"""What a store with a spool leaves on disk, finds there, and does not write over what others did meanwhile."""
from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState, ChainSave, DoNotCallEntry
from ocs.errors import DatabaseAway
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.store.spooled_bench import CLAIM, OWNER, READY, RETRIEVED, UPDATED, Bench, attempt, bench, outcome, record

__all__ = ["bench"]


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
