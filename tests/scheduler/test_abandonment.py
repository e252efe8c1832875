"""The seam to whoever keeps account of abandoned calls: what it forbids, the loop does not do."""
from __future__ import annotations

from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import DialingMode
from ocs.scheduler.compliance import Ledgers, SessionCompliance
from tests.scheduler.bench import Bench


def test_without_rules_there_is_the_limit_of_the_campaign_group() -> None:
    made = Bench(mode=DialingMode.PREDICTIVE, abandon_limit=0.01)
    compliance = made.session.compliance
    assert compliance.abandon_limit == 0.01 and compliance.seen == (0, 0)
    assert (compliance.progressive_only, compliance.connect_within_s, compliance.readings) == ("", None, [])


class Forbids(SessionCompliance):
    """Whatever was counted."""

    progressive_only = "budget of 24 h spent"       # type: ignore[assignment]


def test_nothing_is_dialed_ahead_of_agents_while_the_rules_forbid_it() -> None:
    made = Bench(mode=DialingMode.PREDICTIVE, predictive_ratio=2.0, pacing=PacingChoice(Algorithm.FIXED_RATIO))
    made.session.compliance = Forbids(Ledgers(), made.session)
    made.ready("7001", "7002")
    assert len(made.switch.dialed) == 2
    assert any("progressive only: budget of 24 h spent" in one.reason for one in made.session.loop.decisions)
