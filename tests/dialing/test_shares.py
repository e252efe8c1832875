"""Shares of calling lists, priorities of record types, size of the buffer."""
from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.results import RecordType
from ocs.dialing.shares import (
    CAMPAIGN_TYPES,
    Ask,
    BufferFactors,
    ListShare,
    Retrieval,
    TypePriorities,
    begin_retrieval,
    split,
    weight_info,
)

GENERAL, RECALL, CALLBACK = RecordType.GENERAL, RecordType.CAMPAIGN_RESCHEDULED, RecordType.CAMPAIGN_CALLBACK
PERSONAL_RECALL, PERSONAL_CALLBACK = RecordType.PERSONAL_RESCHEDULED, RecordType.PERSONAL_CALLBACK
ONE_TIER = ((GENERAL,),)
TIERS = TypePriorities().tiers()
Stock = dict[tuple[str, RecordType], int]


def retrieve(retrieval: Retrieval, stock: Stock) -> tuple[Retrieval, list[tuple[str, RecordType]]]:
    """Play a retrieval against lists that have this stock, which is taken from; the chains in the order in which they came."""
    came: list[tuple[str, RecordType]] = []
    rounds = 0
    while asks := retrieval.asks():
        rounds += 1
        assert rounds <= 100
        answers: Counter[str] = Counter()
        for ask in asks:
            for record_type in ask.types:
                taken = min(ask.count - answers[ask.calling_list], stock.get((ask.calling_list, record_type), 0))
                stock[ask.calling_list, record_type] = stock.get((ask.calling_list, record_type), 0) - taken
                answers[ask.calling_list] += taken
                came += [(ask.calling_list, record_type)] * taken
        retrieval = retrieval.answered(answers)
    return retrieval, came


def by_list(came: list[tuple[str, RecordType]]) -> dict[str, int]:
    return dict(Counter(name for name, _ in came))


