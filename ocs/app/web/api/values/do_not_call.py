"""The do-not-call list."""
from __future__ import annotations

from ocs.app.web.api.values.words import Asked, Identifier, Name, Phone, Text, Told

__all__ = ["DoNotCall", "Listed", "ListedEntry", "RemovalQuery", "Removed", "Verdict", "WhoQuery"]


class WhoQuery(Asked):
    """A phone or a customer id, one of them."""

    phone: Phone | None = None
    customer_id: Identifier | None = None


class RemovalQuery(WhoQuery, kw_only=True, forbid_unknown_fields=True):
    """Out of the scope of one campaign, or out of all; and why, for the audit trail."""

    campaign: Name | None = None
    why: Text = ""


class DoNotCall(Asked):
    """A phone or a customer id that is not to be called any more, for one campaign or for all."""

    phone: Phone | None = None
    customer_id: Identifier | None = None
    campaign: Name | None = None
    message: Text = ""


class Listed(Told):
    """It is on the list. `added`: since this request."""

    added: bool


class ListedEntry(Told):
    """An entry of the list that blocks, and who brought it."""

    phone: str | None
    customer_id: str | None
    campaign: str | None
    every_tenant: bool
    message: str
    since: int
    who: str
    origin: str


class Verdict(Told):
    """Whether somebody must not be called, and by which entries."""

    listed: bool
    entries: list[ListedEntry]


class Removed(Told):
    """From how many entries it was taken."""

    removed: int
