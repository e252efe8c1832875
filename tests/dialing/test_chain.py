"""The held chain's machine, and what each outcome writes into the records of a chain."""
from __future__ import annotations

from dataclasses import replace
from typing import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ocs.dialing.chain import (
    ChainEvent,
    ChainState,
    blocked_by_dnc,
    cancelled,
    close_one,
    close_siblings,
    finish,
    give_back,
    head_index,
    hold_until,
    next_state,
    noted,
    put_record,
    reschedule,
    stale,
    updated,
)
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import Chain, Record
from ocs.errors import UnexpectedEvent
from tests.dialing.machines import REFUSED, SAME, cells, mismatches, reachable

TABLE = """
event        BUFFERED    OPENING   CALLING     TRAILING  WITH_AGENT  WAITING   SAVING  GONE
TAKEN        OPENING     !         !           !         !           !         !       !
DELIVERED    WITH_AGENT  !         !           !         !           !         !       !
OPENED       !           CALLING   !           !         !           !         !       !
AGENT_DIALS  !           !         !           !         CALLING     !         !       !
CALL_ENDED   !           !         SAVING      SAVING    !           !         !       !
TO_AGENT     !           !         WITH_AGENT  SAVING    !           !         !       !
SETTLED      SAVING      SAVING    TRAILING    -         SAVING      SAVING    !       !
DELAYED      !           WAITING   WAITING     !         WAITING     !         !       !
DUE          !           BUFFERED  BUFFERED    !         !           BUFFERED  !       !
GIVEN_BACK   SAVING      SAVING    SAVING      !         SAVING      SAVING    !       !
SAVED        !           !         !           !         !           !         GONE    !
"""


def after(state: ChainState, event: ChainEvent) -> ChainState | None:
    try:
        return next_state(state, event)
    except UnexpectedEvent:
        return None


def test_every_state_and_event_does_what_the_table_says() -> None:
    actual = {}
    for state in ChainState:
        for event in ChainEvent:
            following = after(state, event)
            actual[event.name, state.name] = (
                REFUSED if following is None else SAME if following is state else following.name)
    assert mismatches(cells(TABLE), actual) == []


def test_every_state_is_reached_from_the_buffer() -> None:
    assert reachable(ChainState.BUFFERED, ChainEvent, after) == set(ChainState)


@pytest.mark.parametrize("state", ChainState)
def test_every_state_can_come_to_its_end_and_only_by_a_write(state: ChainState) -> None:
    assert ChainState.GONE in reachable(state, ChainEvent, after)
    assert [event for event in ChainEvent if after(state, event) is ChainState.GONE] == (
        [ChainEvent.SAVED] if state is ChainState.SAVING else [])


def test_nothing_is_dialed_before_its_attempt_is_committed() -> None:
    ways = {(state, event) for state in ChainState for event in ChainEvent
            if after(state, event) is ChainState.CALLING and state is not ChainState.CALLING}
    # the other way is an agent's own dial, which the switch reports and nobody here can hold back
    assert ways == {(ChainState.OPENING, ChainEvent.OPENED), (ChainState.WITH_AGENT, ChainEvent.AGENT_DIALS)}


def test_a_refused_event_is_told_with_its_state() -> None:
    with pytest.raises(UnexpectedEvent, match="^chain: OPENED in state WAITING$"):
        next_state(ChainState.WAITING, ChainEvent.OPENED)


# -- records -----------------------------------------------------------------------------------------------------------
S, T, R = RecordStatus, RecordType, CallResult
READY, RETRIEVED, CHAIN_READY = S.READY, S.RETRIEVED, S.CHAIN_READY
DUE = 1_800_000_000


def chain(*statuses: RecordStatus, due: dict[int, int] | None = None) -> Chain:
    """A chain with records of these statuses; `due`: index -> dial_sched_time."""
    return Chain("spring", 7, tuple(
        Record(record_id=70 + n, chain_id=7, chain_n=n, contact_info=f"+1415555010{n}", record_status=status,
               dial_sched_time=(due or {}).get(n)) for n, status in enumerate(statuses)))


def statuses(given: Chain) -> list[RecordStatus]:
    return [record.record_status for record in given.records]


def due_times(given: Chain) -> list[int | None]:
    return [record.dial_sched_time for record in given.records]


