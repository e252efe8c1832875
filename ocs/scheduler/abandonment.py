"""What rules say of a session's abandoned calls: the seam between the pacing loop and whoever keeps account of them.

The loop asks at every decision, so answers may change at any moment; each must be cheap. Without an account there is the limit
that the campaign group itself has (`OwnLimit`).
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Compliance", "OwnLimit"]


class Compliance(Protocol):
    """The rules that hold for one session. `Context.compliance(session)` makes it, when the session is made."""

    @property
    def abandon_limit(self) -> float:
        """The most that may be abandoned of the calls that people answered: 0.03 for 3 %. The strictest of what holds, never more
        than the group's own."""

    @property
    def progressive_only(self) -> str:
        """Why nothing may be dialed ahead of agents now, in words for a supervisor; "" if it may."""

    @property
    def connect_within_s(self) -> float | None:
        """A call that waits for an agent longer than this, from the moment a person was found to have answered, counts as
        abandoned even if an agent comes later; None: only one that no agent comes to."""

    @property
    def seen(self) -> tuple[int, int]:
        """Answered and abandoned calls in the rule's window so far; asked when the session is loaded, so that a restart begins
        with what is left of the budget."""


class OwnLimit:
    """The campaign group's own limit, counted from the load."""

    def __init__(self, session: DialingSession) -> None:
        self._session = session

    @property
    def abandon_limit(self) -> float:
        return self._session.group.abandon_limit

    @property
    def progressive_only(self) -> str:
        return ""

    @property
    def connect_within_s(self) -> float | None:
        return None

    @property
    def seen(self) -> tuple[int, int]:
        return 0, 0
