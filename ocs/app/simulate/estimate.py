"""What recorded attempts tell of a day: who answers at which hour, how fast, how long talks are, who works when. Pure.

An hour with few calls says little about its hit ratio: it is counted with the hours before it until there are enough. What is not
recorded (after-call work, how long people wait) stays as the scenario's tables have it; the notes say so.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, pstdev
from typing import Any, Iterable, Sequence

from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState
from ocs.servers.tserver.simulator_options import SimulatorOptions

__all__ = ["Estimate", "estimate"]

_MACHINES = frozenset({CallResult.ANSWERING_MACHINE_DETECTED, CallResult.SILENCE_DETECTED, CallResult.PAGER_DETECTED})
_INVALID = frozenset({CallResult.SIT_DETECTED, CallResult.SIT_INVALID_NUMBER, CallResult.SIT_VC, CallResult.SIT_IC,
                      CallResult.SIT_UNKNOWN, CallResult.SIT_NC, CallResult.SIT_RO})
_ENOUGH_CALLS = 50      # for a hit ratio of its own
_ENOUGH_TIMES = 20      # for a mean and a spread
_HEADROOM = 1.2         # more contacts than were dialed, so that the list does not run dry
_LEAST_TALK_S = 5.0


@dataclass(frozen=True)
class Estimate:
    """Tables of a scenario, as decoded TOML, and what people should know about them."""

    mapping: dict[str, Any]
    notes: tuple[str, ...]
    calls: int
    days: int


def estimate(attempts: Iterable[Attempt]) -> Estimate:
    """From attempts whose calls are over; hours are by the machine's own clock. ValueError where there are no calls."""
    dialed = [one for one in attempts if one.dialed_at is not None and one.state is not AttemptState.OPEN]
    if not dialed:
        raise ValueError("no calls are recorded")
    by_hour: defaultdict[int, list[Attempt]] = defaultdict(list)
    for one in dialed:
        by_hour[_local(one).hour].append(one)
    days = sorted({_local(one).date() for one in dialed})
    first, last = min(by_hour), max(by_hour)
    shifts, staffed = _shifts(dialed, first, last + 1)
    when = f"one day, {days[0]}" if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]}"
    notes = [f"# from {len(dialed):,} calls of {when}"]
    people, told = _people(dialed)
    beginning = datetime.combine(days[-1], datetime.min.time()).replace(hour=first).astimezone()
    mapping: dict[str, Any] = {
        "start": beginning.isoformat(timespec="minutes"), "hours": float(last + 1 - first),
        "calling_list": {"contacts": max(100, round(_HEADROOM * len(dialed) / len(days)))},
        "people": people, "course": {"hit_ratio": _hit_ratios(by_hour)}, "shift": shifts}
    notes += told
    notes.append("# after-call work, and how long people wait for an agent, are not recorded: agents.wrap_up_s and"
                 " people.patience_s are assumptions")
    if not staffed:
        notes.append("# no agent is named in the calls: ten agents are assumed")
    return Estimate(mapping, tuple(notes), len(dialed), len(days))


def _local(one: Attempt) -> datetime:
    return datetime.fromtimestamp(one.dialed_at or one.opened_at)


def _is_person(one: Attempt) -> bool:
    return one.answered_at is not None and one.call_result not in _MACHINES and one.call_result is not CallResult.FAX_DETECTED


def _people(dialed: Sequence[Attempt]) -> tuple[dict[str, float], list[str]]:
    calls = len(dialed)
    people = {
        "person": _share(sum(map(_is_person, dialed)), calls),
        "machine": _share(sum(one.call_result in _MACHINES for one in dialed), calls),
        "busy": _share(sum(one.call_result is CallResult.BUSY for one in dialed), calls),
        "invalid": _share(sum(one.call_result in _INVALID for one in dialed), calls),
        "fax": _share(sum(one.call_result is CallResult.FAX_DETECTED for one in dialed), calls)}
    notes = []
    setup_s = SimulatorOptions().setup_s
    rings = [one.answered_at - one.dialed_at - setup_s for one in dialed
             if _is_person(one) and one.answered_at is not None and one.dialed_at is not None]
    talks = [max(_LEAST_TALK_S, one.ended_at - one.agent_connected_at) for one in dialed
             if one.agent_connected_at is not None and one.ended_at is not None]
    for name, unit, times in (("answer", "answers", [max(0.1, each) for each in rings]), ("talk", "talks", talks)):
        if len(times) < _ENOUGH_TIMES:
            notes.append(f"# only {len(times)} {unit} are recorded: people.{name}_s and people.{name}_cv are assumptions")
            continue
        people[f"{name}_s"] = round(mean(times), 1)
        people[f"{name}_cv"] = round(min(5.0, max(0.01, pstdev(times) / mean(times))), 2)
    return people, notes


def _share(part: int, whole: int) -> float:
    return int(10_000 * part / whole) / 10_000      # rounded down, so that the shares never add up to more than all


def _hit_ratios(by_hour: dict[int, list[Attempt]]) -> list[str]:
    """A step for each hour, or for hours together until there are calls enough; a rest goes with the step before it."""
    steps: list[tuple[int, int, int]] = []      # hour, persons, calls
    begun, persons, calls = -1, 0, 0
    for hour in sorted(by_hour):
        begun = hour if begun < 0 else begun
        persons, calls = persons + sum(map(_is_person, by_hour[hour])), calls + len(by_hour[hour])
        if calls >= _ENOUGH_CALLS:
            steps.append((begun, persons, calls))
            begun, persons, calls = -1, 0, 0
    if calls and steps:
        hour, more, all_ = steps[-1]
        steps[-1] = hour, more + persons, all_ + calls
    elif calls:
        steps.append((begun, persons, calls))
    return [f"{hour:02}:00 {persons / calls:.4f}" for hour, persons, calls in steps]


def _shifts(dialed: Sequence[Attempt], first: int, end: int) -> tuple[list[dict[str, Any]], bool]:
    """As many agents at each hour as had calls in it, on average over the days of the list. Whoever comes first goes last, so
    that the shifts are few and long. False: there are no agents in the calls."""
    seen: defaultdict[tuple[Any, int], set[str]] = defaultdict(set)
    for one in dialed:
        if one.agent_connected_at is not None and (one.agent_id or one.agent_dn):
            at = datetime.fromtimestamp(one.agent_connected_at)
            seen[at.date(), at.hour].add(one.agent_id or one.agent_dn or "")
    if not seen:
        return [{"agents": 10}], False
    by_hour: defaultdict[int, list[int]] = defaultdict(list)
    for (_, hour), agents in seen.items():
        by_hour[hour].append(len(agents))
    working = {hour: max(1, round(mean(counts))) for hour, counts in by_hour.items()}
    spans: defaultdict[tuple[int, int], int] = defaultdict(int)
    open_since: list[int] = []
    for hour in range(first, end + 1):
        there = working.get(hour, 0) if hour < end else 0
        while len(open_since) < there:
            open_since.append(hour)
        while len(open_since) > there:
            spans[open_since.pop(), hour] += 1
    return [{"agents": count, **({"begins": f"{begin:02}:00"} if begin > first else {}),
             **({"ends": f"{until:02}:00"} if until < end else {})} for (begin, until), count in sorted(spans.items())], True
