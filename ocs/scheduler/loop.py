"""The pacing loop of a session: it decides whenever something changed and at least once a tick.

Wakes are coalesced, so a burst of events costs one decision. The loop also keeps the record buffer filled.
"""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.dialing.call import CallState
from ocs.dialing.modes import CallFlow, PacedBy
from ocs.dialing.pacing import PacingDecision, PacingInput, RateLimit, progressive
from ocs.dialing.pacing.ports import fill_ports
from ocs.dialing.results import DialingMode
from ocs.dialing.session import Condition, SessionState
from ocs.scheduler.context import Context, run
from ocs.scheduler.decisions import Decisions

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["PacingLoop"]

# A decision costs some milliseconds at 5,000 agents (docs/performance.md); at 0.2 s apart it is one or two percent of the time
_REFUSED_AT_ONCE = 200      # chains that a decision finds not to be dialed, before others have their turn
_SMALL_TEAM, _APART_S, _FARTHEST_S = 20, 0.001, 0.2


class PacingLoop:
    """Decides how many calls to place now, and has them placed. `decisions` are the last ones with their reasons."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self.condition = Condition.WAITING_AGENTS
        self.decisions = Decisions(context.options.decisions_kept)
        self._rate = RateLimit(session.group.dialing_rate_limit)
        self._decided_at, self._apart_s = float("-inf"), 0.0
        self._without_ports = self._without_records = float("inf")      # since when there are none
        self._wake: IDelayedCall | None = None
        self._tick: IDelayedCall | None = None

    def regroup(self) -> None:
        """The session's group has other values now."""
        self._rate = RateLimit(self._session.group.dialing_rate_limit)
        self._session.feed.regroup()

    def start(self) -> None:
        """Tick from now on."""
        self._tick = self._context.clock.callLater(self._context.options.tick_s, self._ticked)

    def stop(self) -> None:
        """No more timers."""
        for timer in (self._wake, self._tick):
            if timer is not None and timer.active():
                timer.cancel()
        self._wake = self._tick = None

    def wake(self) -> None:
        """Decide soon; several wakes make one decision. The more agents, the more a decision costs and the less a moment matters:
        decisions of a large group are some time apart."""
        if self._wake is None and self._session.state is SessionState.RUNNING:
            since = self._context.clock.seconds() - self._decided_at
            self._wake = self._context.clock.callLater(max(0.0, self._apart_s - since), self._decide)

    def _ticked(self) -> None:
        self.start()
        self._session.callbacks.tick()
        self._session.requests.tick()
        self.fill()
        self.wake()

    def fill(self) -> None:
        """Retrieve records, if some are wanted and any list may have more."""
        session = self._session
        if session.keeps_chains and session.buffer.wanted() and not session.buffer.exhausted:
            run(session.buffer.fill(), "retrieval")

    def _decide(self) -> None:
        self._wake = None
        session = self._session
        if session.state is not SessionState.RUNNING:
            return
        self._decided_at = self._context.clock.seconds()
        self._apart_s = _apart_s(session.agents_logged_in)
        session.callbacks.serve()
        decision = self._decision()
        self._tell_trouble(decision)
        self.condition = decision.condition
        self._context.history.condition(session, decision.condition, decision.reason)
        self.decisions.keep(decision)
        placed = refused = 0
        while placed < decision.calls and refused < _REFUSED_AT_ONCE and (held := session.buffer.take()) is not None:
            if session.dialer.choose(held):
                session.dialer.dial(held)
                placed += 1
            else:
                refused += 1
        self._rate.spend(placed)
        if refused == _REFUSED_AT_ONCE:
            self.wake()
        self.fill()

    def _tell_trouble(self, decision: PacingDecision) -> None:
        """An operator reads in the log when, and why, the dialing stops and when it goes on. (What the session itself calls
        trouble it has told.)"""
        name, was = self._session.group.name, self.condition is Condition.SYSTEM_ERROR
        if decision.condition is not Condition.SYSTEM_ERROR:
            if was:
                self.log.info("{session} dials again", session=name)
        elif not was and decision.reason != self._session.trouble:
            self.log.warn("{session} does not dial: {reason}", session=name, reason=decision.reason)

    def _decision(self) -> PacingDecision:
        session, group = self._session, self._session.group
        now = self._context.clock.wall()
        if session.paused:
            return PacingDecision(now, 0, Condition.PAUSED, "paused")
        if not session.may_dial:
            return PacingDecision(now, 0, Condition.SYSTEM_ERROR, session.why_not)
        rules = session.rules
        if group.mode is DialingMode.PUSH_PREVIEW:
            session.push.fill()
        if not rules.automatic:
            empty = not len(session.buffer) and not len(session.callbacks) and session.buffer.exhausted
            return PacingDecision(now, 0, Condition.WAITING_RECORDS if empty else Condition.DIALING, "agents get records to dial")
        given = PacingInput(
            now=now, ready_agents=0, under_way=session.under_way - session.places.stranded, multiplier=group.multiplier,
            rate_left=self._rate.left(self._context.clock.seconds()),
            ports_left=self._ports_left(),
            records_left=len(session.buffer))
        if rules.paced_by is PacedBy.QUEUE_SIZE:
            return fill_ports(replace(given, under_way=session.ports_in_use), group.maximum_queue_size, "calls to keep")
        if rules.paced_by is PacedBy.IVR_PORTS:
            ports = min(group.maximum_ports, session.places.ivr_ports or group.maximum_ports)
            return fill_ports(replace(given, under_way=session.ports_in_use), ports, "IVR ports")
        return self._for_agents(given)

    def _for_agents(self, given: PacingInput) -> PacingDecision:
        """As many as agents, ready or expected, allow; callers of others who wait already are served first."""
        session, group, rules, feed = self._session, self._session.group, self._session.rules, self._session.feed
        feed.look()
        self._note_wants(given)
        ready = session.callbacks.agents_for_calls()
        if rules.flow is CallFlow.SEIZING:
            session.engagements.balance(ready, given.records_left)
            ready = session.engagements.free
        ready -= self._context.waiting.at(session.queues)
        if rules.paced_by is PacedBy.AGENTS_BEHIND_IVR:
            on_the_way = sum(held.call is not None and held.call.state is not CallState.TALKING for held in session.calls)
            given = replace(given, under_way=max(on_the_way, session.under_way))
        ratio, why = self._ratio()
        if ratio is None:
            told = PacingInput(self._context.clock.seconds(), feed.agents_for(ready), given.under_way, 1.0, given.ports_left,
                               given.rate_left, given.records_left)
            decision = feed.decide(told)
            return PacingDecision(given.now, decision.calls, decision.condition, decision.reason)
        feed.not_ahead()
        if not rules.predictive:
            ready -= group.reserved_agents
        decision = progressive(replace(given, ready_agents=max(0, ready), multiplier=ratio))
        return replace(decision, reason=f"{decision.reason}; progressive only: {why}") if why else decision

    def _note_wants(self, given: PacingInput) -> None:
        now = self._context.clock.seconds()
        self._without_ports = min(now, self._without_ports) if given.ports_left == 0 else float("inf")
        self._without_records = min(now, self._without_records) if not given.records_left else float("inf")

    @property
    def idle(self) -> bool:
        """True where the session can do without agents: it is paused, or has waited too long for ports or records."""
        now, rules = self._context.clock.seconds(), self._session.group.assignment
        waits = ((self._without_ports, rules.leave_ports_s), (self._without_records, rules.leave_records_s))
        return self._session.paused or any(most is not None and now - since >= most for since, most in waits)

    def _ratio(self) -> tuple[float | None, str]:
        """Calls per ready agent, and why the mode dials no more than that; None where its pacer decides."""
        session, group = self._session, self._session.group
        forbidden = session.compliance.progressive_only
        if not session.rules.predictive:
            return (1.0, forbidden) if forbidden and group.multiplier > 1.0 else (group.multiplier, "")
        if forbidden:
            return 1.0, forbidden
        if group.assured_connect:
            return 1.0, "each record has its agent first"
        return (group.predictive_ratio, "") if group.pacing.fixed else (None, "")

    def _ports_left(self) -> int | None:
        """How many more calls there may be, by the group's own limit and by what the trunk groups still have for all who use
        them; None where neither is known."""
        session, most = self._session, self._session.group.maximum_ports
        limits = [most - session.ports_in_use if most else None, session.places.lines_left]
        return min((limit for limit in limits if limit is not None), default=None)


def _apart_s(agents: int) -> float:
    """How far decisions are apart at least: an agent is worth a millisecond, a small team none."""
    return 0.0 if agents < _SMALL_TEAM else min(_FARTHEST_S, agents * _APART_S)