@pytest.mark.parametrize("given_, head", [
    (chain(RETRIEVED, RETRIEVED), 0), (chain(S.UPDATED, RETRIEVED), 1), (chain(S.UPDATED, S.CANCELLED), None),
    (chain(RETRIEVED, RETRIEVED, RETRIEVED, due={2: DUE}), 2), (chain(RETRIEVED, RETRIEVED, due={0: DUE, 1: DUE - 1}), 1),
    (chain(RETRIEVED, S.UPDATED, due={1: DUE}), 0), (chain(RETRIEVED, RETRIEVED, due={1: 0}), 1),
    (chain(S.DELEGATED, RETRIEVED), 1), (chain(S.NO_RECORD_STATUS), None), (chain(), None),
])
def test_the_head_is_the_scheduled_record_else_the_first_that_is_open(given_: Chain, head: int | None) -> None:
    assert head_index(given_.records) == head


def test_the_head_meets_the_criteria_where_an_open_record_does() -> None:
    given_ = chain(S.UPDATED, RETRIEVED, RETRIEVED, RETRIEVED)
    for wanted, head in (((0, 2, 3), 2), ((3,), 3), ((0,), 1), ((), 1)):
        meeting = [given_.records[index] for index in wanted]
        assert head_index(given_.records, lambda one: one in meeting) == head
    due = replace(given_.records[3], dial_sched_time=7)
    assert head_index((*given_.records[:3], due), lambda one: one is given_.records[1]) == 3


HELD = chain(S.UPDATED, RETRIEVED, RETRIEVED, S.DELEGATED, S.MISSED_CALLBACK, RETRIEVED)


@pytest.mark.parametrize("outcome, own, siblings", [
    (lambda c: finish(c, 2, R.BUSY), S.UPDATED, S.CHAIN_UPDATED),
    (lambda c: stale(c, 2), S.STALE, S.CHAIN_UPDATED),
    (lambda c: close_one(c, 2, R.BUSY), S.UPDATED, READY),
    (lambda c: blocked_by_dnc(c, 2), S.UPDATED, RETRIEVED),
    (lambda c: cancelled(c, 2), S.CANCELLED, RETRIEVED),
    (lambda c: put_record(c, 2, updated(c.records[2])), S.UPDATED, RETRIEVED),
    (lambda c: reschedule(c, 2, DUE, T.CAMPAIGN_RESCHEDULED), READY, CHAIN_READY),
    (lambda c: hold_until(c, 2, DUE, T.CAMPAIGN_RESCHEDULED), RETRIEVED, RETRIEVED),
    (lambda c: give_back(c), READY, READY),
    (lambda c: give_back(hold_until(c, 2, DUE, T.CAMPAIGN_RESCHEDULED)), READY, CHAIN_READY),
    (lambda c: close_siblings(c), S.CHAIN_UPDATED, S.CHAIN_UPDATED),
])
def test_each_outcome_writes_its_statuses_and_leaves_final_and_delegated_records_alone(
        outcome: Callable[[Chain], Chain], own: RecordStatus, siblings: RecordStatus) -> None:
    assert statuses(outcome(HELD)) == [S.UPDATED, siblings, own, S.DELEGATED, S.MISSED_CALLBACK, siblings]


def test_a_final_result_stands_in_its_record_and_takes_the_date_away() -> None:
    done = finish(chain(RETRIEVED, RETRIEVED, due={0: DUE}), 0, R.NO_ANSWER)
    assert [record.call_result for record in done.records] == [R.NO_ANSWER, R.UNKNOWN]
    assert due_times(done) == [None, None]
    assert stale(HELD, 1).records[1].call_result is R.STALE
    assert close_one(HELD, 1, R.BUSY).records[1].call_result is R.BUSY


def test_a_do_not_call_request_marks_the_record_no_call() -> None:
    blocked = blocked_by_dnc(chain(RETRIEVED, RETRIEVED, due={0: DUE}), 0).records
    assert (blocked[0].record_type, blocked[0].call_result, blocked[0].dial_sched_time) == (T.NO_CALL, R.DO_NOT_CALL, None)
    assert (blocked[1].record_type, blocked[1].call_result) == (T.GENERAL, R.UNKNOWN)


def test_a_cancelled_record_keeps_its_type() -> None:
    record = cancelled(HELD, 1).records[1]
    assert (record.record_type, record.call_result) == (T.GENERAL, R.CANCEL_RECORD)


