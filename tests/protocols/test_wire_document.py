"""`docs/wire.md` tells the truth: its frames decode to what stands beside them and back, its session replays octet by
octet against the server, and its tables name what there is."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from protocols.attributes import Limits, kv_from_wire
from protocols.codec import MessageDecoder, encode_message
from protocols.message import KV_ATTRIBUTES
from protocols.server import MessageServerFactory
from protocols.tserver.messages import KNOWN_REQUESTS, AgentWorkMode, CallState, ErrorCode, Message
from protocols.tserver.pair import PAIR
from tests.servers.tserver.world import CUSTOMER, QUEUE, Client, World

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
FRAMES = re.findall(r"```hex\n(.*?)```\n```json\n(.*?)```", DOCUMENT, re.S)
SESSION = re.findall(r"^([CS]) sends `(\w+)`:\n\n```hex\n(.*?)```", DOCUMENT, re.S | re.M)


def from_json(text: str) -> Message:
    name, reference_id, attributes = json.loads(text)
    return Message(name, reference_id, {
        key: kv_from_wire(value, Limits(), key) if key in KV_ATTRIBUTES else value for key, value in attributes.items()})


def section(title: str) -> str:
    return DOCUMENT.split(f"\n## {title}")[1].split("\n## ")[0]


def test_the_document_has_frames_and_every_block_of_octets_has_its_message() -> None:
    assert len(FRAMES) == DOCUMENT.count("```hex") >= 20 and len(SESSION) >= 17


def test_the_table_of_contents_has_every_section_in_order() -> None:
    titles = re.findall(r"^## (.*)$", DOCUMENT, re.M)
    assert re.findall(r"^- \[(.*?)\]\(#", DOCUMENT, re.M)[:len(titles)] == titles
    assert [int(title.partition(".")[0]) for title in titles] == list(range(1, len(titles) + 1))


@pytest.mark.parametrize("octets,text", FRAMES)
def test_a_frame_is_decoded_to_its_message_and_the_message_encoded_to_its_frame(octets: str, text: str) -> None:
    decoder = MessageDecoder()
    decoder.receive(bytes.fromhex(octets))
    message = from_json(text)
    assert decoder.next_message() == message and decoder.next_message() is None
    assert encode_message(message) == bytes.fromhex(octets)


def test_the_session_of_the_agent_happens_as_written_octet_by_octet() -> None:
    world = World()
    ocs = Client(world, "ocs").watch(QUEUE)
    protocol, transport = MessageServerFactory(world.server, world.real_clock, world.server.options.listen).buildProtocol(
        None), StringTransport()
    protocol.makeConnection(transport)
    expected = b""
    for who, name, octets in SESSION:
        if who == "S" and name == "EventRinging":
            world.predictive(ocs, UserData=(("GSW_RECORD_HANDLE", 7), ("GSW_PHONE", CUSTOMER),
                                            ("GSW_CAMPAIGN_NAME", "spring"), ("GSW_APPLICATION_ID", 1)))
            world.clock.advance(12.5)
            world.network.listener.answered(world.network.leg, CallState.OK)
        if who == "C":
            world.clock.advance({"RequestAnswerCall": 1.25, "RequestReleaseCall": 60.0}.get(name, 0.0))
            protocol.dataReceived(bytes.fromhex(octets))
        else:
            expected += bytes.fromhex(octets)
            assert transport.value().startswith(expected), name
    assert transport.value() == expected
    world.assert_consistent()


def test_every_request_stands_in_the_table_with_its_attributes() -> None:
    rows: dict[str, list[str]] = {row[0]: row for row in (
        [cell.strip() for cell in line.strip("|").split("|")] for line in section("6. Requests").splitlines()
        if line.startswith("| Request"))}
    assert rows.keys() == KNOWN_REQUESTS.keys()
    assert set(re.findall(r"^\| (Request\w+)", section("4. Connection"), re.M)) == PAIR.requests.keys()
    for name, needed in KNOWN_REQUESTS.items():
        mandatory = re.sub(r"\(.*\)", "", re.sub(r"\([^,()]*\)(?=,)", "", rows[name][1]))
        assert all(attribute in mandatory for attribute in needed), name


def test_every_event_that_the_server_sends_is_described() -> None:
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (Path(__file__).resolve().parents[2] / "ocs/servers/tserver").rglob("*.py"))
    sent = set(re.findall(r'"(Event[A-Z]\w+)"', sources)) - {"EventSequenceNumber", "EventStream"}
    described = set(re.findall(r"Event[A-Z]\w+", section("7. Events") + section("4. Connection")))
    assert sent <= described and len(sent) > 25


def test_error_codes_and_enumerations_are_those_of_the_code() -> None:
    text = section("10. Enumerations")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)}
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (Path(__file__).resolve().parents[2] / "ocs/servers/tserver").rglob("*.py"))
    used = {int(ErrorCode[name]) for name in re.findall(r"ErrorCode\.([A-Z_]+)", sources)}
    assert told == used
    numbers: Any = dict(re.findall(r"^\| (\w+) \| (.*) \|$", text, re.M))
    assert {int(one) for one in re.findall(r"\b(\d+) ", numbers["CallState"])} <= {int(state) for state in CallState}
    assert {int(one) for one in re.findall(r"\b(\d+) ", numbers["AgentWorkMode"])} == {int(m) for m in AgentWorkMode}
