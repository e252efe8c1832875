"""A whole contact center under calling rules: whatever dials ahead of agents, the account behind it holds the limit."""
from __future__ import annotations

from dataclasses import replace

from ocs.app.simulate.scenario import campaign_group
from ocs.dialing.compliance.account import Reading
from ocs.dialing.compliance.calls import category, facts_of_attempt
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.periods import Period, PeriodKind
from ocs.dialing.compliance.rules import AbandonRule, AttemptCap, Category, CountedFrom, Rule
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.simulation.center import seats
from ocs.simulation.day import Account, SimulatedDay
from ocs.simulation.director import seats_needed
from tests.simulation.days import scenario

AGENTS, LIMIT = 6, 0.04
RULE = Rule("own", "Ours", "House rule", "1", abandon=AbandonRule(LIMIT, Period(PeriodKind.ROLLING, 86_400.0), 0.0))


def played(*rules: Rule, hours: float = 0.8) -> tuple[Account, list[Reading], list[RulePeriod]]:
    """A part of a day of a dialer that thinks nothing of abandoned calls: three lines an agent. The account, how the rules stand
    at the end, and when they held back."""
    day = scenario(hours=hours, shift=[{"agents": AGENTS}], campaign_group={"mode": "predictive"}, treatment=[],
                   calling_list={"contacts": 2_000})
    group = replace(campaign_group(day, seats(seats_needed(day))), rules=rules, abandon_limit=0.5, predictive_ratio=3.0,
                    pacing=PacingChoice(Algorithm.FIXED_RATIO))
    group = replace(group, lists=tuple(replace(one, rules=rules) for one in group.lists))
    simulated, periods = SimulatedDay(day, group), dict[str, RulePeriod]()
    center = simulated.center

    def keep(changed: tuple[RulePeriod, ...]) -> object:
        periods.update({one.guid: one for one in changed})
        return center.store.start()

    center.context.keep_rule_periods = keep     # type: ignore[assignment]
    account = simulated.run()
    return account, list(center.session.compliance.readings), list(periods.values())


def lost(account: Account) -> tuple[int, int]:
    """Answered and abandoned calls, from nothing but the attempts' rows."""
    kinds = [category(facts_of_attempt(one), 0.0, CountedFrom.GREETING) for one in account.attempts]
    abandoned = kinds.count(Category.ABANDONED)
    return kinds.count(Category.CONNECTED) + abandoned, abandoned


def test_a_dialer_that_abandons_too_many_is_held_at_the_limit_and_dials_ahead_again_when_it_may() -> None:
    answered, abandoned = lost(played()[0])
    assert abandoned > 2 * LIMIT * answered         # what it does where nobody holds it back
    account, (reading,), periods = played(RULE)
    answered, abandoned = lost(account)
    assert 0 < abandoned <= LIMIT * answered + AGENTS       # some calls were out already when the budget was spent
    stops = [one for one in periods if one.kind is PeriodOf.HARD_STOP]
    assert stops and any(one.ended_at is not None for one in stops), "it was held back, and let go again"
    # calls that go on at the end are counted, and not yet closed in their rows
    assert reading.abandoned == abandoned and 0 <= reading.answered - answered <= AGENTS


def test_nobody_is_dialed_more_often_than_a_rule_allows_in_a_whole_day() -> None:
    once = Rule("once", "t", "s", "1", caps=(AttemptCap(1, 86_400.0),))
    account, _, _ = played(once, hours=0.1)
    phones = [one.phone for one in account.attempts]
    assert len(phones) > 50 and len(phones) == len(set(phones))
