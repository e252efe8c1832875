"""The picture of a site: what every DN, agent, place and group does now, kept true event by event.

Events of T-Servers change DNs; what follows for agents, places and groups is found out here and told to the listener: first
the object itself, then each group of which it is a member. A T-Server that is lost takes its DNs out of sight.
"""
from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import Iterator, Mapping, Protocol

from ocs.servers.statserver.directory import AgentEntry, Directory, DNKey, GroupEntry, ObjectRef
from ocs.servers.statserver.expression import Expression
from ocs.servers.statserver.states import (
    UNKNOWN_DN,
    DNEvent,
    DNState,
    agent_status,
    dn_status,
    group_status,
    place_status,
    step,
)
from protocols.statserver.messages import ObjectType, Status
from protocols.statserver.targets import Target, TargetDN

__all__ = ["MemberChange", "Picture", "PictureListener"]


class MemberChange(Enum):
    """What happens to a member of a group."""
    ADDED = auto()
    UPDATED = auto()
    REMOVED = auto()


class PictureListener(Protocol):
    """Who wants to know."""

    def changed(self, ref: ObjectRef) -> None:
        """A DN, an agent or a place is another than before."""

    def member_changed(self, kind: MemberChange, group: ObjectRef, target: Target) -> None:
        """A member came, changed or left; `target` is as it is now."""

    def sight_changed(self) -> None:
        """A T-Server came into sight, its DNs already as they are; or is lost, and its DNs will follow."""


class _Person:
    """An agent at work; provides AgentFacts."""

    def __init__(self, entry: AgentEntry, states: Mapping[DNKey, DNState]) -> None:
        self.entry, self._states = entry, states
        self.seats: set[DNKey] = set()              # where the agent is logged in
        self.groups: dict[str, None] = {}           # of which the agent is a member now

    @property
    def agent_id(self) -> str:
        return self.entry.id

    @property
    def skills(self) -> Mapping[str, int]:
        return self.entry.skills

    @property
    def logged_in(self) -> bool:
        return bool(self.seats)

    def logged_in_at(self, name: str) -> bool:
        return any(name in (key.dn, key.switch, self._states[key].queue) for key in self.seats)


