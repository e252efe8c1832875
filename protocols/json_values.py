"""Attribute values as JSON has them, and back, without loss: octets are maps with the one key `$octets`, in base64.

A key that begins with `$` is written with one `$` more, so that no map of a peer's is taken for octets. What MessagePack
cannot carry is refused here, too (integers beyond 64 bits), and what JSON cannot (numbers that are none, keys that are not
text): then a message can pass from one encoding to the other.
"""
from __future__ import annotations

import binascii
import math
from base64 import b64decode, b64encode
from typing import Any

__all__ = ["escaped", "integer", "key", "read", "written"]

_OCTETS = "$octets"
_LEAST, _MOST = -2 ** 63, 2 ** 64 - 1


def integer(number: int) -> int:
    """The number; OverflowError if it is not of 64 bits."""
    if not _LEAST <= number <= _MOST:
        raise OverflowError(f"integer of {number.bit_length()} bits")
    return number


def escaped(name: object) -> str:
    """A key as it is written; TypeError if it is not text."""
    if not isinstance(name, str):
        raise TypeError(f"key of type {type(name).__name__}")
    return "$" + name if name.startswith("$") else name


def key(name: str) -> str:
    """A key as it was before `escaped`; ValueError for one that `escaped` does not write."""
    if not name.startswith("$"):
        return name
    if not name.startswith("$$"):
        raise ValueError(f"key {name[:64]!r}")
    return name[1:]


def written(value: Any) -> Any:
    """A value for the JSON encoder; TypeError, ValueError or OverflowError if it cannot travel."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that JSON has")
        return value
    if isinstance(value, bytes):
        return {_OCTETS: b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return {escaped(name): written(item) for name, item in value.items()}
    raise TypeError(f"value of type {type(value).__name__}")


def read(value: Any) -> Any:
    """A value from the JSON decoder; ValueError or OverflowError if `written` does not write such."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(octets := value.get(_OCTETS), str):
            return _octets(octets)
        return {key(name): read(item) for name, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool):
        return integer(value)
    return value


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{_OCTETS}: not base64") from None
