"""Treatments at work: dates, passes through a chain, effects, dispositions, calls that no person answered; closed lists."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ocs.dialing.actions import CallAction, ExecuteSql, SendHttpRequest, Treatment, TreatmentAction
from ocs.dialing.call import SwitchEvent
from ocs.dialing.chain import ChainState
from ocs.dialing.holidays import HolidayCalendar
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.windows import ListWindows, parse_hours
from tests.doubles.clock import clock_at
from tests.scheduler.bench import QUEUE, Bench, chain, one

BUSY, MACHINE = CallResult.BUSY, CallResult.ANSWERING_MACHINE_DETECTED
TRUNK = "6800"


def fail(bench: Bench, call_state: int = 6) -> None:
    """The last call fails like this."""
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=call_state)
    bench.pass_(0)


def retry(name: str, interval_s: float, **values: Any) -> Treatment:
    return Treatment(name, BUSY, TreatmentAction.RETRY_IN, dbid=7, interval_s=interval_s, **values)


# -- a table that is changed -------------------------------------------------------------------------------------------
def test_a_changed_table_does_not_interrupt_what_is_under_way_and_rules_from_the_next_result_on():
    bench = Bench(one(), treatments=(retry("old", 300.0, cycle_attempts=3),), maximum_attempts=9)
    bench.ready("7001")
    fail(bench)
    held = bench.holder()
    held.calling_list = replace(held.calling_list, treatments=(retry("new", 60.0, cycle_attempts=3),))
    bench.pass_(299)
    assert bench.state() is ChainState.WAITING and len(bench.switch.dialed) == 1, "the old interval runs to its end"
    bench.pass_(2)
    assert len(bench.switch.dialed) == 2
    fail(bench)
    bench.pass_(61)
    assert len(bench.switch.dialed) == 3, "the new one rules now"
    assert [attempt.treatment for attempt in bench.attempts(1)[:2]] == ["old", "new"]
    held.calling_list = replace(held.calling_list, treatments=())
    fail(bench)
    assert bench.record().record_status is RecordStatus.UPDATED and not bench.session.held


# -- dates, passes -----------------------------------------------------------------------------------------------------
def test_a_retry_at_a_date_waits_in_the_list_and_is_dialed_then():
    at = Treatment("at", BUSY, TreatmentAction.RETRY_AT_DATE, dbid=7, date=datetime(2026, 3, 10, 14, 30))
    bench = Bench(one(), treatments=(at,))         # it is 12:30 in New York
    bench.ready("7001")
    fail(bench)
    left = bench.record()
    assert (left.record_status, left.record_type, left.treatments) == (
        RecordStatus.READY, RecordType.CAMPAIGN_RESCHEDULED, "7@1@0@1")
    assert left.dial_sched_time == int(bench.clock.wall()) + 7200 and not bench.session.held
    bench.pass_(7195, step=5)
    assert len(bench.switch.dialed) == 1
    bench.pass_(20)
    assert len(bench.switch.dialed) == 2
    fail(bench)
    assert bench.record().record_status is RecordStatus.UPDATED


def test_passes_through_a_chain_are_counted_by_way_of_the_list():
    through = Treatment("through", BUSY, TreatmentAction.NEXT_IN_CHAIN_AFTER, dbid=105, cycle_attempts=2, interval_s=1800.0)
    bench = Bench(chain(1, 2), treatments=(through,), maximum_attempts=9)
    bench.ready("7001")
    columns = []
    for _ in range(3):
        fail(bench)
        assert not bench.session.held
        columns.append([each.treatments for each in bench.records().values()])
        bench.pass_(1815, step=5)
    assert columns == [["105@1@1@1", "105@1@1@1"], ["105@2@0@1", "105@2@0@1"], ["105@2@1@1", "105@2@1@1"]]
    fail(bench)
    assert [each.attempt for each in bench.records().values()] == [2, 2]
    assert [each.record_status for each in bench.records().values()] == [RecordStatus.CHAIN_UPDATED, RecordStatus.UPDATED]


# -- effects -----------------------------------------------------------------------------------------------------------
def test_effects_are_carried_out_with_the_record_and_a_failure_of_one_harms_nothing(logged):
    effects = (ExecuteSql("note"), SendHttpRequest("crm"))
    bench = Bench(one(), treatments=(retry("again", 60.0, effects=effects),))
    carried: list[object] = []

    def carry_out(effect: object, contact: object) -> None:
        carried.append((effect, contact.record))
        if effect == effects[0]:
            raise RuntimeError("no such statement")

    bench.context.carry_out = carry_out
    bench.ready("7001")
    fail(bench)
    assert [effect for effect, _ in carried] == list(effects)
    assert {(record.record_id, record.call_result) for _, record in carried} == {(1, BUSY)}
    assert bench.state() is ChainState.WAITING and len(logged.failures(RuntimeError)) == 1


# -- dispositions ------------------------------------------------------------------------------------------------------
COLD = Treatment("cold", None, TreatmentAction.RETRY_IN, dbid=9, disposition="cold", interval_s=60.0)


@pytest.mark.parametrize("code, waits", [("cold", True), ("warm", False), (None, False)])
def test_a_code_that_the_agent_gives_decides_before_the_result(code, waits):
    bench = Bench(one(fields={"name": "cold", "age": 40}), treatments=(COLD,), calling_list={"disposition_field": "name"})
    bench.ready("7001")
    asked, handle = bench.talk(), bench.holder().handle
    if code is not None:
        bench.ask("7001", "UpdateCallCompletionStats", (("CustomerName", code),), record_handle=handle)
    bench.hang_up(asked)
    bench.logout("7001")
    assert bool(bench.session.held) is waits, "what stood in the field before the call is of no account"
    if waits:
        assert bench.state() is ChainState.WAITING and bench.attempts(1)[0].treatment == "cold"


# -- calls that no person answered -------------------------------------------------------------------------------------
def at_trunk(call_action: CallAction, destination_dn: str = "") -> Bench:
    rule = Treatment("machine", MACHINE, TreatmentAction.NONE, call_action=call_action, destination_dn=destination_dn)
    bench = Bench(one(), trunk_group_dn=TRUNK, treatments=(rule,))
    bench.ready("7001")
    bench.switch.call_event(SwitchEvent.ESTABLISHED, bench.switch.dialed[-1].conn_id, TRUNK, int(MACHINE))
    bench.pass_(0)
    return bench


@pytest.mark.parametrize("action, dn, goes_to", [(CallAction.CONNECT, "", QUEUE), (CallAction.TRANSFER, "7500", "7500")])
def test_a_machine_is_connected_to_an_agent_or_transferred_where_a_treatment_says_so(action, dn, goes_to):
    bench = at_trunk(action, dn)
    assert [asked.destination for asked in bench.switch.of("transfer_call")] == [goes_to]
    assert bench.switch.of("release_call") == []


def test_a_machine_is_dropped_where_a_treatment_says_so():
    bench = at_trunk(CallAction.DROP)
    assert bench.switch.of("transfer_call") == [] and len(bench.switch.of("release_call")) == 1


# -- closed lists ------------------------------------------------------------------------------------------------------
def test_a_list_is_not_retrieved_where_it_is_closed_and_opens_by_the_clock():
    bench = Bench(one(), calling_list={"windows": ListWindows(parse_hours(["tue 13:00-14:00"]))})       # it is 12:30
    bench.ready("7001")
    bench.pass_(1795, step=5)
    assert bench.switch.dialed == [] and bench.retrieved() == []
    bench.pass_(15)
    assert len(bench.switch.dialed) == 1


def test_nobody_is_dialed_on_a_holiday_and_a_record_in_the_buffer_waits_for_the_next_open_day():
    clock = clock_at("2026-12-24T23:30-05:00")
    windows = ListWindows(None, (HolidayCalendar("US"),))
    bench = Bench(one(daily_from=0, daily_till=86_400), clock=clock, calling_list={"windows": windows})
    assert bench.retrieved() == [1]
    bench.pass_(1800, step=10)
    bench.ready("7001")         # Christmas has begun
    left = bench.record()
    assert bench.switch.dialed == [] and left.record_status is RecordStatus.READY
    assert left.dial_sched_time == int(clock_at("2026-12-26T00:00-05:00").wall())
