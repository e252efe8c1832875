"""What the engine tells of itself: sessions, chains, records, attempts, calls, in the order in which they happen."""
from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.dialing import history as told
from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.history import ChainStage
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.session import Condition, SessionEvent, SessionState
from ocs.dialing.values import AttemptState
from ocs.interfaces import IHistory
from ocs.scheduler.context import EngineOptions
from protocols.desktop.names import CallbackType
from tests.scheduler.bench import PREVIEW, RETRY_BUSY, Bench, chain, one


@implementer(IHistory)
class Chronicle:
    """Keeps everything."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def happened(self, event: object) -> None:
        self.events.append(event)

    def of(self, *kinds: type) -> list[Any]:
        """The events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def names(self) -> list[str]:
        """The kinds of everything, in order."""
        return [type(event).__name__ for event in self.events]

    def stages(self) -> list[ChainStage]:
        """The way of the one chain."""
        return [event.stage for event in self.of(told.ChainChanged)]


def bench_with(records: Any = None, **values: Any) -> tuple[Bench, Chronicle]:
    """A bench that is up and running, and what it told from the start."""
    bench, chronicle = Bench(one() if records is None else records, running=False, **values), Chronicle()
    bench.context.history.add_listener(chronicle)
    bench.up()
    bench.begin()
    return bench, chronicle


def test_a_listener_is_what_its_interface_says():
    assert verifyObject(IHistory, Chronicle())


def test_the_life_of_a_session_is_told_under_one_guid_for_each_load():
    bench, chronicle = bench_with([])
    bench.session.stop()
    bench.wait(bench.session.unload())
    bench.begin()
    steps = chronicle.of(told.SessionChanged)
    event = SessionEvent
    assert [each.event for each in steps] == [event.LOAD, event.LOADED, event.START, event.STOP, event.UNLOAD, event.DRAINED,
                                              event.UNLOADED, event.LOAD, event.LOADED, event.START]
    first, second = {each.session for each in steps[:7]}, {each.session for each in steps[7:]}
    assert len(first) == len(second) == 1 and first != second
    assert steps[0].session.name == "spring@sales" and steps[0].session.application_dbid == 1
    assert [(each.previous, each.state) for each in steps[:3]] == [
        (SessionState.NOT_LOADED, SessionState.INACTIVE), (SessionState.INACTIVE, SessionState.ACTIVE),
        (SessionState.ACTIVE, SessionState.RUNNING)]


def test_a_load_that_fails_is_told_and_leaves_nothing_behind():
    bench, chronicle = Bench([], running=False), Chronicle()
    bench.context.history.add_listener(chronicle)
    bench.up()
    bench.memory._lists.clear()
    with pytest.raises(Exception, match="not in the database"):
        bench.wait(bench.session.load())
    assert [each.event for each in chronicle.of(told.SessionChanged)] == [SessionEvent.LOAD, SessionEvent.LOAD_FAILED]
    assert bench.context.history.facts(bench.session) is None


