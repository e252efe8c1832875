"""Frames: a 4-octet big-endian length N, then N octets of body, 1 <= N <= limit. Source: docs/wire.md, section 1."""
from __future__ import annotations

from protocols.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["DEFAULT_FRAME_LIMIT", "FrameDecoder", "encode_frame"]

DEFAULT_FRAME_LIMIT = 65_536


def encode_frame(body: bytes, limit: int = DEFAULT_FRAME_LIMIT) -> bytes:
    """The octets on the wire for one body; LocalProtocolError if the peer would refuse its length."""
    if not 1 <= len(body) <= limit:
        raise LocalProtocolError(f"frame of {len(body)} octets, limit {limit}")
    return len(body).to_bytes(4, "big") + body


class FrameDecoder:
    """Cut a stream into frames. Pull interface: `receive` octets, then take frames while `next_frame` gives any."""

    def __init__(self, limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._limit, self._buffer = limit, bytearray()

    def receive(self, data: bytes) -> None:
        """Take octets off the transport; they are kept until `next_frame` takes them."""
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """The oldest complete body; None until more octets arrive; RemoteProtocolError for a forbidden length."""
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if not 1 <= length <= self._limit:
            raise RemoteProtocolError(f"frame of {length} octets, limit {self._limit}")
        end = 4 + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[4:end])
        del self._buffer[:end]
        return body
