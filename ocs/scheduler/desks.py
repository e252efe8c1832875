"""Records that agents have: previews before the dial, and the work after a call, until the agent settles them or leaves.

After every wait it is checked again that the agent is still there and that the record is still the agent's.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from twisted.logger import Logger

from ocs.dialing import chain as chains
from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind
from ocs.dialing.call import Call, CallEvent, CallOrigin
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.results import CallResult
from ocs.dialing.session import SessionState
from ocs.dialing.values import AttemptState
from ocs.errors import DatabaseAway, OCSError
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain, Settled

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Desks", "NoRecords", "NotWilling", "TooManyPreviews"]

_REFUSALS_LIMIT = 10        # records that may be refused on their way to one agent who asks for one


class NoRecords(OCSError):
    """There is no record for a preview now."""


class TooManyPreviews(OCSError):
    """The agent has as many records to look at as one may have."""


class NotWilling(OCSError):
    """The agent has not said that previews are wanted, or has asked to leave."""


class Desks:
    """The records with the agents of one session, by DN."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self._at: defaultdict[str, set[HeldChain]] = defaultdict(set)

    def count(self, held: HeldChain) -> None:
        """Keep the books true after a step of this chain."""
        if held.state is ChainState.WITH_AGENT:
            self._at[held.agent_dn].add(held)
        elif held.agent_dn:
            self._at[held.agent_dn].discard(held)

    def has_record(self, dn: str) -> bool:
        """True if the agent at `dn` has a record to look at or to settle."""
        return bool(self._at.get(dn))

    def at(self, dn: str) -> list[HeldChain]:
        """What the agent at `dn` has to look at or to settle."""
        return list(self._at.get(dn, ()))

    def _is_there(self, held: HeldChain) -> bool:
        agent = self._context.agents.agent_at(held.agent_dn)
        return agent is not None and held.agent_id in ("", agent.agent_id)

    # -- previews -------------------------------------------------------------------------------------------------
    async def preview(self, dn: str, agent_id: str) -> HeldChain:
        """Give the agent a record to look at, its attempt committed. NoRecords if there is none, TooManyPreviews, NotWilling,
        StoreUnavailable. While the database is away there are the records of the buffer."""
        limit, attendance = self._session.group.desktop_chains_limit, self._session.attendance
        if not attendance.takes_records(dn):
            raise NotWilling("LogOut was asked for" if attendance.is_leaving(dn) else "PreviewDialingModeStart is needed first")
        if len(self._at.get(dn, ())) >= limit:
            raise TooManyPreviews(f"{limit} records wait for this agent already")
        buffer, callbacks = self._session.buffer, self._session.callbacks
        if agent_id:
            try:
                await callbacks.ask_for(agent_id)
            except DatabaseAway:
                if not len(buffer):
                    raise
        if not callbacks.waits_for(agent_id) and not len(buffer):
            await buffer.fill()
        refused = 0     # each may have taken as long as the service that is asked about it; the agent waits
        while (refused < _REFUSALS_LIMIT and self._may_preview(dn, agent_id)
               and (held := callbacks.take_for(agent_id) or buffer.take()) is not None):
            if not self._session.dialer.choose(held):
                continue
            if await self.deliver(held, dn, agent_id):
                self.settles(held)
                self._session.wake()
                return held
            refused += 1
        raise NoRecords(f"{self._session.group.name}: no records available")

    def _may_preview(self, dn: str, agent_id: str) -> bool:
        agent = self._context.agents.agent_at(dn)
        return self._session.may_dial and agent is not None and agent.agent_id == agent_id

    async def deliver(self, held: HeldChain, dn: str, agent_id: str) -> bool:
        """Give the record to the agent, once whoever else is asked before a dial permits it, and open its attempt. False if it
        was not permitted, or if meanwhile the agent left or the record must not be dialed any more. StoreUnavailable; the
        record has gone back then."""
        held.move(ChainEvent.DELIVERED)
        held.agent_dn, held.agent_id, held.call, held.treatment, held.scheduled = dn, agent_id, None, None, False
        self._session.held.recount(held)
        self._session.dialer.take_turn(held)
        held.attempt = attempt = self._session.dialer.attempt_for(held)
        if not await self._session.dialer.permitted(held):
            return False
        if not self._session.may_dial:
            self.leaves(held)       # stopped while somebody was asked: nothing is handed out any more
            return False
        self._context.history.attempt_opened(held)
        try:
            await self._context.store.open_attempts([attempt])
        except OCSError:
            self._context.history.attempt_not_written(held, attempt)
            held.attempt = None
            if held.state is ChainState.WITH_AGENT:
                self._session.held.give_back(held)
            raise
        await self._session.dialer.look_back(held)
        if held.state is not ChainState.WITH_AGENT:
            return False        # the agent left; the record was given back
        if self._session.dialer.refused(held) is None:
            return True
        self.leaves(held)
        return False

    def dials(self, held: HeldChain, index: int, event: CallEvent) -> Call | None:
        """An agent dials a record that the agent holds; the first call uses the attempt that came with the preview. The
        call to follow; None if it is none of ours."""
        if held.session is not self._session:
            return None
        if self._session.push.offered(held):        # accepted, and dialed before we heard of it
            agent = self._context.agents.agent_at(event.dn)
            held.move(ChainEvent.DELIVERED)
            held.agent_dn, held.agent_id, held.call = event.dn, "" if agent is None else agent.agent_id, None
            self._session.push.taken(held)
        if held.state is not ChainState.WITH_AGENT or held.agent_dn != event.dn:
            return None
        self.turn_to(held, index)
        if held.attempt is None or held.call_over:
            held.attempt = self._session.dialer.attempt_for(held)
            self._context.history.attempt_opened(held)
            opened = self._context.store.open_attempts([held.attempt])
            opened.addErrback(self._not_opened)
        if event.other_dn.startswith("+"):      # else it is written as the site dials, and the record's number says more
            held.attempt = replace(held.attempt, phone=event.other_dn)
        held.treatment = None
        held.drop_timer()
        held.move(ChainEvent.AGENT_DIALS)
        self._session.held.recount(held)
        return Call(CallOrigin.AGENT, event.dn)

    def _not_opened(self, failure: object) -> None:
        self.log.error("an attempt of an agent is not yet written, it will be when the call ends: {reason}",
                       reason=failure.getErrorMessage())       # type: ignore[attr-defined]

    def turn_to(self, held: HeldChain, index: int) -> None:
        """The agent goes on with another record of the chain; an attempt that was not dialed is closed."""
        if index == held.index:
            return
        if not held.call_over:
            self._session.held.close_attempt(held, AttemptState.NOT_DIALED)
        held.index = index

    # -- the work after a call ------------------------------------------------------------------------------------
    def settles(self, held: HeldChain) -> None:
        """From now on the agent has the record; one who is gone or forgets it does not keep it."""
        held.drop_timer()
        held.timer = self._context.clock.callLater(self._context.options.stale_clean_s, self._stale, held)
        gone = not self._context.agents.blind(self._session.group) and not self._is_there(held)
        if gone or self._session.state is SessionState.UNLOAD_IN_PROGRESS:
            self.leaves(held)

    def agent_event(self, agent: Agent, event: AgentEvent) -> None:
        """An agent changed state: whoever leaves, or goes on to the next call, leaves the records behind."""
        kind = event.kind
        if kind not in (AgentEventKind.READY, AgentEventKind.LOGIN, AgentEventKind.LOGOUT, AgentEventKind.CALL):
            return
        for held in list(self._at[agent.dn]):
            over = held.call_over and not (held.call is not None and held.call.conn_id == event.conn_id)
            goes_on = over and kind is not AgentEventKind.LOGIN and not self._needs_a_word(held)
            if goes_on or not self._is_there(held):
                self.leaves(held, kind is AgentEventKind.LOGOUT)

    def _needs_a_word(self, held: HeldChain) -> bool:
        """Whether the record waits for RecordProcessed though its agent goes on. Source: the public option record_processed."""
        return bool(self._context.options.record_processed or self._session.group.record_processed
                    or held.calling_list.record_processed)

    def leaves(self, held: HeldChain, logout: bool = False) -> None:
        """The agent goes on without a last word: what the call told stands; an undialed preview goes back, or is given the result
        that is configured for an agent who logs out."""
        result = self._context.options.agent_logout_preview_call_result
        if held.call_over:
            self._session.settlement.apply_treatment(held, held.record.call_result, ChainEvent.SETTLED)
        elif logout and result is not None and not held.scheduled:
            self._session.settlement.apply_treatment(held, result, ChainEvent.SETTLED, AttemptState.NOT_DIALED)
        else:
            self._session.held.close_attempt(held, AttemptState.NOT_DIALED)
            self._session.held.give_back(held)

    def _stale(self, held: HeldChain) -> None:
        held.timer = None
        self.log.warn("record {record_id} was not settled by agent {agent} in time", record_id=held.record.record_id,
                      agent=held.agent_id)
        if held.call_over and not self._needs_a_word(held):
            self.leaves(held)
            return
        chain, settlement = chains.stale(held.chain, held.index), self._session.settlement
        settlement.quietly(settlement.by_agent(held, chain, CallResult.STALE, Settled.OTHER), "stale record", held)
