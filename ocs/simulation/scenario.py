"""A day to be simulated, as an option table: who works when, who is called, what they are like, and what happens meanwhile.

Times of the day ("09:30") are by the clock that `start` shows, with its offset. What changes in the course of the day is given
as steps: ["09:00 0.2", "12:00 0.45"] holds 0.2 from nine to twelve, 0.45 from then on; before its first step an option stands as
its table gives it, after midnight the steps come again.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Iterator

from ocs.dialing.dial_hours import known_zone
from ocs.dialing.values import Record
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.options import option, table
from ocs.servers.tserver.simulator_options import SimulatorOptions
from ocs.simulation.center import QUEUE

__all__ = ["Break", "CourseOptions", "DayOptions", "EventKind", "EventOptions", "ListOptions", "PeopleOptions", "ShiftOptions",
           "Step", "breaks_of", "offset_s", "shown_s", "start_of", "steps_of", "time_of_day_s", "with_shares"]

_DAY_S = 86_400.0
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_AREA_CODES = (212, 646, 718, 917)
_OF_AN_AREA = 7_000_000         # numbers, from exchange 220 on
_SHARES = ("person", "machine", "busy")         # of a call; the other two belong to the number

Step = tuple[float, float]      # seconds after midnight, value
Break = tuple[float, float]     # seconds after midnight, length in seconds


@dataclass(frozen=True)
class PeopleOptions(SimulatorOptions):
    """What the people at the called numbers are like, and those who call by themselves. What is left of 1 after the five shares
    is not answered."""

    seed: int = option(0, text="Another seed, other people behind the same numbers; 0 = the scenario's.")
    inbound_destination: str = option(QUEUE, text="DN that people call: the queue at which the agents are.")


@dataclass(frozen=True)
class CourseOptions:
    """What changes in the course of the day, each as steps "HH:MM value"."""

    hit_ratio: tuple[str, ...] = option(
        (), example=("09:00 0.2", "12:00 0.45"),
        text="Share of calls at which a person would answer (people.person). Where the shares do not fit beside it, those of"
             " machines and busy lines shrink.")
    machine: tuple[str, ...] = option((), text="Share of calls that an answering machine takes.")
    busy: tuple[str, ...] = option((), text="Share of calls that meet a busy line.")
    answer_s: tuple[str, ...] = option((), text="Mean ringing before a person answers, seconds.")
    talk_s: tuple[str, ...] = option((), text="Mean talk with an agent, seconds.")
    wrap_up_s: tuple[str, ...] = option((), text="Mean after-call work after a talk, seconds.")
    inbound_per_hour: tuple[str, ...] = option((), text="How many people call by themselves.")

    def problems(self) -> list[str]:
        found = []
        for name in self.__dataclass_fields__:
            try:
                steps = steps_of(getattr(self, name))
            except ValueError as error:
                found.append(f"{name}: {error}")
                continue
            low, high = _LIMITS[name]
            found += [f"{name}: {value:g} is not {low:g} to {high:g}" for _, value in steps if not low <= value <= high]
        return found


_LIMITS = {"hit_ratio": (0.0, 1.0), "machine": (0.0, 1.0), "busy": (0.0, 1.0), "answer_s": (0.1, 600.0), "talk_s": (1.0, 7_200.0),
           "wrap_up_s": (0.0, 3_600.0), "inbound_per_hour": (0.0, 1_000_000.0)}


@dataclass(frozen=True)
class ListOptions:
    """The calling list."""

    contacts: int = option(20_000, low=1, high=2_000_000, text="Contacts in it.")
    phones: int = option(1, low=1, high=10, text="Phones of each contact, dialed one after the other as the treatments say.")
    zone: str = option("America/New_York", text="Time zone of the contacts, an IANA name.")
    daily_from: str = option("00:00", text="When they may be called, by the clock in their zone: from")
    daily_till: str = option("23:59", text="till; 23:59 is to the end of the day.")
    maximum_attempts: int = option(10, low=1, high=10_000, unit="attempts", text="A record is dialed this often at most.")

    def problems(self) -> list[str]:
        found = [f"{name}: a time of the day like 08:30 is expected, not {getattr(self, name)!r}"
                 for name in ("daily_from", "daily_till") if time_of_day_s(getattr(self, name)) is None]
        return found if known_zone(self.zone) else [*found, f"zone: {self.zone!r} is no time zone"]

    def records(self) -> Iterator[Record]:
        """The records, each with a number of its own; of a contact one after the other."""
        daily_from, daily_till = time_of_day_s(self.daily_from), time_of_day_s(self.daily_till)
        assert daily_from is not None and daily_till is not None
        for place in range(self.contacts * self.phones):
            yield Record(place + 1, place // self.phones + 1, place % self.phones + 1, _phone(place),
                         daily_from=int(daily_from), daily_till=int(daily_till), tz_dbid=1, tz_name=self.zone)


@dataclass(frozen=True)
class ShiftOptions:
    """Agents who come, have breaks and go home together."""

    agents: int = option(10, low=1, high=10_000, text="How many.")
    begins: str = option("", text="When they come; empty = they are there from the start.")
    ends: str = option("", text="When they go home, once the call at hand is done; empty = they stay to the end.")
    arrival_spread_min: float = option(0.1, low=0, high=240, unit="minutes", text="Over how long they arrive.")
    breaks: tuple[str, ...] = option(
        (), example=("10:30 15", "12:00 30"), text="Breaks, each as its time and its minutes, beside those that the table agents"
                                                   " leaves to chance.")
    break_spread_min: float = option(10.0, low=0, high=240, unit="minutes",
                                     text="Over how long the agents of the shift set out for a break.")

    def problems(self) -> list[str]:
        found = [f"{name}: a time of the day like 08:30 is expected, not {getattr(self, name)!r}" for name in ("begins", "ends")
                 if getattr(self, name) and time_of_day_s(getattr(self, name)) is None]
        try:
            breaks_of(self.breaks)
        except ValueError as error:
            found.append(f"breaks: {error}")
        return found


class EventKind(Enum):
    """What can happen."""
    HIT_RATIO = "hit-ratio"             # value: share of calls at which a person answers
    ANSWER_DELAY = "answer-delay"       # value: factor on the ringing before a person answers
    TALK_TIME = "talk-time"             # value: factor on talks
    WRAP_UP = "wrap-up"                 # value: factor on the after-call work
    INBOUND = "inbound"                 # value: callers an hour
    AGENTS_LEAVE = "agents-leave"       # value: share of those who are there
    AGENTS_JOIN = "agents-join"         # value: how many come in addition
    LINK_LOST = "link-lost"             # between the T-Server and the engine; lasts_s is needed
    CLOCK_STEP = "clock-step"           # value: seconds by which the wall clock is set on, or back


_RANGES = {EventKind.HIT_RATIO: (0.0, 1.0), EventKind.ANSWER_DELAY: (0.01, 100.0), EventKind.TALK_TIME: (0.01, 100.0),
           EventKind.WRAP_UP: (0.0, 100.0), EventKind.INBOUND: (0.0, 1e6), EventKind.AGENTS_LEAVE: (0.0, 1.0),
           EventKind.AGENTS_JOIN: (1.0, 10_000.0), EventKind.LINK_LOST: (0.0, 0.0), EventKind.CLOCK_STEP: (-86_400.0, 86_400.0)}


@dataclass(frozen=True)
class EventOptions:
    """Something that happens at a moment, and for a while or for good."""

    at: str = option("", example="10:30", text="When.")
    kind: EventKind = option(EventKind.HIT_RATIO, text="What.")
    value: float = option(0.0, low=-86_400, high=1_000_000,
                          text="How much: a share (hit-ratio, agents-leave), a factor (answer-delay, talk-time, wrap-up),"
                               " calls an hour (inbound), agents (agents-join), seconds (clock-step).")
    lasts_s: float = option(0.0, low=0, high=86_400, unit="seconds",
                            text="After this it is as it was before; 0 = it stays so. A clock that is set stays so.")

    def problems(self) -> list[str]:
        found = [] if time_of_day_s(self.at) is not None else [
            f"at: a time of the day like 10:30 is expected, not {self.at!r}"]
        low, high = _RANGES[self.kind]
        if not low <= self.value <= high:
            found.append(f"value: {low:g} to {high:g} is expected of {self.kind.value}, not {self.value:g}")
        if self.kind is EventKind.LINK_LOST and not self.lasts_s:
            found.append("lasts_s: how long the link is lost")
        return found


@dataclass(frozen=True)
class DayOptions:
    """The day itself; what the campaign group is like stands in tables of their own."""

    name: str = option("", text="What people read above the report.")
    description: str = option("", text="What it is for.")
    seed: int = option(1, low=0, high=2**53, text="Another seed, another day of the same kind.")
    start: str = option("2026-03-10T09:00-04:00", text="When the day begins, with its offset from UTC.")
    hours: float = option(8.0, low=0.01, high=24, unit="hours", text="How long it lasts.")
    stop_when_done: bool = option(False, text="Whether it ends when no record can be dialed within ten minutes.")
    interval_min: float = option(15.0, low=0.5, high=240, unit="minutes", text="Length of an interval of the series.")
    decisions: int = option(200, low=0, high=10_000, text="Pacing decisions that the report shows, spread over the day.")
    calling_list: ListOptions = table(ListOptions)
    people: PeopleOptions = table(PeopleOptions)
    course: CourseOptions = table(CourseOptions)
    agents: AgentBehaviour = table(AgentBehaviour)
    shift: tuple[ShiftOptions, ...] = table()
    event: tuple[EventOptions, ...] = table()

    def problems(self) -> list[str]:
        found = [] if self.shift else ["shift: at least one [[shift]] is needed"]
        if (start := _start(self.start)) is None:
            return [*found, f"start: a time such as 2026-03-10T09:00-04:00, with its offset, is expected, not {self.start!r}"]
        end_s = 3_600.0 * self.hours
        for number, one in enumerate(self.event, 1):
            at = time_of_day_s(one.at)
            if at is not None and offset_s(start, at) >= end_s:
                found.append(f"event[{number}].at: {one.at} is not within the {self.hours:g} hours from {self.start}")
        for number, shift in enumerate(self.shift, 1):
            begins = time_of_day_s(shift.begins)
            if begins is not None and offset_s(start, begins) >= end_s:
                found.append(f"shift[{number}].begins: {shift.begins} is not within the {self.hours:g} hours from {self.start}")
        return found


def _start(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def start_of(day: DayOptions) -> datetime:
    """When a checked day begins."""
    moment = _start(day.start)
    assert moment is not None
    return moment


def time_of_day_s(text: str) -> float | None:
    """Seconds after midnight of a text like 08:30; None for anything else."""
    match = _TIME.fullmatch(text)
    return None if match is None else 3_600.0 * int(match[1]) + 60.0 * int(match[2])


def offset_s(start: datetime, at: float) -> float:
    """How long after the start (s) the clock first shows `at` (seconds after midnight)."""
    return (at - shown_s(start)) % _DAY_S


def shown_s(moment: datetime) -> float:
    """What the clock shows then, seconds after midnight."""
    return 3_600.0 * moment.hour + 60.0 * moment.minute + moment.second


def steps_of(texts: tuple[str, ...]) -> list[Step]:
    """Texts like "09:00 0.2" in the order of their times; ValueError says which one is none."""
    return sorted(_pairs(texts, "a value"))


def breaks_of(texts: tuple[str, ...]) -> list[Break]:
    """Texts like "12:00 30" (minutes); ValueError says which one is none."""
    found = [(at, 60.0 * minutes) for at, minutes in _pairs(texts, "minutes")]
    if any(not 0.0 < length <= _DAY_S / 2 for _, length in found):
        raise ValueError("a break lasts more than 0 and at most 720 minutes")
    return sorted(found)


def _phone(place: int) -> str:
    """A number of its own for each record, as they are written in North America."""
    area, number = divmod(place, _OF_AN_AREA)
    return f"+1{_AREA_CODES[area]}{2_200_000 + number}"


def _pairs(texts: tuple[str, ...], what: str) -> Iterator[tuple[float, float]]:
    for text in texts:
        time, _, rest = text.partition(" ")
        at = time_of_day_s(time)
        try:
            value = float(rest)
        except ValueError:
            value = float("nan")
        if at is None or value != value:
            raise ValueError(f"a time of the day and {what}, like '09:30 12', is expected, not {text!r}")
        yield at, value


def with_shares(people: SimulatorOptions, **shares: float) -> SimulatorOptions:
    """Other shares of a call (`person`, `machine`, `busy`). What was asked for stands; where it does not fit beside the share of
    numbers that do not work, and then the others beside it, they shrink."""
    room = 1.0 - people.invalid - people.fax
    asked = {name: shares[name] for name in _SHARES if name in shares}
    total = sum(asked.values())
    if total > room:
        asked = {name: value * room / total for name, value in asked.items()}
    left = max(0.0, room - sum(asked.values()))
    others = {name: getattr(people, name) for name in _SHARES if name not in asked}
    total = sum(others.values())
    if total > left:
        others = {name: value * left / total for name, value in others.items()}
    made = {**asked, **others}
    return replace(people, person=made["person"], machine=made["machine"], busy=made["busy"])
