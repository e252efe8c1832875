"""`docs/desktop-port.md` tells the truth: its messages can travel, its lists name what there is, its keys are the terminal's."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ocs.app.agent_terminal.screen import View, render
from ocs.links.relay import DESK_EVENTS
from protocols.codec import JSON_TEXT, encode_message
from protocols.desktop.client import AgentDesktop
from protocols.desktop.port import PASSED_ON, VOCABULARY
from protocols.message import Message, Refused

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "desktop-port.md").read_text(encoding="utf-8")
MESSAGES = [line for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.S) for line in block.splitlines()]


def section(number: int) -> str:
    return DOCUMENT.split(f"\n## {number}. ")[1].split("\n## ")[0]


def message(text: str) -> Message:
    decoder = JSON_TEXT.decoder()
    decoder.receive(text.encode())
    found = decoder.next_message()
    assert found is not None
    return found


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_of_the_page_is_one_and_its_request_is_let_pass(text: str) -> None:
    one = message(text)
    assert json.loads(JSON_TEXT.encode(one)) == json.loads(text) and encode_message(one)
    if one.name.startswith("Request") and one.name != "RequestRegisterClient":
        VOCABULARY.check(one)


def test_there_are_messages_and_the_check_can_refuse() -> None:
    assert len(MESSAGES) > 12
    with pytest.raises(Refused):
        VOCABULARY.check(message('["RequestAnswerCall", 1, {}]'))


def test_the_requests_that_are_passed_on_are_those_of_the_page() -> None:
    told = set(re.findall(r"\bRequest[A-Z]\w+", section(4).split("Events:")[0]))
    agents = {"RequestAgentLogout", "RequestAgentReady", "RequestAgentNotReady"}        # section 3
    assert told | agents == set(PASSED_ON) and all(name in section(3) for name in agents)


def test_the_events_that_come_are_those_of_the_page() -> None:
    told = set(re.findall(r"\bEvent[A-Z]\w+", section(4).split("Events:")[1].split("**Screen pop.**")[0]))
    assert told == DESK_EVENTS - {"EventAgentAfterCallWork"}       # which no T-Server of this project sends


def test_what_the_page_says_of_the_client_library_is_there() -> None:
    table = section(7).split("| | |")[1].split("\n\n")[0]
    for name in re.findall(r"`([a-z_]+)(?:\(|`)", table):
        assert hasattr(AgentDesktop, name) or name in (
            "changed", "work", "reason", "calls", "campaigns", "records", "connected", "switch_up"), name


def test_the_keys_of_the_page_are_those_that_the_terminal_shows() -> None:
    rows = re.findall(r"^\| ([a-zA-Z?, ]+) \| ", section(8).split("| key |")[1], re.M)
    told = {key for row in rows for key in row.split(", ")}
    hints = " ".join(text for _, text in render(View(), 0.0))
    assert told - {"Tab"} == set("rnwahodpcjtskxlmq?") and all(f" {key} " in hints for key in told)
