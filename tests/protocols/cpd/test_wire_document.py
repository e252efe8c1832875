"""The CPD Server's part of docs/wire.md says what the code says. (Its frames are checked with those of the T-Server.)"""
from __future__ import annotations

import re
from pathlib import Path

from protocols.cpd.messages import VOCABULARY, AnswerType, CallStatus, Recognition, Stage, TransferType

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8").split("## 16. CPD Server")[1].split("\n## ")[0]


def test_every_request_is_described_with_what_it_needs() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| (Request\w+) \| ([^|]*) \|", TEXT, re.M)}
    assert rows.keys() == VOCABULARY.requests.keys()
    for name, needed in VOCABULARY.requests.items():
        mandatory = rows[name].split("(Timeout")[0].split("(UserData")[0].split("(TransferType")[0].split("(Extensions")[0]
        assert all(attribute in mandatory for attribute in needed), name


def test_every_event_and_number_is_described() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ocs/servers/cpdserver").glob("server.py"))
    for event in set(re.findall(r'"(Event[A-Z]\w+)"', sources)) - {"EventError"}:
        assert f"| {event} |" in TEXT, event
    for kind in (AnswerType, CallStatus, TransferType):
        listed = TEXT.split(f"| {kind.__name__} |")[1].split("\n")[0]
        assert [int(number) for number in re.findall(r"\b(\d) \w", listed)] == [int(member) for member in kind]
    assert all(f"{int(level)} {level.word}" in TEXT for level in Recognition)
    assert all(f"| {stage.value} |" in TEXT for stage in Stage)
