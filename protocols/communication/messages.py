"""Requests and answers of the third-party protocol as values, read from and written into the user data of user events; pure.

A request becomes a `CampaignRequest`, or a `CampaignError` that says what is wrong and to whom to say it. Integers may come as
decimal strings: applications of the field send either. Source: docs/communication-dn.md.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from protocols.attributes import KVList, KVValue, first
from protocols.communication import keys
from protocols.communication.index import REQUESTS, CampaignErrorCode, MessageType, RequestKind
from protocols.desktop.fields import TEXT_LIMIT, integer_within, lenient_integer
from protocols.desktop.names import ChainAttribute
from protocols.errors import ProtocolError

__all__ = ["CampaignError", "CampaignRequest", "Echo", "GroupFacts", "answer", "error_answer", "group_event", "parse_request",
           "sender_id"]

_LARGEST = 2 ** 31 - 1          # numbers of objects, references
_LARGEST_HANDLE = 2 ** 63 - 1
_PROPERTIES_LIMIT = 8_000       # octets of further pairs that an answer repeats: switches bound user data


@dataclass(frozen=True)
class Echo:
    """What every answer to a request repeats of it, as far as it could be read."""

    reference_id: int = 0
    sender: int | None = None
    campaign_id: int | None = None
    group_id: int | None = None
    session_id: int | None = None
    application_id: int | None = None
    properties: KVList = ()


class CampaignError(ProtocolError):
    """A request that is refused. `echo` says which, so that it can be answered."""

    def __init__(self, code: CampaignErrorCode, detail: str = "", echo: Echo = Echo()) -> None:
        self.code, self.detail, self.echo = code, detail, echo
        super().__init__(f"error {int(code)}: {self.text}")

    @property
    def text(self) -> str:
        """GSW_CM_AttrErrorMessage."""
        return f"{self.code.text}: {self.detail}" if self.detail else self.code.text


@dataclass(frozen=True)
class CampaignRequest:
    """A request that can be carried out as far as its form goes; None = the key was not sent. `dial_mode` and `optimize_by` are
    public numbers, `optimize_goal` is in percent or seconds by the method."""

    type: MessageType
    echo: Echo
    campaign_id: int | None = None
    group_id: int | None = None
    session_id: int | None = None
    dial_mode: int | None = None
    optimize_by: int | None = None
    optimize_goal: int | None = None
    auto_completion: bool | None = None
    record_handle: int | None = None
    phone: str | None = None
    customer_id: str | None = None
    calling_list: str | None = None
    campaign_name: str | None = None
    whole_chain: bool = False
    raw: KVList = field(default=(), repr=False)

    @property
    def kind(self) -> RequestKind:
        """The request's row in the index."""
        return REQUESTS[self.type]


def _invalid(key: str, reason: str) -> CampaignError:
    return CampaignError(CampaignErrorCode.INVALID_PARAMETER, f"{key}: {reason}")


def _integer(high: int) -> Callable[[str, KVValue], int]:
    def read(key: str, value: KVValue) -> int:
        try:
            return integer_within(value, high)
        except ValueError as error:
            raise _invalid(key, str(error)) from None
    return read


def _text(key: str, value: KVValue) -> str:
    if not isinstance(value, str):
        raise _invalid(key, "not a string")
    if len(value) > TEXT_LIMIT:
        raise _invalid(key, f"longer than {TEXT_LIMIT} characters")
    return value


def _chain(key: str, value: KVValue) -> bool:
    if value not in [one.value for one in ChainAttribute]:
        raise _invalid(key, "not " + " or ".join(one.value for one in ChainAttribute))
    return value == ChainAttribute.ALL_CHAIN.value


# key -> (attribute of CampaignRequest, how its value is read)
_READERS: dict[str, tuple[str, Callable[[str, KVValue], Any]]] = {
    keys.CAMPAIGN_ID: ("campaign_id", _integer(_LARGEST)),
    keys.GROUP_ID: ("group_id", _integer(_LARGEST)),
    keys.SESSION_ID: ("session_id", _integer(_LARGEST)),
    keys.DIAL_MODE: ("dial_mode", _integer(_LARGEST)),
    keys.OPTIMIZE_BY: ("optimize_by", _integer(_LARGEST)),
    keys.OPTIMIZE_GOAL: ("optimize_goal", _integer(_LARGEST)),
    keys.AUTO_COMPLETION: ("auto_completion", lambda key, value: bool(_integer(1)(key, value))),
    keys.RECORD_HANDLE: ("record_handle", _integer(_LARGEST_HANDLE)),
    keys.PHONE: ("phone", _text),
    keys.CUSTOMER_ID: ("customer_id", _text),
    keys.CALLING_LIST: ("calling_list", _text),
    keys.CAMPAIGN_NAME: ("campaign_name", _text),
    keys.CHAIN_ATTR: ("whole_chain", _chain),
}
_GROUP = (keys.CAMPAIGN_ID, keys.GROUP_ID, keys.SESSION_ID)


def sender_id(user_data: KVList) -> int | None:
    """The number of the application that says it sends this; None where it says nothing."""
    return lenient_integer(first(user_data, keys.SENDER_ID))


