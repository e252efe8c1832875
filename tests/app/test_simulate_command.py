"""`ocs simulate`: done 0, failed 1, wrong use 2; and scenarios from what was recorded."""
from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Iterator

import pytest
import tomli_w
from click.testing import CliRunner, Result
from sqlalchemy import delete
from twisted.logger import Logger

from ocs.app.cli.root import ocs
from ocs.app.simulate.estimate import estimate
from ocs.app.simulate.scenario import load_scenario
from ocs.database.backend import backend_for, transaction
from ocs.database.statements import Sql
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import Attempt, AttemptState
from ocs.simulation.roster import Roster
from ocs.store import schema
from ocs.store.attempts import insert_attempts
from ocs.store.registry import Catalog, create_list
from ocs.store.versions import upgrade
from tests.simulation.days import played

SMALL = """
name = "small"
hours = 0.1
interval_min = 1.0
[calling_list]
contacts = 200
[agents]
break_every_s = 0.0
[[shift]]
agents = 3
"""


@pytest.fixture
def utc() -> Iterator[None]:
    """The machine's own clock shows UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def run(*arguments: object, code: int = 0) -> Result:
    outcome = CliRunner().invoke(ocs, ["simulate", *map(str, arguments)])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    assert outcome.exit_code == code, outcome.output
    return outcome


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_a_scenario_is_simulated_and_reported(small: Path, tmp_path: Path) -> None:
    outcome = run(small, "--json", tmp_path / "a.json", "--html", tmp_path / "a.html")
    assert "utilisation" in outcome.stdout and "abandon rate" in outcome.stdout
    made = json.loads((tmp_path / "a.json").read_text())
    assert made["calls"] > 5 and made["scenario"]["name"] == "small"
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")


def test_a_list_that_is_dialed_through_is_told(small: Path) -> None:
    assert "nothing to dial" not in run(small).stdout
    small.write_text(SMALL.replace("contacts = 200", "contacts = 3"))
    told = run(small).stdout
    assert re.search(r"the list      had nothing to dial in \d+ minutes in which agents waited, first at \d\d:\d\d\n", told), told


def test_the_same_seed_gives_the_same_report_but_for_the_wall(small: Path, tmp_path: Path) -> None:
    def made(*more: object) -> dict[str, object]:
        report = json.loads(run(small, "--json", "-", *more).stdout)
        assert report.pop("wall")["seconds"] > 0.0
        return dict(report)
    first = made()
    assert first == made("--seed", "1") and first != made("--seed", "2")


def test_a_scenario_that_is_wrong_is_refused_by_its_fields(small: Path, tmp_path: Path) -> None:
    small.write_text(SMALL + "breaks = ['noon 3']\n[[event]]\nat = '10:00'\nkind = 'x'\n")
    said = run(small, "--json", tmp_path / "a.json", code=1).output
    assert "shift[1].breaks: a time of the day" in said and "event[1].kind: one of" in said and str(small) in said
    assert not (tmp_path / "a.json").exists()


def test_wrong_use_is_told(small: Path, tmp_path: Path) -> None:
    assert "give a SCENARIO" in run(code=2).output
    assert "give a SCENARIO" in run(small, "--from-history", "spring", code=2).output
    assert "--config FILE" in run("--from-history", "spring", code=2).output
    assert "belong to --from-history" in run(small, "--write-scenario", tmp_path / "x.toml", code=2).output
    assert "is no directory" in run(small, "--json", tmp_path / "nowhere" / "x.json", code=2).output
    run(tmp_path / "missing.toml", code=2)
    run(small, "--seed", "-1", code=2)


def test_help_says_what_it_does() -> None:
    said = run("--help").output
    for words in ("SCENARIO is a TOML file", "--from-history", "--write-scenario", "Exit status"):
        assert words in said


def test_the_sample_is_a_scenario_but_for_its_agents(tmp_path: Path) -> None:
    path = tmp_path / "sample.toml"
    path.write_text(run("--sample").stdout + "[[shift]]\nagents = 2\n")
    assert load_scenario(path).hours == 8.0


def test_a_failure_that_is_logged_is_told_and_fails_the_command(small: Path, monkeypatch: pytest.MonkeyPatch, logged) -> None:
    log = Logger()

    def stumble(self: Roster, place: int) -> None:
        try:
            raise KeyError("a bug")
        except KeyError:
            log.failure("stumbling")
    monkeypatch.setattr(Roster, "_arrive", stumble)
    assert "a bug" in run(small, code=1).output
    assert logged.failures(KeyError)


# -- from history --------------------------------------------------------------------------------------------------
def attempt(n: int, hour: float, **values: object) -> Attempt:
    """One that nobody answered, on 2026-03-10, the hour in UTC."""
    at = 1_773_100_800.0 + 3_600.0 * hour
    return replace(Attempt(f"G{n}", "spring", n, n, 1, f"+1212555{n:04}", 1, "renewals", "outbound", "S", at, AttemptState.CLOSED,
                           conn_id=f"C{n}", dialed_at=at, ended_at=at + 25.0, call_result=CallResult.NO_ANSWER), **values)


def answered(n: int, hour: float, agent_id: str, talk_s: float = 80.0) -> Attempt:
    one = attempt(n, hour)
    assert one.dialed_at is not None
    at = one.dialed_at
    return replace(one, call_result=CallResult.ANSWER, answered_at=at + 9.5, cpd_completed_at=at + 10.0,
                   agent_connected_at=at + 12.0, ended_at=at + 12.0 + talk_s, agent_id=agent_id)


def history() -> list[Attempt]:
    """From nine to twelve: a fifth, then half of a hundred calls an hour are answered; two agents, then four, then two."""
    made: list[Attempt] = []
    for hour, share, agents in ((9, 5, 2), (10, 5, 4), (11, 2, 2)):
        for call in range(100):
            n, at = len(made) + 1, hour + call / 110
            made.append(answered(n, at, str(1001 + call // share % agents)) if call % share == 0 else attempt(n, at))
    return made


def test_the_hours_that_were_recorded_become_the_day(utc: None) -> None:
    made = estimate(history()).mapping
    assert made["start"] == "2026-03-10T09:00+00:00" and made["hours"] == 3.0
    assert made["course"]["hit_ratio"] == ["09:00 0.2000", "10:00 0.2000", "11:00 0.5000"]
    assert made["people"]["person"] == 0.3 and made["people"]["answer_s"] == 8.0 and made["people"]["talk_s"] == 80.0
    assert made["calling_list"]["contacts"] == 360
    assert made["shift"] == [{"agents": 2}, {"agents": 2, "begins": "10:00", "ends": "11:00"}]


def test_hours_with_few_calls_are_counted_together(utc: None) -> None:
    few = [one for one in history() if (one.dialed_at or 0.0) % 3_600 < 900]
    assert [text.partition(" ")[0] for text in estimate(few).mapping["course"]["hit_ratio"]] == ["09:00"]


def test_what_is_not_known_is_said(utc: None) -> None:
    found = estimate([attempt(n, 9.0 + n / 100) for n in range(60)])
    assert "talk_s" not in found.mapping["people"] and found.mapping["shift"] == [{"agents": 10}]
    assert any("only 0 talks" in note for note in found.notes) and any("no agent is named" in note for note in found.notes)
    with pytest.raises(ValueError, match="no calls"):
        estimate([])


def test_a_simulated_day_is_recognized_in_its_own_history(utc: None) -> None:
    people = {"talk_s": 40.0, "answer_s": 8.0, "person": 0.5}
    account = played(hours=0.5, shift=[{"agents": 8}], people=people, start="2026-03-10T09:00Z")
    found = estimate(account.attempts).mapping
    totals = account.measures.totals
    assert found["people"]["person"] == pytest.approx(totals.answered / totals.calls, abs=0.02)
    assert found["people"]["answer_s"] == pytest.approx(8.0, abs=1.5)
    assert found["people"]["talk_s"] == pytest.approx(40.0, rel=0.2)
    assert found["shift"] == [{"agents": 8}] and found["start"] == "2026-03-10T09:00+00:00"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Its configuration; its database has the history."""
    url = f"sqlite:///{tmp_path}/ocs.sqlite"
    upgrade(url)
    with transaction(backend_for(url)) as work:
        create_list(work, Catalog(), "spring")
        insert_attempts(work, history())
    path = tmp_path / "ocs.toml"
    path.write_text(tomli_w.dumps({
        "database": {"url": url}, "dialing": {"pacing_tick_s": 2.0},
        "treatment": [{"name": "busy", "dbid": 1, "call_result": "busy", "action": "retry-in", "interval_min": 7.0}],
        "calling_list": [{"name": "spring", "dbid": 1, "treatments": ["busy"], "maximum_attempts": 4}],
        "agent_group": [{"name": "outbound", "dbid": 1, "agents": ["1001", "1002"], "dns": ["7001", "7002"]}],
        "campaign": [{"name": "renewals", "dbid": 1, "lists": ["spring"]}],
        "campaign_group": [{"campaign": "renewals", "group": "outbound", "dbid": 1, "mode": "progressive", "multiplier": 1.5,
                            "voice_transfer_destination": "8800", "trunk_group_dn": "8900"}]}))
    return path


