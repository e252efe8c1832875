"""When the do-not-call list is read again: now and then, at a time of the day, also where daylight saving changes the day."""
from __future__ import annotations

import time
import tomllib
from typing import Any, Iterator

import pytest

from ocs.app.config import OCSOptions
from ocs.app.rereads import Rereads, next_at, time_of_day
from ocs.errors import ConfigurationError
from ocs.options import load
from tests.doubles.clock import clock_at, epoch


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text, read", [("03:30", (3, 30)), ("23:59", (23, 59)), ("24:00", None), ("3:30", None), ("", None),
                                        ("03:30:00", None), ("٠٣:٣٠", None)])
def test_a_time_of_the_day(text: str, read: Any) -> None:
    assert time_of_day(text) == read


@pytest.mark.parametrize("now, daily, every_s, expected", [
    ("2026-03-03T12:00-05:00", "", 0.0, None),
    ("2026-03-03T12:00-05:00", "", 600.0, "2026-03-03T12:10-05:00"),
    ("2026-03-03T12:00-05:00", "13:15", 0.0, "2026-03-03T13:15-05:00"),
    ("2026-03-03T13:15-05:00", "13:15", 0.0, "2026-03-04T13:15-05:00"),
    ("2026-03-03T13:00-05:00", "13:15", 3600.0, "2026-03-03T13:15-05:00"),
    ("2026-03-07T12:00-05:00", "03:30", 0.0, "2026-03-08T03:30-04:00"),        # the night that loses an hour
    ("2026-10-31T12:00-04:00", "03:30", 0.0, "2026-11-01T03:30-05:00"),        # and the one that gains it
])
def test_the_next_time_is_by_the_machines_own_clock(in_new_york: None, now: str, daily: str, every_s: float,
                                                    expected: str | None) -> None:
    assert next_at(epoch(now), daily, every_s) == (None if expected is None else epoch(expected))


def test_the_list_is_read_at_these_times_and_no_others(in_new_york: None) -> None:
    clock, read = clock_at("2026-03-03T12:00-05:00"), list[float]()
    rereads = Rereads(clock, lambda: read.append(clock.wall()))
    clock.pump([600.0] * 144)
    assert read == [] and clock.getDelayedCalls() == []
    rereads.use("03:30", 0.0)
    clock.pump([600.0] * 288)
    assert read == [epoch("2026-03-05T03:30-05:00"), epoch("2026-03-06T03:30-05:00")]
    rereads.use("", 30.0)
    clock.pump([600.0] * 7)
    rereads.use("", 30.0)           # nothing has changed: the next one is not put off
    assert len(read) == 4
    clock.pump([600.0] * 2)
    assert len(read) == 5
    rereads.stop()
    assert clock.getDelayedCalls() == []


def test_a_clock_that_is_set_meanwhile_is_noticed_within_the_hour(in_new_york: None) -> None:
    clock, read = clock_at("2026-03-03T12:00-05:00"), list[float]()
    Rereads(clock, lambda: read.append(clock.wall())).use("18:00", 0.0)
    clock.step_wall(6 * 3600.0 + 60.0)
    clock.pump([600.0] * 6)
    assert len(read) == 1


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(OCSOptions, tomllib.loads('[dialing]\ndnc_reread_daily = "soon"'))
    assert "dialing.dnc_reread_daily: a time of the day like 03:30 is expected, not 'soon'" in str(refused.value)