def test_a_record_that_is_closed_without_a_new_result_keeps_the_old_one() -> None:
    record = updated(replace(HELD.records[1], call_result=R.BUSY, dial_sched_time=DUE))
    assert (record.record_status, record.call_result, record.dial_sched_time) == (S.UPDATED, R.BUSY, None)


def test_a_rescheduled_record_carries_date_type_and_what_else_was_given() -> None:
    held = chain(RETRIEVED, RETRIEVED)
    plain = reschedule(held, 1, DUE, T.CAMPAIGN_RESCHEDULED).records[1]
    assert plain == replace(held.records[1], record_status=READY, record_type=T.CAMPAIGN_RESCHEDULED, dial_sched_time=DUE)
    full = reschedule(held, 1, DUE, T.PERSONAL_CALLBACK, R.ANSWER, "1001", "101@1@1@1")
    assert full.records[1] == replace(plain, record_type=T.PERSONAL_CALLBACK, call_result=R.ANSWER, agent_id="1001",
                                      treatments="101@1@1@1")
    again = reschedule(full, 1, DUE + 60, T.PERSONAL_RESCHEDULED).records[1]
    assert (again.agent_id, again.treatments, again.call_result) == ("1001", "101@1@1@1", R.ANSWER)


def test_a_reschedule_to_another_record_moves_the_date_there() -> None:
    moved = reschedule(chain(RETRIEVED, RETRIEVED, due={0: DUE}), 1, DUE + 60, T.CAMPAIGN_RESCHEDULED)
    assert due_times(moved) == [None, DUE + 60] and statuses(moved) == [CHAIN_READY, READY]
    held = hold_until(chain(RETRIEVED, RETRIEVED, due={0: DUE}), 1, DUE + 60, T.CAMPAIGN_RESCHEDULED, "101@1@1@1")
    assert due_times(held) == [None, DUE + 60] and held.records[1].treatments == "101@1@1@1"


def test_giving_back_a_chain_with_nothing_open_changes_nothing() -> None:
    done = chain(S.UPDATED, S.DELEGATED)
    assert give_back(done) == done


# -- properties --------------------------------------------------------------------------------------------------------
NOT_OURS = st.sampled_from([status for status in RecordStatus if status not in (READY, RETRIEVED, CHAIN_READY)])


def claimed(given: Chain) -> Chain:
    """The chain after its retrieval: what was Ready or Chain Ready is Retrieved."""
    return replace(given, records=tuple(
        replace(record, record_status=RETRIEVED) if record.record_status in (READY, CHAIN_READY) else record
        for record in given.records))


@st.composite
def listed(draw: st.DrawFn) -> Chain:
    """A chain as it lies in the list with a record to dial: all open ones Ready, or one scheduled and the others Chain
    Ready; beside them records that are final or with somebody else."""
    size = draw(st.integers(1, 6))
    open_ = draw(st.sets(st.integers(0, size - 1), min_size=1))
    head = draw(st.one_of(st.none(), st.sampled_from(sorted(open_))))
    due = None if head is None else {head: draw(st.integers(0, 2 ** 31))}
    return chain(*(draw(NOT_OURS) if n not in open_ else READY if head in (None, n) else CHAIN_READY for n in range(size)),
                 due=due)


@given(listed())
def test_a_retrieved_chain_goes_back_as_it_came(given_: Chain) -> None:
    assert give_back(claimed(given_)) == given_
    assert give_back(given_) == given_


RESULTS = st.sampled_from(CallResult)
OUTCOMES: st.SearchStrategy[Callable[[Chain, int], Chain]] = st.one_of(
    st.builds(lambda result: lambda c, i: finish(c, i, result), RESULTS),
    st.builds(lambda result: lambda c, i: close_one(c, i, result), RESULTS),
    st.sampled_from([stale, blocked_by_dnc, cancelled, lambda c, i: give_back(c), lambda c, i: close_siblings(c)]),
    st.builds(lambda due, kind: lambda c, i: reschedule(c, i, due, kind), st.integers(0, 2 ** 31), st.sampled_from(T)),
    st.builds(lambda due, kind: lambda c, i: hold_until(c, i, due, kind), st.integers(0, 2 ** 31), st.sampled_from(T)))


