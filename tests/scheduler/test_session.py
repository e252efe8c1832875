"""Sessions: commands in every state, what a crash left, how a session ends."""
from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.session import SessionState
from ocs.dialing.values import AttemptState, DoNotCallEntry
from ocs.errors import StoreUnavailable, UnknownCallingList, UnknownCampaign, WrongState
from ocs.scheduler.context import EngineOptions
from tests.scheduler.bench import PREVIEW, Bench, one, record

COMMANDS = {"load": lambda s: Deferred.fromCoroutine(s.load()), "start": lambda s: s.start(), "stop": lambda s: s.stop(),
            "unload": lambda s: s.unload(), "force unload": lambda s: s.force_unload()}
STATES = {"not loaded": {"load"}, "loading": {"force unload"}, "active": {"start", "unload", "force unload"},
          "running": {"stop", "unload", "force unload"}, "waiting unload": {"force unload"}}


def in_state(state: str) -> Bench:
    bench = Bench(one(), running=False)
    bench.up()
    if state == "loading":
        bench.store.held.add("recover")
        Deferred.fromCoroutine(bench.session.load())
    elif state != "not loaded":
        bench.wait(bench.session.load())
        if state in ("running", "waiting unload"):
            bench.session.start()
            bench.ready("7001")
        if state == "waiting unload":
            bench.session.unload()
    names = {"not loaded": SessionState.NOT_LOADED, "loading": SessionState.INACTIVE, "active": SessionState.ACTIVE,
             "running": SessionState.RUNNING, "waiting unload": SessionState.WAITING_UNLOAD}
    assert bench.session.state is names[state]
    return bench


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_command_works_in_its_states_and_is_refused_elsewhere_with_both_named(state, command):
    bench = in_state(state)
    before, session = bench.session.state, bench.session
    if command in STATES[state]:
        COMMANDS[command](session)
        assert session.state is not before
        return
    with pytest.raises(WrongState, match=command) as refused:
        result = COMMANDS[command](session)
        bench.wait(result)
    assert session.state is before and session.state.name.lower().replace("_", " ") in str(refused.value)


def test_a_loaded_session_holds_chains_and_dials_nothing():
    bench = Bench(running=False)
    bench.up()
    bench.wait(bench.session.load())
    bench.ready("7001")
    bench.pass_(30)
    assert bench.session.held and bench.switch.dialed == []


def test_a_stopped_session_dials_no_more_and_can_be_started_again():
    bench = Bench()
    bench.session.stop()
    bench.ready("7001")
    bench.pass_(10)
    assert bench.switch.dialed == []
    bench.session.start()
    bench.pass_(0)
    assert len(bench.switch.dialed) == 1


def test_loading_fails_where_a_list_is_not_in_the_database():
    bench = Bench(running=False)
    bench.memory._lists.clear()
    with pytest.raises(UnknownCallingList, match="list"):
        bench.wait(bench.session.load())
    assert bench.session.state is SessionState.NOT_LOADED and bench.clock.getDelayedCalls() == []


@pytest.mark.parametrize("request_", ["calling_lists", "recover"])
def test_loading_fails_while_the_database_is_away_and_works_later(request_):
    bench = Bench(running=False)
    bench.up()
    bench.store.failing.add(request_)
    with pytest.raises(StoreUnavailable):
        bench.wait(bench.session.load())
    assert bench.session.state is SessionState.NOT_LOADED
    bench.store.failing.clear()
    bench.wait(bench.session.load())
    assert bench.session.state is SessionState.ACTIVE


def test_a_session_unloaded_while_it_loads_is_not_loaded_after_all():
    bench = Bench(one(), running=False)
    bench.store.held.add("recover")
    loading = Deferred.fromCoroutine(bench.session.load())
    unloaded = bench.session.force_unload()
    assert not unloaded.called
    bench.store.release()
    with pytest.raises(WrongState, match="while it was being loaded"):
        bench.wait(loading)
    assert unloaded.called and bench.session.state is SessionState.NOT_LOADED
    bench.unloaded()
    bench.store.held.clear()
    bench.wait(bench.session.load())
    assert bench.session.state is SessionState.ACTIVE


def test_unload_gives_the_buffer_back_at_once_and_waits_for_calls():
    bench = Bench()
    bench.ready("7001")
    unloaded = bench.session.unload()
    assert bench.session.state is SessionState.WAITING_UNLOAD and len(bench.session.held) == 1 and not unloaded.called
    assert bench.retrieved() == [1]
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    assert unloaded.called and bench.record().call_result is CallResult.NO_ANSWER
    bench.unloaded()


