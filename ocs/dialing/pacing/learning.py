"""What every pacer of predictive dialing learns: it is told what a dialer sees, as it happens, and learns from that alone.

A pacer adds the decision (`_predict`). Until enough has been seen, all of them dial progressively.
"""
from __future__ import annotations

from math import sqrt
from typing import Hashable

import numpy as np

from ocs.dialing.pacing.agents import AWAY_KINDS, TALK_SLOTS, WRAP_SLOTS, Activity, Agents
from ocs.dialing.pacing.ages import Floats
from ocs.dialing.pacing.budget import AbandonBudget
from ocs.dialing.pacing.calls_out import CALL_SLOTS, CallsOut
from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.forecast import Forecast, Surplus
from ocs.dialing.pacing.progressive import progressive
from ocs.dialing.session import Condition

__all__ = ["LearningPacer", "PATIENCE_S"]

PATIENCE_S = 2.0            # of people who wait for an agent, until any has given up

_MOMENTS = 4
_ANSWERS, _FAILURES = 10, 20        # seen before it predicts
_NEWS_S = 3.0                       # what is decided within it is news
_LOOK_S = 0.4                       # without news, look again after
_DECIDED = 0.9                      # of the calls that ring, at the longest time to which any was followed
_LEARN_S, _RELEARN_S = 5.0, 300.0   # curves are taken anew: soonest, and at the latest
_MORE = 1.15                        # so much more evidence is worth it
_PATIENCE_SHARE, _BELIEVED = 0.1, 2         # of the last who showed theirs in the mean; as many are believed to begin with
_PICKUP_SHARE = 0.02                # of the last pick-up in their mean
_CHANGED = 0.02                     # relative change of a share that matters
_ALL = 1_000_000
_INBOUND_S = 600.0                  # inbound calls are counted over about so long

_DIALED = slice(0, CALL_SLOTS)
_RINGING = slice(CALL_SLOTS, 2 * CALL_SLOTS)
_WRAPPING = slice(2 * CALL_SLOTS, 2 * CALL_SLOTS + WRAP_SLOTS)
_TALKING = slice(_WRAPPING.stop, _WRAPPING.stop + TALK_SLOTS)
_AWAY = slice(_TALKING.stop, _TALKING.stop + AWAY_KINDS)


