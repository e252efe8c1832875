"""AddRecord: one more record in a list of the campaign."""
from __future__ import annotations

from typing import Mapping, Sequence

from ocs.desktop.finding import Finding
from ocs.desktop.records import changed_fields
from ocs.desktop.requester import Requester
from ocs.dialing.adding import ADDED_STATUSES
from ocs.dialing.campaign import CallingList
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType
from ocs.dialing.values import CustomField, NewRecord, Record
from ocs.errors import NotAdded
from ocs.scheduler.context import Context
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList, KVValue
from protocols.desktop import keys
from protocols.desktop.build import acknowledge
from protocols.desktop.dates import format_date_time
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest
from protocols.desktop.names import PHONE_TYPES, RECORD_STATUSES, RECORD_TYPES

__all__ = ["Adding"]

_YEARS = range(1970, 2200)
_KEYS: Mapping[str, str] = {"tz_name": keys.TZ_NAME, "chain_id": keys.CHAIN_ID, "phone": keys.PHONE, "daily_until": keys.UNTIL}


class Adding:
    """Carries out AddRecord."""

    def __init__(self, context: Context, finding: Finding) -> None:
        self._context, self._finding = context, finding

    async def add_record(self, requester: Requester, request: DesktopRequest) -> list[KVList]:
        session = self._finding.session(requester, request)
        calling_list = self._calling_list(session, request)
        custom = session.custom_fields.get(calling_list.reads)
        if custom is None:          # its campaign is not loaded
            custom = (await self._context.store.calling_lists()).get(calling_list.reads, ())
        new = self._new(calling_list, custom, request, requester)
        try:
            record: Record = await self._context.store.add_record(new)
        except NotAdded as error:
            if requester.entry is not None:
                requester.entry.put_back()
            code = DesktopErrorCode.INVALID_ATTRIBUTE
            if error.attribute == "daily_until":
                code = DesktopErrorCode.INVALID_DATE_OR_TIME
            raise DesktopError(code, f"{_KEYS.get(error.attribute, error.attribute)}: {error.reason}") from None
        session.buffer.records_added(calling_list.name)
        session.wake()
        return [acknowledge(request, pairs=self._told(calling_list, record, request))]

    def _calling_list(self, session: DialingSession, request: DesktopRequest) -> CallingList:
        named = self._finding.calling_list(session, request)
        if named is None and len(session.group.lists) > 1:
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.CALLING_LIST} is missing: the campaign has several")
        return named or session.group.lists[0]

    @staticmethod
    def _new(calling_list: CallingList, custom: Sequence[CustomField], request: DesktopRequest,
             requester: Requester) -> NewRecord:
        assert request.phone is not None
        status = None if request.record_status is None else RecordStatus(request.record_status)
        if status is not None and status not in ADDED_STATUSES:
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.RECORD_STATUS}: not of a record that is added")
        if request.date_time is not None and request.date_time.year not in _YEARS:
            raise DesktopError(DesktopErrorCode.INVALID_DATE_OR_TIME, f"{keys.DATE_TIME}: not within {_YEARS[0]}..{_YEARS[-1]}")
        return NewRecord(
            calling_list.reads, request.phone, request.chain_id,
            ContactInfoType.HOME_PHONE if request.phone_type is None else ContactInfoType(request.phone_type),
            request.tz_name or None,
            RecordType.GENERAL if request.record_type is None else RecordType(request.record_type), status,
            CallResult.UNKNOWN if request.call_result is None else CallResult(request.call_result), request.attempts or 0,
            request.date_time, request.call_time, request.daily_from, request.daily_until, request.agent_id or None,
            changed_fields(custom, request.others),
            () if requester.entry is None else requester.entry.take(), calling_list.phone_region)

    @staticmethod
    def _told(calling_list: CallingList, record: Record, request: DesktopRequest) -> KVList:
        """The record as it stands in the list now."""
        more: tuple[tuple[str, KVValue | None], ...] = (
            (keys.DATE_TIME, None if request.date_time is None else format_date_time(request.date_time)),
            (keys.CALL_TIME, record.call_time), (keys.AGENT_ID, record.agent_id))
        return (
            (keys.CALLING_LIST, calling_list.name), (keys.PHONE, record.contact_info), (keys.TZ_NAME, record.tz_name),
            (keys.PHONE_TYPE, PHONE_TYPES[record.contact_info_type]), (keys.RECORD_TYPE, RECORD_TYPES[record.record_type]),
            (keys.RECORD_STATUS, RECORD_STATUSES[record.record_status]), (keys.CHAIN_ID, record.chain_id),
            (keys.CHAIN_N, record.chain_n), (keys.CALL_RESULT, int(record.call_result)), (keys.ATTEMPTS, record.attempt),
            (keys.FROM, record.daily_from), (keys.UNTIL, record.daily_till),
            *((key, value) for key, value in more if value is not None))
