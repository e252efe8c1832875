"""A dialing session: one campaign group that is loaded, started, stopped and unloaded. It owns the held chains."""
from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from ocs.dialing import chain as chains
from ocs.dialing.agent import Agent, AgentEvent
from ocs.dialing.call import CPD_ORIGIN, Call, CallOrigin, CallState, Effect
from ocs.dialing.callbacks import CallbackNews, is_callback
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.checks import Refusal
from ocs.dialing.modes import ModeRules, may_share, rules_of
from ocs.dialing.results import CallResult
from ocs.dialing.session import SessionEvent, SessionState, next_state
from ocs.dialing.validation import Reason
from ocs.dialing.values import AttemptState, CallingList, CampaignGroup, Chain, CustomField, Owner
from ocs.errors import OCSError, WrongState
from ocs.scheduler import live
from ocs.scheduler.buffer import RecordBuffer
from ocs.scheduler.callbacks import Callbacks
from ocs.scheduler.calls import CallBook
from ocs.scheduler.context import Context, new_guid
from ocs.scheduler.desks import Desks
from ocs.scheduler.dialer import Dialer
from ocs.scheduler.engagements import Engagements
from ocs.scheduler.held import HeldChain
from ocs.scheduler.lists import KnownLists
from ocs.scheduler.loop import PacingLoop
from ocs.scheduler.settlement import Settlement
from ocs.scheduler.tally import Tally

__all__ = ["DialingSession"]


