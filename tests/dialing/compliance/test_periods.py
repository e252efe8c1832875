from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.compliance.periods import Period, PeriodKind, day_begin, next_day

HOUR, DAY = 3600, 86_400


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_rolling_window_ends_now():
    assert Period(PeriodKind.ROLLING, 24 * HOUR).begin(at("2026-03-29T12:00Z")) == at("2026-03-28T12:00Z")


@pytest.mark.parametrize("now, begin", [
    ("2026-01-31T12:00-05:00", "2026-01-01T00:00-05:00"),
    ("2026-02-01T00:00-05:00", "2026-02-01T00:00-05:00"),         # the first instant belongs to the new month
    ("2026-01-31T23:59:59-05:00", "2026-01-01T00:00-05:00"),
    ("2026-02-01T03:00Z", "2026-01-01T00:00-05:00"),              # UTC is in February already, Toronto is not
    ("2026-03-20T12:00-04:00", "2026-03-01T00:00-05:00"),         # daylight saving began on the 8th
    ("2028-02-29T12:00-05:00", "2028-02-01T00:00-05:00"),
    ("2026-12-31T23:59-05:00", "2026-12-01T00:00-05:00"),
])
def test_a_calendar_month_begins_at_local_midnight(now: str, begin: str):
    assert Period(PeriodKind.CALENDAR_MONTH, zone="America/Toronto").begin(at(now)) == at(begin)


def test_a_calendar_day_may_have_23_or_25_hours():
    day = Period(PeriodKind.CALENDAR_DAY, zone="Europe/London")
    assert day.begin(at("2026-03-29T23:59+01:00")) == at("2026-03-29T00:00+00:00")
    assert day.begin(at("2026-10-25T23:59+00:00")) == at("2026-10-25T00:00+01:00")
    for noon, hours in ((at("2026-03-29T12:00Z"), 23), (at("2026-10-25T12:00Z"), 25)):
        assert next_day(noon, "Europe/London") - day_begin(noon, "Europe/London") == hours * HOUR


def test_a_day_whose_midnight_is_skipped_or_repeated_contains_its_instants():
    # Havana turns its clocks at midnight: 0:00 becomes 1:00 in March, 1:00 becomes 0:00 in November
    for text in ("2026-03-08T05:30Z", "2026-03-08T04:59Z", "2026-11-01T04:30Z", "2026-11-01T05:30Z", "2026-11-01T03:59Z"):
        now = at(text)
        assert day_begin(now, "America/Havana") <= now < next_day(now, "America/Havana")


def test_successive_windows_begin_with_the_first_answered_call():
    period = Period(PeriodKind.SUCCESSIVE, 30 * DAY)
    first = at("2026-01-05T15:00Z")
    assert period.begin(first + 10, None) == first + 10
    assert period.begin(first + 10, first) == first
    assert period.begin(first + 30 * DAY - 1, first) == first
    assert period.begin(first + 30 * DAY, first) == first + 30 * DAY
    assert period.begin(first - 100, first) == first        # the clock was set back


@given(st.integers(1_000_000_000, 2_000_000_000), st.sampled_from(["UTC", "America/Toronto", "Asia/Kolkata", "America/Havana"]),
       st.sampled_from([PeriodKind.CALENDAR_DAY, PeriodKind.CALENDAR_MONTH]))
def test_a_window_contains_the_instant_and_is_no_longer_than_it_may_be(now: int, zone: str, kind: PeriodKind):
    period = Period(kind, zone=zone)
    begin = period.begin(now)
    assert begin <= now <= begin + period.longest_s
    assert period.begin(begin) == begin


def test_windows_are_told_in_words():
    assert str(Period(PeriodKind.ROLLING, 24 * HOUR)) == "the last 24 hours"
    assert str(Period(PeriodKind.SUCCESSIVE, 30 * DAY)) == "each 30 days of the campaign"
    assert str(Period(PeriodKind.CALENDAR_MONTH, zone="America/Toronto")) == "calendar month in America/Toronto"
