"""What an agent is told of a held record, and what an agent may change of it."""
from __future__ import annotations

from typing import Mapping, Sequence

from ocs.dialing.custom_fields import WrongValue, as_sent, changes_from
from ocs.dialing.dial_hours import epoch_to_local, known_zone, utc_offset_s
from ocs.dialing.values import CustomField, CustomValue, Record
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList, KVValue
from protocols.desktop.dates import format_date_time
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo
from protocols.desktop.record import RecordData

__all__ = ["changed_fields", "record_data"]


def record_data(held: HeldChain, index: int, application_id: int, now: float) -> RecordData:
    """The data of one record of a held chain. User-defined fields go under their `send_attribute`; `now` (epoch s) decides
    which offset the record's zone has. The attempt is the head's."""
    session, record, handle = held.session, held.chain.records[index], held.first_handle + index
    group, context = session.group, session.context
    attempt = held.attempt if index == held.index else None
    there = known_zone(record.tz_name)
    return RecordData(
        record_handle=handle, application_id=application_id,
        campaign_name=group.campaign, campaign_group_name=group.name, campaign_group_dbid=group.dbid,
        campaign_group_description=group.description, campaign_mode=group.mode.desktop,
        calling_list=held.calling_list.name, calling_list_dbid=held.calling_list.dbid,
        chain_id=record.chain_id, phone=record.contact_info, phone_type=str(int(record.contact_info_type)),
        contact_info=record.contact_info, call_result=int(record.call_result), attempts=record.attempt,
        call_attempt_guid=attempt.guid if attempt is not None else None,
        tz_name=record.tz_name, tz_offset=utc_offset_s(now, record.tz_name) if there else None,
        date_time=_due(record) if there else None,
        switch_dbid=context.switch_dbids.get(context.switch.switch_of(_dn(held))) or None,
        record_uri=context.record_uri(handle) or None,
        cpn_digits=session.dialer.number_shown(held, index) or None, ring_tone=session.dialer.ring_tone(held, index) or None,
        daily_from=record.daily_from, daily_until=record.daily_till, agent_id=record.agent_id,
        fields=_sent_fields(session.custom_fields.get(held.chain.table, ()), record.fields))


def _due(record: Record) -> str | None:
    """When it is due, by its own clock; None where it has no date, or one of no calendar."""
    try:
        due = record.dial_sched_time
        return None if due is None else format_date_time(epoch_to_local(due, record.tz_name))
    except (OverflowError, ValueError, OSError):
        return None


def _dn(held: HeldChain) -> str:
    """A DN of the switch that has, or will have, the call."""
    if held.agent_dn:
        return held.agent_dn
    return held.session.group.voice_transfer_destination if held.call is None else held.call.origin_dn


def _sent_fields(custom: Sequence[CustomField], values: Mapping[str, CustomValue]) -> KVList:
    """Integers travel as integers, everything else as text; a field without a value is not sent."""
    pairs: list[tuple[str, KVValue]] = []
    for field in custom:
        value = values.get(field.name)
        if field.send_attribute and value is not None:
            pairs.append((field.send_attribute, as_sent(value)))
    return tuple(pairs)


def changed_fields(custom: Sequence[CustomField], others: KVList, echo: Echo = Echo()) -> dict[str, CustomValue]:
    """Column -> new value, of the pairs that name user-defined fields (by `send_attribute` or by column name). Pairs that
    name none are ignored. DesktopError names the key whose value does not fit its column."""
    given: dict[str, KVValue] = {}
    for key, value in others:
        given.setdefault(key, value)            # of a key that comes twice the first counts
    try:
        return changes_from(custom, given)
    except WrongValue as error:
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, str(error), echo) from None
