"""Requests to cancel records by phone or by customer id: wherever the records of the campaign's lists are."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.filtering import FilterText
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState, CustomField
from ocs.errors import UnfitCallingList
from ocs.scheduler.context import EngineOptions
from protocols.desktop.names import ChainAttribute
from tests.scheduler.bench import FIELDS, PREVIEW, QUEUE, Bench, chain, record

CANCELLED, READY, RETRIEVED = RecordStatus.CANCELLED, RecordStatus.READY, RecordStatus.RETRIEVED
BY_NAME = EngineOptions(customer_id_field="name")


def phone(number: int) -> str:
    return f"+1 212-555-{number:04d}"


def cancel(bench: Bench, **named: Any) -> Any:
    bench.login("7001")
    return bench.ask("7001", "RequestRecordCancel", **named)


def test_records_in_the_list_in_the_buffer_and_in_a_call_are_cancelled_alike():
    bench = Bench([record(n) for n in range(1, 41)])
    bench.ready("7002")
    assert bench.state(1) is ChainState.CALLING and bench.record(2).record_status is RETRIEVED
    assert bench.record(40).record_status is READY
    for number in (40, 2, 1):
        answer = cancel(bench, phone=phone(number))
        assert answer.name == "RecordCancelAcknowledge", answer
        left = bench.record(number)
        assert (left.record_status, left.call_result) == (CANCELLED, CallResult.CANCEL_RECORD)
    assert cancel(bench, phone=phone(40)).error_number == 6, "it is cancelled already"
    bench.switch.over(bench.switch.dialed[0].conn_id)
    bench.pass_(0)
    assert bench.attempts(1)[0].state is AttemptState.CLOSED and bench.record(1).record_status is CANCELLED


@pytest.mark.parametrize("attribute, statuses", [
    (ChainAttribute.RECORD_ONLY, {1: READY, 2: CANCELLED}), (ChainAttribute.ALL_CHAIN, {1: CANCELLED, 2: CANCELLED})])
def test_the_record_alone_or_its_chain(attribute, statuses):
    bench = Bench(chain(1, 2), calling_list={"filter": FilterText((("criteria", "record_id > 2"),))})
    assert cancel(bench, phone=phone(2), chain_attr=attribute).name == "RecordCancelAcknowledge"
    assert {one.record_id: one.record_status for one in bench.records().values()} == statuses


def test_by_customer_id_in_the_lists_and_in_memory():
    bench = Bench([record(n, fields={"name": f"C{n % 2}", "age": 1}) for n in range(1, 21)], options=BY_NAME)
    held = {one.record_id for one in bench.records().values() if one.record_status is RETRIEVED}
    assert held and len(held) < 20
    assert cancel(bench, customer_id="C1").name == "RecordCancelAcknowledge"
    assert {one.record_id for one in bench.records().values() if one.record_status is CANCELLED} == set(range(1, 21, 2))
    assert cancel(bench, customer_id="C9").error_number == 6


def test_each_list_may_have_a_field_of_its_own_for_the_customer():
    bench = Bench([record(n, fields={"name": "x", "age": n}) for n in (1, 2)], options=BY_NAME,
                  calling_list={"customer_id_field": "age"}, running=False,
                  more_lists=(CallingList("other", 2),))
    bench.memory.add_list("other", [record(n, fields={"name": str(n), "age": 0}) for n in (101, 102)], FIELDS)
    bench.up()
    bench.begin()
    assert cancel(bench, customer_id="2").name == "RecordCancelAcknowledge"
    assert bench.record(2).record_status is CANCELLED and bench.record(1).record_status is RETRIEVED
    assert cancel(bench, customer_id="102").name == "RecordCancelAcknowledge"
    other = {one.record_id: one.record_status for one in bench.wait(bench.memory.records("other", 9))}
    assert other == {101: RETRIEVED, 102: CANCELLED}
    bench.ask("7001", "DoNotCall", customer_id="1")
    bench.ready("7001")
    assert [one.destination for one in bench.switch.dialed] == [record(101).contact_info], "customer 1 is blocked by age"


def test_only_the_list_that_is_named_and_only_the_agents_campaign():
    other = [record(n) for n in (1, 2)]
    bench = Bench([record(n) for n in (1, 2)], running=False, calling_list={"share": 0},
                  more_lists=(CallingList("other", 2, share=0),))
    bench.memory.add_list("other", other, (CustomField("colour"),))
    bench.memory.add_list("autumn", other)
    group = CampaignGroup(2, "autumn", 2, AgentGroup("sales", 1, (), ("7001",)), (CallingList("autumn", 3, share=0),),
                          voice_transfer_destination=QUEUE)
    bench.engine.add(group)
    bench.up()
    bench.begin()
    bench.wait(bench.engine.sessions[group.name].load())
    assert cancel(bench, phone=phone(1), calling_list="other").name == "RecordCancelAcknowledge"
    assert cancel(bench, phone=phone(2)).name == "RecordCancelAcknowledge"
    left = {name: {one.record_id: one.record_status for one in bench.wait(bench.memory.records(name, 9))}
            for name in ("list", "other", "autumn")}
    assert left == {"list": {1: READY, 2: CANCELLED}, "other": {1: CANCELLED, 2: CANCELLED}, "autumn": {1: READY, 2: READY}}


def test_a_table_of_several_lists_is_looked_through_once():
    bench = Bench([record(1)], more_lists=(CallingList("more", 2, table="list", share=0),), calling_list={"share": 0})
    assert cancel(bench, phone=phone(1)).name == "RecordCancelAcknowledge"
    assert len(bench.store.of("cancel_records")) == 1


def test_a_chain_that_is_claimed_at_the_same_time_is_cancelled_in_memory():
    bench = Bench([record(1), record(2)], running=False)
    bench.up()
    bench.login("7001")
    bench.store.held.add("claim_chains")
    done = Deferred.fromCoroutine(bench.session.load())
    reference_id = bench.tell("7001", "RequestRecordCancel", phone=phone(1))
    assert not done.called and bench.answers(reference_id) == []
    bench.store.held.clear()
    bench.store.release()
    bench.pass_(0)
    assert bench.answers(reference_id)[0].name == "RecordCancelAcknowledge"
    assert bench.record(1).record_status is CANCELLED and bench.record(2).record_status is RETRIEVED


def test_while_the_database_is_away_what_is_held_is_cancelled_and_the_rest_is_an_error():
    bench = Bench([record(n) for n in range(1, 41)], mode=PREVIEW)
    bench.ready("7002")
    bench.preview("7002")
    bench.store.failing.add("cancel_records")
    assert cancel(bench, phone=phone(1)).error_number == 10
    assert bench.record(1).record_status is CANCELLED and bench.news("7002")[-1] == "RecordCancel"
    assert cancel(bench, phone=phone(40)).error_number == 10 and bench.record(40).record_status is READY
    bench.store.failing.clear()
    assert cancel(bench, phone=phone(40)).name == "RecordCancelAcknowledge" and bench.record(40).record_status is CANCELLED


def test_a_list_that_names_a_field_that_it_has_not_is_not_loaded():
    for option, reason in (("customer_id_field", "no field 'nowhere'"), ("campaign_name_field", "no field 'nowhere'")):
        bench = Bench([record(1)], running=False, calling_list={option: "nowhere"})
        with pytest.raises(UnfitCallingList, match=reason):
            bench.wait(bench.session.load())
    bench = Bench([record(1)], running=False, calling_list={"campaign_name_field": "age"})
    with pytest.raises(UnfitCallingList, match="campaign_name_field: spring: not a whole number"):
        bench.wait(bench.session.load())


def test_the_campaigns_name_is_kept_in_records_that_were_dialed():
    bench = Bench([record(1), record(2)], calling_list={"campaign_name_field": "name"})
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(0)
    assert (bench.record(1).fields["name"], bench.record(2).fields["name"]) == ("spring", "Person 2")


@pytest.mark.parametrize("code, state, attempts", [(None, AttemptState.CLOSED, 1), (71, AttemptState.NOT_DIALED, 0),
                                                   (54, AttemptState.NOT_DIALED, 0)])
def test_a_record_that_the_switch_is_just_asked_to_dial_stays_cancelled(code, state, attempts):
    """... whatever the switch says then; a dial counts."""
    bench = Bench([record(1), record(2)], running=False)
    bench.up()
    bench.switch.silent.add("make_predictive_call")
    bench.begin()
    bench.ready("7002")
    asked = bench.switch.asked[-1]
    assert cancel(bench, phone=phone(1)).name == "RecordCancelAcknowledge" and bench.state(1) is ChainState.TRAILING
    bench.switch.silent.clear()
    if code is None:
        bench.switch.grant(asked)
        bench.switch.over(asked.conn_id, call_state=7)
    else:
        bench.switch.refuse(asked, code)
    bench.pass_(0)
    left = bench.record(1)
    assert (left.record_status, left.call_result, left.attempt) == (CANCELLED, CallResult.CANCEL_RECORD, attempts)
    assert bench.attempts(1)[0].state is state and all(held.record.record_id != 1 for held in bench.session.held)


def test_what_agents_have_stays_with_them_where_that_is_configured() -> None:
    bench = Bench([record(1), record(2)], mode=PREVIEW, options=EngineOptions(cancel_on_desktop=False))
    bench.login("7001", "7002")
    event = bench.preview("7001")
    assert event.record is not None
    assert bench.ask("7002", "RequestRecordCancel", phone=event.record.phone).error_number == 6
    assert bench.ask("7002", "RequestRecordCancel", phone="+12125550002").name == "RecordCancelAcknowledge"
    assert "RecordCancel" not in bench.news("7001")
    assert bench.ask("7001", "RequestRecordCancel", record_handle=event.record_handle).name == "RecordCancelAcknowledge"
