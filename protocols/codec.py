"""Messages <-> octets: one MessagePack array `[name, reference_id, attributes]` a frame. Source: docs/wire.md, section 2."""
from __future__ import annotations

from typing import Any

import msgspec

from protocols.attributes import Limits, kv_from_wire, kv_to_wire
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT, FrameDecoder, encode_frame
from protocols.message import KV_ATTRIBUTES, Message

__all__ = ["MessageDecoder", "decode_body", "encode_message"]

_decode = msgspec.msgpack.Decoder(tuple[str, int, dict[str, Any]]).decode
_encode = msgspec.msgpack.Encoder().encode
_DEFAULT_LIMITS = Limits()


def encode_message(message: Message, frame_limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
    """One frame, length included; LocalProtocolError if a value cannot travel or the frame would be too long."""
    attributes = {
        name: kv_to_wire(value) if isinstance(value, tuple) else value for name, value in message.attributes.items()
    }
    try:
        body = _encode((message.name, message.reference_id, attributes))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise LocalProtocolError(f"{message.name}: {error}") from None
    return encode_frame(body, frame_limit)


def decode_body(body: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """One message from the body of a frame; RemoteProtocolError for anything that is not one."""
    try:
        name, reference_id, wire = _decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise RemoteProtocolError(f"not a message: {error}") from None
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


class MessageDecoder:
    """A stream of octets into messages; pull interface like `FrameDecoder`."""

    def __init__(self, frame_limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._frames, self._limits = FrameDecoder(frame_limit), limits

    def receive(self, data: bytes) -> None:
        """Take octets off the transport."""
        self._frames.receive(data)

    def next_message(self) -> Message | None:
        """The oldest complete message; None until more octets arrive; RemoteProtocolError for junk."""
        body = self._frames.next_frame()
        return None if body is None else decode_body(body, self._limits)
