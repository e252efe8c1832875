"""Push Preview: records wait as interactions at the Interaction Server, which finds an agent for each.

While an interaction waits, its chain stays here as one that is buffered, out of the buffer. When an agent accepts it, the record
is checked again, its attempt is opened and it is the agent's, as one that was asked for; what ends the record ends the
interaction. An agent who gives the interaction back gives the record back.
Source: dialing modes, section 3.7.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.chain import ChainState
from ocs.errors import OCSError
from ocs.scheduler.context import Context, run
from ocs.scheduler.held import HeldChain
from protocols.errors import LinkLost, RequestTimedOut

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["PushPreview"]


class PushPreview:
    """The interactions of one session."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self._chains: dict[str, HeldChain] = {}         # interaction -> its chain
        self._ids: dict[HeldChain, str] = {}            # the reverse; "" while it is being submitted
        self._accepted: set[HeldChain] = set()

    def __len__(self) -> int:
        """Interactions that no agent has accepted."""
        return len(self._ids) - len(self._accepted)

    def knows(self, interaction_id: str) -> bool:
        """True for an interaction of this session."""
        return interaction_id in self._chains

    # -- there --------------------------------------------------------------------------------------------------------
    def fill(self) -> None:
        """Submit as many as may wait."""
        session = self._session
        while session.may_dial and len(self) < session.group.maximum_queue_size and (held := session.buffer.take()) is not None:
            if session.dialer.choose(held):
                self._submit(held)

    def _submit(self, held: HeldChain) -> None:
        self._ids[held] = ""
        asked = self._context.interactions.submit(self._session.group.interaction_queue, self._context.describe(held))
        asked.addCallbacks(self._submitted, self._not_submitted, callbackArgs=(held,), errbackArgs=(held,))
        asked.addErrback(lambda failure: self.log.failure("submitting a record", failure))

    def _submitted(self, interaction_id: str, held: HeldChain) -> None:
        if held not in self._ids:       # given back meanwhile
            self._stop(interaction_id)
            return
        self._ids[held] = interaction_id
        self._chains[interaction_id] = held

    def _not_submitted(self, failure: Failure, held: HeldChain) -> None:
        if failure.check(LinkLost, RequestTimedOut) is None:
            self._session.system_error(f"the Interaction Server takes no record: {failure.getErrorMessage()}")
        if self._ids.pop(held, None) is not None:
            self._back(held)

    def _back(self, held: HeldChain) -> None:
        """Nobody has the record: it is next again, or goes back to its list."""
        if held.state is ChainState.BUFFERED:
            if self._session.held.keeps(held):
                self._session.buffer.put_first(held)
            else:
                self._session.held.give_back(held)

    def offered(self, held: HeldChain) -> bool:
        """True while the record waits for an agent, as far as we know."""
        return held in self._ids and held not in self._accepted and held.state is ChainState.BUFFERED

    def taken(self, held: HeldChain) -> None:
        """An agent has the record."""
        self._accepted.add(held)

    # -- what agents do -----------------------------------------------------------------------------------------------
    def accepted(self, interaction_id: str, agent_id: str) -> None:
        """An agent has the interaction: the record, too, from now on, if it may be dialed still."""
        held = self._chains.get(interaction_id)
        if held is None or held in self._accepted:
            return
        agent = self._context.agents.find(self._session.group, agent_id)
        if agent is None:
            self.log.warn("agent {agent} accepts record {record_id}, but is not logged in at the switch", agent=agent_id,
                          record_id=held.record.record_id)
            self._forget(held)
            self._back(held)
            return
        self._accepted.add(held)
        run(self._deliver(held, agent.dn, agent_id), "delivering a preview")

    async def _deliver(self, held: HeldChain, dn: str, agent_id: str) -> None:
        try:
            if self._session.dialer.choose(held) and await self._session.desks.deliver(held, dn, agent_id):
                self._session.desks.settles(held)
                self._session.wake()
                return
        except OCSError as error:
            self.log.warn("record {record_id} is not given to agent {agent}: {reason}", record_id=held.record.record_id,
                          agent=agent_id, reason=str(error))
        if held.state is ChainState.CALLING and held.agent_dn == dn:
            return              # the agent has dialed while the attempt was being written
        self._forget(held)      # whatever became of the record, this agent does not have it

    def returned(self, interaction_id: str) -> None:
        """An agent did not take the interaction, or left: it waits again. A record that was with the agent goes back."""
        held = self._chains.get(interaction_id)
        if held is not None and held in self._accepted:
            self.stopped(interaction_id)
            self._stop(interaction_id)

    def stopped(self, interaction_id: str) -> None:
        """The interaction has ended without us: so has the preview. A call that was made goes on as it would have."""
        held = self._chains.get(interaction_id)
        if held is None:
            return
        self._drop(held)
        if held.undialed:
            self._session.desks.leaves(held)
        else:
            self._back(held)

    # -- away -----------------------------------------------------------------------------------------------------------
    def gone(self, held: HeldChain) -> None:
        """The record is settled, or back in its list."""
        self._forget(held)

    def withdraw(self) -> None:
        """No more previews: those that no agent has come back."""
        for held in [held for held in self._ids if held not in self._accepted]:
            self._forget(held)
            self._back(held)

    def compare(self, found: Mapping[str, str]) -> None:
        """The link is back. `found`: the interactions that are there, with the agents who have accepted them."""
        for interaction_id, held in list(self._chains.items()):
            if interaction_id not in found:
                self.stopped(interaction_id)
            elif found[interaction_id]:
                self.accepted(interaction_id, found[interaction_id])
            elif held in self._accepted:
                self.returned(interaction_id)

    def _forget(self, held: HeldChain) -> None:
        interaction_id = self._drop(held)
        if interaction_id:
            self._stop(interaction_id)

    def _drop(self, held: HeldChain) -> str:
        interaction_id = self._ids.pop(held, "")
        self._chains.pop(interaction_id, None)
        self._accepted.discard(held)
        return interaction_id

    def _stop(self, interaction_id: str) -> None:
        self._context.interactions.stop(interaction_id).addErrback(
            lambda failure: self.log.info("interaction {id}: {reason}", id=interaction_id, reason=failure.getErrorMessage()))
