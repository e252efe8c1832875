"""What systems outside are told of a record and of a processed chain, under the public keys.

User-defined fields travel under their `send_attribute`; those without one, and secure ones, do not leave. Integers travel
as integers, everything else as text.
"""
from __future__ import annotations

from typing import Mapping, Union

from ocs.dialing.contact import Contact
from ocs.dialing.custom_fields import as_sent
from ocs.dialing.dial_hours import utc_offset_s
from protocols.desktop import keys

__all__ = ["named_values", "processed_body", "record_body"]

Pairs = dict[str, Union[str, int]]
_CAMPAIGN_DBID, _GROUP_NAME, _DIAL_MODE = "GSW_CAMPAIGN_DBID", "GSW_GROUP_NAME", "GSW_DIAL_MODE"


def record_body(contact: Contact, application_id: int, now: float) -> Pairs:
    """A record that is about to be dialed. `now` (epoch s) decides which offset its zone has."""
    record, group = contact.record, contact.group
    return _given({
        keys.RECORD_HANDLE: contact.record_handle or None,
        keys.APPLICATION_ID: application_id,
        keys.CAMPAIGN_NAME: group.campaign,
        keys.CAMPAIGN_GROUP_NAME: group.name,
        keys.CAMPAIGN_GROUP_DBID: group.dbid,
        keys.CAMPAIGN_MODE: group.mode.desktop,
        keys.CALLING_LIST: contact.calling_list,
        keys.CALLING_LIST_DBID: contact.calling_list_dbid,
        keys.CHAIN_ID: record.chain_id,
        keys.CHAIN_N: record.chain_n,
        keys.PHONE: record.contact_info,
        keys.PHONE_TYPE: int(record.contact_info_type),
        keys.CALL_RESULT: int(record.call_result),
        keys.ATTEMPTS: record.attempt,
        keys.CALL_ATTEMPT_GUID: None if contact.attempt is None else contact.attempt.guid,
        keys.TZ_NAME: record.tz_name,
        keys.TZ_OFFSET: utc_offset_s(now, record.tz_name),
        keys.FROM: record.daily_from,
        keys.UNTIL: record.daily_till,
        keys.RECORD_TYPE: int(record.record_type),
        keys.RECORD_STATUS: int(record.record_status),
        keys.AGENT_ID: contact.agent_id or record.agent_id,
        keys.CUSTOMER_ID: contact.customer_id or None,
    }, contact)


def processed_body(contact: Contact, application_id: int, now: float) -> Pairs:
    """A processed chain, by its primary record: the record's data, and those of the campaign that the history has too. The
    handle of a record is of no use any more once its chain is processed, and is left out."""
    pairs = record_body(contact, application_id, now)
    pairs.pop(keys.RECORD_HANDLE, None)
    more = _given({
        _CAMPAIGN_DBID: contact.group.campaign_dbid,
        _GROUP_NAME: contact.group.group.name,
        _DIAL_MODE: contact.group.mode.desktop,
        keys.CALL_TIME: contact.record.call_time,
    })
    return pairs | more


def named_values(contact: Contact, application_id: int, now: float) -> Pairs:
    """Everything that a template may name: the keys of both bodies, and every field by its column's name too."""
    columns = {field.name: as_sent(value) for field in contact.custom_fields
               if not field.secure and (value := contact.record.fields.get(field.name)) is not None}
    return columns | record_body(contact, application_id, now) | processed_body(contact, application_id, now)


def _given(known: Mapping[str, str | int | None], contact: Contact | None = None) -> Pairs:
    """The pairs that have a value; user-defined fields behind them, which cannot replace a public key."""
    pairs: Pairs = {key: value for key, value in known.items() if value is not None}
    if contact is not None:
        for field in contact.custom_fields:
            value = contact.record.fields.get(field.name)
            if field.send_attribute and not field.secure and value is not None and field.send_attribute not in known:
                pairs[field.send_attribute] = as_sent(value)
    return pairs
