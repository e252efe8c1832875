"""The index of the third-party protocol: message types, errors, and what each request brings and is answered with.

One row a request; the reader, the entry of the OCS and the published tables are made from it. Numbers and names are public; that
the errors are numbered as they are listed is an assumption. Source: docs/communication-dn.md.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.communication import keys

__all__ = ["CampaignErrorCode", "MessageType", "REQUESTS", "RequestKind", "error_table", "event_table", "request_table"]


class MessageType(IntEnum):
    """GSW_CM_MessageType, with the name that logs print."""

    text: str

    def __new__(cls, number: int, text: str) -> MessageType:
        member = int.__new__(cls, number)
        member._value_, member.text = number, text
        return member

    REGISTER_CLIENT = 6, "ReqRegisterClient"
    LOAD_CAMPAIGN = 7, "ReqLoadCampaign"
    UNLOAD_CAMPAIGN = 8, "ReqUnloadCampaign"
    START_DIALING = 9, "ReqStartDialing"
    STOP_DIALING = 10, "ReqStopDialing"
    SET_DIALING_MODE = 11, "ReqSetDialingMode"
    GET_CAMPAIGN_STATUS = 12, "ReqGetCampaignStatus"
    REGISTER_CAMPAIGN = 13, "ReqRegisterCampaign"
    UNREGISTER_CAMPAIGN = 14, "ReqUnregisterCampaign"
    CLIENT_REGISTERED = 18, "EvClientRegistered"
    CAMPAIGN_LOADED = 19, "EvCampaignLoaded"
    CAMPAIGN_UNLOADED = 20, "EvCampaignUnloaded"
    DIALING_STARTED = 21, "EvDialingStarted"
    DIALING_STOPPED = 22, "EvDialingStopped"
    DIALING_MODE_CHANGED = 23, "EvDialingModeChanged"
    CAMPAIGN_STATUS = 24, "EvCampaignStatus"
    CAMPAIGN_REGISTERED = 25, "EvCampaignRegistered"
    CAMPAIGN_UNREGISTERED = 26, "EvCampaignUnregistered"
    ERROR = 27, "EvError"
    GET_CAMPAIGN_DATA = 28, "ReqCommDNGetCampaignData"
    FORCE_UNLOAD_CAMPAIGN = 29, "ReqForceUnloadCampaign"
    CANCEL_RECORD = 30, "ReqCancelRecord"
    RECORD_CANCELED = 31, "EvRecordCanceled"
    DO_NOT_CALL = 32, "ReqDoNotCall"
    DO_NOT_CALL_PROCESSED = 33, "EvDoNotCallProcessed"
    COMPLETE_CAMPAIGN = 36, "ReqCompleteCampaign"


class CampaignErrorCode(IntEnum):
    """GSW_CM_AttrErrorCode, with the text before the colon of GSW_CM_AttrErrorMessage."""

    text: str

    def __new__(cls, number: int, text: str) -> CampaignErrorCode:
        member = int.__new__(cls, number)
        member._value_, member.text = number, text
        return member

    NO_ERROR = 0, "No Error"
    SERVER_CONNECTION_ERROR = 1, "Server Connection Error"
    REGISTRATION_ERROR = 2, "Registration Error"
    CAMPAIGN_NOT_FOUND = 3, "Campaign Not Found"
    CAMPAIGN_NOT_LOADED = 4, "Campaign Not Loaded"
    CAMPAIGN_ALREADY_LOADED = 5, "Campaign Already Loaded"
    CAMPAIGN_NOT_STARTED = 6, "Campaign Not Started"
    CAMPAIGN_ALREADY_STARTED = 7, "Campaign Already Started"
    GROUP_NOT_FOUND = 8, "Group Not Found"
    CAMPAIGN_GROUP_NOT_FOUND = 9, "Campaign Group Not Found"
    INVALID_PARAMETER = 10, "Invalid Parameter"
    INVALID_CAMPAIGN_MODE = 11, "Invalid Campaign Mode"
    INVALID_CAMPAIGN_SCHEDULE = 12, "Invalid Campaign Schedule"
    CAMPAIGN_SCHEDULE_NOT_FOUND = 13, "Campaign Schedule Not Found"
    INVALID_CAMPAIGN_SCHEDULE_MODE = 14, "Invalid Campaign Schedule Mode"
    LICENSE_VIOLATION = 15, "License Violation"
    WRONG_CONFIGURATION = 16, "Wrong Configuration"
    PART_OF_SEQUENCE = 17, "Part Of Sequence"


@dataclass(frozen=True)
class RequestKind:
    """One row: the event that answers it; `mandatory` keys beyond reference and group, `one_of` of which at least one is
    needed, `optional` ones; whether it names a campaign group, and may name none; the errors that it may meet."""

    type: MessageType
    answer: MessageType
    errors: tuple[CampaignErrorCode, ...]
    mandatory: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    names_group: bool = True
    may_name_none: bool = False


_T, _E = MessageType, CampaignErrorCode
_FINDING = (_E.CAMPAIGN_NOT_FOUND, _E.GROUP_NOT_FOUND, _E.CAMPAIGN_GROUP_NOT_FOUND, _E.INVALID_PARAMETER)
_RECORD = (keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID)
_RECORD_MORE = (keys.CALLING_LIST, keys.CHAIN_ATTR, keys.CAMPAIGN_NAME)
_GOAL = (keys.OPTIMIZE_BY, keys.OPTIMIZE_GOAL)
_NOT_HERE = (_E.REGISTRATION_ERROR,)

_KINDS = (
    RequestKind(_T.LOAD_CAMPAIGN, _T.CAMPAIGN_LOADED, (*_FINDING, _E.CAMPAIGN_NOT_LOADED, _E.CAMPAIGN_ALREADY_LOADED,
                                                       _E.WRONG_CONFIGURATION, _E.SERVER_CONNECTION_ERROR),
                optional=(keys.AUTO_COMPLETION,)),
    RequestKind(_T.UNLOAD_CAMPAIGN, _T.CAMPAIGN_UNLOADED, (*_FINDING, _E.CAMPAIGN_NOT_LOADED)),
    RequestKind(_T.FORCE_UNLOAD_CAMPAIGN, _T.CAMPAIGN_UNLOADED, (*_FINDING, _E.CAMPAIGN_NOT_LOADED)),
    RequestKind(_T.START_DIALING, _T.DIALING_STARTED,
                (*_FINDING, _E.CAMPAIGN_NOT_LOADED, _E.CAMPAIGN_ALREADY_STARTED, _E.INVALID_CAMPAIGN_MODE,
                 _E.WRONG_CONFIGURATION), (keys.DIAL_MODE,), optional=(*_GOAL, keys.AUTO_COMPLETION)),
    RequestKind(_T.STOP_DIALING, _T.DIALING_STOPPED, (*_FINDING, _E.CAMPAIGN_NOT_LOADED, _E.CAMPAIGN_NOT_STARTED)),
    RequestKind(_T.SET_DIALING_MODE, _T.DIALING_MODE_CHANGED,
                (*_FINDING, _E.CAMPAIGN_NOT_LOADED, _E.INVALID_CAMPAIGN_MODE, _E.WRONG_CONFIGURATION), (keys.DIAL_MODE,),
                optional=(*_GOAL, keys.AUTO_COMPLETION)),
    RequestKind(_T.GET_CAMPAIGN_STATUS, _T.CAMPAIGN_STATUS, _FINDING, may_name_none=True),
    RequestKind(_T.GET_CAMPAIGN_DATA, _T.CAMPAIGN_STATUS, (*_FINDING, _E.SERVER_CONNECTION_ERROR)),
    RequestKind(_T.COMPLETE_CAMPAIGN, _T.CAMPAIGN_UNLOADED, (*_FINDING, _E.CAMPAIGN_NOT_LOADED)),
    RequestKind(_T.CANCEL_RECORD, _T.RECORD_CANCELED, (_E.CAMPAIGN_NOT_FOUND, _E.INVALID_PARAMETER, _E.CAMPAIGN_NOT_LOADED,
                                                       _E.SERVER_CONNECTION_ERROR),
                one_of=_RECORD, optional=_RECORD_MORE, names_group=False),
    RequestKind(_T.DO_NOT_CALL, _T.DO_NOT_CALL_PROCESSED, (_E.CAMPAIGN_NOT_FOUND, _E.INVALID_PARAMETER, _E.CAMPAIGN_NOT_LOADED,
                                                           _E.SERVER_CONNECTION_ERROR),
                one_of=_RECORD, optional=_RECORD_MORE, names_group=False),
    RequestKind(_T.REGISTER_CLIENT, _T.CLIENT_REGISTERED, _NOT_HERE, names_group=False),
    RequestKind(_T.REGISTER_CAMPAIGN, _T.CAMPAIGN_REGISTERED, _NOT_HERE, names_group=False),
    RequestKind(_T.UNREGISTER_CAMPAIGN, _T.CAMPAIGN_UNREGISTERED, _NOT_HERE, names_group=False),
)

REQUESTS: dict[MessageType, RequestKind] = {kind.type: kind for kind in _KINDS}


def _short(key: str) -> str:
    return key.removeprefix("GSW_CM_Attr").removeprefix("GSW_")


def request_table() -> str:
    """The index as the Markdown table that docs/communication-dn.md shows."""
    rows = ["| no. | request | answer | names | mandatory | optional | errors |", "|---|---|---|---|---|---|---|"]
    for kind in _KINDS:
        here = kind.errors != _NOT_HERE
        mandatory = [_short(key) for key in kind.mandatory]
        if kind.one_of:
            mandatory.append("one of " + ", ".join(map(_short, kind.one_of)))
        names = "-" if not kind.names_group else "a campaign group, or none for all" if kind.may_name_none else "a campaign group"
        answer = f"{kind.answer.text} ({int(kind.answer)})" if here else "always refused: of the direct protocol only"
        rows.append(f"| {int(kind.type)} | {kind.type.text} | {answer} | {names} | {', '.join(mandatory) or '-'} "
                    f"| {', '.join(map(_short, kind.optional)) or '-'} | {', '.join(str(int(one)) for one in kind.errors)} |")
    return "\n".join(rows)


_UNASKED = {
    MessageType.CAMPAIGN_LOADED: "a campaign group was loaded",
    MessageType.CAMPAIGN_UNLOADED: "it was unloaded",
    MessageType.DIALING_STARTED: "it began to dial",
    MessageType.DIALING_STOPPED: "it stopped",
    MessageType.DIALING_MODE_CHANGED: "it goes on in another mode, or with another goal",
    MessageType.CAMPAIGN_STATUS: "it waits for the end of its calls before it is unloaded (1), its records go back (2)",
}


def event_table() -> str:
    """What is told without a request."""
    rows = ["| no. | event | when |", "|---|---|---|"]
    return "\n".join(rows + [f"| {int(kind)} | {kind.text} | {when} |" for kind, when in _UNASKED.items()])


# what can make an error here; the others have a number and no cause
_CAUSES = {
    CampaignErrorCode.SERVER_CONNECTION_ERROR: "the database does not do it",
    CampaignErrorCode.REGISTRATION_ERROR: "a request of the direct protocol",
    CampaignErrorCode.CAMPAIGN_NOT_FOUND: "no campaign of this number or name",
    CampaignErrorCode.CAMPAIGN_NOT_LOADED: "not loaded, being loaded or unloaded; the campaign of a record's request is not",
    CampaignErrorCode.CAMPAIGN_ALREADY_LOADED: "loaded here, or at another server",
    CampaignErrorCode.CAMPAIGN_NOT_STARTED: "it does not dial",
    CampaignErrorCode.CAMPAIGN_ALREADY_STARTED: "it dials already",
    CampaignErrorCode.GROUP_NOT_FOUND: "no agent group of this number",
    CampaignErrorCode.CAMPAIGN_GROUP_NOT_FOUND: "this campaign and this group do not go together; no such session; none at all",
    CampaignErrorCode.INVALID_PARAMETER: "a key is missing or wrong, the message names it; no such record",
    CampaignErrorCode.INVALID_CAMPAIGN_MODE: "the group cannot dial in this mode, or not now, or not to this goal",
    CampaignErrorCode.WRONG_CONFIGURATION: "no list of it can be dialed; another group dials for its agents",
}


def error_table() -> str:
    """The errors as the Markdown table that docs/communication-dn.md shows."""
    rows = ["| code | text | cause here |", "|---|---|---|"]
    return "\n".join(rows + [f"| {int(code)} | {code.text} | {_CAUSES.get(code, 'never')} |" for code in CampaignErrorCode])
