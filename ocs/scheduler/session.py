"""A dialing session: one campaign group that is loaded, started, stopped and unloaded, and the parts that work for it."""
from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Callable, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from ocs.dialing.agent import Agent, AgentEvent
from ocs.dialing.call import CPD_ORIGIN, OBN_ORIGIN
from ocs.dialing.campaign import CampaignGroup, Place
from ocs.dialing.chain import ChainState
from ocs.dialing.checks import Refusal
from ocs.dialing.modes import ModeRules, may_share
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.session import SessionEvent, SessionState, next_state
from ocs.dialing.validation import Reason
from ocs.dialing.values import CustomField, Owner
from ocs.errors import OCSError, WrongState
from ocs.scheduler import live
from ocs.scheduler.attendance import Attendance
from ocs.scheduler.buffer import RecordBuffer
from ocs.scheduler.call_steps import CallSteps
from ocs.scheduler.callbacks import Callbacks
from ocs.scheduler.calls import CallBook
from ocs.scheduler.context import Context, new_guid
from ocs.scheduler.desks import Desks
from ocs.scheduler.dial_requests import DialRequests
from ocs.scheduler.dialer import Dialer
from ocs.scheduler.engagements import Engagements
from ocs.scheduler.held import HeldChain
from ocs.scheduler.holding import HeldChains
from ocs.scheduler.lists import KnownLists
from ocs.scheduler.loop import PacingLoop
from ocs.scheduler.pacing_feed import PacingFeed
from ocs.scheduler.places import Places
from ocs.scheduler.push_preview import PushPreview
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
        self.list_results: defaultdict[str, Counter[CallResult]] = defaultdict(Counter)     # by name of the list
        self.tally = Tally(context, self)
        self.lists = KnownLists()
        self.held = HeldChains(context, self)
        self._taken_up: set[str] = set()    # tables in which a crash may have left records, and has not any more
        self.buffer = RecordBuffer(context, group, self.owner, self.held.taken, self._agents_logged_in,
                                   lambda: self.keeps_chains, self.check_drained, lambda name: self.lists.filters.get(name))
        self.callbacks = Callbacks(context, self)
        self.settlement = Settlement(context, self)
        self.desks = Desks(context, self)
        self.attendance = Attendance(context, self)
        self.steps = CallSteps(context, self)
        self.calls = CallBook(context, self.steps.stepped, self.desks.dials)
        self.dialer = Dialer(context, self, self.calls)
        self.engagements = Engagements(context, self)
        self.push = PushPreview(context, self)
        self.requests = DialRequests(context, self)
        self.places = Places(context, self)
        self.compliance = context.compliance(self)
        self.feed = PacingFeed(context, self)
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
        return self.group.mode_rules

    @property
    def line(self) -> Any:
        """Who places the calls: the T-Server, the CPD Server or the Outbound Notification Manager."""
        if self.group.obn:
            return self.context.obn
        return self.context.cpd if self.group.cpd else self.context.switch

    @property
    def origin_dn(self) -> str:
        """On whose behalf calls are placed: a trunk group, the queue, or who else dials."""
        if self.group.obn:
            return OBN_ORIGIN
        return CPD_ORIGIN if self.group.cpd else self.group.trunk_group_dn or self.group.voice_transfer_destination

    @property
    def custom_fields(self) -> Mapping[str, tuple[CustomField, ...]]:
        """Of each table."""
        return self.lists.fields

    # -- commands -------------------------------------------------------------------------------------------------
    async def load(self) -> None:
        """Check the lists, take care of what a crash left behind, watch the DNs, fill the buffer. A list whose filter or
        disposition field does not fit its columns is left out, with an error in the log. WrongState if it is loaded already, here
        or at a peer, or unloaded meanwhile; UnfitCallingList if no list is left, UnknownCallingList or StoreUnavailable leave it
        not loaded."""
        self._move(SessionEvent.LOAD)
        self._loading = True
        self._taken_up.clear()
        try:
            await self.context.peers.check_load(self.group)
            await live.read_for_load(self)
            await self.compliance.load()
            await self.take_up(self.group)
            if self.state is not SessionState.INACTIVE:
                raise WrongState(f"{self.group.name}: unloaded while it was being loaded")
        except OCSError:
            if self.state is SessionState.INACTIVE:
                self.compliance.unloaded()
                self._move(SessionEvent.LOAD_FAILED)
            raise
        finally:
            self._loading = False
            self.check_drained()
        self.watch_dns()
        self.feed.load()
        self._move(SessionEvent.LOADED)
        self.loop.start()
        await self.buffer.fill()

    async def take_up(self, group: CampaignGroup) -> None:
        """Take care of what a crash left behind in the tables that are new here; before anything is claimed from them. A chain
        goes on in the list for which it was dialed; where that is no more, in another one of its table."""
        for table in dict.fromkeys(one.reads for one in group.lists):
            if table not in self._taken_up and (self.state is SessionState.INACTIVE or self.keeps_chains):
                lists = {one.name: one for one in group.lists if one.reads == table}
                for left in await self.context.store.recover(self.owner, table):
                    if self.held.has(left.chain):
                        continue
                    held = self.held.hold(lists.get(left.attempt.calling_list) or next(iter(lists.values())), left.chain)
                    if group.obn:
                        self.requests.resume(held, left.attempt)
                    else:
                        self.settlement.recovered(held, left.attempt)
                self._taken_up.add(table)

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
        places = (Place(group.voice_transfer_destination),) if group.cpd or group.obn else group.places
        own = [dn for place in places for dn in (place.voice_transfer_destination, place.trunk_group_dn) if dn]
        self.context.switch.watch([*own, *group.group.dns])

    def start(self) -> None:
        """Begin dialing. WrongState unless loaded and not yet running, and while another session dials for the same agents in
        a mode that competes for them."""
        for other in self.rivals():
            if other.state is SessionState.RUNNING and self.competes(self.group.mode, other):
                raise WrongState(f"{self.group.name}: {other.group.name} is dialed for the same agents, in mode"
                                 f" {other.group.mode.word}")
        self._move(SessionEvent.START)
        self.guid, self.paused = new_guid(self.context.rng), False
        self.tally.begin()
        self.callbacks.tick()
        self.wake()

    def competes(self, mode: DialingMode, other: DialingSession) -> bool:
        """Whether, in this mode, the two cannot dial for the same agents at the same time."""
        assigned = self.group.agent_assignment and other.group.agent_assignment
        return not (assigned or may_share(mode, other.group.mode))

    def stop(self) -> None:
        """No new calls; those in progress finish. WrongState unless running."""
        self._move(SessionEvent.STOP)
        self.engagements.release_free()
        self.push.withdraw()
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
        for held in self.in_buffer_order():
            if held.state in (ChainState.BUFFERED, ChainState.WAITING):
                self.held.give_back(held)
        self.requests.withdraw()
        self.check_drained()
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
        for held in self.in_buffer_order():
            self.held.let_go(held)
        self.check_drained()
        return unloaded

    def in_buffer_order(self) -> list[HeldChain]:
        """All chains, those of the buffer first and in its order: each that is taken out is then the first one there, and none
        is looked for among thousands."""
        return list(dict.fromkeys([*self.buffer, *self.held]))

    def _when_unloaded(self) -> Deferred[None]:
        unloaded: Deferred[None] = Deferred()
        self._unloads.append(unloaded)
        return unloaded

    # -- what holds and what is gone ------------------------------------------------------------------------------
    @property
    def keeps_chains(self) -> bool:
        """False once the session unloads: chains go back to the list instead of waiting here."""
        return self.state in (SessionState.ACTIVE, SessionState.RUNNING)

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
        if self.group.obn:
            there = self.context.obn is not None and self.context.obn.up
            return "" if there else "no link to the Outbound Notification Manager"
        if self.places.away:
            return self.places.away
        if self.group.cpd and not (self.context.cpd is not None and self.context.cpd.up):
            return "no link to the CPD Server"
        if self.group.mode is DialingMode.PUSH_PREVIEW:
            interactions = self.context.interactions
            return "" if interactions is not None and interactions.up else "no link to the Interaction Server"
        return ""

    @property
    def why_not(self) -> str:
        """Why `may_dial` is False, in words."""
        return self._unlinked or self.blind or self.trouble

    def check_drained(self) -> None:
        """Go on with the unload once nothing is held and nothing more can come."""
        if self.held or self._loading or self.buffer.claims:
            return
        if self.state is SessionState.WAITING_UNLOAD:
            self._move(SessionEvent.DRAINED)
        if self.state is SessionState.UNLOAD_IN_PROGRESS:
            self.loop.stop()
            self.compliance.unloaded()
            self._move(SessionEvent.UNLOADED)
            self.attendance.unloaded()
            self.tally.keep()
            live.use(self, self.configured, KnownLists())
            unloads, self._unloads = self._unloads, []
            for unloaded in unloads:
                unloaded.callback(None)

    def system_error(self, reason: str) -> None:
        """Something other than a record is wrong: dial no more for a while, and say why."""
        now, pause_s = self.context.clock.seconds(), self.context.options.system_error_pause_s
        goes_on = reason == self.trouble and now < self._trouble_until + pause_s      # after the last pause too: told once
        self.trouble, self._trouble_until = reason, now + pause_s
        self.log.emit(LogLevel.debug if goes_on else LogLevel.error, "{group} does not dial for {wait_s} s: {reason}",
                      group=self.group.name, wait_s=pause_s, reason=reason)

    @property
    def under_way(self) -> int:
        """Calls, and dials being prepared, that may still need an agent."""
        return self.held.under_way

    def has_call(self, conn_id: str) -> bool:
        """True for a call that the session has placed, for a customer or to engage an agent, or that an agent dials for it."""
        return self.calls.has(conn_id) or self.engagements.has(conn_id)

    @property
    def queues(self) -> frozenset[str]:
        """Where its calls wait for agents."""
        return self.group.queues

    def heard_inbound(self, queue: str) -> None:
        """A call of others came to a queue."""
        if queue in self.queues:
            self.feed.inbound()
            self.wake()

    def calls_from(self, dn: str) -> int:
        """Calls that go out from this DN, and dials whose attempts are being written that may."""
        if self.group.cpd or self.group.obn or all(place.origin_dn != dn for place in self.group.places):
            return 0
        out = sum(held.call is not None and held.call.origin_dn == dn for held in self.calls)
        return out + sum(held.state is ChainState.OPENING for held in self.held)

    @property
    def ports_in_use(self) -> int:
        """Calls, and dials whose attempts are being written."""
        return len(self.calls) + sum(held.state is ChainState.OPENING for held in self.held)

    # -- agents ---------------------------------------------------------------------------------------------------
    def _agents_logged_in(self) -> int:
        return len(self.context.agents.of(self.group))

    agents_logged_in = property(_agents_logged_in)

    def agent_event(self, agent: Agent, event: AgentEvent) -> None:
        """An agent of the group changed state."""
        self.feed.agent_changed(agent.dn)
        self.desks.agent_event(agent, event)
        self.attendance.agent_event(agent, event)
        self.callbacks.agent_event(agent, event)
        self.attendance.look()
        self.wake()

    # -- state ----------------------------------------------------------------------------------------------------
    def _move(self, event: SessionEvent) -> None:
        before, self.state = self.state, next_state(self.state, event, self.group.name)
        self.log.info("Campaign Group {session} has been {state}", session=self.group.name,
                      state=self.state.name.lower().replace("_", " "), log_id=_LOG_IDS.get(event))
        self.context.history.session_moved(self, event, before)
        self._changed(self, event)


# the public numbers of these log events
_LOG_IDS = {SessionEvent.LOADED: 52000, SessionEvent.START: 52001, SessionEvent.STOP: 52002,
            SessionEvent.FORCE_UNLOAD: 52003, SessionEvent.UNLOADED: 52004}
