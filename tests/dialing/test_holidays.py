"""Closed days: public holidays of countries and their parts, days of one's own, and the zones they are for."""
from __future__ import annotations

from datetime import date

import pytest

from ocs.dialing.holidays import HolidayCalendar, calendar_problem, public_holidays

CHRISTMAS, CHRISTMAS_EVE, EPIPHANY = date(2026, 12, 25), date(2026, 12, 24), date(2026, 1, 6)


@pytest.mark.parametrize("country, subdivision, day, closed", [
    ("US", "", CHRISTMAS, True), ("US", "", date(2026, 7, 4), True), ("US", "", date(2026, 7, 3), True),   # observed: a Friday
    ("US", "", date(2026, 11, 26), True), ("US", "", date(2026, 11, 27), False), ("US", "CA", date(2026, 11, 27), True),
    ("DE", "", EPIPHANY, False), ("DE", "BY", EPIPHANY, True), ("DE", "BE", EPIPHANY, False),
    ("GB", "SCT", date(2026, 1, 2), True), ("GB", "ENG", date(2026, 1, 2), False),
    ("FR", "", date(2026, 7, 14), True), ("FR", "", date(2027, 7, 14), True), ("JP", "", CHRISTMAS, False),
])
def test_public_holidays_are_closed(country: str, subdivision: str, day: date, closed: bool) -> None:
    assert HolidayCalendar(country, subdivision).closes(day, "Europe/Berlin") is closed


def test_movable_feasts_move() -> None:
    good_fridays = [min(day for day in public_holidays("DE", "", year) if day.month > 2) for year in (2026, 2027, 2028)]
    assert good_fridays == [date(2026, 4, 3), date(2027, 3, 26), date(2028, 4, 14)]


@pytest.mark.parametrize("country, subdivision, problem", [
    ("XX", "", "no public holidays are known for XX"), ("US", "ZZ", "no public holidays are known for US-ZZ"),
    ("", "", "no public holidays are known for "), ("us; drop", "", "no public holidays are known for us; drop"),
    ("US", "CA", None),
])
def test_a_place_that_nobody_knows_is_named(country: str, subdivision: str, problem: str | None) -> None:
    assert calendar_problem(country, subdivision) == problem


def test_days_of_ones_own_are_closed_once_or_every_year() -> None:
    calendar = HolidayCalendar(dates=frozenset({CHRISTMAS_EVE}), yearly=frozenset({(12, 31), (2, 29)}))
    closed = [date(2026, 12, 24), date(2026, 12, 31), date(2027, 12, 31), date(2028, 2, 29)]
    assert all(calendar.closes(day, "UTC") for day in closed)
    assert not any(calendar.closes(day, "UTC") for day in (date(2027, 12, 24), CHRISTMAS, date(2027, 2, 28)))


def test_a_public_holiday_can_be_dialed_nevertheless_but_not_a_day_of_ones_own() -> None:
    calendar = HolidayCalendar("US", dates=frozenset({CHRISTMAS_EVE}), open_dates=frozenset({CHRISTMAS, CHRISTMAS_EVE}))
    assert not calendar.closes(CHRISTMAS, "UTC") and calendar.closes(CHRISTMAS_EVE, "UTC")


@pytest.mark.parametrize("zones, zone, closed", [
    ((), "Asia/Tokyo", True), (("America/*",), "America/New_York", True), (("America/*",), "Europe/Berlin", False),
    (("Europe/Berlin", "Europe/Zurich"), "Europe/Zurich", True), (("Europe/Berlin",), "Europe/Berlin/x", False),
])
def test_a_calendar_is_for_its_zones(zones: tuple[str, ...], zone: str, closed: bool) -> None:
    assert HolidayCalendar("US", zones=zones).closes(CHRISTMAS, zone) is closed
