"""docs/configuration-database.md: its files can be imported, its links lead somewhere, its promises are kept."""
from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ocs.app.config import OCSOptions
from ocs.app.importing import check_objects
from ocs.app.resolution import server_tables
from ocs.configuration.kinds import KINDS
from ocs.configuration.store import NOTIFY_CHANNEL, read_objects
from ocs.database.backend import backend_for, transaction
from ocs.options import load
from tests.doubles.configurations import imported, sqlite_configuration

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "configuration-database.md").read_text()
FILES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("text", FILES)
def test_each_file_of_the_page_can_be_imported(text: str, tmp_path: Path) -> None:
    url = sqlite_configuration(tmp_path)
    assert imported(url, text).done
    problems, servers = check_objects(backend_for(url))
    assert problems == [] and servers
    assert imported(url, text).changes == ()


def served(text: str, folder: Path, name: str) -> OCSOptions:
    url = sqlite_configuration(folder)
    imported(url, text)
    with transaction(backend_for(url), write=False) as work:
        tables = server_tables(read_objects(work), name)
    return load(OCSOptions, {**tables.mapping, **tables.links})


def test_the_first_file_means_what_its_remarks_say(tmp_path: Path) -> None:
    for name, multiplier in (("ocs west", 1.5), ("ocs east", 2.0)):
        (tmp_path / name).mkdir()
        options = served(FILES[0], tmp_path / name, name)
        assert options.campaign_group[0].multiplier == multiplier
        assert options.agent_group[0].agents == ("1001", "1002") and options.agent_group[0].dns == ("7001", "7002")
        assert options.calling_list[0].table == "crm_2026"
        assert options.dialing.stale_clean_timeout_min == (20 if name == "ocs west" else 30)


def test_the_second_file_means_two_switches(tmp_path: Path) -> None:
    options = served(FILES[1], tmp_path, "ocs")
    assert [(one.name, one.host) for one in options.switch] == [("east", "10.0.2.5")] and options.tserver.host == "10.0.1.5"
    assert options.campaign_group[0].elsewhere[0].voice_transfer_destination == "6001@east"


def test_every_kind_is_accounted_for() -> None:
    table = TEXT.partition("## What each kind is for")[2].partition("Kept without")[0]
    named = {word.strip() for row in re.findall(r"^\| ([a-z_, ]+) \|", table, re.MULTILINE) for word in row.split(",")}
    assert named - {"kind"} == set(KINDS)


def test_what_the_page_names_is_there() -> None:
    assert NOTIFY_CHANNEL in TEXT
    for page, anchor in re.findall(r"\]\(([a-z-]+\.md)(?:#([a-z-]+))?\)", TEXT):
        headings = [re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                    for line in (DOCS / page).read_text().splitlines() if line.startswith("#")]
        assert not anchor or anchor in headings, (page, anchor)
    for word in tomllib.loads(FILES[0]):
        assert word in KINDS


def test_the_file_with_several_switches_of_the_operations_page_loads() -> None:
    section = (DOCS / "operations.md").read_text().partition("## Several switches")[2]
    text = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)[0]
    options = load(OCSOptions, tomllib.loads(text + '[[campaign]]\nname = "renewals"\ndbid = 1\nlists = ["spring"]\n'
                                             '[[calling_list]]\nname = "spring"\ndbid = 1\n'))
    assert [one.name for one in options.switch] == ["east"] and len(options.campaign_group[0].elsewhere) == 1
