"""The index of events: what the OCS tells a desktop, with which keys, as an answer or unasked.

Every event carries GSW_USER_EVENT and GSW_APPLICATION_ID, GSW_CAMPAIGN_NAME where the request or the record says it, and
GSW_REFERENCE_ID of the request that it answers, if that has one. Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass

from protocols.desktop import keys
from protocols.desktop.index import REQUESTS

__all__ = ["BASE", "EVENTS", "EventKind", "answered_by"]

BASE = (keys.USER_EVENT, keys.APPLICATION_ID, keys.CAMPAIGN_NAME, keys.REFERENCE_ID)


@dataclass(frozen=True)
class EventKind:
    """One row: the keys that are always there besides those of `BASE`, those that may be, whether user-defined fields follow, and
    `unasked`: when it is sent without a request, in words ("" = never)."""

    name: str
    keys: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fields: bool = False
    unasked: str = ""


_CAMPAIGN = (keys.CAMPAIGN_DESCRIPTION, keys.CAMPAIGN_GROUP_NAME, keys.CAMPAIGN_GROUP_DESCRIPTION)
_SHOWN = (keys.CAMPAIGN_GROUP_NAME, keys.CAMPAIGN_GROUP_DBID, keys.CAMPAIGN_GROUP_DESCRIPTION, keys.CAMPAIGN_MODE,
          keys.CALLING_LIST, keys.CALLING_LIST_DBID, keys.RECORD_HANDLE, keys.CHAIN_ID, keys.PHONE, keys.PHONE_TYPE,
          keys.CONTACT_INFO, keys.CALL_RESULT, keys.ATTEMPTS, keys.TZ_NAME, keys.FROM, keys.UNTIL, keys.INTERACTION_TYPE,
          keys.INTERACTION_SUBTYPE)
_MAY_BE_SHOWN = (keys.CALL_ATTEMPT_GUID, keys.TZ_OFFSET, keys.DATE_TIME, keys.AGENT_ID, keys.SWITCH_DBID, keys.RECORD_URI,
                 keys.CPN_DIGITS, keys.RING_TONE)
_ADDED = (keys.CALLING_LIST, keys.PHONE, keys.TZ_NAME, keys.PHONE_TYPE, keys.RECORD_TYPE, keys.RECORD_STATUS, keys.CHAIN_ID,
          keys.CHAIN_N, keys.CALL_RESULT, keys.ATTEMPTS, keys.FROM, keys.UNTIL)
_FAILED = (keys.ERROR, keys.ERROR_NUMBER)

_KINDS = (
    EventKind("CampaignLoaded", _CAMPAIGN, unasked="a campaign group was loaded; the agent logs in and it is loaded"),
    EventKind("CampaignUnloaded", _CAMPAIGN, unasked="it was unloaded"),
    EventKind("CampaignGroupAssigned", _CAMPAIGN, unasked="the agent belongs to a loaded one from now on; how it stands follows"),
    EventKind("CampaignStarted", (*_CAMPAIGN, keys.CAMPAIGN_MODE), unasked="its dialing began; an agent logs in meanwhile"),
    EventKind("CampaignStopped", (*_CAMPAIGN, keys.CAMPAIGN_MODE), unasked="its dialing ended"),
    EventKind("CampaignModeChanged", (*_CAMPAIGN, keys.CAMPAIGN_MODE), unasked="it is dialed in another mode"),
    EventKind("PreviewDialingModeStartAcknowledge"),
    EventKind("PreviewDialingModeOverAcknowledge"),
    EventKind("PreviewRecord", _SHOWN, _MAY_BE_SHOWN, True),
    EventKind("ChainedRecord", _SHOWN, _MAY_BE_SHOWN, True),
    EventKind("ChainedRecordsDataEnd", (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.CHAIN_ID)),
    EventKind("UpdateCallCompletionStatsAcknowledge", (keys.CALLING_LIST, keys.RECORD_HANDLE), (), True),
    EventKind("RecordProcessedAcknowledge", (keys.RECORD_HANDLE,), (keys.CALLING_LIST, keys.TREATMENT), True),
    EventKind("RecordRejectAcknowledge", (keys.CALLING_LIST, keys.RECORD_HANDLE)),
    EventKind("RecordCancelAcknowledge", (keys.CHAIN_ATTR, keys.MESSAGE), (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.PHONE)),
    EventKind("DoNotCallAcknowledge", (keys.CHAIN_ATTR,), (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.PHONE)),
    EventKind("RecordRescheduleAcknowledge", (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.DATE_TIME, keys.CALLBACK_TYPE)),
    EventKind("ScheduledRecordRescheduleAcknowledge",
              (keys.CALLING_LIST, keys.RECORD_HANDLE, keys.DATE_TIME, keys.CALLBACK_TYPE)),
    EventKind("AddRecordAcknowledge", _ADDED, (keys.DATE_TIME, keys.CALL_TIME, keys.AGENT_ID), True),
    EventKind("LogOutTime", (keys.LOGOUT_TIME,)),
    EventKind("LogOutAcknowledge"),
    EventKind("ReadyTimeAcknowledge", (), (keys.READY_TIME, keys.RECORD_HANDLE)),
    EventKind("ContinueProcessingAcknowledge", (), (keys.RECORD_HANDLE,)),
    EventKind("ScheduledCall", (*_SHOWN, keys.CALLBACK_TYPE), _MAY_BE_SHOWN, True,
              "a callback is due; the agent is to dial it, reschedule, reject or cancel it"),
    EventKind("RecordCancel", _SHOWN, _MAY_BE_SHOWN, True, "a record at hand was taken away: cancelled, blocked, not reacted to"),
    EventKind("PreviewRecordEmpty", _FAILED),
    EventKind("Error", _FAILED, (keys.RECORD_HANDLE,)),
)

EVENTS: dict[str, EventKind] = {kind.name: kind for kind in _KINDS}


def answered_by(event: str) -> tuple[str, ...]:
    """The requests that this event answers; none where it is only sent unasked, every one for an error."""
    if event == "Error":
        return tuple(REQUESTS)
    return tuple(kind.name for kind in REQUESTS.values()
                 if event in kind.events or any(code.event == event for code in kind.errors))