def test_a_call_without_an_agent_is_told_from_the_list_to_the_list():
    bench, chronicle = bench_with(treatments=())
    bench.ready("7001")
    bench.pass_(12)
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=7)
    bench.pass_(0)
    assert chronicle.names() == [
        "SessionChanged", "SessionChanged", "ChainLoaded", "SessionChanged", "ConditionChanged", "ConditionChanged",
        "ChainChanged", "AttemptOpened", "CallPlaced", "CallCompleted", "RecordChanged", "AttemptClosed", "ChainChanged",
        "ChainChanged", "ConditionChanged"]
    assert chronicle.stages() == [ChainStage.PROCESSING, ChainStage.PROCESSED, ChainStage.UNLOADED]
    opened, closed = chronicle.of(told.AttemptOpened)[0], chronicle.of(told.AttemptClosed)[0]
    assert opened.attempt.guid == closed.attempt.guid and opened.attempt.state is AttemptState.OPEN
    assert (closed.attempt.state, closed.attempt.call_result) == (AttemptState.CLOSED, CallResult.NO_ANSWER)
    assert closed.attempt == bench.attempts(1)[0]
    assert chronicle.of(told.CallPlaced)[0].call.conn_id == bench.switch.dialed[-1].conn_id
    assert chronicle.of(told.CallCompleted)[0].result is CallResult.NO_ANSWER
    written = chronicle.of(told.RecordChanged)[0]
    assert {change.name: (change.old, change.new) for change in written.changes} == {
        "record_status": (RecordStatus.RETRIEVED, RecordStatus.UPDATED), "attempt": (0, 1),
        "call_result": (CallResult.UNKNOWN, CallResult.NO_ANSWER), "call_time": (None, int(closed.attempt.dialed_at))}
    assert written.attempt_guid == closed.attempt.guid
    loaded = chronicle.of(told.ChainLoaded)[0]
    assert loaded.chain.first_handle == written.handle and [each.name for each in loaded.custom_fields] == ["name", "age"]
    assert written.record == bench.record()


def test_what_an_agent_says_afterwards_closes_the_same_attempt_again():
    bench, chronicle = bench_with()
    bench.ready("7001")
    asked = bench.talk("7001")
    bench.pass_(30)
    bench.hang_up(asked)
    bench.ask("7001", "RecordProcessed", (("CustomerName", "Nobody"),), record_handle=bench.holder().handle,
              call_result=CallResult.WRONG_NUMBER)
    first, last = chronicle.of(told.AttemptClosed)
    assert first.attempt.guid == last.attempt.guid and first.attempt.agent_id == "1001"
    assert (first.attempt.call_result, last.attempt.call_result) == (CallResult.ANSWER, CallResult.WRONG_NUMBER)
    changed = {change.name: change for each in chronicle.of(told.RecordChanged) for change in each.changes}
    assert (changed["name"].old, changed["name"].new, changed["name"].custom) == ("Person 1", "Nobody", True)
    assert not changed["call_result"].custom and changed["call_result"].new is CallResult.WRONG_NUMBER
    assert chronicle.stages()[-2:] == [ChainStage.PROCESSED, ChainStage.UNLOADED]


def test_a_retry_in_memory_is_scheduled_and_the_chain_waits_for_its_turn():
    bench, chronicle = bench_with()
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=6)
    bench.pass_(0)
    assert chronicle.stages() == [ChainStage.PROCESSING, ChainStage.SCHEDULED]
    (scheduled,) = chronicle.of(told.RecordScheduled)
    assert scheduled.record.dial_sched_time == int(bench.clock.wall() + RETRY_BUSY.interval_s)
    bench.pass_(301)
    assert chronicle.stages() == [ChainStage.PROCESSING, ChainStage.SCHEDULED, ChainStage.PROCESSING]


def test_a_callback_that_an_agent_agrees_on_is_told_with_its_date():
    bench, chronicle = bench_with()
    bench.ready("7001")
    asked = bench.talk("7001")
    bench.hang_up(asked)
    bench.ask("7001", "RecordReschedule", record_handle=bench.holder().handle, callback_type=CallbackType.PERSONAL,
              date_time=datetime(2026, 3, 11, 15))
    (callback,) = chronicle.of(told.CallbackNoted)
    assert (callback.news, callback.record.record_type) == (CallbackNews.SCHEDULED, RecordType.PERSONAL_CALLBACK)
    assert callback.record == bench.record() and callback.record.dial_sched_time is not None
    assert len(chronicle.of(told.RecordScheduled)) == 1
    assert chronicle.stages()[-1] is ChainStage.UNLOADED and ChainStage.PROCESSED not in chronicle.stages()


def test_a_callback_that_is_dialed_is_told_as_completed():
    due = int(Bench(running=False).clock.wall()) - 5
    bench, chronicle = bench_with(one(record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=due))
    bench.ready("7001")
    bench.pass_(2)
    assert [each.news for each in chronicle.of(told.CallbackNoted)] == [CallbackNews.COMPLETED]


