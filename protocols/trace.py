"""Messages as text, in the layout that log readers of this field know: a line that says who told whom what, then a line with a
tab for each attribute, lists with their pairs below them.

Source: the shapes of message dumps of T-Servers and outbound contact servers. The length in brackets before a list is that of the
field's packed layout, as far as it is known; it tells long lists from short ones and nothing else.
"""
from __future__ import annotations

import time
from typing import Any, Callable, Iterator, Sequence

from protocols.message import KV_ATTRIBUTES, Message

__all__ = ["MessageTrace", "message_lines"]

_SECRET = frozenset({"ApplicationPassword", "AgentPassword"})
_HEXADECIMAL = frozenset({"ConnID", "TransferConnID", "PreviousConnID", "OriginConnID", "RefConnID", "EngagingConnID"})
_LIST_OVERHEAD, _STRING_OVERHEAD, _INNER_OVERHEAD, _INT_OVERHEAD = 2, 5, 7, 9


class MessageTrace:
    """Writes messages of links. `write` takes text; `wall` gives epoch seconds; `mask` shows a telephone number as it may be
    seen."""

    def __init__(self, write: Callable[[str], Any], wall: Callable[[], float], mask: Callable[[str], str] = str) -> None:
        self._write, self._wall, self._mask = write, wall, mask

    def received(self, link: str, peer: str, message: Message) -> None:
        """The server on the other side has told us something."""
        self._put(f"received from 65200({link}){peer} message {_one_line(message.name)}", message, "")

    def sent(self, link: str, peer: str, message: Message) -> None:
        """We have asked for something."""
        self._put(f"request to 65200({link}) message {_one_line(message.name)}", message, f"..sent to {peer}\n")

    def _put(self, head: str, message: Message, tail: str) -> None:
        body = "".join(f"{line}\n" for line in message_lines(message, self._mask))
        self._write(f"@{_clock(self._wall())} {head}\n{body}{tail}\n")


def message_lines(message: Message, mask: Callable[[str], str] = str) -> Iterator[str]:
    """The lines of the attributes."""
    if message.reference_id:
        yield f"\tAttributeReferenceID\t{message.reference_id}"
    for name, value in message.attributes.items():
        if name in _SECRET:
            yield f"\tAttribute{name}\t'********'"
        elif name in KV_ATTRIBUTES and isinstance(value, tuple):
            yield f"\tAttribute{name}\t[{_packed(value)}] {_first_octets(value)}.."
            yield from _pairs(value, mask, 2)
        else:
            yield f"\tAttribute{_one_line(name)}\t{_value(name, value, mask)}"


def _value(name: str, value: Any, mask: Callable[[str], str]) -> str:
    if name in _HEXADECIMAL and isinstance(value, str):
        return _one_line(value)
    if name == "EventSequenceNumber" and isinstance(value, int):
        return f"{value & 0xFFFFFFFFFFFFFFFF:016x}"
    if name == "TimeinSecs" and isinstance(value, int):
        return f"{value} ({_clock(value)[:8]})"
    if isinstance(value, str):
        return f"'{_shown(value, mask)}'"
    if isinstance(value, bytes):
        return f"(bin) {value.hex(' ')}"
    return repr(value) if isinstance(value, (list, dict)) else str(value)


def _pairs(pairs: Sequence[tuple[str, Any]], mask: Callable[[str], str], depth: int) -> Iterator[str]:
    for key, value in pairs:
        if isinstance(value, tuple):
            yield "\t" * depth + f"'{_one_line(key)}'(list)"
            yield from _pairs(value, mask, depth + 1)
        else:
            yield "\t" * depth + f"'{_one_line(key)}'\t{_value('', value, mask)}"


def _shown(text: str, mask: Callable[[str], str]) -> str:
    """A telephone number as it may be seen; other text as it is, in one line."""
    digits = text[1:] if text[:1] == "+" else text
    return mask(text) if digits.isdigit() and len(digits) > 7 else _one_line(text)


def _one_line(text: str) -> str:
    """Text never begins a line of its own: a reader would take it for another attribute."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _packed(pairs: Sequence[tuple[str, Any]]) -> int:
    """Octets in the packed layout of key-value lists."""
    total = _LIST_OVERHEAD
    for key, value in pairs:
        size = len(key.encode("utf-8", "replace"))
        if isinstance(value, tuple):
            total += _INNER_OVERHEAD + size + _packed(value)
        elif isinstance(value, int):
            total += _INT_OVERHEAD + size
        else:
            total += _STRING_OVERHEAD + size + len(value if isinstance(value, bytes) else value.encode("utf-8", "replace"))
    return total


def _first_octets(pairs: Sequence[tuple[str, Any]]) -> str:
    """The first four of the packed layout: the number of pairs, and the type of the first."""
    kind = 0
    if pairs:
        value = pairs[0][1]
        kind = 3 if isinstance(value, tuple) else 1 if isinstance(value, int) else 2 if isinstance(value, bytes) else 0
    return f"{len(pairs) >> 8 & 255:02x} {len(pairs) & 255:02x} {kind:02x} 00"


def _clock(at: float) -> str:
    """HH:MM:SS.ffff, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(at)) + f".{int(at * 10_000) % 10_000:04d}"
