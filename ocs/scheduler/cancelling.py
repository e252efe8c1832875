"""Cancelling records, wherever they are: in the list, in the buffer, under a treatment, with an agent, in a call; at peers too.

A record that nobody dials yet is final at once. Of a call that goes on the record is settled and the attempt followed to the
call's end; an agent who has the record hears that it is taken back. By phone or customer id all records of the campaign's loaded
lists are meant: first those that nobody holds, then those in memory, because what is claimed in between is in memory by then.
Source: the public request to cancel a record: by handle, phone or customer id; status Cancelled, result Cancel Record.
"""
from __future__ import annotations

from typing import Any, Iterable, Iterator

from twisted.internet.defer import Deferred, DeferredList

from ocs.dialing import chain as chains
from ocs.dialing.chain import ChainState
from ocs.dialing.peering import CancelTarget
from ocs.dialing.results import CallResult
from ocs.dialing.values import AttemptState, CancelRequest, Chain
from ocs.errors import OCSError
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain, Settled
from ocs.scheduler.session import DialingSession

__all__ = ["cancel", "cancel_held"]

_WAITING = (ChainState.BUFFERED, ChainState.WAITING)
_CANCELLABLE = (*_WAITING, ChainState.OPENING, ChainState.CALLING, ChainState.WITH_AGENT)


async def cancel(engine: Engine, target: CancelTarget, everywhere: bool = False) -> int:
    """Cancel what is meant, in the lists (`everywhere`: those of campaign groups that are not loaded, too), here and at peers;
    how many records were. StoreUnavailable where the database did not
    take all of it; what is held was cancelled then (its writes are tried again), and the request may be repeated."""
    count, faults = 0, list[OCSError]()
    for request in _in_tables(engine, target, everywhere):
        try:
            count += await engine.context.store.cancel_records(request)
        except OCSError as error:
            faults.append(error)
    try:
        count += await cancel_held(engine, target)
    except OCSError as error:
        faults.append(error)
    at_peers: int = await engine.context.peers.cancel(target)
    if faults:
        raise faults[0]
    return count + at_peers


def _in_tables(engine: Engine, target: CancelTarget, everywhere: bool) -> list[CancelRequest]:
    """What is to be cancelled where nobody holds it; a table that several lists read is looked through once."""
    if target.handle is not None:
        return []
    general = engine.context.options.customer_id_field
    requests: dict[CancelRequest, None] = {}
    for session in _sessions(engine.sessions.values() if everywhere else engine.loaded(), target):
        for one in session.group.lists:
            field = "" if target.phone else one.customer_id_field or general
            if target.calling_list in ("", one.name) and (target.phone or field):
                request = CancelRequest(one.reads, target.phone, field, target.customer_id, target.whole_chain)
                requests[request] = None
    return list(requests)


def _sessions(sessions: Iterable[DialingSession], target: CancelTarget) -> list[DialingSession]:
    return [session for session in sessions if target.campaign in ("", session.group.campaign, session.group.name)]


async def cancel_held(engine: Engine, target: CancelTarget) -> int:
    """Cancel what is meant; how many records were, after the commit. StoreUnavailable where the database did not take them (it
    is tried again)."""
    count = 0
    saved: list[Deferred[None]] = []
    for held, indices in list(_meant(engine, target)):
        chain = held.chain
        for index in indices:
            chain = chains.cancelled(chain, index)
        count += len(indices)
        saved.append(_settled(engine, held, chain))
    outcomes: list[tuple[bool, Any]] = await DeferredList(saved, consumeErrors=True)
    for done, outcome in outcomes:
        if not done:
            outcome.raiseException()
    return count


def _meant(engine: Engine, target: CancelTarget) -> Iterator[tuple[HeldChain, list[int]]]:
    """The chains, each with the places of the records that are to be cancelled."""
    if target.handle is not None:
        found = engine.context.handles.find(target.handle)
        if found is not None and found[0].agent_dn == target.dn and found[0].state in _CANCELLABLE:
            yield found[0], _places(found[0], [found[1]], target.whole_chain)
        return
    for session in _sessions(engine.loaded(), target):
        for held in session.held:
            if held.agent_dn and not engine.context.options.cancel_on_desktop:
                continue
            if held.state in _CANCELLABLE and target.calling_list in ("", held.calling_list.name):
                places = _places(held, _matching(held, target), target.whole_chain)
                if places:
                    yield held, places


def _matching(held: HeldChain, target: CancelTarget) -> list[int]:
    return [index for index, record in enumerate(held.chain.records) if not record.record_status.final and (
        record.contact_info == target.phone if target.phone else held.customer_id(record) == target.customer_id)]


def _places(held: HeldChain, places: list[int], whole_chain: bool) -> list[int]:
    if not places or not whole_chain:
        return places
    return [index for index, record in enumerate(held.chain.records) if not record.record_status.final]


def _settled(engine: Engine, held: HeldChain, chain: Chain) -> Deferred[None]:
    """Let the chain go with its cancelled records; the others may still be dialed, unless the contact was talked to."""
    session: DialingSession = held.session
    settlement = session.settlement
    talked = held.call is not None and held.call.talked
    chain = chains.close_siblings(chain) if talked else chains.give_back(chain)
    if held.state in _WAITING:
        session.buffer.remove(held)
        session.callbacks.remove(held)
        return settlement.settle(held, chain)
    if held.state is ChainState.OPENING:
        session.held.not_assured(held)
        attempt = settlement.closed_attempt(held, AttemptState.NOT_DIALED, CallResult.CANCEL_RECORD)
        held.attempt = None
        return settlement.settle(held, chain, attempt)
    if held.agent_dn:
        engine.context.desktops.taken_back(held)
    return settlement.by_agent(held, chain, CallResult.CANCEL_RECORD, Settled.OTHER)
