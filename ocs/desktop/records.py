"""What an agent is told of a held record, and what an agent may change of it."""
from __future__ import annotations

from math import isfinite
from typing import Mapping, Sequence

from ocs.dialing.dial_hours import known_zone, utc_offset_s
from ocs.dialing.values import CustomField, CustomValue
from protocols.attributes import KVList, KVValue
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo
from protocols.desktop.record import RecordData

__all__ = ["changed_fields", "record_data"]

_LARGEST = 2 ** 63


def record_data(held: object, index: int, application_id: int, now: float) -> RecordData:
    """The data of one record of a held chain. User-defined fields go under their `send_attribute`; `now` (epoch s) decides
    which offset the record's zone has."""
    session, record = held.session, held.chain.records[index]       # type: ignore[attr-defined]
    group, attempt = session.group, held.attempt                    # type: ignore[attr-defined]
    return RecordData(
        record_handle=held.first_handle + index,                    # type: ignore[attr-defined]
        application_id=application_id,
        campaign_name=group.campaign, campaign_group_name=group.name, campaign_group_dbid=group.dbid,
        campaign_group_description=group.description, campaign_mode=group.mode.desktop,
        calling_list=held.calling_list.name, calling_list_dbid=held.calling_list.dbid,      # type: ignore[attr-defined]
        chain_id=record.chain_id, phone=record.contact_info, phone_type=str(int(record.contact_info_type)),
        contact_info=record.contact_info, call_result=int(record.call_result), attempts=record.attempt,
        call_attempt_guid=attempt.guid if attempt is not None else None,
        tz_name=record.tz_name, tz_offset=utc_offset_s(now, record.tz_name) if known_zone(record.tz_name) else None,
        daily_from=record.daily_from, daily_until=record.daily_till, agent_id=record.agent_id,
        fields=_sent_fields(session.custom_fields.get(held.calling_list.name, ()), record.fields))   # type: ignore[attr-defined]


def _sent_fields(custom: Sequence[CustomField], values: Mapping[str, CustomValue]) -> KVList:
    """Integers travel as integers, everything else as text; a field without a value is not sent."""
    pairs: list[tuple[str, KVValue]] = []
    for field in custom:
        value = values.get(field.name)
        if field.send_attribute and value is not None:
            pairs.append((field.send_attribute, value if isinstance(value, int) else str(value)))
    return tuple(pairs)


def changed_fields(custom: Sequence[CustomField], others: KVList, echo: Echo = Echo()) -> dict[str, CustomValue]:
    """Column -> new value, of the pairs that name user-defined fields (by `send_attribute` or by column name). Pairs that
    name none are ignored. DesktopError names the key whose value does not fit its column."""
    sent = {field.send_attribute: field for field in custom if field.send_attribute}
    by_key = {field.name: field for field in custom} | sent
    changes: dict[str, CustomValue] = {}
    for key, value in others:
        field = by_key.get(key)
        if field is not None and field.name not in changes:
            changes[field.name] = _converted(field, key, value, echo)
    return changes


def _converted(field: CustomField, key: str, value: KVValue, echo: Echo) -> CustomValue:
    try:
        if isinstance(value, (bytes, tuple)):
            raise ValueError("neither text nor a number")
        if field.type == "int":
            number = int(value)
            if not -_LARGEST <= number < _LARGEST:
                raise ValueError("too large")
            return number
        if field.type == "float":
            if not isfinite(float(value)):
                raise ValueError("not a finite number")
            return float(value)
        text = str(value)
        if field.type in ("char", "varchar") and len(text) > field.length:
            raise ValueError(f"longer than {field.length} characters")
        return text
    except (ValueError, OverflowError) as error:
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{key}: {error}", echo) from None
