"""The people and things that a Stat Server knows of: agents with their log-ins and skills, places with their DNs, groups."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping, NamedTuple

from ocs.servers.statserver.expression import Expression
from protocols.statserver.messages import ObjectType

__all__ = ["AgentEntry", "DNKey", "Directory", "GroupEntry", "ObjectRef", "PlaceEntry", "SwitchEntry"]


class DNKey(NamedTuple):
    """One DN of one T-Server."""

    switch: str
    dn: str


class ObjectRef(NamedTuple):
    """What a statistic is about."""

    type: ObjectType
    id: str


@dataclass(frozen=True)
class AgentEntry:
    """A person. `logins` are the names under which the person logs in at the switches; `skills` maps names to levels."""

    id: str
    dbid: int = 0
    logins: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PlaceEntry:
    """A desk with its DNs."""

    name: str
    dbid: int = 0
    dns: tuple[DNKey, ...] = ()


@dataclass(frozen=True)
class GroupEntry:
    """A group of agents (`members` are their ids), of places (their names), or of whichever agents fit `expression`."""

    name: str
    dbid: int = 0
    members: tuple[str, ...] = ()
    expression: Expression | None = None


@dataclass(frozen=True)
class SwitchEntry:
    """A T-Server: the DNs that are watched there, and the trunk groups whose calls engage agents ahead of customers."""

    name: str
    dns: tuple[str, ...]
    trunk_groups: frozenset[str] = frozenset()


class Directory:
    """Everything that is configured, by name. What names something that is not there was refused before."""

    def __init__(self, switches: Iterable[SwitchEntry], agents: Iterable[AgentEntry] = (), places: Iterable[PlaceEntry] = (),
                 agent_groups: Iterable[GroupEntry] = (), place_groups: Iterable[GroupEntry] = ()) -> None:
        self.switches = {one.name: one for one in switches}
        self.agents = {one.id: one for one in agents}
        self.places = {one.name: one for one in places}
        self.agent_groups = {one.name: one for one in agent_groups}
        self.place_groups = {one.name: one for one in place_groups}
        self._agent_of = {login: agent.id for agent in self.agents.values() for login in agent.logins}
        self._dns = {one.name: frozenset(one.dns) for one in self.switches.values()}
        self._place_of = {key: place.name for place in self.places.values() for key in place.dns}

    def agent_of(self, login: str) -> str:
        """Whose log-in this is; "" if nobody's."""
        return self._agent_of.get(login, "")

    def place_of(self, key: DNKey) -> str:
        """The place that has the DN; "" if none has."""
        return self._place_of.get(key, "")

    def dn(self, text: str) -> DNKey | None:
        """The DN that `text` names, as DN@T-SERVER or, where only one T-Server has it, DN; None if there is none."""
        number, _, switch = text.partition("@")
        found = [DNKey(name, number) for name, dns in self._dns.items() if number in dns and switch in ("", name)]
        return found[0] if len(found) == 1 else None

    def switches_of(self, place: str) -> frozenset[str]:
        """The T-Servers that a place's DNs are at."""
        return frozenset(key.switch for key in self.places[place].dns)
