"""Treatment sequences: the worked examples of the public rules, and a plain model that plays random results against them."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.treatments import SUCCESSFUL, CloseRecord, Decision, DialNext, FinishChain, Progress, decide, resume
from ocs.dialing.values import Record, Treatment, TreatmentAction

BUSY, MACHINE, NO_ANSWER = CallResult.BUSY, CallResult.ANSWERING_MACHINE_DETECTED, CallResult.NO_ANSWER
REDIAL, RETRY_IN = TreatmentAction.REDIAL, TreatmentAction.RETRY_IN
NEXT, NEXT_AFTER = TreatmentAction.NEXT_IN_CHAIN, TreatmentAction.NEXT_IN_CHAIN_AFTER


def phones(count: int = 1) -> list[Record]:
    return [Record(record_id=n + 1, chain_id=1, chain_n=n, contact_info=f"+1415555010{n}",
                   record_status=RecordStatus.RETRIEVED) for n in range(count)]


def play(treatments: Sequence[Treatment], results: Sequence[CallResult], records: list[Record] | None = None,
         maximum_attempts: int = 10) -> list[Decision]:
    """What is decided for each result of a chain that is dialed as the decisions say, up to its end."""
    records, index, progress, decided = records or phones(), 0, Progress(), []
    for result in results:
        records[index] = replace(records[index], attempt=records[index].attempt + 1)
        decision = decide(treatments, progress, result, records, index, maximum_attempts)
        decided.append(decision)
        if not isinstance(decision, DialNext):
            break
        index, progress = decision.index, decision.progress
    return decided


def names(decisions: Sequence[Decision]) -> list[str | None]:
    return [decision.treatment for decision in decisions]


def dialed(decisions: Sequence[Decision]) -> list[tuple[int, float]]:
    """(index, delay) of each dial that was decided."""
    return [(decision.index, decision.delay_s) for decision in decisions if isinstance(decision, DialNext)]


# -- worked examples (reference, section 3) ----------------------------------------------------------------------------
BUSY_1 = Treatment("Busy1", BUSY, REDIAL, dbid=101, sequence=1)
BUSY_2 = Treatment("Busy2", BUSY, RETRY_IN, dbid=102, sequence=2, interval_s=3600.0)
MACHINE_1 = Treatment("AM1", MACHINE, RETRY_IN, dbid=103, sequence=1, interval_s=3600.0)
MACHINE_2 = Treatment("AM2", MACHINE, RETRY_IN, dbid=104, sequence=2, interval_s=86_400.0)


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


# -- against a plain model ---------------------------------------------------------------------------------------------
@dataclass
class Model:
    """The rules once more, in the plainest way: a result's treatments written out as the list of what each consecutive
    occurrence of it brings."""

    treatments: list[Treatment]
    maximum_attempts: int
    attempts: list[int]
    index: int = 0
    last: CallResult | None = None
    times: int = 0
    passes: int = 1

    def steps(self, result: CallResult) -> list[tuple[Treatment, int]]:
        written: list[tuple[Treatment, int]] = []
        number = 1
        while True:
            found = [each for each in self.treatments if each.call_result == result and each.sequence == number]
            if not found:
                return written
            written += [(found[0], repetition) for repetition in range(found[0].cycle_attempts)]
            number += 1

    def tell(self, result: CallResult) -> tuple[str, int | None, float]:
        """("finish" | "close" | "dial", index, delay)."""
        self.attempts[self.index] += 1
        self.times = self.times + 1 if result == self.last else 1
        self.last = result
        if result in (CallResult.ANSWER, CallResult.OK, CallResult.TRANSFERRED, CallResult.CONFERENCED):
            return "finish", None, 0.0
        steps = self.steps(result)
        if self.times > len(steps):
            return "finish", None, 0.0
        treatment, repetition = steps[self.times - 1]
        if treatment.action is TreatmentAction.UPDATE_RECORD:
            return "close", None, 0.0
        if treatment.action in (REDIAL, RETRY_IN) and self.attempts[self.index] < self.maximum_attempts:
            return "dial", self.index, treatment.interval_s + repetition * treatment.increment_s
        if treatment.action in (NEXT, NEXT_AFTER):
            return self.next_in_chain(treatment)
        return "finish", None, 0.0

    def next_in_chain(self, treatment: Treatment) -> tuple[str, int | None, float]:
        self.last, self.times = None, 0
        left = [index for index, count in enumerate(self.attempts) if count < self.maximum_attempts]
        behind = [index for index in left if index > self.index]
        if behind:
            self.index = behind[0]
            return "dial", self.index, treatment.interval_s if treatment.action is NEXT_AFTER else 0.0
        if not left or self.passes == treatment.cycle_attempts:
            return "finish", None, 0.0
        self.passes += 1
        self.index = left[0]
        return "dial", self.index, treatment.interval_s + (self.passes - 2) * treatment.increment_s


def as_told(decision: Decision) -> tuple[str, int | None, float]:
    if isinstance(decision, DialNext):
        return "dial", decision.index, decision.delay_s
    return ("close" if isinstance(decision, CloseRecord) else "finish"), None, 0.0


RESULTS = st.sampled_from([BUSY, MACHINE, NO_ANSWER, CallResult.ANSWER])
INTERVALS = st.integers(0, 100).map(float)
# passes are counted across results; treatments that allow different numbers of them are left to the tests above
TREATMENTS = st.integers(1, 4).flatmap(lambda passes: st.lists(
    st.builds(Treatment, st.just("t"), st.sampled_from([BUSY, MACHINE, NO_ANSWER]), st.sampled_from(TreatmentAction),
              st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), INTERVALS, INTERVALS)
    .map(lambda each: replace(each, cycle_attempts=passes) if each.action in (NEXT, NEXT_AFTER) else each),
    max_size=9, unique_by=lambda each: (each.call_result, each.sequence)))


@given(TREATMENTS, st.lists(RESULTS, max_size=40), st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_random_results_are_treated_as_the_plain_model_says(
        treatments: list[Treatment], results: list[CallResult], count: int, maximum_attempts: int, by_list: bool) -> None:
    model = Model(treatments, maximum_attempts, [0] * count)
    records, index, progress = phones(count), 0, Progress()
    for result in results:
        records[index] = replace(records[index], attempt=records[index].attempt + 1, call_result=result)
        decision = decide(treatments, progress, result, records, index, maximum_attempts)
        assert as_told(decision) == model.tell(result)
        if not isinstance(decision, DialNext):
            return
        index, progress = decision.index, decision.progress
        if by_list:     # the chain goes by way of the list and comes back: nothing is forgotten
            text = progress.encode(decision.treatment_dbid, records[index].chain_n)
            progress = resume(replace(records[index], treatments=text, record_type=RecordType.CAMPAIGN_RESCHEDULED))
    assert max(record.attempt for record in records) <= maximum_attempts


@given(TREATMENTS, st.lists(st.sampled_from([BUSY, MACHINE, NO_ANSWER]), min_size=200, max_size=200), st.integers(1, 4))
def test_no_chain_is_dialed_for_ever(treatments: list[Treatment], results: list[CallResult], count: int) -> None:
    decided = play(treatments, results, phones(count), maximum_attempts=5)
    assert not isinstance(decided[-1], DialNext) and len(decided) <= 5 * count


# -- the treatments column ---------------------------------------------------------------------------------------------
def test_progress_is_written_in_the_public_form() -> None:
    decision = play([BUSY_1, BUSY_2], [BUSY, BUSY])[-1]
    assert isinstance(decision, DialNext)
    assert decision.progress.encode(decision.treatment_dbid, 1) == "102@1@1@2"


def test_passes_through_the_chain_are_counted_on_by_way_of_the_list() -> None:
    treatment = Treatment("next", BUSY, NEXT, dbid=105, cycle_attempts=3, interval_s=3600.0)
    records = [replace(record, call_result=BUSY, attempt=1) for record in phones(2)]
    second = decide([treatment], Progress(), BUSY, records, 1, 10)
    assert isinstance(second, DialNext) and second.progress.encode(105, 0) == "105@0@0@1@1"
    back = replace(records[0], record_type=RecordType.CAMPAIGN_RESCHEDULED, treatments="105@0@0@1@1")
    third = decide([treatment], resume(back), BUSY, records, 1, 10)
    assert isinstance(third, DialNext) and third.progress.chain_cycle == 2
    assert decide([treatment], third.progress, BUSY, records, 1, 10) == FinishChain("next")


def column(text: str | None, record_type: RecordType = RecordType.CAMPAIGN_RESCHEDULED) -> Progress:
    return resume(replace(phones()[0], treatments=text, record_type=record_type, call_result=BUSY))


@pytest.mark.parametrize("record_type, read", [
    (RecordType.CAMPAIGN_RESCHEDULED, True), (RecordType.PERSONAL_RESCHEDULED, True), (RecordType.CAMPAIGN_CALLBACK, True),
    (RecordType.PERSONAL_CALLBACK, True), (RecordType.GENERAL, False), (RecordType.UNKNOWN, False),
    (RecordType.NO_CALL, False), (RecordType.NO_RECORD_TYPE, False),
])
def test_the_column_is_read_again_for_scheduled_records_only(record_type: RecordType, read: bool) -> None:
    assert column("102@1@1@2", record_type) == (Progress(BUSY, 2, 1) if read else Progress())


def test_a_sequence_counts_from_one() -> None:
    assert column("102@0@1@0") == Progress(BUSY, 1, 0)


@pytest.mark.parametrize("text", [None, "", "102@1@1", "a@b@c@d", "102@-1@1@2", "102@1@1@2@3@4", "102@1@1@2 ", "1" * 255,
                                  "102@1@1@٢", "102@1@1@99999999999999999999"])
def test_what_is_not_of_the_public_form_is_a_fresh_start(text: str | None) -> None:
    assert column(text) == Progress()
