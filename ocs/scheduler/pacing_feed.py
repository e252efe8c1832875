"""What a session's pacer is told: the engine's own turning points, translated into what a dialer sees, each once.

- A dial counts from the decision on, so that the time in which its attempt is written is part of the time to the answer, and no
  decision forgets it. A dial that does not come about teaches nothing.
- Nor does a call whose end nobody saw. But whoever answered while the link was away found nobody: such calls are paid for out of
  the budget, each as likely as an answer was when the link went.
- A call is answered, for pacing, when it wants an agent: a person at the trunk group or in the queue; behind an IVR who comes out
  of the application; a machine for which the campaign wants an agent, too, but such a one counts for no abandon rate.
- It is abandoned when it ends without an agent, when it is dropped because none is engaged, or when it has waited longer than
  the rules of compliance let it, whatever comes then.
- Where agents are engaged first, one is ready when on the line; until then the work after the last call goes on.
- While an agent's telephone rings with a call of ours, both count as not yet together: the call waits, the agent is ready.
- Agents' states are not known while a link is away. Their clocks then go on, and the picture is compared when it is back.

Times are the monotonic clock's: somebody who sets the machine's clock moves nothing here.
"""
from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Iterable

from ocs.dialing.agent import Agent, WorkState
from ocs.dialing.call import Call, CallOrigin, CallState
from ocs.dialing.chain import ChainState
from ocs.dialing.modes import CallFlow, PacedBy
from ocs.dialing.pacing import PATIENCE_S, Activity, GroupPacer, PacingDecision, PacingInput
from ocs.dialing.results import CallResult
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["PacingFeed"]

_WITH_AGENTS = (CallState.QUEUED, CallState.RINGING, CallState.TALKING)
_SERVED = frozenset({CallResult.ANSWER, CallResult.UNKNOWN})
_COMPARE_S = 1.0        # the whole picture of agents is compared at most this often


class _Stage(Enum):
    OUT = auto()            # dialed
    WAITS = auto()          # wants an agent
    MACHINE = auto()        # the same, and nobody is there to be abandoned
    LATE = auto()           # has waited too long, and still wants one
    DROPPED = auto()        # nobody was there; it hears so


_WAITING = frozenset({_Stage.WAITS, _Stage.MACHINE})


