"""A record with the agent who talked: every word that settles it, and every way without one."""
from __future__ import annotations

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import AttemptState
from ocs.scheduler.context import EngineOptions
from protocols.desktop.dates import format_date_time, parse_date_time
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment
from tests.doubles.clock import epoch
from tests.scheduler.bench import RETRY_BUSY, Bench, chain, one

LATER = parse_date_time("03/11/2026 10:30")             # in New York, where the records are
LATER_AT = int(epoch("2026-03-11T10:30-04:00"))


def with_agent(during: bool, **values: object) -> tuple[Bench, int]:
    """A record after its call, or during it; its handle."""
    bench = Bench(values.pop("records", None) or one(), **values)     # type: ignore[arg-type]
    bench.ready("7001")
    asked = bench.talk()
    if not during:
        bench.hang_up(asked)
    return bench, bench.holder().handle


def finished(bench: Bench, during: bool) -> None:
    """The call ends, if it still goes on; nothing is held then."""
    if during:
        assert bench.state() is ChainState.TRAILING and len(bench.session.calls) == 1
        bench.hang_up(bench.switch.dialed[0])
    assert not bench.session.held and not len(bench.session.calls) and len(bench.context.handles) == 0
    assert all(each.state is AttemptState.CLOSED and each.ended_at for each in bench.memory.attempts.values())


@pytest.mark.parametrize("during", [True, False])
def test_record_processed_settles_the_record_with_the_agents_result(during):
    bench, handle = with_agent(during)
    answer = bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=40)
    assert answer.name == "RecordProcessedAcknowledge" and answer.record_handle == handle
    left = bench.record()
    assert (left.record_status, left.call_result, left.attempt) == (RecordStatus.UPDATED, CallResult.WRONG_PARTY, 1)
    finished(bench, during)
    assert bench.record() == left and bench.attempts(1)[0].call_result is CallResult.WRONG_PARTY


@pytest.mark.parametrize("during", [True, False])
def test_record_processed_without_a_result_means_answer(during):
    bench, handle = with_agent(during, records=one(call_result=CallResult.NO_ANSWER))
    bench.ask("7001", "RecordProcessed", record_handle=handle)
    finished(bench, during)
    assert bench.record().call_result is CallResult.ANSWER and bench.attempts(1)[0].call_result is CallResult.ANSWER


@pytest.mark.parametrize("during", [True, False])
def test_record_processed_with_a_treatment_follows_it(during):
    bench, handle = with_agent(during)
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=6, treatment=RecordTreatment.CAMPAIGN)
    left = bench.record()
    assert left.dial_sched_time == int(bench.clock.wall() + 300) and left.record_type is RecordType.CAMPAIGN_RESCHEDULED
    assert left.record_status is (RecordStatus.READY if during else RecordStatus.RETRIEVED)
    assert bench.attempts(1)[0].treatment == "busy"


def test_record_processed_with_a_personal_treatment_reschedules_for_that_agent():
    bench, handle = with_agent(False)
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=6, treatment=RecordTreatment.PERSONAL)
    left = bench.record()
    assert (left.record_type, left.agent_id, left.record_status) == (
        RecordType.PERSONAL_RESCHEDULED, "1001", RecordStatus.READY)


@pytest.mark.parametrize("during", [True, False])
@pytest.mark.parametrize("kind, record_type, agent_id", [
    (CallbackType.PERSONAL, RecordType.PERSONAL_CALLBACK, "1001"), (CallbackType.CAMPAIGN, RecordType.CAMPAIGN_CALLBACK, None)])
def test_record_reschedule_puts_the_record_back_for_its_local_time(during, kind, record_type, agent_id):
    bench, handle = with_agent(during)
    answer = bench.ask("7001", "RecordReschedule", record_handle=handle, date_time=LATER, callback_type=kind)
    assert answer.name == "RecordRescheduleAcknowledge"
    left = bench.record()
    assert (left.record_status, left.record_type, left.dial_sched_time, left.agent_id, left.call_result) == (
        RecordStatus.READY, record_type, LATER_AT, agent_id, CallResult.ANSWER)
    finished(bench, during)
    assert bench.record() == left


