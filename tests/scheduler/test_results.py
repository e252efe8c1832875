"""What each outcome of a call writes, and what the treatments make of it."""
from __future__ import annotations

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.call import SwitchEvent
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import AttemptState
from ocs.scheduler.context import EngineOptions
from tests.scheduler.bench import QUEUE, Bench, chain, one, record

FAILED = {6: CallResult.BUSY, 7: CallResult.NO_ANSWER, 11: CallResult.SIT_INVALID_NUMBER, 12: CallResult.SIT_VC,
          17: CallResult.FAX_DETECTED, 9: CallResult.ANSWERING_MACHINE_DETECTED, 10: CallResult.ALL_TRUNKS_BUSY,
          3: CallResult.GENERAL_ERROR, 26: CallResult.DROPPED}


def dialed(bench: Bench, call_state: int) -> Bench:
    """The last call fails like this."""
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=call_state)
    bench.pass_(0)
    return bench


@pytest.mark.parametrize("call_state", FAILED)
def test_a_call_that_failed_is_written_with_its_result(call_state):
    bench = Bench(one(), treatments=())
    bench.ready("7001")
    begun = bench.clock.wall()
    bench.pass_(12)
    dialed(bench, call_state)
    left, (attempt,) = bench.record(), bench.attempts(1)
    assert (left.record_status, left.call_result, left.attempt, left.call_time) == (
        RecordStatus.UPDATED, FAILED[call_state], 1, int(begun))
    assert (attempt.state, attempt.call_result, attempt.call_state) == (
        AttemptState.CLOSED, FAILED[call_state], call_state)
    assert attempt.dialed_at == begun and attempt.ended_at == begun + 12 and attempt.answered_at is None
    assert not bench.session.held and bench.session.results[FAILED[call_state]] == 1


def test_a_call_that_an_agent_took_is_an_answer_of_that_agent():
    bench = Bench(one())
    bench.ready("7001", "7002")
    asked = bench.talk("7002")
    bench.pass_(60)
    bench.hang_up(asked, "7002")
    attempt = bench.attempts(1)[0]
    assert (attempt.state, attempt.call_result, attempt.agent_dn, attempt.agent_id) == (
        AttemptState.CLOSED, CallResult.ANSWER, "7002", "1002")
    assert bench.record().record_status is RecordStatus.UPDATED, "it stands although the agent has said nothing yet"
    assert bench.state() is ChainState.WITH_AGENT


def test_a_person_for_whom_nobody_came_is_abandoned():
    bench = Bench(one())
    bench.ready("7001")
    conn_id = bench.switch.dialed[0].conn_id
    bench.switch.queued(conn_id)
    bench.switch.call_event(SwitchEvent.ABANDONED, conn_id, QUEUE, 21)
    attempt = bench.attempts(1)[0]
    assert bench.record().call_result is CallResult.ABANDONED
    assert attempt.call_result is CallResult.ABANDONED and attempt.answered_at is not None and attempt.agent_dn is None


def test_a_call_that_returns_to_the_queue_goes_to_the_next_agent():
    bench = Bench(one())
    bench.ready("7001", "7002")
    conn_id = bench.switch.dialed[0].conn_id
    bench.switch.queued(conn_id)
    bench.switch.call_event(SwitchEvent.RINGING, conn_id, "7001")
    bench.switch.call_event(SwitchEvent.RELEASED, conn_id, "7001", int(CallResult.REDIRECTED))
    bench.switch.call_event(SwitchEvent.QUEUED, conn_id, QUEUE)
    bench.talk("7002")
    assert bench.holder().agent_dn == "7002"
    bench.hang_up(bench.switch.dialed[0], "7002")
    assert bench.attempts(1)[0].agent_id == "1002"


# -- treatments ---------------------------------------------------------------------------------------------------
def retry(interval_s: float, **values: object) -> Treatment:
    return Treatment("busy", CallResult.BUSY, TreatmentAction.RETRY_IN, dbid=7, interval_s=interval_s, **values)


def test_a_short_delay_is_waited_for_in_memory_and_survives_in_the_database():
    bench = Bench(one(), treatments=(retry(300.0),))
    bench.ready("7001")
    dialed(bench, 6)
    left, due = bench.record(), int(bench.clock.wall() + 300)
    assert bench.state() is ChainState.WAITING and left.record_status is RecordStatus.RETRIEVED
    assert (left.dial_sched_time, left.record_type, left.treatments) == (due, RecordType.CAMPAIGN_RESCHEDULED, "7@1@0@1")
    attempt = bench.attempts(1)[0]
    assert attempt.state is AttemptState.CLOSED and attempt.treatment == "busy"
    bench.pass_(299)
    assert len(bench.switch.dialed) == 1
    bench.pass_(2)
    assert len(bench.switch.dialed) == 2 and bench.attempts(1)[1].number == 2


def test_a_long_delay_goes_back_to_the_list_and_is_retrieved_when_due():
    bench = Bench(one(), treatments=(retry(1800.0),), options=EngineOptions(treatment_sched_threshold_s=1200.0))
    bench.ready("7001")
    dialed(bench, 6)
    left = bench.record()
    assert not bench.session.held and left.record_status is RecordStatus.READY
    assert left.record_type is RecordType.CAMPAIGN_RESCHEDULED
    bench.pass_(1799)
    assert len(bench.switch.dialed) == 1
    bench.pass_(12)
    assert len(bench.switch.dialed) == 2
    dialed(bench, 6)
    assert bench.record().record_status is RecordStatus.UPDATED, "the sequence goes on where it was: one cycle"


