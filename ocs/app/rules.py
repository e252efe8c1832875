"""Treatments, filters, hours and holidays as option tables, and the values of the engine that they become."""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Iterable, Sequence

from ocs.dialing.actions import (
    CallAction,
    ExecuteSql,
    SendHttpRequest,
    SideEffect,
    Treatment,
    TreatmentAction,
    treatment_problems,
)
from ocs.dialing.dial_hours import known_zone
from ocs.dialing.filtering import FilterText
from ocs.dialing.holidays import HolidayCalendar, calendar_problem
from ocs.dialing.results import CallResult
from ocs.dialing.windows import ListWindows, parse_hours
from ocs.options import REQUIRED, NumberedText, option
from ocs.store.filters import text_fault

__all__ = ["DialingFilterOptions", "HolidayCalendarOptions", "TreatmentOptions", "calendar_of", "filter_problems", "filter_text",
           "hours_problems", "list_windows", "treatment_of"]


@dataclass(frozen=True)
class TreatmentOptions:
    """What follows a call result, or a disposition code; several of one trigger form a sequence."""

    name: str = option(REQUIRED, example="busy-retry", text="Name, unique; calling lists refer to it.")
    dbid: int = option(REQUIRED, example=1, low=1, text="Its number, unique; rescheduled records carry it.")
    call_result: CallResult | None = option(
        None, example=CallResult.BUSY, text="The result that it answers, by name or number; not given = a disposition.")
    disposition: str = option(
        "", text="In place of a call result: the value of the calling list's disposition_field that it answers.")
    action: TreatmentAction = option(REQUIRED, example=TreatmentAction.RETRY_IN, text="What is done with the record.")
    sequence: int = option(
        1, low=1, high=100, text="Its place among the treatments of the same result; a gap ends them.")
    cycle_attempts: int = option(
        1, low=1, high=1_000,
        text="How often it is applied before the next one of the sequence; of next-in-chain actions, passes through the chain.")
    interval_min: float = option(
        0.0, low=0, high=525_600, unit="minutes", example=10.0, text="How long to wait before the next attempt.")
    increment_min: float = option(
        0.0, low=0, high=525_600, unit="minutes",
        text="What is added to the interval from the second cycle attempt on.")
    date_time: str = option(
        "", text="For at-date actions and reschedule: 2026-12-24T10:00, by the clock in the record's time zone, or with Z or "
                 "an offset (2026-12-24T10:00+01:00) one instant for all.")
    call_action: CallAction = option(
        CallAction.NONE, choices=(CallAction.NONE, CallAction.CONNECT, CallAction.DROP, CallAction.TRANSFER),
        text="What is done with the call when a machine, fax or silence is detected; none = it is dropped.")
    destination_dn: str = option("", text="Where call_action transfer sends the call.")
    execute_sql: str = option("", text="Name of the prepared statement that runs each time this is applied.")
    send_http_request: str = option("", text="Name of the request that is sent each time this is applied.")

    def problems(self) -> list[str]:
        try:
            return list(treatment_problems(treatment_of(self)))
        except ValueError as error:
            return [str(error)]


def treatment_of(one: TreatmentOptions) -> Treatment:
    """The engine's value; ValueError names the option that cannot be read."""
    effects: list[SideEffect] = []
    if one.execute_sql:
        effects.append(ExecuteSql(one.execute_sql))
    if one.send_http_request:
        effects.append(SendHttpRequest(one.send_http_request))
    return Treatment(
        one.name, one.call_result, one.action, one.dbid, one.sequence, one.cycle_attempts, one.interval_min * 60.0,
        one.increment_min * 60.0, _moment(one.date_time), one.disposition, one.call_action, one.destination_dn, tuple(effects))


def _moment(text: str) -> datetime | None:
    try:
        if text and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:", text):
            raise ValueError
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"date_time: a date and time like 2026-12-24T10:00 is expected, not {text!r}") from None


