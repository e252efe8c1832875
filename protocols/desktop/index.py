"""The index of requests: what a desktop may ask, with which keys, and what it hears when that was done.

One row a request; readers, builders and the published table are made from it. Keys that a row does not name are not
read for that request (a desktop may send back everything that it got), whatever they hold.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass

from protocols.desktop import keys

__all__ = ["REQUESTS", "RequestKind", "kind_of", "request_table"]


@dataclass(frozen=True)
class RequestKind:
    """One row: `events` are the successful answers, the acknowledgement first; `mandatory` and `optional` keys beyond
    the application id; at least one key of `one_of`; `repeated` keys go back in the acknowledgement as they came (with
    the user-defined fields where `repeats_fields`); `log_code` is the request's number in the request log."""

    name: str
    events: tuple[str, ...]
    log_code: int
    mandatory: tuple[str, ...] = (keys.CAMPAIGN_NAME,)
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    repeats_fields: bool = False
    application_id: bool = True             # False: may be absent, the desktop does not know it yet
    spellings: tuple[str, ...] = ()         # accepted besides `name`

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that is read, each once."""
        return tuple(dict.fromkeys((*self.mandatory, *self.one_of, *self.optional)))


_OF_RECORD = (keys.CAMPAIGN_NAME, keys.RECORD_HANDLE)
_RECORD = (keys.CALLING_LIST, keys.RECORD_HANDLE)
_TARGET = (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.PHONE, keys.CHAIN_ATTR)
_RESCHEDULE = (keys.CAMPAIGN_NAME, keys.RECORD_HANDLE, keys.DATE_TIME, keys.CALLBACK_TYPE)
_RESCHEDULE_MORE = (keys.CALLING_LIST, keys.CALL_RESULT, keys.PHONE, keys.TREATMENT)
_RESCHEDULED = (*_RECORD, keys.DATE_TIME, keys.CALLBACK_TYPE)
_NEW_RECORD = (keys.CALLING_LIST, keys.PHONE_TYPE, keys.TZ_NAME, keys.RECORD_TYPE, keys.RECORD_STATUS, keys.CALL_RESULT,
               keys.ATTEMPTS, keys.DATE_TIME, keys.CALL_TIME, keys.FROM, keys.UNTIL, keys.AGENT_ID, keys.CHAIN_ID)

_KINDS = (
    RequestKind("CampaignStatusRequest", ("CampaignStarted", "CampaignLoaded"), 20, (), optional=(keys.CAMPAIGN_NAME,),
                application_id=False),
    RequestKind("PreviewDialingModeStart", ("PreviewDialingModeStartAcknowledge",), 4),
    RequestKind("PreviewDialingModeOver", ("PreviewDialingModeOverAcknowledge",), 5),
    RequestKind("PreviewRecordRequest", ("PreviewRecord",), 1),
    RequestKind("ChainedRecordRequest", ("ChainedRecordsDataEnd", "ChainedRecord"), 2, _OF_RECORD,
                optional=(keys.CALLING_LIST,), repeated=_RECORD),
    RequestKind("UpdateCallCompletionStats", ("UpdateCallCompletionStatsAcknowledge",), 9, _OF_RECORD,
                optional=(keys.CALLING_LIST, keys.CALL_RESULT, keys.PHONE), repeated=_RECORD, repeats_fields=True),
    RequestKind("RecordProcessed", ("RecordProcessedAcknowledge",), 10, _OF_RECORD,
                optional=(keys.CALLING_LIST, keys.CALL_RESULT, keys.TREATMENT),
                repeated=(*_RECORD, keys.TREATMENT), repeats_fields=True),
    RequestKind("RecordReject", ("RecordRejectAcknowledge",), 11, _OF_RECORD, optional=(keys.CALLING_LIST,),
                repeated=_RECORD),
    RequestKind("RequestRecordCancel", ("RecordCancelAcknowledge",), 12,
                one_of=(keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID),
                optional=(keys.CALLING_LIST, keys.CHAIN_ATTR), repeated=_TARGET),
    RequestKind("DoNotCall", ("DoNotCallAcknowledge",), 15,
                one_of=(keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID),
                optional=(keys.CALLING_LIST, keys.CHAIN_ATTR), repeated=_TARGET),
    RequestKind("RecordReschedule", ("RecordRescheduleAcknowledge",), 13, _RESCHEDULE, optional=_RESCHEDULE_MORE,
                repeated=_RESCHEDULED),
    RequestKind("ScheduledRecordReschedule", ("ScheduledRecordRescheduleAcknowledge",), 14, _RESCHEDULE,
                optional=_RESCHEDULE_MORE, repeated=_RESCHEDULED),
    RequestKind("AddRecord", ("AddRecordAcknowledge",), 3, (keys.CAMPAIGN_NAME, keys.PHONE), optional=_NEW_RECORD,
                repeated=(keys.CALLING_LIST, keys.PHONE, keys.PHONE_TYPE, keys.TZ_NAME, keys.RECORD_TYPE,
                          keys.RECORD_STATUS, keys.CALL_RESULT, keys.ATTEMPTS, keys.FROM, keys.UNTIL),
                repeats_fields=True),
    RequestKind("LogOut", ("LogOutAcknowledge", "LogOutTime"), 18, spellings=("Logout",)),
    # the names of these two acknowledgements are not public; they follow the others
    RequestKind("ReadyTime", ("ReadyTimeAcknowledge",), 19, optional=(keys.READY_TIME, keys.RECORD_HANDLE)),
    RequestKind("ContinueProcessing", ("ContinueProcessingAcknowledge",), 16, optional=(keys.RECORD_HANDLE,)),
)

REQUESTS: dict[str, RequestKind] = {kind.name: kind for kind in _KINDS}
_SPELLINGS = {spelling: kind for kind in _KINDS for spelling in (kind.name, *kind.spellings)}


def kind_of(name: str) -> RequestKind | None:
    """The row of a request by its name, case-sensitive, other accepted spellings included."""
    return _SPELLINGS.get(name)


def request_table() -> str:
    """The index as the Markdown table that docs/desktop-protocol.md shows."""
    rows = ["| request | answer | mandatory | optional |", "|---|---|---|---|"]
    for kind in _KINDS:
        name = " or ".join(f"`{spelling}`" for spelling in (kind.name, *kind.spellings))
        mandatory = [_short(key) for key in kind.mandatory]
        if kind.one_of:
            mandatory.append("one of " + ", ".join(map(_short, kind.one_of)))
        rows.append(f"| {name} | {', '.join(f'`{event}`' for event in kind.events)} | {', '.join(mandatory) or '-'} "
                    f"| {', '.join(map(_short, kind.optional)) or '-'} |")
    return "\n".join(rows)


def _short(key: str) -> str:
    return key.removeprefix("GSW_")