def test_no_record_is_dialed_more_often_than_its_list_allows():
    bench = Bench(one(), treatments=(retry(60.0, cycle_attempts=50),), maximum_attempts=3)
    bench.ready("7001")
    for _ in range(5):
        if bench.switch.calls:
            dialed(bench, 6)
        bench.pass_(61)
    assert len(bench.switch.dialed) == 3 and bench.record().attempt == 3
    assert bench.record().record_status is RecordStatus.UPDATED


def test_the_next_number_of_the_chain_is_dialed_at_once():
    following = Treatment("next", CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN, dbid=2)
    bench = Bench(chain(1, 2), treatments=(following,))
    bench.ready("7001")
    dialed(bench, 7)
    bench.pass_(1)
    assert bench.switch.numbers == ["+12125550001", "+12125550002"]
    bench.talk()
    bench.hang_up(bench.switch.dialed[1])
    first, second = bench.record(1), bench.record(2)
    assert (first.record_status, first.call_result, first.attempt) == (
        RecordStatus.CHAIN_UPDATED, CallResult.NO_ANSWER, 1)
    assert (second.record_status, second.call_result, second.attempt) == (RecordStatus.UPDATED, CallResult.ANSWER, 1)


def test_a_closed_record_leaves_its_siblings_to_the_list():
    closed = Treatment("close", CallResult.SIT_VC, TreatmentAction.UPDATE_RECORD, dbid=4)
    bench = Bench(chain(1, 2), treatments=(closed,))
    bench.session.buffer.wanted = lambda: 0        # type: ignore[method-assign]
    bench.ready("7001")
    dialed(bench, 12)
    assert bench.record(1).record_status is RecordStatus.UPDATED and bench.record(2).record_status is RecordStatus.READY


def test_a_chain_that_waits_is_dialed_before_those_that_came_later():
    bench = Bench([record(n) for n in range(1, 9)], treatments=(retry(5.0),))
    bench.ready("7001")
    dialed(bench, 6)
    bench.pass_(6)
    dialed(bench, 7)
    assert bench.switch.numbers == ["+12125550001", "+12125550002", "+12125550001"]


# -- the database is away -----------------------------------------------------------------------------------------
def test_results_wait_for_the_database_and_nothing_is_lost():
    bench = Bench(treatments=())
    bench.ready("7001")
    bench.store.failing.add("save")
    for _ in range(3):
        dialed(bench, 7)
    assert len(bench.switch.dialed) == 4, "dialing goes on"
    bench.pass_(30)
    assert bench.record(1).record_status is RecordStatus.RETRIEVED
    bench.store.failing.clear()
    bench.pass_(5)
    assert all(bench.record(n).call_result is CallResult.NO_ANSWER for n in (1, 2, 3))
    assert all(bench.attempts(n)[0].state is AttemptState.CLOSED for n in (1, 2, 3))


def test_the_attempt_of_a_chain_that_waits_in_memory_is_written_when_the_database_is_back():
    bench = Bench(one(), treatments=(retry(300.0),))
    bench.ready("7001")
    bench.store.failing.add("save")
    dialed(bench, 6)
    bench.pass_(20)
    bench.store.failing.clear()
    bench.pass_(5)
    assert bench.attempts(1)[0].state is AttemptState.CLOSED and bench.record().dial_sched_time is not None


def test_what_was_settled_in_mid_call_is_written_when_the_database_is_back_even_after_the_call():
    bench = Bench(one())
    bench.ready("7001")
    asked = bench.talk()
    bench.store.failing.add("save")
    answer = bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=40)
    assert answer.error_number == 10
    bench.hang_up(asked)
    bench.pass_(60)
    bench.store.failing.clear()
    bench.pass_(5)
    assert bench.record().record_status is RecordStatus.UPDATED and bench.record().call_result is CallResult.WRONG_PARTY
    assert bench.attempts(1)[0].ended_at is not None and not bench.session.held


def test_a_record_that_was_rescheduled_in_mid_call_is_not_written_again_at_the_end_of_the_call():
    bench = Bench(one())
    bench.ready("7001")
    asked = bench.talk()
    handle = bench.holder().handle
    bench.store.held.add("save")
    late = bench.tell("7001", "RecordProcessed", record_handle=handle, call_result=40)
    bench.hang_up(asked)
    assert bench.answers(late) == [] and bench.store.of("save") == []
    bench.store.release()
    bench.store.release()
    first, second = bench.store.of("save")
    assert first.records and not second.records, "the record may be somebody else's by now"
    assert [event.name for event in bench.answers(late)] == ["RecordProcessedAcknowledge"]


def test_writes_of_a_chain_never_overtake_each_other():
    bench = Bench(one())
    bench.ready("7001")
    asked = bench.talk()
    bench.store.held.add("save")
    handle = bench.holder().handle
    bench.tell("7001", "UpdateCallCompletionStats", record_handle=handle, call_result=6)
    bench.tell("7001", "UpdateCallCompletionStats", record_handle=handle, call_result=40)
    bench.hang_up(asked)
    bench.tell("7001", "RecordProcessed", record_handle=handle)
    bench.store.failing.add("save")
    bench.store.release()
    bench.store.held.clear()
    bench.store.failing.clear()
    bench.store.release()
    bench.pass_(6)
    assert bench.record().call_result is CallResult.WRONG_PARTY
    assert bench.attempts(1)[0].call_result is CallResult.WRONG_PARTY and not bench.session.held