def test_unload_waits_for_an_agent_who_still_works_on_a_record():
    bench = Bench()
    bench.ready("7001")
    call = bench.talk()
    unloaded = bench.session.unload()
    bench.hang_up(call)
    assert not unloaded.called
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle)
    assert unloaded.called
    bench.unloaded()


def test_unload_writes_a_chain_that_waits_for_its_treatment_with_its_date():
    bench = Bench(one())
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    assert bench.state() is ChainState.WAITING
    due = bench.record().dial_sched_time
    bench.session.unload()
    assert bench.record().record_status is RecordStatus.READY and bench.record().dial_sched_time == due
    bench.unloaded()


def test_unload_waits_for_a_retrieval_that_is_under_way_and_gives_its_chains_back():
    bench = Bench(running=False)
    bench.up()
    bench.store.held.add("claim_chains")
    Deferred.fromCoroutine(bench.session.load())
    unloaded = bench.session.unload()
    assert not unloaded.called
    bench.store.release()
    assert unloaded.called
    bench.unloaded()


def test_unload_waits_until_the_database_has_everything():
    bench = Bench()
    bench.store.failing.add("save")
    unloaded = bench.session.unload()
    bench.pass_(60)
    assert not unloaded.called and bench.retrieved()
    bench.store.failing.clear()
    bench.pass_(5)
    assert unloaded.called
    bench.unloaded()


def test_forced_unload_releases_calls_that_no_agent_has_and_leaves_the_talks_alone():
    bench = Bench()
    bench.ready("7001", "7002")
    first, second = bench.switch.dialed
    bench.talk("7001", first)
    bench.switch.silent.add("release_call")
    assert bench.session.force_unload().called
    assert [asked.conn_id for asked in bench.switch.of("release_call")] == [second.conn_id]
    assert bench.record(1).record_status is RecordStatus.UPDATED and bench.record(1).call_result is CallResult.ANSWER
    assert bench.attempts(2)[0].state is AttemptState.UNKNOWN
    bench.unloaded()


def test_forced_unload_during_the_commit_of_an_attempt_closes_it_undialed():
    bench = Bench()
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    assert bench.state() is ChainState.OPENING
    bench.session.force_unload()
    bench.store.release()
    assert bench.switch.dialed == []
    assert all(attempt.state is not AttemptState.CLOSED for attempt in bench.memory.attempts.values())
    bench.unloaded()


def test_everybody_who_unloads_hears_of_the_end():
    bench = Bench()
    bench.ready("7001")
    bench.store.failing.add("save")
    waiting = [bench.session.unload(), bench.session.force_unload(), bench.session.force_unload()]
    waiting[0].addErrback(lambda failure: None)
    waiting[0].cancel()         # a deadline passed
    bench.store.failing.clear()
    bench.pass_(5)
    assert all(each.called for each in waiting)
    bench.unloaded()


def test_the_engine_stops_within_its_deadline_and_gives_everything_back():
    bench = Bench()
    bench.ready("7001", "7002")
    bench.talk("7001", bench.switch.dialed[0])
    stopped = Deferred.fromCoroutine(bench.engine.stop(20.0))
    bench.pass_(19)
    assert not stopped.called
    bench.store.failing.add("save")
    bench.pass_(1)
    assert not stopped.called       # the database has not taken everything yet
    bench.store.failing.clear()
    bench.pass_(6)
    assert stopped.called and bench.session.state is SessionState.NOT_LOADED
    bench.unloaded()


def test_an_engine_without_sessions_stops_at_once():
    bench = Bench(running=False)
    assert Deferred.fromCoroutine(bench.engine.stop(20.0)).called


def test_sessions_are_found_by_both_names_and_unknown_ones_are_named():
    bench = Bench(running=False)
    assert bench.engine.session("spring@sales") is bench.engine.session("spring") is bench.session
    with pytest.raises(UnknownCampaign, match="'autumn'.*spring@sales"):
        bench.engine.session("autumn")


# -- after a crash ------------------------------------------------------------------------------------------------
def crashed(bench: Bench, **group: object) -> Bench:
    """Another engine on the same database, while the first one is gone without a word."""
    return Bench(store=bench.memory, clock=bench.clock, seed=2, running=False, **group)


def test_after_a_crash_a_chain_without_an_open_attempt_is_ready_again():
    bench = Bench()
    assert bench.retrieved()
    second = crashed(bench)
    second.up()
    second.store.failing.add("claim_chains")
    second.wait(second.session.load())
    assert second.retrieved() == [] and not second.session.held


