"""`ocs report compliance`: the evidence per campaign and day, from nothing but the database and the rules."""
from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Callable

import pytest
from click.testing import CliRunner

from ocs.app.cli.root import ocs
from ocs.database.backend import backend_for, transaction
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState
from ocs.store.attempts import write_attempts
from ocs.store.compliance import write_rule_periods
from tests.doubles.clock import epoch
from tests.postgres import upgraded_database

OWN = """
name = "own"
title = "Our own"
source = "House rule 7"
version = "2026-03"
[abandon]
limit_percent = 10.0
window = "rolling"
window_h = 24
tolerated = 1
"""
CONFIGURATION = """
[database]
url = "URL"
[compliance]
rules_directory = "rules"
[[calling_list]]
name = "spring"
dbid = 7
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
rules = ["own"]
"""
Run = Callable[..., Any]


def attempts(day: str, answered: int, abandoned: int, campaign: str = "renewals", dialed: int = 0) -> list[Attempt]:
    """`answered` calls of a day from noon on, one a minute, the abandoned ones first; and `dialed` that nobody answered."""
    made = []
    for number in range(answered + dialed):
        at = epoch(f"{day}T12:00Z") + 60 * number
        one = Attempt(f"{campaign} {day} {number}", "spring", 1, 1, 0, "+12125550001", 1, campaign, "outbound", "S", at,
                      AttemptState.CLOSED, ended_at=at + 30, call_result=CallResult.NO_ANSWER)
        if number < answered:
            lost = number < abandoned
            one = Attempt(**{**{name: getattr(one, name) for name in one.__slots__}, "answered_at": at, "cpd_completed_at": at,
                             "agent_connected_at": None if lost else at + 1,
                             "call_result": CallResult.ABANDONED if lost else CallResult.ANSWER})
        made.append(one)
    return made


