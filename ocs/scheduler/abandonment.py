"""What rules say of a session's abandoned calls: the seam between the dialing and whoever keeps account of them.

The loop asks at every decision, so answers may change at any moment; each must be cheap. `ocs.scheduler.compliance` goes by the
rules that a campaign group names; without rules there is the limit that the group itself has.
"""
from __future__ import annotations

from typing import Protocol, Sequence

from ocs.dialing.call import Call
from ocs.dialing.compliance.account import Reading
from ocs.dialing.values import Attempt

__all__ = ["Compliance"]


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
        """Answered and abandoned calls in the rule's window so far, for the pacer's budget; asked when the session is loaded, so
        that a restart begins with what is left. A few abandoned calls may be kept back."""

    @property
    def readings(self) -> Sequence[Reading]:
        """How each rule about abandoned calls stands."""

    async def load(self) -> None:
        """Before the session is loaded: learn what was counted before. Fails as the store does."""

    def regroup(self) -> None:
        """The session's group has other values now."""

    def unloaded(self) -> None:
        """The session holds nothing any more, or was not loaded after all."""

    def stepped(self, attempt: Attempt | None, call: Call) -> None:
        """A call of the session, made by this attempt, has an agent now, or is over."""

    def saved(self, attempt: Attempt) -> None:
        """An attempt is handed to the database with what is known of it."""
