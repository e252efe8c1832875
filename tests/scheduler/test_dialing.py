"""How many calls are placed, and that the attempt goes before the dial."""
from __future__ import annotations

import pytest

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.session import Condition
from ocs.dialing.values import AttemptState, DoNotCallEntry
from ocs.scheduler.context import EngineOptions
from ocs.scheduler.held import HeldChain
from tests.scheduler.bench import QUEUE, TRUNK, Bench, chain, one, reason, record


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


def test_a_decision_that_finds_hundreds_of_chains_refused_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench([record(number) for number in range(1, 700)], minimum_buffer=500.0, optimal_buffer=600.0)
    bench.login("7001")
    bench.pass_(5.0)
    there, asked = len(bench.session.buffer), list[HeldChain]()

    def refuse(held: HeldChain) -> bool:
        asked.append(held)
        return False

    assert there > 450
    monkeypatch.setattr(bench.session.dialer, "choose", refuse)
    bench.switch.agent(AgentEventKind.READY, "7001", "1001")
    bench.session.loop._decide()
    assert len(asked) == 200
    bench.pass_(1.0)
    assert len(asked) >= there
