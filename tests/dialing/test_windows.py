"""A list's hours by weekday and its closed days, met with each record's own window; daylight saving included."""
from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.dial_hours import another_open, is_open, next_opening, open_zones
from ocs.dialing.holidays import HolidayCalendar
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Record
from ocs.dialing.windows import ALWAYS_OPEN, DAY, ListWindows, merged, parse_hours
from tests.doubles.clock import epoch

NEW_YORK, SYDNEY, APIA = "America/New_York", "Australia/Sydney", "Pacific/Apia"
OFFICE = ListWindows(parse_hours(["mon-fri 08:00-20:00", "sat 10:00-14:00", "sun closed"]))
US = HolidayCalendar("US")


def window(opens: str = "00:00", closes: str = "24:00", zone: str = NEW_YORK) -> Record:
    return Record(1, 1, 0, "+12125550100", daily_from=seconds(opens), daily_till=seconds(closes), tz_name=zone)


def seconds(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def opening(record: Record, moment: str, windows: ListWindows) -> str | None:
    found = next_opening([record], epoch(moment), windows)
    return None if found is None else datetime.fromtimestamp(found[0], ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%MZ")


# -- how hours are written ---------------------------------------------------------------------------------------------
def test_hours_are_written_by_weekday() -> None:
    hours = parse_hours(["mon-wed,fri 08:00-12:00 13:00-20:00", "Sat 10:00-14:00", "sun closed", "sat 09:00-11:00"])
    split, sat = ((28_800, 43_200), (46_800, 72_000)), ((32_400, 50_400),)
    assert hours.days == (split, split, split, (), split, sat, ())


def test_a_span_of_weekdays_goes_over_the_weeks_end_and_the_day_may_have_no_end() -> None:
    open_, shut = ((0, DAY),), ()
    assert parse_hours(["sat-mon 00:00-24:00"]).days == (open_, shut, shut, shut, shut, open_, open_)
    assert parse_hours(["mon 00:00-23:59"]).days[0] == open_


@pytest.mark.parametrize("line, problem", [
    ("mon", "'mon': times like 08:00-20:00, or closed, are expected after the weekdays"),
    ("montag 08:00-20:00", "'montag 08:00-20:00': weekdays are mon, tue, wed, thu, fri, sat, sun, or from-to"),
    ("mon- 08:00-20:00", "'mon- 08:00-20:00': weekdays are mon, tue, wed, thu, fri, sat, sun, or from-to"),
    ("mon 08:00-20:00x", "'mon 08:00-20:00x': a time like 08:00-20:00 is expected, not 08:00-20:00x"),
    ("mon 8-20", "'mon 8-20': a time like 08:00-20:00 is expected, not 8-20"),
    ("mon 08:00-24:01", "'mon 08:00-24:01': 08:00-24:01 is no time of a day"),
    ("mon 08:60-20:00", "'mon 08:60-20:00': 08:60-20:00 is no time of a day"),
    ("fri 20:00-02:00", "'fri 20:00-02:00': 20:00-02:00 ends before it begins; over midnight takes two lines"),
    ("fri 20:00-20:00", "'fri 20:00-20:00': 20:00-20:00 ends before it begins; over midnight takes two lines"),
    ("", "'': weekdays and times like mon-fri 08:00-20:00 are expected"),
])
def test_hours_that_cannot_be_read_are_named(line: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_hours([line])
    assert str(caught.value) == problem


def test_a_day_is_not_both_closed_and_open() -> None:
    with pytest.raises(ValueError, match="^wed is both closed and open$"):
        parse_hours(["mon-fri 08:00-20:00", "wed closed"])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(lambda span: span[0] < span[1])))
def test_merged_spans_hold_the_same_seconds_and_stand_apart(spans: list[tuple[int, int]]) -> None:
    found = merged(spans)
    assert {at for begin, end in found for at in range(begin, end)} == {at for begin, end in spans for at in range(begin, end)}
    assert all(one[1] < other[0] for one, other in zip(found, found[1:]))


# -- windows meet ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("moment, open_", [
    ("2026-01-14T07:59:59-05:00", False), ("2026-01-14T08:00:00-05:00", True),      # a Wednesday
    ("2026-01-14T19:59:59-05:00", True), ("2026-01-14T20:00:00-05:00", False),
    ("2026-01-17T09:59:00-05:00", False), ("2026-01-17T10:00:00-05:00", True), ("2026-01-17T14:00:00-05:00", False),
    ("2026-01-18T12:00:00-05:00", False),                                           # a Sunday
])
def test_a_list_is_open_in_its_hours(moment: str, open_: bool) -> None:
    assert is_open(window(), epoch(moment), OFFICE) is open_
    assert open_zones(epoch(moment), {5: NEW_YORK}, OFFICE) == (
        {5: open_zones(epoch(moment), {5: NEW_YORK})[5]} if open_ else {})


