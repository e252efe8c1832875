"""How many calls to place now: pure, `now` is passed in, every decision with its reason in words.

`progressive` dials for agents who are ready; `PredictivePacer` is our own algorithm and the default of predictive dialing; the
algorithms that the field knows by name are in `named`. docs/pacing.md has the theory.
"""
from ocs.dialing.pacing.decision import PacingDecision, PacingInput
from ocs.dialing.pacing.progressive import agents_suffice, progressive
from ocs.dialing.pacing.rate_limit import RateLimit

__all__ = ["PacingDecision", "PacingInput", "RateLimit", "agents_suffice", "progressive"]
