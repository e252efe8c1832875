"""Messages <-> octets: one message set, exchangeable encodings. Source: docs/wire.md, sections 1 and 2.

A codec says how a message becomes what goes on a transport, and back. `MESSAGE_PACK` is that of every TCP link: a frame around
the MessagePack array `[name, reference_id, attributes]`. `JSON_TEXT` writes the same array as JSON text, for transports that
keep the boundaries of messages themselves, as a WebSocket does: each text is one message. Whatever the encoding, the limits
and the checks are the same, and a message that came in by one codec can go out by another.
"""
from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import msgspec

from protocols import json_values
from protocols.attributes import Limits, kv_from_wire, kv_to_wire
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT, FrameDecoder, encode_frame
from protocols.message import KV_ATTRIBUTES, Message

__all__ = ["Codec", "Decoder", "JSON_TEXT", "MESSAGE_PACK", "MessageDecoder", "decode_body", "encode_message"]

_DEFAULT_LIMITS = Limits()
_FAULTS = (msgspec.DecodeError, RecursionError, ValueError, OverflowError)


class Decoder(Protocol):
    """What comes off a transport into messages; pull interface like `FrameDecoder`."""

    def receive(self, data: bytes) -> None:
        """Take octets off the transport."""

    def next_message(self) -> Message | None:
        """The oldest complete message; None until more octets arrive; RemoteProtocolError for junk."""


class Codec(Protocol):
    """One encoding of the message set. `separate`: each message is to be handed to its transport by itself."""

    name: str
    separate: bool

    def encode(self, message: Message, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
        """The message as it goes on the transport; LocalProtocolError if a value cannot travel or it would be too long."""

    def decoder(self, limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> Decoder:
        """A fresh decoder for one connection."""


# -- MessagePack in frames ----------------------------------------------------------------------------------------
_unpack = msgspec.msgpack.Decoder(tuple[str, int, dict[str, Any]]).decode
_pack = msgspec.msgpack.Encoder().encode


def encode_message(message: Message, frame_limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
    """One frame, length included; LocalProtocolError if a value cannot travel or the frame would be too long."""
    try:
        body = _pack((message.name, message.reference_id, _wire_attributes(message)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise LocalProtocolError(f"{message.name}: {error}") from None
    return encode_frame(body, frame_limit)


def decode_body(body: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """One message from the body of a frame; RemoteProtocolError for anything that is not one."""
    try:
        name, reference_id, wire = _unpack(body)
    except _FAULTS as error:
        raise RemoteProtocolError(f"not a message: {error}") from None
    return _message(name, reference_id, wire, limits)


class MessageDecoder:
    """A stream of octets into messages."""

    def __init__(self, frame_limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._frames, self._limits = FrameDecoder(frame_limit), limits

    def receive(self, data: bytes) -> None:
        self._frames.receive(data)

    def next_message(self) -> Message | None:
        body = self._frames.next_frame()
        return None if body is None else decode_body(body, self._limits)


class _MessagePack:
    name, separate = "MessagePack", False

    def encode(self, message: Message, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
        return encode_message(message, limit)

    def decoder(self, limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> Decoder:
        return MessageDecoder(limit, limits)


# -- JSON text ----------------------------------------------------------------------------------------------------
_parse = msgspec.json.Decoder(tuple[str, int, dict[str, Any]]).decode
_write = msgspec.json.Encoder().encode


class _JsonDecoder:
    """Each `receive` is one text."""

    def __init__(self, limit: int, limits: Limits) -> None:
        self._limit, self._limits = limit, limits
        self._texts: deque[bytes] = deque()

    def receive(self, data: bytes) -> None:
        self._texts.append(data)

    def next_message(self) -> Message | None:
        if not self._texts:
            return None
        text = self._texts.popleft()
        if not 1 <= len(text) <= self._limit:
            raise RemoteProtocolError(f"text of {len(text)} octets, limit {self._limit}")
        try:
            name, reference_id, wire = _parse(text)
            json_values.integer(reference_id)
            attributes = {json_values.key(key): json_values.read(value) for key, value in wire.items()}
        except _FAULTS as error:
            raise RemoteProtocolError(f"not a message: {error}") from None
        return _message(name, reference_id, attributes, self._limits)


class _JsonText:
    name, separate = "JSON", True

    def encode(self, message: Message, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
        try:
            reference_id = json_values.integer(message.reference_id)
            attributes = {json_values.escaped(name): json_values.written(value)
                          for name, value in _wire_attributes(message).items()}
            text = _write((message.name, reference_id, attributes))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise LocalProtocolError(f"{message.name}: {error}") from None
        if len(text) > limit:
            raise LocalProtocolError(f"text of {len(text)} octets, limit {limit}")
        return text

    def decoder(self, limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> Decoder:
        return _JsonDecoder(limit, limits)


MESSAGE_PACK: Codec = _MessagePack()
JSON_TEXT: Codec = _JsonText()


# -- what both do -------------------------------------------------------------------------------------------------
def _wire_attributes(message: Message) -> dict[str, Any]:
    return {name: kv_to_wire(value) if isinstance(value, tuple) else value for name, value in message.attributes.items()}


def _message(name: str, reference_id: int, wire: dict[str, Any], limits: Limits) -> Message:
    if len(wire) > limits.pairs:
        raise RemoteProtocolError(f"{name}: {len(wire)} attributes, limit {limits.pairs}")
    attributes: dict[str, Any] = {}
    for key, value in wire.items():
        if key in KV_ATTRIBUTES:
            value = kv_from_wire(value, limits, f"{name}.{key}")
        elif isinstance(value, (list, dict)):
            _check_nesting(value, limits, f"{name}.{key}")
        attributes[key] = value
    return Message(name, reference_id, attributes)


def _check_nesting(value: object, limits: Limits, where: str, depth: int = 1) -> None:
    """Bound the attributes that no table names: they are kept, but not without limit."""
    if depth > limits.nesting:
        raise RemoteProtocolError(f"{where}: nested deeper than {limits.nesting}")
    if isinstance(value, (list, dict)):
        if len(value) > limits.pairs:
            raise RemoteProtocolError(f"{where}: {len(value)} items, limit {limits.pairs}")
        for item in value.values() if isinstance(value, dict) else value:
            _check_nesting(item, limits, where, depth + 1)