def period(kind: PeriodOf, guid: str, began: str, till: str | None, seen: str = "2026-03-03T12:30Z",
           rule: str = "own") -> RulePeriod:
    return RulePeriod(guid, kind, "renewals", "renewals@outbound", 1, rule, "2026-03", "House rule 7", "", epoch(began),
                      epoch(seen), None if till is None else epoch(till))


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """`run(*arguments)` with the site's configuration; the outcome's output, or the error where `code` says so."""
    url = upgraded_database(request, request.param, tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(OWN)
    (tmp_path / "ocs.toml").write_text(CONFIGURATION.replace("URL", url))
    with transaction(backend_for(url)) as work:
        write_attempts(work, [*attempts("2026-03-01", 20, 2, dialed=30), *attempts("2026-03-02", 10, 3, dialed=5),
                              *attempts("2026-03-03", 2, 0), *attempts("2026-03-02", 5, 5, "autumn")])
        write_rule_periods(work, [
            period(PeriodOf.IN_FORCE, "A", "2026-03-01T11:00Z", "2026-03-02T18:00Z"),
            period(PeriodOf.HARD_STOP, "B", "2026-03-02T12:10Z", "2026-03-02T12:40Z"),
            period(PeriodOf.HARD_STOP, "C", "2026-03-02T12:30Z", "2026-03-02T13:00Z"),       # of another server
            period(PeriodOf.HARD_STOP, "D", "2026-03-02T23:50Z", None, "2026-03-03T00:20Z"),        # its server died
            period(PeriodOf.HARD_STOP, "E", "2026-03-02T14:00Z", "2026-03-02T15:00Z", rule="other")])

    def command(*arguments: str, code: int = 0, configured: bool = True, what: str = "compliance") -> str:
        where = ("--config", str(tmp_path / "ocs.toml")) if configured else ("--database", url)
        outcome = CliRunner().invoke(ocs, ["report", what, *where, *arguments])
        assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
        assert outcome.exit_code == code, outcome.output
        return outcome.output

    return command


def days(run: Run, *arguments: str, **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(run(*arguments, "--json", **options))["days"]
    return {(one["campaign"], one["day"]): one for one in found}


def test_each_day_has_its_counts_and_how_the_window_stood_when_it_was_over(run: Run) -> None:
    found = days(run, "--from", "2026-03-01", "--to", "2026-03-04")
    assert set(found) == {("renewals", f"2026-03-0{day}") for day in (1, 2, 3, 4)}
    first, second, third, fourth = found.values()
    assert (first["dialed"], first["answered"], first["abandoned"], first["rate"], first["verdict"]) == (50, 20, 2, 0.1, "within")
    assert first["counts"] == {"abandoned": 2, "connected": 18} and first["worst_rate"] == 1.0
    assert (second["dialed"], second["answered"], second["abandoned"]) == (15, 10, 3)
    assert (second["window_answered"], second["window_abandoned"], second["rate"]) == (10, 3, 0.3)
    assert second["verdict"] == "over" and second["limit"] == 0.1 and second["window"] == "the last 24 hours"
    assert (second["rule"], second["version"], second["source"], second["zone"]) == ("own", "2026-03", "House rule 7", "UTC")
    assert (third["verdict"], third["answered"], third["rate"]) == ("within", 2, 0.0)
    assert (fourth["verdict"], fourth["dialed"], fourth["rate"], fourth["worst_rate"]) == ("no calls", 0, None, None)


def test_minutes_in_hard_stop_are_those_in_which_any_server_held_back_by_this_rule(run: Run) -> None:
    found = days(run, "--from", "2026-03-01", "--to", "2026-03-03")
    assert [one["hard_stop_min"] for one in found.values()] == [0.0, 60.0, 20.0]


def test_the_days_are_those_of_a_zone(run: Run) -> None:
    found = days(run, "--from", "2026-03-02", "--to", "2026-03-02", "--zone", "Pacific/Auckland")
    (one,) = found.values()
    assert one["zone"] == "Pacific/Auckland" and one["dialed"] == 50     # noon of March 1 in UTC is March 2 there


def test_without_dates_it_is_the_days_up_to_the_last_call(run: Run) -> None:
    found = days(run)
    assert ("renewals", "2026-03-03") in found and len([one for one in found if one[0] == "renewals"]) == 30


def test_people_are_not_shown_the_days_before_the_first_call(run: Run) -> None:
    shown = [line for line in run().splitlines() if line.lstrip().startswith("2026-")]
    assert [line.split()[0] for line in shown] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert "30 days, 1 of them over a limit; the first 27, without calls, are not shown" in run()
    quiet = run("--from", "2026-01-01", "--to", "2026-01-03")
    assert "2026-01-03" in quiet and "3 days, none over a limit; the first 2, without calls, are not shown" in quiet


def test_a_campaign_is_judged_by_a_rule_that_was_in_force_where_no_configuration_is_given(run: Run) -> None:
    assert days(run, "--from", "2026-03-01", "--to", "2026-03-02", configured=False) == {}     # own.toml is not there
    text = run("--from", "2026-03-01", "--to", "2026-03-02", configured=False)
    assert text == "no rule about abandoned calls holds for what was dialed (--rule NAME judges by one)\n"
    found = days(run, "--from", "2026-03-02", "--to", "2026-03-02", "--rule", "uk-ofcom", "--campaign", "autumn",
                 configured=False)
    (one,) = found.values()
    assert one["rule"] == "uk-ofcom" and one["verdict"] == "over" and one["rate"] == 1.0


def test_which_rules_were_in_force_is_a_part_of_the_evidence(run: Run) -> None:
    (one,) = json.loads(run("--from", "2026-03-01", "--to", "2026-03-02", "--json"))["in_force"]
    assert (one["rule"], one["version"], one["campaign_group"]) == ("own", "2026-03", "renewals@outbound")


def test_people_and_spreadsheets_read_the_same(run: Run) -> None:
    text = run("--from", "2026-03-01", "--to", "2026-03-02")
    assert "campaign renewals" in text and "rule own, version 2026-03: House rule 7; counted over the last 24 hours" in text
    assert "3 of 10" in text and "30.00 %" in text and "2 days, 1 of them over a limit" in text
    rows = list(csv.DictReader(io.StringIO(run("--from", "2026-03-01", "--to", "2026-03-02", "--csv"))))
    assert [(row["day"], row["verdict"], row["abandoned"], row["calls_abandoned"], row["calls_connected"]) for row in rows] == [
        ("2026-03-01", "within", "2.0", "2", "18"), ("2026-03-02", "over", "3.0", "3", "7")]


@pytest.mark.parametrize("arguments, told", [
    (("--campaign", "winter"), "campaign winter: nothing was dialed for it; there are autumn, renewals"),
    (("--rule", "moon"), "there is no rule moon; there are au-standard"),
])
def test_what_there_is_not_is_named(run: Run, arguments: tuple[str, ...], told: str) -> None:
    assert told in run(*arguments, code=1)


@pytest.mark.parametrize("arguments, told", [
    (("--from", "1.3.2026"), "is not a day like 2026-03-31"),
    (("--from", "2026-03-02", "--to", "2026-03-01"), "--from 2026-03-02 is after --to 2026-03-01"),
    (("--zone", "Mars"), "there is no time zone Mars"),
    (("--json", "--csv"), "--json or --csv, not both"),
])
def test_wrong_use_is_told(run: Run, arguments: tuple[str, ...], told: str) -> None:
    assert told in run(*arguments, code=2)


def test_every_attempt_on_a_number_is_told_with_what_came_of_it(run: Run) -> None:
    found = json.loads(run("(212) 555-0001", "--json", what="number"))
    assert found["number"] == "+12125550001" and found["rule"] == "us-ftc" and len(found["attempts"]) == 72
    first, *_, last = found["attempts"]
    assert (first["at (UTC)"], first["campaign"], first["result"], first["counts as"]) == (
        "2026-03-01 12:00:00", "renewals@outbound", "Abandoned", "abandoned")
    assert (last["at (UTC)"], last["result"], last["counts as"]) == ("2026-03-03 12:01:00", "Answer", "connected")
    text = run("+12125550001", "--from", "2026-03-03", what="number")
    assert "+12125550001: 2 attempts; counted by rule us-ftc" in text and "connected" in text
    assert run("+12125550009", what="number") == "+12125550009: no attempts\n"
    assert "'12'" in run("12", what="number", code=2)
    assert "there is no rule moon" in run("+12125550001", "--rule", "moon", what="number", code=1)
