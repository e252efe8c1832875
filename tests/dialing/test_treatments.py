"""Treatments: the worked examples of the public rules of sequences, every action, and what a changed table does."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Sequence

import pytest

from ocs.dialing.actions import ExecuteSql, SendHttpRequest, Treatment, TreatmentAction
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.treatments import (
    SUCCESSFUL,
    CloseRecord,
    Decision,
    DialNext,
    FinishChain,
    Outcome,
    Progress,
    TreatmentPolicy,
    TreatmentTable,
)
from ocs.dialing.values import Record
from tests.doubles.clock import epoch

BUSY, MACHINE, NO_ANSWER = CallResult.BUSY, CallResult.ANSWERING_MACHINE_DETECTED, CallResult.NO_ANSWER
REDIAL, RETRY_IN = TreatmentAction.REDIAL, TreatmentAction.RETRY_IN
RETRY_AT, RESCHEDULE = TreatmentAction.RETRY_AT_DATE, TreatmentAction.RESCHEDULE
NEXT, NEXT_AFTER = TreatmentAction.NEXT_IN_CHAIN, TreatmentAction.NEXT_IN_CHAIN_AFTER
NEXT_AT, ASSIGN = TreatmentAction.NEXT_IN_CHAIN_AT_DATE, TreatmentAction.ASSIGN_TO_GROUP
AGENT_ERROR, SQL = TreatmentAction.MARK_AS_AGENT_ERROR, TreatmentAction.EXECUTE_SQL
AGENT_CALLBACK_ERROR = CallResult.AGENT_CALLBACK_ERROR


def phones(count: int = 1) -> list[Record]:
    return [Record(record_id=n + 1, chain_id=1, chain_n=n, contact_info=f"+1415555010{n}",
                   record_status=RecordStatus.RETRIEVED) for n in range(count)]


NOW = epoch("2026-01-14T12:00Z")


def play(treatments: Sequence[Treatment], results: Sequence[CallResult], records: list[Record] | None = None,
         maximum_attempts: int = 10) -> list[Decision]:
    """What is decided for each result of a chain that is dialed as the decisions say, up to its end."""
    records, index, progress, decided = records or phones(), 0, Progress(), []
    for result in results:
        records[index] = replace(records[index], attempt=records[index].attempt + 1)
        decision = TreatmentTable(treatments).decide(Outcome(result, records, index, progress, maximum_attempts, NOW))
        decided.append(decision)
        if not isinstance(decision, DialNext):
            break
        index, progress = decision.index, decision.progress
    return decided


def after(treatment: Treatment, result: CallResult = BUSY, record: Record | None = None, **facts: Any) -> Decision:
    """What one treatment brings after one result of one record."""
    return TreatmentTable([treatment]).decide(Outcome(result, [record or phones()[0]], now=NOW, **facts))


def names(decisions: Sequence[Decision]) -> list[str | None]:
    return [decision.treatment for decision in decisions]


def dialed(decisions: Sequence[Decision]) -> list[tuple[int, float]]:
    """(index, delay) of each dial that was decided."""
    return [(decision.index, decision.delay_s) for decision in decisions if isinstance(decision, DialNext)]


# -- worked examples (reference, section 3) ----------------------------------------------------------------------------
BUSY_1 = Treatment("Busy1", BUSY, REDIAL, dbid=101, sequence=1)
BUSY_2 = Treatment("Busy2", BUSY, RETRY_IN, dbid=102, sequence=2, interval_s=3600.0)
MACHINE_1 = Treatment("AM1", MACHINE, RETRY_IN, dbid=103, sequence=1, interval_s=3600.0)
MACHINE_2 = Treatment("AM2", MACHINE, RETRY_AT, dbid=104, sequence=2, date=datetime(2026, 1, 15, 12, tzinfo=timezone.utc))


def test_another_result_breaks_a_sequence_and_starts_its_own() -> None:
    decided = play([BUSY_1, BUSY_2, MACHINE_1, MACHINE_2], [BUSY, MACHINE, BUSY, MACHINE, MACHINE])
    assert names(decided) == ["Busy1", "AM1", "Busy1", "AM1", "AM2"]
    assert dialed(decided) == [(0, 0.0), (0, 3600.0), (0, 0.0), (0, 3600.0), (0, 86_400.0)]


def test_the_same_result_again_and_again_goes_through_the_sequence_and_finishes_the_chain() -> None:
    decided = play([BUSY_2, BUSY_1], [BUSY] * 5)       # the order of the list is of no account, the number is
    assert names(decided) == ["Busy1", "Busy2", None]
    assert decided[-1] == FinishChain()


@pytest.mark.parametrize("sequences, applied", [((1, 3), ["1", None]), ((2, 3), [None]), ((1, 2, 4), ["1", "2", None])])
def test_a_gap_in_the_numbers_ends_the_sequence(sequences: tuple[int, ...], applied: list[str | None]) -> None:
    treatments = [Treatment(str(n), BUSY, REDIAL, sequence=n) for n in sequences]
    assert names(play(treatments, [BUSY] * 5)) == applied


def test_cycle_attempts_repeat_a_treatment_and_the_increment_grows_from_the_second_on() -> None:
    first = Treatment("first", BUSY, RETRY_IN, sequence=1, cycle_attempts=3, interval_s=600.0, increment_s=60.0)
    second = Treatment("second", BUSY, REDIAL, sequence=2, cycle_attempts=2, interval_s=10.0)
    decided = play([first, second], [BUSY] * 9)
    assert names(decided) == ["first", "first", "first", "second", "second", None]
    assert [delay for _, delay in dialed(decided)] == [600.0, 660.0, 720.0, 10.0, 10.0]


def test_a_result_without_a_treatment_finishes_the_chain() -> None:
    assert play([BUSY_1], [NO_ANSWER]) == [FinishChain()]


@pytest.mark.parametrize("result", sorted(SUCCESSFUL))
def test_a_success_finishes_the_chain_even_where_a_treatment_is_made_for_it(result: CallResult) -> None:
    assert play([Treatment("never", result, REDIAL)], [result]) == [FinishChain()]


def test_maximum_attempts_end_a_sequence() -> None:
    endless = Treatment("endless", BUSY, REDIAL, cycle_attempts=1000)
    decided = play([endless], [BUSY] * 20, maximum_attempts=4)
    assert len(dialed(decided)) == 3 and decided[-1] == FinishChain("endless")


@pytest.mark.parametrize("action, decision", [
    (TreatmentAction.NONE, FinishChain("one")), (TreatmentAction.UPDATE_CHAIN, FinishChain("one")),
    (TreatmentAction.UPDATE_RECORD, CloseRecord("one")),
    (AGENT_ERROR, FinishChain("one", status=RecordStatus.AGENT_ERROR)),
])
def test_actions_that_end_the_record(action: TreatmentAction, decision: Decision) -> None:
    assert play([Treatment("one", BUSY, action)], [BUSY], phones(2)) == [decision]


# -- next in chain -----------------------------------------------------------------------------------------------------
def test_the_next_phone_is_dialed_at_once_and_the_whole_sequence_is_repeated_for_it() -> None:
    treatments = [Treatment("again", BUSY, REDIAL, sequence=1, interval_s=5.0), Treatment("next", BUSY, NEXT, sequence=2)]
    decided = play(treatments, [BUSY] * 9, phones(3))
    assert names(decided) == ["again", "next", "again", "next", "again", "next"]
    assert dialed(decided) == [(0, 5.0), (1, 0.0), (1, 5.0), (2, 0.0), (2, 5.0)]
    assert decided[-1] == FinishChain("next")


def test_next_in_chain_after_waits_its_interval() -> None:
    after = Treatment("after", BUSY, NEXT_AFTER, interval_s=300.0, increment_s=60.0)
    assert dialed(play([after], [BUSY] * 3, phones(3))) == [(1, 300.0), (2, 300.0)]


@pytest.mark.parametrize("action, between", [(NEXT, 0.0), (NEXT_AFTER, 600.0)])
def test_the_chain_starts_again_from_its_first_record_while_cycles_are_left(action: TreatmentAction, between: float) -> None:
    treatment = Treatment("next", BUSY, action, cycle_attempts=3, interval_s=600.0, increment_s=60.0)
    decided = play([treatment], [BUSY] * 9, phones(2))
    # the interval lies between the passes, the increment is added from the second repetition on
    assert dialed(decided) == [(1, between), (0, 600.0), (1, between), (0, 660.0), (1, between)]
    assert decided[-1] == FinishChain("next") and len(decided) == 6


def test_passes_are_counted_across_results_and_the_last_result_decides() -> None:
    busy = Treatment("busy", BUSY, NEXT, cycle_attempts=2, interval_s=60.0)
    machine = Treatment("machine", MACHINE, NEXT, cycle_attempts=2, interval_s=7.0)
    decided = play([busy, machine], [BUSY, MACHINE, MACHINE, BUSY], phones(2))
    assert names(decided) == ["busy", "machine", "machine", "busy"]
    assert dialed(decided) == [(1, 0.0), (0, 7.0), (1, 0.0)]
    assert decided[-1] == FinishChain("busy")


def test_next_in_chain_passes_over_records_that_may_not_be_dialed() -> None:
    records = phones(5)
    for index, changes in [(1, {"record_status": RecordStatus.UPDATED}), (2, {"attempt": 10}),
                           (3, {"record_status": RecordStatus.DELEGATED})]:
        records[index] = replace(records[index], **changes)     # type: ignore[arg-type]
    assert dialed(play([Treatment("next", BUSY, NEXT)], [BUSY], records)) == [(4, 0.0)]


def test_a_chain_of_one_record_can_be_passed_through_again() -> None:
    assert dialed(play([Treatment("next", BUSY, NEXT, cycle_attempts=2, interval_s=9.0)], [BUSY] * 3)) == [(0, 9.0)]


def test_a_chain_whose_records_are_used_up_is_finished() -> None:
    treatment = Treatment("next", BUSY, NEXT, cycle_attempts=100)
    decided = play([treatment], [BUSY] * 20, phones(2), maximum_attempts=3)
    assert [index for index, _ in dialed(decided)] == [1, 0, 1, 0, 1] and decided[-1] == FinishChain("next")


# -- dates -------------------------------------------------------------------------------------------------------------
NEW_YORK, KOLKATA = "America/New_York", "Asia/Kolkata"


@pytest.mark.parametrize("zone, date, moment", [
    (NEW_YORK, datetime(2026, 1, 15, 10), "2026-01-15T15:00Z"),         # by the clock on the record's wall
    (KOLKATA, datetime(2026, 1, 15, 10), "2026-01-15T04:30Z"),
    (NEW_YORK, datetime(2026, 3, 8, 2, 30), "2026-03-08T07:30Z"),       # daylight saving skips this hour
    (NEW_YORK, datetime(2026, 11, 1, 1, 30), "2026-11-01T05:30Z"),      # and repeats this: the first of the two
    (KOLKATA, datetime(2026, 1, 15, 10, tzinfo=timezone.utc), "2026-01-15T10:00Z"),     # one instant for all
    ("Mars/Olympus_Mons", datetime(2026, 1, 15, 10), "2026-01-15T10:00Z"),
])
@pytest.mark.parametrize("action", [RETRY_AT, RESCHEDULE])
def test_a_date_is_local_to_the_record_or_an_instant(action: TreatmentAction, zone: str, date: datetime, moment: str) -> None:
    decision = after(Treatment("at", BUSY, action, date=date), record=replace(phones()[0], tz_name=zone))
    assert isinstance(decision, DialNext) and NOW + decision.delay_s == epoch(moment)


def test_a_treatment_whose_date_is_over_is_passed_over() -> None:
    past = datetime(2026, 1, 14, 11, 59, tzinfo=timezone.utc)
    treatments = [Treatment("past", BUSY, RETRY_AT, sequence=1, date=past, cycle_attempts=3, effects=(ExecuteSql("x"),)),
                  Treatment("then", BUSY, REDIAL, sequence=2)]
    decided = play(treatments, [BUSY, BUSY])
    assert names(decided) == ["then", None] and decided[0].effects == ()
    assert play([Treatment("past", BUSY, NEXT_AT, date=past)], [BUSY], phones(2)) == [FinishChain()]
    assert play(treatments[:1], [BUSY]) == [FinishChain()]


def test_next_in_chain_at_date_reads_the_clock_of_the_next_record() -> None:
    records = [replace(phones(2)[0], tz_name=NEW_YORK), replace(phones(2)[1], tz_name=KOLKATA)]
    [decision] = play([Treatment("at", BUSY, NEXT_AT, date=datetime(2026, 1, 15, 10))], [BUSY], records)
    assert isinstance(decision, DialNext) and decision.index == 1
    assert NOW + decision.delay_s == epoch("2026-01-15T10:00+05:30")


# -- in memory, or by way of the list ----------------------------------------------------------------------------------
@pytest.mark.parametrize("interval_s, in_memory", [(0.0, True), (1_200.0, True), (1_201.0, False)])
def test_a_delay_over_the_threshold_goes_by_way_of_the_list(interval_s: float, in_memory: bool) -> None:
    decision = after(Treatment("retry", BUSY, REDIAL, interval_s=interval_s), threshold_s=1_200.0)
    assert isinstance(decision, DialNext) and decision.in_memory is in_memory
    assert decision.record_type is (RecordType.CAMPAIGN_RESCHEDULED if interval_s else RecordType.GENERAL)


def test_reschedule_always_goes_by_way_of_the_list() -> None:
    decision = after(Treatment("later", BUSY, RESCHEDULE, interval_s=60.0, increment_s=1.0))
    assert isinstance(decision, DialNext) and (decision.delay_s, decision.in_memory) == (60.0, False)
    assert decision.record_type is RecordType.CAMPAIGN_RESCHEDULED


@pytest.mark.parametrize("record_type", [RecordType.PERSONAL_CALLBACK, RecordType.PERSONAL_RESCHEDULED])
def test_a_recall_of_a_personal_record_waits_in_the_list_for_its_agent(record_type: RecordType) -> None:
    record = replace(phones()[0], record_type=record_type, agent_id="1001")
    decision = after(Treatment("again", BUSY, REDIAL), record=record)
    assert isinstance(decision, DialNext) and not decision.in_memory
    assert (decision.record_type, decision.agent_id) == (RecordType.PERSONAL_RESCHEDULED, "1001")


def test_the_next_phone_of_a_personal_record_is_its_agents_too() -> None:
    records = phones(2)
    records[0] = replace(records[0], record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001")
    [decision] = play([Treatment("next", BUSY, NEXT)], [BUSY], records)
    assert isinstance(decision, DialNext) and (decision.index, decision.in_memory) == (1, False)
    assert (decision.record_type, decision.agent_id) == (RecordType.PERSONAL_RESCHEDULED, "1001")


# -- callbacks that found nobody -----------------------------------------------------------------------------------------
CALLBACK = replace(phones()[0], record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001", attempt=0)


def test_a_callback_whose_agent_is_away_is_given_to_the_whole_group() -> None:
    decision = after(Treatment("assign", AGENT_CALLBACK_ERROR, ASSIGN, dbid=7), AGENT_CALLBACK_ERROR, CALLBACK)
    assert decision == DialNext(0, 0.0, "assign", Progress(AGENT_CALLBACK_ERROR, 1, 1), "7@1@0@1",
                                RecordType.CAMPAIGN_CALLBACK, in_memory=False, agent_id="")


def test_a_callback_whose_agent_is_away_is_tried_again_as_the_callback_that_it_is() -> None:
    treatments = [Treatment("wait", AGENT_CALLBACK_ERROR, RETRY_IN, cycle_attempts=2, interval_s=300.0),
                  Treatment("assign", AGENT_CALLBACK_ERROR, ASSIGN, sequence=2),
                  Treatment("error", AGENT_CALLBACK_ERROR, AGENT_ERROR, sequence=3)]
    progress, decided = Progress(), []
    for _ in range(4):
        decided.append(TreatmentTable(treatments).decide(Outcome(AGENT_CALLBACK_ERROR, [CALLBACK], progress=progress)))
        progress = decided[-1].progress
    assert names(decided) == ["wait", "wait", "assign", "error"]
    assert isinstance(decided[0], DialNext) and decided[0].record_type is RecordType.PERSONAL_CALLBACK
    assert decided[-1] == FinishChain("error", status=RecordStatus.AGENT_ERROR)


def test_an_action_that_a_result_does_not_admit_is_not_applied() -> None:
    assert after(Treatment("next", AGENT_CALLBACK_ERROR, NEXT), AGENT_CALLBACK_ERROR, CALLBACK) == FinishChain()


# -- effects beside the dialing ----------------------------------------------------------------------------------------
def test_a_treatments_own_effects_come_with_each_of_its_applications() -> None:
    effects = (ExecuteSql("note"), SendHttpRequest("crm"))
    decided = play([Treatment("retry", BUSY, REDIAL, cycle_attempts=2, effects=effects)], [BUSY] * 3)
    assert [decision.effects for decision in decided] == [effects, effects, ()]


def test_an_effect_action_is_applied_together_with_the_next_of_the_sequence() -> None:
    treatments = [Treatment("sql", BUSY, SQL, sequence=1, effects=(ExecuteSql("note"),)),
                  Treatment("retry", BUSY, REDIAL, sequence=2, cycle_attempts=2),
                  Treatment("http", BUSY, TreatmentAction.SEND_HTTP_REQUEST, sequence=3, effects=(SendHttpRequest("crm"),))]
    decided = play(treatments, [BUSY] * 4)
    assert names(decided) == ["retry", "retry", "http"]
    assert [decision.effects for decision in decided] == [(ExecuteSql("note"),), (), (SendHttpRequest("crm"),)]
    assert isinstance(decided[-1], FinishChain)


def test_a_success_can_have_effects() -> None:
    won = Treatment("won", CallResult.ANSWER, SQL, effects=(ExecuteSql("won"),))
    assert play([won], [CallResult.ANSWER]) == [FinishChain("won", effects=(ExecuteSql("won"),))]


# -- disposition codes -------------------------------------------------------------------------------------------------
COLD = Treatment("cold", None, RETRY_IN, dbid=9, disposition="cold", interval_s=60.0)


def test_a_disposition_is_looked_for_before_the_call_result_even_of_a_success() -> None:
    table = TreatmentTable([BUSY_1, COLD])
    for result in (BUSY, CallResult.ANSWER):
        decision = table.decide(Outcome(result, phones(), disposition="cold"))
        assert (decision.treatment, decision.progress) == ("cold", Progress("cold", 1, 1))
    assert table.decide(Outcome(BUSY, phones(), disposition="other")).treatment == "Busy1"
    assert table.decide(Outcome(CallResult.ANSWER, phones(), disposition="other")) == FinishChain()
    assert table.decide(Outcome(BUSY, phones())).treatment == "Busy1"


def test_a_disposition_has_its_own_sequence_and_ends_the_chain_when_it_is_used_up() -> None:
    table, progress, applied = TreatmentTable([BUSY_1, BUSY_2, COLD]), Progress(), []
    for disposition in ("", "cold", "", "cold", "cold"):
        decision = table.decide(Outcome(BUSY, phones(), progress=progress, disposition=disposition))
        progress = decision.progress
        applied.append(decision.treatment)
    assert applied == ["Busy1", "cold", "Busy1", "cold", None]


# -- a table that is changed -------------------------------------------------------------------------------------------
def test_a_changed_table_rules_from_the_next_result_on_and_places_are_kept_by_their_numbers() -> None:
    old = [Treatment(name, BUSY, RETRY_IN, sequence=number, interval_s=60.0) for number, name in enumerate("ab", 1)]
    first = TreatmentTable(old).decide(Outcome(BUSY, phones()))
    assert isinstance(first, DialNext) and first.treatment == "a"       # under way: nothing takes it back
    new = [replace(old[0], name="A", cycle_attempts=2, interval_s=300.0), replace(old[1], name="B")]
    second = TreatmentTable(new).decide(Outcome(BUSY, phones(), progress=first.progress))
    assert isinstance(second, DialNext) and (second.treatment, second.delay_s) == ("A", 300.0)
    assert TreatmentTable(new[:1]).decide(Outcome(BUSY, phones(), progress=second.progress)) == FinishChain()
    assert TreatmentTable([]).decide(Outcome(BUSY, phones(), progress=first.progress)) == FinishChain()


def test_the_table_is_one_provider_of_the_policy() -> None:
    policy: TreatmentPolicy = TreatmentTable([BUSY_1])
    assert policy.decide(Outcome(BUSY, phones())).treatment == "Busy1" and policy.resume(phones(), 0) == Progress()
