"""Frames of MessagePack or of JSON: a client speaks one, the server's first look tells which."""
from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport

from protocols.attributes import Limits
from protocols.codec import MESSAGE_PACK
from protocols.conversation import ServerConversation
from protocols.encodings import ANY, FRAMED, JSON_FRAMES, FirstOctet
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import encode_frame
from protocols.message import Message
from protocols.server import ConnectionLimits, MessageServerFactory
from tests.protocols.test_codecs import read, travelling
from tests.protocols.test_wire_document import DOCUMENT, from_json
from tests.servers.tserver.world import PASSWORD, World

LOGIN = Message("RequestRegisterClient", 1, {
    "ApplicationName": "desktop", "ApplicationPassword": PASSWORD, "ProtocolVersion": "1"})
WORDS = pytest.mark.parametrize("word", FRAMED)


@given(st.lists(travelling, max_size=3), st.data())
def test_frames_of_json_come_back_as_they_went_however_they_are_cut(sent: list[Message], data: Any) -> None:
    octets = b"".join(map(JSON_FRAMES.encode, sent))
    at = data.draw(st.integers(0, len(octets)))
    assert read(JSON_FRAMES, octets[:at], octets[at:]) == sent


@given(st.sampled_from(list(FRAMED)), st.lists(travelling, min_size=1, max_size=3))
def test_a_server_knows_by_the_first_octet_what_a_client_speaks_and_answers_in_it(word: str, sent: list[Message]) -> None:
    codec = FirstOctet()
    decoder = codec.decoder()
    assert not codec.known and codec.name == ANY
    decoder.receive(b"".join(map(FRAMED[word].encode, sent)))
    assert [decoder.next_message() for _ in range(len(sent) + 1)] == [*sent, None]
    assert codec.known and codec.encode(sent[0]) == FRAMED[word].encode(sent[0])


@given(st.binary(min_size=1, max_size=200))
def test_junk_in_a_frame_is_refused_or_a_message(junk: bytes) -> None:
    try:
        read(FirstOctet(), encode_frame(junk))      # type: ignore[arg-type]
    except RemoteProtocolError as error:
        assert str(error)


def test_one_connection_has_one_encoding() -> None:
    for first, second in ((MESSAGE_PACK, JSON_FRAMES), (JSON_FRAMES, MESSAGE_PACK)):
        decoder = FirstOctet().decoder()
        decoder.receive(first.encode(LOGIN) + second.encode(LOGIN))
        assert decoder.next_message() == LOGIN
        with pytest.raises(RemoteProtocolError):
            decoder.next_message()


def test_limits_hold_for_frames_of_json_too() -> None:
    message = Message("Name", 1, {"Attribute": "x" * 100})
    with pytest.raises(LocalProtocolError, match="limit 100"):
        JSON_FRAMES.encode(message, 100)
    with pytest.raises(RemoteProtocolError, match="limit 100"):
        read(JSON_FRAMES, JSON_FRAMES.encode(message), limit=100)
    with pytest.raises(RemoteProtocolError, match="limit 1"):
        read(FirstOctet(), JSON_FRAMES.encode(Message("Name", 1, {"a": 1, "b": 2})), limits=Limits(8, 1))     # type: ignore


def test_the_documents_frame_of_json_is_the_message_beside_it() -> None:
    [(octets, text)] = re.findall(r"```octets\n(.*?)```\n```json\n(.*?)```", DOCUMENT, re.S)
    assert read(JSON_FRAMES, bytes.fromhex(octets)) == [from_json(text)]
    assert JSON_FRAMES.encode(from_json(text)) == bytes.fromhex(octets)


def connect(world: World, accepted: str) -> tuple[Any, StringTransport]:
    factory = MessageServerFactory(world.server, world.real_clock, ConnectionLimits(encoding=accepted))
    protocol, transport = factory.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


@WORDS
@pytest.mark.parametrize("accepted", [ANY, "own"])
def test_a_client_logs_in_and_works_in_its_encoding(word: str, accepted: str) -> None:
    protocol, transport = connect(World(), ANY if accepted == ANY else word)
    codec = FRAMED[word]
    protocol.dataReceived(codec.encode(LOGIN) + codec.encode(Message("RequestQueryServer", 2)) + codec.encode(Message("Ping", 3)))
    assert [(one.name, one.reference_id) for one in read(codec, transport.value())] == [
        ("EventLinkConnected", 1), ("EventServerInfo", 2), ("Pong", 3)]


@pytest.mark.parametrize("accepted, spoken", [("json", "messagepack"), ("messagepack", "json")])
def test_what_the_server_does_not_accept_closes_the_connection_and_the_log_says_why(
        accepted: str, spoken: str, logged: Any) -> None:
    protocol, transport = connect(World(), accepted)
    protocol.dataReceived(FRAMED[spoken].encode(LOGIN))
    assert transport.disconnecting and transport.value() == b""
    assert any(f"it speaks {spoken}, and only {accepted} is accepted here" in line for line in logged.texts())


def test_a_server_says_nothing_before_it_knows_what_is_spoken() -> None:
    conversation = ServerConversation(codec=FirstOctet())       # type: ignore[arg-type]
    conversation.open(0.0)
    conversation.tick(1_000.0)
    assert conversation.outputs() == []
    conversation.receive(JSON_FRAMES.encode(LOGIN), 1_000.0)
    assert conversation.next_message() == LOGIN
    conversation.tick(1_000.0 + 11.0)
    assert read(JSON_FRAMES, *conversation.outputs()) == [Message("Ping", 1)]