def test_the_records_own_window_counts_too() -> None:
    late = window("18:00", "22:00")
    at = [epoch(f"2026-01-14T{hour}:00-05:00") for hour in (17, 18, 19, 20, 21)]
    assert [is_open(late, now, OFFICE) for now in at] == [False, True, True, False, False]


def test_the_weekday_is_that_of_the_records_zone() -> None:
    now = epoch("2026-01-16T23:30Z")        # Friday evening in New York, Saturday 10:30 in Sydney, 12:30 in Apia
    zones = {1: NEW_YORK, 2: SYDNEY, 3: APIA, 4: "Asia/Tokyo", 5: "Mars/Olympus_Mons"}
    assert open_zones(now, zones, OFFICE) == {1: seconds("18:30"), 2: seconds("10:30"), 3: seconds("12:30")}
    assert set(open_zones(now, zones, ALWAYS_OPEN)) == {1, 2, 3, 4}


@pytest.mark.parametrize("record, moment, windows, expected", [
    (window(), "2026-01-14T12:00Z", OFFICE, "2026-01-14T13:00Z"),
    (window(), "2026-01-17T19:00Z", OFFICE, "2026-01-19T13:00Z"),                       # over a Sunday
    (window("12:00", "18:00"), "2026-01-17T15:00Z", OFFICE, "2026-01-17T17:00Z"),       # both on a Saturday
    (window("14:00", "18:00"), "2026-01-17T15:00Z", OFFICE, "2026-01-19T19:00Z"),       # the windows do not meet then
    (window("20:00", "22:00"), "2026-01-17T15:00Z", OFFICE, None),                      # nor ever
    (window(), "2025-12-31T23:00Z", ListWindows(OFFICE.hours, (US,)), "2025-12-31T23:00Z"),
    (window(), "2026-01-01T14:00Z", ListWindows(OFFICE.hours, (US,)), "2026-01-02T13:00Z"),
    (window(), "2026-01-18T14:00Z", ListWindows(OFFICE.hours, (US,)), "2026-01-20T13:00Z"),     # a Monday that is a holiday
    (window("08:00", "18:00"), "2026-07-03T12:00Z", ListWindows(None, (US,)), "2026-07-05T12:00Z"),     # 3rd observed, 4th
    (window(), "2026-01-14T12:00Z", ListWindows(parse_hours(["mon 00:00-24:00"])), "2026-01-19T05:00Z"),
    # the week has no end: midnight to midnight
    (window(), "2026-01-18T04:59Z", ListWindows(parse_hours(["sat-sun 00:00-24:00"])), "2026-01-18T04:59Z"),
    # daylight saving: a Sunday of 23 hours, the begin skipped; one of 25 hours, the begin repeated
    (window(), "2026-03-08T05:30Z", ListWindows(parse_hours(["sun 02:30-04:00"])), "2026-03-08T07:00Z"),
    (window(), "2026-03-08T05:30Z", ListWindows(parse_hours(["sun 02:00-03:00"])), "2026-03-15T06:00Z"),
    (window(), "2026-11-01T04:30Z", ListWindows(parse_hours(["sun 01:30-02:00"])), "2026-11-01T05:30Z"),
    (window(), "2026-11-01T06:00Z", ListWindows(parse_hours(["sun 01:30-02:00"])), "2026-11-01T06:30Z"),
    (window(), "2026-11-01T07:00Z", ListWindows(parse_hours(["sun 01:30-02:00"])), "2026-11-08T06:30Z"),
    (window("01:45", "01:50"), "2026-11-01T05:50Z", ListWindows(parse_hours(["sun 01:30-02:00"])), "2026-11-01T06:45Z"),
    # Samoa had no Friday 30 December 2011
    (window("08:00", "18:00", APIA), "2011-12-29T20:00Z", ListWindows(parse_hours(["fri 08:00-18:00"])), "2012-01-05T18:00Z"),
    # a list closed for longer than a year is as good as closed for ever
    (window(), "2026-01-14T12:00Z", ListWindows(None, (HolidayCalendar(yearly=frozenset(
        (month, day) for month in range(1, 13) for day in range(1, 32))),)), None),
])
def test_the_next_opening_of_record_and_list(record: Record, moment: str, windows: ListWindows, expected: str | None) -> None:
    assert opening(record, moment, windows) == expected


