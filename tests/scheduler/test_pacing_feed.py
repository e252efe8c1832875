"""What a session's pacer is told: each turning point of the engine once, in order, whatever happens to links and records."""
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ocs.dialing.agent import AgentEvent, AgentEventKind
from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.dialing.pacing import Activity
from ocs.dialing.pacing_choice import PacingChoice
from ocs.dialing.results import CallResult, DialingMode, OptimizationMethod
from ocs.dialing.session import Condition
from ocs.scheduler.mode_change import Course, change_course
from tests.doubles.switch import Asked
from tests.scheduler.bench import QUEUE, TRUNK, Bench, agent_of

A = Activity
M = DialingMode
TOLD = ("dialed", "rang", "failed", "answered", "connected", "abandoned", "released", "withdrawn", "lost", "agent",
        "agent_gone", "inbound")


class Told:
    """Notes what the pacer of a bench's session is told: names of calls' events, and of agents what they do."""

    def __init__(self, made: Bench) -> None:
        self.calls: list[tuple[str, int]] = []          # event, record
        self.agents: list[tuple[str, Any]] = []         # DN, activity; None = gone
        self.inbound = 0
        for name in TOLD:
            setattr(made.session.feed.pacer, name, self._noting(name, getattr(made.session.feed.pacer, name)))

    def _noting(self, name: str, told: Any) -> Any:
        def note(now: float, *about: Any) -> None:
            if name == "agent":
                self.agents.append((about[0], about[1]))
            elif name == "agent_gone":
                self.agents.append((about[0], None))
            elif name == "inbound":
                self.inbound += 1
            else:
                self.calls.append((name, about[0].record.record_id))
            told(now, *about)
        return note

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def bench(mode: DialingMode = M.PREDICTIVE, **group: Any) -> tuple[Bench, Told]:
    made = Bench(mode=mode, **group)
    return made, Told(made)


def ruled(**says: Any) -> Any:
    """Rules that say so, and keep no account."""
    async def load() -> None:
        """There is nothing to read."""
    return SimpleNamespace(**{"abandon_limit": 0.03, "progressive_only": "", "connect_within_s": None, "seen": (0, 0),
                              "readings": [], "stepped": lambda *told: None, "saved": lambda *told: None,
                              "regroup": lambda: None, "unloaded": lambda: None, "load": load, **says})


def dialed(made: Bench) -> Asked:
    """One agent is ready, for whom one record is dialed."""
    made.ready("7001")
    made.pass_(1.0)         # the whole picture of agents is compared once a second
    return made.switch.dialed[-1]


# -- calls of a queue -------------------------------------------------------------------------------------------------
def test_a_call_that_reaches_an_agent() -> None:
    made, told = bench()
    asked = dialed(made)
    made.switch.call_event(SwitchEvent.NETWORK_REACHED, asked.conn_id, QUEUE)
    made.switch.call_event(SwitchEvent.NETWORK_REACHED, asked.conn_id, QUEUE)
    made.switch.queued(asked.conn_id)
    made.switch.queued(asked.conn_id)
    made.switch.connected(asked.conn_id, "7001")
    made.hang_up(asked)
    assert told.calls == [(name, 1) for name in ("dialed", "rang", "answered", "connected")]
    assert told.agents == [("7001", A.READY), ("7001", A.TALK), ("7001", A.READY), ("7001", A.WRAP)]


@pytest.mark.parametrize("call_state", [CallResult.BUSY, CallResult.NO_ANSWER, CallResult.SIT_INVALID_NUMBER,
                                        CallResult.ANSWERING_MACHINE_DETECTED])
def test_a_call_that_reaches_nobody_has_failed(call_state: CallResult) -> None:
    made, told = bench()
    made.switch.over(dialed(made).conn_id, call_state=int(call_state))
    made.pass_(0)
    assert told.calls[:2] == [("dialed", 1), ("failed", 1)]
    assert told.names[2:] == ["dialed"]         # the next record, for the same agent