def test_a_scenario_is_written_from_history_and_can_be_used(server: Path, tmp_path: Path, utc: None) -> None:
    path = tmp_path / "recorded.toml"
    said = run("--from-history", "renewals", "--config", server, "--write-scenario", path).output
    assert "after-call work" in said and "utilisation" not in said
    assert path.read_text().startswith("# from 300 calls of one day, ")
    scenario = load_scenario(path)
    assert scenario.campaign_group.mode is DialingMode.PROGRESSIVE and scenario.campaign_group.multiplier == 1.5
    assert scenario.campaign_group.trunk_group_dn == "6800" and scenario.dialing.pacing_tick_s == 2.0
    assert scenario.calling_list.maximum_attempts == 4 and scenario.calling_list.contacts == 360
    assert [(one.name, one.interval_min) for one in scenario.treatment] == [("busy", 7.0)]
    assert scenario.course.hit_ratio == ("09:00 0.2000", "10:00 0.2000", "11:00 0.5000")


def test_history_is_simulated_at_once(server: Path, tmp_path: Path, utc: None) -> None:
    run("--from-history", "renewals@outbound", "--config", server, "--json", tmp_path / "a.json", "--write-scenario",
        tmp_path / "a.toml")
    made = json.loads((tmp_path / "a.json").read_text())
    assert made["scenario"]["mode"] == "progressive" and made["talked"] > 30
    assert (tmp_path / "a.toml").exists()


def test_a_campaign_without_history_or_name_is_refused(server: Path, utc: None) -> None:
    assert "campaign spring: there is no such campaign (there: renewals@outbound)" in run(
        "--from-history", "spring", "--config", server, code=1).output
    url = server.read_text().split('url = "')[1].split('"')[0]
    with transaction(backend_for(url)) as work:
        work.run(Sql(delete(schema.attempts)))
    assert "campaign renewals: no calls are recorded" in run("--from-history", "renewals", "--config", server, code=1).output