def parse_request(user_data: KVList) -> CampaignRequest | None:
    """The request in the user data of a user event; None if it is none (an event, or nothing of this protocol). CampaignError for
    an unknown request, and for keys that are missing or badly typed."""
    number = lenient_integer(first(user_data, keys.MESSAGE_TYPE))
    if first(user_data, keys.MESSAGE_TYPE) is None:
        return None
    echo = _echo(user_data)
    found = next((kind for kind in MessageType if kind == number), None)
    if found is None:
        raise CampaignError(CampaignErrorCode.INVALID_PARAMETER, f"{keys.MESSAGE_TYPE}: there is no such message", echo)
    kind = REQUESTS.get(found)
    if kind is None:
        return None
    try:
        values = _values(kind, dict(reversed(user_data)))       # the first of a repeated key counts
    except CampaignError as error:
        raise CampaignError(error.code, error.detail, echo) from None
    return CampaignRequest(kind.type, echo, raw=user_data, **values)


def _values(kind: RequestKind, given: dict[str, KVValue]) -> dict[str, Any]:
    """Attribute -> value of the keys that this request has."""
    _integer(_LARGEST)(keys.REFERENCE_ID, given.get(keys.REFERENCE_ID, ""))
    for key in kind.mandatory:
        if given.get(key) in (None, ""):
            raise _invalid(key, "is missing")
    if kind.one_of and all(given.get(key) in (None, "") for key in kind.one_of):
        raise CampaignError(CampaignErrorCode.INVALID_PARAMETER, f"{' or '.join(kind.one_of)} is missing")
    read = (*(_GROUP if kind.names_group else ()), *kind.mandatory, *kind.one_of, *kind.optional)
    values = {_READERS[key][0]: _READERS[key][1](key, given[key]) for key in read if given.get(key) not in (None, "")}
    named = "session_id" in values or {"campaign_id", "group_id"} <= values.keys()
    none = not values.keys() & {"session_id", "campaign_id", "group_id"}
    if kind.names_group and not named and not (kind.may_name_none and none):
        raise CampaignError(CampaignErrorCode.INVALID_PARAMETER,
                            f"{keys.SESSION_ID}, or {keys.CAMPAIGN_ID} and {keys.GROUP_ID}: missing")
    return values


def _echo(user_data: KVList) -> Echo:
    """Read liberally what an answer repeats, whatever else is wrong with the request."""
    given = dict(reversed(user_data))

    def number(key: str) -> int | None:
        value = lenient_integer(given.get(key))
        return value if value is not None and 0 <= value <= _LARGEST else None

    others = tuple(pair for pair in user_data if pair[0] not in keys.CONTROL_KEYS)
    return Echo(number(keys.REFERENCE_ID) or 0, number(keys.SENDER_ID), number(keys.CAMPAIGN_ID), number(keys.GROUP_ID),
                number(keys.SESSION_ID), number(keys.APPLICATION_ID), others if _octets(others) <= _PROPERTIES_LIMIT else ())


def _octets(value: KVValue) -> int:
    """About how long a value is on the wire."""
    if isinstance(value, tuple):
        return sum(len(key.encode(errors="replace")) + 8 + _octets(item) for key, item in value)
    return len(value.encode(errors="replace") if isinstance(value, str) else value) if not isinstance(value, int) else 9


@dataclass(frozen=True)
class GroupFacts:
    """A campaign group as its events tell it; the numbers are the public ones. `script_id` 0 = operated by hand."""

    campaign_id: int
    group_id: int
    session_id: int
    status: int
    dial_mode: int
    optimize_by: int = 0
    optimize_goal: int = 0
    script_id: int = 0

    def pairs(self) -> KVList:
        """In the order of the published table."""
        return ((keys.CAMPAIGN_ID, self.campaign_id), (keys.GROUP_ID, self.group_id), (keys.SESSION_ID, self.session_id),
                (keys.STATUS, self.status), (keys.DIAL_MODE, self.dial_mode), (keys.OPTIMIZE_BY, self.optimize_by),
                (keys.OPTIMIZE_GOAL, self.optimize_goal), (keys.SCHEDULE_SCRIPT_ID, self.script_id))


def _head(kind: MessageType, application_id: int, echo: Echo) -> list[tuple[str, KVValue]]:
    head: list[tuple[str, KVValue]] = [(keys.MESSAGE_TYPE, int(kind)), (keys.REFERENCE_ID, echo.reference_id),
                                       (keys.APPLICATION_ID, application_id)]
    if echo.sender is not None:
        head.append((keys.SENDER_ID, echo.sender))
    return head


def group_event(kind: MessageType, application_id: int, facts: GroupFacts, echo: Echo = Echo(), pairs: KVList = ()) -> KVList:
    """News of a campaign group: the answer to a request (`echo`), or unasked with reference 0."""
    return (*_head(kind, application_id, echo), *facts.pairs(), *pairs, *echo.properties)


def answer(kind: MessageType, application_id: int, echo: Echo, pairs: KVList) -> KVList:
    """The answer to a request about records."""
    return (*_head(kind, application_id, echo), *pairs, *echo.properties)


def error_answer(error: CampaignError, application_id: int) -> KVList:
    """EvError."""
    pairs: list[tuple[str, KVValue]] = [
        (key, value) for key, value in ((keys.CAMPAIGN_ID, error.echo.campaign_id), (keys.GROUP_ID, error.echo.group_id),
                                        (keys.SESSION_ID, error.echo.session_id)) if value is not None]
    return (*_head(MessageType.ERROR, application_id, error.echo), *pairs, (keys.ERROR_CODE, int(error.code)),
            (keys.ERROR_MESSAGE, error.text), *error.echo.properties)