@pytest.mark.parametrize(("wanted", "shares", "ready", "expected"), [
    (4, {"a": 10}, {}, {"a": 4}),
    (10, {"a": 10, "b": 10, "c": 20}, {}, {"a": 3, "b": 2, "c": 5}),
    (10, {"a": 10, "b": 30}, {}, {"a": 2, "b": 8}),                    # 2.5 and 7.5: the larger share gets the odd chain
    (1, {"a": 10, "b": 30}, {}, {"a": 0, "b": 1}),
    (10, {"a": 10, "b": 10, "c": 20}, {"c": 1}, {"a": 5, "b": 4, "c": 1}),
    (10, {"a": 10, "b": 20, "c": 10}, {"a": 0}, {"a": 0, "b": 7, "c": 3}),
    (10, {"a": 10, "b": 20}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
    (100, {"a": 1, "b": 99}, {"b": 10}, {"a": 90, "b": 10}),
    (0, {"a": 10}, {}, {"a": 0}), (-3, {"a": 10}, {}, {"a": 0}), (5, {}, {}, {}),
])
def test_worked_examples_of_shares(wanted: int, shares: Mapping[str, int], ready: Mapping[str, int],
                                   expected: Mapping[str, int]) -> None:
    assert split(wanted, shares, ready) == expected


def test_what_is_rounded_away_is_carried_to_the_next_retrieval() -> None:
    lists = [ListShare("a"), ListShare("b"), ListShare("c", 20)]
    first, came = retrieve(begin_retrieval(10, lists, ONE_TIER), {(each.name, GENERAL): 99 for each in lists})
    assert by_list(came) == {"a": 3, "b": 2, "c": 5}
    assert first.balances == {"a": Fraction(-1, 2), "b": Fraction(1, 2), "c": 0}
    _, came = retrieve(begin_retrieval(10, lists, ONE_TIER, first.balances), {(each.name, GENERAL): 99 for each in lists})
    assert by_list(came) == {"a": 2, "b": 3, "c": 5}


def test_a_list_that_runs_dry_gives_up_its_share_and_claims_nothing_later() -> None:
    lists = [ListShare("a"), ListShare("b")]
    ended, came = retrieve(begin_retrieval(20, lists, ONE_TIER), {("a", GENERAL): 3, ("b", GENERAL): 99})
    assert by_list(came) == {"a": 3, "b": 17} and ended.balances == {"b": 0}
    _, came = retrieve(begin_retrieval(20, lists, ONE_TIER, ended.balances), {("a", GENERAL): 99, ("b", GENERAL): 99})
    assert by_list(came) == {"a": 10, "b": 10}


def test_higher_priorities_go_first_in_every_list_and_the_shares_hold_over_all_types() -> None:
    stock = {("a", CALLBACK): 3, ("a", GENERAL): 99, ("b", GENERAL): 99, ("b", RECALL): 1}
    ended, came = retrieve(begin_retrieval(10, [ListShare("a"), ListShare("b")], TIERS), stock)
    assert came == [("a", CALLBACK)] * 3 + [("b", RECALL)] + [("a", GENERAL)] * 2 + [("b", GENERAL)] * 4
    assert ended.balances == {"a": 0, "b": 0} and ended.came == 10


def test_a_list_that_had_all_the_callbacks_gives_less_of_the_rest_but_not_for_long() -> None:
    lists = [ListShare("a"), ListShare("b")]
    balances: Mapping[str, Fraction] = {}
    for _ in range(50):
        ended, came = retrieve(begin_retrieval(10, lists, TIERS, balances), {
            ("a", CALLBACK): 99, ("a", GENERAL): 99, ("b", GENERAL): 99})
        assert by_list(came) == {"a": 10}
        balances = ended.balances
    general = {("a", GENERAL): 999, ("b", GENERAL): 999}
    counts = []
    for _ in range(4):
        ended, came = retrieve(begin_retrieval(10, lists, TIERS, balances), general)
        balances = ended.balances
        counts.append(by_list(came).get("a", 0))
    assert counts == [0, 0, 5, 5]           # ten chains are owed to the other list: one retrieval's worth, no more


def test_types_of_one_priority_are_asked_for_together() -> None:
    tiers = TypePriorities(general=2, campaign_rescheduled=2, campaign_callback=1).tiers()
    assert tiers == ((RECALL, GENERAL), (CALLBACK,))
    [ask] = begin_retrieval(4, [ListShare("a")], tiers).asks()
    assert ask.types == (RECALL, GENERAL)


def test_priorities_are_the_fields_by_default() -> None:
    assert TIERS == ((CALLBACK,), (RECALL,), (GENERAL,))
    everything = TypePriorities().tiers(CAMPAIGN_TYPES + (PERSONAL_RECALL, PERSONAL_CALLBACK))
    assert everything == ((PERSONAL_CALLBACK,), (PERSONAL_RECALL,), (CALLBACK,), (RECALL,), (GENERAL,))
    with pytest.raises(ValueError, match="NO_CALL"):
        TypePriorities().tiers([RecordType.NO_CALL])


def test_inactive_lists_and_lists_without_a_share_are_not_asked() -> None:
    lists = [ListShare("a", active=False), ListShare("b"), ListShare("c", 0)]
    assert [(ask.calling_list, ask.count) for ask in begin_retrieval(6, lists, ONE_TIER).asks()] == [("b", 6)]
    assert begin_retrieval(6, lists[:1], ONE_TIER).asks() == ()
    assert begin_retrieval(6, [], ONE_TIER).asks() == () and begin_retrieval(6, lists, ()).asks() == ()


def test_what_was_dry_lately_is_not_asked() -> None:
    lists = [ListShare("a"), ListShare("b")]
    retrieval = begin_retrieval(6, lists, TIERS, dry=[("a", CALLBACK), ("b", CALLBACK), ("a", RECALL)])
    assert [(ask.calling_list, ask.types, ask.count) for ask in retrieval.asks()] == [("b", (RECALL,), 6)]


def test_a_retrieval_of_nothing_keeps_the_balances() -> None:
    balances = {"a": Fraction(1, 2), "b": Fraction(-1, 2)}
    assert begin_retrieval(0, [ListShare("a"), ListShare("b")], TIERS, balances).balances == balances


def test_a_list_that_left_the_campaign_leaves_no_balance() -> None:
    before = {"a": Fraction(3), "b": Fraction(-3)}
    ended, _ = retrieve(begin_retrieval(4, [ListShare("b")], ONE_TIER, before), {("b", GENERAL): 9})
    assert ended.balances == {"b": -3}
    assert begin_retrieval(4, [ListShare("b")], ONE_TIER, ended.balances).asks()[0].count == 4


def test_more_than_was_asked_for_is_not_counted() -> None:
    retrieval = begin_retrieval(4, [ListShare("a")], ONE_TIER)
    assert retrieval.answered({"a": 99, "x": 5}).came == 4
    assert retrieval.answered({"a": -1}).came == 0


@pytest.mark.parametrize(("buffered", "sources", "wanted"), [
    (0, 1, 6), (3, 1, 3), (4, 1, 0), (5, 1, 0), (0, 0, 6), (39, 10, 21), (40, 10, 0), (99, 10, 0)])
def test_the_buffer_is_filled_to_the_optimum_from_below_the_minimum(buffered: int, sources: int, wanted: int) -> None:
    assert BufferFactors().wanted(buffered, sources) == wanted


def test_factors_may_be_fractions() -> None:
    assert BufferFactors(0.5, 1.5).wanted(0, 3) == 5 and BufferFactors(0.5, 1.5).wanted(2, 3) == 0


def test_the_line_for_the_log_has_its_known_shape() -> None:
    assert weight_info(Ask("a", (GENERAL,), 4, 10, 10, 4), 1) == (
        "WeightInfo: RecordType: 2, Agents: 1, Share: 10, RecsNeededTotal: 4, SumShares: 10, Result: 4")


names = st.sampled_from("abcdef")
shares_of = st.dictionaries(names, st.integers(1, 1_000), min_size=1)
balances_of = st.dictionaries(names, st.fractions(-50, 50, max_denominator=999))


@given(st.integers(0, 5_000), shares_of, st.dictionaries(names, st.integers(0, 2_000)), balances_of)
def test_a_split_is_whole_within_what_is_ready_and_the_same_every_time(
        wanted: int, shares: dict[str, int], ready: dict[str, int], balances: dict[str, Fraction]) -> None:
    counts = split(wanted, shares, ready, balances)
    assert counts == split(wanted, dict(shares), dict(ready), dict(balances))
    assert all(0 <= counts[name] <= ready.get(name, wanted) for name in shares)
    assert sum(counts.values()) == min(wanted, sum(ready.get(name, wanted) for name in shares))


@given(st.integers(0, 5_000), shares_of)
def test_without_limits_nobody_is_a_whole_chain_away_from_its_share(wanted: int, shares: dict[str, int]) -> None:
    exact = {name: Fraction(wanted * share, sum(shares.values())) for name, share in shares.items()}
    assert all(abs(count - exact[name]) < 1 for name, count in split(wanted, shares).items())


@given(st.integers(1, 500), shares_of, st.dictionaries(names, st.integers(0, 300)))
def test_a_list_gives_less_than_its_share_only_if_it_has_no_more(wanted: int, shares: dict[str, int],
                                                                 ready: dict[str, int]) -> None:
    for name, count in split(wanted, shares, ready).items():
        assert count == ready.get(name, wanted) or count > Fraction(wanted * shares[name], sum(shares.values())) - 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=40, max_size=40), shares_of)
