"""Do-not-call checks that somebody has switched off: each leaves out what it is named for, and nothing else."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.results import RecordType
from ocs.dialing.values import DoNotCallEntry, Record
from ocs.errors import WrongState
from ocs.scheduler.context import EngineOptions
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import Bench, record

NOW = int(VirtualClock().wall())
GENERAL, RECALL = record(1), record(2, record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=NOW - 60)
CALLBACK = record(3, record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=NOW - 60)
PERSONAL = record(4, record_type=RecordType.PERSONAL_CALLBACK, dial_sched_time=NOW - 60, agent_id="1001")
LIST_OFF: dict[str, dict[str, Any]] = {
    "server": {"options": EngineOptions(check_dnc_list=False)}, "group": {"check_dnc_list": False},
    "list": {"calling_list": {"check_dnc_list": False}}}
CALLBACK_OFF: dict[str, dict[str, Any]] = {
    "server": {"options": EngineOptions(check_dnc_callback=False)}, "group": {"check_dnc_callback": False}}


def reached(one: Record, values: dict[str, Any]) -> bool:
    """Whether a listed record is dialed, or delivered to its agent."""
    bench = Bench([one], running=False, **values)
    bench.memory.add_do_not_call([DoNotCallEntry(phone=one.contact_info)])
    bench.up()
    bench.begin()
    bench.ready("7001")
    bench.pass_(1)
    return bool(bench.switch.dialed) or "ScheduledCall" in bench.news("7001")


@pytest.mark.parametrize("one", [GENERAL, RECALL, CALLBACK, PERSONAL])
def test_every_kind_of_record_is_checked_unless_somebody_says_otherwise(one: Record) -> None:
    assert not reached(one, {})


@pytest.mark.parametrize("where", LIST_OFF)
@pytest.mark.parametrize("one, dialed", [(GENERAL, True), (RECALL, True), (CALLBACK, False), (PERSONAL, False)])
def test_the_check_of_records_may_be_off_for_a_server_a_group_or_a_list(one: Record, dialed: bool, where: str) -> None:
    assert reached(one, LIST_OFF[where]) is dialed


@pytest.mark.parametrize("where", CALLBACK_OFF)
@pytest.mark.parametrize("one, dialed", [(GENERAL, False), (RECALL, False), (CALLBACK, True), (PERSONAL, True)])
def test_the_check_of_callbacks_may_be_off_for_a_server_or_a_group(one: Record, dialed: bool, where: str) -> None:
    assert reached(one, CALLBACK_OFF[where]) is dialed


def test_a_check_is_switched_on_while_running_and_off_by_a_restart_only() -> None:
    bench = Bench([GENERAL], check_dnc_list=False, calling_list={"check_dnc_list": False})
    group = bench.session.group
    bench.wait(bench.session.reconfigure(replace(group, lists=(replace(group.lists[0], check_dnc_list=True),),
                                                 check_dnc_list=True)))
    bench.wait(bench.session.reconfigure(replace(bench.session.group, multiplier=2.0)))
    off: list[tuple[dict[str, Any], str]] = [
        ({"check_dnc_list": False}, "check_dnc_list can"), ({"check_dnc_callback": False}, "check_dnc_callback can"),
        ({"lists": (replace(group.lists[0], check_dnc_list=False),)}, "check_dnc_list of list")]
    for changes, name in off:
        with pytest.raises(WrongState, match=name):
            bench.wait(bench.session.reconfigure(replace(bench.session.group, **changes)))
    assert bench.session.group.check_dnc_list and bench.session.group.multiplier == 2.0