@given(listed(), st.lists(st.tuples(OUTCOMES, st.integers(0, 5)), max_size=5))
def test_no_outcome_touches_a_record_that_is_final_or_makes_a_second_head(
        given_: Chain, outcomes: list[tuple[Callable[[Chain, int], Chain], int]]) -> None:
    held = claimed(given_)
    for outcome, number in outcomes:
        open_ = [index for index, record in enumerate(held.records) if record.record_status.open]
        assume(open_)
        before, held = held, outcome(held, open_[number % len(open_)])
        assert [r.record_id for r in held.records] == [r.record_id for r in before.records]
        assert all(a == b for a, b in zip(held.records, before.records) if not b.record_status.open)
        scheduled = [r for r in held.records if r.record_status.open and r.dial_sched_time is not None]
        assert len(scheduled) <= 1
        assert not any(r.dial_sched_time is not None for r in held.records if r.record_status.final and r in held.records
                       and r not in before.records)
        ready = [r for r in held.records if r.record_status is READY]
        assert not any(r.record_status is CHAIN_READY for r in held.records) or ready == scheduled


@given(listed(), st.integers(0, 5), st.integers(0, 2 ** 31))
def test_a_rescheduled_chain_comes_back_with_the_same_head(given_: Chain, number: int, due: int) -> None:
    held = claimed(given_)
    open_ = [index for index, record in enumerate(held.records) if record.record_status.open]
    index = open_[number % len(open_)]
    back = reschedule(held, index, due, T.CAMPAIGN_RESCHEDULED)
    assert [n for n, record in enumerate(back.records) if record.record_status is READY] == [index]
    assert head_index(claimed(back).records) == index
    # held in memory and given back, or recovered after a crash, it comes to the same
    assert give_back(hold_until(held, index, due, T.CAMPAIGN_RESCHEDULED)) == back


# -- what treatments leave behind --------------------------------------------------------------------------------------
def scheduled(note: str, record_type: RecordType = RecordType.CAMPAIGN_RESCHEDULED) -> tuple[Record, ...]:
    records = [Record(n, 1, n, f"+1212555010{n}", record_status=RecordStatus.RETRIEVED) for n in (1, 2, 3)]
    records[1] = replace(records[1], dial_sched_time=7, record_type=record_type, treatments=note)
    return tuple(records)


@pytest.mark.parametrize("note, record_type, head", [
    ("105@1@3@1", RecordType.CAMPAIGN_RESCHEDULED, 2), ("105@1@3@1", RecordType.PERSONAL_RESCHEDULED, 2),
    ("105@1@2@1", RecordType.CAMPAIGN_RESCHEDULED, 1), ("105@1@9@1", RecordType.CAMPAIGN_RESCHEDULED, 1),
    ("junk", RecordType.CAMPAIGN_RESCHEDULED, 1),
    ("105@1@3@1", RecordType.CAMPAIGN_CALLBACK, 1),     # an agent has chosen this very record
])
def test_a_recall_begins_with_the_record_that_its_treatment_names(note: str, record_type: RecordType, head: int) -> None:
    assert head_index(scheduled(note, record_type)) == head


def test_a_record_that_is_final_is_not_the_head_whatever_a_note_says() -> None:
    records = scheduled("105@1@3@1")
    assert head_index((*records[:2], replace(records[2], record_status=RecordStatus.UPDATED))) == 1


def test_a_chain_can_end_as_an_agents_error() -> None:
    done = finish(Chain("spring", 1, scheduled("")), 1, CallResult.AGENT_CALLBACK_ERROR, RecordStatus.AGENT_ERROR)
    assert [record.record_status for record in done.records] == [
        RecordStatus.CHAIN_UPDATED, RecordStatus.AGENT_ERROR, RecordStatus.CHAIN_UPDATED]


def test_a_record_can_be_taken_from_the_agent_it_was_meant_for() -> None:
    mine = Chain("spring", 1, tuple(replace(record, agent_id="1001") for record in scheduled("")))
    agents = [reschedule(mine, 1, 9, RecordType.CAMPAIGN_CALLBACK, agent_id=agent).records[1].agent_id
              for agent in (None, "", "1002")]
    assert agents == ["1001", None, "1002"]


def test_a_note_is_left_on_one_record() -> None:
    assert [record.treatments for record in noted(Chain("spring", 1, scheduled("x")), 0, "105@1@2@1").records] == [
        "105@1@2@1", "x", None]
