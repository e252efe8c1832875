"""The account of a simulated day as plain values: what `--json` writes and the page shows.

The same scenario and seed give the same report but for "wall", which tells how long the machine took. Shares are 0.0 to 1.0,
times seconds; "at" is what the clock showed by the scenario's own offset, had nobody set it.
"""
from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Mapping, Sequence

from ocs.dialing.results import RESULT_LABELS, RecordStatus
from ocs.dialing.values import Attempt, AttemptState
from ocs.lab.agents.machine import PAID, AgentState
from ocs.simulation.day import Account
from ocs.simulation.measures import Outcomes, percentiles
from ocs.simulation.scenario import EventKind, offset_s, start_of, time_of_day_s

__all__ = ["report"]


def report(account: Account, seconds: float) -> dict[str, Any]:
    """One JSON object; `seconds` is the real time that the run took."""
    day, group, measures = account.day, account.group, account.measures
    totals, start = measures.totals, start_of(account.day)
    dialed = [one for one in account.attempts if one.dialed_at is not None]
    whole = [one for one in dialed if _undisturbed(one, account.clock_steps)]
    results = Counter(RESULT_LABELS[one.call_result] for one in dialed if one.call_result is not None)
    return _rounded({
        "scenario": {
            "name": day.name, "description": day.description, "seed": day.seed, "start": day.start, "hours": day.hours,
            "mode": group.mode.word, "abandon_limit": group.abandon_limit if group.mode.word.startswith("predictive") else None,
            "agents": sum(one.agents for one in day.shift), "contacts": day.calling_list.contacts,
            "interval_s": measures.interval_s,
            "events": [{"at": one.at, "elapsed_s": offset_s(start, time_of_day_s(one.at) or 0.0), "kind": one.kind.value,
                        "value": one.value, "lasts_s": one.lasts_s, "text": _in_words(one.kind, one.value, one.lasts_s)}
                       for one in day.event]},
        "elapsed_s": account.elapsed_s,
        "utilisation": measures.utilisation(),
        "abandon_rate": _share(totals.abandoned, totals.answered),
        "hit_ratio": _share(totals.answered, totals.calls),
        **_calls(totals),
        "open_calls": account.open_calls,
        "results": dict(sorted(results.items(), key=lambda item: (-item[1], item[0]))),
        "attempts": {state.value: sum(one.state is state for one in account.attempts) for state in AttemptState},
        "records": {_label(status): account.records[status] for status in sorted(account.records)},
        "nothing_to_dial": {"minutes": len(account.dry), "first_at": _at(start, account.dry[0]) if account.dry else None},
        "idle_waits_s": percentiles(measures.idle_waits),
        "answer_delays_s": percentiles(measures.answer_delays),
        "customer_waits_s": percentiles(_customer_waits(whole)),
        "talk_s": percentiles(_talks(whole)),
        "agent_seconds": {state.value: spent for state, spent in measures.seconds().items()},
        "agents": {name: getattr(account.floor, name) for name in (
            "talked", "missed", "settled", "callbacks", "do_not_calls", "breaks", "logins", "unsettled", "unanswered")},
        "series": [_interval(account, start, place) for place in range(len(measures.intervals))
                   if place * measures.interval_s < account.elapsed_s],
        "decisions": [{"at": _at(start, elapsed), "elapsed_s": elapsed, "calls": decision.calls,
                       "condition": decision.condition.name.lower().replace("_", " "), "reason": decision.reason}
                      for elapsed, decision in account.decisions],
        "differences": list(account.differences),
        "timers": account.timers,
        "wall": {"seconds": seconds, "calls_per_second": totals.calls / seconds if seconds > 0 else None,
                 "times_real_time": account.elapsed_s / seconds if seconds > 0 else None},
    })


def _calls(counts: Outcomes) -> dict[str, Any]:
    return {"calls": counts.calls, "answered": counts.answered, "abandoned": counts.abandoned, "talked": counts.talked,
            "inbound": counts.inbound, "inbound_abandoned": counts.inbound_abandoned}


def _interval(account: Account, start: datetime, place: int) -> dict[str, Any]:
    measures = account.measures
    counts, spent = measures.intervals[place], measures.seconds(place)
    begin = place * measures.interval_s
    length = min(measures.interval_s, account.elapsed_s - begin)
    waits = percentiles(measures.waits(place))
    return {"at": _at(start, begin), "elapsed_s": begin, **_calls(counts),
            "abandon_rate": _share(counts.abandoned, counts.answered), "hit_ratio": _share(counts.answered, counts.calls),
            "utilisation": measures.utilisation(place),
            "agents": sum(spent[state] for state in PAID) / length,
            "states": {state.value: spent[state] / length for state in AgentState if state is not AgentState.AWAY},
            "idle_wait_s": {name: waits[name] for name in ("mean", "p50", "p90")}}


def _customer_waits(dialed: Sequence[Attempt]) -> list[float]:
    """From the moment in which it was known that a person answered to the agent."""
    return [max(0.0, one.agent_connected_at - (one.cpd_completed_at or one.answered_at or one.agent_connected_at))
            for one in dialed if one.agent_connected_at is not None]


def _talks(dialed: Sequence[Attempt]) -> list[float]:
    return [max(0.0, one.ended_at - one.agent_connected_at) for one in dialed
            if one.agent_connected_at is not None and one.ended_at is not None]


def _undisturbed(one: Attempt, clock_steps: Sequence[tuple[float, float]]) -> bool:
    """Whether the times of an attempt are true: the wall clock was not set, that anybody could see it, in its course."""
    begin, end = one.dialed_at or one.opened_at, one.ended_at
    return end is None or end >= begin and not any(begin <= before < after <= end for before, after in clock_steps)


def _in_words(kind: EventKind, value: float, lasts_s: float) -> str:
    while_ = f" for {_length(lasts_s)}" if lasts_s else ""
    texts = {
        EventKind.HIT_RATIO: f"a person answers {100 * value:g} % of the calls",
        EventKind.ANSWER_DELAY: f"persons answer {value:g} times as late",
        EventKind.TALK_TIME: f"talks are {value:g} times as long",
        EventKind.WRAP_UP: f"after-call work is {value:g} times as long",
        EventKind.INBOUND: f"{value:g} people an hour call by themselves",
        EventKind.AGENTS_LEAVE: f"{100 * value:g} % of the agents leave",
        EventKind.AGENTS_JOIN: f"{value:g} more agents come",
        EventKind.LINK_LOST: "the link to the T-Server is lost",
        EventKind.CLOCK_STEP: f"the wall clock is set {'on' if value >= 0 else 'back'} by {_length(abs(value))}",
    }
    return texts[kind] + while_


def _length(seconds: float) -> str:
    for size, unit in ((3_600.0, "h"), (60.0, "min")):
        if seconds >= size and seconds % (size / 10) == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _at(start: datetime, elapsed_s: float) -> str:
    return (start + timedelta(seconds=elapsed_s)).strftime("%H:%M:%S")


def _label(status: RecordStatus) -> str:
    return status.name.replace("_", " ").title()


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Floats to six digits behind the point: what is beyond them no reader wants."""
    return {key: _round(each) for key, each in values.items()}


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return _rounded(value)
    return [_round(each) for each in value] if isinstance(value, (list, tuple)) else value
