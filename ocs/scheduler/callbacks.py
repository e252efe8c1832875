"""The callbacks of one session: looked for when they are due, delivered to the agent they are meant for, missed in order.

A personal callback reaches its agent and nobody else, whatever the dialing mode: it is claimed while the agent is logged
in, waits here until the agent is free, and is then delivered like a preview that nobody asked for (ScheduledCall). So do
campaign callbacks where the group wants them previewed. An agent who waits for a campaign call gets a callback only when
the calls under way find enough agents without that one; until then one call less is dialed.

What is found is judged by its values when it comes in, not by what was asked for: it may be meant for an agent who is
here, be late because nothing could be dialed at its time, or be of an agent who has not come for as long as we wait.
"""
from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Iterator

from twisted.logger import Logger, LogLevel

from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind, WorkState
from ocs.dialing.callbacks import CallbackNews, Outage, due_at, is_callback, is_personal, missed
from ocs.dialing.campaign import CallbackDialing, CallbackDistribution, CallingList
from ocs.dialing.pacing import agents_suffice
from ocs.dialing.results import RecordType
from ocs.dialing.values import CALLBACK_TYPES, PERSONAL_TYPES, Chain
from ocs.errors import OCSError
from ocs.scheduler.context import Context, has_callback, run
from ocs.scheduler.handover import Handover
from ocs.scheduler.held import HeldChain

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Callbacks"]

_CAMPAIGN = (RecordType.CAMPAIGN_CALLBACK,)
_LOOKED_FOR_REAL_S = 1.0        # in a laboratory that runs faster the database is not asked more often than this
_ABSENT_LIMIT = 50              # callbacks of absent agents that are taken care of at a time


