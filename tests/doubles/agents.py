"""Agents by command: `IAgentState` whose picture the test paints."""
from __future__ import annotations

from dataclasses import replace
from typing import Callable

from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind, WorkState
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.interfaces import IAgentState

__all__ = ["FakeAgents"]


@implementer(IAgentState)
class FakeAgents:
    """In sight from the start, until `out_of_sight` says why not; agents appear with `set`."""

    def __init__(self, clock: IClock) -> None:
        self._why_blind = ""
        self._changes: list[Callable[[], None]] = []
        self.watched: set[str] = set()
        self._clock = clock
        self._agents: dict[str, Agent] = {}
        self._listeners: list[Callable[[Agent, AgentEvent], None]] = []

    def watch(self, group: AgentGroup) -> None:
        self.watched.update(group.dns)

    def blind(self, group: CampaignGroup) -> str:
        return self._why_blind

    def out_of_sight(self, why: str) -> None:
        """From now on nothing is known of agents; "" brings them back."""
        self._why_blind = why
        for listener in self._changes:
            listener()

    def add_change_listener(self, listener: Callable[[], None]) -> None:
        self._changes.append(listener)

    def ready(self, group: CampaignGroup) -> list[str]:
        return [agent.dn for agent in sorted(self.of(group), key=lambda agent: agent.since) if agent.free]

    def of(self, group: CampaignGroup) -> list[Agent]:
        agents = [agent for dn in group.group.dns if (agent := self.agent_at(dn)) is not None]
        return [agent for agent in agents if agent.agent_id in group.group.agents or not group.group.agents]

    def find(self, group: CampaignGroup, agent_id: str) -> Agent | None:
        return next((agent for agent in reversed(self.of(group)) if agent.agent_id == agent_id), None)

    def agent_at(self, dn: str) -> Agent | None:
        agent = None if self._why_blind else self._agents.get(dn)
        return agent if agent is not None and agent.work is not WorkState.LOGGED_OUT else None

    def add_listener(self, listener: Callable[[Agent, AgentEvent], None]) -> None:
        self._listeners.append(listener)

    def set(self, dn: str, kind: AgentEventKind, agent_id: str = "", work: WorkState | None = None,
            calls: frozenset[str] | None = None) -> None:
        """The agent at `dn` becomes this by an event of this kind; what is not given stays."""
        before = self._agents.get(dn) or Agent(dn)
        after = replace(before, agent_id=agent_id or before.agent_id, work=before.work if work is None else work,
                        calls=before.calls if calls is None else calls)
        if after.state_name != before.state_name:
            after = replace(after, since=self._clock.wall())
        self._agents[dn] = after
        for listener in self._listeners:
            if dn in self.watched:
                listener(after, AgentEvent(kind, dn, self._clock.wall(), agent_id))
