"""Personal callbacks whose agent works at another server: given back in the database, and the peer told to claim them now.

A chain is in one memory at a time: the peer is told after the commit that let it go here. Where an agent was found is remembered
for a while, so that the callbacks that wait there do not come here again and again.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from twisted.logger import Logger

from ocs.dialing import chain as chains
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.peering import GroupKey
from ocs.errors import OCSError
from ocs.scheduler.context import Context, run
from ocs.scheduler.held import HeldChain

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Handover"]

_REMEMBERED_S = 60.0


class Handover:
    """Of one session."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self._until: dict[str, float] = {}      # agent id -> how long we take it that the agent is elsewhere
        self.count = 0                          # callbacks that were handed over

    def elsewhere(self) -> tuple[str, ...]:
        """Agents who were lately found at a peer, but not here."""
        now = self._context.clock.seconds()
        self._until = {agent_id: until for agent_id, until in self._until.items() if until > now}
        return tuple(sorted(self._until))

    def absent(self, held: HeldChain, here: Callable[[HeldChain], bool], otherwise: Callable[[HeldChain], None]) -> None:
        """A personal callback, in no queue, whose agent is not here. Where no peer has the agent: `otherwise`. If the agent
        comes while the peers are asked, `here` takes it and says so."""
        if not self._context.peers.there:
            otherwise(held)
        else:
            run(self._look_elsewhere(held, here, otherwise), "looking for an agent at the peers")

    async def _look_elsewhere(self, held: HeldChain, here: Callable[[HeldChain], bool],
                              otherwise: Callable[[HeldChain], None]) -> None:
        agent_id, table, owner = held.record.agent_id or "", held.chain.table, self._session.owner
        key, peers = GroupKey(owner.campaign_dbid, owner.group_dbid), self._context.peers
        peer = await peers.find_agent(agent_id, table, key)
        if held not in self._session.held or held.state is not ChainState.BUFFERED or here(held):
            return
        if not peer:
            otherwise(held)
            return
        self._until[agent_id] = self._context.clock.seconds() + _REMEMBERED_S * max(1.0, self._context.clock.speed)
        try:
            await self._session.settlement.settle(held, chains.give_back(held.chain), event=ChainEvent.GIVEN_BACK)
        except OCSError:
            return      # the write is tried again, and the peer looks for itself
        self.count += 1
        taken = await peers.take_callback(peer, agent_id, table, key)
        self.log.info("callback of record {record_id}: agent {agent} is at peer {peer}, which {has} it",
                      record_id=held.record.record_id, agent=agent_id, peer=peer, has="has" if taken else "looks for")
