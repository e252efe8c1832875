"""Dialing windows in the zones of the world, the hours that daylight saving skips and repeats included."""
from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocs.dialing.dial_hours import (
    END_OF_DAY,
    is_open,
    known_zone,
    local_seconds,
    local_to_epoch,
    next_opening,
    open_for_s,
    open_zones,
    utc_offset_s,
)
from ocs.dialing.values import Record
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows, parse_hours
from tests.doubles.clock import epoch

NEW_YORK, SYDNEY, PHOENIX = "America/New_York", "Australia/Sydney", "America/Phoenix"
KOLKATA, LORD_HOWE, CHATHAM = "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham"
DAY = 86_400


def clock(text: str) -> int:
    """"08:30" or "08:30:15" as seconds after midnight."""
    hours, minutes, seconds = (text + ":0").split(":")[:3]
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def window(opens: str | int, closes: str | int, zone: str = NEW_YORK) -> Record:
    return Record(1, 1, 0, "+12125550100", daily_from=clock(opens) if isinstance(opens, str) else opens,
                  daily_till=clock(closes) if isinstance(closes, str) else closes, tz_name=zone)


# -- edges of a window -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("local, open_", [
    ("07:59:59", False), ("08:00:00", True), ("12:00:00", True), ("17:59:59", True), ("18:00:00", False)])
def test_a_window_holds_its_begin_and_not_its_end(local: str, open_: bool) -> None:
    now = epoch(f"2026-01-14T{local}-05:00")
    assert is_open(window("08:00", "18:00"), now) is open_
    assert is_open(window("08:00", "18:00"), now + 0.999) is open_


@pytest.mark.parametrize("opens, closes, local, open_", [
    (0, END_OF_DAY, "23:59:59", True), (0, END_OF_DAY, "00:00:00", True), (0, DAY, "23:59:59", True),
    (0, 10 * DAY, "23:59:59", True), (-7, DAY, "00:00:00", True),       # all day, however it is written
    (0, END_OF_DAY - 1, "23:58:59", False), (0, END_OF_DAY - 1, "23:58:58", True),
    (clock("09:00"), clock("09:00"), "09:00:00", False),                # empty
    (clock("20:00"), clock("08:00"), "21:00:00", False),                # ends before it begins: not over midnight
    (clock("20:00"), clock("08:00"), "07:00:00", False),
    (END_OF_DAY, END_OF_DAY, "23:59:30", False), (END_OF_DAY + 20, END_OF_DAY, "23:59:59", False),
    (END_OF_DAY, END_OF_DAY + 1, "23:59:30", True), (DAY, DAY + 1, "23:59:59", False), (-20, -10, "00:00:00", False),
])
def test_odd_windows(opens: int, closes: int, local: str, open_: bool) -> None:
    assert is_open(window(opens, closes), epoch(f"2026-01-14T{local}-05:00")) is open_


def test_a_window_is_read_in_the_records_own_zone() -> None:
    now = epoch("2026-01-14T13:30Z")
    zones = (NEW_YORK, "America/Los_Angeles", KOLKATA, SYDNEY)
    assert [is_open(window("08:00", "18:00", zone), now) for zone in zones] == [True, False, False, False]


# -- local time --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zone, moment, local, offset_h", [
    (NEW_YORK, "2026-01-15T12:00Z", "07:00", -5), (NEW_YORK, "2026-07-15T12:00Z", "08:00", -4),
    (SYDNEY, "2026-01-15T12:00Z", "23:00", 11), (SYDNEY, "2026-07-15T12:00Z", "22:00", 10),     # summer is in January
    (PHOENIX, "2026-01-15T12:00Z", "05:00", -7), (PHOENIX, "2026-07-15T12:00Z", "05:00", -7),   # no daylight saving
    (KOLKATA, "2026-07-15T12:00Z", "17:30", 5.5), ("Asia/Kathmandu", "2026-07-15T12:00Z", "17:45", 5.75),
    (LORD_HOWE, "2026-01-15T12:00Z", "23:00", 11), (LORD_HOWE, "2026-07-15T12:00Z", "22:30", 10.5),  # half an hour of it
    (CHATHAM, "2026-07-15T12:00Z", "00:45", 12.75), ("Pacific/Kiritimati", "2026-07-15T12:00Z", "02:00", 14),
])
def test_local_time_follows_the_zone_and_its_daylight_saving(zone: str, moment: str, local: str, offset_h: float) -> None:
    assert local_seconds(epoch(moment), zone) == clock(local)
    assert utc_offset_s(epoch(moment), zone) == offset_h * 3600


