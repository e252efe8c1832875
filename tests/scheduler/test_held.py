"""Held chains: what they know when they come from the list."""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.campaign import CallingList
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.treatments import Progress
from ocs.dialing.values import Chain, Record
from ocs.scheduler.held import HeldChain

LIST = CallingList("spring", 1)
FIRST = Record(1, 7, 0, "+14155550100", record_status=RecordStatus.RETRIEVED)
SECOND = replace(FIRST, record_id=2, chain_n=1, contact_info="+14155550101")


def test_a_chain_from_the_list_starts_with_its_first_record_and_a_fresh_sequence() -> None:
    held = HeldChain(None, LIST, Chain("spring", 7, (FIRST, SECOND)))
    assert held.record is FIRST and held.progress == Progress()


def test_a_chain_that_a_treatment_has_put_back_goes_on_with_its_record_and_its_sequence() -> None:
    due = replace(SECOND, record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=1_800_000_000,
                  call_result=CallResult.BUSY, treatments="102@2@1@3")
    held = HeldChain(None, LIST, Chain("spring", 7, (FIRST, due)))
    assert held.record is due and held.progress == Progress(CallResult.BUSY, sequence=3, cycle=2)
