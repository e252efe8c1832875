"""Agent states from the switch's own events: the first provider of `IAgentState`."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from zope.interface import implementer

from ocs.dialing.agent import Agent, AgentEvent, WorkState, step
from ocs.dialing.values import AgentGroup, CampaignGroup
from ocs.interfaces import IAgentState, ISwitchLink
from protocols.attributes import KVList

__all__ = ["SwitchAgentState"]


@implementer(IAgentState)
class SwitchAgentState:
    """Who is free, by what the T-Server says of the DNs that the link watches. Without the link there is no picture; of agents on
    several switches there is one as long as any of them tells."""

    def __init__(self, link: ISwitchLink) -> None:
        self._link = link
        self.turns = 0                  # how often a link has come or gone
        self._agents: dict[str, Agent] = {}
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
        free = [agent for agent in self.of(group) if agent.free]
        return [agent.dn for agent in sorted(free, key=lambda agent: agent.since)]

    def of(self, group: CampaignGroup) -> list[Agent]:
        """Agents of the group who are logged in now. A group that names agents has only those."""
        agents, members = self._agents, group.group.agents
        found = [agents[dn] for dn in group.group.dns if dn in agents and agents[dn].work is not WorkState.LOGGED_OUT]
        return [agent for agent in found if not members or agent.agent_id in members]

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