def test_who_hangs_up_in_the_queue_has_been_abandoned() -> None:
    made, told = bench()
    asked = dialed(made)
    made.switch.queued(asked.conn_id)
    made.switch.call_event(SwitchEvent.ABANDONED, asked.conn_id, QUEUE)
    made.pass_(0)
    assert told.calls[:3] == [(name, 1) for name in ("dialed", "answered", "abandoned")]
    assert made.session.feed.pacer.budget.abandoned == 1


def test_who_waits_too_long_is_dropped_and_so_abandoned_once() -> None:
    made, told = bench(call_wait_in_queue_timeout_s=10.0)
    made.switch.queued(dialed(made).conn_id)
    made.pass_(15.0)
    assert [name for name, number in told.calls if number == 1] == ["dialed", "answered", "abandoned"]


def test_where_rules_say_so_a_late_agent_is_too_late_and_the_caller_still_takes_one() -> None:
    made, told = bench()
    made.session.compliance = ruled(connect_within_s=2.0)
    asked = dialed(made)
    made.switch.queued(asked.conn_id)
    made.pass_(1.0)
    assert told.names == ["dialed", "answered"] and made.session.feed.late == 0
    made.pass_(3.0)
    assert told.names == ["dialed", "answered", "abandoned"] and made.session.feed.late == 1
    made.switch.connected(asked.conn_id, "7001")
    made.hang_up(asked)
    assert [name for name, number in told.calls if number == 1] == ["dialed", "answered", "abandoned", "connected"]
    assert made.session.feed.late == 0 and made.session.feed.pacer.budget.abandoned == 1


def test_a_ringing_agent_and_the_call_count_as_not_together_until_the_agent_picks_up() -> None:
    made, told = bench()
    asked = dialed(made)
    made.switch.queued(asked.conn_id)
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id=asked.conn_id)
    made.switch.call_event(SwitchEvent.RINGING, asked.conn_id, "7001")
    made.pass_(0)
    feed = made.session.feed
    assert (feed.ringing, feed.pacer.waiting, feed.pacer.agents.idle) == (1, 1, 1)
    made.pass_(2.0)
    assert len(made.switch.dialed) == 1         # until enough is known it is one call an agent
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id=asked.conn_id, talking=True)
    made.switch.call_event(SwitchEvent.ESTABLISHED, asked.conn_id, "7001")
    assert (feed.ringing, feed.pacer.waiting, feed.pacer.agents.idle) == (0, 0, 0)


def test_an_agent_who_comes_just_too_late_is_too_late_even_if_nobody_looked_meanwhile() -> None:
    made, told = bench()
    made.session.compliance = ruled(connect_within_s=2.0)
    asked = dialed(made)
    made.switch.queued(asked.conn_id)
    made.pass_(1.9)
    made.clock.rightNow += 0.2      # no timer has run
    made.switch.connected(asked.conn_id, "7001")
    assert told.names == ["dialed", "answered", "abandoned", "connected"]
    assert made.session.feed.pacer.budget.abandoned == 1


# -- dials that come to nothing ---------------------------------------------------------------------------------------
def test_a_number_that_the_switch_refuses_teaches_nothing() -> None:
    made, told = bench()
    made.switch.silent.add("make_predictive_call")
    asked = dialed(made)
    made.switch.refuse(asked, 71)
    assert told.calls[:2] == [("dialed", 1), ("withdrawn", 1)]
    assert made.session.feed.pacer.calls.failed == 0


def test_a_dial_whose_attempt_cannot_be_written_teaches_nothing() -> None:
    made, told = bench()
    made.store.failing.add("open_attempts")
    made.ready("7001")
    assert told.names[:2] == ["dialed", "withdrawn"] and len(made.session.feed.pacer.calls) == 0