class PacingFeed:
    """Tells the pacer of one session; asks it. `load` begins anew."""

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self.load()

    def load(self) -> None:
        """The session is loaded: nothing is known yet but what the rules have counted so far."""
        answered, abandoned = self._session.compliance.seen
        self.pacer = GroupPacer(self._session.group.pacing, self._session.compliance.abandon_limit, answered, abandoned)
        self._flow = CallFlow.TRANSFER
        self._take_flow()
        self._calls: dict[HeldChain, _Stage] = {}
        self._waiting: dict[HeldChain, float] = {}      # those of them who want an agent, since
        self._agents: dict[str, Activity] = {}          # by DN
        self._changed, self._compared_at = True, float("-inf")
        self._seeing: bool | None = None
        self._ahead = False                             # calls were dialed ahead of agents when last decided

    def _take_flow(self) -> None:
        """Where agents are engaged first nobody waits: who finds none is dropped. Else how long people do is still to be seen."""
        flow = self._session.rules.flow
        if flow is not self._flow:
            self._flow, self.pacer.patience_s = flow, 0.0 if flow is CallFlow.SEIZING else PATIENCE_S

    @property
    def on(self) -> bool:
        """True where agents pace the calls, none of whom has a record of their own."""
        rules, group = self._session.rules, self._session.group
        return rules.paced_by in (PacedBy.AGENTS, PacedBy.AGENTS_BEHIND_IVR) and not group.assured_connect

    @property
    def _now(self) -> float:
        return float(self._context.clock.seconds())

    # -- calls --------------------------------------------------------------------------------------------------------
    def recounted(self, held: HeldChain) -> None:
        """A chain made a step: a dial may have begun, or come to nothing before there was a call."""
        if held.state is ChainState.OPENING:
            if held not in self._calls and self.on:
                self._calls[held] = _Stage.OUT
                self.pacer.dialed(self._now, held)
        elif held in self._calls and held.state not in (ChainState.CALLING, ChainState.TRAILING):
            self.forget(held)

    def forget(self, held: HeldChain) -> None:
        """Whatever was told of this chain's dial, there is no more to tell of it."""
        if (stage := self._calls.pop(held, None)) is not None:
            self._waiting.pop(held, None)
            (self.pacer.withdrawn if stage is _Stage.OUT else self.pacer.released)(self._now, held)

    def stepped(self, held: HeldChain, before: Call, after: Call) -> None:
        """An event has moved a call on."""
        stage = self._calls.get(held)
        if stage is None or after.origin is CallOrigin.AGENT:
            return
        now = self._now
        if stage is _Stage.OUT:
            if after.rang_at is not None and before.rang_at is None:
                self.pacer.rang(now, held)
            stage = self._wanting(held, after, now)
        if after.state is CallState.RINGING and before.state is not CallState.RINGING:
            self.pacer.offered(now, held)
        if after.state is CallState.TALKING and stage is not _Stage.OUT:
            self._count_late(now, (held,))
            self._ends(held)
            self.pacer.connected(now, held)
        elif after.state is CallState.ENDED:
            self._ends(held)
            self._ended(held, stage, after, now)

    def _wanting(self, held: HeldChain, call: Call, now: float) -> _Stage:
        behind_ivr = call.flow is CallFlow.IVR
        if call.state in _WITH_AGENTS or call.state is CallState.ANSWERED and not behind_ivr and not call.found_no_person:
            person = not call.found_no_person
            stage = self._calls[held] = _Stage.WAITS if person else _Stage.MACHINE
            self._waiting[held] = now
            self.pacer.answered(now, held, person)
            return stage
        return _Stage.OUT

    def _ended(self, held: HeldChain, stage: _Stage, call: Call, now: float) -> None:
        pacer = self.pacer
        if stage is _Stage.OUT:
            (pacer.lost if call.result is CallResult.UNKNOWN else pacer.failed)(now, held)
        elif stage is _Stage.WAITS and call.result not in _SERVED:
            pacer.abandoned(now, held)
        elif stage is _Stage.WAITS and call.result is CallResult.UNKNOWN:
            pacer.lost(now, held)
        else:
            pacer.released(now, held)

    def _ends(self, held: HeldChain) -> None:
        del self._calls[held]
        self._waiting.pop(held, None)

    def dropped(self, held: HeldChain) -> None:
        """Nobody was there for a person who answered; the call ends, after an announcement perhaps."""
        if self._calls.get(held) is _Stage.WAITS:
            self._calls[held] = _Stage.DROPPED
            del self._waiting[held]
            self.pacer.abandoned(self._now, held)

    def out_of_sight(self) -> None:
        """A link is away: for a while nobody sees what becomes of the calls."""
        self.pacer.out_of_sight(self._now)

    def _count_late(self, now: float, calls: Iterable[HeldChain]) -> None:
        """Those of the calls that have waited too long count as abandoned."""
        most = self._session.compliance.connect_within_s
        for held in calls if most is not None else ():
            if self._calls[held] is _Stage.WAITS and now - self._waiting[held] > most:      # type: ignore[operator]
                self._calls[held] = _Stage.LATE
                self.pacer.abandoned(now, held)

    # -- agents -------------------------------------------------------------------------------------------------------
    def agent_changed(self, dn: str) -> None:
        """Something has happened at an agent's DN; or a call that an agent was engaged for."""
        if self._blind:
            self._changed = True
            return
        agent = self._context.agents.agent_at(dn)
        if agent is None or self._session.attendance.is_leaving(dn):
            self._gone(dn)
        elif dn in self._agents:
            self._tell(agent)
        else:
            self._changed = True        # whether an agent belongs to the group, only the whole picture tells

    def picture_changed(self) -> None:
        """More, or less, is known of agents than before."""
        self._changed, self._seeing = True, None

    @property
    def _blind(self) -> bool:
        """True while agents' states are not known. Looked at once after each change: there are many events of agents."""
        if self._seeing is None:
            self._seeing = not self._context.agents.blind(self._session.group)
        return not self._seeing

    def _compare(self, now: float) -> None:
        """Everybody who is there, as known now; whoever is not, is gone."""
        if not self._changed or now - self._compared_at < _COMPARE_S or self._blind:
            return
        self._changed, self._compared_at = False, now
        there = {agent.dn: agent for agent in self._context.agents.of(self._session.group)
                 if self._context.has_agent(self._session, agent.dn)
                 and not self._session.attendance.is_leaving(agent.dn)}
        for dn in [dn for dn in self._agents if dn not in there]:
            self._gone(dn)
        for agent in there.values():
            self._tell(agent)

    def _gone(self, dn: str) -> None:
        if self._agents.pop(dn, None) is not None:
            self.pacer.agent_gone(self._now, dn)

    def _tell(self, agent: Agent) -> None:
        activity, before = self._activity(agent), self._agents.get(agent.dn)
        if activity is before:
            return
        now = self._now
        since = now - max(0.0, self._context.clock.wall() - agent.since) if before is None else None
        self._agents[agent.dn] = activity
        self.pacer.agent(now, agent.dn, activity, since)
        if activity is Activity.TALK and before is Activity.READY and self._of_others(agent):
            self.pacer.inbound(now)

    def _activity(self, agent: Agent) -> Activity:
        if self._session.rules.flow is CallFlow.SEIZING:
            engagements = self._session.engagements
            if engagements.waits_at(agent.dn):
                return Activity.READY
            if agent.free or engagements.comes_at(agent.dn):
                return Activity.WRAP
        if agent.calls:
            rings_for_us = not agent.talking and any(map(self._session.calls.has, agent.calls))
            return Activity.READY if rings_for_us else Activity.TALK
        if agent.work is WorkState.READY:
            return Activity.READY
        return Activity.WRAP if agent.work is WorkState.AFTER_CALL_WORK else Activity.AWAY

    def _of_others(self, agent: Agent) -> bool:
        """True for a call that no session of ours dialed, and that was in no queue that we see."""
        waiting = self._context.waiting
        return any(not waiting.ours(conn_id) and waiting.first_seen(conn_id) for conn_id in agent.calls if conn_id)

    def inbound(self) -> None:
        """A call of others came to a queue of the session."""
        if self.on:
            self.pacer.inbound(self._now)

    # -- the decision -------------------------------------------------------------------------------------------------
    def agents_for(self, ready: int) -> int:
        """How many agents to tell the pacer of, where so many are ready: once it predicts it counts agents and calls apart until
        they are together; one call an agent, before that, does not."""
        return max(0, ready + self.ringing - self.late if self.pacer.ready else ready)

    @property
    def ringing(self) -> int:
        """Calls of ours that ring at an agent: they wait, and the agent is not taken yet."""
        return sum(held.call is not None and held.call.state is CallState.RINGING for held in self._waiting)

    @property
    def unserved(self) -> int:
        """Calls that want an agent, and ring at none."""
        return len(self._waiting) - self.ringing

    @property
    def late(self) -> int:
        """Calls that are counted as abandoned, and still want an agent."""
        return sum(self._calls[held] is _Stage.LATE for held in self._waiting)

    @property
    def lines_needed(self) -> float:
        """Calls, dialed and talking, that keep the agents who are there busy; two for each until enough is known."""
        pacer, agents = self.pacer, self.pacer.agents.present
        if not pacer.ready:
            return (1.0 + self._session.group.multiplier) * agents
        hits = max(0.01, pacer.calls.hit_ratio)
        dialing_s = float(pacer.moments.mean()) + (1.0 - hits) / hits * pacer.calls.failure_s      # for each answer
        return agents * (1.0 + dialing_s / max(1.0, pacer.agents.handle_s))

    def look(self) -> None:
        """Bring the pacer up to date, before it is asked, and also while it is not."""
        now = self._now
        self._compare(now)
        self._count_late(now, tuple(self._waiting))

    def regroup(self) -> None:
        """The group's choice, or its limit, may be another."""
        group, limit = self._session.group, self._session.compliance.abandon_limit
        if group.pacing != self.pacer.choice and not group.pacing.problem:
            self.pacer.choose(group.pacing, limit)
        self._take_flow()
        self.picture_changed()

    def decide(self, given: PacingInput) -> PacingDecision:
        """How many calls to place, ahead of agents; `given.ready_agents` are those for whom a call may be dialed."""
        pacer, choice = self.pacer, self._session.group.pacing
        limit = choice.limit(self._session.compliance.abandon_limit)
        if limit != pacer.budget.limit:
            pacer.choose(choice, self._session.compliance.abandon_limit)
        if not self._ahead:
            self._ahead = True
            pacer.begin_again()
        return pacer.decide(given)

    @property
    def ahead(self) -> bool:
        """True while calls are dialed ahead of agents."""
        return self._ahead and self.pacer.ready

    def not_ahead(self) -> None:
        """Calls are dialed for agents who are there only."""
        self._ahead = False
