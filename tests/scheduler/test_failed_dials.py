"""What becomes of a dial that does not come about, or of which nobody knows whether it did."""
from __future__ import annotations

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState
from ocs.scheduler.context import EngineOptions
from protocols.errors import LocalProtocolError, RequestTimedOut, TooManyRequests
from tests.scheduler.bench import Bench, one, reason


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