def test_record_processed_after_a_reschedule_is_acknowledged_and_changes_nothing():
    bench, handle = with_agent(False)
    bench.ask("7001", "RecordReschedule", record_handle=handle, date_time=LATER, callback_type=CallbackType.CAMPAIGN)
    left = bench.record()
    assert bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=33).name == "RecordProcessedAcknowledge"
    assert bench.record() == left


@pytest.mark.parametrize("during", [True, False])
def test_do_not_call_settles_the_record_and_blocks_the_number_before_it_is_acknowledged(during):
    bench, handle = with_agent(during)
    answer = bench.ask("7001", "DoNotCall", record_handle=handle)
    assert answer.name == "DoNotCallAcknowledge"
    left = bench.record()
    assert (left.record_type, left.record_status, left.call_result) == (
        RecordType.NO_CALL, RecordStatus.UPDATED, CallResult.DO_NOT_CALL)
    (entry,) = bench.wait(bench.memory.do_not_call())
    assert entry.phone == left.contact_info and entry.internal and entry.time_stamp == int(bench.clock.wall())
    assert bench.context.do_not_call.blocks("any", left.contact_info) == "phone"
    assert bench.ask("7001", "RecordProcessed", record_handle=handle).name == "RecordProcessedAcknowledge"
    finished(bench, during)
    assert bench.record() == left


def test_do_not_call_for_the_whole_chain_blocks_every_number_of_the_contact():
    bench, handle = with_agent(False, records=chain(1, 2, 3))
    bench.ask("7001", "DoNotCall", record_handle=handle, chain_attr=ChainAttribute.ALL_CHAIN)
    assert {entry.phone for entry in bench.wait(bench.memory.do_not_call())} == {
        each.contact_info for each in bench.records().values()}
    assert all(each.record_type is RecordType.NO_CALL for each in bench.records().values())


def test_do_not_call_for_one_record_closes_the_contact_that_was_talked_to_without_blocking_its_other_numbers():
    bench, handle = with_agent(False, records=chain(1, 2))
    bench.ask("7001", "DoNotCall", record_handle=handle)
    assert bench.record(2).record_status is RecordStatus.CHAIN_UPDATED
    assert bench.record(2).record_type is RecordType.GENERAL
    assert bench.context.do_not_call.blocks("any", bench.record(2).contact_info) is None


@pytest.mark.parametrize("during", [True, False])
@pytest.mark.parametrize("chain_attr, sibling", [
    (ChainAttribute.RECORD_ONLY, RecordStatus.CHAIN_UPDATED), (ChainAttribute.ALL_CHAIN, RecordStatus.CANCELLED)])
def test_a_cancelled_record_is_cancelled(during, chain_attr, sibling):
    bench, handle = with_agent(during, records=chain(1, 2))
    answer = bench.ask("7001", "RequestRecordCancel", record_handle=handle, chain_attr=chain_attr)
    assert answer.name == "RecordCancelAcknowledge"
    assert bench.record(1).record_status is RecordStatus.CANCELLED
    assert bench.record(1).call_result is CallResult.CANCEL_RECORD and bench.record(2).record_status is sibling
    finished(bench, during)


@pytest.mark.parametrize("during", [True, False])
def test_an_update_is_written_at_once_and_the_agents_word_outlasts_the_call(during):
    bench, handle = with_agent(during)
    answer = bench.ask("7001", "UpdateCallCompletionStats", record_handle=handle, call_result=40,
                       others=(("CustomerName", "Jane"), ("Age", "41"), ("Nonsense", "x")))
    assert answer.name == "UpdateCallCompletionStatsAcknowledge"
    assert bench.record().fields == {"name": "Jane", "age": 41} and bench.record().call_result is CallResult.WRONG_PARTY
    if during:
        assert bench.state() is ChainState.CALLING
        bench.hang_up(bench.switch.dialed[0])
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    assert bench.record().call_result is CallResult.WRONG_PARTY
    assert bench.attempts(1)[0].call_result is CallResult.WRONG_PARTY and not bench.session.held


