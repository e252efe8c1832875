"""How many calls to place now: pure, `now` is passed in, every decision with its reason in words.

`progressive` dials for agents who are ready; `GroupPacer` dials ahead of them, by our own algorithm or by one that
the field knows by name, whichever a campaign group has chosen. docs/pacing.md has the theory.
"""
from ocs.dialing.pacing.agents import Activity
from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.group_pacer import GroupPacer
from ocs.dialing.pacing.learning import PATIENCE_S
from ocs.dialing.pacing.named_pacer import NamedRule
from ocs.dialing.pacing.progressive import agents_suffice, progressive
from ocs.dialing.pacing.rate_limit import RateLimit

__all__ = ["Activity", "GroupPacer", "NamedRule", "PATIENCE_S", "PacingDecision", "PacingInput", "RateLimit", "agents_suffice",
           "progressive"]
