"""Options of the desktop port, what they come to, and the page at /desktop."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ocs.app.config import OCSOptions
from ocs.app.desktops import DesktopPortOptions, DesktopSide
from ocs.app.resolution import server_tables
from ocs.app.vocabulary import VOCABULARY
from ocs.app.web.desktop.page import DesktopPage
from ocs.configuration.document import read_document
from ocs.configuration.plan import planned
from ocs.errors import ConfigurationError
from ocs.http_server import Asked
from ocs.options import load
from ocs.passwords import hash_password
from tests.app.test_config import GOOD
from tests.desktop.port_world import PortWorld

HASH = hash_password("secret", cheap=True)


def problems(**tables: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as wrong:
        load(OCSOptions, {"application": {"name": "ocs", "dbid": 1}, **tables})
    return [problem for problem in wrong.value.problems if problem.startswith(("agent[", "desktop_port"))]


def test_names_that_would_be_two_agents_are_refused():
    agents = [{"name": "1001", "password_hash": HASH, "employee_id": "E1"}, {"name": "1001", "password_hash": HASH},
              {"name": "1002", "password_hash": HASH, "employee_id": "E1"}, {"name": "crm", "password_hash": HASH},
              {"name": "1003", "password_hash": "secret"}]
    found = problems(agent=agents, desktop_port={"application": [{"name": "crm", "password_hash": HASH}]})
    assert [one.partition(":")[0] for one in found] == [
        "agent[2].name", "agent[3].employee_id", "agent[4].name", "agent[5].password_hash"]


def test_an_agent_whose_employee_id_is_the_agent_id_is_one_agent():
    load(DesktopPortOptions, {})
    assert all("agent[" not in one for one in problems(
        agent=[{"name": "1001", "password_hash": HASH, "employee_id": "1001"}], desktop_port={"port": -1}))


@pytest.mark.parametrize("text", [None, b"x" * 16_385, b"\xff\xfe"])
def test_a_script_that_cannot_be_used_is_refused(tmp_path: Path, text: bytes | None):
    file = tmp_path / "script.txt"
    if text is not None:
        file.write_bytes(text)
    (problem,) = problems(desktop_port={"script": [{"name": "spring", "file": str(file)}]})
    assert problem.startswith("desktop_port.script[1].file: cannot use")


def test_what_is_prepared_for_agents(tmp_path: Path):
    (tmp_path / "script.txt").write_text("Good morning.", encoding="utf-8")
    options = load(DesktopPortOptions, {
        "break_codes": ["Tea"], "disposition": [{"name": "Sold", "result": "answer"}],
        "script": [{"name": "spring", "file": "script.txt", "form": ["Remarks"]}, {"name": "autumn"}]}, tmp_path)
    assert options.prepared.attributes(5) == {
        "ApplicationDBID": 5, "BreakCodes": ["Tea"], "Dispositions": [["Sold", 33]],
        "Scripts": {"spring": {"Text": "Good morning.", "Form": ["Remarks"]}, "autumn": {"Text": "", "Form": []}}}
    (tmp_path / "script.txt").unlink()
    assert options.prepared.scripts["spring"][0] == ""       # an error in the log; agents work on
    assert ("Answer", 33) in load(DesktopPortOptions, {}).prepared.dispositions


def test_the_page_is_served_with_a_policy_that_lets_nothing_in_from_elsewhere():
    page = DesktopPage(lambda: {"port": 7060, "tls": True})
    html = page.respond(Asked("GET", ("desktop",)))
    assert html is not None and html.status == 200 and html.content_type.startswith("text/html")
    assert "default-src 'none'" in dict(html.headers)["Content-Security-Policy"]
    for name in ("desktop.css", "desktop.js", "messages.js"):
        assert f"/desktop/{name}".encode() in html.body
        part = page.respond(Asked("GET", ("desktop", name)))
        assert part is not None and part.status == 200 and b"http://" not in part.body and b"https://" not in part.body
    settings = page.respond(Asked("GET", ("desktop", "settings.json")))
    assert settings is not None and settings.body == {"port": 7060, "tls": True}


@pytest.mark.parametrize("path", [("desktop", "page.py"), ("desktop", ".."), ("desktop", "a", "b"), ("other",)])
def test_nothing_else_is_there(path):
    assert DesktopPage(lambda: {"port": 1, "tls": False}).respond(Asked("GET", path)) is None


def test_there_is_no_page_without_a_port_and_nothing_can_be_posted():
    assert DesktopPage(dict).respond(Asked("GET", ("desktop",))) is None
    refused = DesktopPage(lambda: {"port": 1, "tls": False}).respond(Asked("POST", ("desktop",)))
    assert refused is not None and refused.status == 405


def test_agents_of_the_configuration_database_connect_by_their_login_or_their_employee_id():
    text = f"""
        [[agent_login]]
        login_code = "1001"
        password = "{HASH}"
        [[agent_login]]
        login_code = "1002"
        [[agent_login]]
        login_code = "1003"
        password = "not a hash"
        [[person]]
        employee_id = "ann"
        agent_logins = ["1001", "1002"]
        password = "{HASH}"
        [[person]]
        employee_id = "1001"
        agent_logins = ["1003"]
    """
    objects = planned({}, read_document(tomllib.loads(text + GOOD), VOCABULARY))
    assert server_tables(objects, "ocs").mapping["agent"] == [
        {"name": "1001", "password_hash": HASH, "employee_id": "ann"}, {"name": "1002", "password_hash": HASH, "employee_id": ""}]


def test_an_operator_sees_how_many_desktops_there_are():
    world = PortWorld()
    side = DesktopSide(load(DesktopPortOptions, {}), (), None)
    assert str(side).startswith("none")
    side.port = world.port
    world.desktop("1002")
    world.seated().close()
    assert str(side) == "1 connected, 1 agents at a DN, 1 of them lost"
