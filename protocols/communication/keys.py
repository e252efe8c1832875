"""Keys of the third-party protocol: the names of the pairs in a user event on a Communication DN, each written once, here.

`MESSAGE_TYPE` alone marks a message. The names of most keys are not public; they are those of the attributes as the field's logs
print them, so that each can be corrected in one place. Source: docs/communication-dn.md.
"""
from __future__ import annotations

from protocols.desktop.keys import (
    APPLICATION_ID,
    CALLING_LIST,
    CAMPAIGN_GROUP_NAME,
    CAMPAIGN_NAME,
    CHAIN_ATTR,
    CUSTOMER_ID,
    PHONE,
    RECORD_HANDLE,
)

__all__ = ["APPLICATION_ID", "AUTO_COMPLETION", "CALLING_LIST", "CAMPAIGN_GROUP_NAME", "CAMPAIGN_NAME", "CHAIN_ATTR",
           "CONTROL_KEYS", "CUSTOMER_ID", "PHONE", "RECORD_HANDLE"]

MESSAGE_TYPE = "GSW_CM_MessageType"
REFERENCE_ID = "GSW_CM_AttrReferenceID"
SENDER_ID = "GSW_CM_AttrApplicationID"          # the application that asks, in its answer again
CAMPAIGN_ID = "GSW_CM_AttrCampaignID"
GROUP_ID = "GSW_CM_AttrGroupID"
SESSION_ID = "GSW_CM_AttrSessionID"             # the campaign group's number, in place of the two before
STATUS = "GSW_CM_AttrGroupCampStatus"
DIAL_MODE = "GSW_CM_AttrDialMode"
OPTIMIZE_BY = "GSW_CM_AttrOptimizeBy"
OPTIMIZE_GOAL = "GSW_CM_AttrOptimizeGoal"
SCHEDULE_SCRIPT_ID = "GSW_CM_AttrScheduleScriptID"
ERROR_CODE = "GSW_CM_AttrErrorCode"
ERROR_MESSAGE = "GSW_CM_AttrErrorMessage"
AUTO_COMPLETION = "GSW_AUTO_COMPLETION"

RECORDS = "GSW_RECORDS"                         # how many, in answers about records and campaigns
RECORDS_READY = "GSW_RECORDS_READY"
AGENTS = "GSW_AGENTS"
CALLS = "GSW_CALLS"
GROUP_NAME = "GSW_GROUP_NAME"
CALLING_LISTS = "GSW_CALLING_LISTS"

# keys with a meaning of their own: every other pair of a request goes back in its answer
CONTROL_KEYS = frozenset({
    MESSAGE_TYPE, REFERENCE_ID, SENDER_ID, CAMPAIGN_ID, GROUP_ID, SESSION_ID, STATUS, DIAL_MODE, OPTIMIZE_BY, OPTIMIZE_GOAL,
    SCHEDULE_SCRIPT_ID, ERROR_CODE, ERROR_MESSAGE, AUTO_COMPLETION, APPLICATION_ID, PHONE, CUSTOMER_ID, RECORD_HANDLE,
    CALLING_LIST, CHAIN_ATTR, CAMPAIGN_NAME, RECORDS, RECORDS_READY, AGENTS, CALLS, GROUP_NAME, CALLING_LISTS,
    CAMPAIGN_GROUP_NAME,
})