class Picture:
    """All states of one site. Times (`at`) are epoch seconds. `listener` may be set later."""

    def __init__(self, directory: Directory, listener: PictureListener | None = None) -> None:
        self.directory, self.listener = directory, listener
        self.in_sight: set[str] = set()             # T-Servers
        self._states: dict[DNKey, DNState] = {
            DNKey(switch.name, dn): UNKNOWN_DN for switch in directory.switches.values() for dn in switch.dns}
        self._since: dict[DNKey, float] = dict.fromkeys(self._states, 0.0)
        self._people = {entry.id: _Person(entry, self._states) for entry in directory.agents.values()}
        self._agents: dict[str, Target] = {}
        self._places: dict[str, Target] = {}
        self._members: dict[ObjectRef, dict[str, None]] = {}
        self._counts: dict[ObjectRef, Counter[Status]] = {}
        self._group_since: dict[ObjectRef, tuple[Status, float]] = {}
        self._fixed: dict[str, dict[str, None]] = {}        # agent -> groups of which the agent is always a member
        self._dynamic: dict[str, Expression] = {}           # groups whose members depend on who is logged in
        self._of_place: dict[str, list[ObjectRef]] = {}
        self._enrol()

    def _enrol(self) -> None:
        for group in self.directory.agent_groups.values():
            self._members[ObjectRef(ObjectType.GROUP_AGENTS, group.name)] = {}
            for agent_id in self._fixed_members(group):
                self._fixed.setdefault(agent_id, {})[group.name] = None
            if group.expression is not None and group.expression.dynamic:
                self._dynamic[group.name] = group.expression
        for group in self.directory.place_groups.values():
            ref = ObjectRef(ObjectType.GROUP_PLACES, group.name)
            self._members[ref] = dict.fromkeys(group.members)
            for place in group.members:
                self._of_place.setdefault(place, []).append(ref)
        self._counts = {ref: Counter() for ref in self._members}
        for name in self.directory.places:
            self._refresh_place(name, 0.0)
        for agent_id in self._people:
            self._refresh_agent(agent_id, 0.0)

    def _fixed_members(self, group: GroupEntry) -> list[str]:
        """Agents who are members whatever they do: named, or by their skills."""
        expression = group.expression
        if expression is None or expression.dynamic:
            return list(group.members)
        return [agent_id for agent_id, person in self._people.items() if expression.holds(person)]

    # -- what is asked for ----------------------------------------------------------------------------------------
    def knows(self, ref: ObjectRef) -> bool:
        """True if the object is configured."""
        return (ref in self._members or ref.type is ObjectType.AGENT and ref.id in self._agents
                or ref.type is ObjectType.AGENT_PLACE and ref.id in self._places
                or ref.type is ObjectType.REG_DN and self.directory.dn(ref.id) is not None)

    def sees(self, ref: ObjectRef) -> bool:
        """False if no T-Server that could tell of the object is in sight."""
        if ref.type is ObjectType.AGENT_PLACE:
            return bool(self.directory.switches_of(ref.id) & self.in_sight)
        if ref.type is ObjectType.GROUP_PLACES and self._members[ref]:
            return any(self.directory.switches_of(place) & self.in_sight for place in self._members[ref])
        if ref.type is ObjectType.REG_DN:
            key = self.directory.dn(ref.id)
            return key is not None and key.switch in self.in_sight
        return bool(self.in_sight)

    def targets(self, ref: ObjectRef) -> list[Target]:
        """The members of a group in a steady order; an agent or a place itself."""
        if ref.type is ObjectType.AGENT:
            return [self._agents[ref.id]]
        if ref.type is ObjectType.AGENT_PLACE:
            return [self._places[ref.id]]
        known = self._agents if ref.type is ObjectType.GROUP_AGENTS else self._places
        return [known[name] for name in self._members[ref]]

    def status(self, ref: ObjectRef) -> tuple[Status, float]:
        """The object's status, and since when."""
        if ref in self._members:
            return self._group_since[ref] if ref in self._group_since else (group_status(self._counts[ref]), 0.0)
        if ref.type is ObjectType.REG_DN:
            key = self.directory.dn(ref.id)
            assert key is not None
            return dn_status(self._states[key]), self._since[key]
        (target,) = self.targets(ref)
        return target.status, target.since

    def counts(self, group: ObjectRef) -> Mapping[Status, int]:
        """How many members have which status."""
        return self._counts[group]

    # -- what T-Servers tell --------------------------------------------------------------------------------------
    def seen(self, switch: str, states: Mapping[str, DNState], at: float) -> None:
        """A T-Server is in sight: these are its DNs. Those that are not among them stay out of sight."""
        self.in_sight.add(switch)
        for dn in self.directory.switches[switch].dns:
            self._put(DNKey(switch, dn), states.get(dn, UNKNOWN_DN), at)
        self._refresh_absent(at)
        if self.listener is not None:
            self.listener.sight_changed()

    def lost(self, switch: str, at: float) -> None:
        """A T-Server is lost."""
        if switch not in self.in_sight:
            return
        self.in_sight.discard(switch)
        if self.listener is not None:
            self.listener.sight_changed()
        for dn in self.directory.switches[switch].dns:
            self._put(DNKey(switch, dn), UNKNOWN_DN, at)
        self._refresh_absent(at)

    def event(self, switch: str, dn: str, event: DNEvent, at: float) -> None:
        """Something happened at a DN. What is not watched, or out of sight, is nobody's state."""
        key = DNKey(switch, dn)
        before = self._states.get(key)
        if before is not None and before.monitored:
            self._put(key, step(before, event), at)

    def _put(self, key: DNKey, after: DNState, at: float) -> None:
        before = self._states[key]
        if after == before:
            return
        self._states[key] = after
        if dn_status(after) is not dn_status(before):
            self._since[key] = at
        gone, come = self.directory.agent_of(before.login), self.directory.agent_of(after.login)
        if gone and gone != come:
            self._people[gone].seats.discard(key)
        if come:
            self._people[come].seats.add(key)
        self._tell(ObjectRef(ObjectType.REG_DN, f"{key.dn}@{key.switch}"))
        place = self.directory.place_of(key)
        if place:
            self._refresh_place(place, at)
        for agent_id in self._concerned(key, gone, come):
            self._refresh_agent(agent_id, at)

    def _concerned(self, key: DNKey, *agents: str) -> dict[str, None]:
        """The agents whose states the DN may change: whoever was or is logged in there, or at the same place."""
        found = dict.fromkeys(agent for agent in agents if agent)
        for other in self._desk(key):
            agent = self.directory.agent_of(self._states[other].login)
            if agent:
                found[agent] = None
        return found

    def _desk(self, key: DNKey) -> tuple[DNKey, ...]:
        """The DNs of the place that has this one; itself where none has."""
        place = self.directory.place_of(key)
        return self.directory.places[place].dns if place else (key,)

    # -- what follows ---------------------------------------------------------------------------------------------
    def _refresh_absent(self, at: float) -> None:
        """Agents who are logged in nowhere: whether they are logged out, or out of sight."""
        for agent_id, person in self._people.items():
            if not person.seats:
                self._refresh_agent(agent_id, at)

    def _lines(self, keys: tuple[DNKey, ...]) -> tuple[TargetDN, ...]:
        return tuple(TargetDN(key.dn, key.switch, dn_status(self._states[key]), self._since[key]) for key in keys)

    def _refresh_place(self, name: str, at: float) -> None:
        entry, before = self.directory.places[name], self._places.get(name)
        states = [self._states[key] for key in entry.dns]
        login = next((state.login for state in states if state.login), "")
        agent_id = self.directory.agent_of(login)
        agent_dbid = self.directory.agents[agent_id].dbid if agent_id else 0
        status = place_status(states)
        since = before.since if before is not None and before.status is status else at
        after = Target(agent_id, agent_dbid, login, name, entry.dbid, status, since, self._lines(entry.dns))
        if after == before:
            return
        self._places[name] = after
        self._tell(ObjectRef(ObjectType.AGENT_PLACE, name))
        for group in self._of_place.get(name, ()):
            self._count(group, before, after, at)
            self._tell_member(MemberChange.UPDATED, group, after)

    def _refresh_agent(self, agent_id: str, at: float) -> None:
        person, before = self._people[agent_id], self._agents.get(agent_id)
        after = self._agent_target(person, before, at)
        self._agents[agent_id] = after
        if after != before:
            self._tell(ObjectRef(ObjectType.AGENT, agent_id))
        groups, person.groups = person.groups, dict.fromkeys(self._groups_of(person))
        for name in {**groups, **person.groups}:
            group = ObjectRef(ObjectType.GROUP_AGENTS, name)
            if name not in groups:
                self._members[group][agent_id] = None
                self._count(group, None, after, at)
                self._tell_member(MemberChange.ADDED, group, after)
            elif name not in person.groups:
                del self._members[group][agent_id]
                self._count(group, before, None, at)
                self._tell_member(MemberChange.REMOVED, group, after)
            elif after != before:
                self._count(group, before, after, at)
                self._tell_member(MemberChange.UPDATED, group, after)

    def _agent_target(self, person: _Person, before: Target | None, at: float) -> Target:
        entry, place, login = person.entry, "", ""
        dns: dict[DNKey, None] = {}
        for seat in sorted(person.seats):
            place, login = place or self.directory.place_of(seat), login or self._states[seat].login
            dns.update(dict.fromkeys(self._desk(seat)))
        keys = tuple(dns)
        everything = self.in_sight >= self.directory.switches.keys()
        status = agent_status([self._states[key] for key in keys], everything)
        since = before.since if before is not None and before.status is status else at
        place_dbid = self.directory.places[place].dbid if place else 0
        return Target(entry.id, entry.dbid, login, place, place_dbid, status, since, self._lines(keys))

    def _groups_of(self, person: _Person) -> Iterator[str]:
        yield from self._fixed.get(person.agent_id, ())
        yield from (name for name, expression in self._dynamic.items() if expression.holds(person))

    def _count(self, group: ObjectRef, before: Target | None, after: Target | None, at: float) -> None:
        counts = self._counts[group]
        if before is not None:
            counts[before.status] -= 1
            if not counts[before.status]:
                del counts[before.status]
        if after is not None:
            counts[after.status] += 1
        status = group_status(counts)
        if group not in self._group_since or self._group_since[group][0] is not status:
            self._group_since[group] = status, at

    def _tell(self, ref: ObjectRef) -> None:
        if self.listener is not None:
            self.listener.changed(ref)

    def _tell_member(self, kind: MemberChange, group: ObjectRef, target: Target) -> None:
        if self.listener is not None:
            self.listener.member_changed(kind, group, target)
