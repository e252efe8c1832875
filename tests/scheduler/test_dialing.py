"""How many calls are placed, what is checked before each, and what becomes of a dial that does not come about."""
from __future__ import annotations

import pytest

from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.session import Condition
from ocs.dialing.values import AttemptState, DoNotCallEntry, Treatment, TreatmentAction
from ocs.scheduler.context import EngineOptions
from protocols.errors import LocalProtocolError, RequestTimedOut, TooManyRequests
from tests.doubles.clock import clock_at
from tests.scheduler.bench import CAMPAIGN, QUEUE, TRUNK, Bench, chain, one, record


def reason(bench: Bench) -> str:
    """The last decision in words, its condition before it."""
    bench.pass_(1)
    return f"{bench.session.loop.condition.value}: {bench.session.loop.decisions[-1].reason}"


# -- pacing -------------------------------------------------------------------------------------------------------
def test_one_call_is_placed_for_each_ready_agent():
    bench = Bench()
    bench.ready("7001", "7002", "7003")
    bench.pass_(20)
    assert bench.switch.numbers == ["+12125550001", "+12125550002", "+12125550003"]
    assert bench.session.under_way == 3


def test_a_call_that_came_to_nothing_makes_room_for_the_next():
    bench = Bench()
    bench.ready("7001")
    for place in range(5):
        assert len(bench.switch.dialed) == place + 1 and bench.session.under_way == 1
        bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=7)
        bench.pass_(0)


def test_an_agent_who_talks_or_is_not_ready_gets_no_call():
    bench = Bench()
    bench.login("7002")
    bench.ready("7001")
    bench.talk()
    bench.pass_(20)
    assert len(bench.switch.dialed) == 1 and bench.session.under_way == 0
    assert "no agent is ready" in reason(bench)


def test_dials_whose_attempts_are_being_written_count_as_under_way_and_as_ports():
    bench = Bench(multiplier=3.0, maximum_ports=3)
    bench.store.held.add("open_attempts")
    bench.ready("7001", "7002")
    bench.pass_(20)
    assert bench.session.under_way == 3 and bench.session.ports_in_use == 3
    assert reason(bench) .startswith("waiting for ports")
    bench.store.release()
    assert len(bench.switch.dialed) == 3


def test_no_more_dials_than_the_dialing_rate_in_any_second():
    bench = Bench(dialing_rate_limit=2.0)
    bench.ready("7001", "7002", "7003", "7004")
    assert len(bench.switch.dialed) == 2
    bench.pass_(0.9, step=0.1)
    assert len(bench.switch.dialed) == 2
    bench.pass_(1.2, step=0.1)
    assert len(bench.switch.dialed) == 4


def test_a_paused_session_dials_nothing_and_says_so():
    bench = Bench()
    bench.session.pause()
    bench.ready("7001")
    assert bench.switch.dialed == [] and reason(bench) == "paused: paused"
    bench.session.resume()
    bench.pass_(0)
    assert len(bench.switch.dialed) == 1


def test_without_the_link_nothing_is_dialed_and_the_reason_says_so():
    bench = Bench()
    bench.switch.go_down()
    bench.pass_(5)
    assert reason(bench) == "system error: no link to the T-Server"
    assert bench.session.loop.condition is Condition.SYSTEM_ERROR


def test_without_a_picture_of_the_agents_nothing_is_dialed_until_it_is_back_and_the_reason_says_so(monkeypatch, logged):
    bench = Bench()
    bench.ready("7001", "7002")
    monkeypatch.setattr(bench.agents, "blind", lambda group: f"nobody tells of {group.group.name}")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    bench.pass_(5)
    assert len(bench.switch.dialed) == 2 and reason(bench) == "system error: nobody tells of sales"
    monkeypatch.undo()
    bench.engine.agents_changed()
    bench.pass_(0)
    assert len(bench.switch.dialed) == 3, "at once, not at the next tick"
    told = [text for text in logged.texts() if "dial" in text]
    assert told == ["spring@sales does not dial: nobody tells of sales", "spring@sales dials again"]


def test_a_dial_that_is_prepared_when_the_agents_go_out_of_sight_does_not_take_place(monkeypatch):
    bench = Bench()
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    monkeypatch.setattr(bench.agents, "blind", lambda group: "nobody tells of it")
    bench.store.release()
    bench.pass_(5)
    assert bench.switch.dialed == [] and bench.session.under_way == 0
    assert [each.state for each in bench.attempts(1)] == [AttemptState.NOT_DIALED]


