"""The record operations: what an agent may ask for, whichever way the request came. One method a request.

An answer that acknowledges is given after the database has it. An agent touches only records that the agent holds.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Awaitable, Callable

from twisted.logger import Logger

from ocs.desktop.records import changed_fields, record_data
from ocs.desktop.request_log import RequestEntry, RequestLog
from ocs.dialing import chain as chains
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.chain import ChainState
from ocs.dialing.dial_hours import local_to_epoch
from ocs.dialing.peering import CancelTarget
from ocs.dialing.results import CallResult, DialingMode, RecordType
from ocs.dialing.session import SessionState
from ocs.dialing.values import CallbackDistribution, ChainSave, DoNotCallEntry
from ocs.errors import StoreUnavailable, UnexpectedEvent, UnknownCallingList
from ocs.scheduler.cancelling import cancel
from ocs.scheduler.desks import NoRecords, TooManyPreviews
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain, Settled
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList, KVValue
from protocols.desktop import keys
from protocols.desktop.build import CampaignEvent, acknowledge, campaign_event, error_event, record_event
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment

__all__ = ["RecordOperations", "Requester", "news_of"]

_SEPARATORS = re.compile(r"[ ().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def _number(text: str) -> str:
    """A number as it is dialed; DesktopError for what is none."""
    phone = _SEPARATORS.sub("", text)
    if _E164.fullmatch(phone) is None:
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.PHONE}: not + and 7 to 15 digits")
    return phone


@dataclass(frozen=True)
class Requester:
    """Who asks: the agent logged in at the DN that the request came by. `entry` is the request's row of the log of requests,
    where there is one, `origin` the way of the request, for the audit trail of do-not-call requests. A `third_party` is an
    application: it may name any campaign, loaded or not, or none, and asks about a record in the place of who has it."""

    dn: str
    agent_id: str = ""
    entry: RequestEntry | None = None
    origin: str = "desktop"
    third_party: bool = False


def news_of(session: DialingSession, kind: CampaignEvent, application_id: int, reference_id: Any = None) -> KVList:
    """A campaign event of this session for one agent."""
    group = session.group
    with_mode = kind in (CampaignEvent.STARTED, CampaignEvent.STOPPED, CampaignEvent.MODE_CHANGED)
    return campaign_event(
        kind, application_id, group.campaign, description=group.campaign_description, group_name=group.name,
        group_description=group.description, mode=group.mode.desktop if with_mode else "", reference_id=reference_id)


class RecordOperations:
    """Carries out requests. `send(dn, user_data)` reaches an agent who did not ask (RecordCancel)."""

    log = Logger()

    def __init__(self, engine: Engine, send: Callable[[str, KVList], None]) -> None:
        self._engine, self._context, self._send = engine, engine.context, send
        self.requests = RequestLog(engine.context) if engine.context.options.request_log else None
        self._application_id = engine.context.options.application_id
        self._operations: dict[str, Callable[[Requester, DesktopRequest], Awaitable[list[KVList]]]] = {
            "CampaignStatusRequest": self._campaign_status,
            "PreviewDialingModeStart": self._acknowledged,
            "PreviewDialingModeOver": self._acknowledged,
            "PreviewRecordRequest": self._preview_record,
            "ChainedRecordRequest": self._chained_records,
            "UpdateCallCompletionStats": self._update,
            "RecordProcessed": self._processed,
            "RecordReject": self._reject,
            "RequestRecordCancel": self._cancel,
            "DoNotCall": self._do_not_call,
            "RecordReschedule": self._reschedule,
            "ScheduledRecordReschedule": self._reschedule,
            "LogOut": self._acknowledged,
        }

    async def perform(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        """The answers to a request, in order: one, but for ChainedRecordRequest and CampaignStatusRequest."""
        if self.requests is None:
            return (await self._carry_out(requester, request))[0]
        entry = self.requests.entry(requester.dn, requester.agent_id, request, self._sessions(requester, request))
        answers, error = await self._carry_out(replace(requester, entry=entry), request)
        self.requests.finish(entry, error)
        return answers

    async def _carry_out(self, requester: Requester, request: DesktopRequest) -> tuple[list[KVList], int]:
        """The answers, and the number of the error that they tell; 0 if it was done."""
        operation = self._operations.get(request.name)
        try:
            if operation is None:
                raise DesktopError(DesktopErrorCode.INVALID_REQUEST, f"{request.name} is not available", request.echo)
            return await operation(requester, request), 0
        except DesktopError as error:
            code, detail = error.code, error.detail
        except NoRecords:
            code, detail = DesktopErrorCode.NO_RECORDS_AVAILABLE, ""
        except TooManyPreviews as error:
            code, detail = DesktopErrorCode.INVALID_REQUEST, str(error)
        except (StoreUnavailable, UnknownCallingList) as error:
            code, detail = DesktopErrorCode.DATABASE_ERROR, str(error)
        except UnexpectedEvent as error:
            self.log.info("{request} came too late: {reason}", request=request.name, reason=str(error))
            code, detail = DesktopErrorCode.RECORD_NOT_FOUND, "the record is no longer held"
        return [error_event(request, code, detail)], int(code)

    # -- finding what a request names -----------------------------------------------------------------------------
    def _sessions(self, requester: Requester, request: DesktopRequest) -> list[DialingSession]:
        """The requester's sessions of the campaign that the request names; all of a third party that names none."""
        if requester.third_party and request.campaign_name is None:
            return list(self._engine.sessions.values())
        return [session for session in self._engine.sessions.values()
                if (requester.third_party or requester.dn in session.group.group.dns)
                and request.campaign_name in (session.group.campaign, session.group.name)]

    def _session(self, requester: Requester, request: DesktopRequest) -> DialingSession:
        """The requester's session of the campaign that the request names, loaded if an agent asks."""
        mine = self._sessions(requester, request)
        if not mine:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_FOUND, str(request.campaign_name))
        session = max(mine, key=lambda each: each.state)
        if session.state is SessionState.NOT_LOADED and not requester.third_party:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_RUNNING, session.group.name)
        return session

    def _held(self, requester: Requester, request: DesktopRequest) -> HeldChain:
        """The chain of the record that the request names, with that record as its head."""
        handle = request.record_handle
        found = None if handle is None else self._context.handles.find(handle)
        if found is None or found[0].agent_dn != requester.dn \
                or found[0].state not in (ChainState.CALLING, ChainState.WITH_AGENT):
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {handle}")
        held, index = found
        held.session.callbacks.noticed(held)
        undialed = held.state is ChainState.WITH_AGENT and held.call is None
        if undialed and held.chain.records[index].record_status.open:
            held.session.desks.turn_to(held, index)
        if index != held.index:
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {handle} was not dialed")
        if requester.entry is not None:
            requester.entry.about(held, index)
            requester.entry.beside(held)
        return held

    def _ack(self, request: DesktopRequest, held: HeldChain | None = None, *pairs: tuple[str, KVValue]) -> list[KVList]:
        known: KVList = () if held is None else ((keys.CALLING_LIST, held.calling_list.name),)
        return [acknowledge(request, pairs=(*known, *pairs))]

    def _note_fields(self, held: HeldChain, request: DesktopRequest) -> None:
        """Take over the user-defined fields of the request; DesktopError before anything is changed."""
        custom = held.session.custom_fields.get(held.chain.table, ())
        changes = changed_fields(custom, request.others, request.echo)
        if changes:
            held.change_record(fields={**held.record.fields, **changes})
            code = changes.get(held.calling_list.disposition_field)
            held.disposition = held.disposition if code is None else str(code)

    # -- the operations -------------------------------------------------------------------------------------------
    async def _acknowledged(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        self._session(requester, request)
        return self._ack(request)

    async def _campaign_status(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        news = []
        for session in self._engine.sessions.values():
            if requester.dn in session.group.group.dns and session.keeps_chains:
                running = session.state is SessionState.RUNNING
                kind = CampaignEvent.STARTED if running else CampaignEvent.LOADED
                if request.campaign_name in (None, session.group.campaign, session.group.name):
                    news.append(news_of(session, kind, self._application_id, request.reference_id))
        if not news:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_FOUND, "none is loaded for this agent", request.echo)
        return news

    async def _preview_record(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        session = self._session(requester, request)
        if session.state is not SessionState.RUNNING:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_RUNNING, session.group.name)
        if session.group.mode is not DialingMode.PREVIEW:
            raise DesktopError(DesktopErrorCode.INVALID_DIALING_MODE, session.group.mode.desktop)
        if session.paused or not session.may_dial:
            raise NoRecords(session.why_not)
        held = await session.desks.preview(requester.dn, requester.agent_id)
        if requester.entry is not None:
            requester.entry.about(held, held.index)
        data = record_data(held, held.index, self._application_id, self._context.clock.wall())
        return [record_event("PreviewRecord", data, request.reference_id)]

    async def _chained_records(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held, now = self._held(requester, request), self._context.clock.wall()
        others = [record_event("ChainedRecord", record_data(held, index, self._application_id, now), request.reference_id)
                  for index in range(len(held.chain.records)) if index != held.index]
        end = acknowledge(request, pairs=((keys.CALLING_LIST, held.calling_list.name), (keys.CHAIN_ID, held.chain.chain_id)))
        return [*others, end]

    async def _update(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held = self._held(requester, request)
        self._note_fields(held, request)
        if request.call_result is not None:
            result = CallResult(request.call_result)
            held.change_record(call_result=result)
            if held.attempt is not None:
                held.attempt = replace(held.attempt, call_result=result)
        await held.session.settlement.save_so_far(held)
        return self._ack(request, held)

    async def _processed(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        if request.record_handle is not None and self._context.handles.find(request.record_handle) is None:
            # a reschedule or a do-not-call request has settled the record: the desktop may say so again, it changes nothing
            if self._context.handles.how_settled(request.record_handle) in (Settled.RESCHEDULED, Settled.DO_NOT_CALL):
                return self._ack(request)
        held = self._held(requester, request)
        self._note_fields(held, request)
        settlement = held.session.settlement
        # where none is given it is the call's own, and Answer while it still goes on
        result = settlement.result_so_far(held) if request.call_result is None else CallResult(request.call_result)
        await settlement.processed(held, result, request.treatment is not None,
                                   request.treatment is RecordTreatment.PERSONAL)
        return self._ack(request, held)

    async def _reject(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held = self._held(requester, request)
        if held.call is not None:
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE}: already dialed")
        again_at = held.session.callbacks.not_now_until(held)
        if again_at is None:
            chain = chains.give_back(held.chain)
        else:
            chain = chains.reschedule(held.chain, held.index, again_at, held.record.record_type)
        await held.session.settlement.by_agent(held, chain, None, Settled.OTHER)
        return self._ack(request, held)

    async def _reschedule(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held = self._held(requester, request)
        due, personal = self._due(held, request), request.callback_type is CallbackType.PERSONAL
        if personal and not requester.agent_id:
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.CALLBACK_TYPE}: no agent is logged in here")
        phone = self._callback_phone(held, request)
        self._note_fields(held, request)
        result = None if request.call_result is None else CallResult(request.call_result)
        if result is None and held.call is not None:
            result = held.session.settlement.result_so_far(held)
        if result is not None:
            held.change_record(call_result=result)
        chain, index = chains.with_phone(held.chain, held.index, phone)
        kept = personal or held.session.group.campaign_callback_distr is CallbackDistribution.ORIGINAL_AGENT
        chain = chains.reschedule(
            chain, index, due, RecordType.PERSONAL_CALLBACK if personal else RecordType.CAMPAIGN_CALLBACK,
            agent_id=requester.agent_id if kept else "")
        held.session.callbacks.note(held, CallbackNews.SCHEDULED, chain, index)
        await held.session.settlement.by_agent(held, chain, result, Settled.RESCHEDULED)
        return self._ack(request, held)

    def _callback_phone(self, held: HeldChain, request: DesktopRequest) -> str | None:
        """The number to be called back, where the request names one: of the contact, or a new one."""
        if not request.phone:
            return None
        phone = _number(request.phone)
        campaign, checks = held.session.group.campaign, held.session.dialer.checks_do_not_call
        known = [record for record in held.chain.records if record.contact_info == phone]
        if any(record.record_type is RecordType.NO_CALL for record in known) or (
                checks(held.calling_list, callback=True)
                and self._context.do_not_call.blocks(campaign, phone, None) is not None):
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.PHONE}: must not be called")
        return phone

    def _due(self, held: HeldChain, request: DesktopRequest) -> int:
        """When to dial again, epoch s."""
        assert request.date_time is not None
        try:
            due = local_to_epoch(request.date_time, held.record.tz_name)
        except (OverflowError, ValueError, KeyError):       # the last hours of the calendar; a zone that nobody knows
            raise DesktopError(DesktopErrorCode.INVALID_DATE_OR_TIME, f"{keys.DATE_TIME}: no such time") from None
        if due <= self._context.clock.wall():
            raise DesktopError(DesktopErrorCode.INVALID_DATE_OR_TIME, f"{keys.DATE_TIME} is in the past")
        return due

    async def _cancel(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        if request.record_handle is None or self._context.handles.find(request.record_handle) is None:
            return await self._cancel_wherever(requester, request)
        held = self._held(requester, request)
        chain = held.chain
        for index in self._meant(held, request):
            chain = chains.cancelled(chain, index)
        chain = self._rest_of(held, chain)
        await held.session.settlement.by_agent(held, chain, CallResult.CANCEL_RECORD, Settled.OTHER)
        return self._ack(request, held, (keys.PHONE, held.record.contact_info))

    async def _cancel_wherever(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        """Cancel records that this agent does not hold here: by phone or customer id all of the campaign's lists, wherever they
        are; by a handle that is not known here what this agent has of a peer. Of a third party that names no campaign all
        lists of all campaigns."""
        session = self._session(requester, request)
        campaign = "" if request.campaign_name is None else session.group.campaign
        target = CancelTarget(request.record_handle, "", "", campaign, request.calling_list or "", requester.dn,
                              request.chain_attr is not ChainAttribute.RECORD_ONLY)
        if request.record_handle is None:
            target = replace(target, dn="", phone=_number(request.phone) if request.phone else "",
                             customer_id="" if request.phone else request.customer_id or "")
        if not await cancel(self._engine, target, everywhere=requester.third_party):
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, "there is none that could be cancelled")
        return self._ack(request)

    @staticmethod
    def _meant(held: HeldChain, request: DesktopRequest) -> list[int]:
        """Indices of the records that the request is about."""
        if request.chain_attr is ChainAttribute.RECORD_ONLY:
            return [held.index]
        return [index for index, record in enumerate(held.chain.records) if not record.record_status.final]

    @staticmethod
    def _rest_of(held: HeldChain, chain: Any) -> Any:
        """The other records: done with, if the contact was talked to; else they may still be dialed."""
        if held.call is not None and held.call.talked:
            return chains.close_siblings(chain)
        return chains.give_back(chain)

    async def _do_not_call(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        now = int(self._context.clock.wall())
        if request.record_handle is None:
            entry, table = self._entry(requester, request, now)
            notice = self._block((entry,))
            requests = () if requester.entry is None else requester.entry.take()
            await self._context.store.save(ChainSave(table, do_not_call=(entry,), requests=requests))
            await notice.everywhere()
            return self._ack(request)
        held = self._held(requester, request)
        chain, entries = held.chain, []
        for index in self._meant(held, request):
            entries.append(DoNotCallEntry(phone=chain.records[index].contact_info, internal=True, time_stamp=now,
                                          list_dbid=held.calling_list.dbid,
                                          requested_by=requester.agent_id or requester.dn, origin=requester.origin))
            chain = chains.blocked_by_dnc(chain, index)
        saved = held.session.settlement.by_agent(held, self._rest_of(held, chain), CallResult.DO_NOT_CALL,
                                                 Settled.DO_NOT_CALL, tuple(entries))
        notice = self._block(tuple(entries))
        await saved
        await notice.everywhere()
        return self._ack(request, held, (keys.PHONE, entries[0].phone or ""))

    def _entry(self, requester: Requester, request: DesktopRequest, now: int) -> tuple[DoNotCallEntry, str]:
        """The entry for a request that names no record, and the table of a calling list of the campaign."""
        self._session(requester, request)
        lists = {each.name: each for session in self._sessions(requester, request) for each in session.group.lists}
        if request.calling_list is not None and request.calling_list not in lists:
            raise DesktopError(DesktopErrorCode.CALLING_LIST_NOT_FOUND, f"{keys.CALLING_LIST} {request.calling_list}")
        phone = None if not request.phone else _number(request.phone)
        entry = DoNotCallEntry(phone=phone, customer_id=None if phone else request.customer_id, internal=True, time_stamp=now,
                               requested_by=requester.agent_id or requester.dn, origin=requester.origin)
        if not request.calling_list:
            return entry, next(iter(lists.values())).reads
        named = lists[request.calling_list]
        return replace(entry, list_dbid=named.dbid), named.reads

    def _block(self, entries: tuple[DoNotCallEntry, ...]) -> Any:
        """From now on these are not dialed here; previews of them that nobody has dialed yet are taken back. The notice to the
        peers (IBlockNotice)."""
        for entry in entries:
            self._engine.block(entry)
        self._engine.take_back_blocked()
        return self._context.peers.block(entries)
