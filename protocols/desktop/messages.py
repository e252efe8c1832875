"""Requests and events of the desktop protocol as values, read from the user data of a user event; pure.

A request (desktop -> OCS) becomes a `DesktopRequest`, or a `DesktopError` that says what is wrong and to whom to say
it. An event (OCS -> desktop) becomes a `DesktopEvent`; what cannot be read of it is None.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Collection

from protocols.attributes import KVList, KVValue, first
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo, ReferenceId
from protocols.desktop.fields import FIELDS, TEXT_LIMIT, lenient_integer
from protocols.desktop.index import REQUESTS, RequestKind, kind_of
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment
from protocols.desktop.record import RecordData

__all__ = ["DesktopEvent", "DesktopRequest", "is_event", "is_request", "parse_event", "parse_request"]


def is_request(user_data: KVList) -> bool:
    """True for a request: GSW_AGENT_REQ_TYPE and no GSW_USER_EVENT."""
    return first(user_data, keys.REQUEST) is not None and first(user_data, keys.USER_EVENT) is None


def is_event(user_data: KVList) -> bool:
    """True for an event: GSW_USER_EVENT and no GSW_AGENT_REQ_TYPE."""
    return first(user_data, keys.USER_EVENT) is not None and first(user_data, keys.REQUEST) is None


@dataclass(frozen=True)
class DesktopRequest:
    """A request that can be carried out as far as its form goes. `name` is the canonical one; None = the key was not
    sent (or does not belong to this request). `date_time` is naive: local time of the record. `daily_*` are seconds
    after local midnight, `call_time` epoch seconds; phone and record types and the record status are public numbers.
    `others` are the pairs that may name user-defined fields; `raw` is the whole user data."""

    name: str
    application_id: int | None = None
    campaign_name: str | None = None
    reference_id: ReferenceId = None
    record_handle: int | None = None
    calling_list: str | None = None
    phone: str | None = None
    phone_type: int | None = None
    customer_id: str | None = None
    call_result: int | None = None
    attempts: int | None = None
    chain_id: int | None = None
    tz_name: str | None = None
    date_time: datetime | None = None
    call_time: int | None = None
    daily_from: int | None = None
    daily_until: int | None = None
    record_type: int | None = None
    record_status: int | None = None
    agent_id: str | None = None
    callback_type: CallbackType | None = None
    treatment: RecordTreatment | None = None
    chain_attr: ChainAttribute = ChainAttribute.RECORD_ONLY
    ready_time_s: int | None = None
    others: KVList = ()
    raw: KVList = field(default=(), repr=False)

    @property
    def kind(self) -> RequestKind:
        """The request's row in the index."""
        return REQUESTS[self.name]

    @property
    def echo(self) -> Echo:
        """What every answer repeats."""
        return Echo(self.name, self.application_id, self.campaign_name, self.record_handle, self.reference_id)


def parse_request(user_data: KVList, optional: Collection[str] = ()) -> DesktopRequest | None:
    """The request in the user data of a user event; None if it is none. DesktopError (number, text, echo) for an
    unknown request and for keys that are missing or badly typed. Whether it is for this application is not checked.
    `optional` are mandatory keys that may be missing here: applications need not name a campaign."""
    if not is_request(user_data):
        return None
    echo = _echo(user_data)
    name = first(user_data, keys.REQUEST)
    kind = kind_of(name) if isinstance(name, str) else None
    if kind is None:
        raise DesktopError(DesktopErrorCode.INVALID_REQUEST, echo.name or keys.REQUEST, echo)
    try:
        values = _values(kind, user_data, optional)
    except DesktopError as error:
        raise DesktopError(error.code, error.detail, echo) from None
    others = tuple(pair for pair in user_data if pair[0] not in keys.CONTROL_KEYS)
    return DesktopRequest(kind.name, others=others, raw=user_data, **values)