def engaged(made: Bench) -> Asked:
    """The agent at 7001 is ready, and put on the line: first work goes on, then a customer is dialed. The engaging call."""
    made.ready("7001")
    made.pass_(1.0)
    assert not made.switch.dialed and made.session.feed._agents["7001"] is A.WRAP
    engaging, = made.switch.of("make_call")
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id=engaging.conn_id, talking=True)
    for dn in ("7001", TRUNK):
        made.switch.call_event(SwitchEvent.ESTABLISHED, engaging.conn_id, dn)
    made.pass_(0)
    return engaging


# -- trunk groups, engaged agents, applications -----------------------------------------------------------------------
def test_a_machine_at_the_trunk_group_has_failed_and_a_person_is_answered_before_the_transfer() -> None:
    made, told = bench(trunk_group_dn=TRUNK)
    machine = dialed(made)
    made.switch.call_event(SwitchEvent.ESTABLISHED, machine.conn_id, TRUNK, int(CallResult.ANSWERING_MACHINE_DETECTED))
    made.pass_(0)
    assert [name for name, number in told.calls if number == 1] == ["dialed", "failed"]
    person = made.switch.dialed[-1]
    made.switch.silent.add("transfer_call")
    made.switch.call_event(SwitchEvent.ESTABLISHED, person.conn_id, TRUNK)
    assert told.calls[-1] == ("answered", made.of_conn(person.conn_id).record.record_id)


def test_an_engaged_agent_is_ready_until_a_customer_is_joined() -> None:
    made, told = bench(M.PREDICTIVE_SEIZING, trunk_group_dn=TRUNK)
    engaged(made)
    assert told.agents[-1] == ("7001", A.READY) and made.session.engagements.free == 1
    customer = made.switch.dialed[-1]
    made.switch.call_event(SwitchEvent.ESTABLISHED, customer.conn_id, TRUNK)
    made.switch.call_event(SwitchEvent.PARTY_CHANGED, customer.conn_id, "7001")
    made.pass_(0)
    assert told.agents[-1] == ("7001", A.TALK)
    assert [name for name, _ in told.calls][:3] == ["dialed", "answered", "connected"]


def test_a_customer_for_whom_nobody_is_engaged_is_abandoned_at_once_whatever_is_announced() -> None:
    made, told = bench(M.PREDICTIVE_SEIZING, trunk_group_dn=TRUNK, asm_drop_announcement="sorry")
    engaging = engaged(made)
    customer = made.switch.dialed[-1]
    made.switch.over(engaging.conn_id, "7001")      # the agent has put the phone down
    made.switch.call_event(SwitchEvent.ESTABLISHED, customer.conn_id, TRUNK)
    made.pass_(8.0)
    number = made.of_conn(customer.conn_id).record.record_id
    assert [name for name, of in told.calls if of == number] == ["dialed", "answered", "abandoned"]
    assert made.session.feed.pacer.patience_s == 0.0
    made.switch.over(customer.conn_id, call_state=0)
    assert [name for name, of in told.calls if of == number][:3] == ["dialed", "answered", "abandoned"]
    assert made.session.feed.pacer.budget.abandoned == 1


def test_behind_an_application_a_call_wants_an_agent_when_it_comes_out() -> None:
    made, told = bench(M.PREDICTIVE_GVP, trunk_group_dn=TRUNK, ivr_profile="survey")
    asked = dialed(made)
    made.switch.call_event(SwitchEvent.ESTABLISHED, asked.conn_id, TRUNK)
    made.switch.call_event(SwitchEvent.TREATMENT_APPLIED, asked.conn_id, TRUNK)
    made.pass_(20.0)
    assert told.names == ["dialed"]
    made.switch.call_event(SwitchEvent.TREATMENT_END, asked.conn_id, TRUNK)
    made.switch.queued(asked.conn_id)
    assert told.names == ["dialed", "answered"]


