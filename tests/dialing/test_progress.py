"""The `treatments` column: its public form, when it is read again, and what of a chain's way it brings back."""
from __future__ import annotations

from dataclasses import replace
from typing import Sequence

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.progress import Note, Progress, read_note, resume
from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.treatments import DialNext, FinishChain, Outcome, TreatmentTable
from tests.dialing.test_treatments import BUSY, BUSY_1, BUSY_2, COLD, phones, play

NEXT = Treatment("next", BUSY, TreatmentAction.NEXT_IN_CHAIN, dbid=105, cycle_attempts=3, interval_s=3600.0, sequence=2)


def column(text: str | None, record_type: RecordType = RecordType.CAMPAIGN_RESCHEDULED,
           treatments: Sequence[Treatment] = (BUSY_1, BUSY_2, COLD)) -> Progress:
    record = replace(phones()[0], treatments=text, record_type=record_type, call_result=BUSY)
    return resume(treatments, [record], 0)


def test_a_note_is_written_in_the_public_form() -> None:
    decision = play([BUSY_1, BUSY_2], [BUSY, BUSY])[-1]
    assert isinstance(decision, DialNext) and decision.note == "102@1@0@2" == str(Note(102, 1, 0, 2))


def test_a_note_of_next_in_chain_names_the_pass_and_the_record_to_dial() -> None:
    notes = [(decision.note, decision.passes_on) for decision in play([replace(NEXT, sequence=1)], [BUSY] * 3, phones(2))
             if isinstance(decision, DialNext)]
    assert notes == [("105@1@1@1", True), ("105@2@0@1", True), ("105@2@1@1", True)]


@pytest.mark.parametrize("record_type, read", [
    (RecordType.CAMPAIGN_RESCHEDULED, True), (RecordType.PERSONAL_RESCHEDULED, True), (RecordType.CAMPAIGN_CALLBACK, True),
    (RecordType.PERSONAL_CALLBACK, True), (RecordType.GENERAL, False), (RecordType.UNKNOWN, False),
    (RecordType.NO_CALL, False), (RecordType.NO_RECORD_TYPE, False),
])
def test_the_column_is_read_again_for_scheduled_records_only(record_type: RecordType, read: bool) -> None:
    assert column("102@1@1@2", record_type) == (Progress(BUSY, 2, 1) if read else Progress())


def test_the_treatment_tells_the_trigger_and_one_that_is_gone_leaves_the_records_result() -> None:
    assert column("9@1@1@1") == Progress("cold", 1, 1)
    assert column("777@1@1@2") == Progress(BUSY, 2, 1)
    machine = replace(BUSY_2, call_result=CallResult.ANSWERING_MACHINE_DETECTED)
    assert column("102@1@1@2", treatments=[machine]) == Progress(CallResult.ANSWERING_MACHINE_DETECTED, 2, 1)


def test_a_sequence_counts_from_one() -> None:
    assert column("102@0@1@0") == Progress(BUSY, 1, 0)


@pytest.mark.parametrize("text", [None, "", "102@1@1", "a@b@c@d", "102@-1@1@2", "102@1@1@2@3", "102@1@1@2 ", "1" * 255,
                                  "102@1@1@٢", "102@1@1@99999999999999999999"])
def test_what_is_not_of_the_public_form_is_a_fresh_start(text: str | None) -> None:
    assert column(text) == Progress() and read_note(text) is None


def test_passes_through_the_chain_are_not_forgotten_when_another_treatment_writes_its_note() -> None:
    retry = Treatment("retry", BUSY, TreatmentAction.RETRY_IN, dbid=106, interval_s=7200.0)
    records = [replace(record, attempt=1, call_result=BUSY) for record in phones(2)]
    records[1] = replace(records[1], treatments="105@2@0@2")        # left by the treatment that began the second pass
    records[0] = replace(records[0], treatments="106@1@0@1", record_type=RecordType.CAMPAIGN_RESCHEDULED)
    progress = resume([retry, NEXT], records, 0)
    assert progress == Progress(BUSY, 1, 1, chain_cycle=1)
    second = TreatmentTable([retry, NEXT]).decide(Outcome(BUSY, records, 0, progress))
    assert isinstance(second, DialNext) and second.note == "105@2@1@2"
    last = TreatmentTable([retry, replace(NEXT, cycle_attempts=2)]).decide(
        Outcome(BUSY, records, 1, replace(progress, sequence=2, cycle=0)))
    assert last == FinishChain("next")
