"""Why a record is not final yet, and when it will be its turn: the question that people ask of every list."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Iterable, Sequence

from ocs.dialing.dial_hours import is_open, next_opening
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import CALLBACK_TYPES, PERSONAL_TYPES, Record

__all__ = ["LOOKED_FOR", "Planned", "Reason", "plan"]

# what the server looks for when it is due; records of the other types wait for nothing
LOOKED_FOR = frozenset({RecordType.GENERAL, RecordType.CAMPAIGN_RESCHEDULED, *CALLBACK_TYPES})


class Reason(Enum):
    """Why a record waits."""
    CALLBACK = "callback"
    PERSONAL_CALLBACK = "personal callback"
    RETRY = "retry scheduled"
    OUTSIDE_WINDOW = "outside its calling window"
    NEVER_OPENS = "its calling window never opens"
    SIBLING = "another number of the contact comes first"
    IN_PROGRESS = "held by the server"
    NOT_DIALED = "not dialed yet"


@dataclass(frozen=True)
class Planned:
    """One record that is not final. `due` is epoch seconds, None where nobody knows."""

    record_id: int
    reason: Reason
    due: float | None
    text: str       # what people read


def plan(records: Iterable[Record], now: float) -> list[Planned]:
    """One entry for every record that is not final, in the order of the list."""
    chains: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        chains[record.chain_id].append(record)
    return [_planned(record, chain, now) for chain in chains.values() for record in chain
            if not record.record_status.final]


def _planned(record: Record, chain: Sequence[Record], now: float) -> Planned:
    if record.record_status is RecordStatus.RETRIEVED:
        return _because(record, Reason.IN_PROGRESS, None)
    if record.record_status is RecordStatus.CHAIN_READY:
        first = next((one for one in chain if one.record_status in (RecordStatus.READY, RecordStatus.RETRIEVED)), None)
        if first is not None:
            due = _planned(first, (), now).due
            return Planned(record.record_id, Reason.SIBLING, due, f"record {first.record_id} of the contact comes first")
    opening = next_opening([record], max(now, record.dial_sched_time or 0))
    if opening is None:
        return _because(record, Reason.NEVER_OPENS, None)
    due = opening[0]
    if record.record_type in PERSONAL_TYPES:
        return Planned(record.record_id, Reason.PERSONAL_CALLBACK, due, _for_agent(record, due <= now))
    if record.dial_sched_time is not None and record.dial_sched_time > now:
        callback = record.record_type is RecordType.CAMPAIGN_CALLBACK
        return _because(record, Reason.CALLBACK if callback else Reason.RETRY, due)
    if not is_open(record, now):
        return _because(record, Reason.OUTSIDE_WINDOW, due)
    return _because(record, Reason.NOT_DIALED, due)


def _for_agent(record: Record, is_due: bool) -> str:
    what = "personal callback" if record.record_type is RecordType.PERSONAL_CALLBACK else "retry of a personal callback"
    if not record.agent_id:
        return f"{what} that names no agent: missed when it has waited long enough"
    return f"{what} by agent {record.agent_id}" + (", due: waits until the agent is free, or missed" if is_due else "")


def _because(record: Record, reason: Reason, due: float | None) -> Planned:
    return Planned(record.record_id, reason, due, reason.value)
