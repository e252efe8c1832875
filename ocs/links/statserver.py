"""The Stat Server as `IAgentState`: it alone says who belongs to a group and who waits for a call.

For each group that is watched a statistic is opened; what it tells is the group's picture, from a whole snapshot on and until
the link, or the Stat Server's own source, is lost. Then nothing is known of the group, and it is not dialed until a fresh
snapshot is there. Which DN an agent sits at, and each call there, the T-Server tells itself (`SwitchAgentState`), and sooner: an
agent whom it shows busy, or gone, is not ready even while the Stat Server does not know it yet. It never makes one ready.
Transport-free: `granted` gives it a client to ask with; sockets are the affair of `ocs.links.service`.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.dialing.agent import Agent, AgentEvent, WorkState
from ocs.dialing.campaign import AgentGroup, CampaignGroup, GroupKind
from ocs.interfaces import IAgentState, ISwitchLink
from ocs.links.agents import SwitchAgentState
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RemoteProtocolError, RequestFailed, RequestRefused
from protocols.message import Message
from protocols.statserver.messages import Category, NotificationMode, ObjectType, RunMode, Status
from protocols.statserver.targets import Target, target_from_wire

__all__ = ["StatServerAgentState"]

_KINDS = {GroupKind.AGENTS: ObjectType.GROUP_AGENTS, GroupKind.PLACES: ObjectType.GROUP_PLACES}
_WORK = {Status.NOT_READY_FOR_NEXT_CALL: WorkState.NOT_READY, Status.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}
_CHANGES = frozenset({"SEventCurrentTargetState_TargetAdded", "SEventCurrentTargetState_TargetUpdated"})
_TARGETS_LIMIT = 100_000        # of one group
_NOT_YET = "the Stat Server has not told of it yet"


@dataclass
class _Seen:
    """Answers for one version of the picture and these DNs: they are asked for more often than they change."""

    version: tuple[int, int]
    dns: tuple[str, ...]
    own: frozenset[str]                     # the same DNs
    members: list[Agent] | None = None      # logged in, in the order of the DNs
    ready: list[str] | None = None          # DNs of those who wait for a call, longest waiting first


@dataclass(eq=False)
class _Group:
    """One watched group. `targets` is None while it is not known; `why` says why."""

    name: str
    kind: GroupKind
    number: int = 0             # of its statistic, on the present connection
    targets: dict[str, Target] | None = None
    at_work: dict[str, Target] = field(default_factory=dict)    # those of them who are logged in
    logins: dict[str, dict[str, Target]] = field(default_factory=dict)  # the same, by login; an agent may be at two places
    waiting: dict[str, Target] = field(default_factory=dict)    # those of them who wait for a call, often a few of many
    coming: dict[str, Target] = field(default_factory=dict)     # of a snapshot that is not complete
    why: str = _NOT_YET
    seen: _Seen | None = None   # what was found out last

    def forget(self, why: str) -> None:
        """Nothing is known any more."""
        self.targets, self.at_work, self.logins, self.waiting, self.coming, self.why = None, {}, {}, {}, {}, why

    def became(self, target: Target) -> None:
        """A member is like this now."""
        assert self.targets is not None
        key = self.key(target)
        self.left(key)
        self.targets[key] = target
        if target.login and target.status.works:
            self.at_work[key] = self.logins.setdefault(target.login, {})[key] = target
            if target.status is Status.WAIT_FOR_NEXT_CALL:
                self.waiting[key] = target

    def left(self, key: str) -> None:
        """A member is none any more."""
        before = self.at_work.get(key)
        if before is not None:
            del self.logins[before.login][key]
            if not self.logins[before.login]:
                del self.logins[before.login]
        for members in (self.targets, self.at_work, self.waiting):
            if members is not None:
                members.pop(key, None)

    def key(self, target: Target) -> str:
        """Which member this is."""
        return target.place_id if self.kind is GroupKind.PLACES else target.agent_id


@implementer(IAgentState, IClientListener)
class StatServerAgentState:
    """Who is free, by what the Stat Server says of groups, and the T-Server of DNs."""

    log = Logger()

    def __init__(self, switch: ISwitchLink) -> None:
        self._switch, self._seats = switch, SwitchAgentState(switch)
        self._client: Any = None
        self._why_no_link = "no link to the Stat Server"
        self._groups: dict[tuple[str, GroupKind], _Group] = {}
        self._numbers: dict[int, _Group] = {}           # statistics of the present connection
        self._listeners: list[Callable[[], None]] = []
        self._strangers: set[str] = set()               # agents who work elsewhere, told once
        self._version = 0                               # of the picture
        self._seats.add_listener(self._seat_changed)

    # -- IAgentState ----------------------------------------------------------------------------------------------
    def watch(self, group: AgentGroup) -> None:
        self._seats.watch(group)
        key = group.name, group.kind
        if key not in self._groups:
            self._groups[key] = _Group(group.name, group.kind)
            if self._client is not None:
                self._open(self._groups[key])

    def blind(self, group: CampaignGroup) -> str:
        known = self._groups.get((group.group.name, group.group.kind))
        if known is None or self._client is None:
            return self._why_no_link if self._client is None else _NOT_YET
        return "" if known.targets is not None else f"group {known.name}: {known.why}"

    def ready(self, group: CampaignGroup) -> list[str]:
        """Those who wait for a call by the word of the Stat Server, and are not busy by the T-Server's."""
        known, seen = self._look(group)
        if seen.ready is None:
            seats = [(target.since, self._seat(target, seen.own, known)) for target in known.waiting.values()]
            seen.ready = [dn for _, dn in sorted((since, agent.dn) for since, agent in seats if agent is not None and agent.free)]
        return list(seen.ready)

    def of(self, group: CampaignGroup) -> list[Agent]:
        known, seen = self._look(group)
        if seen.members is None:
            seats = [self._seat(target, seen.own, known) for target in known.at_work.values()]
            agents = {agent.dn: agent for agent in seats if agent is not None}
            seen.members = [agents[dn] for dn in seen.dns if dn in agents]
        return list(seen.members)

    def find(self, group: CampaignGroup, agent_id: str) -> Agent | None:
        known, seen = self._look(group)
        seats = (self._seat(target, seen.own, known) for target in known.logins.get(agent_id, {}).values())
        return next((agent for agent in seats if agent is not None), None)

    def agent_at(self, dn: str) -> Agent | None:
        """By the T-Server's word, also while the Stat Server is away: calls and records at desks go on."""
        return self._seats.agent_at(dn)

    def add_listener(self, listener: Callable[[Agent, AgentEvent], None]) -> None:
        self._seats.add_listener(listener)

    def add_change_listener(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def _seat_changed(self, agent: Agent, event: AgentEvent) -> None:
        self._version += 1

    def _look(self, group: CampaignGroup) -> tuple[_Group, _Seen]:
        """What is known of the group, and what of that was found out already."""
        dns = group.group.dns
        known = self._groups.get((group.group.name, group.group.kind)) or _Group(group.group.name, group.group.kind)
        seen, version = known.seen, (self._version, self._seats.turns)
        if seen is None or seen.version != version or seen.dns is not dns:
            own = seen.own if seen is not None and seen.dns is dns else frozenset(dns)
            seen = known.seen = _Seen(version, dns, own)
        return known, seen

    def _seat(self, target: Target, own: frozenset[str], group: _Group) -> Agent | None:
        """The agent as the T-Server shows the seat; while it is away as the Stat Server does. None for one who is not, or no
        longer, at one of the group's `own` DNs."""
        login = target.login
        for line in target.dns:
            agent = self._seats.agent_at(line.dn)
            if agent is not None and agent.agent_id == login and line.dn in own:
                return agent
        dn = next((line.dn for line in target.dns if line.dn in own), "")
        if not dn:
            self._tell_stranger(login, group)
        elif self._switch.away([dn]):
            busy = target.status is not Status.WAIT_FOR_NEXT_CALL and target.status not in _WORK
            return Agent(dn, login, _WORK.get(target.status, WorkState.READY), frozenset({""}) if busy else frozenset(), busy,
                         target.since)
        return None

    def _tell_stranger(self, login: str, group: _Group) -> None:
        if login not in self._strangers:
            self._strangers.add(login)
            self.log.warn("agent {agent} of group {group} works at no DN of the group and gets no calls", agent=login,
                          group=group.name)

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client = client
        self._numbers.clear()
        for group in self._groups.values():
            group.forget(_NOT_YET)
            self._open(group)
        self._changed()

    def refused(self, client: Any, error: RequestRefused) -> None:
        self._why_no_link = f"the Stat Server refuses the log-in: {error}"
        self._changed()

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client = None
        self._why_no_link = f"no link to the Stat Server: {reason}"
        self._numbers.clear()
        for group in self._groups.values():
            group.forget(_NOT_YET)
        self._changed()

    def event(self, client: Any, message: Message) -> None:
        if client is self._client and message.name == "SEventRunModeInfo":
            self._run_mode(message.get("RunMode"))
        number = message.get("UserRequestID")
        group = self._numbers.get(number) if isinstance(number, int) else None
        if client is not self._client or group is None:
            return
        try:
            changed = self._told(group, message)
        except RemoteProtocolError as error:
            self.log.error("Stat Server: {name} of group {group} cannot be read: {reason}; reconnecting", name=message.name,
                           group=group.name, reason=str(error))
            client.abort()
            return
        if changed:
            self._changed()

    def _run_mode(self, mode: Any) -> None:
        """Told after the log-in, and when it changes. A backup is believed like any other: what it does not see, it says."""
        if mode == RunMode.BACKUP:
            self.log.warn("the Stat Server runs as a backup")
        else:
            shown = "the primary" if mode == RunMode.PRIMARY else repr(mode)[:20]
            self.log.info("the Stat Server runs as {mode}", mode=shown)

    # -- statistics -----------------------------------------------------------------------------------------------
    def _open(self, group: _Group) -> None:
        client, group.number = self._client, len(self._numbers) + 1
        self._numbers[group.number] = group
        asked = client.request("RequestOpenStatistic", {
            "UserRequestID": group.number, "ObjectType": int(_KINDS[group.kind]), "ObjectID": group.name,
            "Category": int(Category.CURRENT_TARGET_STATE), "NotificationMode": int(NotificationMode.CHANGES_BASED)})
        asked.addErrback(self._not_opened, client, group)

    def _not_opened(self, failure: Failure, client: Any, group: _Group) -> None:
        failure.trap(RequestFailed, LocalProtocolError)
        if client is not self._client or failure.check(LinkLost) is not None:
            return
        group.forget(f"the Stat Server does not tell of it: {failure.getErrorMessage()}")
        self.log.error("group {group}: {reason}", group=group.name, reason=group.why)
        self._changed()
        if failure.check(RequestRefused) is None:
            client.abort()      # no answer, or none that can be understood: a new connection is a new try

    def _told(self, group: _Group, message: Message) -> bool:
        """Take what a statistic tells. True where the picture changed; RemoteProtocolError for what cannot be read."""
        name = message.name
        if name == "SEventStatInvalid":
            group.forget(f"the Stat Server sees nothing of it: {message.get('Reason', '')}")
            self.log.warn("group {group}: {reason}", group=group.name, reason=group.why)
            return True
        if name == "SEventCurrentTargetState_Snapshot":
            return self._snapshot(group, message)
        if name in _CHANGES or name == "SEventCurrentTargetState_TargetRemoved":
            if group.targets is None:
                raise RemoteProtocolError("a change before the whole")
            target = target_from_wire(message.get("Target"))
            key = group.key(target)
            if name not in _CHANGES:
                group.left(key)
                return True
            if key not in group.targets:
                self._check_room(group.targets)
            group.became(target)
            return True
        return False

    def _snapshot(self, group: _Group, message: Message) -> bool:
        targets, left = message.get("Targets"), message.get("TargetsLeft", 0)
        if not isinstance(targets, list) or isinstance(left, bool) or not isinstance(left, int):
            raise RemoteProtocolError("Targets is no array, or TargetsLeft no int")
        for value in targets:
            self._check_room(group.coming)
            target = target_from_wire(value)
            group.coming[group.key(target)] = target
        if left > 0:
            return False
        complete = group.coming
        group.forget("")
        group.targets = {}
        for target in complete.values():
            group.became(target)
        self.log.info("group {group}: {count} members", group=group.name, count=len(group.targets))
        return True

    @staticmethod
    def _check_room(targets: dict[str, Target]) -> None:
        if len(targets) >= _TARGETS_LIMIT:
            raise RemoteProtocolError(f"more than {_TARGETS_LIMIT} members")

    def _changed(self) -> None:
        self._version += 1
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of agents' states", listener=listener):
                listener()
