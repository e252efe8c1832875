"""Preview: a record to look at, dialed by the agent or not."""
from __future__ import annotations

from twisted.internet.defer import Deferred

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import AttemptState, DoNotCallEntry
from ocs.scheduler.context import EngineOptions
from protocols.desktop.names import ChainAttribute
from tests.scheduler.bench import PREVIEW, Bench, chain, one, record


def desk(*dns: str, records: list | None = None, **values: object) -> Bench:
    """Agents at their desks in a running preview session."""
    bench = Bench(records, mode=PREVIEW, **values)      # type: ignore[arg-type]
    bench.login(*(dns or ("7001",)))
    return bench


def test_a_preview_shows_the_record_and_its_attempt_is_committed():
    bench = desk()
    event = bench.preview()
    shown = event.record
    assert shown is not None and shown.phone == "+12125550001" and shown.calling_list == "list" and shown.chain_id == 1
    assert shown.attempts == 0 and shown.tz_name == "America/New_York" and shown.tz_offset == -4 * 3600
    assert dict(shown.fields) == {"CustomerName": "Person 1", "Age": 40} and event.campaign_mode == "Preview"
    (attempt,) = bench.attempts(1)
    assert shown.call_attempt_guid == attempt.guid and attempt.state is AttemptState.OPEN and attempt.agent_id == "1001"


def test_a_preview_is_not_shown_before_its_attempt_is_committed():
    bench = desk()
    bench.store.held.add("open_attempts")
    reference_id = bench.tell("7001", "PreviewRecordRequest")
    assert bench.answers(reference_id) == []
    bench.store.release()
    assert len(bench.answers(reference_id)) == 1


def test_nothing_is_dialed_unless_the_agent_dials():
    bench = desk()
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    bench.preview()
    bench.pass_(30)
    assert bench.switch.dialed == [] and bench.session.under_way == 0


def test_agents_get_records_of_their_own():
    bench = desk("7001", "7002")
    assert bench.preview("7001").record_handle != bench.preview("7002").record_handle
    assert bench.preview("7001").record.phone == "+12125550003"     # type: ignore[union-attr]


def test_an_agent_may_look_at_so_many_records_and_not_at_the_whole_list():
    bench = desk()
    for _ in range(10):
        bench.preview()
    answer = bench.ask("7001", "PreviewRecordRequest")
    assert answer.error_number == 11 and "10 records" in (answer.error or "")


def test_a_rejected_preview_goes_back_as_it_came():
    bench = desk(records=one())
    event = bench.preview()
    answer = bench.ask("7001", "RecordReject", record_handle=event.record_handle)
    assert answer.name == "RecordRejectAcknowledge"
    left = bench.record()
    assert (left.record_status, left.attempt, left.call_result) == (RecordStatus.READY, 0, CallResult.UNKNOWN)
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED and not bench.session.held
    assert bench.ask("7001", "RecordReject", record_handle=event.record_handle).error_number == 6


def test_a_preview_that_the_agent_dials_is_followed_by_its_handle():
    bench = desk(records=one())
    event = bench.preview()
    conn_id = bench.dial_preview(event)
    assert bench.state() is ChainState.CALLING
    bench.switch.connected(conn_id, "7001")
    bench.switch.over(conn_id, "7001")
    (attempt,) = bench.attempts(1)
    assert (attempt.state, attempt.conn_id, attempt.call_result, attempt.agent_id) == (
        AttemptState.CLOSED, conn_id, CallResult.ANSWER, "1001")
    assert bench.record().attempt == 1
    bench.ask("7001", "RecordProcessed", record_handle=event.record_handle, call_result=33)
    assert not bench.session.held and bench.record().record_status is RecordStatus.UPDATED


def test_a_busy_preview_stays_with_the_agent_and_is_treated_when_the_agent_goes_on():
    bench = desk(records=one())
    conn_id = bench.dial_preview(bench.preview())
    bench.switch.over(conn_id, call_state=6)
    assert bench.state() is ChainState.WITH_AGENT and bench.record().call_result is CallResult.BUSY
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    assert bench.state() is ChainState.WAITING and bench.attempts(1)[0].treatment == "busy"


def test_a_preview_that_is_dialed_twice_has_two_attempts():
    bench = desk(records=one())
    event = bench.preview()
    bench.switch.over(bench.dial_preview(event), call_state=6)
    conn_id = bench.dial_preview(event)
    bench.switch.connected(conn_id, "7001")
    bench.switch.over(conn_id, "7001")
    first, second = sorted(bench.attempts(1), key=lambda each: each.number)
    assert (first.call_result, second.call_result) == (CallResult.BUSY, CallResult.ANSWER)
    assert (first.number, second.number) == (1, 2) and bench.record().attempt == 2