def test_a_record_that_its_treatment_closes_as_an_agents_error_is_told():
    error = Treatment("agent error", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.MARK_AS_AGENT_ERROR, dbid=1)
    options = EngineOptions(personal_callback_wait_s=60.0)
    due = int(Bench(running=False).clock.wall()) - 5
    bench, chronicle = bench_with(one(record_type=RecordType.PERSONAL_CALLBACK, dial_sched_time=due, agent_id="1009"),
                                  options=options, treatments=(error,))
    bench.ready("7001")
    bench.pass_(120)
    assert [each.record.record_status for each in chronicle.of(told.AgentFailed)] == [RecordStatus.AGENT_ERROR]
    assert [each.news for each in chronicle.of(told.CallbackNoted)] == [CallbackNews.MISSED]


def test_conditions_are_told_when_they_change_and_end_with_the_session():
    bench, chronicle = bench_with([])
    bench.switch.go_down()
    bench.pass_(2)
    bench.session.stop()
    told_of = [(each.previous, each.condition) for each in chronicle.of(told.ConditionChanged)]
    assert told_of == [(Condition.DIALING, Condition.WAITING_AGENTS), (Condition.WAITING_AGENTS, Condition.SYSTEM_ERROR),
                       (Condition.SYSTEM_ERROR, Condition.DIALING)]
    assert isinstance(chronicle.events[-1], told.SessionChanged), "the condition ends before the session stops"


def test_a_preview_is_an_attempt_and_one_that_is_rejected_is_closed_undialed():
    bench, chronicle = bench_with(mode=PREVIEW)
    bench.login("7001")
    event = bench.preview()
    bench.ask("7001", "RecordReject", record_handle=event.record.record_handle)
    (opened,), (closed,) = chronicle.of(told.AttemptOpened), chronicle.of(told.AttemptClosed)
    assert opened.attempt.guid == closed.attempt.guid and closed.attempt.state is AttemptState.NOT_DIALED
    assert chronicle.stages()[:2] == [ChainStage.PROCESSING, ChainStage.UNLOADED]


def test_an_attempt_that_the_database_did_not_take_is_closed_undialed():
    bench, chronicle = bench_with()
    bench.store.failing.add("open_attempts")
    bench.ready("7001")
    (opened,), (closed,) = chronicle.of(told.AttemptOpened), chronicle.of(told.AttemptClosed)
    assert opened.attempt.guid == closed.attempt.guid and closed.attempt.state is AttemptState.NOT_DIALED
    assert not bench.switch.dialed


def test_every_change_of_a_chain_names_the_record_by_its_handle():
    bench, chronicle = bench_with(chain(1, 2, 3))
    bench.ready("7001")
    asked = bench.talk("7001")
    bench.hang_up(asked)
    changes = chronicle.of(told.RecordChanged)
    first = chronicle.of(told.ChainLoaded)[0].chain.first_handle
    assert {each.handle - first: each.record.record_id for each in changes} == {0: 1, 1: 2, 2: 3}
    assert [each.record.record_status for each in changes] == [RecordStatus.UPDATED, *[RecordStatus.CHAIN_UPDATED] * 2]


def test_a_listener_that_fails_harms_nobody(logged):
    @implementer(IHistory)
    class Broken:
        def happened(self, event: object) -> None:
            raise ValueError("broken")

    bench, chronicle = Bench([], running=False), Chronicle()
    bench.context.history.add_listener(Broken())
    bench.context.history.add_listener(chronicle)
    bench.up()
    bench.begin()
    assert len(chronicle.of(told.SessionChanged)) == 3
    assert logged.failures(ValueError)


def test_nothing_is_kept_once_everything_is_unloaded():
    bench, chronicle = bench_with(chain(1, 2), treatments=())
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=6)
    bench.pass_(0)
    bench.wait(bench.session.unload())
    history = bench.context.history
    assert not history._told and not history._sessions and not history._conditions
