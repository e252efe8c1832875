"""What becomes of a chain: results of calls go through the treatments, agents' words are written, everything is saved.

`settle` is the one way out of the memory: the chain's last values are written and its handles forgotten. While an agent
still works on a record after its call, the database already holds what will stand if nothing more comes from the agent.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing import chain as chains
from ocs.dialing.call import CallOrigin, PlacedCall
from ocs.dialing.callbacks import callback_error
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.contact import processed
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.treatments import CloseRecord, Decision, DialNext, FinishChain, Outcome, policy_of
from ocs.dialing.values import Attempt, AttemptState, Chain, ChainSave, DoNotCallEntry
from ocs.errors import OCSError
from ocs.frozen import changed
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain, Settled
from ocs.scheduler.writes import ChainWrites

__all__ = ["Settlement"]

_CALLBACK_ERRORS = frozenset({CallResult.AGENT_CALLBACK_ERROR, CallResult.GROUP_CALLBACK_ERROR})


class Settlement:
    """Writes the outcomes of one session's chains."""

    log = Logger()

    def __init__(self, context: Context, session: Any) -> None:
        self._context, self._session = context, session

    # -- the ways a chain leaves or waits -------------------------------------------------------------------------
    def writes_of(self, held: HeldChain) -> ChainWrites:
        """A chain that is taken into the memory gets this for its writes; when the last one is done the chain is gone."""
        def emptied() -> None:
            if held.state is ChainState.SAVING and held.writes.empty:
                held.move(ChainEvent.SAVED)
                self._session.held.gone(held)
                held.writes.tell_nobody()

        return ChainWrites(self._context.clock, self._context.store, held.chain, self._session.owner, emptied)

    def settle(self, held: HeldChain, chain: Chain, attempt: Attempt | None = None, how: Settled = Settled.OTHER,
               event: ChainEvent = ChainEvent.SETTLED, entries: tuple[DoNotCallEntry, ...] = ()) -> Deferred[None]:
        """Write the chain's last values and let it go. Fires after the commit; StoreUnavailable if that was not to be had,
        and then the write is tried again until it succeeds."""
        self._leaves(held, event, how)
        held.chain = chain
        notifier = self._context.notifier
        if notifier is None or not processed(chain.records) or not notifier.wants(self._session.group.name):
            return self.save(held, chain, attempt, entries)
        return Deferred.fromCoroutine(self._settle_and_tell(held, chain, attempt, entries))

    async def _settle_and_tell(self, held: HeldChain, chain: Chain, attempt: Attempt | None,
                               entries: tuple[DoNotCallEntry, ...]) -> None:
        """The contact is processed, and somebody outside wants to know: the notice is on disk before the outcome is, so that
        a crash between the two repeats it and does not lose it."""
        notifier, contact = self._context.notifier, held.contact()
        ticket = await notifier.note(contact)
        try:
            await self.save(held, chain, attempt, entries)
        finally:
            notifier.release(ticket)        # a write that the database refused is tried again until it takes it

    def _leaves(self, held: HeldChain, event: ChainEvent, how: Settled) -> None:
        held.move(event)
        held.drop_timer()
        if held.state is ChainState.SAVING:
            self._context.handles.forget(held, how)
        self._session.held.recount(held)

    def save(self, held: HeldChain, chain: Chain, attempt: Attempt | None = None,
             entries: tuple[DoNotCallEntry, ...] = ()) -> Deferred[None]:
        """Write these values now, and the requests that caused it; nothing else of `held` is changed."""
        if attempt is not None:
            self._session.compliance.saved(attempt)
            self._context.past_dials.note(attempt)
        self._context.history.saving(held, chain, attempt)
        requests, held.requests = held.requests, ()
        return held.writes.post(
            ChainSave(chain.table, chain.records, () if attempt is None else (attempt,), entries, requests))

    def quietly(self, saved: Deferred[None], what: str, held: HeldChain) -> None:
        """A write that nobody awaits. That the database refused it was logged, and it is tried again."""
        def failed(failure: Failure) -> None:
            if failure.check(OCSError) is None:
                self.log.failure("{what} of chain {chain_id}", failure, what=what, chain_id=held.chain.chain_id)
        saved.addErrback(failed)

    # -- attempts -------------------------------------------------------------------------------------------------
    def closed_attempt(self, held: HeldChain, state: AttemptState | None = None,
                       result: CallResult | None = None) -> Attempt | None:
        """The chain's attempt with what its call and the agent have told; None if it has none. Where no `state` is given one
        that is closed already stays as it is. The agent's word goes before the switch's."""
        attempt, call = held.attempt, held.call
        if attempt is None:
            return None
        if state is None:
            undialed = AttemptState.NOT_DIALED if call is None else AttemptState.CLOSED
            state = undialed if attempt.state is AttemptState.OPEN else attempt.state
        result = attempt.call_result if result is None else result
        if call is None:
            return replace(attempt, state=state, ended_at=self._context.clock.wall(), call_result=result,
                           treatment=held.treatment)
        *earlier, last = call.at_switch or (PlacedCall(),)
        return changed(
            attempt, state=state, conn_id=last.conn_id or None,
            earlier_conn_ids=" ".join(one.conn_id for one in earlier) or None, dialed_at=call.dialed_at,
            answered_at=call.answered_at, cpd_completed_at=call.cpd_completed_at, transferred_at=call.transferred_at,
            agent_connected_at=call.agent_connected_at,
            ended_at=call.ended_at, call_state=call.call_state, call_result=call.result if result is None else result,
            agent_dn=(call.agent_dn if call.talked else held.agent_dn) or None, agent_id=held.agent_id or None,
            treatment=held.treatment)

    @staticmethod
    def result_so_far(held: HeldChain) -> CallResult:
        """The agent's word on this attempt, else what the call told; Answer while it still goes on. Before the dial what the
        record says."""
        attempt, call = held.attempt, held.call
        if attempt is not None and attempt.call_result is not None:
            return attempt.call_result
        if call is None:
            # a callback that was handed over and is processed without a call or a word about it
            return CallResult.ANSWER if held.record.call_result in _CALLBACK_ERRORS else held.record.call_result
        return CallResult.ANSWER if call.result is None else call.result

    # -- results --------------------------------------------------------------------------------------------------
    def call_ended(self, held: HeldChain) -> None:
        """The call is over: close its attempt; the treatments decide, or the agent who talked does."""
        call = held.call
        assert call is not None and call.result is not None
        unknown = call.result is CallResult.UNKNOWN and not call.talked
        state, result = AttemptState.UNKNOWN if unknown else AttemptState.CLOSED, self.result_so_far(held)
        if held.state is ChainState.TRAILING:
            self.trail_ends(held, state)
            return
        held.change_record(call_result=result)
        if call.talked or call.origin is CallOrigin.AGENT:
            held.move(ChainEvent.TO_AGENT)
            self._session.held.recount(held)
            held.attempt = self.closed_attempt(held, state)
            self.quietly(self.save_so_far(held), "result", held)
            self._session.desks.settles(held)
        else:
            self.apply_treatment(held, result, ChainEvent.CALL_ENDED, state)

    def trail_ends(self, held: HeldChain, state: AttemptState) -> None:
        """The record was settled during the call, or before there was one: only the attempt is still to be written. (The record
        may be Ready again by now, and somebody else's.)"""
        attempt = self.closed_attempt(held, state)
        self._leaves(held, ChainEvent.CALL_ENDED, Settled.OTHER)
        self.quietly(self.save(held, replace(held.chain, records=()), attempt), "end of the call", held)

    def save_so_far(self, held: HeldChain, entries: tuple[DoNotCallEntry, ...] = ()) -> Deferred[None]:
        """Write what will stand if nothing more comes: final, its attempt closed, if somebody was talked to. So neither a
        crash nor the recovery after it undoes what an agent said."""
        talked = held.call is not None and held.call.talked
        return self.save(held, self.outcome_so_far(held), self.closed_attempt(held) if talked else held.attempt, entries)

    def outcome_so_far(self, held: HeldChain) -> Chain:
        """What stands in the database while the agent still works on the record."""
        if held.call is not None and held.call.talked:
            return chains.finish(held.chain, held.index, self.result_so_far(held))
        return held.chain

    def apply_treatment(self, held: HeldChain, result: CallResult, event: ChainEvent,
                        state: AttemptState | None = None) -> None:
        """Do what the treatments say for the result of a call that no agent settles."""
        decision = self._decide(held, result)
        attempt = held.attempt = self.closed_attempt(held, state, result)
        if isinstance(decision, DialNext) and self._stays(held, decision):
            self.quietly(self._hold(held, decision, attempt), "treatment", held)
        else:
            chain, how = self._written(held, decision, result)
            self.quietly(self.settle(held, chain, attempt, how, event), "result", held)

    def callback_failed(self, held: HeldChain) -> None:
        """A callback did not come about: the treatments of its error decide, by way of the list; without one it is missed."""
        result = callback_error(held.record)
        decision = self._decide(held, result)
        if isinstance(decision, FinishChain) and decision.treatment is None:
            decision = replace(decision, status=RecordStatus.MISSED_CALLBACK)
        attempt = self.closed_attempt(held, AttemptState.NOT_DIALED, result)
        chain, how = self._written(held, decision, result)
        self.quietly(self.settle(held, chain, attempt, how), "missed callback", held)

    def _decide(self, held: HeldChain, result: CallResult) -> Decision:
        decision = policy_of(held.calling_list).decide(Outcome(
            result, held.chain.records, held.index, held.progress, held.calling_list.maximum_attempts,
            self._context.clock.wall(), self._context.options.treatment_sched_threshold_s, held.disposition))
        held.treatment, held.progress = decision.treatment, decision.progress
        if held.record.call_result is not result:
            held.change_record(call_result=result)
        for effect in decision.effects:
            with self.log.failuresHandled("{effect} of a treatment", effect=repr(effect)):
                self._context.carry_out(effect, held.contact())
        if isinstance(decision, DialNext) and decision.passes_on:
            held.chain = chains.noted(held.chain, held.index, decision.note)
        return decision

    def _stays(self, held: HeldChain, decision: DialNext) -> bool:
        """True if the chain waits in memory; else it goes back to the list."""
        return bool(decision.in_memory and self._session.held.keeps(held))

    def _due(self, decision: DialNext) -> int:
        return int(self._context.clock.wall() + decision.delay_s)

    def _written(self, held: HeldChain, decision: Decision, result: CallResult,
                 agent_id: str | None = None) -> tuple[Chain, Settled]:
        """The chain as it goes back to the list."""
        if isinstance(decision, FinishChain):
            return chains.finish(held.chain, held.index, result, decision.status), Settled.PROCESSED
        if isinstance(decision, CloseRecord):
            return chains.close_one(held.chain, held.index, result), Settled.PROCESSED
        record_type = decision.record_type if agent_id is None else RecordType.PERSONAL_RESCHEDULED
        return chains.reschedule(held.chain, decision.index, self._due(decision), record_type,
                                 agent_id=decision.agent_id if agent_id is None else agent_id,
                                 treatments=decision.note), Settled.RESCHEDULED

    def _hold(self, held: HeldChain, decision: DialNext, attempt: Attempt | None) -> Deferred[None]:
        """Wait in memory for the next dial; the date is written so that it survives a crash."""
        held.move(ChainEvent.DELAYED)
        held.drop_timer()
        self._session.held.recount(held)
        held.chain = chains.hold_until(held.chain, decision.index, self._due(decision), decision.record_type, decision.note)
        held.index = decision.index
        saved = self.save(held, held.chain, attempt)
        held.attempt, held.call, held.agent_dn, held.agent_id, held.disposition = None, None, "", "", ""
        held.timer = self._context.clock.callLater(max(0.0, decision.delay_s), self._session.held.due, held)
        return saved

    # -- an agent's last word -------------------------------------------------------------------------------------
    def processed(self, held: HeldChain, result: CallResult, treat: bool, personal: bool = False) -> Deferred[None]:
        """The agent gives the record its result; the treatments apply only if the agent says so, `personal` for this agent.
        Fires after the commit."""
        decision = self._decide(held, result) if treat else FinishChain()
        held.change_record(call_result=result)
        waits = isinstance(decision, DialNext) and self._stays(held, decision) and not personal
        if isinstance(decision, DialNext) and waits and held.state is ChainState.WITH_AGENT:
            held.attempt = self.closed_attempt(held, result=result)
            return self._hold(held, decision, held.attempt)
        chain, how = self._written(held, decision, result, (held.agent_id or "") if personal else None)
        return self.by_agent(held, chain, result, how)

    def by_agent(self, held: HeldChain, chain: Chain, result: CallResult | None, how: Settled,
                 entries: tuple[DoNotCallEntry, ...] = ()) -> Deferred[None]:
        """The agent settles the chain as `chain`; while its call still goes on, the attempt is followed to the call's end.
        Fires after the commit."""
        attempt = self.closed_attempt(held, result=result)
        if held.state is ChainState.CALLING:
            if held.attempt is not None and result is not None:
                held.attempt = replace(held.attempt, call_result=result)
            self._context.handles.forget(held, how)
        return self.settle(held, chain, attempt, how, ChainEvent.SETTLED, entries)

    def recovered(self, held: HeldChain, attempt: Attempt) -> None:
        """After a crash: the outcome of this attempt cannot be known; the treatments for Unknown decide."""
        held.attempt = attempt
        index = next((i for i, record in enumerate(held.chain.records) if record.record_id == attempt.record_id), held.index)
        held.index, held.progress = index, policy_of(held.calling_list).resume(held.chain.records, index)
        held.change_record(attempt=max(held.record.attempt, attempt.number), call_time=int(attempt.opened_at))
        decision = self._decide(held, CallResult.UNKNOWN)
        closed = replace(attempt, state=AttemptState.UNKNOWN, call_result=CallResult.UNKNOWN, treatment=decision.treatment,
                         ended_at=self._context.clock.wall())
        chain, how = self._written(held, decision, CallResult.UNKNOWN)
        self.quietly(self.settle(held, chain, closed, how), "recovery", held)