def test_a_field_that_does_not_fit_is_refused_by_its_name_and_nothing_changes():
    bench, handle = with_agent(False)
    before = bench.record()
    for value in ("forty", "1" * 40, 2 ** 70, b"x"):
        answer = bench.ask("7001", "UpdateCallCompletionStats", record_handle=handle, others=(("Age", value),))
        assert answer.error_number == 2 and "Age" in (answer.error or "")
    answer = bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=40, others=(("name", "x" * 300),))
    assert answer.error_number == 2 and "name" in (answer.error or "")
    assert bench.record() == before and bench.state() is ChainState.WITH_AGENT


# -- without a word -----------------------------------------------------------------------------------------------
def test_an_agent_who_goes_ready_leaves_the_record_with_what_the_call_told():
    bench, handle = with_agent(False)
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    assert not bench.session.held and bench.record().call_result is CallResult.ANSWER
    assert bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=40).error_number == 6


def test_an_agent_who_takes_the_next_call_leaves_the_record():
    bench, _ = with_agent(False)
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="another")
    assert not bench.session.held


def test_a_result_that_the_agent_noted_gets_its_treatment_when_the_agent_goes_ready():
    bench, handle = with_agent(False)
    bench.ask("7001", "UpdateCallCompletionStats", record_handle=handle, call_result=6)
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    assert bench.state() is ChainState.WAITING and bench.record().call_result is CallResult.BUSY


def test_an_agent_who_logs_out_leaves_the_record():
    bench, _ = with_agent(False)
    bench.logout("7001")
    assert not bench.session.held and bench.record().record_status is RecordStatus.UPDATED


def test_an_agent_who_is_gone_when_the_call_ends_does_not_keep_the_record():
    bench, _ = with_agent(True)
    bench.logout("7001")
    assert bench.state() is ChainState.CALLING
    bench.switch.over(bench.switch.dialed[0].conn_id, "7001")
    assert not bench.session.held and bench.record().call_result is CallResult.ANSWER


def test_another_agent_at_the_same_desk_does_not_inherit_the_record():
    bench, handle = with_agent(False)
    bench.switch.go_down()
    bench.switch.go_up()
    bench.switch.agent(AgentEventKind.LOGIN, "7001", "1999")
    assert not bench.session.held
    assert bench.ask("7001", "RecordProcessed", record_handle=handle).error_number == 6


def test_an_agent_who_forgets_a_record_keeps_it_until_the_stale_time_out():
    bench, _ = with_agent(False, options=EngineOptions(stale_clean_s=1800.0))
    bench.pass_(1799)
    assert bench.session.held
    bench.pass_(2)
    assert not bench.session.held and bench.record().call_result is CallResult.ANSWER
    bench.session.unload()
    bench.unloaded()


@pytest.mark.parametrize("where", [{"options": EngineOptions(record_processed=True)}, {"record_processed": True},
                                   {"calling_list": {"record_processed": True}}], ids=["server", "campaign group", "list"])
def test_where_the_word_is_waited_for_only_the_word_settles_the_record(where):
    bench, handle = with_agent(False, **where)
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="another")
    assert bench.state() is ChainState.WITH_AGENT
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=40)
    assert not bench.session.held


def test_where_the_word_is_waited_for_and_does_not_come_the_record_is_stale():
    bench, _ = with_agent(False, options=EngineOptions(record_processed=True, stale_clean_s=600.0))
    bench.pass_(601)
    left = bench.record()
    assert (left.record_status, left.call_result) == (RecordStatus.STALE, CallResult.STALE)
    assert bench.attempts(1)[0].call_result is CallResult.STALE and not bench.session.held


def test_where_the_word_is_waited_for_logging_out_ends_the_wait():
    bench, _ = with_agent(False, options=EngineOptions(record_processed=True))
    bench.logout("7001")
    assert not bench.session.held


# -- whose record -------------------------------------------------------------------------------------------------
REQUESTS = {
    "RecordProcessed": {}, "UpdateCallCompletionStats": {}, "RecordReject": {}, "RequestRecordCancel": {}, "DoNotCall": {},
    "ChainedRecordRequest": {}, "RecordReschedule": {"date_time": LATER, "callback_type": CallbackType.CAMPAIGN},
    "ScheduledRecordReschedule": {"date_time": LATER, "callback_type": CallbackType.CAMPAIGN}}


