"""The abandon budget and the risk it allows."""
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.pacing.budget import AbandonBudget


def test_credit_is_the_limit_of_the_answers_less_the_abandons() -> None:
    budget = AbandonBudget(0.03, answered=100, abandoned=1)
    for second in range(100):
        budget.answer(float(second))
    budget.abandon()
    assert budget.credit == pytest.approx(4.0)


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1, 3.0])
def test_a_limit_is_a_ratio(limit: float) -> None:
    with pytest.raises(ValueError, match="abandon limit"):
        AbandonBudget(limit)


def test_each_abandon_lowers_the_risk_and_answers_raise_it_again() -> None:
    budget = AbandonBudget(0.03)
    for second in range(50):
        budget.answer(float(second))
    before = budget.risk
    budget.abandon()
    after = budget.risk
    for second in range(60):
        budget.answer(50.0 + second)
    assert after < before and budget.risk > after


def test_what_may_have_been_an_abandoned_call_is_paid_for_and_not_counted() -> None:
    certain, likely, never = (AbandonBudget(0.03) for _ in range(3))
    for budget in (certain, likely, never):
        for second in range(50):
            budget.answer(float(second))
    certain.abandon()
    likely.suspect(0.6)
    never.suspect(0.0)
    assert certain.risk < likely.risk < never.risk
    assert (likely.answered, likely.abandoned) == (50, 0)


def test_a_spent_budget_allows_next_to_no_risk() -> None:
    budget = AbandonBudget(0.03, answered=100, abandoned=30)
    assert budget.risk < 0.001


def test_what_was_saved_before_prediction_is_not_spent_by_it() -> None:
    saved, fresh = AbandonBudget(0.03), AbandonBudget(0.03)
    for budget in (saved, fresh):
        for answer in range(300):
            budget.answer(5.0 * answer)
    fresh.begin()
    assert fresh.risk < saved.risk and fresh.credit == saved.credit


def test_prediction_begins_at_a_higher_risk_where_more_people_answer_and_once_only() -> None:
    risks = []
    for apart_s in (10.0, 2.0, 0.8):
        budget = AbandonBudget(0.03)
        for answer in range(200):
            budget.answer(apart_s * answer)
        budget.begin()
        risks.append(budget.risk)
        budget.begin()
        assert budget.risk == risks[-1]
    assert risks == sorted(risks) and risks[-1] > 1.5 * risks[0]


def test_a_few_agents_risk_less_where_answers_are_rare_and_many_agents_hardly_do() -> None:
    def spread(apart_s: float) -> list[float]:
        budget, risks = AbandonBudget(0.03), []
        for answer in range(200):
            budget.answer(apart_s * answer)
        budget.begin()
        for hit_ratio in (0.1, 0.3, 0.55):
            budget.expect(hit_ratio)
            risks.append(budget.risk)
        return risks

    few, many = spread(20.0), spread(1.0)
    assert few == sorted(few) and few[2] > 1.5 * few[0]
    assert many == sorted(many) and many[2] < 1.1 * many[0]


def test_when_half_of_the_answers_stay_away_less_is_risked() -> None:
    budget = AbandonBudget(0.03)
    budget.begin()
    for second in range(3_000):
        budget.answer(float(second))
        if second % 33 == 32:
            budget.abandon()
    before = budget.risk
    for answer in range(990):
        budget.answer(3_000.0 + 2.0 * answer)
        if answer % 33 == 32:
            budget.abandon()
    assert abs(budget.credit) < 1.0 and 0.4 * before < budget.risk < 0.9 * before


def test_after_a_burst_part_of_it_is_kept_back_until_none_is_expected_any_more() -> None:
    calm, shaken = AbandonBudget(0.03), AbandonBudget(0.03)
    for budget in (calm, shaken):
        for answer in range(1_000):
            budget.answer(2.0 * answer)
            if answer % 40 == 39 and budget is calm or answer >= 975 and budget is shaken:
                budget.abandon()
    assert calm.credit == shaken.credit and shaken.risk < 0.9 * calm.risk
    risks = []
    for budget in (calm, shaken):
        rng, risk = random.Random(5), 0.0
        for answer in range(1_000, 40_000):
            budget.answer(2.0 * answer)
            if rng.random() < budget.risk:
                budget.abandon()
            if answer >= 20_000:
                risk += budget.risk / 20_000
        risks.append(risk)
    assert risks[1] == pytest.approx(risks[0], rel=0.03)


@pytest.mark.parametrize("chance_at_risk_one", [0.3, 1.0, 2.0])
def test_whatever_a_risk_leads_to_the_rate_comes_to_the_limit_and_not_above(chance_at_risk_one: float) -> None:
    rng, budget = random.Random(7), AbandonBudget(0.03)
    for answer in range(20_000):
        budget.answer(answer * 2.0)
        if rng.random() < chance_at_risk_one * budget.risk:
            budget.abandon()
    assert 0.028 < budget.abandoned / budget.answered <= 0.0301


@given(st.floats(0.001, 0.2), st.lists(st.booleans(), max_size=300))
def test_the_risk_is_a_chance(limit: float, abandons: list[bool]) -> None:
    budget = AbandonBudget(limit)
    for second, abandoned in enumerate(abandons):
        budget.answer(float(second))
        if abandoned:
            budget.abandon()
        assert 0.0 < budget.risk < 1.0
