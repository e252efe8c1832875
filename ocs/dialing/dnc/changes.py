"""Values of the do-not-call list: for whom an entry counts, and what happened to it."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["ChangeKind", "DoNotCallChange", "Scope"]


class ChangeKind(Enum):
    """What happened to an entry; the value is the word in the database."""
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom an entry counts. Tenant 0 = every tenant, campaign None = every campaign."""

    tenant: int = 0
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class DoNotCallChange:
    """A change that the database has, numbered in the order of the changes. A removal with `everywhere` is one from every
    campaign's scope; it also takes the entry out of the scope of every tenant."""

    sequence: int
    kind: ChangeKind
    phone: str | None = None
    customer_id: str | None = None
    scope: Scope = Scope()
    everywhere: bool = False
    request_id: int = 0                     # of the request behind it, for the server that took it
