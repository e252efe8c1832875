"""A store whose database goes away: acknowledged is durable, what is refused is told, nothing grows without end."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import LogLevel
from zope.interface.verify import verifyObject

from ocs.dialing.values import AttemptState, ChainSave, DoNotCallEntry
from ocs.errors import DatabaseAway, DataRefused, StoreUnavailable, UnknownCallingList
from ocs.interfaces import IStore
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.store.spooled_bench import CLAIM, OWNER, READY, RETRIEVED, UPDATED, Bench, attempt, bench, outcome, record

__all__ = ["bench"]


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
