"""When a callback is due and when it is missed."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.callbacks import Outage, callback_error, due_at, is_callback, is_personal, missed
from ocs.dialing.campaign import AgentGroup, CallbackDialing, CallbackDistribution, CallingList, CampaignGroup
from ocs.dialing.chain import with_phone
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.shares import TypePriorities
from ocs.dialing.values import Chain, Record
from ocs.dialing.windows import ListWindows, parse_hours
from tests.doubles.clock import epoch

NOON = epoch("2026-03-10T12:00-04:00")
FOREVER = float("-inf")


def record(record_type: RecordType = RecordType.CAMPAIGN_CALLBACK, due: float | None = NOON, **values: object) -> Record:
    when = None if due is None else int(due)
    return Record(1, 1, 0, "+12125550100", record_type=record_type, dial_sched_time=when, tz_name="America/New_York",
                  **values)       # type: ignore[arg-type]


@pytest.mark.parametrize("record_type, personal, agreed, error", [
    (RecordType.GENERAL, False, False, CallResult.GROUP_CALLBACK_ERROR),
    (RecordType.CAMPAIGN_RESCHEDULED, False, False, CallResult.GROUP_CALLBACK_ERROR),
    (RecordType.PERSONAL_RESCHEDULED, True, False, CallResult.AGENT_CALLBACK_ERROR),
    (RecordType.PERSONAL_CALLBACK, True, True, CallResult.AGENT_CALLBACK_ERROR),
    (RecordType.CAMPAIGN_CALLBACK, False, True, CallResult.GROUP_CALLBACK_ERROR),
])
def test_the_kinds_of_records(record_type, personal, agreed, error):
    one = record(record_type)
    assert (is_personal(one), is_callback(one), callback_error(one)) == (personal, agreed, error)


@pytest.mark.parametrize("due, windows, expected", [
    (NOON, (), NOON), (None, (), 0.0),
    (epoch("2026-03-10T07:00-04:00"), (), epoch("2026-03-10T08:00-04:00")),
    (epoch("2026-03-10T18:00-04:00"), (), epoch("2026-03-11T08:00-04:00")),
    (NOON, ("wed 10:00-12:00",), epoch("2026-03-11T10:00-04:00")),
])
def test_a_callback_is_due_when_its_window_opens(due, windows, expected):
    hours = ListWindows(parse_hours(windows)) if windows else ListWindows()
    assert due_at(record(due=due), hours) == expected


def test_a_window_that_never_opens_is_never_due():
    assert due_at(record(daily_from=5, daily_till=5)) is None
    assert not missed(record(daily_from=5, daily_till=5), Outage(FOREVER, NOON * 2), 0.0)


@pytest.mark.parametrize("began, ended, is_missed", [
    (FOREVER, NOON + 600, False),           # the tolerance ends with the outage
    (FOREVER, NOON + 601, True),
    (NOON, NOON + 601, True),
    (NOON + 1, NOON + 10_000, False),       # it could have been made before the outage
    (NOON - 900, NOON - 100, False),        # it is due after it
])
def test_a_callback_is_missed_when_its_time_and_the_tolerance_lie_in_an_outage(began, ended, is_missed):
    assert missed(record(), Outage(began, ended), 600.0) is is_missed


def test_only_what_was_agreed_on_can_be_missed():
    outage = Outage(FOREVER, NOON + 90_000)
    assert missed(record(RecordType.PERSONAL_CALLBACK), outage, 600.0)
    assert not any(missed(record(one), outage, 600.0) for one in (
        RecordType.GENERAL, RecordType.CAMPAIGN_RESCHEDULED, RecordType.PERSONAL_RESCHEDULED))
    assert not missed(record(due=None), outage, 600.0) and not missed(record(), None, 600.0)


def test_the_time_counts_from_the_opening_of_the_window():
    at_night = record(due=epoch("2026-03-10T03:00-04:00"))
    assert not missed(at_night, Outage(FOREVER, epoch("2026-03-10T08:05-04:00")), 600.0)
    assert missed(at_night, Outage(FOREVER, epoch("2026-03-10T08:11-04:00")), 600.0)


# -- another phone --------------------------------------------------------------------------------------------------
def chain() -> Chain:
    return Chain("list", 1, (record(), replace(record(), record_id=2, chain_n=1, contact_info="+12125550101",
                                               record_status=RecordStatus.UPDATED)))


@pytest.mark.parametrize("phone, index, numbers", [
    (None, 0, ("+12125550100", "+12125550101")), ("+12125550100", 0, ("+12125550100", "+12125550101")),
    ("+12125550101", 1, ("+12125550100", "+12125550101")), ("+442079460958", 0, ("+442079460958", "+12125550101"))])
def test_a_phone_is_one_of_the_contact_or_the_records_new_one(phone, index, numbers):
    after, head = with_phone(chain(), 0, phone)
    assert head == index and tuple(one.contact_info for one in after.records) == numbers


# -- what a group retrieves -----------------------------------------------------------------------------------------
def group(**values: object) -> CampaignGroup:
    lists = CallingList("a", 1), CallingList("b", 2, active=False), CallingList("c", 3, share=0)
    return CampaignGroup(1, "spring", 1, AgentGroup("sales", 1, (), ()), lists, **values)      # type: ignore[arg-type]


def test_callbacks_go_before_recalls_and_those_before_general_records_unless_told_otherwise():
    callback, recall, general = RecordType.CAMPAIGN_CALLBACK, RecordType.CAMPAIGN_RESCHEDULED, RecordType.GENERAL
    assert group().tiers == ((callback,), (recall,), (general,))
    assert group(priorities=TypePriorities(general=5, campaign_callback=2)).tiers == ((general,), (callback, recall))


@pytest.mark.parametrize("values", [{"predictive_callback": CallbackDialing.PREVIEW},
                                    {"campaign_callback_distr": CallbackDistribution.ORIGINAL_AGENT}])
def test_callbacks_that_need_an_agent_first_are_not_retrieved_with_the_others(values):
    assert group(**values).callbacks_apart and RecordType.CAMPAIGN_CALLBACK not in sum(group(**values).tiers, ())


def test_only_lists_that_are_active_and_have_a_share_are_dialed():
    assert [one.name for one in group().active_lists] == ["a"]
