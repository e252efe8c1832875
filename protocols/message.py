"""One message, and what every message protocol of this project has in common: version, public error codes, vocabularies.

A message is `[name, reference_id, attributes]`. A vocabulary says which requests a server knows and what type an attribute
has, so that a server can refuse a bad value by its name; attributes that no table names are kept as they came.
Source: docs/wire.md, sections 2 to 4; error codes are the public ones of the T-Library.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Mapping

from protocols.attributes import KVList, KVValue, first

__all__ = ["ERROR_EVENTS", "ErrorCode", "KV_ATTRIBUTES", "Message", "PROTOCOL_VERSION", "Refused", "ServerRole",
           "Vocabulary"]

PROTOCOL_VERSION = "1"
ERROR_EVENTS = frozenset({"EventError", "SEventError"})     # answers that refuse a request

KV_ATTRIBUTES = frozenset({"UserData", "Extensions", "Reasons", "TreatmentParms"})     # key-value lists, in every protocol


class ErrorCode(IntEnum):
    """Public codes of EventError (generic part) that the servers here use."""
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
    SERVICE_UNAVAILABLE = 118
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


class ServerRole(IntEnum):
    """Attribute ServerRole: which of a pair of servers a client has reached. A backup waits; its clients leave it."""
    PRIMARY = 0
    BACKUP = 1


class Refused(Exception):
    """A server says no: its public error code and a text that names the attribute or object. Nothing was changed; the
    request is answered with EventError."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


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


@dataclass(frozen=True)
class Vocabulary:
    """The requests of one protocol with the attributes that they cannot do without, and the types of attributes. Attributes
    outside `types` are kept and not checked; key-value lists need not be named. `error` is the event by which a registered
    client's request is refused; it repeats the attributes `repeated`, where the request has them as it should."""

    protocol: str
    requests: Mapping[str, tuple[str, ...]]
    types: Mapping[str, type | tuple[type, ...]]
    error: str = "EventError"
    repeated: tuple[str, ...] = ()

    def check(self, message: Message) -> None:
        """Refused: 51 for a request that nobody knows; 53 names the first attribute missing or of the wrong type."""
        needed = self.requests.get(message.name)
        if needed is None:
            raise Refused(ErrorCode.NOT_SUPPORTED, f"{message.name[:64]} is not supported")
        for name in needed:
            if name not in message.attributes:
                raise Refused(ErrorCode.BAD_ATTRIBUTE, f"{name}: missing")
        for name, value in message.attributes.items():
            wanted = tuple if name in KV_ATTRIBUTES else self.types.get(name)
            if wanted is None or type(value) is wanted:
                continue
            if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, wanted):
                raise Refused(ErrorCode.BAD_ATTRIBUTE,
                              f"{name}: {_words(wanted)} is expected, not {type(value).__name__}")

    def refusal(self, message: Message, error: Refused) -> Message:
        """The answer to a request that is refused; EventError to one that is none of these."""
        attributes = {"ErrorCode": int(error.code), "ErrorMessage": str(error)}
        if message.name not in self.requests:
            return Message("EventError", message.reference_id, attributes)
        repeated = {name: message.attributes[name] for name in self.repeated
                    if type(message.attributes.get(name)) is self.types[name]}
        return Message(self.error, message.reference_id, {**repeated, **attributes})


def _words(wanted: type | tuple[type, ...]) -> str:
    words: dict[Any, str] = {str: "a str", int: "an int", bool: "a bool", tuple: "a key-value list", list: "an array",
                             dict: "a map", bytes: "octets"}
    return words.get(wanted, "a number")