def test_a_second_call_while_the_first_goes_on_changes_nothing():
    bench = desk(records=chain(1, 2))
    event = bench.preview()
    first = bench.dial_preview(event)
    bench.dial_preview(event)
    held = bench.holder()
    sibling = tuple((key, held.first_handle + 1 if key == "GSW_RECORD_HANDLE" else value) for key, value in event.raw)
    bench.switch.agent_calls("7001", "+12125550002", sibling)
    assert held.index == 0 and held.call is not None and held.call.conn_id == first
    assert len(bench.session.calls) == 1 and len(bench.memory.attempts) == 1


def test_an_attempt_of_a_second_dial_that_cannot_be_written_is_written_at_the_end_of_the_call():
    bench = desk(records=one())
    event = bench.preview()
    bench.switch.over(bench.dial_preview(event), call_state=6)
    bench.store.failing.add("open_attempts")
    conn_id = bench.dial_preview(event)
    bench.switch.over(conn_id, call_state=7)
    assert [each.call_result for each in bench.attempts(1)] == [CallResult.BUSY, CallResult.NO_ANSWER]


def test_somebody_elses_handle_on_a_call_is_not_followed():
    bench = desk("7001", "7002", records=one())
    bench.dial_preview(bench.preview("7001"), "7002")
    assert bench.state() is ChainState.WITH_AGENT and not len(bench.session.calls)


def test_another_number_of_the_chain_is_dialed_with_its_own_handle_and_attempt():
    bench = desk(records=chain(1, 2))
    event = bench.preview()
    answers = bench.answers(bench.tell("7001", "ChainedRecordRequest", record_handle=event.record_handle))
    assert [each.name for each in answers] == ["ChainedRecord", "ChainedRecordsDataEnd"]
    other = answers[0].record
    assert other is not None and other.phone == "+12125550002" and other.record_handle == event.record_handle + 1
    conn_id = bench.switch.agent_calls("7001", other.phone, answers[0].raw)
    bench.switch.connected(conn_id, "7001")
    bench.switch.over(conn_id, "7001")
    bench.ask("7001", "RecordProcessed", record_handle=other.record_handle, call_result=33)
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED
    assert [(each.state, each.call_result) for each in bench.attempts(2)] == [(AttemptState.CLOSED, CallResult.ANSWER)]
    first, second = bench.record(1), bench.record(2)
    assert (first.record_status, first.attempt) == (RecordStatus.CHAIN_UPDATED, 0)
    assert (second.record_status, second.attempt) == (RecordStatus.UPDATED, 1) and not bench.session.held


def test_a_preview_that_was_never_dialed_is_settled_by_the_agents_word():
    bench = desk(records=one())
    event = bench.preview()
    bench.ask("7001", "RecordProcessed", record_handle=event.record_handle, call_result=40)
    assert bench.record().call_result is CallResult.WRONG_PARTY
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED


def test_a_preview_that_was_never_dialed_goes_back_when_the_agent_logs_out():
    bench = desk(records=one())
    bench.preview()
    bench.logout("7001")
    assert bench.record().record_status is RecordStatus.READY and bench.attempts(1)[0].state is AttemptState.NOT_DIALED


def test_a_preview_that_was_never_dialed_is_stale_after_a_while():
    bench = desk(records=one(), options=EngineOptions(stale_clean_s=600.0))
    bench.preview()
    bench.pass_(601)
    assert bench.record().record_status is RecordStatus.STALE and not bench.session.held


def test_a_preview_stays_while_the_agent_goes_ready():
    bench = desk(records=one())
    bench.preview()
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    assert bench.state() is ChainState.WITH_AGENT


# -- when there is none -------------------------------------------------------------------------------------------
def test_an_empty_list_has_no_record_to_look_at():
    bench = desk(records=[])
    answer = bench.ask("7001", "PreviewRecordRequest")
    assert (answer.name, answer.error, answer.error_number) == ("PreviewRecordEmpty", "No Records Available", 5)


def test_a_session_that_is_paused_or_without_link_gives_no_records():
    bench = desk()
    bench.session.pause()
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 5


def test_a_session_that_does_not_run_and_one_in_another_mode_say_so():
    bench = desk()
    bench.session.stop()
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 4
    bench = Bench(mode=DialingMode.PROGRESSIVE)
    bench.login("7001")
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 9


def test_a_desk_at_which_nobody_is_logged_in_gets_no_record():
    bench = Bench(mode=PREVIEW)
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 5 and bench.memory.attempts == {}


def test_records_that_must_not_be_dialed_are_not_shown():
    bench = desk(records=[record(1), record(2, daily_from=0, daily_till=60), record(3)])
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))
    event = bench.preview()
    assert event.record.phone == "+12125550003"     # type: ignore[union-attr]
    assert bench.record(1).record_type is RecordType.NO_CALL


def test_a_number_that_is_blocked_while_its_attempt_is_written_is_not_shown():
    bench = desk(records=[record(1), record(2)])
    bench.store.held.add("open_attempts")
    reference_id = bench.tell("7001", "PreviewRecordRequest")
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))
    bench.store.held.clear()
    bench.store.release()
    (answer,) = bench.answers(reference_id)
    assert answer.record is not None and answer.record.phone == "+12125550002"
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED


def test_an_agent_who_logs_out_while_the_attempt_is_written_gets_nothing():
    bench = desk()
    bench.store.held.add("open_attempts")
    reference_id = bench.tell("7001", "PreviewRecordRequest")
    bench.logout("7001")
    bench.store.release()
    (answer,) = bench.answers(reference_id)
    assert answer.error_number == 5
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED
    assert all(held.state is ChainState.BUFFERED for held in bench.session.held)


def test_a_preview_while_nothing_can_be_retrieved_is_of_the_buffer():
    bench = desk(records=one(), running=True)
    bench.store.failing.add("claim_chains")
    assert bench.preview().record.phone == "+12125550001"       # type: ignore[union-attr]
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 10


def test_a_preview_that_the_database_refuses_is_an_error_and_the_record_is_not_lost():
    bench = desk(records=one(), running=True)
    bench.store.failing.add("open_attempts")
    assert bench.ask("7001", "PreviewRecordRequest").error_number == 10
    bench.store.failing.clear()
    bench.pass_(11)
    assert bench.preview().record.phone == "+12125550001"       # type: ignore[union-attr]


def test_a_session_unloaded_while_the_attempt_is_written_takes_the_record_back():
    bench = desk(records=one())
    bench.store.held.add("open_attempts")
    reference_id = bench.tell("7001", "PreviewRecordRequest")
    unloaded = bench.session.force_unload()
    bench.store.release()
    assert unloaded.called and bench.answers(reference_id)[0].error_number == 5
    bench.unloaded()


# -- personal records ---------------------------------------------------------------------------------------------
def test_a_record_that_is_meant_for_an_agent_goes_to_that_agent_first_and_to_no_other():
    mine = record(9, record_type=RecordType.PERSONAL_CALLBACK, agent_id="1002")
    bench = desk("7001", "7002", records=[record(1), record(2), mine])
    assert bench.preview("7001").record.phone == "+12125550001"     # type: ignore[union-attr]
    assert bench.preview("7002").record.phone == "+12125550009"     # type: ignore[union-attr]
    assert bench.preview("7002").record.phone == "+12125550002"     # type: ignore[union-attr]


def test_a_personal_record_that_its_agent_gives_back_is_not_the_next_one_again():
    mine = record(9, record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001")
    bench = desk(records=[record(1), mine], options=EngineOptions(callback_again_s=120.0))
    event = bench.preview()
    assert event.record is not None and event.record.chain_id == 9
    bench.ask("7001", "RecordReject", record_handle=event.record_handle)
    assert bench.preview().record.chain_id == 1     # type: ignore[union-attr]
    left = bench.record(9)
    assert (left.record_type, left.agent_id, left.record_status) == (RecordType.PERSONAL_CALLBACK, "1001", RecordStatus.READY)
    assert left.dial_sched_time == int(bench.clock.wall()) + 120


# -- taken back ---------------------------------------------------------------------------------------------------
def test_a_preview_whose_number_becomes_do_not_call_is_taken_back():
    bench = desk("7001", "7002", records=[record(1), record(2)])
    event = bench.preview("7001")
    answer = bench.ask("7002", "DoNotCall", phone="+1 (212) 555-0001")
    assert answer.name == "DoNotCallAcknowledge"
    (cancel,) = [each for dn, each in bench.heard if each.name == "RecordCancel"]
    assert cancel.record_handle == event.record_handle
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED
    assert bench.ask("7001", "RecordProcessed", record_handle=event.record_handle).error_number == 6


def test_a_preview_of_another_number_stays():
    bench = desk("7001", "7002", records=[record(1), record(2)])
    bench.preview("7001")
    bench.ask("7002", "DoNotCall", phone="+12125550002")
    assert "RecordCancel" not in bench.news("7001")


def test_do_not_call_for_a_preview_settles_it_and_keeps_the_other_numbers():
    bench = desk(records=chain(1, 2))
    event = bench.preview()
    bench.ask("7001", "DoNotCall", record_handle=event.record_handle)
    assert bench.record(1).record_type is RecordType.NO_CALL and bench.record(2).record_status is RecordStatus.READY
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED


def test_a_cancelled_preview_of_a_whole_chain_is_cancelled():
    bench = desk(records=chain(1, 2))
    event = bench.preview()
    bench.ask("7001", "RequestRecordCancel", record_handle=event.record_handle, chain_attr=ChainAttribute.ALL_CHAIN)
    assert {each.record_status for each in bench.records().values()} == {RecordStatus.CANCELLED}


def test_a_request_that_waits_for_the_database_when_the_engine_stops_is_answered():
    bench = desk(records=one())
    bench.store.held.add("claim_chains")
    reference_id = bench.tell("7001", "PreviewRecordRequest")
    stopped = Deferred.fromCoroutine(bench.engine.stop(10.0))
    bench.store.release()
    bench.pass_(0)
    assert len(bench.answers(reference_id)) == 1 and stopped.called
