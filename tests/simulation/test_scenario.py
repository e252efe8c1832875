"""Scenario files: what is wrong is named, all at once; what changes in the course of the day; shares that fit."""
from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ocs.app.simulate.scenario import Scenario, campaign_group, load_scenario, read_scenario
from ocs.dialing.results import DialingMode
from ocs.errors import ConfigurationError
from ocs.options import sample
from ocs.simulation.center import seats
from ocs.simulation.director import seats_needed
from ocs.simulation.scenario import PeopleOptions, breaks_of, offset_s, steps_of, with_shares

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "etc" / "scenarios").glob("*.toml"))


def problems(**tables: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_scenario({"shift": [{"agents": 3}], **tables})
    return list(caught.value.problems)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_that_come_along_can_be_used(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.name and seats_needed(scenario) > 0
    assert campaign_group(scenario, seats(seats_needed(scenario))).lists[0].maximum_attempts == 10


def test_there_are_scenarios() -> None:
    assert {"day", "disturbances", "shifts-and-breaks", "blended"} <= {path.stem for path in SCENARIOS}


@pytest.mark.parametrize("tables, said", [
    ({"shift": []}, "shift: at least one [[shift]] is needed"),
    ({"start": "2026-03-10T09:00"}, "start: a time such as 2026-03-10T09:00-04:00, with its offset"),
    ({"start": "tomorrow"}, "start: a time such as"),
    ({"hours": 25}, "hours: 0.01 to 24 is expected"),
    ({"people": {"person": 0.9, "machine": 0.3}}, "people.person: the five shares add up"),
    ({"people": {"talk": 3}}, "people.talk: unknown option"),
    ({"calling_list": {"zone": "Atlantis/Centre"}}, "calling_list.zone: 'Atlantis/Centre' is no time zone"),
    ({"calling_list": {"daily_from": "8"}}, "calling_list.daily_from: a time of the day like 08:30"),
    ({"course": {"hit_ratio": ["09:00 0.2", "noon 0.4"]}}, "course.hit_ratio: a time of the day and a value"),
    ({"course": {"hit_ratio": ["09:00 1.2"]}}, "course.hit_ratio: 1.2 is not 0 to 1"),
    ({"course": {"talk_s": ["09:00 nan"]}}, "course.talk_s: a time of the day and a value"),
    ({"shift": [{"agents": 0}]}, "shift[1].agents: 1 to 10000 is expected"),
    ({"shift": [{"begins": "25:00"}]}, "shift[1].begins: a time of the day like 08:30"),
    ({"shift": [{"begins": "03:00"}]}, "shift[1].begins: 03:00 is not within the 8 hours"),
    ({"shift": [{"breaks": ["12:00"]}]}, "shift[1].breaks: a time of the day and minutes"),
    ({"shift": [{"breaks": ["12:00 -5"]}]}, "shift[1].breaks: a break lasts"),
    ({"event": [{"at": "10:30", "kind": "earthquake"}]}, "event[1].kind: one of hit-ratio"),
    ({"event": [{"at": "23:30", "kind": "hit-ratio", "value": 0.5}]}, "event[1].at: 23:30 is not within the 8 hours"),
    ({"event": [{"at": "10:30", "kind": "agents-leave", "value": 5}]}, "event[1].value: 0 to 1 is expected of agents-leave"),
    ({"event": [{"at": "10:30", "kind": "link-lost"}]}, "event[1].lasts_s: how long"),
    ({"campaign_group": {"mode": "push-preview"}}, "campaign_group.mode: one of"),
    ({"campaign_group": {"cpd": True}}, "campaign_group.cpd: there is no such dialer"),
    ({"campaign_group": {"mode": "progressive-seizing"}}, "campaign_group.trunk_group_dn: needed in mode progressive-seizing"),
    ({"treatment": [{"name": "a", "dbid": 1, "call_result": "busy", "action": "retry-in"}] * 2}, "treatment[1].name: a is given"),
])
def test_what_is_wrong_is_named(tables: dict[str, Any], said: str) -> None:
    found = problems(**tables)
    assert any(problem.startswith(said) for problem in found), found


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems(hours=0, people={"person": 2}, event=[{"at": "x", "kind": "hit-ratio"}], speed=3)
    assert [problem.partition(":")[0] for problem in found] == ["speed", "hours", "people.person", "event[1].at"]


def test_the_sample_of_all_options_can_be_used() -> None:
    text = sample(Scenario) + "\n[[shift]]\nagents = 3\n"
    import tomllib
    assert read_scenario(tomllib.loads(text)).campaign_group.mode is DialingMode.PREDICTIVE


def test_steps_come_in_the_order_of_their_times() -> None:
    assert steps_of(("12:30 4", "09:00 2.5")) == [(32_400.0, 2.5), (45_000.0, 4.0)]
    assert breaks_of(("10:15 15",)) == [(36_900.0, 900.0)]


def test_a_time_before_the_start_is_of_the_next_day() -> None:
    start = datetime.fromisoformat("2026-03-10T22:00-04:00")
    assert offset_s(start, 23 * 3_600.0) == 3_600.0
    assert offset_s(start, 1 * 3_600.0) == 3 * 3_600.0
    assert offset_s(start, 22 * 3_600.0) == 0.0


def test_other_shares_make_room_for_the_one_that_was_asked_for() -> None:
    people = PeopleOptions(person=0.3, machine=0.3, busy=0.1, invalid=0.1, fax=0.0)
    more = with_shares(people, person=0.8)
    assert more.person == 0.8 and more.machine == pytest.approx(0.075) and more.busy == pytest.approx(0.025)
    less = with_shares(people, person=0.1)
    assert (less.person, less.machine, less.busy) == (0.1, 0.3, 0.1)
    all_of_them = with_shares(people, person=1.0, machine=1.0)
    assert all_of_them.person == pytest.approx(0.45) and all_of_them.busy == 0.0 and not all_of_them.problems()


def test_the_list_has_its_contacts_with_their_phones_and_hours() -> None:
    scenario = read_scenario({"shift": [{"agents": 1}], "calling_list": {
        "contacts": 3, "phones": 2, "zone": "America/Chicago", "daily_from": "08:30", "daily_till": "20:00"}})
    records = list(scenario.calling_list.records())
    assert [(one.record_id, one.chain_id, one.chain_n) for one in records] == [
        (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, 3, 1), (6, 3, 2)]
    assert len({one.contact_info for one in records}) == 6
    assert {(one.daily_from, one.daily_till, one.tz_name) for one in records} == {(30_600, 72_000, "America/Chicago")}