def _values(kind: RequestKind, user_data: KVList, optional: Collection[str]) -> dict[str, Any]:
    """Attribute -> value of the keys that this request has."""
    given = dict(reversed(user_data))           # the first of a repeated key counts
    values: dict[str, Any] = {"reference_id": _reference_id(given.get(keys.REFERENCE_ID), strict=True)}
    mandatory = ((keys.APPLICATION_ID,) if kind.application_id else ()) + kind.mandatory
    for key in mandatory:
        if given.get(key) in (None, "") and key not in optional:
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{key} is missing")
    if kind.one_of and all(given.get(key) in (None, "") for key in kind.one_of):
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{' or '.join(kind.one_of)} is missing")
    for key in (keys.APPLICATION_ID, *kind.keys):
        if key in given and not (key in optional and given[key] == ""):
            reader = FIELDS[key]
            values[reader.attribute] = reader.read(key, given[key])
    return values


def _echo(user_data: KVList) -> Echo:
    """Read liberally what an answer repeats, whatever else is wrong with the request."""
    given = dict(reversed(user_data))
    name, campaign = given.get(keys.REQUEST), given.get(keys.CAMPAIGN_NAME)
    return Echo(name[:64] if isinstance(name, str) else "", lenient_integer(given.get(keys.APPLICATION_ID)),
                campaign if isinstance(campaign, str) and len(campaign) <= TEXT_LIMIT else None,
                lenient_integer(given.get(keys.RECORD_HANDLE)),
                _reference_id(given.get(keys.REFERENCE_ID), strict=False))


def _reference_id(value: KVValue | None, strict: bool) -> ReferenceId:
    if value is None or isinstance(value, int) or isinstance(value, str) and len(value) <= TEXT_LIMIT:
        return value
    if strict:
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.REFERENCE_ID}: not an integer or a short string")
    return None


@dataclass(frozen=True)
class DesktopEvent:
    """An event from the OCS. `failed` tells an error; `record` is the record that it shows, where it shows one."""

    name: str
    application_id: int | None = None
    campaign_name: str | None = None
    reference_id: ReferenceId = None
    record_handle: int | None = None
    error_number: int | None = None
    error: str | None = None
    message: str | None = None
    campaign_mode: str | None = None
    campaign_description: str | None = None
    campaign_group_name: str | None = None
    campaign_group_description: str | None = None
    logout_time_s: int | None = None
    raw: KVList = field(default=(), repr=False)

    @property
    def failed(self) -> bool:
        """True for an error event, "No Records Available" included."""
        return self.error is not None

    @property
    def record(self) -> RecordData | None:
        """The record in the event; None where it names no record handle."""
        return RecordData.from_pairs(self.raw)


_EVENT_TEXTS = {
    keys.CAMPAIGN_NAME: "campaign_name", keys.ERROR: "error", keys.MESSAGE: "message",
    keys.CAMPAIGN_MODE: "campaign_mode", keys.CAMPAIGN_DESCRIPTION: "campaign_description",
    keys.CAMPAIGN_GROUP_NAME: "campaign_group_name", keys.CAMPAIGN_GROUP_DESCRIPTION: "campaign_group_description",
}
_EVENT_INTEGERS = {
    keys.APPLICATION_ID: "application_id", keys.RECORD_HANDLE: "record_handle", keys.ERROR_NUMBER: "error_number",
    keys.LOGOUT_TIME: "logout_time_s",
}


def parse_event(user_data: KVList) -> DesktopEvent | None:
    """The event in the user data of a user event; None if it is none. Never fails: what cannot be read is None."""
    name = first(user_data, keys.USER_EVENT)
    if not is_event(user_data) or not isinstance(name, str):
        return None
    given = dict(reversed(user_data))
    values: dict[str, Any] = {attribute: given[key] for key, attribute in _EVENT_TEXTS.items()
                              if isinstance(given.get(key), str)}
    values.update((attribute, lenient_integer(given.get(key))) for key, attribute in _EVENT_INTEGERS.items())
    return DesktopEvent(name, reference_id=_reference_id(given.get(keys.REFERENCE_ID), strict=False), raw=user_data,
                        **values)