# -- inbound ----------------------------------------------------------------------------------------------------------
def test_callers_of_others_who_wait_are_served_first_and_expected_again() -> None:
    made, told = bench()
    for conn_id in ("in-1", "in-2", "in-1"):
        made.switch.call_event(SwitchEvent.QUEUED, conn_id, QUEUE)
    made.ready("7001", "7002", "7003")
    made.pass_(1.0)
    assert len(made.switch.dialed) == 1 and told.inbound == 2
    made.switch.call_event(SwitchEvent.DIVERTED, "in-1", QUEUE)
    made.switch.agent(AgentEventKind.CALL, "7003", conn_id="in-1", talking=True)
    made.pass_(0)
    assert told.inbound == 2 and told.agents[-1] == ("7003", A.TALK)
    made.switch.call_event(SwitchEvent.ABANDONED, "in-2", QUEUE)
    made.pass_(1.0)
    assert len(made.switch.dialed) == 2
    made.switch.agent(AgentEventKind.CALL, "7002", conn_id="direct", talking=True)      # straight to the extension
    assert told.inbound == 3


def test_ready_agents_are_kept_for_inbound_calls_in_progressive_dialing_only() -> None:
    progressive, _ = bench(M.PROGRESSIVE, reserved_agents=2)
    progressive.ready("7001", "7002", "7003")
    assert len(progressive.switch.dialed) == 1
    predictive, _ = bench(M.PREDICTIVE, reserved_agents=2)
    predictive.ready("7001", "7002", "7003")
    assert len(predictive.switch.dialed) == 3


# -- agents and links -------------------------------------------------------------------------------------------------
def test_agents_come_and_go() -> None:
    made, told = bench()
    made.login("7001", "7002")
    made.pass_(1.0)
    made.ready("7001")
    made.logout("7002")
    made.switch.agent(AgentEventKind.NOT_READY, "7001")
    assert told.agents == [("7001", A.AWAY), ("7002", A.AWAY), ("7001", A.READY), ("7002", None), ("7001", A.AWAY)]


def test_who_leaves_the_campaign_is_not_expected_back_whatever_he_does_then() -> None:
    made, told = bench()
    made.talk("7001", dialed(made))
    made.session.attendance.leave("7001")
    assert told.agents[-1] == ("7001", None) and made.session.feed.pacer.agents.present == 0
    made.hang_up(made.switch.dialed[-1])
    for turn in range(3):               # goes on with inbound calls at the same DN
        made.switch.agent(AgentEventKind.READY, "7001")
        made.pass_(5.0)
        made.switch.agent(AgentEventKind.CALL, "7001", conn_id=f"in{turn}", talking=True)
        made.pass_(5.0)
        made.switch.agent(AgentEventKind.CALL_GONE, "7001", conn_id=f"in{turn}")
    assert made.session.feed.pacer.agents.present == 0
    made.session.attendance.begin_previews("7001")      # has come back
    made.pass_(5.0)
    assert made.session.feed.pacer.agents.present == 1


def test_hours_in_another_mode_are_no_talk() -> None:
    made, _ = bench()
    asked = dialed(made)
    made.talk("7001", asked)
    made.session.stop()
    made.hang_up(asked)
    made.switch.agent(AgentEventKind.READY, "7001", "1001")
    made.pass_(2.0)
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id="in", talking=True)
    change_course(made.session, Course(M.PREVIEW))
    made.session.start()
    made.pass_(30.0)
    made.switch.agent(AgentEventKind.CALL_GONE, "7001", conn_id="in")
    made.pass_(3 * 3_600.0, step=60.0)
    made.session.stop()
    change_course(made.session, Course(M.PREDICTIVE))
    made.session.start()
    made.pass_(3.0)
    assert made.session.feed.pacer.agents.talks.ends()[-1] == 0


def test_however_a_call_ends_in_the_queue_its_caller_was_left_alone() -> None:
    made, told = bench()
    asked = dialed(made)
    made.switch.queued(asked.conn_id)
    made.switch.over(asked.conn_id, call_state=int(CallResult.GENERAL_ERROR))
    made.pass_(0)
    assert told.names[:3] == ["dialed", "answered", "abandoned"]


