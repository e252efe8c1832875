"""Requests by which records are not dialed any more: cancel, and do-not-call. By handle, by phone, by customer id, in this order.

Of a contact that an agent has at hand, the record that is dialed (or is to be dialed) is settled with the request; another one of
the chain is final by itself, and the agent goes on.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.desktop.finding import Finding, number
from ocs.desktop.requester import Requester
from ocs.dialing import chain as chains
from ocs.dialing.peering import CancelTarget
from ocs.dialing.results import CallResult
from ocs.dialing.values import Chain, ChainSave, DoNotCallEntry
from ocs.scheduler.cancelling import cancel
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain, Settled
from protocols.attributes import KVList, KVValue
from protocols.desktop import keys
from protocols.desktop.build import acknowledge
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest
from protocols.desktop.names import ChainAttribute

__all__ = ["Removing"]


class Removing:
    """Cancel and do-not-call requests."""

    def __init__(self, engine: Engine, finding: Finding) -> None:
        self._engine, self._context, self._finding = engine, engine.context, finding

    # -- cancel ---------------------------------------------------------------------------------------------------
    async def cancel(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        if request.record_handle is None or not self._finding.knows(request) or requester.third_party:
            return await self._cancel_wherever(requester, request)
        held, index = self._finding.record(requester, request)
        places, phone = _open(held, _meant(held, index, request)), held.chain.records[index].contact_info
        if not places:
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, "there is none that could be cancelled")
        chain = held.chain
        for place in places:
            chain = chains.cancelled(chain, place)
        if held.index in places:
            await held.session.settlement.by_agent(held, _rest_of(held, chain), CallResult.CANCEL_RECORD, Settled.OTHER)
        else:
            held.chain = chain
            await held.session.settlement.save_so_far(held)
        return [_done(request, (keys.CALLING_LIST, held.calling_list.name), (keys.PHONE, phone),
                      (keys.MESSAGE, _counted(len(places))))]

    async def _cancel_wherever(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        """Cancel records that this agent does not hold here: by phone or customer id all of the campaign's lists, wherever they
        are; by a handle what this agent has of a peer, or anybody has where a third party asks. Of a third party that names no
        campaign the lists of all campaigns, loaded or not."""
        session = self._finding.session(requester, request)
        self._finding.calling_list(session, request)
        dn, handle = requester.dn, request.record_handle
        if requester.third_party and handle is not None:
            found = self._context.handles.find(handle)
            dn = "" if found is None else found[0].agent_dn
        campaign = "" if request.campaign_name is None else session.group.campaign
        target = CancelTarget(handle, "", "", campaign, request.calling_list or "", dn,
                              request.chain_attr is not ChainAttribute.RECORD_ONLY)
        if handle is None:
            target = replace(target, dn="", phone=number(request.phone) if request.phone else "",
                             customer_id="" if request.phone else request.customer_id or "")
        count = await cancel(self._engine, target, everywhere=requester.third_party)
        if not count:
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, "there is none that could be cancelled")
        return [_done(request, (keys.MESSAGE, _counted(count)))]

    # -- do-not-call ----------------------------------------------------------------------------------------------
    async def do_not_call(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        if request.record_handle is None:
            return await self._block_by_name(requester, request)
        held, index = self._finding.record(requester, request)
        places, phone = _meant(held, index, request), held.chain.records[index].contact_info
        chain, entries = held.chain, tuple(
            self._entry(requester, phone=held.chain.records[place].contact_info, list_dbid=held.calling_list.dbid)
            for place in places)
        for place in {index, *_open(held, places)}:
            chain = chains.blocked_by_dnc(chain, place)
        settlement = held.session.settlement
        if held.index in places:
            saved = settlement.by_agent(held, _rest_of(held, chain), CallResult.DO_NOT_CALL, Settled.DO_NOT_CALL, entries)
        else:
            held.chain = chain
            saved = settlement.save_so_far(held, entries)
        notice = self._block(entries)
        await saved
        await notice.everywhere()
        return [_done(request, (keys.CALLING_LIST, held.calling_list.name), (keys.PHONE, phone))]

    async def _block_by_name(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        session = self._finding.session(requester, request)
        named = self._finding.calling_list(session, request)
        phone = number(request.phone) if request.phone else None
        entry = self._entry(requester, phone=phone, customer_id=None if phone else request.customer_id,
                            list_dbid=0 if named is None else named.dbid)
        table = (named or session.group.lists[0]).reads
        notice = self._block((entry,))
        requests = () if requester.entry is None else requester.entry.take()
        await self._context.store.save(ChainSave(table, do_not_call=(entry,), requests=requests))
        await notice.everywhere()
        return [_done(request)]

    def _entry(self, requester: Requester, **values: Any) -> DoNotCallEntry:
        return DoNotCallEntry(internal=True, time_stamp=int(self._context.clock.wall()), requested_by=requester.who,
                              origin=requester.origin, **values)

    def _block(self, entries: tuple[DoNotCallEntry, ...]) -> Any:
        """From now on these are not dialed here; previews of them that nobody has dialed yet are taken back. The notice to the
        peers (IBlockNotice)."""
        for entry in entries:
            self._engine.block(entry)
        self._engine.take_back_blocked()
        return self._context.peers.block(entries)


def _meant(held: HeldChain, index: int, request: DesktopRequest) -> list[int]:
    """Places of the records that the request is about."""
    return [index] if request.chain_attr is ChainAttribute.RECORD_ONLY else list(range(len(held.chain.records)))


def _open(held: HeldChain, places: list[int]) -> list[int]:
    """Those of them that are not final."""
    return [place for place in places if not held.chain.records[place].record_status.final]


def _rest_of(held: HeldChain, chain: Chain) -> Chain:
    """The other records: done with, if the contact was talked to; else they may still be dialed."""
    if held.call is not None and held.call.talked:
        return chains.close_siblings(chain)
    return chains.give_back(chain)


def _counted(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'} cancelled"


def _done(request: DesktopRequest, *pairs: tuple[str, KVValue]) -> KVList:
    return acknowledge(request, pairs=(*pairs, (keys.CHAIN_ATTR, request.chain_attr.value)))
