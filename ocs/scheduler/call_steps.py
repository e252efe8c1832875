"""What a session does at each step of its calls, and what it makes of them when a link is back."""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Mapping

from ocs.dialing.call import OBN_ORIGIN, Call, CallOrigin, CallState, Effect
from ocs.dialing.callbacks import CallbackNews, is_callback
from ocs.dialing.chain import ChainState
from ocs.dialing.values import CustomValue
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["CallSteps"]

_BEFORE_THE_MOVE = frozenset({CallState.REQUESTED, CallState.DIALING, CallState.ANSWERED})


def _with_campaign(held: HeldChain) -> Mapping[str, CustomValue]:
    """The record's custom fields, with the campaign's name where the list wants it (`campaign_name_field`)."""
    name, fields = held.calling_list.campaign_name_field, held.record.fields
    return {**fields, name: held.session.group.campaign} if name else fields


class CallSteps:
    """The calls of one session, step by step: the record's counters, the agent who has it, what is to be done next."""

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session

    def stepped(self, held: HeldChain, before: Call, after: Call, effect: Effect) -> None:
        """An event has moved this chain's call on."""
        session, context = self._session, self._context
        if before.state is CallState.REQUESTED and after.state is not CallState.REQUESTED:
            # the first news of it, of whatever kind: it was dialed, or may have been
            dialed_at = context.clock.wall() if after.dialed_at is None else after.dialed_at
            if is_callback(held.record):
                session.callbacks.note(held, CallbackNews.COMPLETED)
            held.change_record(attempt=held.record.attempt + 1, call_time=int(dialed_at), dial_sched_time=None,
                               fields=_with_campaign(held))
            if held.state is ChainState.TRAILING:       # cancelled before it was dialed: final, but this dial counts
                counted = session.settlement.save(held, replace(held.chain, records=(held.record,)))
                session.settlement.quietly(counted, "counting a dial", held)
        self._tell_placed(held, before, after)
        if after.agent_dn and after.agent_dn != before.agent_dn:
            agent = context.agents.agent_at(after.agent_dn)
            held.agent_dn, held.agent_id = after.agent_dn, agent.agent_id if agent is not None else ""
        session.held.recount(held)
        session.feed.stepped(held, before, after)
        if after.state is not before.state and after.origin is not CallOrigin.AGENT:
            session.dialer.lease(held)
        self._do(held, effect)
        if effect is Effect.ENDED or after.agent_connected_at != before.agent_connected_at:
            session.compliance.stepped(held.attempt, after)
        if effect is Effect.ENDED:
            session.held.not_assured(held)
            assert after.result is not None
            session.results[after.result] += 1
            session.list_results[held.calling_list.name][after.result] += 1
            context.history.call_completed(held)
            session.settlement.call_ended(held)
        session.wake()

    def _tell_placed(self, held: HeldChain, before: Call, after: Call) -> None:
        """History hears of each call once: of the only one with its first news, of those of a dial request as they are named."""
        if after.origin_dn != OBN_ORIGIN:
            if before.state is CallState.REQUESTED and after.state is not CallState.REQUESTED:
                self._context.history.call_placed(held, after)
            return
        for one in after.placed:
            if one.conn_id and one not in before.placed:
                self._context.history.call_placed(held, replace(after, conn_id=one.conn_id, call_uuid=one.call_uuid))

    def _do(self, held: HeldChain, effect: Effect) -> None:
        if effect is Effect.MOVE_ON:
            self._session.dialer.move_on(held)
        elif effect is Effect.DROP:
            self._session.dialer.treat_call(held)

    def overdialed(self, held: HeldChain) -> None:
        """A person picked up for whom no agent was there."""
        self._session.tally.count(held.calling_list, "no engaged agent is free")
        self._session.feed.dropped(held)

    def transfer_failed(self, held: HeldChain) -> None:
        """The call could not be moved to the agents; when it ends its result is Transfer Error."""
        if held.call is not None:
            held.call = held.call.with_transfer_error()

    def switch_up(self, guids: Mapping[str, str], switch: str) -> None:
        """The link to a switch is back, and these calls are there: what it no longer has is over; what was asked for while it
        went away may not have been done. The CPD Server has a call until it is moved to the agents, then the T-Server has it."""
        session = self._session
        if session.group.obn:
            return      # the calls are somebody else's
        cpd = session.group.cpd
        session.calls.compare(guids, lambda call: session.places.is_on(switch, call)
                              and not (cpd and call.state in _BEFORE_THE_MOVE))
        if not cpd:
            if self._context.switch.switch_of(session.origin_dn) == switch:
                session.engagements.compare(guids)
            self._do_what_is_owed(switch)
        session.wake()

    def cpd_up(self, guids: Mapping[str, str]) -> None:
        """The same of the link to the CPD Server."""
        session = self._session
        if session.group.cpd:
            session.calls.compare(guids, lambda call: call.state in _BEFORE_THE_MOVE)
            session.engagements.compare(guids)
            self._do_what_is_owed(None)
            session.wake()

    def _do_what_is_owed(self, switch: str | None) -> None:
        for held in self._session.calls:
            if held.call is not None and (switch is None or self._session.places.is_on(switch, held.call)):
                self._do(held, held.call.owed)
