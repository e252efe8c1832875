"""Bounds on the user data of a call: it travels on every event, so it must fit into a frame with room to spare."""
from __future__ import annotations

from protocols.attributes import KVList
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode

__all__ = ["UserDataLimits", "octets"]

_PAIR_OVERHEAD = 12     # of MessagePack: the pair, the longest str header, the longest int


def octets(pairs: KVList) -> int:
    """An upper bound on the octets that the pairs take in a frame."""
    total = 0
    for key, value in pairs:
        total += _PAIR_OVERHEAD + (len(key) if key.isascii() else len(key.encode()))
        if isinstance(value, str):
            total += len(value) if value.isascii() else len(value.encode())
        elif isinstance(value, bytes):
            total += len(value)
        elif isinstance(value, tuple):
            total += octets(value)
    return total


class UserDataLimits:
    """At most `size` octets and `pairs` pairs at the top level (the decoder bounds the lists inside)."""

    def __init__(self, size: int, pairs: int = 1_024) -> None:
        self._size, self._pairs = size, pairs

    def problem(self, user_data: KVList) -> str | None:
        """What is wrong with the user data; None if it is within the bounds."""
        if len(user_data) > self._pairs:
            return f"UserData: {len(user_data)} pairs, limit {self._pairs}"
        size = octets(user_data)
        return f"UserData: {size} octets, limit {self._size}" if size > self._size else None

    def check(self, user_data: KVList) -> None:
        """Refused (53) if the user data exceeds the bounds."""
        problem = self.problem(user_data)
        if problem is not None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, problem)
