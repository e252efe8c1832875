"""The peers' part of docs/wire.md says what the code says. (Its frames are checked with those of the T-Server.)"""
from __future__ import annotations

import json
import re
from pathlib import Path

from ocs.dialing.session import SessionState
from protocols.message import Message
from protocols.peer.messages import ENTRIES_LIMIT, VOCABULARY, checked_entries

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8").split("## 17. Peer OCS")[1].split("\n## ")[0]


def test_every_request_is_described_with_what_it_needs() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| (Request\w+) \| ([^|]*) \|", TEXT, re.M)}
    assert rows.keys() == VOCABULARY.requests.keys()
    for name, needed in VOCABULARY.requests.items():
        mandatory = rows[name].split("; (")[0].split(", (")[0]
        assert all(attribute in mandatory for attribute in needed), name
        assert set(re.findall(r"[A-Z]\w+", rows[name])) <= VOCABULARY.types.keys(), name


def test_every_event_that_is_sent_is_described_and_every_state_of_a_campaign_group() -> None:
    sent = set(re.findall(r'"(Event[A-Z]\w+)"', (ROOT / "ocs/links/peer_server.py").read_text(encoding="utf-8")))
    assert sent == set(re.findall(r"^\| (Event\w+) \|", TEXT, re.M))
    states = TEXT.split("GroupCampaignStatus: ")[1].split(".")[0]
    assert [int(number) for number in re.findall(r"\b(\d) \w", states)] == sorted(SessionState)
    assert f"an array of 1 to {ENTRIES_LIMIT} maps" in TEXT


def test_the_requests_of_the_exchange_are_let_pass() -> None:
    requests = [json.loads(text) for text in re.findall(r"```json\n(\[\"Request.*?)\n```", TEXT)]
    assert len(requests) == 3
    for name, reference_id, attributes in requests[1:]:
        VOCABULARY.check(Message(name, reference_id, attributes))
    assert checked_entries(requests[2][2]["Entries"])[0]["Phone"] == "+15550101001"
