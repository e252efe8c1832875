from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.compliance.account import AbandonAccount, Estimates, Series, figures, tightest
from ocs.dialing.compliance.calls import CallFacts
from ocs.dialing.compliance.periods import Period, PeriodKind
from ocs.dialing.compliance.rules import AbandonRule, Category, Rule
from ocs.dialing.results import CallResult

DAY, T = 86_400.0, 1_767_600_000.0
ROLLING = Period(PeriodKind.ROLLING, DAY)
C = Category


def rule(limit: float = 0.03, period: Period = ROLLING, **options: object) -> Rule:
    return Rule("own", "Ours", "House rule", "1", abandon=AbandonRule(limit, period, **options))     # type: ignore[arg-type]


def live(at: float) -> CallFacts:
    return CallFacts(at, at, at + 1, at + 60, CallResult.ANSWER)


def lost(at: float) -> CallFacts:
    return CallFacts(at, at, None, at + 9, CallResult.ABANDONED)


def account_with(answered: int, abandoned: int, at: float = T, **options: object) -> AbandonAccount:
    account = AbandonAccount(rule(**options))      # type: ignore[arg-type]
    account.put_others([(int(at // 60), C.CONNECTED, answered - abandoned), (int(at // 60), C.ABANDONED, abandoned)], 0)
    return account


def test_the_rate_is_what_was_abandoned_of_what_was_answered():
    reading = account_with(200, 5).reading(T + 60)
    assert (reading.answered, reading.abandoned, reading.rate) == (200, 5, 0.025)
    assert reading.budget == pytest.approx(1.0) and not reading.spent
    assert reading.text == ("rule own: 5 of 200 answered calls abandoned in the last 24 hours, 2.50 %; the limit is 3 %")


def test_large_numbers_and_fractions_are_told_as_people_read_them():
    assert account_with(1_000_000, 29_999).reading(T + 60).text.startswith("rule own: 29,999 of 1,000,000 answered calls")
    machines = AbandonAccount(rule(), Estimates(detection_error=0.05))
    machines.put_others([(int(T // 60), C.MACHINE, 30), (int(T // 60), C.CONNECTED, 100)], 0)
    assert machines.reading(T).text.startswith("rule own: 1.5 of 101.5 answered calls")


def test_the_budget_is_spent_by_the_call_that_makes_the_rate_too_high():
    account = account_with(199, 5)
    account.note("A", live(T))
    assert not account.reading(T + 60).spent
    account.note("B", lost(T))
    assert not account.reading(T + 60).spent                # 6 of 201 is 2.99 %
    account.note("C", lost(T))
    assert account.reading(T + 60).spent                    # 7 of 202 is 3.47 %


def test_what_is_spent_stays_so_until_the_rate_is_within_the_limit():
    account = account_with(100, 4)
    assert account.reading(T + 60).spent
    account.put_others([(int(T // 60), C.CONNECTED, 133 - 4), (int(T // 60), C.ABANDONED, 4)], 0)
    assert account.reading(T + 60).spent                    # 3.01 %
    account.note("A", live(T))
    assert not account.reading(T + 60).spent                # 2.99 %


def test_one_abandoned_call_is_never_too_many_and_two_of_a_few_are():
    assert not account_with(1, 1).reading(T + 60).spent
    assert account_with(10, 2).reading(T + 60).spent
    assert account_with(1, 1, tolerated=0.0).reading(T + 60).spent


def test_calls_leave_a_rolling_window_with_their_minute_and_the_budget_is_there_again():
    account = account_with(50, 10)
    assert account.reading(T + DAY - 60).spent
    assert account.reading(T + DAY + 30).abandoned == 10            # its minute is not over
    reading = account.reading(T + DAY + 60)
    assert (reading.answered, reading.abandoned, reading.rate, reading.spent) == (0, 0, None, False)


def test_a_clock_that_is_set_back_finds_the_window_as_it_was():
    account = account_with(50, 10)
    account.reading(T + DAY + 600)
    back = account.reading(T + 600)
    assert (back.answered, back.abandoned, back.spent) == (50, 10, True)
    before = account.reading(T - 3_600)                             # what is in the future now counts, too
    assert before.abandoned == 10


def test_a_clock_that_jumps_ahead_and_back_by_hours_loses_nothing():
    account = account_with(50, 10)
    account.note("A", lost(T + 30))
    for hours in (30, -1, 26, 0):
        account.reading(T + hours * 3_600)
    assert account.reading(T + 60).abandoned == 11


def test_a_month_begins_anew():
    january, february = 1_769_921_940.0, 1_769_922_000.0            # 2026-01-31 23:59 and 2026-02-01 00:00 in Toronto
    account = account_with(50, 10, at=january, period=Period(PeriodKind.CALENDAR_MONTH, zone="America/Toronto"))
    assert account.reading(january + 59).spent
    assert account.reading(february).abandoned == 0
    assert not account.reading(february).spent


def test_a_campaign_has_windows_of_its_own():
    account = AbandonAccount(rule(period=Period(PeriodKind.SUCCESSIVE, 30 * DAY)))
    account.note("A", lost(T))
    account.note("B", lost(T + 30 * DAY - 1))
    account.note("C", lost(T + 30 * DAY + 60))
    assert account.reading(T + 30 * DAY - 1).abandoned == 3         # C lies in the future of that clock: it counts
    assert account.reading(T + 30 * DAY + 61).abandoned == 1
    account.began(T - 15 * DAY)                                     # older calls than this run has seen
    assert account.begin(T + 1) == T - 15 * DAY


def test_the_last_word_about_a_call_counts():
    account = AbandonAccount(rule())
    account.note("A", CallFacts(T, T, T + 1, None, None))           # connected, still talking
    assert account.reading(T).counts == {C.CONNECTED: 1}
    account.note("A", live(T))
    assert account.reading(T).counts == {C.CONNECTED: 1}
    account.note("A", CallFacts(T, T, T + 1, T + 9, CallResult.ANSWERING_MACHINE_DETECTED))     # says the agent
    assert account.reading(T).counts == {C.AGENT_MACHINE: 1} and account.reading(T).answered == 0


def test_detection_errors_and_undetected_machines_count_as_the_rule_says():
    counts = {C.MACHINE: 100, C.CONNECTED: 90, C.ABANDONED: 10}
    measured = Estimates(detection_error=0.04, undetected_machine=0.2)
    assert figures(AbandonRule(0.03, ROLLING), counts, Estimates()) == (100.0, 10.0)
    assert figures(AbandonRule(0.03, ROLLING), counts, measured) == (104.0, 14.0)
    british = AbandonRule(0.03, ROLLING, count_detection_errors=False, deduct_machines=True)
    assert figures(british, counts, measured) == (98.0, 8.0)


def test_of_several_rules_the_strictest_one_rules():
    mild, strict, stricter = (account_with(100, 1, limit=limit).reading(T) for limit in (0.05, 0.03, 0.03))
    tight = account_with(100, 2, limit=0.03).reading(T)
    assert tightest([mild, strict, tight, stricter]) is tight
    assert tightest([]) is None


@given(st.lists(st.one_of(
    st.tuples(st.just("add"), st.integers(0, 4_000), st.sampled_from([C.CONNECTED, C.ABANDONED])),
    st.tuples(st.just("clear"), st.integers(0, 4_000), st.none()),
    st.tuples(st.just("total"), st.integers(0, 4_000), st.none()))))
def test_the_sum_of_a_window_is_that_of_its_minutes_however_it_moves(steps: list[tuple[str, int, Category | None]]):
    series, model, lost_before = Series(), list[tuple[int, Category]](), 0
    for what, minute, kind in steps:
        if what == "add" and kind is not None:
            series.add(minute, kind)
            model.append((minute, kind))
        elif what == "clear":
            series.clear(minute)
            model = [one for one in model if one[0] < minute]
        else:
            begin = minute * 60 + 30
            lost_before = max(lost_before, minute - 2_880)          # two days are kept, what is older is forgotten
            model = [one for one in model if one[0] >= minute - 2_880]
            expected = Counter(each for at, each in model if at >= minute)
            assert +series.total(begin) == expected
