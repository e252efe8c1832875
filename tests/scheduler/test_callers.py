"""What the switch is told about the caller, and about the agents' telephones, with each dial request."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.dialing.caller_id import CallerId, CallerIdRotation, RingTone
from protocols.attributes import first
from protocols.desktop.keys import CPN_DIGITS, RING_TONE
from protocols.desktop.record import RecordData
from tests.scheduler.bench import PREVIEW, Bench, chain, record

SETS = (("+12125550100",), ("+13125550100",))


def told(bench: Bench) -> list[dict[str, Any]]:
    return [dict(asked.extensions) for asked in bench.switch.dialed]


def dialed(*records: Any, **values: Any) -> Bench:
    bench = Bench(list(records) or [record(1), record(2), record(3)], **values)
    bench.ready("7001", "7002", "7003")
    return bench


def test_nothing_is_said_where_nothing_is_configured() -> None:
    assert told(dialed()) == [{}, {}, {}]


def test_the_numbers_of_the_sets_rotate_call_by_call_over_the_session() -> None:
    bench = dialed(caller_id=CallerId("", SETS, CallerIdRotation.CALL), dial_extensions=(("CPNDisplayName", "Shop"),))
    assert [one["CPNDigits"] for one in told(bench)] == ["+12125550100", "+13125550100", "+12125550100"]
    assert {one["CPNDisplayName"] for one in told(bench)} == {"Shop"}


def test_a_retry_shows_the_number_of_the_next_set() -> None:
    bench = Bench([record(1)], caller_id=CallerId("", SETS, CallerIdRotation.ATTEMPT))
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(301)
    assert [one["CPNDigits"] for one in told(bench)] == ["+12125550100", "+13125550100"]


def test_a_list_and_a_record_may_have_numbers_of_their_own() -> None:
    fields = {"name": "+4930123456", "age": 40}
    bench = dialed(record(1), record(2, fields=fields), record(3, fields={"name": "nobody; DROP", "age": 1}),
                   calling_list={"cpn_digits": "555", "caller_id_field": "name"}, caller_id=CallerId("100"))
    assert [one["CPNDigits"] for one in told(bench)] == ["555", "+4930123456", "555"]


def test_an_agent_who_dials_is_told_the_number_with_the_record_and_each_contact_has_the_next_one() -> None:
    bench = Bench([record(1), record(2), record(3)], mode=PREVIEW, caller_id=CallerId("", SETS, CallerIdRotation.CALL))
    bench.login("7001", "7002")
    shown = [bench.preview(dn).record for dn in ("7001", "7002", "7001")]
    assert [one and one.cpn_digits for one in shown] == ["+12125550100", "+13125550100", "+12125550100"]


def test_every_number_of_a_contact_has_its_own_caller_and_tone() -> None:
    one, other = chain(1, 2)
    other = replace(other, fields={"name": "+4930123456", "age": 1})
    bench = Bench([one, other], mode=PREVIEW, calling_list={"caller_id_field": "name", "ring_tone_field": "name"},
                  caller_id=CallerId("100"), ring_tone=RingTone("usual"))
    bench.login("7001")
    shown = bench.preview().record
    assert shown is not None and (shown.cpn_digits, shown.ring_tone) == ("100", "usual")
    related = bench.answers(bench.tell("7001", "ChainedRecordRequest", record_handle=shown.record_handle))[0].record
    assert related is not None and (related.cpn_digits, related.ring_tone) == ("+4930123456", "usual")


def test_a_call_tells_the_agent_which_number_was_shown_and_how_to_ring() -> None:
    bench = dialed(record(1), record(2), caller_id=CallerId("", SETS, CallerIdRotation.CALL), ring_tone=RingTone("vip"))
    for asked in bench.switch.dialed:
        shown = RecordData.from_pairs(asked.user_data)
        assert shown is not None and (shown.cpn_digits, shown.ring_tone) == (first(asked.extensions, "CPNDigits"), "vip")
    assert all(key not in dict(asked.user_data) for asked in dialed().switch.dialed for key in (CPN_DIGITS, RING_TONE))


def test_the_tone_of_the_agents_telephone_goes_by_the_configured_name() -> None:
    bench = dialed(record(1), record(2, fields={"name": "vip", "age": 1}), record(3, fields={"name": "a b", "age": 1}),
                   calling_list={"ring_tone_field": "name"}, ring_tone=RingTone("usual", "x-tone"))
    assert [first(asked.extensions, "x-tone") for asked in bench.switch.dialed] == ["usual", "vip", "usual"]