def test_local_times_are_given_for_the_zones_that_are_known() -> None:
    assert open_zones(epoch("2026-01-15T12:00Z"), {122: NEW_YORK, 7: KOLKATA, 9: "Mars/Olympus_Mons"}) == {
        122: clock("07:00"), 7: clock("17:30")}


@pytest.mark.parametrize("name, known", [
    (NEW_YORK, True), ("UTC", True), ("Europe/Kyiv", True), ("", False), ("Mars/Olympus_Mons", False), ("America", False),
    ("../../etc/passwd", False), ("/etc/localtime", False), ("America/New_York\0", False), ("x" * 5000, False)])
def test_only_iana_names_are_known_zones(name: str, known: bool) -> None:
    assert known_zone(name) is known


def test_a_zone_that_nobody_knows_is_closed() -> None:
    record = window(0, DAY, "Mars/Olympus_Mons")
    assert is_open(record, 0.0) is False and next_opening([record], 0.0) is None


@pytest.mark.parametrize("zone, local, moment", [
    (NEW_YORK, "2026-03-08T01:59:59", "2026-03-08T06:59:59Z"),
    (NEW_YORK, "2026-03-08T02:30:00", "2026-03-08T07:30:00Z"),      # skipped: half an hour after the change
    (NEW_YORK, "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"),
    (NEW_YORK, "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),      # repeated: the first of the two
    (NEW_YORK, "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"),
    (SYDNEY, "2026-10-04T02:15:00", "2026-10-03T16:15:00Z"),        # skipped, southern spring
    (SYDNEY, "2026-04-05T02:30:00", "2026-04-04T15:30:00Z"),        # repeated, southern autumn
    (LORD_HOWE, "2026-10-04T02:10:00", "2026-10-03T15:40:00Z"),     # skipped half hour
    (LORD_HOWE, "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"),     # repeated half hour
    (PHOENIX, "2026-03-08T02:30:00", "2026-03-08T09:30:00Z"),
    (KOLKATA, "2026-03-08T02:30:00", "2026-03-07T21:00:00Z"),
])
def test_a_local_time_has_one_instant_skipped_and_repeated_hours_included(zone: str, local: str, moment: str) -> None:
    assert local_to_epoch(datetime.fromisoformat(local), zone) == epoch(moment)


ZONES = st.sampled_from([NEW_YORK, "America/Los_Angeles", "America/Sao_Paulo", "America/St_Johns", "Europe/Berlin",
                         "Europe/London", "Africa/Casablanca", "Asia/Kathmandu", "Asia/Gaza", SYDNEY, PHOENIX, KOLKATA,
                         LORD_HOWE, CHATHAM, "Pacific/Apia", "America/Nuuk", "Africa/Cairo", "UTC"])
LOCAL = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


@given(LOCAL, ZONES)
def test_an_instant_read_back_is_the_local_time_that_was_asked_for_or_later(local: datetime, zone: str) -> None:
    back = datetime.fromtimestamp(local_to_epoch(local, zone), ZoneInfo(zone)).replace(tzinfo=None)
    assert back >= local
    skipped = any(utc_offset_s(local_to_epoch(local, zone) + hour * 3600, zone) != utc_offset_s(
        local_to_epoch(local, zone), zone) for hour in (-25, 25))
    assert back == local or skipped


# -- the next opening --------------------------------------------------------------------------------------------------
def opening(record: Record, moment: str) -> str | None:
    found = next_opening([record], epoch(moment))
    return None if found is None else datetime.fromtimestamp(found[0], ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("record, moment, expected", [
    # before, in and after the window of an ordinary day
    (window("08:00", "18:00"), "2026-01-14T12:00:00Z", "2026-01-14T13:00:00Z"),
    (window("08:00", "18:00"), "2026-01-14T15:12:13Z", "2026-01-14T15:12:13Z"),
    (window("08:00", "18:00"), "2026-01-14T23:00:00Z", "2026-01-15T13:00:00Z"),
    # over the night in which the clocks change: 8 o'clock comes an hour earlier, or later
    (window("08:00", "18:00"), "2026-03-07T23:30:00Z", "2026-03-08T12:00:00Z"),
    (window("08:00", "18:00"), "2026-10-31T23:30:00Z", "2026-11-01T13:00:00Z"),
    # the hour is skipped: the window opens at the change, or not at all on that day
    (window("02:30", "05:00"), "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"),
    (window("02:00", "03:00"), "2026-03-08T05:00:00Z", "2026-03-09T06:00:00Z"),
    # the hour is repeated: the window opens twice
    (window("01:30", "05:00"), "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"),
    (window("01:30", "05:00"), "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"),     # the second 01:10
    (window("00:30", "01:30"), "2026-11-01T05:45:00Z", "2026-11-01T06:00:00Z"),     # closed at the first 01:30
    (window("01:00", "01:30"), "2026-11-01T06:45:00Z", "2026-11-02T06:00:00Z"),
    # south, half hours, no daylight saving
    (window("02:30", "05:00", SYDNEY), "2026-10-03T15:00:00Z", "2026-10-03T16:00:00Z"),
    (window("02:10", "05:00", LORD_HOWE), "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"),
    (window("01:45", "01:50", LORD_HOWE), "2026-04-04T14:50:00Z", "2026-04-04T15:15:00Z"),
    (window("08:00", "18:00", KOLKATA), "2026-01-14T00:00:00Z", "2026-01-14T02:30:00Z"),
    (window("08:00", "18:00", PHOENIX), "2026-03-08T05:00:00Z", "2026-03-08T15:00:00Z"),
    # Samoa went over the date line: there was no 30 December 2011
    (window("08:00", "18:00", "Pacific/Apia"), "2011-12-30T09:00:00Z", "2011-12-30T18:00:00Z"),
    # windows that never open
    (window("09:00", "09:00"), "2026-01-14T12:00:00Z", None), (window("18:00", "08:00"), "2026-01-14T12:00:00Z", None),
])
def test_the_next_opening(record: Record, moment: str, expected: str | None) -> None:
    assert opening(record, moment) == expected


def test_the_next_opening_of_several_records_is_the_earliest_and_names_its_record() -> None:
    records = [window("18:00", "08:00"), window("12:00", "18:00"), window("10:00", "11:00"), window("10:00", "18:00")]
    found = next_opening(records, epoch("2026-01-14T05:00Z"))
    assert found is not None and found[0] == epoch("2026-01-14T10:00-05:00") and found[1] is records[2]
    assert next_opening([], 0.0) is None and next_opening(records[:1], 0.0) is None


def open_by_hand(record: Record, minute: int) -> bool:
    """Whether the window is open, read off the clock on the wall as a person would."""
    wall = datetime.fromtimestamp(minute, ZoneInfo(record.tz_name)).strftime("%H:%M")
    first, end = (f"{seconds // 3600:02}:{seconds // 60 % 60:02}" for seconds in (record.daily_from, record.daily_till))
    return first <= wall < end


CHANGES = st.sampled_from([
    (NEW_YORK, "2026-03-08T07:00Z"), (NEW_YORK, "2026-11-01T06:00Z"), (SYDNEY, "2026-10-03T16:00Z"),
    (SYDNEY, "2026-04-04T16:00Z"), (LORD_HOWE, "2026-10-03T15:30Z"), (LORD_HOWE, "2026-04-04T15:00Z"),
    ("Europe/London", "2026-03-29T01:00Z"), ("Europe/London", "2026-10-25T01:00Z"), (CHATHAM, "2026-09-26T14:00Z"),
    ("Africa/Cairo", "2026-04-23T22:00Z"), ("America/Nuuk", "2026-03-29T01:00Z"), (KOLKATA, "2026-03-08T07:00Z"),
    (PHOENIX, "2026-11-01T06:00Z")])


@given(CHANGES, st.integers(-40, 16).flatmap(lambda h: st.integers(h * 60, h * 60 + 59)), st.integers(0, 1438),
       st.integers(1, 300))
@example((NEW_YORK, "2026-03-08T07:00Z"), -60, 150, 10)
@example((NEW_YORK, "2026-11-01T06:00Z"), 10, 90, 30)
def test_the_next_opening_is_open_and_no_minute_before_it(change: tuple[str, str], minutes: int, first: int,
                                                          length: int) -> None:
    zone, moment = change
    record = window(first * 60, min(first + length, 1438) * 60, zone)
    now = int(epoch(moment)) + minutes * 60
    by_hand = next((now + 60 * n for n in range(4 * 1440) if open_by_hand(record, now + 60 * n)), None)
    found = next_opening([record], now)
    assert (None if found is None else found[0]) == by_hand
    assert by_hand is None or is_open(record, by_hand)


@given(LOCAL, ZONES, st.integers(-100, DAY + 100), st.integers(-100, DAY + 100), st.floats(0, 0.999))
def test_the_next_opening_is_open_to_the_second_in_every_zone(local: datetime, zone: str, opens: int, closes: int,
                                                              fraction: float) -> None:
    record, now = window(opens, closes, zone), local_to_epoch(local, zone) + fraction
    found = next_opening([record], now)
    if found is None:
        assert not any(is_open(record, now + 60 * n) for n in range(0, 2 * 1440, 7))
        return
    assert is_open(record, found[0]) and found[0] >= int(now)
    assert found[0] == int(now) or not is_open(record, found[0] - 1)
    assert found[0] - now <= timedelta(days=3).total_seconds()


# -- for how long it stays open ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("record, moment, most_s, open_s", [
    (window("08:00", "18:00"), "2026-03-10T17:59:00-04:00", 600.0, 60.0),
    (window("08:00", "18:00"), "2026-03-10T12:00:00-04:00", 600.0, 600.0),
    (window("08:00", "18:00"), "2026-03-10T18:00:00-04:00", 600.0, 0.0),
    (window(0, "23:59"), "2026-03-10T23:59:30-04:00", 14_400.0, 14_400.0),             # over midnight without a break
    (window("00:00", "03:00"), "2026-03-08T01:30:00-05:00", 14_400.0, 1_800.0),        # the clocks skip 02:00 to 03:00
    (window("00:00", "02:00"), "2026-11-01T01:30:00-04:00", 14_400.0, 5_400.0),        # they repeat 01:00 to 02:00
    (window("08:00", "18:00", "Nowhere/None"), "2026-03-10T12:00:00-04:00", 600.0, 0.0)])
def test_for_how_long_a_record_may_be_dialed(record: Record, moment: str, most_s: float, open_s: float) -> None:
    assert open_for_s(record, epoch(moment), ALWAYS_OPEN, most_s) == open_s


def test_the_hours_of_the_list_end_it_too() -> None:
    windows = ListWindows(parse_hours(["tue 09:00-12:00"]))
    assert open_for_s(window("08:00", "18:00"), epoch("2026-03-10T11:50:00-04:00"), windows, 3_600.0) == 600.0


@given(st.integers(0, 400 * DAY), st.integers(0, DAY), st.integers(0, DAY), st.sampled_from([NEW_YORK, SYDNEY, LORD_HOWE]),
       st.integers(1, 20_000))
def test_it_is_open_to_the_last_second_and_no_longer(at: int, opens: int, closes: int, zone: str, most_s: int) -> None:
    record, now = window(opens, closes, zone), 1_767_225_600 + at
    open_s = open_for_s(record, now, ALWAYS_OPEN, most_s)
    assert 0 <= open_s <= most_s
    assert all(is_open(record, now + second) for second in range(0, int(open_s), 97))
    assert open_s == 0 or is_open(record, now + open_s - 1)
    assert open_s == most_s or not is_open(record, now + open_s)
