"""Rules of the calling list that both stores keep, as plain functions of values.

Source: the public calling-list table (statuses 1, 2, 9; daily_from, daily_till in seconds after local midnight).
"""
from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Attempt, Chain, Record

__all__ = ["OPEN_TO_MIDNIGHT", "RESCHEDULED_TYPES", "given_back", "last_open", "window_open"]

OPEN_TO_MIDNIGHT = 86_340       # daily_till from 23:59 on: the window has no end on that day
RESCHEDULED_TYPES = frozenset({RecordType.CAMPAIGN_RESCHEDULED, RecordType.PERSONAL_RESCHEDULED,
                               RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK})


def window_open(daily_from: int, daily_till: int, local_time: int) -> bool:
    """Whether a record with this daily window may be dialed at `local_time` (all in seconds after local midnight).

    The end is not part of the window; a window that ends where it begins, or before, is never open."""
    before_end = local_time < daily_till or daily_till >= OPEN_TO_MIDNIGHT
    return daily_from <= local_time and daily_from < daily_till and before_end


def given_back(chain: Chain) -> tuple[Record, ...]:
    """The Retrieved records of a chain as they are put back undialed: Ready; where one of them was rescheduled or is a
    callback, that one is Ready and its siblings are Chain Ready."""
    held = [record for record in chain.records if record.record_status is RecordStatus.RETRIEVED]
    waits = any(record.record_type in RESCHEDULED_TYPES for record in held)
    return tuple(replace(record, record_status=RecordStatus.CHAIN_READY
                         if waits and record.record_type not in RESCHEDULED_TYPES else RecordStatus.READY)
                 for record in held)


def last_open(attempts: Iterable[Attempt]) -> Attempt:
    """Of a chain's open attempts the latest; there is one as long as a chain is dialed by one engine only."""
    return max(attempts, key=lambda attempt: (attempt.opened_at, attempt.guid))
