"""No peers: what a server that works alone is told when it asks the others."""
from __future__ import annotations

from typing import Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.peering import CancelTarget, GroupKey
from ocs.dialing.values import DoNotCallEntry
from ocs.interfaces import IBlockNotice, IPeers

__all__ = ["NoPeers"]


@implementer(IBlockNotice)
class _NobodyToTell:
    def everywhere(self) -> Deferred[None]:
        return succeed(None)


@implementer(IPeers)
class NoPeers:
    """There is nobody."""

    there = False

    def block(self, entries: Sequence[DoNotCallEntry]) -> _NobodyToTell:
        return _NobodyToTell()

    def cancel(self, target: CancelTarget) -> Deferred[int]:
        return succeed(0)

    def find_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[str]:
        return succeed("")

    def take_callback(self, peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        return succeed(False)

    def check_load(self, group: CampaignGroup) -> Deferred[None]:
        return succeed(None)
