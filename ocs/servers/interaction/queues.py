"""Interactions and agents: who waits, who is asked, who has what. Values and bookkeeping; no sockets, no clock.

Of the interactions of a queue the oldest is offered first, one that was rejected before the others; of the agents who are ready
for its medium the one who waits longest. Every agent serves every queue unless the configuration says which.
"""
from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Iterator

from twisted.internet.interfaces import IDelayedCall

from protocols.attributes import KVList
from protocols.interaction.messages import InteractionState

__all__ = ["Agent", "Interaction", "InteractionQueues"]


@dataclass(eq=False)
class Interaction:
    """One interaction. `submitter` is the name of the application that submitted it."""

    id: str
    queue: str
    media_type: str
    submitter: str
    user_data: KVList
    attributes: dict[str, Any] = field(default_factory=dict)       # InteractionType and the like, handed on as they are
    state: InteractionState = InteractionState.QUEUED
    agent: Agent | None = None
    timer: IDelayedCall | None = None           # until the invited agent must have answered

    def stop_timer(self) -> None:
        """Nobody needs to answer any more."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


@dataclass(eq=False)
class Agent:
    """One agent who is logged in, with the client that speaks for it. `ready` are media: name -> None, in order."""

    id: str
    client: Any
    place: str = ""
    queues: frozenset[str] | None = None        # None = all
    media: frozenset[str] = frozenset()
    ready: set[str] = field(default_factory=set)
    has: dict[str, Interaction] = field(default_factory=dict)       # invited to, or handling

    @property
    def invited(self) -> bool:
        """True while an invitation waits for this agent's answer."""
        return any(one.state is InteractionState.INVITED for one in self.has.values())


class InteractionQueues:
    """Everything that waits."""

    def __init__(self) -> None:
        self.interactions: dict[str, Interaction] = {}
        self.agents: OrderedDict[str, Agent] = OrderedDict()        # longest waiting first
        self._waiting: dict[str, OrderedDict[str, Interaction]] = {}

    def waiting(self, queue: str) -> int:
        """How many wait in a queue."""
        return len(self._waiting.get(queue, ()))

    def put(self, interaction: Interaction, at_head: bool = False) -> None:
        """Into its queue."""
        interaction.state, interaction.agent = InteractionState.QUEUED, None
        self.interactions[interaction.id] = interaction
        line = self._waiting.setdefault(interaction.queue, OrderedDict())
        line[interaction.id] = interaction
        if at_head:
            line.move_to_end(interaction.id, last=False)

    def take(self, interaction: Interaction, agent: Agent) -> None:
        """Out of its queue, to an agent who is asked."""
        del self._waiting[interaction.queue][interaction.id]
        interaction.state, interaction.agent = InteractionState.INVITED, agent
        agent.has[interaction.id] = interaction

    def leave(self, interaction: Interaction) -> Agent | None:
        """Away from the agent who has it; who that was."""
        interaction.stop_timer()
        agent, interaction.agent = interaction.agent, None
        if agent is not None:
            agent.has.pop(interaction.id, None)
        return agent

    def remove(self, interaction: Interaction) -> Agent | None:
        """It has ended; the agent who had it, if one did."""
        del self.interactions[interaction.id]
        line = self._waiting.get(interaction.queue)
        if line is not None:
            line.pop(interaction.id, None)
        return self.leave(interaction)

    def seat(self, agent: Agent) -> None:
        """An agent logs in, behind the others."""
        self.agents[agent.id] = agent

    def waits_again(self, agent: Agent) -> None:
        """The agent is behind the others now."""
        if agent.id in self.agents:
            self.agents.move_to_end(agent.id)

    def matches(self) -> Iterator[tuple[Interaction, Agent]]:
        """Interactions with the agents who are to be asked, while there are both; the caller takes each before the next."""
        for line in list(self._waiting.values()):
            while line:
                interaction = next(iter(line.values()))
                agent = self._agent_for(interaction)
                if agent is None:
                    break
                yield interaction, agent

    def _agent_for(self, interaction: Interaction) -> Agent | None:
        return next((agent for agent in self.agents.values()
                     if interaction.media_type in agent.ready and not agent.has
                     and (agent.queues is None or interaction.queue in agent.queues)), None)
