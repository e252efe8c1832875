"""What a codec has to earn: it gives back what it was given, in any pieces, and refuses everything else by name."""
from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.attributes import KVList, Limits, first, kv_list, updated, without
from protocols.codec import MessageDecoder, decode_body, encode_message
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import FrameDecoder, encode_frame
from protocols.tserver.messages import Message
from tests.protocols.tserver.messages import kv_lists, messages


def decoded(pieces: list[bytes], decoder: MessageDecoder | None = None) -> list[Message]:
    decoder, found = decoder or MessageDecoder(), []
    for piece in pieces:
        decoder.receive(piece)
        while (message := decoder.next_message()) is not None:
            found.append(message)
    return found


@given(messages)
def test_what_is_encoded_is_decoded_to_the_same_message(message: Message) -> None:
    assert decode_body(encode_message(message)[4:]) == message


@given(st.lists(messages, max_size=4), st.data())
def test_any_split_of_the_stream_gives_the_same_messages(sent: list[Message], data: Any) -> None:
    stream = b"".join(map(encode_message, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)])]
    assert decoded(pieces) == sent == decoded([bytes([octet]) for octet in stream])


@given(st.binary(max_size=200))
def test_any_junk_is_refused_or_awaited(junk: bytes) -> None:
    try:
        decoded([junk])
    except RemoteProtocolError as error:
        assert str(error)


@given(st.binary(max_size=120))
def test_any_junk_in_a_frame_is_a_message_or_refused(junk: bytes) -> None:
    try:
        message = decode_body(junk)
    except RemoteProtocolError as error:
        assert str(error)
    else:
        assert isinstance(message.name, str) and isinstance(message.reference_id, int)


@given(messages, st.data())
def test_a_damaged_message_is_a_message_or_refused(message: Message, data: Any) -> None:
    body = bytearray(encode_message(message)[4:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        damaged = decode_body(bytes(body))
    except RemoteProtocolError:
        return
    encode_message(damaged)


def test_good_messages_before_a_bad_one_still_arrive() -> None:
    decoder = MessageDecoder()
    decoder.receive(encode_message(Message("Ping", 1)) + encode_frame(b"\xc1"))
    assert decoder.next_message() == Message("Ping", 1)
    with pytest.raises(RemoteProtocolError, match="not a message"):
        decoder.next_message()


def test_attributes_that_no_table_names_survive() -> None:
    message = Message("RequestSomethingNew", 3, {"NewAttribute": {"deep": [1, {"x": None}]}, "Another": 1.5})
    assert decode_body(encode_message(message)[4:]) == message


@pytest.mark.parametrize("length", [0, 65_537, 2 ** 32 - 1])
def test_a_frame_of_forbidden_length_is_refused_before_its_body_comes(length: int) -> None:
    decoder = FrameDecoder()
    decoder.receive(length.to_bytes(4, "big"))
    with pytest.raises(RemoteProtocolError, match=f"frame of {length} octets"):
        decoder.next_frame()


def test_a_frame_of_exactly_the_limit_passes_in_both_directions() -> None:
    decoder = FrameDecoder(limit=10)
    decoder.receive(encode_frame(b"x" * 10, limit=10))
    assert decoder.next_frame() == b"x" * 10 and decoder.next_frame() is None
    for length in (0, 11):
        with pytest.raises(LocalProtocolError):
            encode_frame(b"x" * length, limit=10)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [["k", value]]
    return value


@pytest.mark.parametrize("attribute", ["UserData", "Extensions", "Reasons", "TreatmentParms", "Unknown"])
def test_nesting_and_number_of_pairs_are_bounded_in_known_and_unknown_attributes(attribute: str) -> None:
    def body(value: Any) -> bytes:
        return msgspec.msgpack.encode(["Name", 1, {attribute: value}])

    limits = Limits(nesting=8, pairs=10)
    decode_body(body([["k", "v"]] * 10), limits)
    with pytest.raises(RemoteProtocolError, match=f"Name.{attribute}.*limit 10"):
        decode_body(body([["k", "v"]] * 11), limits)
    decode_body(body(nested(8 if attribute != "Unknown" else 4)), limits)
    with pytest.raises(RemoteProtocolError, match="nested deeper than 8"):
        decode_body(body(nested(9)), limits)
    with pytest.raises(RemoteProtocolError):
        decode_body(b"\x93\xa1a\x01\x81\xa1k" + b"\x91" * 60_000 + b"\xc0")


def test_the_number_of_attributes_is_bounded() -> None:
    with pytest.raises(RemoteProtocolError, match="11 attributes, limit 10"):
        decode_body(msgspec.msgpack.encode(["Name", 1, {str(n): n for n in range(11)}]), Limits(pairs=10))


@pytest.mark.parametrize("value", [None, 1, "text", {"k": "v"}, [["k"]], [["k", 1, 2]], [[1, "v"]], ["kv"],
                                   [["k", None]], [["k", True]], [["k", 1.5]], [["k", {"a": 1}]], [["k", [["x"]]]]])
def test_what_is_not_a_key_value_list_is_refused_by_the_name_of_its_attribute(value: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="^Name.UserData"):
        decode_body(msgspec.msgpack.encode(["Name", 1, {"UserData": value}]))


@pytest.mark.parametrize("body", [[], ["Name"], ["Name", 1], ["Name", 1, {}, 4], ["Name", "1", {}], [1, 1, {}],
                                  ["Name", 1.5, {}], ["Name", 1, []], ["Name", 1, {1: 2}], {"a": 1}, None, "Name"])
def test_what_is_not_an_array_of_three_is_refused(body: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="not a message"):
        decode_body(msgspec.msgpack.encode(body))


@pytest.mark.parametrize("value", [object(), 2 ** 64, -2 ** 63 - 1, "\ud800", {"a": object()}])
def test_what_cannot_travel_is_a_bug_of_ours(value: Any) -> None:
    with pytest.raises(LocalProtocolError, match="^Name"):
        encode_message(Message("Name", 1, {"Attribute": value}))
    with pytest.raises(LocalProtocolError, match="limit 65536"):
        encode_message(Message("Name", 1, {"Attribute": "x" * 65_536}))


@given(kv_lists, kv_lists)
def test_updating_replaces_where_keys_stand_and_adds_the_others_behind(pairs: KVList, changes: KVList) -> None:
    after, news = updated(pairs, changes), dict(changes)
    assert [pair for pair in after if pair[0] not in news] == [pair for pair in pairs if pair[0] not in news]
    assert {key: value for key, value in after if key in news} == news
    keys = [key for key, _ in after if key in news]
    assert len(keys) == len(set(keys))
    assert updated(after, changes) == after
    assert without(after, *news) == without(pairs, *news)


def test_the_first_of_a_repeated_key_is_found() -> None:
    pairs = kv_list([("a", 1), ("b", 2), ("a", 3)])
    assert first(pairs, "a") == 1 and first(pairs, "A") is None and kv_list({"x": "y"}) == (("x", "y"),)
    message = Message("Name", 0, {"UserData": pairs})
    assert message.user_value("b") == 2 and message.extensions == ()
