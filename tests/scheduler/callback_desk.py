"""Agents at work on a list with callbacks."""
from __future__ import annotations

from typing import Any

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.values import Record
from ocs.scheduler.context import EngineOptions
from protocols.desktop.messages import DesktopEvent
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import Bench, record

__all__ = ["ASSIGN", "CAMPAIGN", "GENERAL", "NOW", "OPTIONS", "PERSONAL", "campaign", "delivered", "desk", "handle_of",
           "personal"]


NOW = int(VirtualClock().wall())
PERSONAL, CAMPAIGN = RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK
OPTIONS = EngineOptions(personal_callback_wait_s=600.0, callback_missed_tolerance_s=1_800.0, callback_answer_s=120.0,
                        callback_again_s=60.0)
ASSIGN = Treatment("assign", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.ASSIGN_TO_GROUP, dbid=11)
GENERAL = [record(number) for number in range(10, 20)]


def personal(number: int = 1, agent_id: str = "1001", due: int = NOW - 10, **values: Any) -> Record:
    return record(number, record_type=PERSONAL, agent_id=agent_id, dial_sched_time=due, **values)


def campaign(number: int = 1, due: int = NOW - 10, **values: Any) -> Record:
    return record(number, record_type=CAMPAIGN, dial_sched_time=due, **values)


def desk(records: list[Record], *ready: str, **values: Any) -> Bench:
    """A running session with these agents ready, looked for callbacks once."""
    bench = Bench(records, options=values.pop("options", OPTIONS), **values)
    bench.ready(*ready)
    bench.pass_(1)
    return bench


def delivered(bench: Bench, dn: str = "7001") -> list[DesktopEvent]:
    return [event for to, event in bench.heard if to == dn and event.name == "ScheduledCall"]


def handle_of(bench: Bench, dn: str = "7001") -> int:
    shown = delivered(bench, dn)[-1].record
    assert shown is not None and shown.record_handle is not None
    return shown.record_handle
