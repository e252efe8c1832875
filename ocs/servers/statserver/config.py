"""Options of the Stat Server: `etc/ocs-statserver.toml`."""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Iterable, Iterator, Sequence

from ocs.links.options import LinkOptions
from ocs.options import REQUIRED, option, table
from ocs.runtime import MessageListenOptions
from ocs.servers.service import CompanionOptions, named_twice
from ocs.servers.statserver.directory import AgentEntry, Directory, DNKey, GroupEntry, PlaceEntry, SwitchEntry
from ocs.servers.statserver.expression import Expression, ExpressionError, parse

__all__ = ["AgentGroupOptions", "AgentOptions", "ListenOptions", "PlaceGroupOptions", "PlaceOptions", "StatServerOptions",
           "TServerLinkOptions"]

_DNS_LIMIT = 20_000         # of one T-Server
_DNS_OF_PLACE = 32
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_SKILL = re.compile(r"([^=]{1,64})=([0-9]{1,9})")
_NAME_LIMIT = 64            # characters of a name that travels in every message


@dataclass(frozen=True)
class ListenOptions(MessageListenOptions):
    """Where clients connect, and how much of a client is borne."""

    port: int = option(7_010, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    statistics_per_client: int = option(1_000, low=1, high=100_000, text="Statistics that one client may open.")


@dataclass(frozen=True)
class TServerLinkOptions(LinkOptions):
    """A T-Server whose DNs are watched."""

    name: str = option(REQUIRED, example="tserver", text="Name by which places and expressions call it; unique.")
    application: str = option("statserver", text="Application name with which to register.")
    dns: tuple[str, ...] = option(
        REQUIRED, example=("7001-7020", "7050"), text="The DNs at which agents work, one by one or as FIRST-LAST.")
    trunk_groups: tuple[str, ...] = option(
        (), example=("6800",), text="DNs from which agents are engaged ahead of customers.")

    def problems(self) -> list[str]:
        found = super().problems() + _long_names("name", [self.name])
        numbers, wrong = _numbers(self.dns)
        found += [f"dns: {problem}" for problem in wrong]
        return found + [f"dns: {dn} is given twice" for dn, count in Counter(numbers).items() if count > 1]

    @property
    def entry(self) -> SwitchEntry:
        return SwitchEntry(self.name, tuple(_numbers(self.dns)[0]), frozenset(self.trunk_groups))


@dataclass(frozen=True)
class AgentOptions:
    """A person who may log in."""

    id: str = option(REQUIRED, example="1001", text="The agent's id, unique.")
    dbid: int = option(0, low=0, text="Number of the agent; 0 = none.")
    logins: tuple[str, ...] = option((), example=("1001",), text="Names under which the agent logs in; empty = the id.")
    skills: tuple[str, ...] = option((), example=("German=5",), text="Skills with their levels, NAME=LEVEL.")

    def problems(self) -> list[str]:
        return _long_names("id", [self.id]) + _long_names("logins", self.logins) + [
            f"skills: {each!r} is not NAME=LEVEL" for each in self.skills if _SKILL.fullmatch(each) is None]

    @property
    def entry(self) -> AgentEntry:
        found = [match for each in self.skills if (match := _SKILL.fullmatch(each)) is not None]
        return AgentEntry(self.id, self.dbid, self.logins or (self.id,), {one[1]: int(one[2]) for one in found})


@dataclass(frozen=True)
class PlaceOptions:
    """A desk with its DNs."""

    name: str = option(REQUIRED, example="desk-1", text="Name, unique.")
    dbid: int = option(0, low=0, text="Number of the place; 0 = none.")
    tserver: str = option("", text="T-Server of its DNs; empty = the only one.")
    dns: tuple[str, ...] = option(REQUIRED, example=("7001",), text="Its DNs.")

    def problems(self) -> list[str]:
        many = [f"dns: {len(self.dns)} DNs, {_DNS_OF_PLACE} are possible"] if len(self.dns) > _DNS_OF_PLACE else []
        return _long_names("name", [self.name]) + many


@dataclass(frozen=True)
class AgentGroupOptions:
    """Agents who work together: those named, or whoever fits an expression (a virtual group)."""

    name: str = option(REQUIRED, example="outbound", text="Name, unique.")
    dbid: int = option(0, low=0, text="Number of the group; 0 = none.")
    agents: tuple[str, ...] = option((), example=("1001", "1002"), text="Ids of the members.")
    expression: str = option(
        "", example='Skill("German") >= 3 & LoggedIn()',
        text="Who belongs to it, by skills and log-ins (docs/stat-server.md); instead of agents.")

    def problems(self) -> list[str]:
        if not self.expression:
            return []
        if self.agents:
            return ["expression: a group has either agents or an expression"]
        try:
            parse(self.expression)
        except ExpressionError as error:
            return [f"expression: {error}"]
        return []

    @property
    def condition(self) -> Expression | None:
        """The expression, read."""
        return parse(self.expression) if self.expression else None


@dataclass(frozen=True)
class PlaceGroupOptions:
    """Places that belong together."""

    name: str = option(REQUIRED, example="second-floor", text="Name, unique.")
    dbid: int = option(0, low=0, text="Number of the group; 0 = none.")
    places: tuple[str, ...] = option(REQUIRED, example=("desk-1",), text="Names of the members.")


@dataclass(frozen=True)
class StatServerOptions(CompanionOptions):
    """The whole configuration."""

    listen: ListenOptions = table(ListenOptions)
    tserver: tuple[TServerLinkOptions, ...] = table()
    agent: tuple[AgentOptions, ...] = table()
    place: tuple[PlaceOptions, ...] = table()
    agent_group: tuple[AgentGroupOptions, ...] = table()
    place_group: tuple[PlaceGroupOptions, ...] = table()

    def problems(self) -> list[str]:
        """Rules that span tables: what is named must exist, what names must be unique."""
        found = super().problems()
        for name in ("tserver", "place", "agent_group", "place_group"):
            found += named_twice(name, [one.name for one in getattr(self, name)])
        found += named_twice("agent", [one.id for one in self.agent])
        if not self.tserver:
            found.append("tserver: at least one is needed")
        return [*found, *self._logins(), *self._places(), *self._members()]

    def _logins(self) -> Iterator[str]:
        owners: dict[str, str] = {}
        for place, agent in enumerate(self.agent, 1):
            for login in agent.entry.logins:
                if login in owners:
                    yield f"agent[{place}].logins: {login!r} is a log-in of agent {owners[login]!r} already"
                owners.setdefault(login, agent.id)

    def _places(self) -> Iterator[str]:
        known = {switch.name: frozenset(switch.entry.dns) for switch in self.tserver}
        owners: dict[DNKey, str] = {}
        for number, place in enumerate(self.place, 1):
            where = self._switch_of(place)
            if where not in known:
                yield f"place[{number}].tserver: there is no T-Server {where!r}" if where else \
                    f"place[{number}].tserver: there are {len(known)} T-Servers, name one"
                continue
            for dn in place.dns:
                key = DNKey(where, dn)
                if dn not in known[where]:
                    yield f"place[{number}].dns: {dn!r} is not one of the DNs of {where}"
                elif key in owners:
                    yield f"place[{number}].dns: {dn!r} belongs to place {owners[key]!r} already"
                owners.setdefault(key, place.name)

    def _members(self) -> Iterator[str]:
        agents, places = {one.id for one in self.agent}, {one.name for one in self.place}
        skills = {name for one in self.agent for name in one.entry.skills}
        for number, group in enumerate(self.agent_group, 1):
            yield from (f"agent_group[{number}].agents: there is no agent {one!r}" for one in group.agents if one not in agents)
            if group.expression and not group.problems():
                condition = parse(group.expression)
                yield from (f"agent_group[{number}].expression: there is no agent {one!r}"
                            for one in sorted(condition.agents - agents))
                yield from (f"agent_group[{number}].expression: no agent has the skill {one!r}"
                            for one in sorted(condition.skills - skills))
        for number, places_of in enumerate(self.place_group, 1):
            yield from (f"place_group[{number}].places: there is no place {one!r}"
                        for one in places_of.places if one not in places)

    def _switch_of(self, place: PlaceOptions) -> str:
        return place.tserver or (self.tserver[0].name if len(self.tserver) == 1 else "")

    def directory(self) -> Directory:
        """Everything that is configured, as the server needs it."""
        return Directory(
            (one.entry for one in self.tserver), (one.entry for one in self.agent),
            (PlaceEntry(one.name, one.dbid, tuple(DNKey(self._switch_of(one), dn) for dn in one.dns)) for one in self.place),
            (GroupEntry(one.name, one.dbid, one.agents, one.condition) for one in self.agent_group),
            (GroupEntry(one.name, one.dbid, one.places) for one in self.place_group))


def _numbers(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Every DN of such a list, and what is wrong with it."""
    numbers: list[str] = []
    wrong: list[str] = []
    for text in texts:
        match = _RANGE.fullmatch(text)
        if match is None:
            numbers.append(text)
            if not text or len(text) > _NAME_LIMIT:
                wrong.append(f"{text[:80]!r}: 1 to {_NAME_LIMIT} characters are possible")
            continue
        first, last = match[1], match[2]
        count = int(last) - int(first) + 1
        if not 1 <= count <= _DNS_LIMIT or len(first) != len(last):
            wrong.append(f"{text!r} is not a range of 1 to {_DNS_LIMIT} DNs of the same length")
            continue
        numbers.extend(str(int(first) + place).zfill(len(first)) for place in range(count))
    if len(numbers) > _DNS_LIMIT:
        wrong.append(f"{len(numbers)} DNs, {_DNS_LIMIT} are possible")
    return numbers, wrong


def _long_names(name: str, given: Iterable[str]) -> list[str]:
    return [f"{name}: {one[:80]!r} has more than {_NAME_LIMIT} characters" for one in given if len(one) > _NAME_LIMIT]