class LearningPacer:
    """One campaign group's pacer, for 1 to 5,000 agents. Times are seconds of one clock; calls and agents any hashable names."""

    def __init__(self, abandon_limit: float = 0.03, answered: int = 0, abandoned: int = 0) -> None:
        """`answered` and `abandoned`: what the window of the rule has seen before."""
        counts = self._counts = np.zeros(_AWAY.stop)
        self.budget = AbandonBudget(abandon_limit, answered, abandoned)
        self.calls = CallsOut(counts[_DIALED], counts[_RINGING])
        self.agents = Agents(counts[_TALKING], counts[_WRAPPING], counts[_AWAY])
        self._forecast = Forecast(_MOMENTS, _AWAY.stop)
        self._answered: dict[Hashable, float] = {}      # calls that wait for an agent, since
        self.patience_s, self._patient = PATIENCE_S, 0  # of those who wait for an agent, as far as they showed it
        self._unseen: dict[Hashable, float] = {}        # calls that were out when they went out of sight: chance of an answer
        self._offered: dict[Hashable, float] = {}       # those of them for whom an agent's telephone rings, since
        self.pickup_s, self._pickups = 0.0, 0           # how long it does: of the patience so much is lost
        self.moments: Floats = np.zeros(_MOMENTS)         # seconds ahead that are looked at
        self._inbound_rate, self._inbound_at = 0.0, 0.0
        self._learned_at, self._evidence, self._shares = float("-inf"), 0, (0.0, 0.0, 0.0)
        self.ready = False                              # True once it predicts
        self._news, self._look_at = True, float("-inf")
        self._last = PacingDecision(0.0, 0, Condition.WAITING_AGENTS, "nothing has happened yet")
        self._room = 0, 0, 0

    # -- what a dialer sees --------------------------------------------------------------------------------------------
    def dialed(self, now: float, call: Hashable) -> None:
        """A call was placed."""
        self.calls.dial(now, call)

    def rang(self, now: float, call: Hashable) -> None:
        """The far end rings. Networks that do not say so may leave it out."""
        self.calls.ring(now, call)

    def failed(self, now: float, call: Hashable) -> None:
        """The call ended without a person: busy, no answer, machine, invalid number, dropped while it rang."""
        self._news |= self.calls.end(now, call, answered=False)

    def withdrawn(self, now: float, call: Hashable) -> None:
        """The call was not placed after all."""
        self._news |= self.calls.withdraw(now, call)

    def out_of_sight(self, now: float) -> None:
        """From now on, for a while, nobody sees what becomes of the calls that are out."""
        self.calls.advance(now)
        self._unseen = self.calls.chances_out()

    def lost(self, now: float, call: Hashable) -> None:
        """The call is over, and nobody saw how. A person answered and found nobody as likely as an answer was when it was last
        seen: who dialed it was out of sight as well."""
        if call in self._answered:
            self.budget.suspect(1.0)
            self.released(now, call)
        else:
            self.budget.suspect(self._unseen.pop(call, 0.0))        # one that only grew too old will not have been answered
            self.withdrawn(now, call)

    def answered(self, now: float, call: Hashable, person: bool = True) -> None:
        """A person answered, and wants an agent. (`person` False: a machine for which the campaign wants an agent, too.)"""
        if self.calls.end(now, call, answered=True):
            self._answered[call] = now
            if person:
                self.budget.answer(now)

    def offered(self, now: float, call: Hashable) -> None:
        """An agent's telephone rings with the call. Where agents are put through at once it may be left out."""
        if call in self._answered:
            self._offered[call] = now

    def connected(self, now: float, call: Hashable) -> None:
        """An agent is on the call."""
        answered_at, offered_at = self._answered.pop(call, None), self._offered.pop(call, None)
        if answered_at is not None and now - answered_at > self.patience_s:
            self._shows_patience(now - answered_at)     # longer than was believed, and still there
        if offered_at is not None:
            self._pickups += 1
            self.pickup_s += max(_PICKUP_SHARE, 1.0 / self._pickups) * (now - offered_at - self.pickup_s)

    def abandoned(self, now: float, call: Hashable) -> None:
        """No agent came in time; the call counts against the limit."""
        since = self._answered.pop(call, None)
        self._offered.pop(call, None)
        if since is not None:
            self._shows_patience(now - since)
            self.budget.abandon()
            self._news = True

    def _shows_patience(self, waited_s: float) -> None:
        self._patient += 1
        self.patience_s += max(_PATIENCE_SHARE, 1.0 / (_BELIEVED + self._patient)) * (waited_s - self.patience_s)

    def released(self, now: float, call: Hashable) -> None:
        """An answered call ended before an agent came, and does not count as abandoned."""
        self._offered.pop(call, None)
        self._news |= self._answered.pop(call, None) is not None

    def agent(self, now: float, agent: Hashable, activity: Activity, since: float | None = None) -> None:
        """The agent does this now; inbound talk is talk. `since`, where it began before this first report of the agent."""
        self.agents.change(now, agent, activity, since)
        self._news |= activity is Activity.READY or activity is Activity.WRAP

    def agent_gone(self, now: float, agent: Hashable) -> None:
        """The agent no longer belongs to the group."""
        self.agents.forget(now, agent)

    def inbound(self, now: float) -> None:
        """An inbound call came for the same agents."""
        self._inbound_rate = self._inbound_now(now) + 1.0 / _INBOUND_S
        self._inbound_at = now

    def _inbound_now(self, now: float) -> float:
        return self._inbound_rate * float(np.exp(min(0.0, self._inbound_at - now) / _INBOUND_S)) if self._inbound_rate else 0.0

    @property
    def waiting(self) -> int:
        """Answered calls without an agent."""
        return len(self._answered)

    # -- the decision --------------------------------------------------------------------------------------------------
    def decide(self, given: PacingInput) -> PacingDecision:
        """How many calls to place at `given.now`. `ready_agents`: idle, less those kept for others and inbound callers waiting.

        Only an agent, a call's end, more ports or records, or time can make room for calls: without these the last answer
        stands."""
        now = given.now
        room = given.ready_agents, _ALL if given.ports_left is None else given.ports_left, given.records_left
        more = any(is_ > was for is_, was in zip(room, self._room))
        self._room = room
        if not (self._news or more) and now < self._look_at:
            return self._last
        self._news, self._look_at = False, now + _LOOK_S
        self.calls.advance(now)
        self.agents.advance(now)
        self._learn(now)
        if not self.ready and self._enough():
            self.ready = True
            self.budget.begin()
        return self._remember(self._predict(given) if self.ready else progressive(given))

    def _enough(self) -> bool:
        """Enough answers and failures, and calls seen to the end of their ringing."""
        calls = self.calls
        return calls.answered >= _ANSWERS and calls.failed >= _FAILURES and calls.decided > _DECIDED

    def look_again(self) -> None:
        """What decisions go by has changed: the last one does not stand."""
        self._news = True

    def begin_again(self) -> None:
        """Prediction goes on after a time in which calls were not dialed ahead: what was saved then is not spent now."""
        if self.ready:
            self.budget.begin()
        self.look_again()

    def _remember(self, decision: PacingDecision) -> PacingDecision:
        self._news |= decision.calls > 0
        self._last = decision
        return decision

    def _predict(self, given: PacingInput) -> PacingDecision:
        """The decision of an algorithm that knows enough."""
        raise NotImplementedError

    def surplus(self, given: PacingInput) -> Surplus:
        """Agents against answers in the next moments, inbound calls taken off."""
        surplus = self._forecast.surplus(self._counts, given.ready_agents - self.waiting, self.calls.doubt)
        inbound = self._inbound_now(given.now)
        if inbound:
            for moment, time in enumerate(self.moments):
                expected = inbound * float(time)
                surplus.mean[moment] -= expected
                surplus.variance[moment] += expected
                surplus.third[moment] -= expected
        return surplus

    def _learn(self, now: float) -> None:
        calls, agents = self.calls, self.agents
        evidence = calls.answered + calls.failed + agents.wraps.seen
        since = now - self._learned_at
        if since > _RELEARN_S or since > _LEARN_S and evidence > _MORE * self._evidence:
            self._learned_at, self._evidence = now, evidence
            calls.forget_lost(now)
            calls.learn()
            self.moments = calls.answer_delays(_MOMENTS)
            calls.prepare(np.append(self.moments, _NEWS_S))
            agents.prepare(np.append(self.moments + max(0.0, self.patience_s - self.pickup_s), _NEWS_S))
            self._shares = 0.0, 0.0, 0.0
        shares = calls.ring_share.value(), calls.answer_share.value(), agents.stay
        if any(abs(new - old) > _CHANGED * old for new, old in zip(shares, self._shares)):
            self._shares = shares
            self.budget.expect(calls.hit_ratio, calls.hit_ratio * sqrt(calls.doubt))
            dialed, ringing = calls.chances()
            talking, wrapping, back = agents.chances()
            forecast = self._forecast
            forecast.demand(_DIALED, dialed)
            forecast.demand(_RINGING, ringing)
            forecast.new_call(dialed[:-1, 0].tolist())
            forecast.supply(_TALKING, talking)
            forecast.supply(_WRAPPING, wrapping)
            forecast.supply(_AWAY, back)
