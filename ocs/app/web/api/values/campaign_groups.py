"""Campaign groups: how they stand, what they are ordered, what their pacing decides."""
from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ocs.app.web.api.values.words import Asked, Method, Mode, Told

__all__ = ["AbandonedCalls", "CampaignGroup", "CampaignGroups", "Decision", "Decisions", "ListShare", "LoadOrder",
           "StartOrder", "UnloadOrder"]


class ListShare(Told):
    """A list of a campaign group."""

    calling_list: str
    share: int
    active: bool
    fault: str


class AbandonedCalls(Told):
    """How a calling rule about abandoned calls stands: in its window since `begin`. `rate` is None while nobody has answered,
    `budget` are the calls that may still be abandoned, negative where too many were; `held_back`: nothing is dialed ahead of
    agents for it."""

    rule: str
    version: str
    begin: float
    answered: float
    abandoned: float
    rate: float | None
    limit: float
    budget: float
    held_back: bool


class CampaignGroup(Told):
    """A campaign with the agents who work for it: how it stands."""

    name: str
    dbid: int
    campaign: str
    campaign_dbid: int
    group: str
    group_dbid: int
    state: str
    paused: bool
    mode: str
    optimize_by: str
    optimize_goal: float
    auto_completion: bool
    condition: str
    why_not: str
    agents: dict[str, int]
    calls: int
    buffered: int
    held: int
    callbacks: int
    not_dialed: dict[str, int]
    results: dict[str, int]
    lists: list[ListShare]
    abandoned_calls: list[AbandonedCalls]
    held_back: str
    last_decision: str


class CampaignGroups(Told):
    """All of them."""

    campaign_groups: list[CampaignGroup]


class Decision(Told):
    """A decision of the pacing: how many calls were placed, and why."""

    at: float
    calls: int
    condition: str
    reason: str


class Decisions(Told):
    """The latest first."""

    decisions: list[Decision]


class LoadOrder(Asked):
    """How it is to be loaded."""

    auto_completion: bool | None = None


class StartOrder(Asked):
    """How it is to dial; what is not said stays."""

    mode: Mode | None = None
    optimize_by: Method | None = None
    optimize_goal: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    auto_completion: bool | None = None


class UnloadOrder(Asked):
    """`force`: without waiting for calls."""

    force: bool = False
