"""What calling rules ask of a store, on every provider: the same of the same attempts, whoever made them."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.dialing.compliance.attempts import PastWanted, past_of
from ocs.dialing.compliance.calls import CallsWanted, category, facts_of_attempt
from ocs.dialing.compliance.rules import CountedFrom
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, ChainSave
from tests.contracts import test_store
from tests.contracts.stores import LIST, NOW, Harness, record, result, sql_store
from tests.postgres import upgraded_database

make = test_store.make      # the fixture
CAMPAIGN, GREETING = "renewals", CountedFrom.GREETING


def attempt(guid: str, number: int = 1, **changes: Any) -> Attempt:
    one = record(number)
    values: dict[str, Any] = dict(opened_at=NOW + 0.5, state=AttemptState.CLOSED, session_guid="S1", campaign=CAMPAIGN,
                                  phone=one.contact_info, calling_list=LIST)
    values.update(changes)
    return Attempt(guid=guid, record_id=one.record_id, chain_id=one.chain_id, chain_n=one.chain_n, number=1, group="outbound",
                   **values)


def answered(guid: str, at: float = NOW + 10.25, connected: float | None = 1.0, ended: float = 60.0, found: float | None = 0.0,
             call_result: CallResult = CallResult.ANSWER, **changes: Any) -> Attempt:
    """Times but the first are seconds after the answer."""
    return attempt(guid, answered_at=at, ended_at=at + ended, call_result=call_result,
                   cpd_completed_at=None if found is None else at + found,
                   agent_connected_at=None if connected is None else at + connected, **changes)


def counted(store: Any, within_s: float = 2.0, counted_from: CountedFrom = GREETING, since: float = 0.0,
            without: tuple[str, ...] = (), campaign: str = CAMPAIGN) -> dict[tuple[int, str], int]:
    """(minute, category) -> calls, as an account would count them."""
    told = result(store.answered_calls(CallsWanted(campaign, since, within_s, counted_from, without)))
    found = {(minute, kind.value): calls for minute, kind, calls in told.calls}
    assert len(found) == len(told.calls) and [one[0] for one in told.calls] == sorted(one[0] for one in told.calls)
    return found


def filled(make: Harness, *attempts: Attempt) -> Any:
    store = make([record(number) for number in range(1, 6)])
    result(store.save(ChainSave("", attempts=attempts)))
    return store


def test_answered_calls_are_counted_by_minute_and_by_what_became_of_them(make: Harness):
    minute = NOW // 60
    store = filled(
        make, answered("a"), answered("b", NOW + 59.0), answered("c", NOW + 60.0), answered("d", connected=2.5),
        answered("e", connected=None, ended=9.0, call_result=CallResult.ABANDONED),
        answered("f", connected=None, ended=1.0, call_result=CallResult.ABANDONED),
        answered("g", connected=None, ended=1.0, call_result=CallResult.DROPPED),
        answered("h", connected=None, call_result=CallResult.ANSWERING_MACHINE_DETECTED),
        answered("i", found=None, connected=0.0), attempt("j", call_result=CallResult.BUSY),
        answered("k", state=AttemptState.OPEN), attempt("l", state=AttemptState.NOT_DIALED), answered("m", campaign="autumn"))
    assert counted(store) == {(minute, "connected"): 2, (minute + 1, "connected"): 1, (minute, "late"): 1, (minute, "machine"): 1,
                              (minute, "abandoned"): 2, (minute, "short"): 1, (minute, "by-agent"): 1}
    assert counted(store, campaign="autumn") == {(minute, "connected"): 1}
    assert counted(store, since=NOW + 60.0) == {(minute + 1, "connected"): 1}
    assert result(store.answered_calls(CallsWanted(CAMPAIGN, NOW + 60.0, 2.0, GREETING))).first_at == NOW + 10.25
    assert result(store.answered_calls(CallsWanted("winter", 0.0, 2.0, GREETING))).first_at is None


def test_calls_of_many_days_are_counted_and_so_is_one_of_a_clock_that_was_ahead(make: Harness):
    days = [answered(f"d{day}", NOW + 86_400.0 * day) for day in (0, 1, 2, 40, 41)]
    store = filled(make, *days)
    assert counted(store) == {(NOW // 60 + 1_440 * day, "connected"): 1 for day in (0, 1, 2, 40, 41)}
    assert len(counted(store, since=NOW + 2 * 86_400.0)) == 3


def test_calls_of_given_sessions_are_left_out(make: Harness):
    store = filled(make, answered("a"), answered("b", session_guid="S2"), answered("c", session_guid="S3"))
    assert sum(counted(store, without=("S1", "S3")).values()) == 1
    assert sum(counted(store, without=("S9",)).values()) == 3
    wanted = CallsWanted(CAMPAIGN, 0.0, 2.0, GREETING, ("S1", "S3"), NOW + 10.5)
    assert sum(calls for _, _, calls in result(store.answered_calls(wanted)).calls) == 3        # answered before that


def test_an_attempt_that_is_written_twice_counts_once_and_as_it_was_written_last(make: Harness):
    store = filled(make, answered("a"))
    result(store.save(ChainSave("", attempts=(answered("a"), answered("b")))))
    result(store.save(ChainSave("", attempts=(answered("a", call_result=CallResult.ANSWERING_MACHINE_DETECTED),))))
    assert counted(store) == {(NOW // 60, "connected"): 1, (NOW // 60, "agent-machine"): 1}


def test_attempts_of_a_number_and_of_a_contact_are_found_wherever_they_were_made(make: Harness):
    number = record(1).contact_info
    old, here, there, open_, undialed, other = (
        attempt("a", opened_at=NOW - 100.0), answered("b", opened_at=NOW + 1.0),
        attempt("c", 2, opened_at=NOW + 2.0, phone=number, campaign="autumn", calling_list="Another", table="Another"),
        attempt("d", opened_at=NOW + 3.0, state=AttemptState.OPEN, phone="+12125559999"),
        attempt("e", opened_at=NOW + 4.0, state=AttemptState.NOT_DIALED), attempt("f", 3))
    store = filled(make, old, here, there, open_, undialed, other)
    found = result(store.past_attempts(PastWanted(NOW, phones=(number, "+12125550000"))))
    assert found == [past_of(here), past_of(there)]
    assert [one.table for one in found] == [LIST, "Another"]
    assert result(store.past_attempts(PastWanted(NOW, records={LIST: (1,)}))) == [past_of(here), past_of(open_)]
    both = result(store.past_attempts(PastWanted(NOW - 100.0, phones=(number,), records={LIST: (1, 7), "Nowhere": (1,)})))
    assert [one.guid for one in both] == ["a", "b", "c", "d"]
    assert result(store.past_attempts(PastWanted(NOW))) == []


def test_more_numbers_than_fit_into_a_statement_are_asked_for_in_parts(make: Harness):
    store = filled(make, *(attempt(f"g{n}", phone=f"+1212{n:07d}") for n in range(1_200)))
    found = result(store.past_attempts(PastWanted(NOW, phones=tuple(f"+1212{n:07d}" for n in range(3_000)))))
    assert len(found) == 1_200


def test_an_attempt_that_was_just_committed_is_seen_by_whoever_looks_then(make: Harness):
    store = make([record(1)])
    result(store.open_attempts([attempt("a", state=AttemptState.OPEN)]))
    assert [one.guid for one in result(store.past_attempts(PastWanted(NOW, phones=(record(1).contact_info,))))] == ["a"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_two_servers_that_take_a_number_at_once_the_later_one_sees_the_other(request: pytest.FixtureRequest, kind: str,
                                                                                tmp_path: Path):
    url = upgraded_database(request, kind, tmp_path)
    ours, theirs = sql_store(url), sql_store(url)
    number = PastWanted(NOW, phones=(record(1).contact_info,))
    result(ours.open_attempts([attempt("a", state=AttemptState.OPEN)]))
    result(theirs.open_attempts([attempt("b", state=AttemptState.OPEN, table="Another")]))
    assert [one.guid for one in result(theirs.past_attempts(number))] == ["a", "b"]
    assert [one.guid for one in result(ours.past_attempts(number))] == ["a", "b"]
    dropped = answered("c", call_result=CallResult.DROPPED, connected=None, session_guid="T")
    result(theirs.save(ChainSave("", attempts=(dropped,))))
    assert counted(ours) == {(NOW // 60, "abandoned"): 1}       # their calls and ours add up
    for store in (ours, theirs):
        result(store.stop())


_moments = st.floats(0.0, 5.0).map(lambda value: round(value, 2)) | st.sampled_from([0.0, 2.0, 1.9999, 2.0001])
_attempts = st.builds(
    lambda found, connected, ended, outcome, state: answered(
        "x", NOW + 10.25, connected, ended, found, outcome, state=state),
    st.none() | _moments, st.none() | _moments, _moments, st.sampled_from(CallResult),
    st.sampled_from([AttemptState.CLOSED, AttemptState.UNKNOWN]))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_database_sees_of_a_call_what_the_rule_sees(request: pytest.FixtureRequest, kind: str, tmp_path: Path):
    store = sql_store(upgraded_database(request, kind, tmp_path))

    @settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.lists(_attempts, min_size=1, max_size=12), st.sampled_from([0.0, 2.0]), st.sampled_from(CountedFrom))
    def same(attempts: list[Attempt], within_s: float, counted_from: CountedFrom) -> None:
        same.runs += 1      # type: ignore[attr-defined]
        campaign = f"campaign {same.runs}"      # type: ignore[attr-defined]
        ours = [replace(one, guid=f"{campaign}/{n}", campaign=campaign) for n, one in enumerate(attempts)]
        result(store.save(ChainSave("", attempts=tuple(ours))))
        expected: dict[tuple[int, str], int] = {}
        for one in ours:
            found = category(facts_of_attempt(one), within_s, counted_from)
            assert found is not None
            key = int((one.answered_at or 0) // 60), found.value
            expected[key] = expected.get(key, 0) + 1
        assert counted(store, within_s, counted_from, campaign=campaign) == expected

    same.runs = 0       # type: ignore[attr-defined]
    same()
    result(store.stop())
