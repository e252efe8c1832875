"""Treatments, hours and holidays in the configuration: what they become, and how mistakes are named."""
from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.dialing.actions import CallAction, ExecuteSql, SendHttpRequest, TreatmentAction
from ocs.dialing.campaign import CallingList
from ocs.dialing.holidays import HolidayCalendar
from ocs.dialing.results import CallResult
from ocs.dialing.windows import ALWAYS_OPEN, parse_hours
from ocs.errors import ConfigurationError
from ocs.options import load

REST = """
[[calling_list]]
name = "spring"
dbid = 7
treatments = ["one"]
disposition_field = "code"
LIST
[[agent_group]]
name = "outbound"
dbid = 3
agents = ["1001"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 2
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
voice_transfer_destination = "6001"
"""


OUTSIDE = """
[[http_request]]
name = "crm"
uri = "https://crm.example/"
[[sql_statement]]
name = "note"
statement = "DELETE FROM note"
"""


def text(treatment: str, listed: str = "", more: str = "") -> str:
    return f'{more}\n[[treatment]]\nname = "one"\ndbid = 5\n{treatment}{REST.replace("LIST", listed)}'


def calling_list(configured: str) -> CallingList:
    [group] = to_campaign_groups(load(OCSOptions, tomllib.loads(configured))).values()
    return group.lists[0]


