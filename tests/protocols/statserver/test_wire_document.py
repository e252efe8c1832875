"""docs/wire.md, section 14: its session happens octet by octet, its tables name what there is."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from protocols.statserver.messages import (
    VOCABULARY,
    CampaignEvent,
    CampaignStatus,
    ObjectType,
    Status,
    StreamType,
    Wait,
)
from tests.protocols.statserver.session import steps

ROOT = Path(__file__).resolve().parents[3]
SECTION = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8").split("\n## 14. ")[1].split("\n## ")[0]
SESSION = re.findall(r"^(client|server) sends `(\w+)`:\n\n```hex\n(.*?)```", SECTION, re.S | re.M)
SOURCES = "".join(path.read_text(encoding="utf-8") for path in (
    *(ROOT / "ocs/servers/statserver").rglob("*.py"), ROOT / "protocols/statserver/messages.py"))


def test_the_session_happens_as_written_octet_by_octet() -> None:
    written = [(who[0].upper(), bytes.fromhex(octets)) for who, _, octets in SESSION]
    written = [("C" if who == "C" else "S", octets) for who, octets in written]
    assert len(written) > 15 and list(steps()) == written


def test_every_request_stands_in_the_table_with_its_attributes() -> None:
    rows = {row[0]: row for row in ([cell.strip() for cell in line.strip("|").split("|")]
                                    for line in SECTION.splitlines() if line.startswith("| Request"))}
    assert rows.keys() == VOCABULARY.requests.keys()
    for name, needed in VOCABULARY.requests.items():
        assert all(attribute in rows[name][1].split("(")[0] for attribute in needed), name


def test_every_event_that_the_server_sends_is_described() -> None:
    sent = set(re.findall(r'"(SEvent\w+)"', SOURCES))
    described = {name for line in SECTION.splitlines() if line.startswith("| SEvent")
                 for name in re.findall(r"SEvent\w+", line.split("|")[1])}
    assert sent == described and len(sent) > 10


@pytest.mark.parametrize("row, members", [
    ("Status of agents, places, groups, DNs", {int(one): one.word for one in Status}),
    ("Status of campaigns", {int(one): one.word for one in CampaignStatus}),
    ("CampaignEvent", {int(one): one.word for one in CampaignEvent})])
def test_enumerations_are_those_of_the_code(row: str, members: dict[int, str]) -> None:
    values: Any = re.search(rf"^\| {row} \| (.*) \|$", SECTION, re.M)
    told = {int(number): word for number, word in (each.split(" ", 1) for each in values[1].split(", "))}
    assert told == members


def test_numbers_of_object_types_streams_and_waits_are_those_of_the_code() -> None:
    rows: Any = dict(re.findall(r"^\| (\w+) \| (.*) \|$", SECTION, re.M))
    assert {int(one) for one in re.findall(r"\b(\d+) ", rows["ObjectType"])} <= {int(one) for one in ObjectType}
    assert {int(one) for one in re.findall(r"\b(\d+) ", rows["StreamType"])} == {int(one) for one in StreamType}
    assert rows["Waits"].split(", ") == [one.word for one in Wait]
