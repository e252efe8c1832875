"""How many calls to place now: pure, `now` is passed in, every decision with its reason in words.

`progressive` dials for agents who are ready; `PredictivePacer` is our own algorithm and the default of predictive dialing;
`NamedPacer` runs the algorithms that the field knows by name; `GroupPacer` is whichever of them a campaign group has chosen.
docs/pacing.md has the theory.
"""
from ocs.dialing.pacing.agents import Activity
from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.group_pacer import GroupPacer
from ocs.dialing.pacing.learning import PATIENCE_S
from ocs.dialing.pacing.named_pacer import NamedPacer, NamedRule
from ocs.dialing.pacing.predictive import PredictivePacer
from ocs.dialing.pacing.progressive import agents_suffice, progressive
from ocs.dialing.pacing.rate_limit import RateLimit

__all__ = ["Activity", "GroupPacer", "NamedPacer", "NamedRule", "PATIENCE_S", "PacingDecision", "PacingInput", "PredictivePacer",
           "RateLimit", "agents_suffice", "progressive"]