def problems(configured: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(OCSOptions, tomllib.loads(configured))
    return caught.value.problems


def test_a_treatment_has_everything_that_is_configured() -> None:
    [one] = calling_list(text('disposition = "cold"\naction = 5\ndate_time = "2026-12-24T10:00"\nexecute_sql = "note"\n'
                              'send_http_request = "crm"\nsequence = 2', more=OUTSIDE)).treatments
    assert (one.trigger, one.call_result, one.action, one.sequence) == ("cold", None, TreatmentAction.RETRY_AT_DATE, 2)
    assert one.date == datetime(2026, 12, 24, 10) and one.effects == (ExecuteSql("note"), SendHttpRequest("crm"))


def test_a_date_with_an_offset_is_an_instant() -> None:
    [one] = calling_list(text('call_result = 6\naction = "retry-at-date"\ndate_time = "2026-12-24 10:00:30+01:00"')).treatments
    assert one.date == datetime(2026, 12, 24, 10, 0, 30, tzinfo=timezone(timedelta(hours=1)))


def test_a_treatment_can_rule_the_call() -> None:
    [one] = calling_list(text('call_result = "fax-detected"\naction = "none"\ncall_action = "transfer"\n'
                              'destination_dn = "7500"')).treatments
    assert (one.call_result, one.call_action, one.destination_dn) == (CallResult.FAX_DETECTED, CallAction.TRANSFER, "7500")


@pytest.mark.parametrize("treatment, problem", [
    ('call_result = 6\naction = "retry-at-date"\ndate_time = "tomorrow"',
     "treatment[1].date_time: a date and time like 2026-12-24T10:00 is expected, not 'tomorrow'"),
    ('call_result = 6\naction = "retry-at-date"\ndate_time = "2026-12-24"',
     "treatment[1].date_time: a date and time like 2026-12-24T10:00 is expected, not '2026-12-24'"),
    ('call_result = 6\naction = "retry-at-date"', "treatment[1].date_time: retry-at-date needs a date and time"),
    ('action = "redial"', "treatment[1].call_result: give either a call result or a disposition"),
    ('call_result = 47\naction = "next-in-chain"', "treatment[1].action: next-in-chain is not possible after Agent CallBack"
     " Error (possible: redial, retry-in, retry-at-date, assign-to-group, mark-as-agent-error)"),
    ('call_result = 9\naction = "none"\ncall_action = "route"',
     "treatment[1].call_action: one of none, connect, drop, transfer is expected, not 'route'"),
    ('call_result = 6\naction = 12', "treatment[1].action: one of none, update-record, update-chain, redial, retry-in,"
     " retry-at-date, next-in-chain, next-in-chain-after, next-in-chain-at-date, assign-to-group, mark-as-agent-error,"
     " reschedule, execute-sql, send-http-request is expected, not 12"),
])
def test_a_wrong_treatment_is_named(treatment: str, problem: str) -> None:
    assert problems(text(treatment)) == [problem]


def test_treatments_of_a_list_must_not_stand_in_each_others_place() -> None:
    other = '[[treatment]]\nname = "two"\ndbid = 6\n{}\n'
    both = 'treatments = ["one", "two"]'
    code = 'disposition = "cold"\naction = "redial"'
    assert problems(text(code, more=other.format(code)).replace('treatments = ["one"]', both)) == [
        "calling_list[1].treatments: one and two both answer cold as no. 1"]
    rule = 'call_result = 9\naction = "{}"\ncall_action = "connect"'
    found = problems(text(rule.format("none"), more=other.format(rule.format("redial"))).replace('treatments = ["one"]', both))
    assert found == ["calling_list[1].treatments: one and two both rule the call after Answering Machine Detected"]
    alone = text('call_result = 9\naction = "redial"', more=other.format(rule.format("none")))
    assert len(calling_list(alone.replace('treatments = ["one"]', both)).treatments) == 2


def test_dispositions_need_a_field_to_be_found_in() -> None:
    configured = text('disposition = "cold"\naction = "redial"').replace('disposition_field = "code"', "")
    assert problems(configured) == [
        "calling_list[1].treatments: one answers a disposition, but the list has no disposition_field"]


# -- hours and holidays ------------------------------------------------------------------------------------------------
BUSY = 'call_result = 6\naction = "redial"'
BAVARIA = """
[[holiday_calendar]]
name = "bavaria"
country = "DE"
subdivision = "BY"
zones = ["Europe/Berlin", "Africa/*"]
closed_days = ["2026-12-24", "12-31"]
open_days = ["2026-01-06"]
"""


def test_hours_and_calendars_become_the_lists_windows() -> None:
    windows = calling_list(text(BUSY, 'hours = ["mon-fri 08:00-20:00"]\nholiday_calendars = ["bavaria"]', BAVARIA)).windows
    assert windows.hours == parse_hours(["mon-fri 08:00-20:00"])
    assert windows.calendars == (HolidayCalendar("DE", "BY", ("Europe/Berlin", "Africa/*"), frozenset({date(2026, 12, 24)}),
                                                 frozenset({(12, 31)}), frozenset({date(2026, 1, 6)})),)
    assert calling_list(text(BUSY)).windows == ALWAYS_OPEN


@pytest.mark.parametrize("listed, old, new, problem", [
    ('hours = ["mon 8-20"]', "", "", "calling_list[1].hours: 'mon 8-20': a time like 08:00-20:00 is expected, not 8-20"),
    ('holiday_calendars = ["texas"]', "", "",
     "calling_list[1].holiday_calendars: there is no holiday calendar texas (in calling_list spring)"),
    ("", '"DE"', '"XX"', "holiday_calendar[1].country: no public holidays are known for XX-BY"),
    ("", 'country = "DE"', "", "holiday_calendar[1].subdivision: a part of which country?"),
    ("", "12-31", "12-32", "holiday_calendar[1].closed_days: a day like 2026-12-24 is expected, not '12-32'"),
    ("", "2026-12-24", "24.12.", "holiday_calendar[1].closed_days: a day like 2026-12-24 is expected, not '24.12.'"),
    ("", "2026-01-06", "01-06", "holiday_calendar[1].open_days: a day like 2026-12-24 is expected, not '01-06'"),
    ("", "Europe/Berlin", "Europe/Munich", "holiday_calendar[1].zones: there is no time zone Europe/Munich"),
])
def test_wrong_hours_and_calendars_are_named(listed: str, old: str, new: str, problem: str) -> None:
    assert problems(text(BUSY, listed, BAVARIA.replace(old, new) if old else BAVARIA)) == [problem]


def test_the_documented_example_is_a_configuration() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "treatments.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    options = load(OCSOptions, tomllib.loads(example))
    assert len(options.treatment) == len(options.calling_list[0].treatments) == 5


def test_a_calendar_without_a_country_needs_days() -> None:
    assert problems(text(BUSY, more='[[holiday_calendar]]\nname = "own"')) == [
        "holiday_calendar[1].country: give a country, or days of your own"]
    own = '[[holiday_calendar]]\nname = "own"\nclosed_days = ["12-24"]'
    [calendar] = calling_list(text(BUSY, 'holiday_calendars = ["own"]', own)).windows.calendars
    assert calendar.closes(date(2030, 12, 24), "UTC") and not calendar.closes(date(2030, 12, 25), "UTC")


def test_a_treatment_may_only_ask_for_what_there_is() -> None:
    assert problems(text('call_result = "busy"\naction = "redial"\nexecute_sql = "nothing"\nsend_http_request = "nobody"')) == [
        "treatment[1].send_http_request: there is no HTTP request nobody",
        "treatment[1].execute_sql: there is no SQL statement nothing"]
