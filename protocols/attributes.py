"""Key-value lists: the form of user data, extensions and reasons.

A list is an ordered sequence of (key, value) pairs in which a key may repeat; a value is a str, an int, octets or
another list. In memory a list is a tuple of pairs, so it can be shared and compared; on the wire it is an array of
two-element arrays. Source: docs/wire.md, section 3.
"""
from __future__ import annotations

from typing import Iterable, Mapping, Sequence, Union

from protocols.errors import RemoteProtocolError

__all__ = ["KVList", "KVValue", "Limits", "first", "kv_from_wire", "kv_list", "kv_to_wire", "octets", "updated",
           "without"]

KVValue = Union[str, int, bytes, "KVList"]
KVList = tuple[tuple[str, KVValue], ...]


class Limits:
    """Bounds on what a peer may send: nesting depth and pairs a list. (The frame limit lies in `protocols.framing`.)"""

    __slots__ = ("nesting", "pairs")

    def __init__(self, nesting: int = 8, pairs: int = 1_024) -> None:
        self.nesting, self.pairs = nesting, pairs


def kv_list(pairs: Mapping[str, KVValue] | Iterable[tuple[str, KVValue]] = ()) -> KVList:
    """A key-value list from a mapping or from pairs."""
    return tuple(pairs.items()) if isinstance(pairs, Mapping) else tuple(pairs)


def first(pairs: KVList, key: str) -> KVValue | None:
    """The value of the first pair with this key (case-sensitive); None where there is none."""
    for name, value in pairs:
        if name == key:
            return value
    return None


def updated(pairs: KVList, changes: KVList) -> KVList:
    """`pairs` with every key of `changes` replaced where it stands, the new keys behind. Source: RequestUpdateUserData."""
    news = dict(changes)
    kept: list[tuple[str, KVValue]] = []
    placed: set[str] = set()
    for name, value in pairs:
        if name not in news:
            kept.append((name, value))
        elif name not in placed:
            kept.append((name, news[name]))
            placed.add(name)
    kept.extend((name, news[name]) for name in news if name not in placed)
    return tuple(kept)


def octets(value: KVValue) -> int:
    """About how long a value is on the wire."""
    if isinstance(value, tuple):
        return sum(len(key.encode(errors="replace")) + 8 + octets(item) for key, item in value)
    return len(value.encode(errors="replace") if isinstance(value, str) else value) if not isinstance(value, int) else 9


def without(pairs: KVList, *keys: str) -> KVList:
    """`pairs` less those with one of these keys."""
    return tuple(pair for pair in pairs if pair[0] not in keys)


def kv_from_wire(value: object, limits: Limits, where: str, depth: int = 1) -> KVList:
    """Check a decoded array of pairs and make it a KVList; RemoteProtocolError names `where` it is wrong."""
    if depth > limits.nesting:
        raise RemoteProtocolError(f"{where}: nested deeper than {limits.nesting}")
    if not isinstance(value, (list, tuple)):
        raise RemoteProtocolError(f"{where}: not a key-value list")
    if len(value) > limits.pairs:
        raise RemoteProtocolError(f"{where}: {len(value)} pairs, limit {limits.pairs}")
    pairs: list[tuple[str, KVValue]] = []
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise RemoteProtocolError(f"{where}: a pair is not [str, value]")
        key, item = pair
        if isinstance(item, (list, tuple)):
            item = kv_from_wire(item, limits, f"{where}.{key}", depth + 1)
        elif isinstance(item, bool) or not isinstance(item, (str, int, bytes)):
            raise RemoteProtocolError(f"{where}.{key}: a value is a str, an int, octets or a list")
        pairs.append((key, item))
    return tuple(pairs)


def kv_to_wire(pairs: Sequence[tuple[str, KVValue]]) -> list[list[object]]:
    """The array of pairs that goes on the wire."""
    return [[key, kv_to_wire(value) if isinstance(value, tuple) else value] for key, value in pairs]