def test_many_small_retrievals_have_the_proportions_of_a_large_one(sizes: list[int], shares: dict[str, int]) -> None:
    lists = [ListShare(name, share) for name, share in shares.items()]
    balances: Mapping[str, Fraction] = {}
    total: Counter[str] = Counter()
    for size in sizes:
        ended, came = retrieve(begin_retrieval(size, lists, ONE_TIER, balances), {(name, GENERAL): size for name in shares})
        balances = ended.balances
        total.update(by_list(came))
        assert ended.came == size
    for name, share in shares.items():
        assert abs(total[name] - sum(sizes) * share / sum(shares.values())) < 2


stocks = st.dictionaries(st.tuples(names, st.sampled_from(CAMPAIGN_TYPES)), st.integers(0, 30))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60), shares_of, stocks, balances_of)
def test_a_retrieval_brings_all_it_can_in_order_of_priority_and_ends(
        wanted: int, shares: dict[str, int], stock: Stock, balances: dict[str, Fraction]) -> None:
    lists = [ListShare(name, share) for name, share in shares.items()]
    there = {key: count for key, count in stock.items() if key[0] in shares}
    ended, came = retrieve(begin_retrieval(wanted, lists, TIERS, balances), dict(there))
    assert len(came) == ended.came == min(wanted, sum(there.values()))
    taken, ranks = Counter(came), [TypePriorities().of(record_type) for _, record_type in came]
    assert ranks == sorted(ranks, reverse=True)
    lowest = min(ranks, default=99)
    assert all(taken[key] == count for key, count in there.items() if TypePriorities().of(key[1]) > lowest and count)
    assert all(abs(balance) <= max(wanted, 50) and balance.denominator <= 1_000_000 for balance in ended.balances.values())
