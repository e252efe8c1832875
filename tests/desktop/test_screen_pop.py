"""What agents are shown of a record: with a preview, a callback, and the call that reaches them."""
from __future__ import annotations

from typing import Any

from ocs.dialing.results import RecordType
from protocols.attributes import first
from protocols.desktop import keys
from protocols.desktop.record import RecordData
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import PREVIEW, Bench, chain, record


def desk(records: list[Any], **values: Any) -> Bench:
    """An agent at 7001; records have a URI, the switch a number."""
    bench = Bench(records, **values)
    bench.context.record_uri = lambda handle: f"http://ocs:8080/records/{handle}"
    bench.context.switch_dbids = {"": 101}
    bench.login("7001")
    return bench


def test_a_preview_says_where_to_ask_about_it_and_on_which_switch_it_is() -> None:
    shown = desk([record(1)], mode=PREVIEW).preview().record
    assert shown is not None
    assert shown.record_uri == f"http://ocs:8080/records/{shown.record_handle}" and shown.switch_dbid == 101
    assert shown.date_time is None


def test_another_number_of_the_contact_has_its_own_uri_and_no_attempt() -> None:
    bench = desk(chain(1, 2), mode=PREVIEW)
    handle = bench.preview().record_handle
    other = bench.answers(bench.tell("7001", "ChainedRecordRequest", record_handle=handle))[0].record
    assert other is not None and other.call_attempt_guid is None and (other.record_uri or "").endswith(str(other.record_handle))


def test_a_callback_shows_its_date_in_the_records_own_time() -> None:
    due = record(1, record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=int(VirtualClock().wall()) - 60)
    shown = desk([due], mode=PREVIEW).preview().record
    assert shown is not None and shown.date_time == "03/10/2026 12:29"


def test_a_date_of_no_calendar_is_not_shown() -> None:
    shown = desk([record(1, dial_sched_time=-10**17)], mode=PREVIEW).preview().record
    assert shown is not None and shown.date_time is None


def test_a_call_carries_the_same() -> None:
    bench = Bench([record(1)])
    bench.context.switch_dbids = {"": 101}
    bench.ready("7001")
    (asked,) = bench.switch.dialed
    shown = RecordData.from_pairs(asked.user_data)
    assert shown is not None and shown.switch_dbid == 101 and shown.record_uri is None
    assert first(asked.user_data, keys.INTERACTION_TYPE) == "Outbound" and dict(shown.fields)["CustomerName"] == "Person 1"


def test_a_switch_without_a_number_is_not_told() -> None:
    bench = desk([record(1)], mode=PREVIEW)
    bench.context.switch_dbids = {"east": 102}
    shown = bench.preview().record
    assert shown is not None and shown.switch_dbid is None
