"""One simulated day: the center is built, directed, measured, and its account made.

The same day and seed give the same account, whatever the machine: every draw comes from the seed, and time passes by events.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Sequence

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.dial_hours import next_opening
from ocs.dialing.modes import rules_of
from ocs.dialing.pacing import PacingDecision
from ocs.dialing.results import RecordStatus
from ocs.dialing.session import Condition
from ocs.dialing.values import Attempt, Record
from ocs.lab.agents.account import FloorAccount, add_up
from ocs.scheduler.context import EngineOptions
from ocs.servers.tserver.calls import CallKind, FinishedCall
from ocs.servers.tserver.ivr.applications import IvrApplicationOptions
from ocs.simulation.center import VirtualCenter, seats
from ocs.simulation.clock import HeapClock
from ocs.simulation.director import Director, seats_needed
from ocs.simulation.measures import Measures
from ocs.simulation.roster import Roster
from ocs.simulation.scenario import DayOptions, start_of

__all__ = ["CALLING_LIST", "Account", "SimulatedDay"]

CALLING_LIST = "contacts"
_LOOKED_AT_S = 60.0         # how often it is looked whether the list is done, or has nothing to dial,
_HORIZON_S = 600.0          # and how far ahead


@dataclass(frozen=True)
class Account:
    """What the day was like. `elapsed_s` is how long it lasted, `timers` how many steps it took."""

    day: DayOptions
    group: CampaignGroup
    elapsed_s: float
    measures: Measures
    floor: FloorAccount
    attempts: tuple[Attempt, ...]
    open_calls: int
    records: dict[RecordStatus, int]
    decisions: tuple[tuple[float, PacingDecision], ...]     # with the seconds since the day began
    dry: tuple[float, ...]              # minutes at which agents waited and the list had nothing to dial, in seconds since then
    differences: tuple[str, ...]        # between what the switch and the engine say
    clock_steps: tuple[tuple[float, float], ...]        # what the wall clock showed before and after it was set
    timers: int


class SimulatedDay:
    """`run` plays it once. `group` dials the list `CALLING_LIST`; its agents are `people` of the center."""

    def __init__(self, day: DayOptions, group: CampaignGroup, engine: EngineOptions = EngineOptions(),
                 applications: Iterable[IvrApplicationOptions] = (), records: Sequence[Record] | None = None) -> None:
        """`applications` are the IVR's; `records` the list's content, where it is not the scenario's."""
        self.day, self.group = day, group
        self.end_s = 3_600.0 * day.hours
        self.clock = HeapClock(start_of(day).timestamp())
        self.measures = Measures(self.clock, self.end_s, 60.0 * day.interval_min, rules_of(group.mode).flow)
        self._calls: list[FinishedCall] = []
        self._decisions: list[tuple[float, PacingDecision]] = []
        self._dry: list[float] = []
        people = seats(seats_needed(day))
        network = replace(day.people, seed=day.people.seed or day.seed)
        self.center = VirtualCenter(self.clock, group, people, network=network, engine=engine, applications=applications,
                                    seed=day.seed, on_finished=self._finished)
        self.center.add_records(CALLING_LIST, day.calling_list.records() if records is None else records)
        self.roster = Roster(self.clock, people, self.center.desks, day.agents, day.seed, self.measures.watch)
        self._begun = 0.0

    def run(self, told: Callable[[float], None] = lambda elapsed_s: None) -> Account:
        """From the first to the last moment; `told` hears now and then how much of the day has passed (s)."""
        self.center.open()
        self.clock.advance(1.0)             # until the link is up
        self.clock.step_wall(-1.0)
        self._begun = self.clock.seconds()
        self.measures.begin()
        self.center.start()
        Director(self.day, self.clock, self.center, self.roster).direct()
        if self.day.decisions:
            self._sample(self.end_s / self.day.decisions)
        end = self._begun + self.end_s
        while self.clock.seconds() < end and not (self.day.stop_when_done and self._done()):
            self.clock.run_until(min(end, self.clock.seconds() + _LOOKED_AT_S))
            elapsed_s = self.clock.seconds() - self._begun
            if self.center.session.loop.condition is Condition.WAITING_RECORDS:
                self._dry.append(elapsed_s)
            told(elapsed_s)
        return self._account()

    def _finished(self, call: FinishedCall) -> None:
        self._calls.append(call)
        self.measures.finished(call)

    # -- decisions ------------------------------------------------------------------------------------------------
    def _sample(self, every_s: float) -> None:
        """Keep the last decision that placed calls; where there was none, the last one."""
        decisions = self.center.session.loop.decisions
        fresh = []
        for decision in reversed(decisions):
            if self._decisions and decision is self._decisions[-1][1]:
                break
            fresh.append(decision)
            if decision.calls:
                break
        if fresh:
            chosen = fresh[-1] if fresh[-1].calls else fresh[0]
            self._decisions.append((self.clock.seconds() - self._begun, chosen))
        self.clock.callLater(every_s, self._sample, every_s)

    # -- the end --------------------------------------------------------------------------------------------------
    def _done(self) -> bool:
        session = self.center.session
        if session.held or not session.buffer.exhausted:
            return False
        now = self.clock.wall()
        due = [record for record in self._records() if record.record_status is RecordStatus.READY]
        opening = next_opening(due, now)
        soon = [record for record in due if (record.dial_sched_time or 0) <= now + _HORIZON_S]
        return opening is None or not soon or opening[0] > now + _HORIZON_S

    def _records(self) -> list[Record]:
        found: list[Record] = []
        every = self.day.calling_list.contacts * self.day.calling_list.phones
        self.center.store.records(CALLING_LIST, every).addCallback(found.extend)
        return found

    def _account(self) -> Account:
        self.measures.close()
        attempts = tuple(self.center.store.attempts.values())
        by_conn = {one.conn_id: one for one in attempts if one.conn_id}
        self.measures.judged(by_conn)
        return Account(
            self.day, self.group, self.clock.seconds() - self._begun, self.measures, add_up(self.roster.books), attempts,
            self.center.session.ports_in_use, dict(Counter(record.record_status for record in self._records())),
            tuple(self._decisions), tuple(self._dry), tuple(self._compare(by_conn)), tuple(self.clock.steps), self.clock.fired)

    def _compare(self, by_conn: dict[str, Attempt]) -> list[str]:
        """Each call out that the switch has logged must be an attempt of the engine's, to the same number, and the other way
        round. (An attempt that its call or its agent still keeps open shows no call yet.)"""
        logged = {call.conn_id: call for call in self._calls if call.kind is CallKind.OUTBOUND}
        held = {one.call.conn_id for one in self.center.session.held if one.call is not None}
        found = [f"call {conn_id} to {call.destination} is no attempt" for conn_id, call in logged.items()
                 if conn_id not in by_conn and conn_id not in held]
        found += [f"attempt {one.guid} has call {conn_id}, which the switch has not logged" for conn_id, one in by_conn.items()
                  if conn_id not in logged and conn_id not in held and one.ended_at is not None]
        found += [f"call {conn_id} went to {logged[conn_id].destination}, the attempt was for {one.phone}"
                  for conn_id, one in by_conn.items() if conn_id in logged and logged[conn_id].destination != one.phone]
        return found
