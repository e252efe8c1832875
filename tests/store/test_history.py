"""What happened to records: every attempt as a stream, and the optional log of requests."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.dialing.checks import Refusal, RefusalCount
from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, ChainSave, DoNotCallEntry, Record
from ocs.store import attempts as attempts_store
from ocs.store import reading
from ocs.store.attempts import (
    attempts_of,
    count_attempts,
    history,
    history_columns,
    history_row,
    insert_attempts,
    write_attempts,
)
from ocs.store.loading import insert_records
from ocs.store.refusals import refusals_of, write_refusals
from ocs.store.registry import Catalog, create_list
from ocs.store.request_log import logged_requests
from ocs.store.sql import SqlStore
from tests.contracts.stores import result
from tests.store.threads import InlineReactor, InlineThreads


def attempt(record_id: int, number: int, **changes: object) -> Attempt:
    one = Attempt(f"g{record_id}-{number}", "Spring", record_id, record_id, 1, "+12125550100", number, "Spring", "East", "s",
                  1_000.0 + number)
    return replace(one, **changes)      # type: ignore[arg-type]


@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_the_history_is_told_by_record_and_attempt_in_pages(database: str, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(attempts_store, "_PAGE", page)
    made = [attempt(record_id, number) for record_id in (3, 1, 2) for number in (2, 1, 3)]
    with transaction(backend_for(database)) as work:
        insert_attempts(work, made + [replace(attempt(9, 1), calling_list="Winter")])
    with transaction(backend_for(database), write=False) as work:
        assert list(history(work, "Spring")) == sorted(made, key=lambda one: (one.record_id, one.number))
        assert list(history(work, "Autumn")) == []


def test_an_attempt_comes_back_as_it_was_written(database: str) -> None:
    full = attempt(1, 1, state=AttemptState.CLOSED, conn_id="00a1", dialed_at=1.5, answered_at=2.5, ended_at=9.5, call_state=5,
                   call_result=CallResult.ANSWER, agent_id="1001", agent_dn="7001", treatment="redial", cpd_completed_at=3.5,
                   transferred_at=4.5, agent_connected_at=5.5)
    with transaction(backend_for(database)) as work:
        insert_attempts(work, [attempt(1, 1)])
        write_attempts(work, [full, attempt(2, 1)])
    with transaction(backend_for(database), write=False) as work:
        assert attempts_of(work, "Spring") == [full, attempt(2, 1)] and count_attempts(work, "Spring") == 2
    assert dict(zip(history_columns(), history_row(full)))["agent_connected_at"] == 5.5


def test_counts_of_refusals_stand_as_they_were_written_last(database: str) -> None:
    def counted(calling_list: str, session: int, reason: Refusal, records: int) -> RefusalCount:
        return RefusalCount(calling_list, f"s{session}", reason.value, "Spring@East", 1_000.0 + session, records)

    listed, window = Refusal.DO_NOT_CALL, Refusal.OUTSIDE_WINDOW
    with transaction(backend_for(database)) as work:
        write_refusals(work, [counted("Spring", 1, listed, 1), counted("Spring", 2, listed, 5), counted("Winter", 2, listed, 9)])
        write_refusals(work, [counted("Spring", 1, listed, 3), counted("Spring", 1, window, 4)])
        write_refusals(work, [])
    with transaction(backend_for(database), write=False) as work:
        assert refusals_of(work, "Spring") == [
            counted("Spring", 2, listed, 5), counted("Spring", 1, window, 4), counted("Spring", 1, listed, 3)]
        assert refusals_of(work, "Spring", sessions=1) == [counted("Spring", 2, listed, 5)]
        assert refusals_of(work, "Autumn") == []


def test_an_exported_attempt_has_its_duration() -> None:
    talk = attempt(1, 1, state=AttemptState.CLOSED, call_result=CallResult.ANSWER, answered_at=14.0, ended_at=74.5)
    row = dict(zip(history_columns(), history_row(talk)))
    found = row["guid"], row["group_name"], row["call_result"], row["state"], row["duration"]
    assert found == ("g1-1", "East", 33, "closed", 60.5)
    assert history_row(attempt(1, 1))[-1] is None


@pytest.mark.parametrize("page", [1, 2, 100])
def test_records_are_told_page_by_page_across_chains(database: str, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(reading, "_PAGE", page)
    records = [Record(n, chain_id, chain_n, f"+1212555{n:04d}") for n, (chain_id, chain_n) in enumerate(
        [(5, 2), (5, 1), (1, 1), (-3, 1), (9, 3), (9, 1), (9, 2)], 1)]
    with transaction(backend_for(database)) as work:
        insert_records(work, create_list(work, Catalog(), "Spring"), records)
    with transaction(backend_for(database), write=False) as work:
        found = list(reading.all_records(work, Catalog(), "Spring"))
    assert found == sorted(records, key=lambda one: (one.chain_id, one.chain_n))


def test_requests_are_kept_in_the_order_in_which_they_came(database: str) -> None:
    store = SqlStore(database, InlineReactor(), threads=InlineThreads)
    result(store.start())
    asked = [LoggedRequest(RequestType.RECORD_RESCHEDULE, 1_000.5, "1001", "7001", 5, 101, 201, 301, "+12125550100"),
             LoggedRequest(RequestType.DO_NOT_CALL, 1_000.25, error=415), LoggedRequest(RequestType.LOGOUT, 2_000.0, "1002")]
    result(store.save(ChainSave("", requests=(asked[0],))))
    result(store.save(ChainSave("", requests=tuple(asked))))       # one is repeated: the answer was lost
    result(store.stop())
    with transaction(backend_for(database), write=False) as work:
        kept = logged_requests(work)
        assert [request for _, request in kept] == asked
        assert [request.request_id for _, request in kept] == [request.request_id for request in asked]
        assert logged_requests(work, after=kept[0][0], count=1) == kept[1:2]
    assert (RequestType.RECORD_RESCHEDULE, RequestType.CAMPAIGN_STATUS) == (13, 20)


def test_what_a_desktop_sent_does_not_stand_in_the_way_of_its_change(database: str) -> None:
    store = SqlStore(database, InlineReactor(), threads=InlineThreads)
    result(store.start())
    odd = LoggedRequest(RequestType.DO_NOT_CALL, 1.0, "a\x00b", "d\ud800", 2**70, phone="9" * 300)
    result(store.save(ChainSave("", do_not_call=(DoNotCallEntry("+12125550100"),), requests=(odd,))))
    result(store.stop())
    with transaction(backend_for(database), write=False) as work:
        ((_, kept),) = logged_requests(work)
    assert (kept.agent_id, kept.dn, kept.record_handle, kept.phone) == ("ab", "d?", None, "9" * 128)