class DialingSession:
    """One campaign group at work."""

    log = Logger()

    def __init__(self, context: Context, group: CampaignGroup, changed: Callable[[DialingSession, SessionEvent], None],
                 rivals: Callable[[DialingSession], Iterable[DialingSession]] = lambda session: ()) -> None:
        """`changed(session, event)` hears of every step; `rivals(session)` are the sessions that have agents of this one."""
        self._rivals = rivals
        self.context, self.group, self._changed = context, group, changed
        self.configured = group             # what the next load takes; `group` is what is in force
        self.state = SessionState.NOT_LOADED
        self.paused, self.guid, self.trouble = False, "", ""
        self.refusals: Counter[Refusal] = Counter()
        self.verdicts: Counter[Reason] = Counter()      # of whoever else is asked before a dial
        self.results: Counter[CallResult] = Counter()
        self.tally = Tally(context, self)
        self.lists = KnownLists()
        self.held: set[HeldChain] = set()
        self._trailing: dict[tuple[str, int], HeldChain] = {}      # settled, but the call still goes on
        self.under_way = 0                  # calls, and dials being prepared, that may still need an agent
        self._taken_up: set[str] = set()    # lists in which a crash may have left records, and has not any more
        self.buffer = RecordBuffer(context, group, self.owner, self._taken, self._agents_logged_in,
                                   lambda: self.keeps_chains, self._check_drained, lambda name: self.lists.filters.get(name))
        self.callbacks = Callbacks(context, self)
        self.settlement = Settlement(context, self)
        self.desks = Desks(context, self)
        self.calls = CallBook(context, self._stepped, self.desks.dials)
        self.dialer = Dialer(context, self, self.calls)
        self.engagements = Engagements(context, self)
        self.loop = PacingLoop(context, self)
        self.wake = self.loop.wake
        self._trouble_until = float("-inf")
        self._loading = False
        self._unloads: list[Deferred[None]] = []        # who waits for the end of the unload

    @property
    def owner(self) -> Owner:
        """As whom the session holds records."""
        return Owner(self.context.options.application_id, self.group.campaign_dbid, self.group.group.dbid)

    def rivals(self) -> Iterable[DialingSession]:
        """The other sessions that have agents of this one."""
        return self._rivals(self)

    @property
    def rules(self) -> ModeRules:
        """Those of the dialing mode."""
        return rules_of(self.group.mode)

    @property
    def line(self) -> Any:
        """Who places the calls: the T-Server, or the CPD Server."""
        return self.context.cpd if self.group.cpd else self.context.switch

    @property
    def origin_dn(self) -> str:
        """On whose behalf calls are placed: a trunk group, the channels of the CPD Server, or the queue."""
        return CPD_ORIGIN if self.group.cpd else self.group.trunk_group_dn or self.group.voice_transfer_destination

    @property
    def custom_fields(self) -> Mapping[str, tuple[CustomField, ...]]:
        """Of each calling list."""
        return self.lists.fields

    # -- commands -------------------------------------------------------------------------------------------------
    async def load(self) -> None:
        """Check the lists, take care of what a crash left behind, watch the DNs, fill the buffer. A list whose filter or
        disposition field does not fit its columns is left out, with an error in the log. WrongState if it is loaded already, or
        unloaded meanwhile; UnfitCallingList if no list is left, UnknownCallingList or StoreUnavailable leave it not loaded."""
        self._move(SessionEvent.LOAD)
        self._loading = True
        self._taken_up.clear()
        try:
            await live.read_for_load(self)
            await self.take_up(self.group)
            if self.state is not SessionState.INACTIVE:
                raise WrongState(f"{self.group.name}: unloaded while it was being loaded")
        except OCSError:
            if self.state is SessionState.INACTIVE:
                self._move(SessionEvent.LOAD_FAILED)
            raise
        finally:
            self._loading = False
            self._check_drained()
        self.watch_dns()
        self._move(SessionEvent.LOADED)
        self.loop.start()
        await self.buffer.fill()

    async def take_up(self, group: CampaignGroup) -> None:
        """Take care of what a crash left behind in the lists that are new here; before anything is claimed from them."""
        for calling_list in group.lists:
            if calling_list.name not in self._taken_up and (self.state is SessionState.INACTIVE or self.keeps_chains):
                for left in await self.context.store.recover(self.owner, calling_list.name):
                    if not self._holds(left.chain):
                        self.settlement.recovered(self._hold(calling_list, left.chain), left.attempt)
                self._taken_up.add(calling_list.name)

    def _holds(self, chain: Chain) -> bool:
        """True for a chain of a load that failed, which is still being written."""
        return any(held.chain.chain_id == chain.chain_id and held.chain.calling_list == chain.calling_list
                   for held in self.held)

    async def reconfigure(self, group: CampaignGroup) -> None:
        """Go on with these values. Records of lists that are no longer dialed go back, but for those that are with agents
        or in calls; lists that are new are asked at once. Where a list's filter changed, records that wait for a dial go back,
        and the list is asked again at once; records with agents, in calls and under a treatment stay. WrongState for a change
        that needs another load, or if the session is just being loaded or unloaded; UnfitCallingList, UnknownCallingList,
        StoreUnavailable; nothing has changed then."""
        await live.reconfigure(self, group)

    def watch_dns(self) -> None:
        """Follow the agents' DNs and those that the calls go through."""
        group = self.group
        self.context.agents.watch(group.group)
        own = [dn for dn in (group.voice_transfer_destination, "" if group.cpd else group.trunk_group_dn) if dn]
        self.context.switch.watch([*own, *group.group.dns])

    def start(self) -> None:
        """Begin dialing. WrongState unless loaded and not yet running, and while another session dials for the same agents in
        a mode that competes for them."""
        for other in self.rivals():
            if other.state is SessionState.RUNNING and not may_share(self.group.mode, other.group.mode):
                raise WrongState(f"{self.group.name}: {other.group.name} is dialed for the same agents, in mode"
                                 f" {other.group.mode.word}")
        self._move(SessionEvent.START)
        self.guid, self.paused = new_guid(self.context.rng), False
        self.tally.begin()
        self.callbacks.tick()
        self.wake()

    def stop(self) -> None:
        """No new calls; those in progress finish. WrongState unless running."""
        self._move(SessionEvent.STOP)
        self.engagements.release_free()
        self.callbacks.tick()

    def pause(self) -> None:
        """Hold the dialing without changing the session's state."""
        self.paused = True
        self.wake()

    def resume(self) -> None:
        """Go on after `pause`."""
        self.paused = False
        self.wake()

    def unload(self) -> Deferred[None]:
        """No new calls; calls and previews finish; the buffer goes back to the list. Fires when that is done."""
        if self.state is SessionState.RUNNING:
            self.stop()
        self._move(SessionEvent.UNLOAD)
        unloaded = self._when_unloaded()
        for held in list(self.held):
            if held.state in (ChainState.BUFFERED, ChainState.WAITING):
                self.give_back(held)
        self._check_drained()
        return unloaded

    def force_unload(self) -> Deferred[None]:
        """As unload, but without waiting: calls that no agent has yet are released, everything is written as it stands."""
        if self.state is SessionState.NOT_LOADED:
            raise WrongState(f"{self.group.name}: cannot force unload while not loaded")
        unloaded = self._when_unloaded()
        if self.state is SessionState.UNLOAD_IN_PROGRESS:
            return unloaded
        if self.state is SessionState.RUNNING:
            self.stop()
        self._move(SessionEvent.FORCE_UNLOAD)
        for held in list(self.held):
            self._let_go(held)
        self._check_drained()
        return unloaded

    def _when_unloaded(self) -> Deferred[None]:
        unloaded: Deferred[None] = Deferred()
        self._unloads.append(unloaded)
        return unloaded

    def _let_go(self, held: HeldChain) -> None:
        """End the work on one chain now."""
        if held.state is ChainState.OPENING:
            self.close_attempt(held, AttemptState.NOT_DIALED)
            self.give_back(held)
        elif held.state in (ChainState.BUFFERED, ChainState.WAITING):
            self.give_back(held)
        elif held.state in (ChainState.CALLING, ChainState.TRAILING):
            if held.call is not None and held.call.state.without_agent and held.call.origin is not CallOrigin.AGENT:
                self.dialer.release(held)
            self.calls.vanish(held, "the session is unloaded")
        if held.state is ChainState.WITH_AGENT:
            self.desks.leaves(held)

    # -- what holds and what is gone ------------------------------------------------------------------------------
    @property
    def keeps_chains(self) -> bool:
        """False once the session unloads: chains go back to the list instead of waiting here."""
        return self.state in (SessionState.ACTIVE, SessionState.RUNNING)

    def keeps(self, held: HeldChain) -> bool:
        """True if this chain may wait here for another dial; else it goes back to its list."""
        return self.keeps_chains and any(each.name == held.calling_list.name for each in self.group.active_lists)

    @property
    def may_dial(self) -> bool:
        """True if a call may be placed now, pacing apart."""
        return (self.state is SessionState.RUNNING and not self.paused and not self._unlinked and not self.blind
                and self.context.clock.seconds() >= self._trouble_until)

    @property
    def blind(self) -> str:
        """Why the states of agents without whom nothing is dialed are not known; "" if they are, or are not needed."""
        return str(self.context.agents.blind(self.group)) if self.group.mode.watches_agents else ""

    @property
    def _unlinked(self) -> str:
        """Which link is wanting; "" if none is."""
        if not self.context.switch.up:
            return "no link to the T-Server"
        if not self.group.cpd:
            return ""
        return "" if self.context.cpd is not None and self.context.cpd.up else "no link to the CPD Server"

    @property
    def why_not(self) -> str:
        """Why `may_dial` is False, in words."""
        return self._unlinked or self.blind or self.trouble

    def _hold(self, calling_list: CallingList, chain: Chain) -> HeldChain:
        held = HeldChain(self, calling_list, chain, self.lists.filters.get(calling_list.name))
        held.writes = self.settlement.writes_of(held)
        self.context.handles.give(held)
        self.held.add(held)
        self.context.history.chain_loaded(held)
        return held

    def _taken(self, calling_list: CallingList, chain: Chain, wanted: bool) -> None:
        held = self._hold(calling_list, chain)
        if (calling_list.name, chain.chain_id) in self._trailing:
            # its agent has asked for another dial while the call still goes on: not before it is over
            due = int(self.context.clock.wall() + self.context.options.retrieval_interval_s)
            self.settle(held, chains.reschedule(chain, held.index, due, held.record.record_type))
        elif not self.keeps_chains or not wanted:
            self.give_back(held)
        else:
            if not self.callbacks.arrives(held):
                self.buffer.append(held)
            self.wake()

    def gone(self, held: HeldChain) -> None:
        """The chain has been written and let go."""
        self._not_assured(held)
        self.held.discard(held)
        self.context.history.chain_left(held)
        self._check_drained()

    def recount(self, held: HeldChain) -> None:
        """Keep the session's counts true after a step of this chain."""
        name = held.calling_list.name, held.chain.chain_id
        if held.state is ChainState.TRAILING:
            self._trailing[name] = held
        elif self._trailing.get(name) is held:
            del self._trailing[name]
        self.desks.count(held)
        self.context.history.chain_stepped(held)
        counts = held.state is ChainState.OPENING or (
            held.state is ChainState.CALLING and held.call is not None and held.call.state.awaits_agent
            and held.call.origin is not CallOrigin.AGENT)
        counts = counts and not held.assured        # its agent is there
        if counts != held.counted:
            self.under_way += 1 if counts else -1
            held.counted = counts

    def _check_drained(self) -> None:
        """Go on with the unload once nothing is held and nothing more can come."""
        if self.held or self._loading or self.buffer.claims:
            return
        if self.state is SessionState.WAITING_UNLOAD:
            self._move(SessionEvent.DRAINED)
        if self.state is SessionState.UNLOAD_IN_PROGRESS:
            self.loop.stop()
            self._move(SessionEvent.UNLOADED)
            self.tally.keep()
            live.use(self, self.configured, KnownLists())
            unloads, self._unloads = self._unloads, []
            for unloaded in unloads:
                unloaded.callback(None)

    # -- for the dialer and the settlement ------------------------------------------------------------------------
    def count_refusal(self, held: HeldChain, why: Refusal) -> None:
        """A pre-dial check forbade a dial."""
        self.refusals[why] += 1
        self.tally.count(held.calling_list.name, why.value)
        self.log.info("record {record_id} not dialed: {reason}", record_id=held.record.record_id, reason=why.value,
                      calling_list=held.chain.calling_list)

    def settle(self, held: HeldChain, chain: Chain) -> None:
        """Write the chain as it is and let it go."""
        self.settlement.quietly(self.settlement.settle(held, chain), "settling", held)

    def give_back(self, held: HeldChain) -> None:
        """Back to the list as it came."""
        self.buffer.remove(held)
        self.callbacks.remove(held)
        saved = self.settlement.settle(held, chains.give_back(held.chain), event=ChainEvent.GIVEN_BACK)
        self.settlement.quietly(saved, "giving back", held)

    def requeue(self, held: HeldChain) -> None:
        """The dial did not come about: the chain is next again, or goes back to the list if we dial no more."""
        self._not_assured(held)
        held.attempt, held.call = None, None
        if self.keeps(held):
            held.move(ChainEvent.DUE)
            self.recount(held)
            self.buffer.put_first(held)
            self.wake()
        else:
            self.give_back(held)

    def due(self, held: HeldChain) -> None:
        """A treatment's delay is over."""
        held.timer = None
        held.move(ChainEvent.DUE)
        self.buffer.put_first(held)
        self.wake()

    def close_attempt(self, held: HeldChain, state: AttemptState, result: CallResult | None = None) -> None:
        """Close the attempt's row without a call; `result` says why there is none, where that has a result."""
        attempt = self.settlement.closed_attempt(held, state, result)
        held.attempt = None
        if attempt is not None:
            self.settlement.quietly(self.settlement.save(held, held.chain, attempt), "closing the attempt", held)

    def settle_result(self, held: HeldChain, result: CallResult) -> None:
        """The dial ended with this result without a call."""
        self._not_assured(held)
        self.settlement.apply_treatment(held, result, ChainEvent.CALL_ENDED, AttemptState.NOT_DIALED)
        self.wake()

    def _not_assured(self, held: HeldChain) -> None:
        """The agent who was engaged for this record is not needed (any more)."""
        held.assured = False
        self.engagements.no_longer_assured(held)

    def system_error(self, reason: str) -> None:
        """Something other than a record is wrong: dial no more for a while, and say why."""
        now, pause_s = self.context.clock.seconds(), self.context.options.system_error_pause_s
        goes_on = reason == self.trouble and now < self._trouble_until + pause_s      # after the last pause too: told once
        self.trouble, self._trouble_until = reason, now + pause_s
        self.log.emit(LogLevel.debug if goes_on else LogLevel.error, "{group} does not dial for {wait_s} s: {reason}",
                      group=self.group.name, wait_s=pause_s, reason=reason)

    def overdialed(self, held: HeldChain) -> None:
        """A person picked up for whom no agent was there."""
        self.tally.count(held.calling_list.name, "no engaged agent is free")

    def transfer_failed(self, held: HeldChain) -> None:
        """The call could not be moved to the agents; when it ends its result is Transfer Error."""
        if held.call is not None:
            held.call = held.call.with_transfer_error()

    # -- calls ----------------------------------------------------------------------------------------------------
    def _stepped(self, held: HeldChain, before: Call, after: Call, effect: Effect) -> None:
        if before.state is CallState.REQUESTED and after.state is not CallState.REQUESTED:
            # the first news of it, of whatever kind: it was dialed, or may have been
            dialed_at = self.context.clock.wall() if after.dialed_at is None else after.dialed_at
            if is_callback(held.record):
                self.callbacks.note(held, CallbackNews.COMPLETED)
            held.change_record(attempt=held.record.attempt + 1, call_time=int(dialed_at), dial_sched_time=None)
            self.context.history.call_placed(held)
        if after.agent_dn and after.agent_dn != before.agent_dn:
            agent = self.context.agents.agent_at(after.agent_dn)
            held.agent_dn, held.agent_id = after.agent_dn, agent.agent_id if agent is not None else ""
        self.recount(held)
        if after.state is not before.state and after.origin is not CallOrigin.AGENT:
            self.dialer.lease(held)
        self._do(held, effect)
        if effect is Effect.ENDED:
            self._not_assured(held)
            assert after.result is not None
            self.results[after.result] += 1
            self.context.history.call_completed(held)
            self.settlement.call_ended(held)
        self.wake()

    def _do(self, held: HeldChain, effect: Effect) -> None:
        if effect is Effect.MOVE_ON:
            self.dialer.move_on(held)
        elif effect is Effect.DROP:
            self.dialer.treat_call(held)

    def link_up(self, guids: Mapping[str, str], by_cpd: bool) -> None:
        """A link is back, and these calls are there: what it no longer has is over; what was asked for while it went away may
        not have been done. The CPD Server has a call until it is moved to the agents, then the T-Server has it."""
        if by_cpd and not self.group.cpd:
            return
        if self.group.cpd:
            self.calls.compare(guids, lambda call: (call.state in _BEFORE_THE_MOVE) is by_cpd)
        else:
            self.calls.compare(guids)
        if by_cpd is self.group.cpd:
            self.engagements.compare(guids)
            for held in self.calls:
                if held.call is not None:
                    self._do(held, held.call.owed)
        self.wake()

    @property
    def ports_in_use(self) -> int:
        """Calls, and dials whose attempts are being written."""
        return len(self.calls) + sum(held.state is ChainState.OPENING for held in self.held)

    # -- agents ---------------------------------------------------------------------------------------------------
    def _agents_logged_in(self) -> int:
        return len(self.context.agents.of(self.group))

    def agent_event(self, agent: Agent, event: AgentEvent) -> None:
        """An agent of the group changed state."""
        self.desks.agent_event(agent, event)
        self.callbacks.agent_event(agent, event)
        self.wake()

    # -- state ----------------------------------------------------------------------------------------------------
    def _move(self, event: SessionEvent) -> None:
        before, self.state = self.state, next_state(self.state, event, self.group.name)
        self.log.info("Campaign Group {session} has been {state}", session=self.group.name,
                      state=self.state.name.lower().replace("_", " "), log_id=_LOG_IDS.get(event))
        self.context.history.session_moved(self, event, before)
        self._changed(self, event)


_BEFORE_THE_MOVE = frozenset({CallState.REQUESTED, CallState.DIALING, CallState.ANSWERED})

# the public numbers of these log events
_LOG_IDS = {SessionEvent.LOADED: 52000, SessionEvent.START: 52001, SessionEvent.STOP: 52002,
            SessionEvent.FORCE_UNLOAD: 52003, SessionEvent.UNLOADED: 52004}
