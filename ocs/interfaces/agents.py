"""Seams to the agents: who works and is free, and records that wait for them at an Interaction Server."""
from __future__ import annotations

from typing import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ocs.dialing.agent import Agent, AgentEvent
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from protocols.attributes import KVList

__all__ = ["IAgentState", "IInteractionListener", "IInteractions"]


class IAgentState(Interface):
    """Who works and who is free. An agent is an `ocs.dialing.agent.Agent`."""

    def watch(group: AgentGroup) -> None:
        """The states of this group are wanted: its agents log in at its DNs; what happens elsewhere is nobody's state."""

    def blind(group: CampaignGroup) -> str:
        """Why the states of the group's agents are not known now, in words; "" while they are. While they are not nobody is
        ready, and a group whose agents must be watched is not dialed."""

    def ready(group: CampaignGroup) -> Sequence[str]:
        """DNs of the group's agents who wait for a call, longest waiting first."""

    def of(group: CampaignGroup) -> Sequence[Agent]:
        """Agents of the group who are logged in now, in the order of its DNs. A group that names agents has only those."""

    def find(group: CampaignGroup, agent_id: str) -> Agent | None:
        """The agent of this id among those of `of(group)`, one of them should there be several; None if there is none."""

    def agent_at(dn: str) -> Agent | None:
        """Who is logged in at `dn`; None if nobody is."""

    def add_listener(listener: Callable[[Agent, AgentEvent], None]) -> None:
        """Call `listener(agent, event)`, the agent as the event left it, at each event at a watched DN, in their order."""

    def add_change_listener(listener: Callable[[], None]) -> None:
        """Call `listener()` whenever the answers of `blind`, `ready` or `of` may have changed without such an event."""


class IInteractions(Interface):
    """Records that wait for agents at an Interaction Server. Deferreds fail as those of ICallControl."""

    up = Attribute("bool: True from a granted login until the link is lost.")

    def submit(queue: str, user_data: KVList) -> Deferred[str]:
        """Let a record wait in a queue; fires with the interaction's id."""

    def stop(interaction_id: str) -> Deferred[None]:
        """End an interaction, wherever it is."""

    def send(agent_id: str, user_data: KVList) -> Deferred[None]:
        """A user event for an agent's desktop."""


class IInteractionListener(Interface):
    """Who hears what becomes of interactions."""

    def interactions_up(found: Mapping[str, str]) -> None:
        """The link is there. `found`: the interactions there, with the agent who has accepted each, "" where none has."""

    def interactions_down(reason: str) -> None:
        """The link is lost; agents go on with what they have."""

    def interaction_accepted(interaction_id: str, agent_id: str) -> None:
        """An agent has it now."""

    def interaction_returned(interaction_id: str) -> None:
        """An agent did not want it, or left: it waits again."""

    def interaction_stopped(interaction_id: str) -> None:
        """It has ended, and not because we said so."""

    def interaction_event(agent_id: str, user_data: KVList) -> None:
        """A user event of an agent who has one of them."""
