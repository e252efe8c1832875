"""The record operations: what may be asked for, whichever way the request came. One method a request.

An answer that acknowledges is given after the database has it. An agent touches only records that the agent holds. What differs
from entry to entry, who asks and how the answers travel, is the affair of the entries (`ocs.desktop.reception`).
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Awaitable, Callable

from twisted.logger import Logger

from ocs.desktop.adding import Adding
from ocs.desktop.attending import Attending, news_of
from ocs.desktop.finding import Finding, number
from ocs.desktop.records import changed_fields, record_data
from ocs.desktop.removing import Removing
from ocs.desktop.request_log import RequestLog
from ocs.desktop.requester import Requester
from ocs.dialing import chain as chains
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CallbackDistribution
from ocs.dialing.dial_hours import local_to_epoch
from ocs.dialing.results import CallResult, DialingMode, RecordType
from ocs.dialing.session import SessionState
from ocs.errors import StoreUnavailable, UnexpectedEvent, UnknownCallingList
from ocs.scheduler.desks import NoRecords, NotWilling, TooManyPreviews
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain, Settled
from protocols.attributes import KVList
from protocols.desktop import keys
from protocols.desktop.build import acknowledge, error_event, record_event
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest
from protocols.desktop.names import CallbackType, RecordTreatment

__all__ = ["RecordOperations", "Requester", "news_of"]

Meanwhile = Callable[[KVList], None]
_Operation = Callable[[Requester, DesktopRequest], Awaitable[list[KVList]]]


class RecordOperations:
    """Carries out requests."""

    log = Logger()

    def __init__(self, engine: Engine) -> None:
        self._context = engine.context
        self.requests = RequestLog(engine.context) if engine.context.options.request_log else None
        self._finding = Finding(engine)
        self._attending = Attending(engine.context, self._finding)
        removing, adding = Removing(engine, self._finding), Adding(engine.context, self._finding)
        self._operations: dict[str, _Operation] = {
            "CampaignStatusRequest": self._attending.campaign_status,
            "PreviewDialingModeStart": self._attending.begin_previews,
            "PreviewDialingModeOver": self._attending.end_previews,
            "PreviewRecordRequest": self._preview_record,
            "ChainedRecordRequest": self._chained_records,
            "UpdateCallCompletionStats": self._update,
            "RecordProcessed": self._processed,
            "RecordReject": self._reject,
            "RequestRecordCancel": removing.cancel,
            "DoNotCall": removing.do_not_call,
            "RecordReschedule": self._reschedule,
            "ScheduledRecordReschedule": self._reschedule,
            "AddRecord": adding.add_record,
            "ReadyTime": self._attending.ready_time,
            "ContinueProcessing": self._attending.continue_processing,
        }

    async def perform(self, requester: Requester, request: DesktopRequest, meanwhile: Meanwhile = lambda pairs: None
                      ) -> list[KVList]:
        """The answers to a request, in order: one, but for ChainedRecordRequest and CampaignStatusRequest. `meanwhile` is given
        what is told ahead of them, where they take time (LogOutTime)."""
        if self.requests is None:
            return (await self._carry_out(requester, request, meanwhile))[0]
        sessions = self._finding.sessions(requester, request.campaign_name)
        entry = self.requests.entry(requester.dn, requester.agent_id, request, sessions)
        answers, error = await self._carry_out(replace(requester, entry=entry), request, meanwhile)
        self.requests.finish(entry, error)
        return answers

    async def _carry_out(self, requester: Requester, request: DesktopRequest, meanwhile: Meanwhile) -> tuple[list[KVList], int]:
        """The answers, and the number of the error that they tell; 0 if it was done."""
        try:
            if request.name == "LogOut":
                return await self._attending.log_out(requester, request, meanwhile), 0
            return await self._operations[request.name](requester, request), 0
        except DesktopError as error:
            code, detail = error.code, error.detail
        except NoRecords:
            code, detail = DesktopErrorCode.NO_RECORDS_AVAILABLE, ""
        except TooManyPreviews as error:
            code, detail = DesktopErrorCode.LIMIT_REACHED, str(error)
        except NotWilling as error:
            code, detail = DesktopErrorCode.AGENT_NOT_AVAILABLE, str(error)
        except (StoreUnavailable, UnknownCallingList) as error:
            code, detail = DesktopErrorCode.DATABASE_ERROR, str(error)
        except UnexpectedEvent as error:
            self.log.info("{request} came too late: {reason}", request=request.name, reason=str(error))
            code, detail = DesktopErrorCode.RECORD_NOT_FOUND, "the record is no longer held"
        return [error_event(request, code, detail)], int(code)

    # -- what the operations share --------------------------------------------------------------------------------
    @staticmethod
    def _ack(request: DesktopRequest, held: HeldChain) -> list[KVList]:
        return [acknowledge(request, pairs=((keys.CALLING_LIST, held.calling_list.name),))]

    def _shown(self, held: HeldChain, index: int) -> Any:
        return record_data(held, index, self._context.options.application_id, self._context.clock.wall())

    @staticmethod
    def _changes(held: HeldChain, request: DesktopRequest) -> dict[str, Any]:
        """Column -> value, of the user-defined fields of the request; DesktopError before anything is changed."""
        return changed_fields(held.session.custom_fields.get(held.chain.table, ()), request.others, request.echo)

    @classmethod
    def _note_fields(cls, held: HeldChain, request: DesktopRequest) -> None:
        """Take over the user-defined fields of the request."""
        changes = cls._changes(held, request)
        if changes:
            held.change_record(fields={**held.record.fields, **changes})
            code = changes.get(held.calling_list.disposition_field)
            held.disposition = held.disposition if code is None else str(code)

    # -- the operations -------------------------------------------------------------------------------------------
    async def _preview_record(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        session = self._finding.session(requester, request)
        if session.state is not SessionState.RUNNING:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_RUNNING, session.group.name)
        if session.group.mode is not DialingMode.PREVIEW:
            raise DesktopError(DesktopErrorCode.INVALID_DIALING_MODE, session.group.mode.desktop)
        if session.paused or not session.may_dial:
            raise NoRecords(session.why_not)
        held = await session.desks.preview(requester.dn, requester.agent_id)
        if requester.entry is not None:
            requester.entry.about(held, held.index)
        return [record_event("PreviewRecord", self._shown(held, held.index), request.reference_id)]

    async def _chained_records(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held, named = self._finding.record(requester, request)
        places = sorted(range(len(held.chain.records)), key=lambda place: held.chain.records[place].chain_n)
        others = [record_event("ChainedRecord", self._shown(held, place), request.reference_id)
                  for place in places if place != named]
        end = acknowledge(request, pairs=((keys.CALLING_LIST, held.calling_list.name), (keys.CHAIN_ID, held.chain.chain_id)))
        return [*others, end]

    async def _update(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held, index = self._finding.record(requester, request)
        result = None if request.call_result is None else CallResult(request.call_result)
        if index != held.index:     # another number of the contact: what is said of it says nothing of the call
            changes, record = self._changes(held, request), held.chain.records[index]
            held.chain = chains.put_record(held.chain, index, replace(
                record, fields={**record.fields, **changes}, call_result=record.call_result if result is None else result))
        else:
            self._note_fields(held, request)
            if result is not None:
                held.change_record(call_result=result)
                if held.attempt is not None:
                    held.attempt = replace(held.attempt, call_result=result)
        await held.session.settlement.save_so_far(held)
        return self._ack(request, held)

    async def _processed(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        if request.record_handle is not None and not self._finding.knows(request):
            # a reschedule or a do-not-call request has settled the record: the desktop may say so again, it changes nothing
            if self._context.handles.how_settled(request.record_handle) in (Settled.RESCHEDULED, Settled.DO_NOT_CALL):
                return [acknowledge(request)]
        held = self._finding.head(requester, request)
        self._note_fields(held, request)
        settlement = held.session.settlement
        # where none is given it is the call's own, and Answer while it still goes on
        result = settlement.result_so_far(held) if request.call_result is None else CallResult(request.call_result)
        await settlement.processed(held, result, request.treatment is not None,
                                   request.treatment is RecordTreatment.PERSONAL)
        return self._ack(request, held)

    async def _reject(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        held, _ = self._finding.record(requester, request)
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
        held = self._finding.head(requester, request)
        due, personal = self._due(held, request), request.callback_type is CallbackType.PERSONAL
        agent_id = held.agent_id if requester.third_party else requester.agent_id
        if personal and not agent_id:
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
            agent_id=agent_id if kept else "")
        held.session.callbacks.note(held, CallbackNews.SCHEDULED, chain, index)
        await held.session.settlement.by_agent(held, chain, result, Settled.RESCHEDULED)
        return self._ack(request, held)

    def _callback_phone(self, held: HeldChain, request: DesktopRequest) -> str | None:
        """The number to be called back, where the request names one: of the contact, or a new one."""
        if not request.phone:
            return None
        phone = number(request.phone)
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
