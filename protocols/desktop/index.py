"""The index of requests: what a desktop may ask, with which keys, and what it hears when that was done.

One row a request; readers, builders and the published table are made from it. Keys that a row does not name are not
read for that request (a desktop may send back everything that it got), whatever they hold.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from protocols.desktop import keys
from protocols.desktop.errors import DesktopErrorCode

__all__ = ["REQUESTS", "RequestKind", "kind_of"]


_E = DesktopErrorCode
_ALWAYS = (_E.INVALID_ATTRIBUTE, _E.LIMIT_REACHED, _E.INTERNAL_ERROR)      # what any request may be answered with
_OF_CAMPAIGN = (_E.CAMPAIGN_NOT_FOUND, _E.CAMPAIGN_NOT_RUNNING)
_OF_HELD = (_E.CAMPAIGN_NOT_FOUND, _E.RECORD_NOT_FOUND, _E.CALLING_LIST_NOT_FOUND)
_OF_TARGET = (*_OF_CAMPAIGN, _E.RECORD_NOT_FOUND, _E.CALLING_LIST_NOT_FOUND, _E.DATABASE_ERROR)


@dataclass(frozen=True)
class RequestKind:
    """One row: `events` are the successful answers, the one that completes the request first; `mandatory` and `optional` keys
    beyond the application id; at least one key of `one_of`; `repeated` keys go back in the acknowledgement as they came (with
    the user-defined fields where `repeats_fields`); `refusals` are the errors of this request, beside those of every one;
    `log_code` is the request's number in the request log."""

    name: str
    events: tuple[str, ...]
    log_code: int
    does: str
    mandatory: tuple[str, ...] = (keys.CAMPAIGN_NAME,)
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    repeats_fields: bool = False
    refusals: tuple[DesktopErrorCode, ...] = _OF_CAMPAIGN
    application_id: bool = True             # False: may be absent, the desktop does not know it yet
    spellings: tuple[str, ...] = ()         # accepted besides `name`

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Every key that is read, each once."""
        return tuple(dict.fromkeys((*self.mandatory, *self.one_of, *self.optional)))

    @property
    def errors(self) -> tuple[DesktopErrorCode, ...]:
        """Every error that may answer the request, by number."""
        return tuple(sorted({*_ALWAYS, *self.refusals}))


_OF_RECORD = (keys.CAMPAIGN_NAME, keys.RECORD_HANDLE)
_RECORD = (keys.CALLING_LIST, keys.RECORD_HANDLE)
_TARGET = (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.PHONE)
_RESCHEDULE = (keys.CAMPAIGN_NAME, keys.RECORD_HANDLE, keys.DATE_TIME, keys.CALLBACK_TYPE)
_RESCHEDULE_MORE = (keys.CALLING_LIST, keys.CALL_RESULT, keys.PHONE, keys.TREATMENT)
_RESCHEDULED = (*_RECORD, keys.DATE_TIME, keys.CALLBACK_TYPE)
_NEW_RECORD = (keys.CALLING_LIST, keys.PHONE_TYPE, keys.TZ_NAME, keys.RECORD_TYPE, keys.RECORD_STATUS, keys.CALL_RESULT,
               keys.ATTEMPTS, keys.DATE_TIME, keys.CALL_TIME, keys.FROM, keys.UNTIL, keys.AGENT_ID, keys.CHAIN_ID)

_KINDS = (
    RequestKind("CampaignStatusRequest", ("CampaignStarted", "CampaignLoaded"), 20,
                "one event for each loaded campaign group of the agent", (), optional=(keys.CAMPAIGN_NAME,),
                refusals=(_E.CAMPAIGN_NOT_FOUND,), application_id=False),
    RequestKind("PreviewDialingModeStart", ("PreviewDialingModeStartAcknowledge",), 4,
                "the agent wants previews and callbacks (needed where agent_preview_mode_start says so), and does not leave"),
    RequestKind("PreviewDialingModeOver", ("PreviewDialingModeOverAcknowledge",), 5,
                "the agent wants none any more; what is at hand stays"),
    RequestKind("PreviewRecordRequest", ("PreviewRecord",), 1, "the agent gets the next record; mode preview only",
                refusals=(*_OF_CAMPAIGN, _E.NO_RECORDS_AVAILABLE, _E.INVALID_DIALING_MODE, _E.DATABASE_ERROR,
                          _E.AGENT_NOT_AVAILABLE)),
    RequestKind("ChainedRecordRequest", ("ChainedRecordsDataEnd", "ChainedRecord"), 2,
                "the other records of the contact, by ascending place in the chain, then the end", _OF_RECORD,
                optional=(keys.CALLING_LIST,), repeated=_RECORD, refusals=_OF_HELD),
    RequestKind("UpdateCallCompletionStats", ("UpdateCallCompletionStatsAcknowledge",), 9,
                "result and fields of a record of the contact, dialed or not; as often as wanted, nothing is final", _OF_RECORD,
                optional=(keys.CALLING_LIST, keys.CALL_RESULT, keys.PHONE), repeated=_RECORD, repeats_fields=True,
                refusals=(*_OF_HELD, _E.DATABASE_ERROR)),
    RequestKind("RecordProcessed", ("RecordProcessedAcknowledge",), 10,
                "the record is final, or the treatment of its result is applied where GSW_TREATMENT says for whom", _OF_RECORD,
                optional=(keys.CALLING_LIST, keys.CALL_RESULT, keys.TREATMENT),
                repeated=(*_RECORD, keys.TREATMENT), repeats_fields=True, refusals=(*_OF_HELD, _E.DATABASE_ERROR)),
    RequestKind("RecordReject", ("RecordRejectAcknowledge",), 11,
                "a record that was not dialed goes back: a preview at once, a callback to come again later", _OF_RECORD,
                optional=(keys.CALLING_LIST,), repeated=_RECORD, refusals=(*_OF_HELD, _E.DATABASE_ERROR)),
    RequestKind("RequestRecordCancel", ("RecordCancelAcknowledge",), 12,
                "a record of the agent, or every open record with the phone or customer id, is not dialed any more",
                one_of=(keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID),
                optional=(keys.CALLING_LIST, keys.CHAIN_ATTR), repeated=_TARGET, refusals=_OF_TARGET),
    RequestKind("DoNotCall", ("DoNotCallAcknowledge",), 15,
                "the record's phone, the phone or the customer id is on the do-not-call list from now on",
                one_of=(keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID),
                optional=(keys.CALLING_LIST, keys.CHAIN_ATTR), repeated=_TARGET, refusals=_OF_TARGET),
    RequestKind("RecordReschedule", ("RecordRescheduleAcknowledge",), 13,
                "the record becomes a callback of this agent, or of the campaign", _RESCHEDULE, optional=_RESCHEDULE_MORE,
                repeated=_RESCHEDULED, refusals=(*_OF_HELD, _E.INVALID_DATE_OR_TIME, _E.DATABASE_ERROR)),
    RequestKind("ScheduledRecordReschedule", ("ScheduledRecordRescheduleAcknowledge",), 14,
                "the same, of a record that came as ScheduledCall or any other", _RESCHEDULE,
                optional=_RESCHEDULE_MORE, repeated=_RESCHEDULED,
                refusals=(*_OF_HELD, _E.INVALID_DATE_OR_TIME, _E.DATABASE_ERROR)),
    RequestKind("AddRecord", ("AddRecordAcknowledge",), 3,
                "one more record in a list of the campaign, in a chain of its own or in one that is there",
                (keys.CAMPAIGN_NAME, keys.PHONE), optional=_NEW_RECORD,
                repeats_fields=True, refusals=(*_OF_CAMPAIGN, _E.CALLING_LIST_NOT_FOUND, _E.INVALID_DATE_OR_TIME,
                                               _E.DATABASE_ERROR)),
    RequestKind("LogOut", ("LogOutAcknowledge", "LogOutTime"), 18,
                "no more calls are dialed for the agent, who may go when the answer comes; LogOutTime where that takes time",
                refusals=(*_OF_CAMPAIGN, _E.AGENT_NOT_AVAILABLE), spellings=("Logout",)),
    # the names of these two acknowledgements are not public; they follow the others
    RequestKind("ReadyTime", ("ReadyTimeAcknowledge",), 19,
                "when the agent expects to be ready: it is kept in the log of requests",
                optional=(keys.READY_TIME, keys.RECORD_HANDLE), repeated=(keys.READY_TIME, keys.RECORD_HANDLE)),
    RequestKind("ContinueProcessing", ("ContinueProcessingAcknowledge",), 16,
                "the agent still works on the record, or on all at hand: the time until it is Stale begins anew",
                optional=(keys.RECORD_HANDLE,), repeated=(keys.RECORD_HANDLE,), refusals=(*_OF_CAMPAIGN, _E.RECORD_NOT_FOUND)),
)

REQUESTS: dict[str, RequestKind] = {kind.name: kind for kind in _KINDS}
_SPELLINGS = {spelling: kind for kind in _KINDS for spelling in (kind.name, *kind.spellings)}


def kind_of(name: str) -> RequestKind | None:
    """The row of a request by its name, case-sensitive, other accepted spellings included."""
    return _SPELLINGS.get(name)
