"""Options of the Stat Server: the sample is what the code says, and what is named must exist."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocs.errors import ConfigurationError
from ocs.options import load, load_file, sample
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.directory import DNKey
from tests.servers.statserver.site import SITE, configured, site

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-statserver.toml"


def test_the_sample_file_is_that_of_the_options() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(StatServerOptions, title)
    with pytest.raises(ConfigurationError) as caught:
        load_file(StatServerOptions, SAMPLE)
    assert [problem.partition(": ")[2] for problem in caught.value.problems] == ["tserver: at least one is needed"]


def test_the_directory_is_what_is_configured() -> None:
    directory = site()
    assert directory.switches["one"].dns == ("7001", "7002", "7003") and directory.switches["one"].trunk_groups == {"6800"}
    assert directory.agents["ben"].logins == ("1002", "2002") and directory.agents["ben"].skills == {"German": 1, "Sales": 2}
    assert directory.agent_of("2002") == "ben" and directory.agent_of("9999") == ""
    assert directory.places["desk-1"].dns == (DNKey("one", "7001"), DNKey("one", "7002"))
    assert directory.place_of(DNKey("two", "7001")) == "" and directory.agent_groups["here"].expression is not None


def test_an_agent_without_log_ins_logs_in_by_the_id_and_a_place_at_the_only_t_server() -> None:
    options = load(StatServerOptions, {"tserver": [{"name": "one", "dns": ["098-101"]}], "agent": [{"id": "1001"}],
                                       "place": [{"name": "desk", "dns": ["099"]}]})
    directory = options.directory()
    assert directory.agent_of("1001") == "1001" and directory.switches["one"].dns == ("098", "099", "100", "101")
    assert directory.place_of(DNKey("one", "099")) == "desk"


@pytest.mark.parametrize("changes, fault", [
    ({"tserver": [], "place": [], "place_group": []}, "tserver: at least one is needed"),
    ({"tserver": [*SITE["tserver"], {"name": "one", "dns": ["1"]}]}, "tserver[3]: 'one' is configured twice"),
    ({"tserver": [{"name": "one", "dns": ["7003-7001"]}], "place": [], "place_group": []}, "tserver[1].dns: '7003-7001' is not"),
    ({"tserver": [{"name": "one", "dns": ["1-30000"]}], "place": [], "place_group": []}, "tserver[1].dns: '1-30000' is not"),
    ({"tserver": [{"name": "one", "dns": ["7001-7003", "7002"]}], "place": [], "place_group": []},
     "tserver[1].dns: 7002 is given twice"),
    ({"tserver": [{"name": "n" * 65, "dns": ["1"]}], "place": [], "place_group": []}, "tserver[1].name"),
    ({"agent": [*SITE["agent"], {"id": "ann", "logins": ["1009"]}]}, "agent[4]: 'ann' is configured twice"),
    ({"agent": [*SITE["agent"], {"id": "dan", "logins": ["1001"]}]}, "agent[4].logins: '1001' is a log-in of agent 'ann'"),
    ({"agent": [*SITE["agent"], {"id": "dan", "skills": ["German"]}]}, "agent[4].skills: 'German' is not NAME=LEVEL"),
    ({"place": [{"name": "desk-1", "tserver": "three", "dns": ["1"]}], "place_group": []}, "place[1].tserver: there is no"),
    ({"place": [{"name": "desk-1", "dns": ["7001"]}], "place_group": []}, "place[1].tserver: there are 2 T-Servers"),
    ({"place": [{"name": "desk-1", "tserver": "one", "dns": ["8001"]}], "place_group": []}, "place[1].dns: '8001' is not one"),
    ({"place": [*SITE["place"], {"name": "again", "tserver": "one", "dns": ["7003"]}]},
     "place[4].dns: '7003' belongs to place 'desk-2'"),
    ({"place": [{"name": "desk", "tserver": "one", "dns": [str(n) for n in range(33)]}], "place_group": []}, "place[1].dns: 33"),
    ({"agent_group": [{"name": "g", "agents": ["nobody"]}]}, "agent_group[1].agents: there is no agent 'nobody'"),
    ({"agent_group": [{"name": "g", "agents": ["ann"], "expression": "LoggedIn()"}]}, "agent_group[1].expression: a group has"),
    ({"agent_group": [{"name": "g", "expression": "LoggedIn("}]}, "agent_group[1].expression: it ends too early"),
    ({"agent_group": [{"name": "g", "expression": 'Agent("x")'}]}, "agent_group[1].expression: there is no agent 'x'"),
    ({"agent_group": [{"name": "g", "expression": 'Skill("x")'}]}, "agent_group[1].expression: no agent has the skill 'x'"),
    ({"agent_group": [{"name": "g"}, {"name": "g"}]}, "agent_group[2]: 'g' is configured twice"),
    ({"place_group": [{"name": "g", "places": ["nowhere"]}]}, "place_group[1].places: there is no place 'nowhere'")])
def test_a_fault_is_named(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(**changes)
    assert caught.value.problems[0].startswith(fault), caught.value.problems