def _joined(made: Bench, conn_id: str = "main") -> None:
    made.switch._tell("call_event", CallEvent(SwitchEvent.PARTY_CHANGED, conn_id, QUEUE, 0, made.clock.wall(),
                                              previous_conn_id="consult"))


def _waiting(made: Bench) -> int:
    return made.context.waiting.at(frozenset({QUEUE}))


def test_a_consultation_that_is_transferred_while_it_waits_leaves_nobody_behind() -> None:
    made, _ = bench()
    made.switch.call_event(SwitchEvent.QUEUED, "consult", QUEUE)
    _joined(made)
    assert _waiting(made) == 1
    made.switch.call_event(SwitchEvent.DIVERTED, "main", QUEUE)
    assert _waiting(made) == 0
    made.ready("7001")
    made.pass_(5.0)
    assert made.switch.dialed


def test_who_is_transferred_by_an_agent_of_ours_waits_still() -> None:
    made, _ = bench()
    made.switch.call_event(SwitchEvent.QUEUED, "consult", QUEUE)
    for conn_id in ("main", "consult"):
        made.switch.call_event(SwitchEvent.RELEASED, conn_id, "7003")
    _joined(made)
    made.switch.call_event(SwitchEvent.RELEASED, "main", "7003")
    assert _waiting(made) == 1
    made.switch.call_event(SwitchEvent.ABANDONED, "main", QUEUE)
    assert _waiting(made) == 0


def test_while_the_link_is_away_the_clocks_of_talks_go_on_and_the_picture_is_compared_after_it() -> None:
    made, told = bench()
    asked = dialed(made)
    made.talk("7001", asked)
    made.ready("7002", "7003")
    made.pass_(1.0)
    del told.agents[:]
    made.switch.go_down()
    made.pass_(30.0)
    assert told.agents == []
    picture = [("7001", AgentEventKind.LOGIN), ("7001", AgentEventKind.READY), ("7001", AgentEventKind.CALL),
               ("7002", AgentEventKind.LOGIN), ("7002", AgentEventKind.AFTER_CALL_WORK)]
    for dn, kind in picture:        # the switch's own picture comes before the link counts as up
        made.agents.agent_event(AgentEvent(kind, dn, made.clock.wall(), agent_of(dn), asked.conn_id, True))
    made.switch.go_up()
    made.pass_(2.0)
    assert sorted(told.agents, key=str) == [("7002", A.WRAP), ("7003", None)]
    made.hang_up(asked)
    assert made.session.feed.pacer.agents.talks.seen == 1


def test_a_call_that_vanished_with_the_link_teaches_nothing_and_is_paid_for() -> None:
    made, told = bench()
    asked = dialed(made)
    pacer = made.session.feed.pacer
    (held,) = pacer.calls.chances_out()
    pacer.calls.chances_out = lambda: {held: 0.25}      # type: ignore[method-assign]
    made.switch.go_down()
    spare = pacer.budget._spare
    made.switch.calls.clear()
    made.switch.go_up()
    made.pass_(0)
    assert [name for name, number in told.calls if number == made_record(asked)] == ["dialed", "lost", "withdrawn"]
    assert (pacer.calls.failed, pacer.budget.abandoned, spare - pacer.budget._spare) == (0, 0, 0.25)


def made_record(asked: Asked) -> int:
    """The record's number is the end of its phone."""
    return int(asked.destination[-4:])


def test_a_call_in_the_queue_that_vanished_is_paid_for_and_not_counted() -> None:
    made, told = bench()
    made.switch.queued(dialed(made).conn_id)
    made.switch.go_down()
    made.switch.calls.clear()
    made.switch.go_up()
    assert told.names[:4] == ["dialed", "answered", "lost", "released"]
    budget = made.session.feed.pacer.budget
    assert (budget.abandoned, budget._spare) == (0, pytest.approx(0.03 - 1.0, abs=0.003))


