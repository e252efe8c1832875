"""Seams to the other outbound contact servers."""
from __future__ import annotations

from typing import Any, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ocs.dialing.peering import CancelTarget, GroupKey, PeerSession
from ocs.dialing.values import (
    DoNotCallEntry,
)

__all__ = ["IBlockNotice", "IPeerRequests", "IPeers"]


class IBlockNotice(Interface):
    """Do-not-call entries on their way to the peers."""

    def everywhere() -> Deferred[None]:
        """To be called when the database has the entries. Fires when every peer has them in memory, at the latest after a
        bounded wait, by whose end a peer that could not be told has read them in the database. Never fails."""


class IPeers(Interface):
    """The other outbound contact servers that this one works beside. What cannot be asked is not waited for without end: every
    Deferred fires, within seconds."""

    there = Attribute("bool: some peer can be asked at present.")

    def block(entries: Sequence[DoNotCallEntry]) -> IBlockNotice:
        """Tell every peer at once that these are not to be dialed."""

    def cancel(target: CancelTarget) -> Deferred[int]:
        """Have records cancelled that peers hold; fires with how many were. Never fails."""

    def find_agent(agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[str]:
        """The name of a peer where this agent is logged in and a list of this table dialed, so that a callback last held by
        `owner` can be claimed there; "" if there is none. Never fails."""

    def take_callback(peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        """Tell that peer to claim what is due for the agent now; it is in the database. True if it has one. Never fails."""

    def check_load(group: Any) -> Deferred[None]:
        """Whether a CampaignGroup may be loaded here. Fails with WrongState where a peer has it, and it is not `shared`; and
        while a peer has our own application dbid."""


class IPeerRequests(Interface):
    """What peers ask of this server."""

    def block(entries: Sequence[DoNotCallEntry]) -> None:
        """When this returns none of these is dialed here any more; previews of them are taken back."""

    def cancel(target: CancelTarget) -> Deferred[int]:
        """Cancel records held here; fires after the commit with their number. StoreUnavailable."""

    def has_agent(agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        """True if a personal callback of this agent could be claimed here."""

    def take_callback(agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        """Claim what is due for this agent; True if a callback waits for it then. StoreUnavailable."""

    def loaded(key: GroupKey) -> bool:
        """True while a session of that campaign group is loaded here, or on its way in or out."""

    def may_share(key: GroupKey) -> bool:
        """True if the campaign group is configured here as `shared`, or not at all."""

    def sessions() -> Sequence[PeerSession]:
        """Every campaign group of this server."""
