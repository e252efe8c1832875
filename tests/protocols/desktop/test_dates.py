"""GSW_DATE_TIME: read leniently where nothing has to be guessed."""
from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.desktop.dates import format_date_time, parse_date_time


@pytest.mark.parametrize("text, moment", [
    ("01/05/2026 09:05", datetime(2026, 1, 5, 9, 5)),
    ("1/5/2026 9:5", datetime(2026, 1, 5, 9, 5)),
    ("12/31/26 23:59", datetime(2026, 12, 31, 23, 59)),
    (" 2/29/2028   0:00 ", datetime(2028, 2, 29)),
])
def test_month_day_year_is_read_with_or_without_leading_zeros(text, moment):
    assert parse_date_time(text) == moment


@pytest.mark.parametrize("text", [
    "", "01/05/2026", "2026-01-05 09:05", "31/12/2026 09:00", "01-05-2026 09:05", "02/29/2026 00:00",
    "01/05/2026 24:00", "01/05/2026 09:60",
    "01/05/2026 09:05:00", "01/05/2026T09:05", "01/05/20260 09:05", "٠١/05/2026 09:05",
    "01/05/2026" + " " * 1000 + "09:05", "01/05/2026 9:05 PM",
])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        parse_date_time(text)


@given(st.datetimes(datetime(1000, 1, 1)))
def test_what_is_written_is_read_back_to_the_minute(moment):
    assert parse_date_time(format_date_time(moment)) == moment.replace(second=0, microsecond=0)


@given(st.text(max_size=40) | st.text("0123456789/: ", max_size=20))
def test_any_text_is_a_moment_or_a_value_error(text):
    try:
        assert parse_date_time(text).second == 0
    except ValueError:
        pass