@pytest.mark.parametrize("name", REQUESTS)
def test_nobody_touches_a_record_of_somebody_else(name):
    bench, handle = with_agent(False)
    bench.login("7002")
    before = bench.record()
    answer = bench.ask("7002", name, record_handle=handle, **REQUESTS[name])
    assert answer.error_number == 6 and answer.record_handle == handle
    assert bench.record() == before and bench.state() is ChainState.WITH_AGENT and not len(bench.context.do_not_call)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_handle_that_nobody_gave_is_not_found(name):
    bench, handle = with_agent(False)
    assert bench.ask("7001", name, record_handle=handle + 1000, **REQUESTS[name]).error_number == 6
    assert bench.state() is ChainState.WITH_AGENT


@pytest.mark.parametrize("name", ["RecordProcessed", "RecordReschedule", "RequestRecordCancel", "DoNotCall"])
def test_a_second_request_for_a_settled_record_is_an_error(name):
    bench, handle = with_agent(False)
    bench.ask("7001", "RecordProcessed", record_handle=handle)
    left = bench.record()
    assert bench.ask("7001", name, record_handle=handle, **REQUESTS[name]).error_number == 6
    assert bench.record() == left and not len(bench.context.do_not_call)


def test_a_record_before_its_agent_has_it_is_nobodys():
    bench = Bench(one())
    bench.ready("7001")
    assert bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle).error_number == 6


def test_a_record_that_was_dialed_cannot_be_rejected():
    bench, handle = with_agent(False)
    answer = bench.ask("7001", "RecordReject", record_handle=handle)
    assert answer.error_number == 6 and "dialed" in (answer.error or "")
    assert bench.state() is ChainState.WITH_AGENT


# -- dates --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["03/10/2026 12:29", "01/01/2020 10:00", "12/31/9999 23:59"])
def test_a_date_that_is_past_or_beyond_the_calendar_is_refused_and_changes_nothing(text):
    bench, handle = with_agent(False)
    date = parse_date_time(text)
    assert format_date_time(date) == text
    answer = bench.ask("7001", "RecordReschedule", record_handle=handle, date_time=date, callback_type=CallbackType.CAMPAIGN)
    assert answer.error_number == 8 and "GSW_DATE_TIME" in (answer.error or "")
    assert bench.state() is ChainState.WITH_AGENT


# -- after the commit ---------------------------------------------------------------------------------------------
SETTLING = [name for name in REQUESTS if name not in ("RecordReject", "ChainedRecordRequest")]


@pytest.mark.parametrize("name", SETTLING)
def test_nothing_is_acknowledged_before_the_database_has_it(name):
    bench, handle = with_agent(False)
    bench.store.held.add("save")
    reference_id = bench.tell("7001", name, record_handle=handle, **REQUESTS[name])
    bench.pass_(30)
    assert bench.answers(reference_id) == []
    bench.store.release()
    (answer,) = bench.answers(reference_id)
    assert answer.error_number is None and answer.name.endswith("Acknowledge")


@pytest.mark.parametrize("name", SETTLING)
def test_a_request_that_the_database_refuses_is_an_error_and_written_later_all_the_same(name):
    bench, handle = with_agent(False)
    before = bench.record()
    bench.store.failing.add("save")
    answer = bench.ask("7001", name, record_handle=handle, call_result=40, **REQUESTS[name]) \
        if name in ("RecordProcessed", "UpdateCallCompletionStats") \
        else bench.ask("7001", name, record_handle=handle, **REQUESTS[name])
    assert answer.error_number == 10 and bench.record() == before
    bench.store.failing.clear()
    bench.pass_(6)
    assert bench.record() != before


def test_treatments_of_the_agents_word_are_followed_to_the_next_dial():
    again = Treatment("again", CallResult.WRONG_PARTY, TreatmentAction.RETRY_IN, dbid=8, interval_s=60.0)
    bench, handle = with_agent(False, treatments=(again, RETRY_BUSY))
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=40, treatment=RecordTreatment.CAMPAIGN)
    bench.ready("7002")
    bench.pass_(62)
    assert len(bench.switch.dialed) == 2 and bench.holder().agent_dn == ""
    assert bench.ask("7001", "RecordProcessed", record_handle=handle).error_number == 6, "it is not that agent's any more"
