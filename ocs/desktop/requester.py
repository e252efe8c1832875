"""Who asks, and in which campaigns and records that lets them."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.desktop.request_log import RequestEntry

__all__ = ["Requester"]


@dataclass(frozen=True)
class Requester:
    """An agent, known by the DN at which the agent works: may ask in the campaigns that have the DN, and about records at hand
    there. A `third_party` (an application, a person at a console) asks in every campaign and about every record that is with an
    agent; whether it may at all is decided by the entry that it came by. `name` is who it is, for the audit trail.

    `origin` is the way of the request, for the audit trail too; `entry` is the request's row of the log of requests, where there
    is one (set by the operations)."""

    dn: str
    agent_id: str = ""
    entry: RequestEntry | None = None
    origin: str = "desktop"
    third_party: bool = False
    name: str = ""

    @property
    def who(self) -> str:
        """For the audit trail."""
        return self.name or self.agent_id or self.dn