def test_without_records_the_session_waits_for_records():
    bench = Bench([])
    bench.ready("7001")
    assert reason(bench).startswith("waiting for records")


def test_calls_go_out_on_behalf_of_the_queue_or_of_the_trunk_group():
    bench = Bench()
    bench.ready("7001")
    assert bench.switch.dialed[0].dn == QUEUE
    bench = Bench(trunk_group_dn=TRUNK)
    bench.ready("7001")
    assert bench.switch.dialed[0].dn == TRUNK


# -- the attempt goes before the dial -----------------------------------------------------------------------------
def test_the_attempt_is_committed_before_the_switch_is_asked():
    bench = Bench()
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    bench.pass_(30)
    assert bench.switch.dialed == []
    bench.store.release()
    (asked,) = bench.switch.dialed
    (attempt,) = bench.attempts(1)
    assert asked.guid == attempt.guid and attempt.state is AttemptState.OPEN


def test_an_attempt_that_cannot_be_written_is_not_dialed_and_dialing_goes_on_when_it_can():
    bench = Bench(options=EngineOptions(system_error_pause_s=10.0))
    bench.store.failing.add("open_attempts")
    bench.ready("7001", "7002")
    bench.pass_(5)
    assert bench.switch.dialed == [] and bench.session.under_way == 0
    assert "the attempt could not be written" in reason(bench)
    bench.store.failing.clear()
    bench.pass_(10)
    assert sorted(bench.switch.numbers) == ["+12125550001", "+12125550002"]


def blocked(bench: Bench) -> None:
    bench.engine.block(DoNotCallEntry(phone="+12125550001"))


def stopped(bench: Bench) -> None:
    bench.session.stop()


def cut(bench: Bench) -> None:
    bench.switch.go_down()


def paused(bench: Bench) -> None:
    bench.session.pause()


def unloaded(bench: Bench) -> None:
    bench.session.unload()


@pytest.mark.parametrize("happens", [blocked, stopped, cut, paused, unloaded])
def test_what_happens_between_the_commit_and_the_dial_is_honoured(happens):
    bench = Bench(one())
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    happens(bench)
    bench.store.release()
    bench.pass_(2)
    assert bench.switch.dialed == [] and bench.session.under_way == 0
    assert [attempt.state for attempt in bench.attempts(1)] == [AttemptState.NOT_DIALED]
    if happens is blocked:
        assert bench.record().record_type is RecordType.NO_CALL and bench.record().call_result is CallResult.DO_NOT_CALL
    elif happens is unloaded:
        bench.unloaded()
    else:
        assert bench.state() is ChainState.BUFFERED and bench.record().attempt == 0


def test_when_a_number_is_blocked_between_the_commit_and_the_dial_the_next_of_the_chain_is_dialed():
    bench = Bench(chain(1, 2))
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    blocked(bench)
    bench.store.release()
    bench.store.held.clear()
    bench.pass_(2)
    assert bench.switch.numbers == ["+12125550002"]
    assert bench.holder(2).record.record_id == 2


def test_a_chain_is_not_dialed_again_before_its_last_attempt_is_written_as_closed():
    bench = Bench(one())
    bench.ready("7001")
    bench.store.failing.add("save")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(320)
    assert len(bench.switch.dialed) == 1 and len(bench.attempts(1)) == 1
    bench.store.failing.clear()
    bench.pass_(12)
    assert [each.state for each in bench.attempts(1)] == [AttemptState.CLOSED, AttemptState.OPEN]
    assert len(bench.switch.dialed) == 2


def test_a_session_unloaded_while_the_last_attempt_is_written_opens_no_other():
    bench = Bench(one())
    bench.ready("7001")
    bench.store.held.add("save")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(302)
    assert bench.state() is ChainState.OPENING
    unloaded = bench.session.force_unload()
    bench.store.held.clear()
    while bench.store.release():
        pass
    assert unloaded.called and len(bench.switch.dialed) == 1
    assert all(each.state is not AttemptState.OPEN for each in bench.attempts(1))
    bench.unloaded()


# -- checks before the dial ---------------------------------------------------------------------------------------
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


