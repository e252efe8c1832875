"""The values: defaults of the public table, and that they cannot change under anybody's hands."""
from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ocs.dialing.results import CallResult, ContactInfoType, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import AgentGroup, CampaignGroup, Record, TreatmentAction


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


def test_the_treatment_actions_are_the_words_of_the_configuration() -> None:
    assert [action.value for action in TreatmentAction] == [
        "none", "update-record", "update-chain", "redial", "retry-in", "next-in-chain", "next-in-chain-after"]
