"""Trails: who changed the do-not-call list, when rules were in force, what was asked for."""
from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ocs.app.web.api.values.words import Asked, Limit, Name, Told

__all__ = ["Audit", "AuditQuery", "AuditRow", "RequestRow", "Requests", "RulePeriod", "RulePeriods", "RulesQuery"]


class AuditQuery(Asked):
    """A page of a trail: behind the place `after`."""

    after: Annotated[int, Meta(ge=0, le=2 ** 53)] = 0
    limit: Limit = 100


class AuditRow(Told):
    """A change of the do-not-call list."""

    sequence: int
    at: float
    action: str
    who: str
    why: str
    origin: str
    phone: str | None
    customer_id: str | None
    entries: int


class Audit(Told):
    """In the order of the changes."""

    rows: list[AuditRow]


class RulesQuery(Asked):
    """A campaign's rules between two moments, epoch seconds."""

    campaign: Name
    since: Annotated[float, Meta(ge=0, le=2 ** 40)] = 0.0
    till: Annotated[float, Meta(ge=0, le=2 ** 40)] = 2.0 ** 40


class RulePeriod(Told):
    """When a calling rule was in force, or held the dialing back, and in which version. `ended_at` None: it still does, or its
    server was lost; then it did until `seen_at` at least."""

    kind: str
    campaign_group: str
    rule: str
    version: str
    source: str
    reason: str
    began_at: float
    seen_at: float
    ended_at: float | None


class RulePeriods(Told):
    """In the order in which they began."""

    periods: list[RulePeriod]


class RequestRow(Told):
    """A request of an agent, or of a third party."""

    sequence: int
    at: float
    request: str
    agent_id: str
    dn: str
    record_handle: int | None
    phone: str
    error: int


class Requests(Told):
    """In the order in which they came; empty where the log of requests is not kept."""

    rows: list[RequestRow]
