"""Calling hours that rules demand where the person lives, met with a list's own and the record's."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.dial_hours import is_open, next_opening, open_for_s, open_zones
from ocs.dialing.holidays import HolidayCalendar
from ocs.dialing.jurisdiction import EVERYWHERE, Where
from ocs.dialing.values import Record
from ocs.dialing.windows import ListWindows, RuleHours, common, parse_hours
from tests.doubles.clock import epoch

MIAMI = Record(1, 1, 1, "+13055550001", daily_from=0, daily_till=86_400, tz_name="America/New_York")
BOSTON = replace(MIAMI, contact_info="+16175550001")
FEDERAL = RuleHours("us-ftc", parse_hours(["mon-sun 08:00-21:00"]))
FLORIDA = RuleHours("us-fl", parse_hours(["mon-sun 08:00-20:00"]), where=Where(("US-FL",), ("+1305",)))
BOTH = ListWindows(rules=(FEDERAL, FLORIDA), region_field="state")


@pytest.mark.parametrize("moment, miami, boston", [
    ("2026-07-01T11:59:59Z", False, False),         # 7:59:59 in New York's zone
    ("2026-07-01T12:00:00Z", True, True),
    ("2026-07-01T23:59:59Z", True, True),
    ("2026-07-02T00:00:00Z", False, True),          # 20:00: Florida's law is the stricter one
    ("2026-07-02T01:00:00Z", False, False),
    ("2026-12-01T12:59:59Z", False, False),         # an hour later in winter
    ("2026-12-01T13:00:00Z", True, True),
])
def test_the_strictest_hours_of_all_rules_that_hold_for_a_record_rule(moment: str, miami: bool, boston: bool):
    assert is_open(MIAMI, epoch(moment), BOTH) is miami
    assert is_open(BOSTON, epoch(moment), BOTH) is boston


def test_the_region_of_a_record_goes_before_its_number():
    evening = epoch("2026-07-02T00:30:00Z")
    moved = replace(MIAMI, fields={"state": "US-MA"})
    assert is_open(moved, evening, BOTH) and not is_open(MIAMI, evening, BOTH)
    assert not is_open(replace(BOSTON, fields={"state": " us-fl "}), evening, BOTH)
    assert not is_open(replace(MIAMI, fields={"state": None}), evening, BOTH)


def test_a_rule_of_a_region_holds_for_records_of_which_neither_region_nor_prefix_tells():
    regions_only = ListWindows(rules=(replace(FLORIDA, where=Where(regions=("US-FL",))),))
    assert not is_open(BOSTON, epoch("2026-07-02T00:30:00Z"), regions_only)


def test_a_record_that_a_rule_closes_opens_when_the_rule_does_and_for_as_long():
    night = epoch("2026-07-02T00:30:00Z")
    found = next_opening([MIAMI], night, BOTH)
    assert found is not None and found[0] == epoch("2026-07-02T12:00:00Z")
    assert next_opening([BOSTON], night, BOTH) == (night, BOSTON)
    assert open_for_s(MIAMI, epoch("2026-07-01T23:00:00Z"), BOTH, 7_200) == 3_600


def test_the_day_on_which_the_clocks_change_has_the_hours_of_its_wall_clock():
    # 2026-03-08: 8:00 is an hour earlier in UTC than the day before
    assert not is_open(MIAMI, epoch("2026-03-07T12:30:00Z"), BOTH)
    assert is_open(MIAMI, epoch("2026-03-08T12:30:00Z"), BOTH)


def test_holidays_and_sundays_close_where_the_rule_says_so():
    australia = ListWindows(rules=(RuleHours("au-standard", parse_hours(["mon-fri 09:00-20:00", "sat 09:00-17:00"]),
                                             (HolidayCalendar("AU"),)),))
    sydney = replace(MIAMI, contact_info="+61255500001", tz_name="Australia/Sydney")
    assert is_open(sydney, epoch("2026-01-27T10:00:00+11:00"), australia)
    assert not is_open(sydney, epoch("2026-01-26T10:00:00+11:00"), australia)       # Australia Day
    assert not is_open(sydney, epoch("2026-01-25T10:00:00+11:00"), australia)       # a Sunday


def test_only_rules_for_everybody_in_a_zone_close_it_for_retrieval():
    zones = {1: "America/New_York", 2: "America/Los_Angeles"}
    evening = epoch("2026-07-02T00:30:00Z")
    assert set(open_zones(evening, zones, BOTH)) == {1, 2}
    assert set(open_zones(epoch("2026-07-02T01:30:00Z"), zones, BOTH)) == {2}
    eastern = ListWindows(rules=(replace(FLORIDA, where=Where(zones=("America/New_*",))),))
    assert set(open_zones(evening, zones, eastern)) == {2}
    assert not FLORIDA.where.holds_in("America/New_York") and EVERYWHERE.holds_in("Asia/Tokyo")


def test_rules_whose_hours_never_meet_leave_nothing():
    nowhen = ListWindows(parse_hours(["sun 08:00-20:00"]), rules=(RuleHours("x", parse_hours(["mon-sat 08:00-20:00"])),))
    assert not nowhen.ever_open(0, 86_400)
    assert next_opening([MIAMI], epoch("2026-07-02T00:30:00Z"), nowhen) is None


def test_what_two_have_in_common():
    assert common(((0, 10), (20, 30)), ((5, 25),)) == ((5, 10), (20, 25))
    assert common(((0, 10),), ((10, 20),)) == ()
