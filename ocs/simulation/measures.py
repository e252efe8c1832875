"""What a day was like, from two accounts that know nothing of each other: the agents' own books and the switch's call log; what
came of each call in the end is the engine's word.

Everything is counted as it happens, by the monotonic clock, so a wall clock that is set moves nothing into another interval.
"""
from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Mapping, Sequence

from ocs.dialing.modes import CallFlow
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt
from ocs.lab.agents.account import AgentBook
from ocs.lab.agents.machine import PAID, PRODUCTIVE, AgentState
from ocs.servers.tserver.calls import CallKind, FinishedCall
from ocs.simulation.clock import HeapClock
from protocols.tserver.messages import CallState

__all__ = ["Measures", "Outcomes", "percentiles"]

_NO_PERSON = frozenset({CallState.ANSWERING_MACHINE_DETECTED, CallState.FAX_DETECTED})
_NOBODY_CAME = frozenset({CallResult.ABANDONED, CallResult.DROPPED})
_LONGEST_RINGING_S = 600.0      # beyond it the wall clock was set meanwhile
PERCENTILES = (10, 25, 50, 75, 90, 95, 99)


def percentiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """Count, mean, least and most, and a few percentiles (by the nearest rank) of some numbers; None where there are none."""
    ranked, count = sorted(values), len(values)
    found: dict[str, float | int | None] = {"count": count, "mean": sum(ranked) / count if count else None}
    for percent in PERCENTILES:
        found[f"p{percent}"] = ranked[max(0, -(-percent * count // 100) - 1)] if count else None
    found["most"] = ranked[-1] if count else None
    return found


@dataclass
class Outcomes:
    """Calls out that ended in an interval; shares are of the calls that a person answered."""

    calls: int = 0
    answered: int = 0
    abandoned: int = 0
    talked: int = 0
    inbound: int = 0
    inbound_abandoned: int = 0


class Measures:
    """Give it each agent's book (`watch`) and each finished call (`finished`); `close` it at the end of the day."""

    def __init__(self, clock: HeapClock, end_s: float, interval_s: float, flow: CallFlow = CallFlow.TRANSFER) -> None:
        """The day lasts `end_s`. `flow` is what the campaign does with who answers."""
        self._clock, self._begun, self.interval_s, self._flow = clock, clock.seconds(), interval_s, flow
        self.intervals = [Outcomes() for _ in range(max(1, int(-(-end_s // interval_s))))]
        self._seconds = [dict.fromkeys(AgentState, 0.0) for _ in self.intervals]
        self.totals = Outcomes()
        self.idle_waits = array("d")            # from ready to the next call, seconds
        self._waits_by_interval = [array("d") for _ in self.intervals]
        self.answer_delays = array("d")         # from the dial to the answer, of persons
        self._states: dict[AgentBook, tuple[AgentState, float]] = {}
        self._without_agent: dict[str, int] = {}    # conn_id -> interval: who answered a call that no agent joined

    def begin(self) -> None:
        """The day begins now."""
        self._begun = self._clock.seconds()

    # -- agents ---------------------------------------------------------------------------------------------------
    def watch(self, book: AgentBook) -> None:
        """Follow the agent whose book this is."""
        def changed(left: AgentState, since: float, now_in: AgentState) -> None:
            now = self._clock.seconds()
            self._spent(left, since, now)
            self._states[book] = now_in, now
            if left is AgentState.READY and now_in is AgentState.RINGING:
                self.idle_waits.append(now - since)
                self._waits_by_interval[self._interval(now)].append(now - since)
        book.watcher = changed
        self._states[book] = AgentState.AWAY, self._clock.seconds()

    def close(self) -> None:
        """The day is over: what agents are at is counted up to now."""
        now = self._clock.seconds()
        for book, (state, since) in self._states.items():
            book.watcher = None
            self._spent(state, since, now)
        self._states.clear()

    def _spent(self, state: AgentState, since: float, until: float) -> None:
        begin, end = since - self._begun, until - self._begun
        while begin < end:
            place = min(int(begin // self.interval_s), len(self.intervals) - 1)
            stop = end if place == len(self.intervals) - 1 else min(end, (place + 1) * self.interval_s)
            self._seconds[place][state] += stop - begin
            begin = stop

    def _interval(self, now: float) -> int:
        return min(int((now - self._begun) // self.interval_s), len(self.intervals) - 1)

    # -- calls ----------------------------------------------------------------------------------------------------
    def finished(self, call: FinishedCall) -> None:
        """A line of the call log."""
        place = self._interval(self._clock.seconds())
        for counts in (self.totals, self.intervals[place]):
            self._count(counts, call)
        if call.kind is CallKind.OUTBOUND and _person(call):
            assert call.answered_at is not None
            if 0.0 <= call.answered_at - call.dialed_at <= _LONGEST_RINGING_S:
                self.answer_delays.append(call.answered_at - call.dialed_at)
            if call.agent_dn is None and self._flow is CallFlow.IVR:
                self._without_agent[call.conn_id] = place

    def _count(self, counts: Outcomes, call: FinishedCall) -> None:
        if call.kind is CallKind.INBOUND:
            counts.inbound += 1
            counts.inbound_abandoned += call.agent_dn is None
        elif call.kind is CallKind.OUTBOUND:
            counts.calls += 1
            if _person(call):
                counts.answered += 1
                counts.talked += call.agent_dn is not None
                counts.abandoned += call.agent_dn is None and self._flow is not CallFlow.IVR

    def judged(self, attempts: Mapping[str, Attempt]) -> None:
        """Who was led into an application has not been left alone for want of an agent: there the engine's result says who was.
        Attempts by ConnID."""
        for conn_id, place in self._without_agent.items():
            attempt = attempts.get(conn_id)
            if attempt is not None and attempt.call_result in _NOBODY_CAME:
                self.totals.abandoned += 1
                self.intervals[place].abandoned += 1
        self._without_agent.clear()

    # -- what came of it ------------------------------------------------------------------------------------------
    def seconds(self, place: int | None = None) -> dict[AgentState, float]:
        """All agents' seconds in each state, of an interval or of the day."""
        if place is not None:
            return self._seconds[place]
        total: Counter[AgentState] = Counter()
        for spent in self._seconds:
            total.update(spent)
        return {state: total[state] for state in AgentState}

    def utilisation(self, place: int | None = None) -> float | None:
        """Talk and after-call work over paid time; None where nobody was paid."""
        spent = self.seconds(place)
        paid = sum(spent[state] for state in PAID)
        return sum(spent[state] for state in PRODUCTIVE) / paid if paid else None

    def waits(self, place: int) -> Sequence[float]:
        """How long agents waited for the calls that came to them in this interval."""
        return self._waits_by_interval[place]


def _person(call: FinishedCall) -> bool:
    """Whether a person picked up, for all that the switch knows."""
    return call.answered_at is not None and call.call_state not in _NO_PERSON
