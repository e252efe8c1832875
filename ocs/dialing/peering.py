"""Values that outbound contact servers exchange about themselves and their campaigns."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.dialing.session import SessionState

__all__ = ["CancelTarget", "GroupKey", "PeerIdentity", "PeerSession"]


@dataclass(frozen=True)
class PeerIdentity:
    """One server. `dbid` is its application.dbid, `started_at` epoch seconds, `role` 0 primary or 1 backup."""

    name: str
    dbid: int
    started_at: float = 0.0
    version: str = ""
    role: int = 0


@dataclass(frozen=True, order=True)
class GroupKey:
    """What tells a campaign group apart everywhere: the numbers of its campaign and of its agent group."""

    campaign_dbid: int
    group_dbid: int


@dataclass(frozen=True)
class PeerSession:
    """A campaign group of some server, and how it stands there. Counts are of agents logged in, calls in progress, chains in
    memory; `mode` is the public number of the dialing mode."""

    key: GroupKey
    name: str
    state: SessionState = SessionState.NOT_LOADED
    mode: int = 0
    agents: int = 0
    calls: int = 0
    held: int = 0


@dataclass(frozen=True)
class CancelTarget:
    """Which held records a request is about, by one of handle, phone, customer id. With a handle the record must be with the
    agent at `dn`; the others are of `campaign` ("" = any) and `calling_list` ("" = any)."""

    handle: int | None = None
    phone: str = ""
    customer_id: str = ""
    campaign: str = ""
    calling_list: str = ""
    dn: str = ""
    whole_chain: bool = False
