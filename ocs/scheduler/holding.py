"""The chains that a session holds: how they come from their lists, wait, are counted, go back and are let go.

A chain is held from its claim to the commit of the write that lets it go. What is done with it meanwhile is the affair of the
dialer, the desks, the callbacks and the settlement; each of them tells here what moves a chain from one to another.
"""
from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Iterator

from twisted.logger import Logger

from ocs.dialing import chain as chains
from ocs.dialing.call import CallOrigin
from ocs.dialing.campaign import CallingList
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.checks import Refusal
from ocs.dialing.results import CallResult
from ocs.dialing.values import AttemptState, Chain
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["HeldChains"]


class HeldChains(Set[HeldChain]):
    """The chains of one session. `under_way`: calls, and dials being prepared, that may still need an agent."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self._all: set[HeldChain] = set()
        self.under_way = 0

    def __contains__(self, held: object) -> bool:
        return held in self._all

    def __iter__(self) -> Iterator[HeldChain]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def has(self, chain: Chain) -> bool:
        """True for a chain of a load that failed, which is still being written."""
        return any((held.chain.table, held.chain.chain_id) == (chain.table, chain.chain_id) for held in self._all)

    def keeps(self, held: HeldChain) -> bool:
        """True if this chain may wait here for another dial; else it goes back to its list."""
        session = self._session
        return session.keeps_chains and any(each.name == held.calling_list.name for each in session.group.active_lists)

    # -- coming ---------------------------------------------------------------------------------------------------
    def hold(self, calling_list: CallingList, chain: Chain) -> HeldChain:
        """A chain that the database shows as this session's."""
        held = HeldChain(self._session, calling_list, chain, self._session.lists.filters.get(calling_list.name))
        held.writes = self._session.settlement.writes_of(held)
        self._context.handles.give(held)
        self._all.add(held)
        self._context.history.chain_loaded(held)
        return held

    def taken(self, calling_list: CallingList, chain: Chain, wanted: bool) -> None:
        """A chain that was claimed; not `wanted` if its list is no longer dialed by this session."""
        held, session = self.hold(calling_list, chain), self._session
        if (chain.table, chain.chain_id) in self._context.trailing:
            # an agent, of whatever session, has asked for another dial while the call still goes on: not before it is over
            due = int(self._context.clock.wall() + self._context.options.retrieval_interval_s)
            self.settle(held, chains.reschedule(chain, held.index, due, held.record.record_type))
        elif not session.keeps_chains or not wanted:
            self.give_back(held)
        else:
            if not session.callbacks.arrives(held):
                session.buffer.append(held)
            session.wake()

    # -- counting -------------------------------------------------------------------------------------------------
    def recount(self, held: HeldChain) -> None:
        """Keep the session's counts true after a step of this chain."""
        name, trailing = (held.chain.table, held.chain.chain_id), self._context.trailing
        if held.state is ChainState.TRAILING:
            trailing[name] = held
        elif trailing.get(name) is held:
            del trailing[name]
        self._session.desks.count(held)
        self._session.attendance.look()
        if held.state is ChainState.WAITING:
            self._session.push.gone(held)       # its agent is done with it, though it is dialed again
        self._context.history.chain_stepped(held)
        self._session.feed.recounted(held)
        counts = held.state is ChainState.OPENING or (
            held.state is ChainState.CALLING and held.call is not None and held.call.state.awaits_agent
            and held.call.origin is not CallOrigin.AGENT)
        counts = counts and not held.assured        # its agent is there
        if counts != held.counted:
            self.under_way += 1 if counts else -1
            held.counted = counts

    def count_refusal(self, held: HeldChain, why: Refusal, detail: str = "") -> None:
        """A pre-dial check forbade a dial; `detail` goes on with its words."""
        self._session.refusals[why] += 1
        self._session.tally.count(held.calling_list, why.value + detail)
        self.log.info("record {record_id} not dialed: {reason}", record_id=held.record.record_id, reason=why.value + detail,
                      calling_list=held.calling_list.name)

    # -- waiting and going ----------------------------------------------------------------------------------------
    def due(self, held: HeldChain) -> None:
        """A treatment's delay is over."""
        held.timer = None
        held.move(ChainEvent.DUE)
        self._session.buffer.put_first(held)
        self._session.wake()

    def requeue(self, held: HeldChain) -> None:
        """The dial did not come about: the chain is next again, or goes back to the list if we dial no more."""
        self.not_assured(held)
        held.attempt, held.call = None, None
        if self.keeps(held):
            held.move(ChainEvent.DUE)
            self.recount(held)
            self._session.buffer.put_first(held)
            self._session.wake()
        else:
            self.give_back(held)

    def give_back(self, held: HeldChain) -> None:
        """Back to the list as it came."""
        session = self._session
        session.buffer.remove(held)
        session.callbacks.remove(held)
        saved = session.settlement.settle(held, chains.give_back(held.chain), event=ChainEvent.GIVEN_BACK)
        session.settlement.quietly(saved, "giving back", held)

    def settle(self, held: HeldChain, chain: Chain) -> None:
        """Write the chain as it is and let it go."""
        self._session.settlement.quietly(self._session.settlement.settle(held, chain), "settling", held)

    def settle_result(self, held: HeldChain, result: CallResult) -> None:
        """The dial ended with this result without a call."""
        self.not_assured(held)
        self._session.settlement.apply_treatment(held, result, ChainEvent.CALL_ENDED, AttemptState.NOT_DIALED)
        self._session.wake()

    def close_attempt(self, held: HeldChain, state: AttemptState, result: CallResult | None = None) -> None:
        """Close the attempt's row without a call; `result` says why there is none, where that has a result."""
        settlement = self._session.settlement
        attempt = settlement.closed_attempt(held, state, result)
        held.attempt = None
        if attempt is not None:
            settlement.quietly(settlement.save(held, held.chain, attempt), "closing the attempt", held)

    def not_assured(self, held: HeldChain) -> None:
        """The agent who was engaged for this record is not needed (any more)."""
        held.assured = False
        self._session.engagements.no_longer_assured(held)

    def let_go(self, held: HeldChain) -> None:
        """End the work on one chain now."""
        session = self._session
        if held.state is ChainState.OPENING:
            self.close_attempt(held, AttemptState.NOT_DIALED)
            self.give_back(held)
        elif held.state in (ChainState.BUFFERED, ChainState.WAITING):
            self.give_back(held)
        elif held.state in (ChainState.CALLING, ChainState.TRAILING):
            if held.call is not None and held.call.state.without_agent and held.call.origin is not CallOrigin.AGENT:
                session.dialer.release(held)
            session.calls.vanish(held, "the session is unloaded")
        if held.state is ChainState.WITH_AGENT:
            session.desks.leaves(held)

    def gone(self, held: HeldChain) -> None:
        """The chain has been written and let go."""
        self._session.feed.forget(held)
        self.not_assured(held)
        self._session.push.gone(held)
        self._all.discard(held)
        self._session.attendance.look()
        self._context.history.chain_left(held)
        self._session.check_drained()
