"""From a chain to a dialed call: the checks, the attempt's row, the dial, and what becomes of a dial that is refused.

The attempt is committed before the switch is asked, and the checks run twice: when the chain is taken and, because a
do-not-call request may come in between, again at the moment of dialing.
"""
from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing import chain as chains
from ocs.dialing.actions import CallAction
from ocs.dialing.call import Call, CallOrigin, CallState
from ocs.dialing.callbacks import is_callback
from ocs.dialing.caller_id import caller_number, is_tone
from ocs.dialing.campaign import CallingList, CallTransfer
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.checks import Refusal, closing_rules, refusal
from ocs.dialing.compliance.attempts import AttemptBlock, Callee, attempt_block
from ocs.dialing.dial_hours import another_open, next_opening
from ocs.dialing.modes import CallFlow
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.treatments import policy_of
from ocs.dialing.validation import changed_meanwhile
from ocs.dialing.values import CALLBACK_TYPES, Attempt, AttemptState
from ocs.errors import OCSError
from ocs.log import debugging, masked
from ocs.scheduler.calls import CallBook
from ocs.scheduler.context import Context, new_guid, run
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused, RequestTimedOut, TooManyRequests

__all__ = ["Dialer"]

_NOT_LEASED = (CallState.TALKING, CallState.ENDED)
_LONGEST_APPLICATION_S = 3_600.0
_BY_AGENTS = (DialingMode.PREVIEW, DialingMode.PUSH_PREVIEW)        # agents dial
_PLAY_ANNOUNCEMENT, _PLAY_APPLICATION = 7, 13       # public TreatmentTypes
# error codes of the switch that speak of the number, not of the switch: the record gets Dial Error
_NUMBER_REFUSED = frozenset({53, 61, 71, 72, 91, 168, 169, 177})