# -- dials that do not come about ---------------------------------------------------------------------------------
@pytest.mark.parametrize("code", [53, 71, 169])
def test_a_number_that_the_switch_refuses_gets_dial_error_and_the_next_is_dialed(code):
    bench = Bench()
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    bench.switch.refuse(bench.switch.dialed[0], code)
    bench.pass_(0)
    left, (attempt,) = bench.record(), bench.attempts(1)
    assert left.record_status is RecordStatus.UPDATED and left.call_result is CallResult.DIAL_ERROR
    assert attempt.state is AttemptState.NOT_DIALED and attempt.call_result is CallResult.DIAL_ERROR
    assert len(bench.switch.dialed) == 2 and bench.session.under_way == 1


@pytest.mark.parametrize("code", [54, 59, 166, 79])
def test_a_switch_that_refuses_for_its_own_reasons_is_left_alone_for_a_while_and_the_record_is_next_again(code):
    bench = Bench(options=EngineOptions(system_error_pause_s=10.0))
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    bench.switch.refuse(bench.switch.dialed[0], code)
    assert "refuses to dial" in reason(bench)
    bench.pass_(8)
    assert len(bench.switch.dialed) == 1 and bench.session.under_way == 0
    bench.pass_(2)
    first, second = bench.switch.dialed
    assert second.destination == first.destination and second.guid != first.guid
    assert [attempt.state for attempt in bench.attempts(1)] == [AttemptState.NOT_DIALED, AttemptState.OPEN]


def test_a_full_link_is_a_reason_of_the_switch():
    bench = Bench()
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    bench.switch.fail(bench.switch.dialed[0], TooManyRequests("full"))
    bench.pass_(11)
    assert len(bench.switch.dialed) == 2


def test_a_record_whose_data_do_not_fit_into_a_request_gets_dial_error():
    bench = Bench(one())
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    bench.switch.fail(bench.switch.dialed[0], LocalProtocolError("frame of 70000 octets"))     # type: ignore[arg-type]
    assert bench.record().call_result is CallResult.DIAL_ERROR and not bench.session.held


def test_dial_errors_with_a_treatment_end_after_its_cycles():
    again = Treatment("error", CallResult.DIAL_ERROR, TreatmentAction.RETRY_IN, dbid=3, cycle_attempts=2, interval_s=60.0)
    bench = Bench(one(), treatments=(again,))
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    for _ in range(3):
        bench.switch.refuse(bench.switch.dialed[-1], 71)
        bench.pass_(62)
    assert len(bench.switch.dialed) == 3 and bench.record().record_status is RecordStatus.UPDATED


# -- outcome unknown ----------------------------------------------------------------------------------------------
def unanswered(bench: Bench) -> Bench:
    bench.switch.silent.add("make_predictive_call")
    bench.ready("7001")
    assert len(bench.switch.dialed) == 1
    return bench


def test_a_dial_request_that_timed_out_is_not_repeated_and_its_call_is_found_by_its_events():
    bench = unanswered(Bench(one()))
    bench.switch.fail(bench.switch.dialed[0], RequestTimedOut("RequestMakePredictiveCall", 10.0))
    bench.pass_(60)
    assert len(bench.switch.dialed) == 1 and bench.session.under_way == 1
    asked = bench.switch.dialed[0]
    bench.switch.calls["c1"], asked.conn_id = asked, "c1"
    bench.talk()
    bench.hang_up(asked)
    (attempt,) = bench.attempts(1)
    assert attempt.conn_id == "c1" and attempt.call_result is CallResult.ANSWER


def test_a_dial_request_that_timed_out_without_a_call_is_unknown_when_its_lease_is_over():
    bench = unanswered(Bench(one()))
    bench.switch.fail(bench.switch.dialed[0], RequestTimedOut("RequestMakePredictiveCall", 10.0))
    bench.pass_(91)
    assert bench.attempts(1)[0].state is AttemptState.UNKNOWN and bench.record().attempt == 1
    assert bench.session.under_way == 0 and not bench.session.held


def test_a_call_that_the_link_lost_is_followed_again_by_its_guid():
    bench = unanswered(Bench(one()))
    asked = bench.switch.dialed[0]
    bench.switch.go_down()
    bench.switch.calls["c1"], asked.conn_id = asked, "c1"       # it was dialed after all
    bench.pass_(200)
    assert len(bench.session.calls) == 1
    bench.switch.go_up()
    bench.ready("7001")
    bench.talk()
    bench.hang_up(asked)
    (attempt,) = bench.attempts(1)
    assert attempt.call_result is CallResult.ANSWER and attempt.conn_id == "c1" and bench.record().attempt == 1
    assert len(bench.switch.dialed) == 1


