"""Agents who are logged in, connections to other servers, and the server in numbers."""
from __future__ import annotations

from ocs.app.web.api.values.words import Told

__all__ = ["Agent", "Agents", "Link", "Links", "Metrics"]


class Agent(Told):
    """An agent who is logged in."""

    agent_id: str
    dn: str
    state: str
    campaign_groups: list[str]


class Agents(Told):
    """All who are."""

    agents: list[Agent]


class Link(Told):
    """A connection to another server."""

    name: str
    address: str
    state: str
    up: bool
    tls: bool
    since: float
    attempts: int
    last_error: str


class Links(Told):
    """All of them."""

    links: list[Link]


class Metrics(Told):
    """The server in numbers, at this moment."""

    at: float
    campaign_groups_loaded: int
    campaign_groups_running: int
    agents: int
    calls: int
    records_held: int
    do_not_call_entries: int
    links_down: int
    results: dict[str, int]
    not_dialed: dict[str, int]
