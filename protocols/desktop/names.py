"""Enumerations that travel by name: callback type, treatment, chain attribute; phone type, record type, record status.

The last three are numbers in the calling list and may come as a name (blanks and case do not count), as a decimal
string or as an integer. Source: docs/desktop-protocol.md; the names are the public ones of the field.
"""
from __future__ import annotations

from enum import Enum, IntEnum
from typing import Mapping

__all__ = ["AgentResult", "CallbackType", "ChainAttribute", "PHONE_TYPES", "RECORD_STATUSES", "RECORD_TYPES",
           "RecordTreatment", "number_of"]


class CallbackType(Enum):
    """GSW_CALLBACK_TYPE: for the agent who sets it, or for any agent of the campaign."""
    PERSONAL = "Personal"
    CAMPAIGN = "Campaign"


class RecordTreatment(Enum):
    """GSW_TREATMENT: apply the treatment of the result that the agent gave, for this agent or for any."""
    PERSONAL = "RecordTreatPersonal"
    CAMPAIGN = "RecordTreatCampaign"


class ChainAttribute(Enum):
    """GSW_CHAIN_ATTR: this record, or all records of its chain."""
    RECORD_ONLY = "RecordOnly"
    ALL_CHAIN = "AllChain"


class AgentResult(IntEnum):
    """GSW_CALL_RESULT as agents set it; any other of 0..53 is legal too."""
    GENERAL_ERROR = 3
    BUSY = 6
    NO_ANSWER = 7
    ANSWERING_MACHINE_DETECTED = 9
    FAX_DETECTED = 17
    DROPPED = 26
    ANSWER = 33
    WRONG_PARTY = 40
    DO_NOT_CALL = 51
    WRONG_NUMBER = 53


_LONGEST = 64       # characters of a name, blanks included

# number -> name as it is written
PHONE_TYPES: Mapping[int, str] = dict(enumerate((
    "NoContactType", "HomePhone", "DirectBusinessPhone", "BusinessWithExt", "Mobile", "VacationPhone", "Pager", "Modem",
    "VoiceMail", "PinPager", "EmailAddress", "InstantMessaging")))
RECORD_TYPES: Mapping[int, str] = dict(enumerate((
    "NoRecordType", "Unknown", "General", "CampaignRescheduled", "PersonalRescheduled", "PersonalCallBack",
    "CampaignCallBack", "NoCall")))
RECORD_STATUSES: Mapping[int, str] = dict(enumerate((
    "NoRecordStatus", "Ready", "Retrieved", "Updated", "Stale", "Cancelled", "AgentError", "ChainUpdated",
    "MissedCallBack", "ChainReady", "Delegated")))


def number_of(names: Mapping[int, str], value: object) -> int | None:
    """The number in `names` that a value of a pair means; None if it means none."""
    if isinstance(value, str):
        if len(value) > _LONGEST:
            return None
        plain = "".join(value.split()).lower()
        for number, name in names.items():
            if plain == name.lower() or plain == str(number):
                return number
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) and value in names else None
