"""A record that somebody adds to a calling list while it is dialed: what is asked for, and what it becomes; pure.

What is not said of it comes from the list. It may join a chain that is there: behind the chain's other records and, where one
of these has a date, waiting for it with them. Source: the public request to add a record.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ocs.dialing.dial_hours import local_to_epoch
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import CustomField, CustomValue, NewRecord, Record
from ocs.errors import NotAdded

__all__ = ["ADDED_STATUSES", "ListDefaults", "added"]

# Retrieved would be somebody's, Delegated somebody else's, Chain Ready follows from the chain
ADDED_STATUSES = frozenset(RecordStatus) - {RecordStatus.NO_RECORD_STATUS, RecordStatus.RETRIEVED, RecordStatus.DELEGATED,
                                            RecordStatus.CHAIN_READY}


@dataclass(frozen=True)
class ListDefaults:
    """What a table says of records that do not say it themselves."""

    daily_from: int
    daily_till: int
    fields: Sequence[CustomField] = ()


def added(new: NewRecord, defaults: ListDefaults, zone: tuple[int, str], highest: tuple[int, int],
          chain: Sequence[Record]) -> Record:
    """The record as it goes into its table. `zone` is the number and IANA name of its time zone, `highest` the highest record
    and chain id of the table, `chain` are the records of the chain that it joins. NotAdded names what cannot be."""
    daily_from = defaults.daily_from if new.daily_from is None else new.daily_from
    daily_till = defaults.daily_till if new.daily_till is None else new.daily_till
    if daily_from >= daily_till:
        raise NotAdded("daily_until", f"a window from {daily_from} to {daily_till} never opens")
    if new.chain_id is not None and not chain:
        raise NotAdded("chain_id", "there is no such chain in the list")
    if any(one.contact_info == new.phone for one in chain):
        raise NotAdded("phone", "the chain has this number already")
    record_id, chain_id = highest
    return Record(
        record_id + 1, chain_id + 1 if new.chain_id is None else new.chain_id, max((one.chain_n for one in chain), default=0) + 1,
        new.phone, new.phone_type, new.record_type, _status(new, chain), new.call_result, new.attempt,
        None if new.due is None else local_to_epoch(new.due, zone[1]), new.call_time, daily_from, daily_till, *zone,
        new.agent_id, None, _fields(new, defaults.fields))


def _status(new: NewRecord, chain: Sequence[Record]) -> RecordStatus:
    if new.record_status not in (None, RecordStatus.READY):
        return new.record_status
    waits = new.due is None and any(one.record_status.open and one.dial_sched_time is not None for one in chain)
    return RecordStatus.CHAIN_READY if waits else RecordStatus.READY


def _fields(new: NewRecord, custom: Sequence[CustomField]) -> dict[str, CustomValue]:
    values = {one.name: new.fields.get(one.name, one.default) for one in custom}
    missing = next((one for one in custom if values[one.name] is None and not one.nullable), None)
    if missing is not None:
        raise NotAdded(missing.send_attribute or missing.name, "is missing, and this field has a value in every record")
    return values
