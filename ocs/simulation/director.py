"""Has happen what a scenario says: shifts and breaks, the course of the day, events."""
from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Callable

from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.servers.tserver.simulator_options import SimulatorOptions
from ocs.simulation.center import VirtualCenter
from ocs.simulation.clock import HeapClock
from ocs.simulation.roster import Roster
from ocs.simulation.scenario import (
    DayOptions,
    EventKind,
    EventOptions,
    breaks_of,
    offset_s,
    shown_s,
    start_of,
    steps_of,
    time_of_day_s,
    with_shares,
)

__all__ = ["Director", "seats_needed"]

_FACTORS = {EventKind.ANSWER_DELAY: "answer_s", EventKind.TALK_TIME: "talk_s", EventKind.WRAP_UP: "wrap_up_s"}
_VALUES = {EventKind.HIT_RATIO: "hit_ratio", EventKind.INBOUND: "inbound_per_hour"}


def seats_needed(day: DayOptions) -> int:
    """Desks for everybody who may ever come."""
    return sum(one.agents for one in day.shift) + sum(int(one.value) for one in day.event if one.kind is EventKind.AGENTS_JOIN)


class Director:
    """`direct` plans the whole day on the clock."""

    def __init__(self, day: DayOptions, clock: HeapClock, center: VirtualCenter, roster: Roster) -> None:
        self._day, self._clock, self._center, self._roster = day, clock, center, roster
        self._start = start_of(day)
        self._people = center.network.options       # as the scenario gives them
        self._course: dict[str, float] = {}         # what the course of the day has changed
        self._forced: dict[str, list[float]] = {}   # what events have, the last one in force
        self._factors: dict[str, list[float]] = {}
        self._seats = 0                             # given so far

    def direct(self) -> None:
        """From now on, which is the day's beginning, everything comes in its time."""
        self._plan_course()
        for shift in self._day.shift:
            places = self._next_seats(shift.agents)
            begins, ends = time_of_day_s(shift.begins), time_of_day_s(shift.ends)
            self._later(0.0 if begins is None else offset_s(self._start, begins),
                        partial(self._roster.come, places, 60.0 * shift.arrival_spread_min))
            if ends is not None:
                self._later(offset_s(self._start, ends), partial(self._roster.go, places))
            for at, length_s in breaks_of(shift.breaks):
                self._later(offset_s(self._start, at),
                            partial(self._roster.rest, places, length_s, 60.0 * shift.break_spread_min))
        for event in self._day.event:
            at_s = time_of_day_s(event.at)
            assert at_s is not None
            self._later(offset_s(self._start, at_s), partial(self._happens, event))

    def _later(self, delay_s: float, what: Callable[[], object]) -> None:
        if delay_s < 3_600.0 * self._day.hours:
            self._clock.callLater(delay_s, what)

    def _next_seats(self, count: int) -> range:
        first, self._seats = self._seats, self._seats + count
        return range(first, self._seats)

    # -- the course of the day ------------------------------------------------------------------------------------
    def _plan_course(self) -> None:
        for name in self._day.course.__dataclass_fields__:
            for at, value in steps_of(getattr(self._day.course, name)):
                if at <= shown_s(self._start):
                    self._course[name] = value
                wait_s = offset_s(self._start, at)
                if wait_s > 0.0:
                    self._later(wait_s, partial(self._goes_on, name, value))
        self._apply()

    def _goes_on(self, name: str, value: float) -> None:
        self._course[name] = value
        self._apply()

    # -- events ---------------------------------------------------------------------------------------------------
    def _happens(self, event: EventOptions) -> None:
        back = _DOES[event.kind](self, event)
        if event.lasts_s and back is not None:
            self._clock.callLater(event.lasts_s, back)

    def _force(self, event: EventOptions) -> Callable[[], None]:
        return self._put(self._forced.setdefault(_VALUES[event.kind], []), event.value)

    def _scale(self, event: EventOptions) -> Callable[[], None]:
        return self._put(self._factors.setdefault(_FACTORS[event.kind], []), event.value)

    def _put(self, values: list[float], value: float) -> Callable[[], None]:
        """One more value is in force; what is returned takes it away again."""
        values.append(value)
        self._apply()

        def back() -> None:
            values.remove(value)
            self._apply()
        return back

    def _agents_leave(self, event: EventOptions) -> Callable[[], None]:
        gone = self._roster.leave(event.value)
        return lambda: self._roster.come(gone)

    def _agents_join(self, event: EventOptions) -> Callable[[], None]:
        places = self._next_seats(int(event.value))
        self._roster.come(places)
        return lambda: self._roster.go(places)

    def _link_lost(self, event: EventOptions) -> Callable[[], None]:
        self._center.cut_link()
        return self._center.mend_link

    def _clock_step(self, event: EventOptions) -> None:
        self._clock.step_wall(event.value)

    # -- what holds now -------------------------------------------------------------------------------------------
    def _value(self, name: str) -> float | None:
        forced = self._forced.get(name)
        return forced[-1] if forced else self._course.get(name)

    def _scaled(self, name: str, given: float) -> float:
        value = self._value(name)
        value = given if value is None else value
        for factor in self._factors.get(name, ()):
            value *= factor
        return value

    def _apply(self) -> None:
        self._center.network.change(self._now_like())
        self._roster.behave(self._now_work())

    def _now_like(self) -> SimulatorOptions:
        asked = {"person": self._value("hit_ratio"), "machine": self._value("machine"), "busy": self._value("busy")}
        people = with_shares(self._people, **{name: value for name, value in asked.items() if value is not None})
        return replace(people, answer_s=self._scaled("answer_s", people.answer_s), talk_s=self._scaled("talk_s", people.talk_s),
                       inbound_per_hour=self._scaled("inbound_per_hour", people.inbound_per_hour))

    def _now_work(self) -> AgentBehaviour:
        return replace(self._day.agents, wrap_up_s=self._scaled("wrap_up_s", self._day.agents.wrap_up_s))


_DOES: dict[EventKind, Callable[[Director, EventOptions], Callable[[], None] | None]] = {
    EventKind.HIT_RATIO: Director._force,
    EventKind.INBOUND: Director._force,
    EventKind.ANSWER_DELAY: Director._scale,
    EventKind.TALK_TIME: Director._scale,
    EventKind.WRAP_UP: Director._scale,
    EventKind.AGENTS_LEAVE: Director._agents_leave,
    EventKind.AGENTS_JOIN: Director._agents_join,
    EventKind.LINK_LOST: Director._link_lost,
    EventKind.CLOCK_STEP: Director._clock_step,
}
