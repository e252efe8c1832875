"""Messages of the T-Server protocol: one frozen value, and the tables of what is known of names and attributes.

A message is `[name, reference_id, attributes]`. The tables say which names exist and what type an attribute has, so that
a server can refuse a bad value by its name; attributes that no table names are kept as they came.
Source: docs/wire.md, section 4; names and numbers are the public ones of the T-Library.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Mapping

from protocols.attributes import KVList, KVValue, first

__all__ = [
    "ATTRIBUTE_TYPES", "AgentStatus", "AgentWorkMode", "AddressType", "CallState", "CallType", "DNRole", "ErrorCode",
    "KNOWN_REQUESTS", "KV_ATTRIBUTES", "Message", "PROTOCOL_VERSION", "USER_EVENT_NUMBER",
]

PROTOCOL_VERSION = "1"
USER_EVENT_NUMBER = 96          # the number of EventUserEvent, value of `UserEvent`

KV_ATTRIBUTES = frozenset({"UserData", "Extensions", "Reasons", "TreatmentParms"})


@dataclass(frozen=True)
class Message:
    """One message of either direction. `attributes` maps public names (without the prefix Attribute) to values."""

    name: str
    reference_id: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or `default`."""
        return self.attributes.get(name, default)

    @property
    def user_data(self) -> KVList:
        """The attribute UserData; empty where there is none."""
        pairs: KVList = self.attributes.get("UserData", ())
        return pairs

    @property
    def extensions(self) -> KVList:
        """The attribute Extensions; empty where there is none."""
        pairs: KVList = self.attributes.get("Extensions", ())
        return pairs

    def user_value(self, key: str) -> KVValue | None:
        """The first value of `key` in UserData."""
        return first(self.user_data, key)


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


class ErrorCode(IntEnum):
    """Public codes of EventError (generic part) that this server uses."""
    LICENCE_LIMIT = 40
    NOT_REGISTERED = 41
    ALREADY_IN_STATE = 43
    UNKNOWN_ERROR = 50
    NOT_SUPPORTED = 51
    INTERNAL_ERROR = 52
    BAD_ATTRIBUTE = 53
    NO_SWITCH = 54
    WRONG_VERSION = 55
    BAD_CONN_ID = 56
    TIMEOUT = 57
    NOT_CONFIGURED = 59
    BAD_CALLED_DN = 71
    ORIGINATION_BUSY = 79
    BAD_DESTINATION_STATE = 93
    LINK_DOWN = 109
    SAME_REQUEST = 110
    TOO_MANY_REQUESTS = 111
    BAD_PASSWORD = 119
    DN_TABLE_FULL = 124
    DN_ALREADY_REGISTERED = 125
    WRONG_DN_TYPE = 128
    RESOURCE_UNAVAILABLE = 166
    BAD_DESTINATION = 169
    TRANSFER_FAILED = 172
    ANSWER_FAILED = 174
    RELEASE_FAILED = 175
    LOGGED_OUT_READY = 187
    BAD_AGENT_ID = 192
    DN_BUSY = 231
    AGENT_WRONG_ID = 1703
    AGENT_ID_IN_USE = 1704
    AGENT_BAD_PASSWORD = 1705
    AGENT_ALREADY_IN = 1706
    AGENT_NOT_IN = 1707
    WRONG_CALL_STATE = 1712


# attribute -> type of its value; attributes outside this table are kept and not checked
ATTRIBUTE_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("AgentID", "AgentPassword", "ANI", "ApplicationName", "ApplicationPassword", "CallUUID", "CollectedDigits",
         "CommunicationDN", "ConferenceConnID", "ConnID", "DNIS", "ErrorMessage", "OriginConnID", "OtherDN", "OtherQueue",
         "OtherTrunk", "Place", "PreviousConnID", "ProtocolVersion", "RefConnID", "ServerVersion", "ThirdPartyDN",
         "ThirdPartyQueue", "ThisDN", "ThisQueue", "ThisTrunk", "TransferConnID"), str),
    **dict.fromkeys(
        ("AddressInfoStatus", "AddressInfoType", "AddressType", "AgentIdleReason", "AgentWorkMode", "CallID", "CallState",
         "CallType", "Cause", "ControlMode", "ErrorCode", "EventSequenceNumber", "MakeCallType", "MergeType",
         "OtherDNRole", "Priority", "RegisterMode", "RouteType", "ServerRole", "ThirdPartyDNRole", "ThisDNRole",
         "TimeinSecs", "TimeinuSecs", "TreatmentType", "UserEvent"), int),
    "Timeout": (int, float),
    **dict.fromkeys(KV_ATTRIBUTES, tuple),
}

# request -> attributes that it cannot do without
KNOWN_REQUESTS: dict[str, tuple[str, ...]] = {
    "RequestRegisterClient": ("ApplicationName", "ProtocolVersion"),
    "RequestRegisterAddress": ("ThisDN",),
    "RequestUnregisterAddress": ("ThisDN",),
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
    "RequestSingleStepTransfer": ("ThisDN", "ConnID", "OtherDN"),
    "RequestInitiateTransfer": ("ThisDN", "ConnID", "OtherDN"),
    "RequestCompleteTransfer": ("ThisDN", "ConnID", "TransferConnID"),
    "RequestMergeCalls": ("ThisDN", "ConnID", "TransferConnID"),
    "RequestAttachUserData": ("ThisDN", "ConnID", "UserData"),
    "RequestUpdateUserData": ("ThisDN", "ConnID", "UserData"),
    "RequestDistributeUserEvent": ("UserData",),
    "RequestQueryServer": (),
    "RequestQueryAddress": ("ThisDN",),
    "RequestQueryCall": ("ThisDN", "ConnID"),
}
