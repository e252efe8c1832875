"""How an agent judges a call, by what the wire tells and by chance; pure.

The wire tells of busy, no answer, machine or fax. Whether a person was the right one and what was agreed only the agent
knows: that is drawn.
"""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocs.lab.agents.behaviour import AgentBehaviour
from protocols.attributes import KVList, first
from protocols.desktop.names import AgentResult, CallbackType, RecordTreatment
from protocols.desktop.record import RecordData

__all__ = ["Disposition", "callback_time", "heard", "judge", "processed", "unreached"]

_MACHINES = {9: AgentResult.ANSWERING_MACHINE_DETECTED, 17: AgentResult.FAX_DETECTED}
_CLASSES = {"AM": AgentResult.ANSWERING_MACHINE_DETECTED, "FAX": AgentResult.FAX_DETECTED}
_NO_RESULTS = frozenset({0, 1, 2, 5, 19, 22, 23, 25, 28})      # call states that say nothing about the far end
_OFFICE_HOURS = range(9, 19)


@dataclass(frozen=True)
class Disposition:
    """What the agent tells the OCS at the end: a request, its values, and the result that it means."""

    request: str
    result: int
    values: Mapping[str, Any] = field(default_factory=dict)


def heard(call_state: int, user_data: KVList) -> AgentResult:
    """What the agent hears when the call is established: a machine, a fax, or a person (ANSWER)."""
    answer_class = first(user_data, "AnswerClass")
    by_class = _CLASSES.get(answer_class) if isinstance(answer_class, str) else None
    return _MACHINES.get(call_state) or by_class or AgentResult.ANSWER


def unreached(call_state: int, busy: bool) -> int:
    """The result of an own call that nobody answered: what the switch says, else no answer."""
    if busy:
        return AgentResult.BUSY
    return AgentResult.NO_ANSWER if call_state in _NO_RESULTS else call_state


def processed(result: int) -> Disposition:
    """RecordProcessed with a result. For anything but a talk the treatment of that result is asked for."""
    final = result in (AgentResult.ANSWER, AgentResult.WRONG_PARTY, AgentResult.WRONG_NUMBER)
    treatment = {} if final else {"treatment": RecordTreatment.CAMPAIGN}
    return Disposition("RecordProcessed", result, {"call_result": result, **treatment})


def judge(result: int, record: RecordData, behaviour: AgentBehaviour, rng: random.Random, wall: float,
          scheduled: bool = False) -> Disposition:
    """What comes of a call with this result so far. `wall` is epoch seconds; `scheduled`: the record came as a callback
    that was due, which is put off by a request of its own."""
    if result != AgentResult.ANSWER:
        return processed(result)
    draw = rng.random()
    if draw < behaviour.reschedule_share:
        personal = rng.random() < behaviour.personal_share
        return Disposition("ScheduledRecordReschedule" if scheduled else "RecordReschedule", result, {
            "call_result": result, "date_time": callback_time(record, rng, wall),
            "callback_type": CallbackType.PERSONAL if personal else CallbackType.CAMPAIGN})
    draw -= behaviour.reschedule_share
    if draw < behaviour.do_not_call_share:
        return Disposition("DoNotCall", AgentResult.DO_NOT_CALL)
    draw -= behaviour.do_not_call_share
    if draw < behaviour.wrong_number_share:
        return processed(AgentResult.WRONG_NUMBER)
    draw -= behaviour.wrong_number_share
    return processed(AgentResult.WRONG_PARTY if draw < behaviour.wrong_party_share else AgentResult.ANSWER)


def callback_time(record: RecordData, rng: random.Random, wall: float) -> datetime:
    """A local time of the record that people would agree on: in a few hours while that is still day, else tomorrow."""
    now = _local(record, wall)
    soon = now + timedelta(minutes=15 * rng.randint(4, 16))
    if rng.random() < 0.5 and soon.date() == now.date() and soon.hour in _OFFICE_HOURS:
        return soon.replace(minute=soon.minute - soon.minute % 15, second=0, microsecond=0)
    tomorrow = (now + timedelta(days=1)).date()
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, rng.randrange(10, 17), 15 * rng.randrange(4))


def _local(record: RecordData, wall: float) -> datetime:
    """The record's naive local time: by its offset, else by its zone's name, else UTC."""
    now = datetime.fromtimestamp(wall, UTC)
    if record.tz_offset is not None and abs(record.tz_offset) < 86_400:
        return (now + timedelta(seconds=record.tz_offset)).replace(tzinfo=None)
    try:
        return now.astimezone(ZoneInfo(record.tz_name or "UTC")).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return now.replace(tzinfo=None)
