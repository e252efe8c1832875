"""When a callback is due, and when it is too late for it. Pure; what becomes of it then the treatments say.

A callback was agreed on for a certain time. Two things can go wrong with that: its agent is not there, which is the result
Agent CallBack Error, or nobody dialed at all at that time, which is Agent CallBack Error for a personal callback and
Group CallBack Error for one of the campaign. Where no treatment answers them the record becomes a Missed CallBack.
Source: the public rules of callbacks; the allowances of time are ours.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.dialing.dial_hours import next_opening
from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.values import PERSONAL_TYPES, Record
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows

__all__ = ["CallbackNews", "Outage", "callback_error", "due_at", "is_callback", "is_personal", "missed"]

_AGREED = frozenset({RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK})
_PERSONAL = frozenset(PERSONAL_TYPES)


class CallbackNews(Enum):
    """What happens to callbacks, as it is reported; the value is the public name of the event."""
    SCHEDULED = "CallbackScheduled"
    COMPLETED = "CallbackCompleted"     # its call was made
    MISSED = "CallbackMissed"


@dataclass(frozen=True)
class Outage:
    """A time in which nothing could be dialed: from `began` (-inf where nobody knows) to `ended`, epoch seconds."""
    began: float
    ended: float


def is_personal(record: Record) -> bool:
    """True if only the agent of `agent_id` may dial it: a personal callback, or the recall of one."""
    return record.record_type in _PERSONAL


def is_callback(record: Record) -> bool:
    """True if somebody was promised this call at its time; a recall is nobody's promise."""
    return record.record_type in _AGREED


def callback_error(record: Record) -> CallResult:
    """The result of a callback that did not come about."""
    return CallResult.AGENT_CALLBACK_ERROR if is_personal(record) else CallResult.GROUP_CALLBACK_ERROR


def due_at(record: Record, windows: ListWindows = ALWAYS_OPEN) -> float | None:
    """When a scheduled record may first be dialed, epoch s: its time, or when its window opens after that. None if it never
    does. One without a time is due at once: 0."""
    if record.dial_sched_time is None:
        return 0.0
    opening = next_opening([record], record.dial_sched_time, windows)
    return None if opening is None else float(opening[0])


def missed(record: Record, outage: Outage | None, tolerance_s: float, windows: ListWindows = ALWAYS_OPEN) -> bool:
    """True for a callback whose time, and all of the `tolerance_s` after it, lay in the outage."""
    if outage is None or not is_callback(record) or record.dial_sched_time is None:
        return False
    due = due_at(record, windows)
    return due is not None and outage.began <= due and due + tolerance_s < outage.ended
