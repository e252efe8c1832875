"""The database goes away in the middle of the dialing: on one virtual clock, with the engine as it is in production."""
from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.session import Condition
from ocs.dialing.values import AttemptState
from ocs.servers.tserver.calls import CallKind
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.spooled import SpooledStore
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.doubles.store import MoodyStore
from tests.scenarios.center import Center
from tests.scheduler.bench import PREVIEW, Bench, record
from tests.store.threads import InlineReactor, InlineThreads

LIMIT_MB = 1


def spooled(database: Any, clock: Any, folder: Path) -> SpooledStore:
    options = ChangeSpoolOptions(file=folder / "spool.db", limit_mb=LIMIT_MB)
    store = SpooledStore(database, ChangeSpool(options, InlineReactor(), InlineThreads), clock, clock.wall, 1)
    result(store.start())
    return store


def desk(folder: Path, **options: Any) -> Bench:
    """A bench whose store goes on without its database; `bench.store` is the database."""
    bench = Bench([record(n) for n in range(1, 41)], running=False, **options)
    bench.context.store = spooled(bench.store, bench.clock, folder)
    bench.up()
    bench.begin()
    return bench


def crashed(bench: Bench, folder: Path) -> Bench:
    """The OCS is killed and started again: what it had on disk and in the database is there, nothing else."""
    after = folder / "after"
    after.mkdir()
    for path in folder.glob("spool.db*"):
        shutil.copy(path, after)
    bench.store.come_back()
    again = Bench(store=bench.memory, running=False, seed=2)
    again.context.store = spooled(again.store, again.clock, after)
    again.up()
    again.wait(again.session.load())
    return again


# -- one step at a time -----------------------------------------------------------------------------------------------
def test_dialing_goes_on_from_the_buffer_and_each_attempt_is_on_disk_before_its_call(tmp_path: Path) -> None:
    bench = desk(tmp_path, treatments=())
    buffered = len(bench.session.held)
    bench.ready("7001")
    bench.store.go_away()
    seen = 0
    for _ in range(buffered + 5):
        for asked in bench.switch.dialed[seen:]:
            seen += 1
            names = [change.attempts[0].phone for _, change in result(bench.context.store.spool.oldest(1_000)) if change.attempts]
            assert bench.switch.numbers[seen - 1] in names or seen == 1
            bench.switch.over(asked.conn_id, call_state=7)
        bench.pass_(1)
    assert seen == buffered > 3 and bench.session.loop.condition is Condition.WAITING_RECORDS
    bench.store.come_back()
    bench.pass_(20)
    assert [bench.record(n).call_result for n in range(1, buffered + 1)] == [CallResult.NO_ANSWER] * buffered
    assert len(bench.switch.dialed) > buffered, "records are retrieved again"
    assert all(bench.attempts(n)[0].state is AttemptState.CLOSED for n in range(1, buffered + 1))


def test_an_agents_word_is_acknowledged_by_the_disk_and_survives_the_death_of_both(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.ready("7001")
    asked = bench.talk()
    bench.store.go_away()
    answer = bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=40)
    assert answer.name == "RecordProcessedAcknowledge"
    bench.hang_up(asked)
    again = crashed(bench, tmp_path)
    assert again.record().call_result is CallResult.WRONG_PARTY and again.record().record_status is RecordStatus.UPDATED
    assert again.attempts(1)[0].call_result is CallResult.WRONG_PARTY


def test_a_do_not_call_request_counts_at_once_and_after_a_crash(tmp_path: Path) -> None:
    bench = desk(tmp_path, mode=PREVIEW)
    bench.ready("7001")
    shown = bench.preview()
    bench.store.go_away()
    assert bench.ask("7001", "DoNotCall", phone="+12125550002").name == "DoNotCallAcknowledge"
    assert bench.ask("7001", "DoNotCall", record_handle=shown.record.record_handle).name == "DoNotCallAcknowledge"
    assert bench.preview().record.phone == "+12125550003"       # type: ignore[union-attr]
    again = crashed(bench, tmp_path)
    again.session.start()
    again.ready("7001")
    again.pass_(1)
    assert again.switch.numbers == ["+12125550004"]             # 3 was shown, and may have been dialed
    assert {entry.phone for entry in result(again.memory.do_not_call())} == {"+12125550001", "+12125550002"}