@dataclass(frozen=True)
class HolidayCalendarOptions:
    """Days on which nobody is called: public holidays of a country, and days of one's own."""

    name: str = option(REQUIRED, example="us", text="Name, unique; calling lists refer to it.")
    country: str = option("", example="US", text="ISO 3166 code of the country whose public holidays are closed.")
    subdivision: str = option("", text="Part of the country, by the code's second half: CA of US-CA.")
    zones: tuple[str, ...] = option(
        (), text="Time zones to which it applies: IANA names, or beginnings like America/*; none = all.")
    closed_days: tuple[str, ...] = option((), text="Days of one's own: 2026-12-24, or 12-24 for every year.")
    open_days: tuple[str, ...] = option((), text="Public holidays on which is dialed nevertheless: 2026-10-12.")

    def problems(self) -> list[str]:
        found = [f"zones: there is no time zone {name}"
                 for name in self.zones if not name.endswith("*") and not known_zone(name)]
        if self.subdivision and not self.country:
            found.append("subdivision: a part of which country?")
        if not self.country and not self.closed_days:
            found.append("country: give a country, or days of your own")
        problem = calendar_problem(self.country, self.subdivision) if self.country else None
        if problem is not None:
            found.append(f"country: {problem}")
        try:
            calendar_of(self)
        except ValueError as error:
            found.append(str(error))
        return found


def calendar_of(one: HolidayCalendarOptions) -> HolidayCalendar:
    """The engine's value; ValueError names the day that cannot be read."""
    yearly = [text for text in one.closed_days if re.fullmatch(r"[0-9]{2}-[0-9]{2}", text)]
    return HolidayCalendar(
        one.country, one.subdivision, one.zones, frozenset(_days("closed_days", one.closed_days, yearly)),
        frozenset((day.month, day.day) for day in _days("closed_days", [f"2000-{text}" for text in yearly])),
        frozenset(_days("open_days", one.open_days)))


def _days(name: str, texts: Iterable[str], apart: Sequence[str] = ()) -> Iterable[date]:
    for text in texts:
        if text not in apart:
            try:
                yield date.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{name}: a day like 2026-12-24 is expected, not {text.removeprefix('2000-')!r}") from None


def hours_problems(hours: Sequence[str]) -> list[str]:
    """Why the lines of a list's hours cannot be read."""
    try:
        parse_hours(hours)
    except ValueError as error:
        return [f"hours: {error}"]
    return []


def list_windows(hours: Sequence[str], calendars: Iterable[HolidayCalendar]) -> ListWindows:
    """When a list is dialed; no hours = on all days."""
    return ListWindows(parse_hours(hours) if hours else None, tuple(calendars))


@dataclass(frozen=True)
class DialingFilterOptions:
    """Which records of a list are dialed, in which order; for several lists that have the same columns."""

    name: str = option(REQUIRED, example="promising", text="Name, unique; calling lists refer to it.")
    criteria: NumberedText = option(
        NumberedText(), example="attempt < 3",
        text="What a record must meet to be dialed, as behind WHERE in SQL, over the list's own columns; none = every record. A "
             "long text goes on in criteria1, criteria2 ...")
    order_by: NumberedText = option(
        NumberedText(), example="record_id DESC",
        text="What is dialed first, as behind ORDER BY in SQL; it rules the phones of a chain, too. It goes on in order_by1 ...")

    def problems(self) -> list[str]:
        return filter_problems(self.criteria, self.order_by)


def filter_problems(criteria: NumberedText, order_by: NumberedText) -> list[str]:
    """What is wrong with a filter whatever columns its list has."""
    fault = text_fault(dict((*criteria.pieces, *order_by.pieces)))
    return [] if fault is None else [str(fault)]


def filter_text(criteria: NumberedText, order_by: NumberedText, name: str = "") -> FilterText | None:
    """The engine's value; None where there is nothing to filter by."""
    if not criteria.strip() and not order_by.strip():
        return None
    return FilterText((*criteria.pieces, *order_by.pieces), name)
