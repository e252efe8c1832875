"""JSON objects in the bodies of HTTP requests and answers.

Values of the public keys are strings or integers. What a peer answers is read leniently: an empty body, a word such as
`OK`, or a value that is no object, is an answer without an object, never an error.
"""
from __future__ import annotations

from typing import Any, Mapping

import msgspec

__all__ = ["CONTENT_TYPE", "encode_object", "read_object"]

CONTENT_TYPE = "application/json; charset=utf-8"


def encode_object(pairs: Mapping[str, Any]) -> bytes:
    """A JSON object in UTF-8, keys in the order given."""
    return msgspec.json.encode(pairs)


def read_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that a body is; None where it is something else, or nothing that can be read."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
