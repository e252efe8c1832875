"""Messages of the T-Server protocol: one frozen value, and the tables of what is known of names and attributes.

A message is `[name, reference_id, attributes]`. The tables say which names exist and what type an attribute has, so that
a server can refuse a bad value by its name; attributes that no table names are kept as they came.
Source: docs/wire.md, section 4; names and numbers are the public ones of the T-Library.
"""
from __future__ import annotations

from enum import IntEnum

from protocols.message import PROTOCOL_VERSION, ErrorCode, Message, Vocabulary

__all__ = [
    "ATTRIBUTE_TYPES", "AgentStatus", "AgentWorkMode", "AddressType", "CallState", "CallType", "DNRole", "ErrorCode",
    "KNOWN_REQUESTS", "Message", "PROTOCOL_VERSION", "SENDER", "USER_EVENT_NUMBER", "VOCABULARY",
]

USER_EVENT_NUMBER = 96          # the number of EventUserEvent, value of `UserEvent`
SENDER = "application"          # pair of the Extensions of a user event on a communication DN: who sent it


class AddressType(IntEnum):
    """Kind of a DN (attribute AddressType)."""
    UNKNOWN = 0
    DN = 1
    POSITION = 2
    QUEUE = 3
    ROUTE_DN = 4
    TRUNK = 5
    VOICE_CHANNEL = 6
    ACD_GROUP = 10
    ROUTE_QUEUE = 12
    OTHER = 99


class CallType(IntEnum):
    """Attribute CallType."""
    UNKNOWN = 0
    INTERNAL = 1
    INBOUND = 2
    OUTBOUND = 3
    CONSULT = 4


class DNRole(IntEnum):
    """Attributes ThisDNRole, OtherDNRole, ThirdPartyDNRole."""
    UNKNOWN = 0
    ORIGINATION = 1
    DESTINATION = 2
    CONFERENCE_MEMBER = 3
    NEW_PARTY = 4
    ADDED_BY = 5
    DELETED_BY = 6
    TRANSFERRED_BY = 7
    DELETED_PARTY = 8
    CONFERENCED_BY = 9
    OBSERVER = 10


class AgentWorkMode(IntEnum):
    """Attribute AgentWorkMode."""
    UNKNOWN = 0
    MANUAL_IN = 1
    AUTO_IN = 2
    AFTER_CALL_WORK = 3
    AUX_WORK = 4
    NO_CALL_DISCONNECT = 5
    WALK_AWAY = 6
    RETURN_BACK = 7


class AgentStatus(IntEnum):
    """Pair `AgentStatus` in the Extensions of EventRegistered and EventAddressInfo (numbers: ours, docs/wire.md)."""
    LOGGED_OUT = 0
    LOGGED_IN = 1
    READY = 2
    NOT_READY = 3
    AFTER_CALL_WORK = 4


class CallState(IntEnum):
    """Attribute CallState; the same numbers as call results. Source: the public enumeration, 0..53."""
    OK = 0
    TRANSFERRED = 1
    CONFERENCED = 2
    GENERAL_ERROR = 3
    SYSTEM_ERROR = 4
    REMOTE_RELEASE = 5
    BUSY = 6
    NO_ANSWER = 7
    SIT_DETECTED = 8
    ANSWERING_MACHINE_DETECTED = 9
    ALL_TRUNKS_BUSY = 10
    SIT_INVALID_NUMBER = 11
    SIT_VACANT = 12
    SIT_INTERCEPT = 13
    SIT_UNKNOWN = 14
    SIT_NO_CIRCUIT = 15
    SIT_REORDER = 16
    FAX_DETECTED = 17
    QUEUE_FULL = 18
    CLEARED = 19
    OVERFLOWED = 20
    ABANDONED = 21
    REDIRECTED = 22
    FORWARDED = 23
    CONSULT = 24
    PICKEDUP = 25
    DROPPED = 26
    DROPPED_NO_ANSWER = 27
    UNKNOWN = 28
    COVERED = 29
    CONVERSE_ON = 30
    BRIDGED = 31
    SILENCE = 32
    DEAFENED = 49
    HELD = 50


