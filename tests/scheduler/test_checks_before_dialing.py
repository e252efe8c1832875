"""What is checked before each dial: do-not-call, windows, attempts."""
from __future__ import annotations

from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import DoNotCallEntry
from ocs.scheduler.context import EngineOptions
from tests.doubles.clock import clock_at
from tests.scheduler.bench import CAMPAIGN, Bench, chain, one, record


def test_a_blocked_number_is_settled_undialed_and_its_sibling_is_dialed():
    bench = Bench(chain(1, 2), running=False)
    bench.memory.add_do_not_call([DoNotCallEntry(phone="+12125550001")])
    bench.up()
    bench.begin()
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550002"]
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    first, second = bench.record(1), bench.record(2)
    assert (first.record_type, first.record_status, first.call_result) == (
        RecordType.NO_CALL, RecordStatus.UPDATED, CallResult.DO_NOT_CALL)
    assert second.record_status is RecordStatus.UPDATED and second.call_result is CallResult.NO_ANSWER
    assert bench.attempts(1) == []


def test_a_blocked_customer_is_not_dialed_on_any_number():
    records = chain(1, 2, fields={"name": "C7", "age": 1})
    bench = Bench(records, options=EngineOptions(customer_id_field="name"))
    bench.engine.block(DoNotCallEntry(customer_id="C7"))
    bench.ready("7001")
    assert bench.switch.dialed == []
    assert all(each.record_type is RecordType.NO_CALL for each in bench.records().values())


def test_an_entry_of_another_campaign_blocks_nothing_here():
    bench = Bench(one())
    bench.engine.block(DoNotCallEntry(phone="+12125550001", campaign="autumn"))
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550001"]
    bench = Bench(one())
    bench.engine.block(DoNotCallEntry(phone="+12125550001", campaign=CAMPAIGN))
    bench.ready("7001")
    assert bench.switch.dialed == []


def test_outside_its_window_another_number_of_the_chain_is_dialed():
    clock = clock_at("2026-03-10T17:30-04:00")
    records = [*chain(1, daily_till=17 * 3600 + 1800), record(2, 1, chain_n=1)]
    bench = Bench(records, clock=clock)
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550002"]


def test_a_record_whose_window_closed_in_the_buffer_waits_in_the_list_for_its_opening():
    bench = Bench(one(), clock=clock_at("2026-03-10T17:59-04:00"))
    assert bench.state() is ChainState.BUFFERED
    bench.pass_(60)
    bench.ready("7001")
    left = bench.record()
    assert bench.switch.dialed == [] and left.record_status is RecordStatus.READY
    assert left.dial_sched_time == int(clock_at("2026-03-11T08:00-04:00").wall()) and left.attempt == 0
    bench.pass_(14 * 3600 + 30, step=30.0)
    assert bench.switch.numbers == ["+12125550001"]


def test_a_window_that_closes_between_the_commit_and_the_dial_is_honoured():
    bench = Bench(one(), clock=clock_at("2026-03-10T17:59-04:00"))
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    bench.pass_(60)
    bench.store.release()
    assert bench.switch.dialed == [] and bench.record().record_status is RecordStatus.READY


def test_the_wall_clock_may_step_and_windows_follow_it():
    bench = Bench(one(), clock=clock_at("2026-03-10T12:00-04:00"))
    bench.clock.step_wall(8 * 3600.0)
    bench.ready("7001")
    assert bench.switch.dialed == []


def test_a_record_with_its_maximum_attempts_is_settled_undialed():
    bench = Bench(one(attempt=3, call_result=CallResult.BUSY))
    bench.ready("7001")
    left = bench.record()
    assert bench.switch.dialed == []
    assert left.record_status is RecordStatus.UPDATED and left.call_result is CallResult.BUSY
