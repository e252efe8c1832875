"""The Interaction Server's part of docs/wire.md says what the code says. (Its frames are checked with those of the T-Server.)"""
from __future__ import annotations

import re
from pathlib import Path

from protocols.interaction.messages import MEDIA_TYPE, VOCABULARY, InteractionState, StopReason

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8").split("## 18. Interaction Server")[1].split("\n## ")[0]


def test_every_request_is_described_with_what_it_needs() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| (Request\w+) \| ([^|]*) \|", TEXT, re.M)}
    assert rows.keys() == VOCABULARY.requests.keys()
    for name, needed in VOCABULARY.requests.items():
        assert all(attribute in rows[name].split(", (")[0] for attribute in needed), name


def test_every_event_and_word_is_described() -> None:
    sources = (ROOT / "ocs/servers/interaction/server.py").read_text(encoding="utf-8")
    rows = " ".join(re.findall(r"^\| (Event[^|]*) \|", TEXT, re.M))
    for event in set(re.findall(r'"(Event[A-Z]\w+)"', sources)) - {"EventError"}:
        assert event in rows, event
    assert f"`{MEDIA_TYPE}`" in TEXT
    assert all(f"`{word.value}`" in TEXT for kind in (InteractionState, StopReason) for word in kind)
