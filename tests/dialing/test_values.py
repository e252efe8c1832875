"""The values: defaults of the public table, and that they cannot change under anybody's hands."""
from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ocs.dialing.actions import TreatmentAction
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.results import CallResult, ContactInfoType, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import Record
from ocs.options import enum_word


def test_a_record_has_the_defaults_of_the_public_table() -> None:
    record = Record(1, 1, 0, "+12125550100")
    assert (record.contact_info_type, record.record_type, record.record_status, record.call_result, record.attempt) == (
        ContactInfoType.HOME_PHONE, RecordType.GENERAL, RecordStatus.READY, CallResult.UNKNOWN, 0)
    assert (record.daily_from, record.daily_till, record.tz_dbid) == (8 * 3600, 18 * 3600, 122)
    assert (record.dial_sched_time, record.call_time, record.agent_id, record.treatments) == (None, None, None, None)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Record(1, 1, 0, "+12125550100").attempt = 1     # type: ignore[misc]


def test_a_campaign_group_is_named_by_campaign_and_group() -> None:
    group = CampaignGroup(1, "renewals", 2, AgentGroup("outbound", 3, (), ()), ())
    assert (group.name, group.mode) == ("renewals@outbound", DialingMode.PROGRESSIVE)


def test_the_treatment_actions_have_their_public_numbers_and_the_words_of_the_configuration() -> None:
    assert {enum_word(action): action.value for action in TreatmentAction} == {
        "none": 0, "update-record": 1, "update-chain": 2, "redial": 3, "retry-in": 4, "retry-at-date": 5, "next-in-chain": 6,
        "next-in-chain-after": 7, "next-in-chain-at-date": 8, "assign-to-group": 9, "mark-as-agent-error": 10,
        "reschedule": 11, "execute-sql": 13, "send-http-request": 14}
