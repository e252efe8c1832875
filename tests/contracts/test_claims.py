"""What every store gives when it is asked for chains to dial: each once, in order, of those that may be dialed now."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Chain, ChainSave, Owner
from tests.contracts.stores import (
    CENTRAL,
    CHAIN_READY,
    EASTERN,
    LIST,
    NOW,
    PACIFIC,
    READY,
    RETRIEVED,
    THEIRS,
    Harness,
    claim,
    ids,
    make,
    record,
    result,
)

__all__ = ["make"]


def test_a_claimed_chain_is_retrieved_with_all_its_records(make: Harness) -> None:
    done = record(2, 1, 2, record_status=RecordStatus.UPDATED)
    sibling = record(3, 1, 3, record_status=CHAIN_READY)
    store = make([record(1, 1, 1), done, sibling])
    assert claim(store) == [Chain(LIST, 1, (record(1, 1, 1, record_status=RETRIEVED), done,
                                            replace(sibling, record_status=RETRIEVED)))]
    assert result(store.counts(LIST)) == {RETRIEVED: 2, RecordStatus.UPDATED: 1}


def test_nothing_is_claimed_twice(make: Harness) -> None:
    store = make(map(record, range(1, 31)))
    claimed = ids(claim(store, 12)) + ids(claim(store, 12, THEIRS)) + ids(claim(store, 12))
    assert sorted(claimed) == list(range(1, 31))
    assert claim(store) == []


@pytest.mark.parametrize("limit", [0, 1, 5, 9, 10, 50])
def test_a_claim_gives_no_more_chains_than_asked_for(make: Harness, limit: int) -> None:
    store = make(record(n, (n + 1) // 2, 2 - n % 2) for n in range(1, 19))
    chains = claim(store, limit)
    assert ids(chains) == list(range(1, min(limit, 9) + 1))
    assert all(len(chain.records) == 2 for chain in chains)


def test_chains_come_by_due_time_then_chain_id(make: Harness) -> None:
    store = make([record(1, dial_sched_time=NOW), record(2), record(3, dial_sched_time=NOW - 50), record(4),
                  record(5, dial_sched_time=NOW - 50, tz_dbid=EASTERN), record(6, tz_dbid=EASTERN)])
    assert ids(claim(store)) == [2, 4, 6, 3, 5, 1]


def test_the_order_holds_when_one_zone_has_more_than_is_asked_for(make: Harness) -> None:
    east = [record(n, (n + 19) // 20, n % 20, tz_dbid=EASTERN) for n in range(1, 101)]         # 5 chains of 20
    store = make(east + [record(n, tz_dbid=CENTRAL) for n in range(200, 210)])
    assert ids(claim(store, 7)) == [1, 2, 3, 4, 5, 200, 201]
    assert ids(claim(store, 3)) == [202, 203, 204]


def test_types_come_in_the_order_asked_for_and_others_not_at_all(make: Harness) -> None:
    callback, personal, rescheduled = (RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK,
                                       RecordType.CAMPAIGN_RESCHEDULED)
    store = make([record(1), record(2, record_type=rescheduled, dial_sched_time=NOW - 5),
                  record(3, record_type=callback, dial_sched_time=NOW - 1), record(4, record_type=personal),
                  record(5, record_type=RecordType.NO_CALL)])
    assert ids(claim(store, 2)) == [3, 2]
    assert ids(claim(store)) == [1]
    assert ids(claim(store, types=(personal,))) == [4]


def test_a_chain_is_claimed_by_its_first_type_once(make: Harness) -> None:
    store = make([record(1), record(2, 2, 1), record(3, 2, 2, record_type=RecordType.CAMPAIGN_CALLBACK)])
    assert ids(claim(store)) == [2, 1]


def test_a_claim_for_an_agent_gives_only_that_agents_records(make: Harness) -> None:
    personal = RecordType.PERSONAL_CALLBACK
    agents = ["1001", "1002", None, "1001"]
    store = make([record(n, record_type=personal, agent_id=agent) for n, agent in enumerate(agents)])
    assert ids(claim(store, 1, types=(personal,), agent_ids=("1001",))) == [0]
    assert ids(claim(store, types=(personal,), agent_ids=("1001",))) == [3]
    assert ids(claim(store, types=(personal,))) == [1, 2]


def test_a_claim_may_be_for_several_agents_or_for_all_but_some(make: Harness) -> None:
    personal = RecordType.PERSONAL_CALLBACK
    agents = ["1001", "1002", None, "1003", "1001"]
    one = make([record(n, record_type=personal, agent_id=agent) for n, agent in enumerate(agents)])
    assert ids(claim(one, types=(personal,), agent_ids=())) == []
    assert ids(claim(one, types=(personal,), agent_ids=("1003", "1001"))) == [0, 3, 4]
    assert ids(claim(one, types=(personal,), without_agents=("1002",))) == [2]
    assert ids(claim(one, types=(personal,), without_agents=("1001",))) == [1]


@pytest.mark.parametrize("others, own, claimed", [
    (Owner(1, 10, 101), {}, [1, 2, 3]), (Owner(1, 10, 101), {"own_campaign": True}, [1, 2, 3]),
    (Owner(1, 10, 101), {"own_group": True}, [1, 3]), (Owner(1, 11, 100), {"own_group": True}, [1, 2, 3]),
    (Owner(2, 11, 100), {"own_campaign": True}, [1, 3]),
    (Owner(2, 10, 100), {"own_campaign": True, "own_group": True}, [1, 2, 3])])
def test_callbacks_may_be_kept_to_the_campaign_and_the_group_that_agreed_on_them(
        make: Harness, others: Owner, own: dict[str, bool], claimed: list[int]) -> None:
    kind = RecordType.CAMPAIGN_CALLBACK
    store = make([record(1, record_type=kind), record(2, record_type=kind), record(3)])
    for chain in claim(store, owner=others)[1:]:
        result(store.save(ChainSave(LIST, tuple(replace(one, record_status=READY) for one in chain.records))))
    # 1 is held by the others, 2 and 3 were: a general record is nobody's, a callback may be theirs
    assert ids(claim(store, **own)) == [chain_id for chain_id in claimed if chain_id != 1]


def test_a_callback_that_nobody_has_held_is_everybodys(make: Harness) -> None:
    store = make([record(1, record_type=RecordType.CAMPAIGN_CALLBACK)])
    assert ids(claim(store, own_campaign=True, own_group=True)) == [1]


def test_a_record_that_is_not_due_is_left(make: Harness) -> None:
    store = make([record(1, dial_sched_time=NOW + 1), record(2, dial_sched_time=NOW)])
    assert ids(claim(store)) == [2]


def test_a_chain_ready_record_does_not_qualify_its_chain(make: Harness) -> None:
    store = make([record(1, 1, 1, record_status=CHAIN_READY), record(2, 1, 2, dial_sched_time=NOW + 1)])
    assert claim(store) == []


def test_zones_that_are_missing_are_closed(make: Harness) -> None:
    store = make([record(1), record(2, tz_dbid=EASTERN), record(3, 3, 1), record(4, 3, 2, tz_dbid=EASTERN)])
    assert ids(claim(store, local_times={EASTERN: 43_200})) == [2, 3]
    assert claim(store, local_times={}) == []


@pytest.mark.parametrize("daily_from, daily_till, local_time, open_", [
    (28_800, 64_800, 28_799, False), (28_800, 64_800, 28_800, True), (28_800, 64_800, 64_799, True),
    (28_800, 64_800, 64_800, False), (0, 86_400, 86_399, True), (0, 86_340, 86_399, True), (0, 86_339, 86_399, False),
    (0, 86_340, 0, True), (64_800, 28_800, 70_000, False), (64_800, 28_800, 10, False), (36_000, 36_000, 36_000, False),
    (0, 0, 0, False),
])
def test_a_record_is_claimed_inside_its_daily_window_only(make: Harness, daily_from: int, daily_till: int,
                                                          local_time: int, open_: bool) -> None:
    store = make([record(1, daily_from=daily_from, daily_till=daily_till)])
    assert ids(claim(store, local_times={PACIFIC: local_time})) == ([1] if open_ else [])


def test_a_chain_of_which_someone_holds_a_record_is_not_split(make: Harness) -> None:
    store = make([record(1, 1, 1), record(2, 1, 2), record(3)])
    first = claim(store, 1)[0]
    result(store.save(ChainSave(LIST, (replace(first.records[0], record_status=READY),))))
    assert ids(claim(store, owner=THEIRS)) == [3]
    result(store.save(ChainSave(LIST, (replace(first.records[1], record_status=READY),))))
    assert ids(claim(store, owner=THEIRS)) == [1]