class Dialer:
    """Dials chains of one session. The session is told of what it must settle (`settle_dial_error`, `give_back` ...)."""

    log = Logger()

    def __init__(self, context: Context, session: Any, book: CallBook) -> None:
        self._context, self._session, self._book = context, session, book
        self._turns_taken = 0

    def choose(self, held: HeldChain, for_agent: bool = False) -> bool:
        """Find the chain's record that may be dialed now and make it the head. False if there is none: the chain has then
        been settled (finished, or back to the list for when a window opens). `for_agent`: an agent is to dial it."""
        index: int | None = held.index
        while index is not None:
            held.index = index
            why = self.refused(held, for_agent)
            if why is None:
                return True
            self.count_refusal(held, why, for_agent)
            index = self._after_refusal(held, why, for_agent)
        return False

    def refused(self, held: HeldChain, for_agent: bool = False) -> Refusal | None:
        """The check that forbids dialing the chain's head now."""
        return refusal(held.record, self._context.clock.wall(), self._session.group.campaign,
                       self._context.do_not_call, held.calling_list.maximum_attempts,
                       held.customer_id(held.record),
                       self.checks_do_not_call(held.calling_list, is_callback(held.record)), held.calling_list.windows,
                       self._block(held, held.index, for_agent))

    def _block(self, held: HeldChain, index: int, for_agent: bool) -> AttemptBlock | None:
        """What the rules about attempts say of this record of the chain, dialed now."""
        rules, group = held.calling_list.attempt_rules, self._session.group
        if not rules:
            return None
        record = held.chain.records[index]
        callee = Callee(record.contact_info, held.chain.table, held.chain.chain_id, record.tz_name,
                        held.calling_list.windows.region_of(record))
        assured = group.assured_connect and self._session.rules.flow is CallFlow.TRANSFER
        agent_sure = for_agent or assured or held.state is ChainState.WITH_AGENT or group.mode in _BY_AGENTS
        return attempt_block(rules, callee, self._context.past_dials.known(held.chain), self._context.clock.wall(), agent_sure,
                             "" if held.attempt is None else held.attempt.guid)

    def count_refusal(self, held: HeldChain, why: Refusal, for_agent: bool = False) -> None:
        """A check forbade to dial the chain's head; where a rule did, it is named."""
        rules: list[str] = []
        if why is Refusal.CALLING_HOURS:
            rules = closing_rules(held.record, self._context.clock.wall(), held.calling_list.windows)
        elif why is Refusal.ATTEMPT_RULE:
            block = self._block(held, held.index, for_agent)
            rules = [] if block is None else [f"{block.rule}, {block.reason}"]
        self._session.held.count_refusal(held, why, f": {', '.join(rules)}" if rules else "")

    async def look_back(self, held: HeldChain) -> None:
        """Learn what was dialed before, if a rule asks for it: as it is now, the attempt's own row committed."""
        rules = held.calling_list.attempt_rules
        if rules:
            own = "" if held.attempt is None else held.attempt.guid
            past = (await self._context.past_dials.again(held.chain, rules)).past
            # the attempt itself is another matter: if it is not dialed after all, it never counted
            held.chain = replace(held.chain, past=tuple(one for one in past if one.guid != own))

    def checks_do_not_call(self, calling_list: CallingList, callback: bool) -> bool:
        """Whether records of this list, or callbacks in it, are checked against the do-not-call list: they are unless the
        check is switched off for the server, for this group or, callbacks apart, for the list."""
        options, group = self._context.options, self._session.group
        if callback:
            return bool(options.check_dnc_callback and group.check_dnc_callback)
        return bool(options.check_dnc_list and group.check_dnc_list and calling_list.check_dnc_list)

    def _after_refusal(self, held: HeldChain, why: Refusal, for_agent: bool = False) -> int | None:
        """The index to try next; None when the chain has been settled."""
        if why in (Refusal.DO_NOT_CALL, Refusal.NO_CALL):
            held.chain = chains.blocked_by_dnc(held.chain, held.index)
        elif why is Refusal.MAXIMUM_ATTEMPTS:
            held.chain = chains.put_record(held.chain, held.index, chains.updated(held.record))
        elif why.only_now:
            return self._another_time(held, for_agent)
        else:
            self._session.held.give_back(held)
            return None
        index = held.first()
        if index is None:
            self._session.held.settle(held, held.chain)
        return index

    def _another_time(self, held: HeldChain, for_agent: bool) -> int | None:
        """Another record of the chain that may be dialed now, else the chain waits in the list until one may. Of a callback only
        the number that was agreed on."""
        now, windows, records = self._context.clock.wall(), held.calling_list.windows, held.chain.records
        blocks = [self._block(held, index, for_agent) for index in range(len(records))]
        open_ = [index for index, record in enumerate(records) if record.record_status.open]
        if held.record.record_type in CALLBACK_TYPES:
            open_ = [held.index]
        else:
            another = another_open(records, held.index, now, windows, lambda index: blocks[index] is None)
            if another is not None:
                return another
        earliest: tuple[int, int] | None = None
        for index in open_:
            block = blocks[index]
            opening = next_opening([records[index]], now if block is None else max(now, ceil(block.until)), windows)
            if opening is not None and (earliest is None or opening[0] < earliest[0]):
                earliest = opening[0], index
        if earliest is None:
            self._session.held.settle(held, chains.finish(held.chain, held.index, held.record.call_result))
        else:
            due, index = earliest
            self._session.held.settle(held, chains.reschedule(held.chain, index, due, records[index].record_type))
        return None

    # -- dialing --------------------------------------------------------------------------------------------------
    def attempt_for(self, held: HeldChain) -> Attempt:
        """A fresh attempt for the chain's head."""
        record, group = held.record, self._session.group
        return Attempt(
            guid=new_guid(self._context.rng), calling_list=held.calling_list.name, record_id=record.record_id,
            chain_id=record.chain_id, chain_n=record.chain_n, phone=record.contact_info, number=record.attempt + 1,
            campaign=group.campaign, group=group.group.name, session_guid=self._session.guid,
            opened_at=self._context.clock.wall(), agent_id=held.agent_id or None, agent_dn=held.agent_dn or None,
            table=held.calling_list.table)

    def dial(self, held: HeldChain) -> None:
        """Open the attempt of a chain that `choose` accepted, then dial it."""
        held.move(ChainEvent.TAKEN)
        held.attempt, held.call, held.treatment, held.disposition = self.attempt_for(held), None, None, ""
        self._session.held.recount(held)
        run(self._dial(held), "dialing")

    async def permitted(self, held: HeldChain) -> bool:
        """Ask whoever else is to be asked about this record before it is dialed, or shown to the agent who is to dial it. False
        if it is neither now: it has then been given the treatment of the result that the answer names, or it has gone
        elsewhere meanwhile."""
        validation, attempt, state = self._context.validation, held.attempt, held.state
        if validation is None or not validation.applies(self._session.group.name, held.calling_list.name):
            return True
        asked = held.record
        contact = held.contact()
        verdict = await validation.validate(contact)
        if held.state is not state or held.attempt is not attempt:
            return False
        if changed_meanwhile(asked, held.record):
            verdict = validation.raced(contact)
        self._session.verdicts[verdict.reason] += 1
        if verdict.dial:
            held.change_record(fields={**held.record.fields, **verdict.changes})
            return True
        self.log.info("record {record_id} not dialed: {reason}", record_id=asked.record_id, reason=verdict.reason.value)
        self._session.tally.count(held.calling_list, verdict.reason.value)
        held.attempt = None         # nothing of it has been written
        self._session.settlement.apply_treatment(held, verdict.call_result, ChainEvent.SETTLED)
        self._session.wake()
        return False

    @staticmethod
    def _still_opens(held: HeldChain, attempt: Attempt | None) -> bool:
        return held.state is ChainState.OPENING and held.attempt is attempt

    async def _dial(self, held: HeldChain) -> None:
        attempt = held.attempt
        assert attempt is not None
        if not await self.permitted(held) or not await self._assured(held):
            return
        try:
            if not held.writes.empty:
                # after a crash two open attempts of one chain could not be told apart: the one before is closed first
                await self._session.settlement.save(held, replace(held.chain, records=()))
            if self._still_opens(held, attempt):
                self._context.history.attempt_opened(held)
                await self._context.store.open_attempts([attempt])
        except OCSError as error:
            if self._still_opens(held, attempt):
                held.attempt = None
                self._context.history.attempt_not_written(held, attempt)
                self._session.system_error(f"the attempt could not be written: {error}")
                self._session.held.requeue(held)
            return
        await self.look_back(held)
        if not self._still_opens(held, attempt):
            return      # settled or given back meanwhile; whoever did so has closed the attempt
        why = self.refused(held)
        if why is not None or not self._session.may_dial:
            blocked = why in (Refusal.DO_NOT_CALL, Refusal.NO_CALL)
            self._session.held.close_attempt(held, AttemptState.NOT_DIALED, CallResult.DO_NOT_CALL if blocked else None)
            if why is not None:
                self.count_refusal(held, why)
                index = self._after_refusal(held, why)
                if index is None:
                    return
                held.index = index
            self._session.held.requeue(held)
            return
        held.move(ChainEvent.OPENED)
        self._context.past_dials.note(attempt)
        self._place(held)

    async def _assured(self, held: HeldChain) -> bool:
        """Where the group wants it: engage an agent first. False if none came; the chain is then next again."""
        group, attempt = self._session.group, held.attempt
        if not group.assured_connect or self._session.rules.flow is not CallFlow.TRANSFER:
            return True
        there = await self._session.engagements.assured(held)
        if there and self._still_opens(held, attempt):
            held.assured = True
            self._session.held.recount(held)
            return True
        if self._still_opens(held, attempt):
            held.attempt = None         # nothing of it has been written
            self._session.held.requeue(held)
        return False

    def _place(self, held: HeldChain) -> None:
        group, record, attempt = self._session.group, held.record, held.attempt
        assert attempt is not None
        elsewhere = group.cpd or group.obn
        place = self._session.places.next()
        origin = CallOrigin.TRUNK_GROUP if place.trunk_group_dn or elsewhere else CallOrigin.QUEUE
        origin_dn = self._session.origin_dn if elsewhere else place.origin_dn
        held.call = Call(origin, origin_dn, CallFlow.SEIZING if held.assured else self._session.rules.flow,
                         conn_id=attempt.guid if group.obn else "")
        self.take_turn(held)
        self._book.follow(held)
        self.lease(held)
        if debugging():
            self.log.debug("dialing record {record_id}, attempt {attempt}", record_id=record.record_id, attempt=attempt.guid)
        asked = self._session.line.make_predictive_call(
            held.call.origin_dn, record.contact_info, group.ring_timeout_s, self._context.describe(held),
            (*self.about_caller(held, held.index), *self._session.requests.extensions(held)))
        asked.addCallbacks(lambda conn_id: self._book.tie(attempt.guid, conn_id), self._refused_by_switch,
                           errbackArgs=(held, attempt))
        asked.addErrback(lambda failure: self.log.failure("dialing", failure))

    # -- whom the called person sees calling, and how an agent's telephone rings ----------------------------------
    def take_turn(self, held: HeldChain) -> None:
        """The contact is about to be dialed, by the switch or by an agent: the next of the numbers is its."""
        held.turn = self._turns_taken
        self._turns_taken += 1

    def number_shown(self, held: HeldChain, index: int) -> str:
        """The number that one of the contact's records is shown when it is dialed next; "" = the switch's own."""
        one, record = held.calling_list, held.chain.records[index]
        return caller_number(self._session.group.caller_id, record.fields.get(one.caller_id_field), one.cpn_digits,
                             record.attempt + 1, record.contact_info, held.turn)

    def ring_tone(self, held: HeldChain, index: int) -> str:
        """The name of the tone for a call to one of the contact's records; "" = the usual one."""
        own = held.chain.records[index].fields.get(held.calling_list.ring_tone_field)
        return own if isinstance(own, str) and is_tone(own) else self._session.group.ring_tone.tone

    def about_caller(self, held: HeldChain, index: int) -> KVList:
        """What a dial request says to the switch about all this, as far as it is not the switch's affair."""
        group = self._session.group
        told = (("CPNDigits", self.number_shown(held, index)), (group.ring_tone.extension, self.ring_tone(held, index)))
        return (*group.dial_extensions, *((key, value) for key, value in told if value))

    def lease(self, held: HeldChain) -> None:
        """A call has so long to get from one state to the next, until somebody talks; then it is given up and, if it
        exists, released. So no call is held for ever, whatever the switch forgets to tell."""
        call = held.call
        if call is None or call.state in _NOT_LEASED:
            held.drop_lease()
            return
        group = self._session.group
        wait_s = group.ring_timeout_s + self._context.options.lease_s
        if call.state is CallState.QUEUED:
            wait_s = group.call_wait_in_queue_timeout_s
        elif call.state is CallState.LISTENING:
            wait_s = _LONGEST_APPLICATION_S
        elif group.obn:
            wait_s += self._session.requests.left_s(held)
        if held.lease is None:
            held.lease = self._context.clock.callLater(wait_s, self._lease_over, held)
        else:
            held.lease.reset(wait_s)

    def _lease_over(self, held: HeldChain) -> None:
        held.lease = None
        if held.call is not None and not self._session.group.obn and self._context.switch.away([self._where(held.call)]):
            self.lease(held)        # while the link is away its calls wait
            return
        if held.call is not None and held.call.state is CallState.QUEUED and not held.call.dropped:
            self._drop(held)        # the switch tells when it is done; if it does not, the next lease ends it
            self.lease(held)
            return
        self.release(held)
        self._book.vanish(held, "no news of it within its lease")

    def _where(self, call: Call) -> str:
        """A DN of the switch that has the call, as far as the T-Server tells of it."""
        return self._session.places.queue_of(call) if self._session.group.cpd else call.origin_dn

    def treat_call(self, held: HeldChain) -> None:
        """A machine, fax or silence picked up at the trunk group: what the treatments say, else it is dropped. So is a person for
        whom nobody is there."""
        assert held.call is not None
        if held.call.dropped:
            self.release(held)
            return
        rule = policy_of(held.calling_list).call_rule(CallResult(held.call.detected))
        if rule.action is CallAction.DROP:
            self.release(held)
        else:
            self.transfer(held, rule.destination_dn or self._session.places.queue_of(held.call))

    def release(self, held: HeldChain) -> None:
        """Ask whoever has the call to end it; an event tells when that is done."""
        call = held.call
        if call is not None and call.conn_id:
            waits = call.state is CallState.QUEUED
            line = self._context.switch if waits else self._session.line
            asked = line.release_call(self._session.places.queue_of(call) if waits else call.origin_dn, call.conn_id)
            asked.addErrback(lambda failure: self.log.info("release of {conn_id}: {reason}", conn_id=call.conn_id,
                                                           reason=failure.getErrorMessage()))

    def _drop(self, held: HeldChain) -> None:
        """Nobody is there for a person who picked up."""
        if held.call is not None:
            held.call = held.call.with_drop()
            self.release(held)

    def move_on(self, held: HeldChain) -> None:
        """Somebody picked up at the trunk group, or has been through the application: on to the agents, into the application,
        or to an agent who is engaged. A call whose application leads to no agents is over with it."""
        assert held.call is not None
        move, destination = held.call.next_move, self._session.places.queue_of(held.call)
        if move is CallFlow.SEIZING:
            self._join(held)
        elif move is CallFlow.IVR:
            self._lead(held, self._session.group.ivr_profile)
        elif destination:
            self.transfer(held, destination)
        else:
            self.release(held)

    def _join(self, held: HeldChain) -> None:
        call = held.call

        def joined(there: bool) -> None:
            if there or held.call is None or call is None or held.call.conn_id != call.conn_id:
                return
            self.log.info("call {conn_id} is dropped: no agent is engaged and free", conn_id=call.conn_id)
            self._session.steps.overdialed(held)
            announcement = self._session.group.asm_drop_announcement
            if not announcement:
                self._drop(held)
                return
            held.call = held.call.with_drop()
            said = self._session.line.apply_treatment(call.origin_dn, call.conn_id, _PLAY_ANNOUNCEMENT,
                                                      (("PROMPT", announcement),))
            said.addErrback(lambda failure: self.release(held))

        self._session.engagements.join(held).addCallback(joined).addErrback(
            lambda failure: self.log.failure("joining a customer with an agent", failure))

    def _lead(self, held: HeldChain, application: str) -> None:
        """Into the application."""
        call = held.call
        assert call is not None
        asked = self._session.line.apply_treatment(call.origin_dn, call.conn_id, _PLAY_APPLICATION, (("APP_ID", application),))
        asked.addErrback(self._not_moved, held, call)

    def transfer(self, held: HeldChain, destination: str) -> None:
        """Move a call from the trunk group to a DN; if that fails it is dropped."""
        call, group = held.call, self._session.group
        assert call is not None
        asked = self._session.line.transfer_call(call.origin_dn, call.conn_id, destination,
                                                 group.call_transfer_type is CallTransfer.TWO_STEP)
        asked.addErrback(self._not_moved, held, call)

    def _not_moved(self, failure: Failure, held: HeldChain, call: Call) -> None:
        if failure.check(LinkLost) is not None or held.call is None or held.call.conn_id != call.conn_id:
            return      # when the link is back it is tried again
        if held.call.state is not CallState.ANSWERED:
            return      # the application has sent it on by itself, or it is over
        self.log.warn("call {conn_id} cannot be moved on: {reason}", conn_id=call.conn_id, reason=failure.getErrorMessage())
        self._session.steps.transfer_failed(held)
        self.release(held)

    def _refused_by_switch(self, failure: Failure, held: HeldChain, attempt: Attempt) -> None:
        same = held.attempt is not None and held.attempt.guid == attempt.guid
        if not same or held.call is None or held.call.state is not CallState.REQUESTED:
            return
        if failure.check(LinkLost, RequestTimedOut) is not None:
            return      # outcome unknown: the reconnect or the lease tells
        failure.trap(RequestRefused, TooManyRequests, LocalProtocolError)
        self._book.drop(held)
        held.call, error = None, failure.value
        if held.state is ChainState.TRAILING:       # cancelled before the switch's answer
            self._session.settlement.trail_ends(held, AttemptState.NOT_DIALED)
        elif isinstance(error, LocalProtocolError) or isinstance(error, RequestRefused) and error.code in _NUMBER_REFUSED:
            self.log.warn("number {phone} of record {record_id} refused: {reason}", phone=masked(attempt.phone),
                          record_id=attempt.record_id, reason=str(error))
            self._session.held.settle_result(held, CallResult.DIAL_ERROR)
        else:
            self._session.held.close_attempt(held, AttemptState.NOT_DIALED, CallResult.SWITCH_ERROR)
            self._session.system_error(f"the switch refuses to dial: {error}")
            self._session.held.requeue(held)
