"""Abandoned calls under calling rules: the hard stop to progressive and the way back, over crashes, outages and other servers."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.periods import Period, PeriodKind
from ocs.dialing.compliance.rules import AbandonRule, Category, Rule
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import Attempt, AttemptState, ChainSave
from ocs.errors import StoreUnavailable
from ocs.store.memory import MemoryStore
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import CAMPAIGN, FIELDS, Bench, record

HOUR = 3_600.0
RULE = Rule("own", "Ours", "House rule", "1", abandon=AbandonRule(0.03, Period(PeriodKind.ROLLING, 24 * HOUR)))
FIXED = PacingChoice(Algorithm.FIXED_RATIO)


def history(store: MemoryStore, at: float, answered: int, abandoned: int, guid: str = "past", campaign: str = CAMPAIGN) -> None:
    """What other servers, or an earlier run, have had at `at`."""
    base = Attempt(guid, "list", 1, 1, 0, "+12125550001", 1, campaign, "sales", f"session of {guid}", at, AttemptState.CLOSED,
                   answered_at=at, cpd_completed_at=at, ended_at=at + 20.0, call_result=CallResult.ABANDONED)
    live = replace(base, agent_connected_at=at + 1.0, call_result=CallResult.ANSWER)
    made = [replace(base if n < abandoned else live, guid=f"{guid} {n}") for n in range(answered)]
    Bench.wait(store.save(ChainSave("", attempts=tuple(made))))


class Ruled(Bench):
    """A predictive bench of two calls an agent, under rules; `past` is (answered, abandoned) of an hour ago."""

    def __init__(self, *rules: Rule, past: tuple[int, int] = (0, 0), running: bool = True, store: MemoryStore | None = None,
                 clock: VirtualClock | None = None, **group: Any) -> None:
        clock, fresh = clock or VirtualClock(), store is None
        store = store or MemoryStore()
        if fresh:
            store.add_list("list", [record(n) for n in range(1, 101)], FIELDS)
            history(store, clock.wall() - HOUR, *past)
        values = {"mode": DialingMode.PREDICTIVE, "predictive_ratio": 2.0, "pacing": FIXED, "abandon_limit": 0.5,
                  "rules": rules or (RULE,), **group}
        super().__init__(store=store, clock=clock, running=False, **values)
        self.written: dict[str, RulePeriod] = {}
        self.context.keep_rule_periods = self._keep
        if running:
            self.up()
            self.begin()

    def _keep(self, periods: Any) -> Any:
        self.written.update({one.guid: one for one in periods})
        return self.memory.start()

    def abandon(self, after_s: float = 10.0) -> None:
        """The oldest call that rings is answered, nobody comes, and the person hangs up."""
        conn_id = next(each.conn_id for each in self.switch.dialed if each.conn_id in self.switch.calls)
        self.switch.queued(conn_id)
        self.pass_(after_s)
        self.switch.over(conn_id, call_state=21)
        self.pass_(0)

    @property
    def only(self) -> str:
        return self.session.compliance.progressive_only

    @property
    def counted(self) -> tuple[float, float]:
        """Answered and abandoned calls, by the tightest rule."""
        reading = self.session.compliance.readings[0]
        return reading.answered, reading.abandoned

    def periods(self, kind: PeriodOf) -> list[RulePeriod]:
        return [one for one in self.written.values() if one.kind is kind]

    def under_way_with(self, *dns: str) -> int:
        """How many calls are dialed for so many ready agents, from none."""
        self.ready(*dns)
        return len(self.switch.dialed)


def test_while_there_is_a_budget_calls_are_dialed_ahead_of_agents():
    bench = Ruled(past=(200, 5))
    assert bench.under_way_with("7001", "7002") == 4 and bench.only == ""
    assert bench.session.compliance.abandon_limit == 0.03
    assert bench.counted == (200, 5) and bench.session.compliance.connect_within_s == 2.0
    assert bench.session.compliance.seen == (200, 8)        # the pacer keeps three back


def test_when_the_budget_is_spent_one_call_is_dialed_for_a_ready_agent_and_people_are_told_why(logged):
    bench = Ruled(past=(200, 7))
    assert bench.under_way_with("7001", "7002") == 2
    text = "rule own: 7 of 200 answered calls abandoned in the last 24 hours, 3.50 %; the limit is 3 %"
    assert bench.only == text
    assert bench.session.loop.decisions[-1].reason.endswith(f"; progressive only: {text}")
    assert f"campaign {CAMPAIGN}: nothing is dialed ahead of agents, {text}" in logged.texts()


def test_the_call_that_spends_the_budget_stops_at_once_and_the_window_lets_go_again(logged):
    bench = Ruled(past=(200, 6))
    bench.ready("7001")
    assert len(bench.switch.dialed) == 2 and not bench.only
    bench.abandon()
    assert bench.only.startswith("rule own: 7 of 201") and len(bench.switch.dialed) == 2
    (stop,) = bench.periods(PeriodOf.HARD_STOP)
    assert stop.ended_at is None and stop.reason == bench.only and stop.rule == "own" and stop.campaign_group == "spring@sales"
    bench.pass_(23 * HOUR - 120, step=60.0)
    assert bench.only
    bench.pass_(240, step=1.0)
    assert not bench.only       # what was before has left the window, one of one is not too many
    (stop,) = bench.periods(PeriodOf.HARD_STOP)
    assert stop.ended_at is not None and stop.ended_at - stop.began_at == pytest.approx(23 * HOUR, abs=300)
    assert "campaign spring: rule own lets calls be dialed ahead of agents again" in logged.texts()


def test_calls_that_find_their_agents_pay_for_abandoned_ones():
    bench = Ruled(past=(133, 4))
    assert bench.under_way_with("7001") == 1 and bench.only
    bench.talk()
    assert not bench.only and bench.counted == (134, 4)         # 2.99 %
    history(bench.memory, bench.clock.wall() - 60, 10, 1, "another server")
    bench.pass_(61)
    assert bench.only and bench.counted == (144, 5)
    history(bench.memory, bench.clock.wall() - 60, 23, 0, "a third one")
    bench.pass_(61)
    assert not bench.only and bench.counted == (167, 5)


def test_an_agent_who_comes_too_late_counts_as_nobody_and_who_hangs_up_at_once_does_not_count():
    bench = Ruled()
    bench.ready("7001", "7002")
    late = bench.switch.dialed[0]
    bench.switch.queued(late.conn_id)
    bench.pass_(3)
    bench.switch.connected(late.conn_id, "7001")
    bench.pass_(0)
    (reading,) = bench.session.compliance.readings
    assert reading.counts == {Category.LATE: 1}
    short = bench.switch.dialed[1]
    bench.switch.queued(short.conn_id)
    bench.pass_(1)
    bench.switch.over(short.conn_id, call_state=21)
    bench.pass_(0)
    (reading,) = bench.session.compliance.readings
    assert reading.counts == {Category.LATE: 1, Category.SHORT: 1} and (reading.answered, reading.abandoned) == (1, 1)


def test_an_agents_word_that_it_was_a_machine_takes_the_call_out_of_the_account():
    bench = Ruled()
    bench.ready("7001")
    asked = bench.talk()
    (reading,) = bench.session.compliance.readings
    assert reading.counts == {Category.CONNECTED: 1}
    held = bench.of_conn(asked.conn_id)
    bench.hang_up(asked)
    bench.ask("7001", "RecordProcessed", record_handle=held.handle, call_result=9)
    (reading,) = bench.session.compliance.readings
    assert reading.counts == {Category.AGENT_MACHINE: 1} and reading.answered == 0


def test_of_several_rules_the_strictest_one_rules():
    mild = Rule("mild", "Mild", "House rule", "1", abandon=AbandonRule(0.05, Period(PeriodKind.ROLLING, 24 * HOUR), 5.0))
    bench = Ruled(mild, RULE, past=(200, 8))
    assert bench.session.compliance.abandon_limit == 0.03 and bench.session.compliance.connect_within_s == 2.0
    assert bench.only.startswith("rule own: 8 of 200") and "mild" not in bench.only
    assert Ruled(mild, past=(200, 8)).only == ""
    assert Ruled(RULE, abandon_limit=0.01).session.compliance.abandon_limit == 0.01      # the group's own is stricter


def test_a_restart_after_a_kill_counts_what_was_committed_and_nothing_twice():
    first = Ruled(past=(200, 6))
    first.ready("7001")
    first.abandon()
    assert first.counted == (201, 7)
    again = Ruled(store=first.memory, clock=first.clock)        # the first one is gone as it stands
    assert again.counted == (201, 7) and again.only
    (stop,) = again.periods(PeriodOf.HARD_STOP)
    assert stop.guid not in first.written


def test_a_kill_between_a_result_and_its_commit_loses_the_count_with_the_result():
    first = Ruled(past=(200, 6))
    first.ready("7001")
    first.store.failing |= {"save"}
    first.abandon()
    assert first.counted == (201, 7)
    again = Ruled(store=first.memory, clock=first.clock)
    assert again.counted == (200, 6)            # the attempt's outcome is unknown, in the records, too
    mine = [one for one in again.memory.attempts.values() if one.session_guid == first.session.guid]
    assert {one.state for one in mine} == {AttemptState.UNKNOWN}


def test_what_other_servers_do_is_seen_within_a_minute_and_what_we_do_is_not_counted_twice():
    bench = Ruled(past=(200, 6))
    bench.ready("7001")
    bench.abandon()
    history(bench.memory, bench.clock.wall() - 30, 10, 2, "another server")
    assert bench.counted == (201, 7)
    bench.pass_(61)
    assert bench.counted == (211, 9)
    bench.pass_(7 * HOUR, step=30.0)                            # everything was read again meanwhile
    assert bench.counted == (211, 9)


def test_two_groups_of_a_campaign_share_its_account_and_other_campaigns_do_not(logged):
    bench = Ruled(past=(200, 7))
    other = replace(bench.group, dbid=2, group=replace(bench.group.group, name="more", dbid=2, dns=("7009",)))
    bench.engine.add(other)
    session = bench.engine.sessions["spring@more"]
    bench.wait(session.load())
    assert session.compliance.progressive_only == bench.only != ""
    assert len([text for text in logged.texts() if "nothing is dialed ahead" in text]) == 1
    history(bench.memory, bench.clock.wall() - 30, 100, 50, "elsewhere", campaign="autumn")
    bench.pass_(61)
    assert bench.counted == (200, 7)


def test_without_an_account_nothing_is_loaded_and_a_rule_that_comes_later_forbids_until_it_is_read():
    bench = Ruled(running=False, past=(200, 5))
    bench.up()
    bench.store.failing.add("answered_calls")
    with pytest.raises(StoreUnavailable):
        bench.wait(bench.session.load())
    assert bench.clock.getDelayedCalls() == []
    bench.store.failing.clear()
    bench.begin()
    stricter = replace(RULE, name="stricter", abandon=replace(RULE.abandon, limit=0.01))        # type: ignore[type-var]
    bench.store.failing.add("answered_calls")
    bench.wait(bench.session.reconfigure(replace(bench.group, rules=(stricter,))))
    bench.pass_(0)
    assert bench.only == "what rule stricter has counted so far is still being read"
    bench.pass_(120)
    assert "still being read" in bench.only
    bench.store.failing.clear()
    bench.pass_(61)
    assert bench.only.startswith("rule stricter: 5 of 200")


def test_an_outage_of_the_database_is_told_once_and_our_own_calls_go_on_counting(logged):
    bench = Ruled(past=(200, 6))
    bench.ready("7001")
    bench.store.failing.add("answered_calls")
    bench.pass_(300)
    bench.abandon()
    assert bench.counted == (201, 7) and bench.only
    told = [text for text in logged.texts() if "is not seen in its rules' accounts" in text]
    assert len(told) == 1
    bench.store.failing.clear()
    history(bench.memory, bench.clock.wall() - 4 * HOUR, 10, 1, "written late")
    bench.pass_(61)
    assert bench.counted == (211, 8)            # after an outage everything is read again


def test_a_clock_that_is_set_ahead_and_back_neither_forgets_nor_doubles_calls():
    bench = Ruled(past=(200, 6))
    bench.ready("7001")
    bench.abandon()
    for step in (30 * HOUR, -30 * HOUR):
        bench.clock.step_wall(step)
        bench.pass_(61)
    assert bench.counted == (201, 7) and bench.only
    bench.clock.step_wall(-HOUR)
    bench.abandon()             # answered before the account began, by this clock: the database tells it
    bench.pass_(61)
    assert bench.counted == (202, 8)


def test_rules_in_force_are_written_down_from_load_to_unload_and_say_every_minute_that_they_are():
    bench = Ruled(past=(200, 7))
    (force,) = bench.periods(PeriodOf.IN_FORCE)
    assert (force.rule, force.version, force.source, force.campaign_group) == ("own", "1", "House rule", "spring@sales")
    began = force.began_at
    bench.pass_(125)
    assert {one.seen_at - began for one in bench.written.values()} == {120.0}
    bench.wait(bench.session.unload())
    assert {one.ended_at for one in bench.written.values()} == {bench.clock.wall()}
    bench.unloaded()


def test_the_alarm_of_a_rule_is_told_once_until_the_rate_is_below_it_again(logged):
    alarmed = replace(RULE, abandon=replace(RULE.abandon, alarm=0.01))      # type: ignore[type-var]
    bench = Ruled(alarmed, past=(100, 1))
    bench.ready("7001")
    bench.abandon()
    bench.pass_(120)
    told = [text for text in logged.texts() if "above the alarm of 1 %" in text]
    assert len(told) == 1 and "2 of 101" in told[0]


def test_progressive_dialing_is_held_back_to_one_call_for_an_agent_too():
    bench = Ruled(past=(200, 50), mode=DialingMode.PROGRESSIVE, multiplier=1.0)
    assert bench.under_way_with("7001", "7002") == 2 and bench.only
    assert "progressive only" not in bench.session.loop.decisions[-1].reason
    ahead = Ruled(past=(200, 50), mode=DialingMode.PROGRESSIVE, multiplier=3.0)
    assert ahead.under_way_with("7001", "7002") == 2
    assert "progressive only: rule own" in ahead.session.loop.decisions[-1].reason
    assert Ruled(past=(200, 5), mode=DialingMode.PROGRESSIVE, multiplier=3.0).under_way_with("7001", "7002") == 6


def test_a_look_back_puts_whole_minutes_in():
    bench = Ruled(past=(0, 0), clock=VirtualClock(1_773_160_230.0))
    for place in range(10):     # one call each 20 s, which the next looks pass in the middle of a minute
        history(bench.memory, bench.clock.wall() - 7_200 + 20 * place, 1, 0, f"call {place}")
    bench.pass_(130)
    assert bench.counted == (10, 0)
