"""The seam to whoever keeps account of abandoned calls: what it forbids, the loop does not do."""
from __future__ import annotations

from types import SimpleNamespace

from ocs.dialing.results import DialingMode
from ocs.scheduler.abandonment import OwnLimit
from tests.scheduler.bench import Bench


def test_without_an_account_there_is_the_limit_of_the_campaign_group() -> None:
    made = Bench(mode=DialingMode.PREDICTIVE, abandon_limit=0.01)
    assert isinstance(made.session.compliance, OwnLimit)
    assert made.session.compliance.abandon_limit == 0.01 and made.session.compliance.seen == (0, 0)


def test_nothing_is_dialed_ahead_of_agents_while_the_rules_forbid_it() -> None:
    made = Bench(mode=DialingMode.PREDICTIVE, predictive_ratio=2.0)
    made.session.compliance = SimpleNamespace(abandon_limit=0.03, progressive_only="budget of 24 h spent", connect_within_s=None,
                                              seen=(0, 0))
    made.ready("7001", "7002")
    assert len(made.switch.dialed) == 2
    assert any("progressive only: budget of 24 h spent" in one.reason for one in made.session.loop.decisions)
