"""The members of a group as statistics of category CurrentTargetState tell them: a frozen value, and its form on the wire.

A long snapshot is sent in pages, so that no frame becomes too long. Source: docs/wire.md, section 14.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping

from protocols.errors import RemoteProtocolError
from protocols.statserver.messages import Status

__all__ = ["Target", "TargetDN", "pages", "target_from_wire", "target_to_wire"]

_PAGE_OCTETS = 30_000       # of one snapshot message, counted from above; far below the frame limit
_PAGE_TARGETS = 200
_Map = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TargetDN:
    """One DN of a target. `switch` names its T-Server, `since` (epoch s) is when its status last changed."""

    dn: str
    switch: str
    status: Status
    since: float


@dataclass(frozen=True, slots=True)
class Target:
    """One agent or place. Of an agent who is logged out the place is "" and there are no DNs; of a place where nobody is
    logged in the agent is "". `login` is the agent's name at the switch."""

    agent_id: str = ""
    agent_dbid: int = 0
    login: str = ""
    place_id: str = ""
    place_dbid: int = 0
    status: Status = Status.NOT_MONITORED
    since: float = 0.0
    dns: tuple[TargetDN, ...] = ()

    def octets(self) -> int:
        """An upper bound of its size on the wire."""
        texts = sum(4 * len(text) for text in (self.agent_id, self.login, self.place_id))
        return 120 + texts + sum(60 + 4 * (len(one.dn) + len(one.switch)) for one in self.dns)


def target_to_wire(target: Target) -> dict[str, Any]:
    """The map that stands for it in a message."""
    return {
        "AgentID": target.agent_id, "AgentDBID": target.agent_dbid, "LoginID": target.login, "PlaceID": target.place_id,
        "PlaceDBID": target.place_dbid, "Status": int(target.status), "Since": target.since,
        "DNs": [{"DN": one.dn, "Switch": one.switch, "Status": int(one.status), "Since": one.since} for one in target.dns]}


def target_from_wire(value: object) -> Target:
    """The value that a message has; RemoteProtocolError names what is wrong. A status that is not known is NotMonitored:
    whoever it is must not be counted on."""
    target = _map(value, "a target")
    dns = target.get("DNs", [])
    if not isinstance(dns, list):
        raise RemoteProtocolError("DNs: an array is expected")
    return Target(
        _text(target, "AgentID"), _whole(target, "AgentDBID"), _text(target, "LoginID"), _text(target, "PlaceID"),
        _whole(target, "PlaceDBID"), _status(target), _seconds(target), tuple(_dn(each) for each in dns))


def _dn(value: object) -> TargetDN:
    line = _map(value, "a DN of a target")
    return TargetDN(_text(line, "DN"), _text(line, "Switch"), _status(line), _seconds(line))


def _map(value: object, what: str) -> _Map:
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"{what} is not a map")
    return value


def _text(value: _Map, name: str) -> str:
    text = value.get(name, "")
    if not isinstance(text, str):
        raise RemoteProtocolError(f"{name}: a str is expected, not {type(text).__name__}")
    return text


def _whole(value: _Map, name: str) -> int:
    number = value.get(name, 0)
    if isinstance(number, bool) or not isinstance(number, int):
        raise RemoteProtocolError(f"{name}: an int is expected, not {type(number).__name__}")
    return number


def _seconds(value: _Map) -> float:
    number = value.get("Since", 0.0)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise RemoteProtocolError(f"Since: a number is expected, not {type(number).__name__}")
    return float(number)


def _status(value: _Map) -> Status:
    number = _whole(value, "Status")
    return Status(number) if number in _STATUSES else Status.NOT_MONITORED


_STATUSES = frozenset(int(each) for each in Status)


def pages(targets: Iterable[Target]) -> Iterator[tuple[Target, ...]]:
    """The targets in pieces that fit into a message each; one empty piece where there are none."""
    page: list[Target] = []
    octets, sent = 0, False
    for target in targets:
        size = target.octets()
        if page and (octets + size > _PAGE_OCTETS or len(page) >= _PAGE_TARGETS):
            yield tuple(page)
            page, octets, sent = [], 0, True
        page.append(target)
        octets += size
    if page or not sent:
        yield tuple(page)
