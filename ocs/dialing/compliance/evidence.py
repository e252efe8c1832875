"""When a rule was in force for a campaign group, and when it held the dialing back: what is kept beside the attempts."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["PeriodOf", "RulePeriod"]


class PeriodOf(Enum):
    """What was so for a while."""
    IN_FORCE = "in-force"           # the session was loaded under the rule
    HARD_STOP = "hard-stop"         # the rule's budget was spent: nothing was dialed ahead of agents


@dataclass(frozen=True)
class RulePeriod:
    """From `began_at` until `ended_at`, or, where its server died, at least until `seen_at` (epoch s)."""

    guid: str
    kind: PeriodOf
    campaign: str
    campaign_group: str
    app_dbid: int
    rule: str
    version: str
    source: str
    reason: str
    began_at: float
    seen_at: float
    ended_at: float | None = None

    @property
    def until(self) -> float:
        """The last instant of which it is known that it was so."""
        return self.seen_at if self.ended_at is None else self.ended_at
