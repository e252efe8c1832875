"""One record with everything that it belongs to: what systems outside are told of. And when a chain is processed.

A chain is processed when nothing more is planned for any of its records. Its primary record is the one that brought it
to its end: the one that was dialed last, whose result is the result of the contact.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.values import Attempt, CustomField, Record

__all__ = ["Contact", "Notice", "processed"]


@dataclass(frozen=True)
class Contact:
    """A record of a list, dialed by a campaign group. `record_handle` is 0 where it has none (any more)."""

    record: Record
    calling_list: str
    calling_list_dbid: int
    group: CampaignGroup
    custom_fields: tuple[CustomField, ...] = ()
    record_handle: int = 0
    attempt: Attempt | None = None
    agent_id: str = ""
    customer_id: str = ""


@dataclass(frozen=True)
class Notice:
    """What is to be told of one processed chain. `ticket` counts up while any is left; `key` is its own for all time, and the
    same whenever it is told again; `body` is what is sent."""

    ticket: int
    key: str
    campaign_group: str
    calling_list: str
    chain_id: int
    noted_at: float             # epoch s
    body: bytes


def processed(records: Iterable[Record]) -> bool:
    """True where nothing more is planned for any record of a chain."""
    return all(record.record_status.final for record in records)