def test_an_attempt_that_only_the_disk_knows_is_not_dialed_again_after_a_crash(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.store.go_away()
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550001"] and bench.memory.attempts == {}
    again = crashed(bench, tmp_path)
    (attempt,) = again.attempts(1)
    assert attempt.state is AttemptState.UNKNOWN and again.record().call_result is CallResult.UNKNOWN
    again.session.start()
    again.ready("7001")
    again.pass_(1)
    assert again.switch.numbers == ["+12125550002"]


def test_a_spool_that_is_full_ends_the_dialing_with_a_reason_and_results_still_count(tmp_path: Path) -> None:
    bench = desk(tmp_path, treatments=())
    bench.ready("7001")
    bench.store.go_away()
    asked, spool = bench.talk(), bench.context.store.spool
    filler = b"x" * 1_000_000
    spool.octets += len(filler)             # as if others had filled it
    processed = bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=40)
    assert processed.name == "RecordProcessedAcknowledge"
    bench.hang_up(asked)
    before = len(bench.switch.dialed)
    bench.ready("7001")
    bench.pass_(3)
    assert len(bench.switch.dialed) == before
    assert bench.session.loop.condition is Condition.SYSTEM_ERROR
    assert "is full (1 MB)" in bench.session.loop.decisions[-1].reason
    spool.octets -= len(filler)
    bench.store.come_back()
    bench.pass_(20)
    assert len(bench.switch.dialed) > before and bench.record().call_result is CallResult.WRONG_PARTY


def test_previews_go_on_from_the_buffer(tmp_path: Path) -> None:
    bench = desk(tmp_path, mode=PREVIEW)
    bench.ready("7001")
    bench.preview()
    bench.store.go_away()
    assert [bench.preview().record.phone for _ in range(2)] == ["+12125550002", "+12125550003"]     # type: ignore[union-attr]


def test_a_session_is_unloaded_and_the_server_stopped_without_the_database(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    bench.store.go_away()
    stopped = Deferred.fromCoroutine(bench.engine.stop(30.0))
    bench.pass_(40)
    assert stopped.called and not bench.session.held
    result(bench.context.store.stop())
    assert bench.retrieved()
    bench.store.come_back()
    result(spooled(bench.store, bench.clock, tmp_path).stop())
    assert not bench.retrieved()


def test_a_session_is_not_loaded_before_everything_is_written(tmp_path: Path) -> None:
    bench = desk(tmp_path)
    bench.store.go_away()
    gone = bench.session.unload()
    bench.pass_(1)
    assert gone.called
    bench.store.come_back()
    with pytest.raises(Exception, match="the database is away"):
        bench.wait(bench.session.load())
    bench.pass_(6)
    bench.wait(bench.session.load())
    assert bench.session.held


def test_the_operator_is_told_once_by_each_not_once_a_write(tmp_path: Path, logged: Logged) -> None:
    bench = desk(tmp_path)
    bench.ready("7001", "7002")
    bench.store.go_away()
    for _ in range(120):
        for conn_id in list(bench.switch.calls):
            bench.switch.over(conn_id, call_state=7)
        bench.pass_(2)
    told = [text.split(":")[0] for text in logged.texts(LogLevel.warn)]
    assert sorted(told) == ["callbacks of spring@sales could not be looked for", "retrieval for spring@sales failed",
                            "the database is away"]


# -- a whole contact center -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", [DialingMode.PROGRESSIVE, DialingMode.PREVIEW])
def test_a_list_is_dialed_to_its_end_through_outages_and_every_call_is_accounted_for(tmp_path: Path, mode: DialingMode) -> None:
    center = Center(mode=mode, agents=4, contacts=80)
    database = MoodyStore(center.store)
    center.context.store = store = spooled(database, center.clock, tmp_path)
    center.start()
    center.pass_(20.0)
    went_on = 0
    for losing in (False, True, False):
        calls = len(center.calls)
        if losing:
            database.losing |= {"save", "open_attempts", "replay", "claim_chains"}
        else:
            database.go_away()
        center.pass_(150.0)
        assert store.outage is not None and store.spool.waiting > 3
        went_on += len(center.calls) - calls
        database.come_back()
        center.pass_(60.0)
        assert store.outage is None and store.spool.waiting == 0
    assert went_on > 10
    center.pass_(2.0 * 3_600)
    statuses = Counter(one.record_status for one in center.records())
    assert statuses[RecordStatus.RETRIEVED] <= 1        # a claim whose answer was lost is looked for by the next one
    attempts = list(center.store.attempts.values())
    dialed = {attempt.conn_id: attempt for attempt in attempts if attempt.dialed_at is not None}
    outbound = {call.conn_id: call for call in center.calls if call.kind is CallKind.OUTBOUND}
    assert dialed.keys() == outbound.keys() and len(dialed) >= 40
    assert all(attempt.phone == outbound[conn].destination for conn, attempt in dialed.items())
    assert {attempt.state for attempt in attempts} <= {AttemptState.CLOSED, AttemptState.NOT_DIALED}
    per_record = Counter(attempt.record_id for attempt in dialed.values())
    assert all(one.attempt == per_record[one.record_id] for one in center.records())
