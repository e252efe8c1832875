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
from ocs.dialing.values import AgentGroup, CampaignGroup, GroupKind
from ocs.interfaces import IAgentState, ISwitchLink
from ocs.links.agents import SwitchAgentState
from protocols.client import IClientListener
from protocols.errors import LinkLost, LocalProtocolError, RemoteProtocolError, RequestFailed, RequestRefused
from protocols.message import Message
from protocols.statserver.messages import Category, NotificationMode, ObjectType, Status
from protocols.statserver.targets import Target, target_from_wire

__all__ = ["StatServerAgentState"]

_KINDS = {GroupKind.AGENTS: ObjectType.GROUP_AGENTS, GroupKind.PLACES: ObjectType.GROUP_PLACES}
_WORK = {Status.NOT_READY_FOR_NEXT_CALL: WorkState.NOT_READY, Status.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}
_CHANGES = frozenset({"SEventCurrentTargetState_TargetAdded", "SEventCurrentTargetState_TargetUpdated"})
_TARGETS_LIMIT = 100_000        # of one group
_NOT_YET = "the Stat Server has not told of it yet"


@dataclass(eq=False)
class _Group:
    """One watched group. `targets` is None while it is not known; `why` says why."""

    name: str
    kind: GroupKind
    number: int = 0             # of its statistic, on the present connection
    targets: dict[str, Target] | None = None
    coming: dict[str, Target] = field(default_factory=dict)     # of a snapshot that is not complete
    why: str = _NOT_YET

    def forget(self, why: str) -> None:
        """Nothing is known any more."""
        self.targets, self.coming, self.why = None, {}, why

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
        waiting = [(target.since, agent.dn) for target, agent in self._at_work(group)
                   if target.status is Status.WAIT_FOR_NEXT_CALL and agent.free]
        return [dn for _, dn in sorted(waiting)]

    def of(self, group: CampaignGroup) -> list[Agent]:
        agents = {agent.dn: agent for _, agent in self._at_work(group)}
        return [agents[dn] for dn in group.group.dns if dn in agents]

    def agent_at(self, dn: str) -> Agent | None:
        """By the T-Server's word, also while the Stat Server is away: calls and records at desks go on."""
        return self._seats.agent_at(dn)

    def add_listener(self, listener: Callable[[Agent, AgentEvent], None]) -> None:
        self._seats.add_listener(listener)

    def add_change_listener(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def _at_work(self, group: CampaignGroup) -> list[tuple[Target, Agent]]:
        """Members who are logged in at a DN of the group."""
        known = self._groups.get((group.group.name, group.group.kind))
        if known is None or known.targets is None:
            return []
        dns, found = frozenset(group.group.dns), []
        for target in known.targets.values():
            if target.login and target.status.works:
                agent = self._seat(target, [line.dn for line in target.dns if line.dn in dns], group)
                if agent is not None:
                    found.append((target, agent))
        return found

    def _seat(self, target: Target, dns: list[str], group: CampaignGroup) -> Agent | None:
        """The agent as the T-Server shows the seat; while it is away as the Stat Server does. None for one who is not, or no
        longer, at a DN of the group."""
        if not dns:
            if target.login not in self._strangers:
                self._strangers.add(target.login)
                self.log.warn("agent {agent} of group {group} works at no DN of the group and gets no calls",
                              agent=target.login, group=group.group.name)
            return None
        for dn in dns:
            agent = self._seats.agent_at(dn)
            if agent is not None and agent.agent_id == target.login:
                return agent
        if self._switch.up:
            return None
        busy = target.status is not Status.WAIT_FOR_NEXT_CALL and target.status not in _WORK
        return Agent(dns[0], target.login, _WORK.get(target.status, WorkState.READY), frozenset({""}) if busy else frozenset(),
                     busy, target.since)

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
            group.targets.pop(group.key(target), None) if name not in _CHANGES else self._put(group.targets, group, target)
            return True
        return False

    def _snapshot(self, group: _Group, message: Message) -> bool:
        targets, left = message.get("Targets"), message.get("TargetsLeft", 0)
        if not isinstance(targets, list) or isinstance(left, bool) or not isinstance(left, int):
            raise RemoteProtocolError("Targets is no array, or TargetsLeft no int")
        for value in targets:
            self._put(group.coming, group, target_from_wire(value))
        if left > 0:
            return False
        group.targets, group.coming, group.why = group.coming, {}, ""
        self.log.info("group {group}: {count} members", group=group.name, count=len(group.targets))
        return True

    @staticmethod
    def _put(targets: dict[str, Target], group: _Group, target: Target) -> None:
        if len(targets) >= _TARGETS_LIMIT and group.key(target) not in targets:
            raise RemoteProtocolError(f"more than {_TARGETS_LIMIT} members")
        targets[group.key(target)] = target

    def _changed(self) -> None:
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of agents' states", listener=listener):
                listener()