def test_a_dial_that_the_link_lost_and_the_switch_does_not_have_is_unknown_and_counts():
    bench = unanswered(Bench(one()))
    bench.switch.go_down()
    bench.pass_(10)
    bench.switch.go_up()
    (attempt,) = bench.attempts(1)
    assert attempt.state is AttemptState.UNKNOWN and attempt.call_result is CallResult.UNKNOWN
    assert bench.record().call_result is CallResult.UNKNOWN and bench.record().attempt == 1
    assert len(bench.switch.dialed) == 1 and bench.session.under_way == 0


def test_a_call_that_ended_while_the_link_was_down_is_unknown():
    bench = Bench(one())
    bench.ready("7001")
    bench.switch.go_down()
    bench.switch.calls.clear()
    bench.switch.go_up()
    assert bench.attempts(1)[0].state is AttemptState.UNKNOWN and not len(bench.session.calls)


def test_a_talk_that_ended_while_the_link_was_down_was_an_answer():
    bench = Bench(one())
    bench.ready("7001")
    bench.talk()
    bench.switch.go_down()
    bench.switch.calls.clear()
    bench.switch.go_up()
    assert bench.record().call_result is CallResult.ANSWER


def test_calls_wait_while_the_link_is_down_however_long():
    bench = Bench(one())
    bench.ready("7001")
    bench.switch.go_down()
    bench.pass_(3600, step=10.0)
    assert len(bench.session.calls) == 1
    bench.switch.go_up()
    assert len(bench.session.calls) == 1


def test_a_call_without_news_is_given_up_and_released_when_its_lease_is_over():
    bench = Bench(one(), options=EngineOptions(lease_s=60.0), ring_timeout_s=30.0)
    bench.switch.silent.add("release_call")
    bench.ready("7001")
    bench.pass_(89)
    assert len(bench.session.calls) == 1
    bench.pass_(2)
    assert [asked.name for asked in bench.switch.of("release_call")] == ["release_call"]
    assert bench.attempts(1)[0].state is AttemptState.UNKNOWN and not bench.session.held
    bench.session.unload()
    bench.unloaded()


def test_a_second_call_with_the_same_user_data_does_not_take_over_the_first():
    bench = Bench(one())
    bench.ready("7001")
    asked = bench.talk()
    consult = bench.switch.agent_calls("7001", "7002", asked.user_data)
    bench.switch.over(consult, "7001")
    assert len(bench.session.calls) == 1 and bench.state() is ChainState.CALLING
    bench.hang_up(asked)
    assert bench.attempts(1)[0].conn_id == asked.conn_id


# -- trunk group --------------------------------------------------------------------------------------------------
def answered_at_trunk(bench: Bench, call_state: int = 0) -> str:
    from ocs.dialing.call import SwitchEvent
    bench.ready("7001")
    conn_id = bench.switch.dialed[0].conn_id
    bench.switch.call_event(SwitchEvent.ESTABLISHED, conn_id, TRUNK, call_state)
    return conn_id


def test_a_person_at_the_trunk_group_is_moved_to_the_agents():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    conn_id = answered_at_trunk(bench)
    (moved,) = bench.switch.of("transfer_call")
    assert (moved.dn, moved.conn_id, moved.destination) == (TRUNK, conn_id, QUEUE)


@pytest.mark.parametrize("machine", [9, 17, 32])
def test_a_machine_at_the_trunk_group_is_released_with_its_result(machine):
    bench = Bench(one(), trunk_group_dn=TRUNK)
    answered_at_trunk(bench, machine)
    assert [asked.dn for asked in bench.switch.of("release_call")] == [TRUNK]
    assert bench.record().call_result is CallResult(machine)


def test_a_call_that_cannot_be_moved_to_the_agents_is_dropped_with_transfer_error():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    bench.switch.silent.add("transfer_call")
    answered_at_trunk(bench)
    bench.switch.refuse(bench.switch.of("transfer_call")[0], 172)
    assert bench.record().call_result is CallResult.TRANSFER_ERROR and not bench.session.held


def test_a_transfer_that_the_link_swallowed_is_asked_for_again():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    bench.switch.silent.add("transfer_call")
    conn_id = answered_at_trunk(bench)
    bench.switch.go_down()
    bench.switch.go_up()
    assert [asked.conn_id for asked in bench.switch.of("transfer_call")] == [conn_id, conn_id]
    assert bench.switch.of("release_call") == []
