"""The log of requests: one row for each, in the transaction of what it changes."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import ChainSave
from ocs.scheduler.context import EngineOptions
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType, ChainAttribute
from tests.conftest import Logged
from tests.scheduler.bench import PREVIEW, Bench, record
from tests.scheduler.test_outside import HeldNotifier
from tests.scheduler.test_push_preview import Push

ON = EngineOptions(request_log=True, stale_clean_s=300.0)


def desk(*records: Any, **values: Any) -> Bench:
    """An agent at 7001 in a preview session that keeps a log of requests."""
    bench = Bench(list(records) or [record(1)], mode=PREVIEW, options=ON, **values)
    bench.ready("7001")
    return bench


def rows(bench: Bench) -> list[LoggedRequest]:
    return list(bench.memory.requests.values())


def saved_with(bench: Bench, kind: RequestType) -> ChainSave:
    """The write that took the row of this kind along."""
    (change,) = [change for change in bench.store.of("save") if kind in [one.request_type for one in change.requests]]
    assert isinstance(change, ChainSave)
    return change


REQUESTS: list[tuple[str, RequestType, dict[str, Any]]] = [
    ("RecordProcessed", RequestType.RECORD_PROCESSED, {"call_result": 33}),
    ("UpdateCallCompletionStats", RequestType.UPDATE_CALL_COMPLETION_STATS, {"call_result": 9}),
    ("RecordReject", RequestType.RECORD_REJECT, {}),
    ("RequestRecordCancel", RequestType.RECORD_CANCEL, {}),
    ("DoNotCall", RequestType.DO_NOT_CALL, {"chain_attr": ChainAttribute.ALL_CHAIN}),
    ("RecordReschedule", RequestType.RECORD_RESCHEDULE, {
        "date_time": parse_date_time("03/12/2026 12:00"), "callback_type": CallbackType.CAMPAIGN}),
    ("ScheduledRecordReschedule", RequestType.SCHEDULED_RECORD_RESCHEDULE, {
        "date_time": parse_date_time("03/12/2026 12:00"), "callback_type": CallbackType.PERSONAL}),
]


@pytest.mark.parametrize("name, kind, values", REQUESTS)
def test_a_request_that_changes_something_is_in_the_same_transaction(name: str, kind: RequestType, values: Any) -> None:
    bench = desk()
    event = bench.preview()
    assert event.record is not None
    handle = event.record.record_handle
    bench.pass_(5)
    bench.ask("7001", name, record_handle=handle, **values)
    change = saved_with(bench, kind)
    assert change.table == "list" and [one.record_id for one in change.records] == [1]
    assert rows(bench)[1:] == [LoggedRequest(kind, bench.clock.wall(), "1001", "7001", handle, 1, 1, 1, "+12125550001")]
    assert rows(bench)[0] == LoggedRequest(RequestType.PREVIEW_RECORD, bench.clock.wall() - 5, "1001", "7001", handle, 1, 1, 1,
                                           "+12125550001")


def test_a_request_to_block_a_number_is_in_the_transaction_of_its_entry() -> None:
    bench = desk()
    bench.ask("7001", "DoNotCall", phone="+12125550199")
    change = saved_with(bench, RequestType.DO_NOT_CALL)
    (entry,) = change.do_not_call
    assert (entry.phone, entry.requested_by, entry.origin) == ("+12125550199", "1001", "desktop")
    assert [(row.phone, row.campaign_dbid, row.error) for row in rows(bench)] == [("+12125550199", 1, 0)]


def test_requests_that_only_ask_and_requests_that_are_refused_are_rows_of_their_own() -> None:
    bench = desk()
    for name, values, kind, error in (
            ("CampaignStatusRequest", {}, RequestType.CAMPAIGN_STATUS, 0), ("LogOut", {}, RequestType.LOGOUT, 0),
            ("RecordProcessed", {"record_handle": 99}, RequestType.RECORD_PROCESSED, 6),
            ("PreviewRecordRequest", {"campaign_name": "autumn"}, RequestType.PREVIEW_RECORD, 3),
            ("AddRecord", {"phone": "+1"}, RequestType.ADD_RECORD, 2)):
        bench.ask("7001", name, **values)
        row = rows(bench)[-1]
        assert (row.request_type, row.error, row.dn, row.agent_id) == (kind, error, "7001", "1001")
    bench.switch.user_event("7001", (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_APPLICATION_ID", 1)))     # no handle
    bench.switch.user_event("7001", (("GSW_AGENT_REQ_TYPE", "RecordProceed"), ("GSW_APPLICATION_ID", 1)))       # no request
    bench.switch.user_event("7001", (("GSW_AGENT_REQ_TYPE", "LogOut"), ("GSW_APPLICATION_ID", 2)))              # not for us
    assert [(row.request_type, row.error, row.record_handle) for row in rows(bench)[2:]] == [
        (RequestType.RECORD_PROCESSED, 6, 99), (RequestType.PREVIEW_RECORD, 3, None), (RequestType.ADD_RECORD, 2, None),
        (RequestType.RECORD_PROCESSED, 2, None)]
    assert all(change.table == "" and not change.records for change in bench.store.of("save"))


def test_a_request_about_a_record_that_is_refused_says_so_and_changes_nothing() -> None:
    bench = desk()
    handle = bench.preview().record.record_handle      # type: ignore[union-attr]
    before = bench.record()
    bench.ask("7001", "RecordReschedule", record_handle=handle, date_time=parse_date_time("03/12/2001 12:00"),
              callback_type=CallbackType.CAMPAIGN)
    assert [(row.request_type, row.error, row.record_handle) for row in rows(bench)][1:] == [
        (RequestType.RECORD_RESCHEDULE, 8, handle)]
    assert bench.record() == before
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=33)
    assert len(rows(bench)) == 3        # and it is not written again


def test_a_change_that_waits_for_the_database_takes_its_request_along() -> None:
    bench = desk()
    handle = bench.preview().record.record_handle      # type: ignore[union-attr]
    bench.store.failing.add("save")
    assert bench.ask("7001", "RequestRecordCancel", record_handle=handle).error_number == 10
    assert len(rows(bench)) == 1
    bench.store.failing.clear()
    bench.pass_(6)
    assert bench.record().record_status is RecordStatus.CANCELLED
    assert [(row.request_type, row.error) for row in rows(bench)][1:] == [(RequestType.RECORD_CANCEL, 0)]


def test_a_change_that_waits_for_a_notice_takes_its_own_request_and_no_later_one() -> None:
    bench = desk()
    notifier = bench.context.notifier = HeldNotifier(at_once=False)
    handle = bench.preview().record.record_handle      # type: ignore[union-attr]
    first = bench.tell("7001", "RecordProcessed", record_handle=handle, call_result=33)
    bench.ask("7001", "RequestRecordCancel", record_handle=handle)
    notifier.open.pop().callback(1)
    assert len(bench.answers(first)) == 1
    assert [(row.request_type, row.error) for row in rows(bench)][1:] == [
        (RequestType.RECORD_CANCEL, 6), (RequestType.RECORD_PROCESSED, 0)]


def test_a_log_that_cannot_be_written_is_told_once_and_counted(logged: Logged) -> None:
    bench = desk()
    bench.store.failing.add("save")
    for _ in range(3):
        assert bench.ask("7001", "LogOut").name == "LogOutAcknowledge"
    (line,) = [text for text in logged.texts() if "log of requests" in text]
    assert "1 so far" in line and bench.desktops.reception.operations.requests.lost == 3      # type: ignore[union-attr]


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    bench = Bench([record(1)], mode=PREVIEW)
    bench.ready("7001")
    handle = bench.preview().record.record_handle      # type: ignore[union-attr]
    bench.ask("7001", "RecordProcessed", record_handle=handle, call_result=int(CallResult.ANSWER))
    assert rows(bench) == []


def test_requests_about_pushed_records_come_by_another_way_and_are_rows_all_the_same() -> None:
    push = Push(options=ON)
    push.accept()
    held = push.bench.holder(1)
    asked = (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_APPLICATION_ID", 1), ("GSW_RECORD_HANDLE", held.handle),
             ("GSW_CALL_RESULT", 33), ("GSW_CAMPAIGN_NAME", push.bench.group.campaign))
    push.news.interaction_event("1001", asked)
    push.bench.pass_(0)
    change = saved_with(push.bench, RequestType.RECORD_PROCESSED)
    assert [one.record_id for one in change.records] == [1]
    push.news.interaction_event("1001", asked)
    push.news.interaction_event("nobody", asked)
    push.bench.pass_(0)
    found = [(row.agent_id, row.dn, row.record_handle, row.error) for row in rows(push.bench)]
    assert found == [("1001", "7001", held.handle, 0), ("1001", "7001", held.handle, 6), ("nobody", "", held.handle, 12)]