# -- sessions ---------------------------------------------------------------------------------------------------------
def test_a_forced_unload_leaves_nothing_behind_and_the_next_load_begins_anew() -> None:
    made, told = bench()
    made.switch.queued(dialed(made).conn_id)
    made.ready("7002")
    made.wait(made.session.force_unload())
    feed = made.session.feed
    assert not feed._calls and not feed._waiting and feed.pacer.waiting == 0 and len(feed.pacer.calls) == 0
    made.begin()
    assert feed.pacer.budget.answered == 0 and feed.pacer.agents.talks.seen == 0


def test_what_rules_have_counted_before_a_restart_is_where_the_budget_begins() -> None:
    made = Bench(mode=M.PREDICTIVE, running=False)
    made.session.compliance = ruled(abandon_limit=0.01, seen=(1000, 12))
    made.up()
    made.begin()
    budget = made.session.feed.pacer.budget
    assert (budget.limit, budget.answered, budget.abandoned) == (0.01, 1000, 12)


def test_modes_that_agents_do_not_pace_tell_nothing() -> None:
    made, told = bench(M.POWER_GVP, trunk_group_dn=TRUNK, ivr_profile="survey", maximum_queue_size=3)
    made.pass_(1.0)
    assert len(made.switch.dialed) == 3 and told.calls == []


def test_a_change_of_the_mode_keeps_what_was_learned() -> None:
    made, told = bench(M.PROGRESSIVE)
    made.talk("7001", dialed(made))
    made.wait(made.session.reconfigure(replace(made.session.group, mode=M.PREDICTIVE)))
    made.ready("7002")
    made.wait(made.session.reconfigure(replace(made.session.group, mode=M.PROGRESSIVE)))
    assert made.session.feed.pacer.budget.answered == 1 and told.names[:3] == ["dialed", "answered", "connected"]
    assert made.session.loop.condition is not Condition.SYSTEM_ERROR


def test_after_a_crash_the_calls_of_the_run_before_are_nobodys_and_agents_are_met_in_mid_talk() -> None:
    before, _ = bench()
    asked = dialed(before)
    before.talk("7001", asked)
    made = Bench(mode=M.PREDICTIVE, running=False, store=before.memory, clock=before.clock)
    made.switch.calls[asked.conn_id] = asked
    made.up()
    made.wait(made.session.load())
    told = Told(made)
    made.login("7001")
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id=asked.conn_id, talking=True)
    made.pass_(40.0)
    made.session.start()
    made.pass_(2.0)
    assert told.agents == [("7001", A.TALK)] and told.calls == []
    assert made.session.feed.pacer.agents._talking.counts[8] == 1        # for 40 s: the ninth slot of 5 s
    made.hang_up(asked)
    assert told.calls == [] and made.session.feed.pacer.agents.talks.seen == 0 and made.session.feed.pacer.budget.answered == 0


def test_other_values_of_the_group_keep_the_pacer_and_another_goal_reaches_it() -> None:
    made, told = bench()
    pacer = made.session.feed.pacer
    made.talk("7001", dialed(made))
    goal = PacingChoice(method=OptimizationMethod.OVERDIAL_RATE, goal=1.0)
    made.wait(made.session.reconfigure(replace(made.session.group, multiplier=2.0, pacing=goal)))
    made.ready("7002")
    made.pass_(1.0)
    assert made.session.feed.pacer is pacer and pacer.choice == goal and pacer.budget.limit == 0.01
    assert pacer.budget.answered == 1 and told.names[:3] == ["dialed", "answered", "connected"]


def test_between_stop_and_start_a_session_may_begin_to_engage_agents_and_nobody_waits_then() -> None:
    made, _ = bench(M.PREDICTIVE, trunk_group_dn=TRUNK)
    pacer = made.session.feed.pacer
    assert pacer.patience_s == 2.0
    made.session.stop()
    for mode, patience_s in ((M.PREDICTIVE_SEIZING, 0.0), (M.PREDICTIVE, 2.0)):
        change_course(made.session, Course(mode))
        assert made.session.feed.pacer is pacer and pacer.patience_s == patience_s