def test_after_a_crash_a_dialed_attempt_is_unknown_and_counted():
    bench = Bench()
    bench.ready("7001")
    second = crashed(bench)
    second.up()
    second.wait(second.session.load())
    (attempt,) = second.attempts(1)
    assert attempt.state is AttemptState.UNKNOWN and attempt.call_result is CallResult.UNKNOWN
    left = second.record()
    assert (left.record_status, left.call_result, left.attempt) == (RecordStatus.UPDATED, CallResult.UNKNOWN, 1)


def test_the_treatment_for_unknown_decides_what_becomes_of_a_record_after_a_crash():
    again = Treatment("unknown", CallResult.UNKNOWN, TreatmentAction.RETRY_IN, dbid=9, interval_s=600.0)
    bench = Bench(treatments=(again,))
    bench.ready("7001")
    second = crashed(bench, treatments=(again,))
    second.up()
    second.wait(second.session.load())
    left = second.record()
    assert left.record_status is RecordStatus.READY and left.record_type is RecordType.CAMPAIGN_RESCHEDULED
    assert left.dial_sched_time == int(second.clock.wall() + 600.0)
    assert second.attempts(1)[0].treatment == "unknown"


def test_recovery_that_cannot_be_written_is_tried_again_and_taken_up_once():
    bench = Bench()
    bench.ready("7001")
    second = crashed(bench)
    second.up()
    second.store.failing.update(("save", "claim_chains"))
    second.wait(second.session.load())
    assert len(second.session.held) == 1
    second.store.failing.clear()
    second.pass_(5)
    assert second.attempts(1)[0].state is AttemptState.UNKNOWN
    assert second.record().record_status is RecordStatus.UPDATED


def test_what_an_agent_settled_in_mid_call_survives_a_crash_before_the_call_ends():
    bench = Bench(one())
    bench.ready("7001")
    bench.talk()
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=40)
    second = crashed(bench)
    second.up()
    second.wait(second.session.load())
    assert second.record().call_result is CallResult.WRONG_PARTY and second.record().record_status is RecordStatus.UPDATED
    assert second.attempts(1)[0].state is AttemptState.CLOSED


def test_what_an_agent_noted_in_mid_call_survives_a_crash_before_the_call_ends():
    bench = Bench(one())
    bench.ready("7001")
    bench.talk()
    bench.ask("7001", "UpdateCallCompletionStats", record_handle=bench.holder().handle, call_result=40)
    second = crashed(bench)
    second.up()
    second.wait(second.session.load())
    assert second.record().call_result is CallResult.WRONG_PARTY and second.record().record_status is RecordStatus.UPDATED
    assert second.attempts(1)[0].state is AttemptState.CLOSED


# -- buffer -------------------------------------------------------------------------------------------------------
def test_the_buffer_is_filled_to_the_optimal_factor_and_refilled_below_the_minimum():
    bench = Bench(running=False, minimum_buffer=2.0, optimal_buffer=3.0)
    bench.up()
    bench.session.watch_dns()
    bench.login("7001", "7002")
    bench.wait(bench.session.load())
    assert len(bench.session.buffer) == 6
    for wanted, size in ((0, 5), (0, 4), (3, 3)):
        bench.session.buffer.take()
        assert len(bench.session.buffer) == size and bench.session.buffer.wanted() == wanted


def test_an_exhausted_list_is_asked_again_after_a_pause():
    bench = Bench(one(), options=EngineOptions(retrieval_interval_s=10.0))
    assert bench.session.buffer.exhausted
    asked = len(bench.store.of("claim_chains"))
    bench.memory.add_list("list", [record(2)])
    bench.pass_(9)
    assert len(bench.store.of("claim_chains")) == asked and len(bench.session.held) == 1
    bench.pass_(2)
    assert len(bench.session.held) == 2


def test_a_retrieval_that_fails_is_tried_again_and_dialing_goes_on_from_the_buffer():
    bench = Bench(minimum_buffer=4.0, optimal_buffer=5.0)
    bench.store.failing.add("claim_chains")
    bench.ready("7001")
    for place in range(4):
        bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=7)
        bench.pass_(1)
    assert len(bench.switch.dialed) == 5
    bench.store.failing.clear()
    bench.pass_(11)
    assert len(bench.session.buffer) >= 4


def test_preview_sessions_are_loaded_and_unloaded_alike():
    bench = Bench(mode=PREVIEW)
    assert bench.session.unload().called
    bench.unloaded()


def test_do_not_call_entries_of_the_database_count_from_the_start():
    bench = Bench(one(), running=False)
    bench.memory.add_do_not_call([DoNotCallEntry(phone="+12125550001")])
    bench.up()
    bench.begin()
    bench.ready("7001")
    assert bench.switch.dialed == [] and bench.record().record_type is RecordType.NO_CALL