def test_the_next_opening_of_a_chain_is_its_earliest_and_a_closed_record_is_passed_over() -> None:
    records = [window("20:00", "22:00"), window("12:00", "18:00"), window("10:00", "11:00")]
    found = next_opening(records, epoch("2026-01-18T12:00Z"), OFFICE)
    assert found is not None and found[0] == epoch("2026-01-19T10:00-05:00") and found[1] is records[2]


def test_another_record_of_the_chain_is_looked_for_behind_the_head_first() -> None:
    now = epoch("2026-01-14T12:00-05:00")
    ready = [replace(window(zone=zone), record_status=RecordStatus.RETRIEVED) for zone in (NEW_YORK, SYDNEY, NEW_YORK, NEW_YORK)]
    assert [another_open(ready, index, now, OFFICE) for index in range(4)] == [2, 2, 3, 0]
    done = [replace(record, record_status=RecordStatus.UPDATED) for record in ready[2:]]
    assert another_open([*ready[:2], *done], 0, now, OFFICE) is None
    assert another_open(ready, 0, epoch("2026-01-18T12:00-05:00"), OFFICE) is None


# -- against a plain look at the clock ---------------------------------------------------------------------------------
CHANGES = st.sampled_from([
    (NEW_YORK, "2026-03-08T07:00Z"), (NEW_YORK, "2026-11-01T06:00Z"), (SYDNEY, "2026-10-03T16:00Z"),
    (SYDNEY, "2026-04-04T16:00Z"), ("Australia/Lord_Howe", "2026-10-03T15:30Z"), ("Africa/Cairo", "2026-04-23T22:00Z"),
    ("America/Nuuk", "2026-03-29T01:00Z"), ("Europe/London", "2026-12-24T12:00Z"), ("America/Phoenix", "2026-11-01T06:00Z")])
SPANS = st.lists(st.tuples(st.integers(0, 1438), st.integers(1, 400)).map(
    lambda span: (span[0] * 60, min(span[0] + span[1], 1438) * 60)).filter(lambda span: span[0] < span[1]), max_size=2)
DAYS_OFF = st.sets(st.integers(-2, 6), max_size=3)


def open_by_hand(record: Record, windows: ListWindows, at: int) -> bool:
    """Whether both windows are open, read off calendar and clock on the wall as a person would."""
    assert windows.hours is not None
    wall = datetime.fromtimestamp(at, ZoneInfo(record.tz_name))
    since = wall.hour * 3600 + wall.minute * 60
    if any(wall.date() in calendar.dates for calendar in windows.calendars):
        return False
    own = record.daily_from <= since < record.daily_till
    return own and any(begin <= since < end for begin, end in windows.hours.days[wall.weekday()])


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.integers(-40 * 60, 16 * 60), st.tuples(*[SPANS] * 7), st.integers(0, 700), st.integers(60, 1400), DAYS_OFF)
def test_the_next_opening_is_open_and_no_minute_before_it(
        change: tuple[str, str], minutes: int, week: tuple[list[tuple[int, int]], ...], first: int, length: int,
        off: set[int]) -> None:
    zone, moment = change
    hours = replace(parse_hours([]), days=tuple(merged(spans) for spans in week))
    around = datetime.fromtimestamp(epoch(moment), ZoneInfo(zone)).date().toordinal()
    windows = ListWindows(hours, (HolidayCalendar(dates=frozenset(date.fromordinal(around + day) for day in off)),))
    record = replace(window(zone=zone), daily_from=first * 60, daily_till=min(first + length, 1438) * 60)
    now = int(epoch(moment)) + minutes * 60
    by_hand = next((at for at in range(now, now + 9 * DAY, 60) if open_by_hand(record, windows, at)), None)
    found = next_opening([record], now, windows)
    if by_hand is None:
        assert found is None or found[0] >= now + 9 * DAY
    else:
        assert found is not None and found[0] == by_hand and is_open(record, by_hand, windows)
        assert open_zones(by_hand, {1: zone}, windows) != {}
