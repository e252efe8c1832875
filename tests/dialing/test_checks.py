"""The checks before a dial: each by itself, and in their public order."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.checks import Refusal, closing_rules, refusal
from ocs.dialing.compliance.attempts import AttemptBlock
from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import DoNotCallEntry, Record
from ocs.dialing.windows import ListWindows, RuleHours, parse_hours
from tests.doubles.clock import epoch

PHONE, CUSTOMER, CAMPAIGN = "+12125550100", "C-1", "renewals"
NOON, NIGHT = epoch("2026-01-14T12:00-05:00"), epoch("2026-01-14T23:00-05:00")
GOOD = Record(1, 1, 0, PHONE, record_status=RecordStatus.RETRIEVED, tz_name="America/New_York", attempt=2)
NEVER = ListWindows(rules=(RuleHours("never", parse_hours(["mon-sun closed"])),))
TOO_SOON = AttemptBlock("quiet", "72 hours", NOON + 60)
EMPTY, BLOCKED = DoNotCallList(), DoNotCallList([DoNotCallEntry(phone=PHONE)])


def test_a_held_record_in_its_window_may_be_dialed() -> None:
    assert refusal(GOOD, NOON, CAMPAIGN, EMPTY, 3, CUSTOMER) is None


@pytest.mark.parametrize("status", [status for status in RecordStatus if status is not RecordStatus.RETRIEVED])
def test_a_record_that_is_not_held_is_refused(status: RecordStatus) -> None:
    assert refusal(replace(GOOD, record_status=status), NOON, CAMPAIGN, EMPTY, 3) is Refusal.NOT_HELD


@pytest.mark.parametrize("record_type", RecordType)
def test_only_the_type_no_call_is_refused(record_type: RecordType) -> None:
    expected = Refusal.NO_CALL if record_type is RecordType.NO_CALL else None
    assert refusal(replace(GOOD, record_type=record_type), NOON, CAMPAIGN, EMPTY, 3) is expected


def test_a_phone_and_a_customer_on_the_do_not_call_list_are_refused() -> None:
    assert refusal(GOOD, NOON, CAMPAIGN, BLOCKED, 3) is Refusal.DO_NOT_CALL
    by_customer = DoNotCallList([DoNotCallEntry(customer_id=CUSTOMER)])
    assert refusal(GOOD, NOON, CAMPAIGN, by_customer, 3, CUSTOMER) is Refusal.DO_NOT_CALL
    assert refusal(GOOD, NOON, CAMPAIGN, by_customer, 3) is None


def test_the_do_not_call_check_is_on_unless_it_is_switched_off() -> None:
    assert refusal(GOOD, NOON, CAMPAIGN, BLOCKED, 3, check_dnc=False) is None


def test_a_closed_window_and_used_up_attempts_are_refused() -> None:
    assert refusal(GOOD, NIGHT, CAMPAIGN, EMPTY, 3) is Refusal.OUTSIDE_WINDOW
    assert refusal(replace(GOOD, attempt=3), NOON, CAMPAIGN, EMPTY, 3) is Refusal.MAXIMUM_ATTEMPTS


def test_the_first_refusal_in_the_public_order_is_told() -> None:
    record = replace(GOOD, record_status=RecordStatus.CANCELLED, record_type=RecordType.NO_CALL, attempt=3)
    told = [refusal(record, NIGHT, CAMPAIGN, BLOCKED, 3)]
    record = replace(record, record_status=RecordStatus.RETRIEVED)
    told.append(refusal(record, NIGHT, CAMPAIGN, BLOCKED, 3))
    record = replace(record, record_type=RecordType.GENERAL)
    told.append(refusal(record, NIGHT, CAMPAIGN, BLOCKED, 3))
    told.append(refusal(record, NIGHT, CAMPAIGN, EMPTY, 3, windows=NEVER, block=TOO_SOON))
    told.append(refusal(record, NOON, CAMPAIGN, EMPTY, 3, windows=NEVER, block=TOO_SOON))
    told.append(refusal(record, NOON, CAMPAIGN, EMPTY, 3, block=TOO_SOON))
    told.append(refusal(replace(record, attempt=2), NOON, CAMPAIGN, EMPTY, 3, block=TOO_SOON))
    assert told == list(Refusal)


def test_a_rule_whose_hours_are_over_is_named() -> None:
    assert closing_rules(GOOD, NOON, NEVER) == ["never"] and closing_rules(GOOD, NOON, ListWindows()) == []


def test_the_lists_own_hours_count_as_its_window() -> None:
    weekend, midweek = (ListWindows(parse_hours([f"{days} 08:00-20:00"])) for days in ("sat-sun", "mon-fri"))
    assert refusal(GOOD, NOON, CAMPAIGN, EMPTY, 3, windows=weekend) is Refusal.OUTSIDE_WINDOW
    assert refusal(GOOD, NOON, CAMPAIGN, EMPTY, 3, windows=midweek) is None
