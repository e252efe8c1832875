"""What an agent is shown of a record: the pairs of PreviewRecord and ScheduledCall and the user data of a dialed call.

A desktop that dials attaches all of them to its call, so that the call can be tied to the record.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from protocols.attributes import KVList
from protocols.desktop import keys
from protocols.desktop.fields import lenient_integer

__all__ = ["RecordData"]


@dataclass(frozen=True)
class RecordData:
    """One record on its way to an agent; None = the pair is not sent. `tz_offset` is seconds east of UTC now,
    `daily_*` seconds after local midnight; `cpn_digits` the number that the contact is shown as the caller's, `ring_tone` the
    name of the tone with which the agent's telephone, or desktop, rings; `fields` are the calling list's user-defined fields by
    attribute name."""

    record_handle: int
    application_id: int | None = None
    campaign_name: str | None = None
    campaign_group_name: str | None = None
    campaign_group_dbid: int | None = None
    campaign_group_description: str | None = None
    campaign_mode: str | None = None
    calling_list: str | None = None
    calling_list_dbid: int | None = None
    chain_id: int | None = None
    phone: str | None = None
    phone_type: str | None = None
    contact_info: str | None = None
    call_result: int | None = None
    attempts: int | None = None
    call_attempt_guid: str | None = None
    tz_name: str | None = None
    tz_offset: int | None = None
    date_time: str | None = None
    daily_from: int | None = None
    daily_until: int | None = None
    agent_id: str | None = None
    callback_type: str | None = None
    switch_dbid: int | None = None
    record_uri: str | None = None
    cpn_digits: str | None = None
    ring_tone: str | None = None
    interaction_type: str | None = "Outbound"
    interaction_subtype: str | None = "OutboundNew"
    fields: KVList = ()

    def pairs(self) -> KVList:
        """The pairs, control keys first; a user-defined field cannot replace a control key."""
        known = tuple([pair for pair in zip(_KEYS.values(), _values(self)) if pair[1] is not None])
        return known + tuple(pair for pair in self.fields if pair[0] not in keys.CONTROL_KEYS)

    @classmethod
    def from_pairs(cls, user_data: KVList) -> RecordData | None:
        """The record in user data; None where no record handle is named. Values of a wrong type are left out."""
        given = dict(reversed(user_data))
        handle = lenient_integer(given.get(keys.RECORD_HANDLE))
        if handle is None:
            return None
        values: dict[str, Any] = {}
        for attribute, key in _KEYS.items():
            value = given.get(key)
            values[attribute] = value if isinstance(value, _TYPES[attribute]) else None
        values["record_handle"] = handle
        values["application_id"] = lenient_integer(given.get(keys.APPLICATION_ID))
        return cls(fields=tuple(pair for pair in user_data if pair[0] not in keys.CONTROL_KEYS), **values)


_OTHER_KEYS = {"daily_from": keys.FROM, "daily_until": keys.UNTIL, "interaction_type": keys.INTERACTION_TYPE,
               "interaction_subtype": keys.INTERACTION_SUBTYPE, "contact_info": keys.CONTACT_INFO}
_KEYS = {item.name: _OTHER_KEYS.get(item.name, "GSW_" + item.name.upper())
         for item in fields(RecordData) if item.name != "fields"}
_values = attrgetter(*_KEYS)
_TYPES: dict[str, type] = {item.name: int if str(item.type).startswith("int") else str for item in fields(RecordData)}
