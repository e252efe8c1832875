"""Which encoding goes over a stream of frames: MessagePack or JSON, one for a connection. Source: docs/wire.md, section 2.

A client speaks one of them; a server accepts one, or either: then the first octet of a client's first body tells. JSON text
begins with `[`, which no message in MessagePack does. Until then a server has nothing to say.
"""
from __future__ import annotations

from typing import Mapping, Protocol

from protocols.attributes import Limits
from protocols.codec import JSON_TEXT, MESSAGE_PACK, Codec, Decoder, decode_body
from protocols.errors import RemoteProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT, FrameDecoder, encode_frame
from protocols.message import Message

__all__ = ["ANY", "FRAMED", "FirstOctet", "JSON_FRAMES"]

ANY = "any"
_JSON_BEGINS = ord("[")
_DEFAULT_LIMITS = Limits()


class _Body(Protocol):
    """Reads one body."""

    def __call__(self, body: bytes, limits: Limits, /) -> Message: ...


def _json_body(body: bytes, limits: Limits) -> Message:
    decoder = JSON_TEXT.decoder(len(body), limits)
    decoder.receive(body)
    message = decoder.next_message()
    assert message is not None
    return message


class _FramesOfJson:
    """Frames as ever, whose bodies are JSON text."""

    name, separate = "JSON", False

    def encode(self, message: Message, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
        return encode_frame(JSON_TEXT.encode(message, limit), limit)

    def decoder(self, limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> Decoder:
        return _Bodies(limit, limits, _json_body)


class _Bodies:
    def __init__(self, limit: int, limits: Limits, read: _Body) -> None:
        self._frames, self._limits, self._read = FrameDecoder(limit), limits, read

    def receive(self, data: bytes) -> None:
        self._frames.receive(data)

    def next_message(self) -> Message | None:
        body = self._frames.next_frame()
        return None if body is None else self._read(body, self._limits)


JSON_FRAMES: Codec = _FramesOfJson()
_READ: dict[str, _Body] = {MESSAGE_PACK.name: decode_body, JSON_FRAMES.name: _json_body}
FRAMED: Mapping[str, Codec] = {"messagepack": MESSAGE_PACK, "json": JSON_FRAMES}      # by the words of options


class FirstOctet:
    """The codec of one connection of a server that accepts one of `FRAMED`, or ANY, told by the first body. `known`: it has
    been told."""

    separate = False

    def __init__(self, accepted: str = ANY) -> None:
        self._accepted, self.name = accepted, ANY
        self._codec: Codec | None = None

    @property
    def known(self) -> bool:
        return self._codec is not None

    def encode(self, message: Message, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
        return (self._codec or MESSAGE_PACK).encode(message, limit)

    def decoder(self, limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = _DEFAULT_LIMITS) -> Decoder:
        def read(body: bytes, limits: Limits) -> Message:
            if self._codec is None:
                self._codec = self._told_by(body)
                self.name = self._codec.name
            return _READ[self._codec.name](body, limits)

        return _Bodies(limit, limits, read)

    def _told_by(self, body: bytes) -> Codec:
        spoken = "json" if body[0] == _JSON_BEGINS else "messagepack"
        if self._accepted not in (ANY, spoken):
            raise RemoteProtocolError(f"it speaks {spoken}, and only {self._accepted} is accepted here")
        return FRAMED[spoken]