# attribute -> type of its value; attributes outside this table are kept and not checked
ATTRIBUTE_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("AgentID", "AgentPassword", "ANI", "ApplicationName", "ApplicationPassword", "CallUUID", "CollectedDigits",
         "CommunicationDN", "ConferenceConnID", "ConnID", "DNIS", "ErrorMessage", "Key", "OriginConnID", "OtherDN", "OtherQueue",
         "OtherTrunk", "Place", "PreviousConnID", "ProtocolVersion", "RefConnID", "ServerVersion", "ThirdPartyDN",
         "ThirdPartyQueue", "ThisDN", "ThisQueue", "ThisTrunk", "TransferConnID"), str),
    **dict.fromkeys(
        ("AddressInfoStatus", "AddressInfoType", "AddressType", "AgentIdleReason", "AgentWorkMode", "CallID", "CallState",
         "CallType", "Cause", "ControlMode", "ErrorCode", "EventSequenceNumber", "MakeCallType", "MergeType",
         "OtherDNRole", "Priority", "RegisterMode", "RouteType", "ServerRole", "ThirdPartyDNRole", "ThisDNRole",
         "TimeinSecs", "TimeinuSecs", "TreatmentType", "UserEvent"), int),
    "Timeout": (int, float),
    "InputMask": list,
}

# request -> attributes that it cannot do without
KNOWN_REQUESTS: dict[str, tuple[str, ...]] = {
    "RequestRegisterClient": ("ApplicationName", "ProtocolVersion"),
    "RequestRegisterAddress": ("ThisDN",),
    "RequestUnregisterAddress": ("ThisDN",),
    "RequestSetInputMask": (),
    "RequestAgentLogin": ("ThisDN", "AgentID"),
    "RequestAgentLogout": ("ThisDN",),
    "RequestAgentReady": ("ThisDN",),
    "RequestAgentNotReady": ("ThisDN",),
    "RequestMakeCall": ("ThisDN", "OtherDN"),
    "RequestMakePredictiveCall": ("ThisDN", "OtherDN"),
    "RequestAnswerCall": ("ThisDN", "ConnID"),
    "RequestReleaseCall": ("ThisDN", "ConnID"),
    "RequestHoldCall": ("ThisDN", "ConnID"),
    "RequestRetrieveCall": ("ThisDN", "ConnID"),
    "RequestRouteCall": ("ThisDN", "ConnID", "OtherDN"),
    "RequestAlternateCall": ("ThisDN", "ConnID", "PreviousConnID"),
    "RequestReconnectCall": ("ThisDN", "ConnID", "PreviousConnID"),
    "RequestRedirectCall": ("ThisDN", "ConnID", "OtherDN"),
    "RequestSingleStepTransfer": ("ThisDN", "ConnID", "OtherDN"),
    "RequestMuteTransfer": ("ThisDN", "ConnID", "OtherDN"),
    "RequestInitiateTransfer": ("ThisDN", "ConnID", "OtherDN"),
    "RequestCompleteTransfer": ("ThisDN", "ConnID", "TransferConnID"),
    "RequestMergeCalls": ("ThisDN", "ConnID", "TransferConnID"),
    "RequestSingleStepConference": ("ThisDN", "ConnID", "OtherDN"),
    "RequestInitiateConference": ("ThisDN", "ConnID", "OtherDN"),
    "RequestCompleteConference": ("ThisDN", "ConnID", "ConferenceConnID"),
    "RequestDeleteFromConference": ("ThisDN", "ConnID", "OtherDN"),
    "RequestApplyTreatment": ("ThisDN", "ConnID", "TreatmentType"),
    "RequestAttachUserData": ("ThisDN", "ConnID", "UserData"),
    "RequestUpdateUserData": ("ThisDN", "ConnID", "UserData"),
    "RequestDeletePair": ("ThisDN", "ConnID", "Key"),
    "RequestDeleteUserData": ("ThisDN", "ConnID"),
    "RequestDistributeUserEvent": ("UserData",),
    "RequestQueryServer": (),
    "RequestQueryAddress": ("ThisDN",),
    "RequestQueryCall": ("ThisDN", "ConnID"),
}

VOCABULARY = Vocabulary("T-Server", KNOWN_REQUESTS, ATTRIBUTE_TYPES)
