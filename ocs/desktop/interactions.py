"""The entry by way of the Interaction Server: what agents do with records that were pushed to them, and what they ask for."""
from __future__ import annotations

from typing import Mapping

from twisted.logger import Logger
from zope.interface import implementer

from ocs.desktop.entry import AgentEntry
from ocs.desktop.requester import Requester
from ocs.interfaces import IInteractionListener
from ocs.scheduler.engine import Engine
from protocols.attributes import KVList, first, octets, updated, without
from protocols.desktop import keys
from protocols.desktop.errors import DesktopErrorCode

__all__ = ["InteractionEntry"]

_OURS = (keys.ERROR, keys.ERROR_NUMBER, keys.MESSAGE, keys.LOGOUT_TIME)      # what only an answer says
_REPEATED_LIMIT = 16_000        # octets of a request that an acknowledgement repeats: frames are bounded


@implementer(IInteractionListener)
class InteractionEntry:
    """News of interactions go to the session whose they are; requests to the operations that serve every entry."""

    log = Logger()

    def __init__(self, engine: Engine, desktops: AgentEntry) -> None:
        self._engine, self._desktops = engine, desktops

    def interactions_up(self, found: Mapping[str, str]) -> None:
        sessions = self._engine.loaded()
        for session in sessions:
            session.push.compare(found)
            session.wake()
        interactions = self._engine.context.interactions
        for interaction_id in found:
            if not any(session.push.knows(interaction_id) for session in sessions):     # of an earlier run: nobody's record
                interactions.stop(interaction_id).addErrback(
                    lambda failure: self.log.info("interaction: {reason}", reason=failure.getErrorMessage()))

    def interactions_down(self, reason: str) -> None:
        for session in self._engine.loaded():
            session.wake()

    def interaction_accepted(self, interaction_id: str, agent_id: str) -> None:
        for session in self._engine.loaded():
            session.push.accepted(interaction_id, agent_id)

    def interaction_returned(self, interaction_id: str) -> None:
        for session in self._engine.loaded():
            session.push.returned(interaction_id)

    def interaction_stopped(self, interaction_id: str) -> None:
        for session in self._engine.loaded():
            session.push.stopped(interaction_id)

    def interaction_event(self, agent_id: str, user_data: KVList) -> None:
        """A request of an agent, known by the agent's id; the answer goes back the same way. An acknowledgement repeats all that
        the request had."""
        context, reception = self._engine.context, self._desktops.reception

        def answer(pairs: KVList) -> None:
            acknowledged = str(first(pairs, keys.USER_EVENT)).endswith("Acknowledge")
            if acknowledged and octets(user_data) <= _REPEATED_LIMIT:
                pairs = updated(without(user_data, keys.REQUEST, *_OURS), pairs)
            context.interactions.send(agent_id, pairs).addErrback(lambda failure: self.log.info(
                "agent {agent} not answered: {reason}", agent=agent_id, reason=failure.getErrorMessage()))

        agent = next((agent for session in self._engine.loaded() for agent in context.agents.of(session.group)
                      if agent.agent_id == agent_id), None)
        if agent is None:
            self.log.warn("a request of agent {agent}, who is not logged in at the switch", agent=agent_id)
            reception.refuse(Requester("", agent_id), user_data, DesktopErrorCode.AGENT_NOT_AVAILABLE,
                             "not logged in at the switch", answer)
        else:
            reception.receive(Requester(agent.dn, agent_id, origin="interaction"), user_data, answer)