class Callbacks:
    """Callbacks that wait for agents, and what became of the others. `counts` are of this run of the server."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self.counts: Counter[CallbackNews] = Counter()
        self.handover = Handover(context, session)
        self._for_agent: defaultdict[str, deque[HeldChain]] = defaultdict(deque)        # by agent id
        self._for_anyone: deque[HeldChain] = deque()
        self._not_before: dict[str, float] = {}         # agent id -> when one who did not react is tried again
        self._asked_at = float("-inf")
        self._asking = self._failing = False
        self._outage: Outage | None = None              # the last one that was long enough to miss callbacks
        self._down_since: float | None = float("-inf")
        self._able_since: float | None = None

    def __len__(self) -> int:
        return len(self._for_anyone) + sum(map(len, self._for_agent.values()))

    def __iter__(self) -> Iterator[HeldChain]:
        """Those that wait for an agent."""
        yield from [*self._for_anyone, *(held for queue in self._for_agent.values() for held in queue)]

    # -- time passes ----------------------------------------------------------------------------------------------
    def tick(self) -> None:
        """Look after everything; at least once a tick of the session, and when it starts or stops."""
        self._note_outage()
        if not self._session.may_dial:
            return
        self._look_over()
        self.serve()
        clock, options = self._context.clock, self._context.options
        pause_s = max(options.retrieval_interval_s, _LOOKED_FOR_REAL_S * clock.speed)
        if not self._asking and clock.seconds() - self._asked_at >= pause_s:
            run(self._ask(), "looking for callbacks")

    def _note_outage(self) -> None:
        now = self._context.clock.wall()
        if not self._session.may_dial:
            if self._able_since is not None:
                self._down_since, self._able_since = now, None
        elif self._able_since is None:
            began, self._down_since, self._able_since = self._down_since, None, now
            if began is not None and now - began > self._context.options.callback_missed_tolerance_s:
                self._outage = Outage(began, now)
                for held in [*self, *self._session.buffer]:
                    if self._is_missed(held):
                        self._fail(held)

    def _look_over(self) -> None:
        """Who has left does not keep callbacks waiting; one of the campaign does not wait for its agent for ever."""
        here = {agent.agent_id for agent in self._agents()}
        now, wait_s = self._context.clock.wall(), self._context.options.personal_callback_wait_s
        for agent_id, queue in list(self._for_agent.items()):
            for held in list(queue):
                if is_personal(held.record):
                    if agent_id not in here:
                        queue.remove(held)
                        self.handover.absent(held, self._keeps, self._session.held.give_back)
                elif agent_id not in here or now - (held.record.dial_sched_time or 0) > wait_s:
                    queue.remove(held)
                    self._for_the_group(held)
            if not queue:
                del self._for_agent[agent_id]

    def _for_the_group(self, held: HeldChain) -> None:
        if self._session.group.predictive_callback is CallbackDialing.PREVIEW:
            self._for_anyone.append(held)
        else:
            self._session.buffer.append(held)

    # -- what is due ----------------------------------------------------------------------------------------------
    async def _ask(self) -> None:
        self._asking, self._asked_at = True, self._context.clock.seconds()
        try:
            for calling_list in self._session.group.active_lists:
                if self._session.may_dial:
                    await self._ask_list(calling_list)
            self._failing = False
        except OCSError as error:
            self.log.emit(LogLevel.debug if self._failing else LogLevel.error,
                          "callbacks of {group} could not be looked for: {reason}", group=self._session.group.name,
                          reason=str(error))
            self._failing = True
        finally:
            self._asking = False
        self.serve()

    async def _ask_list(self, calling_list: CallingList) -> None:
        group, ask = self._session.group, self._session.buffer.ask
        original = group.campaign_callback_distr is CallbackDistribution.ORIGINAL_AGENT
        here = self._ids()
        wanting = tuple(sorted({agent.agent_id for agent in self._agents() if self._wants_one(agent)}))
        if wanting:
            await ask(calling_list, len(wanting), PERSONAL_TYPES + (_CAMPAIGN if original else ()), agent_ids=wanting)
        room = self._room()
        if room > 0:
            await ask(calling_list, room, _CAMPAIGN, without_agents=here if original else ())
        wait_s, able_since = self._context.options.personal_callback_wait_s, self._able_since
        if able_since is not None and self._context.clock.wall() - able_since >= wait_s:
            # as it was when the wait began: an agent whose day has just begun is not absent yet. Callbacks of another
            # campaign or group are left to that
            await ask(calling_list, _ABSENT_LIMIT, PERSONAL_TYPES, ago_s=wait_s, own=True,
                      without_agents=(*self._ids(), *self.handover.elsewhere()))

    def _wants_one(self, agent: Agent) -> bool:
        """True if a callback is looked for ahead of need: the agent may well be on the phone still."""
        return bool(agent.agent_id) and self._session.attendance.takes_records(agent.dn) and not (
            self.waits_for(agent.agent_id) or has_callback(self._context, agent.dn) or self._is_left_alone(agent))

    async def ask_for(self, agent_id: str) -> None:
        """Look for a personal callback of this agent, who asks for a record, unless one waits. Fails as the store does."""
        for calling_list in self._session.group.active_lists:
            if self.waits_for(agent_id) or not self._session.keeps_chains:
                return
            await self._session.buffer.ask(calling_list, 1, PERSONAL_TYPES, agent_ids=(agent_id,))

    def _room(self) -> int:
        """How many campaign callbacks to look for, beside those that come with the other records."""
        group = self._session.group
        if group.predictive_callback is CallbackDialing.PREVIEW:
            return len(self._context.agents.ready(group)) - len(self._for_anyone)
        if group.callbacks_apart or group.tiers[0] == _CAMPAIGN:
            there = sum(held.record.record_type in _CAMPAIGN for held in self._session.buffer)
            return len(self._agents()) - there
        return 0

    def arrives(self, held: HeldChain) -> bool:
        """A chain that was just retrieved: True if it is taken care of here, False if it is one like any other."""
        record, group = held.record, self._session.group
        if self._is_missed(held):
            self._fail(held)
        elif is_personal(record):
            if not self._keeps(held):
                self.handover.absent(held, self._keeps, self._absent)
        elif record.record_type not in _CAMPAIGN:
            return False
        elif group.campaign_callback_distr is CallbackDistribution.ORIGINAL_AGENT and self._is_here(record.agent_id):
            self._for_agent[record.agent_id or ""].append(held)
        elif group.predictive_callback is CallbackDialing.PREVIEW:
            self._for_anyone.append(held)
        else:
            return False
        return True

    def _keeps(self, held: HeldChain) -> bool:
        """A personal callback waits here if its agent is here."""
        here = self._is_here(held.record.agent_id)
        if here:
            self._for_agent[held.record.agent_id or ""].append(held)
        return here

    def _absent(self, held: HeldChain) -> None:
        """The agent is nowhere."""
        if self._waited_long_enough(held):
            self._fail(held)
        else:
            self._session.held.give_back(held)

    def remove(self, held: HeldChain) -> None:
        """Take out one chain, if it waits here."""
        for queue in (self._for_anyone, *self._for_agent.values()):
            if held in queue:
                queue.remove(held)

    def waits_for(self, agent_id: str) -> bool:
        """True if a callback waits for this very agent."""
        return bool(self._for_agent.get(agent_id))

    def take_for(self, agent_id: str) -> HeldChain | None:
        """What waits for this agent, or for anyone: the agent has asked for a record."""
        for queue in (self._for_agent.get(agent_id), self._for_anyone):
            if queue:
                return queue.popleft()
        return None

    # -- what is too late -----------------------------------------------------------------------------------------
    def _is_missed(self, held: HeldChain) -> bool:
        return missed(held.record, self._outage, self._context.options.callback_missed_tolerance_s,
                      held.calling_list.windows)

    def _waited_long_enough(self, held: HeldChain) -> bool:
        due, wait_s = due_at(held.record, held.calling_list.windows), self._context.options.personal_callback_wait_s
        return (due is not None and self._able_since is not None
                and self._context.clock.wall() - max(due, self._able_since) >= wait_s)

    def _fail(self, held: HeldChain) -> None:
        self._session.buffer.remove(held)
        self.remove(held)
        if is_callback(held.record):
            self.note(held, CallbackNews.MISSED)
        self.log.warn("callback of record {record_id} missed{agent}", record_id=held.record.record_id,
                      calling_list=held.calling_list.name,
                      agent=f": agent {held.record.agent_id} could not be found" if is_personal(held.record) else "")
        self._session.settlement.callback_failed(held)

    def note(self, held: HeldChain, news: CallbackNews, chain: Chain | None = None, index: int = -1) -> None:
        """Count what happened to a callback, and tell of it: of the chain's head, or of this record of what it becomes."""
        self.counts[news] += 1
        record, place = (held.record, held.index) if chain is None else (chain.records[index], index)
        self._context.history.callback(held, news, held.first_handle + place, record)

    # -- delivery -------------------------------------------------------------------------------------------------
    def _agents(self) -> list[Agent]:
        return list(self._context.agents.of(self._session.group))

    def _ids(self) -> tuple[str, ...]:
        return tuple(sorted({agent.agent_id for agent in self._agents() if agent.agent_id}))

    def _is_here(self, agent_id: str | None) -> bool:
        return agent_id is not None and self._find(agent_id) is not None

    def _find(self, agent_id: str) -> Agent | None:
        return self._context.agents.find(self._session.group, agent_id) if agent_id else None

    def agent_event(self, agent: Agent, event: AgentEvent) -> None:
        """An agent of the group changed state; whoever moves, is there."""
        left_alone = self._not_before.pop(agent.agent_id, None) is not None
        if left_alone or event.kind is AgentEventKind.LOGIN:
            self._asked_at = float("-inf")      # something may wait for this agent
        if agent.work is WorkState.LOGGED_OUT and not self._context.agents.blind(self._session.group):
            self._look_over()
        self.serve()

    def serve(self) -> None:
        """Deliver what waits to agents who are free."""
        if not len(self) or not self._session.may_dial:
            return
        for agent_id, queue in list(self._for_agent.items()):
            agent = self._find(agent_id) if queue else None
            if agent is not None and self._open_to(agent) and self._can_be_spared(agent):
                self._deliver(queue.popleft(), agent)
        for dn in self._ready() if self._for_anyone else ():
            free = self._context.agents.agent_at(dn)
            if free is None or not self._open_to(free):
                continue
            if not self._for_anyone or not self._can_be_spared(free):
                break           # nor can the others, who are as free
            self._deliver(self._for_anyone.popleft(), free)

    def _open_to(self, agent: Agent) -> bool:
        """True if the agent has nothing at hand. (An agent who does not want calls may still be called on for this.)"""
        return self._session.attendance.takes_records(agent.dn) and not (
            agent.calls or has_callback(self._context, agent.dn) or self._session.desks.has_record(agent.dn)
            or self._is_left_alone(agent))

    def _is_left_alone(self, agent: Agent) -> bool:
        return self._not_before.get(agent.agent_id, float("-inf")) > self._context.clock.seconds()

    def _can_be_spared(self, agent: Agent) -> bool:
        """True if the calls that count on it find their agents without this one: those that are under way, or, where calls go out
        ahead of agents anyway, those of people who wait already."""
        feed, session = self._session.feed, self._session
        ahead = feed.ahead
        return not agent.free or agents_suffice(len(self._ready()) - 1, 1.0 if ahead else session.group.multiplier,
                                                feed.unserved if ahead else session.under_way)

    def ready_agents(self) -> int:
        """How many wait for a call, and hold no callback."""
        return len(self._ready())

    def _ready(self) -> list[str]:
        """DNs of those who wait for a call, do not leave and hold no callback."""
        return [dn for dn in self._context.agents.ready(self._session.group)
                if self._context.has_agent(self._session, dn)
                and not (has_callback(self._context, dn) or self._session.attendance.is_leaving(dn))]

    def agents_for_calls(self) -> int:
        """Agents for whom calls may be dialed: ready, without a callback, and none waits for them."""
        dns, awaited = self._ready(), 0
        for dn in dns if self._for_agent else ():
            agent = self._context.agents.agent_at(dn)
            awaited += agent is not None and bool(self._for_agent.get(agent.agent_id)) and self._open_to(agent)
        return max(0, len(dns) - awaited - len(self._for_anyone))

    def _deliver(self, held: HeldChain, agent: Agent) -> None:
        if not self._session.dialer.choose(held, for_agent=True):
            return
        if held.record.record_type not in CALLBACK_TYPES:
            self._session.held.give_back(held)       # the record that was to be called must not be; the others are anybody's
            return
        self._context.callbacks_at[agent.dn] = held
        run(self._delivered(held, agent), "delivering a callback")

    async def _delivered(self, held: HeldChain, agent: Agent) -> None:
        try:
            if not await self._session.desks.deliver(held, agent.dn, agent.agent_id):
                return
        except OCSError as error:
            self.log.error("callback of record {record_id} not delivered: {reason}", record_id=held.record.record_id,
                           reason=str(error))
            return
        held.scheduled = True
        self._wait_for_answer(held)
        self._context.desktops.callback_due(held)
        self._session.wake()

    def _wait_for_answer(self, held: HeldChain) -> None:
        held.drop_timer()
        held.timer = self._context.clock.callLater(self._context.options.callback_answer_s, self._unanswered, held)

    def noticed(self, held: HeldChain) -> None:
        """The agent does something about the record."""
        if held.scheduled and held.undialed:
            self._session.desks.settles(held)

    def _unanswered(self, held: HeldChain) -> None:
        """The agent does not react. While something else keeps the agent busy, or we could not see it, there is time; then
        it goes back, to come again, until it is too late for it."""
        held.timer = None
        agent, now = self._context.agents.agent_at(held.agent_dn), self._context.clock.wall()
        if agent is not None and agent.calls or self._context.agents.blind(self._session.group):
            self._wait_for_answer(held)
            return
        self.log.info("agent {agent} did not react to the callback of record {record_id}", agent=held.agent_id,
                      record_id=held.record.record_id)
        options = self._context.options
        self._not_before[held.agent_id] = self._context.clock.seconds() + options.callback_again_s
        self._context.desktops.taken_back(held)
        if is_personal(held.record) and now - (held.record.dial_sched_time or 0) >= options.callback_missed_tolerance_s:
            self._fail(held)
        else:
            self._session.desks.leaves(held)
        self._session.wake()

    def not_now_until(self, held: HeldChain) -> int | None:
        """When a callback that its agent rejects is to be delivered again, epoch s; None if it is no callback."""
        if held.record.record_type not in CALLBACK_TYPES:
            return None
        return int(self._context.clock.wall() + self._context.options.callback_again_s)
