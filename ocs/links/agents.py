"""Agent states from the switch's own events: the first provider of `IAgentState`."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from zope.interface import implementer

from ocs.dialing.agent import Agent, AgentEvent, WorkState, step
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.interfaces import IAgentState, ISwitchLink
from protocols.attributes import KVList

__all__ = ["SwitchAgentState"]

_VIEWS_LIMIT = 256      # groups whose agents are kept at hand


@implementer(IAgentState)
class SwitchAgentState:
    """Who is free, by what the T-Server says of the DNs that the link watches. Without the link there is no picture; of agents on
    several switches there is one as long as any of them tells."""

    def __init__(self, link: ISwitchLink) -> None:
        self._link = link
        self.turns = 0                  # how often a link has come or gone
        self._agents: dict[str, Agent] = {}
        self._views: dict[int, _View] = {}      # by the identity of an AgentGroup, which the view keeps alive
        self._watched: set[str] = set()
        self._listeners: list[Callable[[Agent, AgentEvent], None]] = []
        link.add_listener(self)

    def watch(self, group: AgentGroup) -> None:
        """Its DNs belong to agents; events elsewhere (queues, trunk groups) are not agents' events."""
        self._watched.update(group.dns)

    def blind(self, group: CampaignGroup) -> str:
        away = str(self._link.away(group.group.dns))
        return f"{away}, which tells of agents' states" if away else ""

    def ready(self, group: CampaignGroup) -> list[str]:
        return list(self._view(group.group).ready())

    def of(self, group: CampaignGroup) -> Sequence[Agent]:
        """Agents of the group who are logged in now. A group that names agents has only those."""
        return self._view(group.group).here()

    def find(self, group: CampaignGroup, agent_id: str) -> Agent | None:
        return self._view(group.group).find(agent_id)

    def _view(self, group: AgentGroup) -> _View:
        view = self._views.get(id(group))
        if view is None:
            if len(self._views) >= _VIEWS_LIMIT:
                self._views.clear()         # most of groups that have other values now
            view = self._views[id(group)] = _View(group, self._agents)
        return view

    def agent_at(self, dn: str) -> Agent | None:
        """Who is logged in at `dn`; None if nobody is."""
        agent = self._agents.get(dn)
        return None if agent is None or agent.work is WorkState.LOGGED_OUT else agent

    def add_listener(self, listener: Callable[[Agent, AgentEvent], None]) -> None:
        self._listeners.append(listener)

    def add_change_listener(self, listener: Callable[[], None]) -> None:
        """What changes beside agents' events is the link, of which the engine hears by itself."""

    # -- ISwitchListener ------------------------------------------------------------------------------------------
    def agent_event(self, event: AgentEvent) -> None:
        if event.dn not in self._watched:
            return
        agent = step(self._agents.get(event.dn) or Agent(event.dn, since=event.at), event)
        self._agents[event.dn] = agent
        for view in self._views.values():
            view.changed(agent)
        for listener in self._listeners:
            listener(agent, event)

    def call_event(self, event: Any) -> None:
        """Calls reach agents as agent events."""

    def user_event(self, dn: str, user_data: KVList) -> None:
        """Not about states."""

    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        self.turns += 1

    def switch_down(self, reason: str, switch: str = "") -> None:
        self.turns += 1
        for dn in [dn for dn in self._agents if self._link.switch_of(dn) == switch]:
            del self._agents[dn]
        self._views.clear()


class _View:
    """The agents of one group: asked for at every decision, so what has not changed is not gone through again."""

    def __init__(self, group: AgentGroup, agents: Mapping[str, Agent]) -> None:
        self.group, self._dns, self._members = group, frozenset(group.dns), frozenset(group.agents)
        self._here: dict[str, Agent] = {}
        self._free: dict[str, Agent] = {}
        self._seats: dict[str, str] = {}        # agent id -> DN
        self._in_order: tuple[Agent, ...] | None = None
        self._ready: tuple[str, ...] | None = None
        for dn in group.dns:
            if dn in agents:
                self.changed(agents[dn])

    def changed(self, agent: Agent) -> None:
        """The agent at a DN, of this group or not, is as given now."""
        if agent.dn not in self._dns:
            return
        there = agent.work is not WorkState.LOGGED_OUT and (not self._members or agent.agent_id in self._members)
        self._in_order = None
        before = self._here.pop(agent.dn, None)
        same = before is not None and there and before.agent_id == agent.agent_id
        if before is not None and not same and self._seats.get(before.agent_id) == agent.dn:
            self._reseat(before.agent_id)
        if there:
            self._here[agent.dn] = agent
            if not same:
                self._seats[agent.agent_id] = agent.dn
        if there and agent.free:
            self._free[agent.dn], self._ready = agent, None
        elif self._free.pop(agent.dn, None) is not None:
            self._ready = None

    def _reseat(self, agent_id: str) -> None:
        """The agent has left a DN, perhaps for another one."""
        del self._seats[agent_id]
        self._seats.update((one.agent_id, one.dn) for one in self._here.values() if one.agent_id == agent_id)

    def find(self, agent_id: str) -> Agent | None:
        """Who is logged in by this id."""
        dn = self._seats.get(agent_id) if agent_id else None
        return None if dn is None else self._here[dn]

    def here(self) -> tuple[Agent, ...]:
        """Those who are logged in, in the order of the group's DNs."""
        if self._in_order is None:
            here = self._here
            self._in_order = tuple([here[dn] for dn in self.group.dns if dn in here])
        return self._in_order

    def ready(self) -> tuple[str, ...]:
        """DNs of those who may get a call, longest waiting first."""
        if self._ready is None:
            self._ready = tuple([agent.dn for agent in sorted(self._free.values(), key=_since)])
        return self._ready


def _since(agent: Agent) -> float:
    return agent.since
