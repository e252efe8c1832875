"""What every codec has to earn, whatever its encoding; what only the JSON text has to; and how a conversation uses either."""
from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.attributes import Limits
from protocols.codec import JSON_TEXT, MESSAGE_PACK, Codec
from protocols.conversation import ClientConversation, LoginState, ServerConversation
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.message import Message
from tests.protocols.test_wire_document import FRAMES, from_json
from tests.protocols.tserver.messages import messages

CODECS = [MESSAGE_PACK, JSON_TEXT]
BOTH = pytest.mark.parametrize("codec", CODECS, ids=[codec.name for codec in CODECS])


def finite(value: Any) -> bool:
    """True if there is no infinity in the value: JSON has none."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (list, tuple)):
        return all(map(finite, value))
    return all(map(finite, value.values())) if isinstance(value, dict) else True


travelling = messages.filter(lambda message: finite(dict(message.attributes)))


def read(codec: Codec, *units: bytes, limit: int = 65_536, limits: Limits = Limits()) -> list[Message]:
    decoder, found = codec.decoder(limit, limits), []
    for unit in units:
        decoder.receive(unit)
        while (message := decoder.next_message()) is not None:
            found.append(message)
    return found


@given(st.sampled_from(CODECS), st.lists(travelling, max_size=3))
def test_messages_come_back_as_they_went(codec: Codec, sent: list[Message]) -> None:
    assert read(codec, *map(codec.encode, sent)) == sent


@given(travelling)
def test_a_message_can_pass_from_one_encoding_to_the_other(message: Message) -> None:
    packed, = read(MESSAGE_PACK, MESSAGE_PACK.encode(message))
    written, = read(JSON_TEXT, JSON_TEXT.encode(packed))
    assert read(MESSAGE_PACK, MESSAGE_PACK.encode(written)) == [message]


@given(st.sampled_from(CODECS), st.binary(min_size=1, max_size=200))
def test_junk_is_a_message_refused_or_awaited(codec: Codec, junk: bytes) -> None:
    for unit in (junk, len(junk).to_bytes(4, "big") + junk):
        try:
            read(codec, unit)
        except RemoteProtocolError as error:
            assert str(error)


@given(travelling, st.data())
def test_a_damaged_text_is_a_message_or_refused(message: Message, data: Any) -> None:
    text = bytearray(JSON_TEXT.encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        damaged, = read(JSON_TEXT, bytes(text))
    except RemoteProtocolError:
        return
    assert read(MESSAGE_PACK, MESSAGE_PACK.encode(damaged)) == [damaged]


@BOTH
@pytest.mark.parametrize("value", [object(), 2 ** 64, -2 ** 63 - 1, "\ud800", {"a": object()}])
def test_what_cannot_travel_is_a_bug_of_ours(codec: Codec, value: Any) -> None:
    with pytest.raises(LocalProtocolError, match="^Name"):
        codec.encode(Message("Name", 1, {"Attribute": value}))


@BOTH
def test_what_is_too_long_is_refused_in_both_directions(codec: Codec) -> None:
    message = Message("Name", 1, {"Attribute": "x" * 100})
    with pytest.raises(LocalProtocolError, match="limit 100"):
        codec.encode(message, 100)
    with pytest.raises(RemoteProtocolError, match="limit 100"):
        read(codec, codec.encode(message), limit=100)


@BOTH
def test_nesting_and_numbers_are_bounded_alike(codec: Codec) -> None:
    deep: Any = ()
    for _ in range(9):
        deep = (("k", deep),)
    many = {str(number): number for number in range(11)}
    for attributes, wrong in (({"UserData": deep}, "nested deeper than 8"), (many, "11 attributes, limit 10"),
                              ({"UserData": tuple(many.items())}, "limit 10"), ({"Unknown": [1] * 11}, "limit 10")):
        with pytest.raises(RemoteProtocolError, match=wrong):
            read(codec, codec.encode(Message("Name", 1, attributes)), limits=Limits(8, 10))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1: "a"}, (("k", {1: 2}),)])
def test_what_json_cannot_say_is_a_bug_of_ours_too(value: Any) -> None:
    with pytest.raises(LocalProtocolError, match="^Name"):
        JSON_TEXT.encode(Message("Name", 1, {"Attribute": value}))


@pytest.mark.parametrize("text", [
    b"", b"[]", b"{}", b'["Name", 1]', b'["Name", "1", {}]', b'["Name", 1.0, {}]', b'["Name", 1, {}] []', b'["Name", 1, []]',
    b'["Name", 1, {"x": NaN}]', b'["Name", 1, {"x": 1e400}]', b'["Name", 1, {"x": "\\ud800"}]', b'["Name", 1, {"x": "\xff"}]',
    b'["Name", 18446744073709551616, {}]', b'["Name", 1, {"x": [-9223372036854775809]}]', b'["Name", 1, {"$x": 1}]',
    b'["Name", 1, {"x": {"$octets": "?"}}]', b'["Name", 1, {"x": {"$octets": "AA==", "y": 1}}]',
    b'["Name", 1, {"UserData": [["k", 1.5]]}]', b'["Name", 1, {"x": ' + b"[" * 60_000])
def test_a_text_that_is_no_message_is_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(JSON_TEXT, text)


def test_octets_and_keys_that_look_like_them_are_told_apart() -> None:
    message = Message("Name", 1, {"UserData": (("a", b"\x00\xff"), ("$octets", "text")), "x": {"$octets": "AA=="}, "$y": b""})
    text = JSON_TEXT.encode(message)
    assert json.loads(text)[2] == {"UserData": [["a", {"$octets": "AP8="}], ["$octets", "text"]],
                                   "x": {"$$octets": "AA=="}, "$$y": {"$octets": ""}}
    assert read(JSON_TEXT, text) == [message]


@pytest.mark.parametrize("octets,text", FRAMES)
def test_the_documents_texts_are_the_same_messages_as_its_frames(octets: str, text: str) -> None:
    assert read(JSON_TEXT, text.encode()) == read(MESSAGE_PACK, bytes.fromhex(octets))
    assert json.loads(JSON_TEXT.encode(from_json(text))) == json.loads(text)


@BOTH
def test_a_conversation_speaks_either(codec: Codec) -> None:
    client, server = ClientConversation("ocs", "secret", codec=codec), ServerConversation(codec=codec)
    client.open(0.0)
    for unit in client.outputs():
        server.receive(unit, 0.0)
    login = server.next_message()
    assert login is not None and login.name == "RequestRegisterClient" and client.outputs() == []
    server.grant()
    server.send(Message("EventLinkConnected", login.reference_id))
    server.send(Message("Ping", 4))
    units = server.outputs()
    assert len(units) == 2
    for unit in units:
        client.receive(unit, 0.0)
    answer = client.next_message()
    assert answer is not None and client.state is LoginState.GRANTED and client.next_message() is None
    assert read(codec, *client.outputs()) == [Message("Pong", 4)]
