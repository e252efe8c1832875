"""Who works in the laboratory: agents with their log-in data."""
from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AgentPerson"]


@dataclass(frozen=True)
class AgentPerson:
    """One agent: log-in at the T-Server (agent id and password), the DN of the desk, the queue to serve."""

    login: str
    dn: str
    queue: str = ""
    password: str = field(default="", repr=False)
