"""What every store keeps of changes that come late: each is written once, and nothing over what is somebody else's now."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState, ChainSave, DoNotCallEntry, Holding, Owner, Record
from ocs.errors import UnknownCallingList
from ocs.interfaces import IReplayStore
from tests.contracts.stores import (  # noqa: F401  make is a fixture
    LIST,
    OURS,
    THEIRS,
    Harness,
    all_records,
    attempt,
    attempts_in,
    claim,
    logged,
    make,
    record,
    result,
)

pytestmark = pytest.mark.parametrize("make", ["memory", "sqlite", "postgresql"], indirect=True)

RETRIEVED, READY, UPDATED, CANCELLED = (RecordStatus.RETRIEVED, RecordStatus.READY, RecordStatus.UPDATED,
                                        RecordStatus.CANCELLED)
HELD = frozenset({RETRIEVED})


def held(change: ChainSave, statuses: frozenset[RecordStatus] = HELD, owner: Owner = OURS) -> ChainSave:
    return replace(change, holding=Holding(owner, {one.record_id: statuses for one in change.records}))


def done(number: int, **changes: Any) -> ChainSave:
    """The end of a record that was claimed."""
    return held(ChainSave(LIST, (record(number, record_status=UPDATED, call_result=CallResult.ANSWER, attempt=1, **changes),)))


def replay(store: Any, *changes: ChainSave, first: int = 1, spool: str = "spool") -> tuple[int, ...]:
    left: tuple[int, ...] = result(store.replay(OURS.app_dbid, spool, list(enumerate(changes, first))))
    return left


@pytest.fixture
def store(make: Harness) -> Any:                     # noqa: F811
    """A store of five chains that are ours, its spool adopted."""
    made = make(record(n) for n in range(1, 6))
    result(made.adopt_spool(OURS.app_dbid, "spool", 0))
    claim(made)
    return made


def write(store: Any, *records: Record) -> None:
    result(store.save(ChainSave(LIST, records)))


def test_a_store_provides_the_interface(store: Any) -> None:
    assert verifyObject(IReplayStore, store)


def test_what_comes_late_is_written_in_order(store: Any) -> None:
    waits = held(ChainSave(LIST, (record(1, record_status=RETRIEVED, attempt=1, dial_sched_time=9),), (attempt("a", record(1)),)))
    closed = attempt("a", record(1), state=AttemptState.CLOSED, call_result=CallResult.ANSWER)
    entry = DoNotCallEntry("+12125550001", time_stamp=5)
    assert replay(store, waits, replace(done(1), attempts=(closed,), do_not_call=(entry,)), done(2)) == ()
    assert all_records(store)[1] == done(1).records[0] and all_records(store)[2] == done(2).records[0]
    assert attempts_in(store) == [closed] and result(store.do_not_call()) == [entry]


def test_requests_that_come_late_are_each_written_once(store: Any) -> None:
    asked, alone = (LoggedRequest(RequestType.RECORD_PROCESSED, float(n)) for n in (1, 2))
    change = replace(done(1), requests=(asked,))
    result(store.save(change))              # the answer was lost, so it waited
    assert replay(store, change, ChainSave("", requests=(alone,)), ChainSave("", requests=(alone,))) == ()
    assert logged(store) == [asked, alone]


def test_what_has_been_replayed_is_not_written_again(store: Any) -> None:
    assert replay(store, done(1)) == ()
    write(store, record(1, record_status=RETRIEVED, attempt=7))         # claimed anew since, by the same server
    assert replay(store, done(1), done(2)) == ()
    assert all_records(store)[1].attempt == 7 and all_records(store)[2].record_status is UPDATED
    assert replay(store, done(1), first=3) == () and all_records(store)[1].attempt == 1


def test_a_replay_of_which_a_part_is_refused_writes_nothing(store: Any) -> None:
    nowhere = ChainSave("no such list", (record(9),))
    with pytest.raises(UnknownCallingList):
        replay(store, done(1), nowhere)
    assert all_records(store)[1].record_status is RETRIEVED
    assert replay(store, done(1)) == () and all_records(store)[1].record_status is UPDATED


@pytest.mark.parametrize("status", [READY, RecordStatus.CHAIN_READY, CANCELLED, RecordStatus.STALE])
def test_a_record_that_was_changed_meanwhile_is_left(store: Any, status: RecordStatus) -> None:
    theirs = record(1, record_status=status, dial_sched_time=4, attempt=3)
    write(store, theirs)
    assert replay(store, done(1), done(2)) == (1,)
    assert all_records(store)[1] == theirs and all_records(store)[2].record_status is UPDATED


def test_a_record_that_somebody_else_has_claimed_is_left(store: Any) -> None:
    write(store, record(1))
    assert [chain.chain_id for chain in claim(store, owner=THEIRS)] == [1]
    assert replay(store, done(1)) == (1,) and all_records(store)[1].record_status is RETRIEVED
    write(store, record(1, record_status=UPDATED))
    assert replay(store, done(1), first=2) == (1,) and all_records(store)[1].call_result is CallResult.UNKNOWN


def test_a_record_that_was_let_go_before_the_answer_was_lost_is_nobodys_fault(store: Any) -> None:
    back = held(ChainSave(LIST, (record(1, dial_sched_time=77),)))
    result(store.save(back))
    assert replay(store, back) == () and all_records(store)[1].dial_sched_time == 77


def test_a_sibling_that_was_final_before_is_not_taken_for_a_change(make: Harness) -> None:        # noqa: F811
    store = make([record(1, 1, 1, record_status=UPDATED), record(2, 1, 2)])
    (chain,) = claim(store)
    change = ChainSave(LIST, (chain.records[0], replace(chain.records[1], record_status=UPDATED)))
    statuses = {one.record_id: frozenset({one.record_status}) for one in chain.records}
    assert replay(store, replace(change, holding=Holding(OURS, statuses))) == ()
    assert all_records(store)[2].record_status is UPDATED


def test_a_record_is_written_over_what_its_owner_may_have_written(store: Any) -> None:
    write(store, record(1, record_status=UPDATED))          # the answer to this was lost
    assert replay(store, done(1)) == () and all_records(store)[1].attempt == 0
    assert replay(store, held(ChainSave(LIST, done(1).records), frozenset({RETRIEVED, UPDATED})), first=2) == ()
    assert all_records(store)[1].attempt == 1


def test_a_record_that_is_gone_is_left_and_the_others_written(store: Any) -> None:
    both = held(ChainSave(LIST, (record(1, record_status=UPDATED), record(99, record_status=UPDATED))))
    assert replay(store, both) == (99,) and all_records(store)[1].record_status is UPDATED


def test_attempts_and_do_not_call_rows_are_written_whoever_has_the_record(store: Any) -> None:
    write(store, record(1, record_status=CANCELLED))
    closed, entry = attempt("a", record(1), state=AttemptState.CLOSED), DoNotCallEntry("+12125550001")
    assert replay(store, replace(done(1), attempts=(closed,), do_not_call=(entry,))) == (1,)
    assert attempts_in(store) == [closed] and result(store.do_not_call()) == [entry]


def test_an_open_attempt_does_not_open_one_again_that_was_closed_since(store: Any) -> None:
    unknown = attempt("a", record(1), state=AttemptState.UNKNOWN, call_result=CallResult.UNKNOWN)
    result(store.save(ChainSave(LIST, (), (unknown,))))
    result(store.open_attempts([attempt("b", record(2))]))
    told = attempt("b", record(2), call_result=CallResult.ANSWER)
    assert replay(store, ChainSave(LIST, (), (attempt("a", record(1)),)), ChainSave(LIST, (), (told,))) == ()
    assert attempts_in(store) == [unknown, told]


def test_a_spool_whose_server_was_replaced_touches_no_record_any_more(store: Any) -> None:
    result(store.adopt_spool(OURS.app_dbid, "the new one", 0))
    closed = attempt("a", record(1), state=AttemptState.CLOSED, call_result=CallResult.ANSWER)
    entry = DoNotCallEntry("+12125550001")
    late = replace(done(1), attempts=(closed,), do_not_call=(entry,))
    assert replay(store, late, done(2)) == (1, 2) and replay(store, late) == (1,)
    assert all_records(store)[1].record_status is RETRIEVED
    assert attempts_in(store) == [closed] and result(store.do_not_call()) == [entry]
    assert replay(store, done(3), spool="the new one") == () and all_records(store)[3].record_status is UPDATED


def test_a_spool_of_which_the_database_does_not_know_may_write_what_is_still_its_own(make: Harness) -> None:    # noqa: F811
    store = make(record(n) for n in range(1, 3))
    claim(store, 1)
    assert replay(store, done(1), done(2)) == (2,)
    assert [one.record_status for one in all_records(store).values()] == [UPDATED, READY]
    assert replay(store, done(1)) == () and replay(store, done(1), first=3) == ()


def test_an_adopted_spool_goes_on_where_it_is_said_to_stand(store: Any) -> None:
    result(store.adopt_spool(OURS.app_dbid, "other", 7))
    assert replay(store, done(1), first=7, spool="other") == () and all_records(store)[1].record_status is RETRIEVED
    assert replay(store, done(1), first=8, spool="other") == () and all_records(store)[1].record_status is UPDATED
