"""An agent who dials records after a look at them, and callbacks that are due."""
from __future__ import annotations

import pytest

from ocs.lab.agents.machine import AgentState
from protocols.attributes import first
from protocols.desktop.build import CampaignEvent, campaign_event, record_event
from protocols.desktop.names import RecordTreatment
from protocols.tserver.messages import Message
from tests.lab.agent_at_work import at_work, previewing, until
from tests.lab.wire import record, run


def test_without_records_an_agent_asks_again_after_a_while():
    clock, wire, agent = at_work("Preview", record_retry_s=20.0)
    assert wire.ocs.names() == ["PreviewRecordRequest"]
    run(clock, 50)
    assert wire.ocs.names() == ["PreviewRecordRequest"] * 3 and agent.state is AgentState.READY
    assert agent.book.counts["no_records"] == 3 and not agent.book.errors


def test_a_previewed_record_is_dialed_with_everything_that_came_with_it():
    clock, wire, agent = previewing()
    until(clock, lambda: agent.state is AgentState.DIALING)
    made = wire.attributes("RequestMakeCall")
    assert made["OtherDN"] == "+14155550100"
    assert dict(made["UserData"]) == dict(record().pairs())
    assert first(wire.attributes("RequestAgentNotReady")["Reasons"], "ReasonCode") == "Preview"


def test_a_previewed_record_is_dialed_with_the_callers_number_that_came_with_it():
    clock, wire, agent = previewing()
    wire.ocs.records[:] = [record(cpn_digits="+12125550199")]
    until(clock, lambda: agent.state is AgentState.DIALING)
    assert tuple(map(tuple, wire.attributes("RequestMakeCall")["Extensions"])) == (("CPNDigits", "+12125550199"),)


def test_a_busy_own_call_is_told_at_once_and_settled_with_its_treatment():
    clock, wire, agent = previewing()
    until(clock, lambda: agent.state is AgentState.DIALING)
    conn_id = next(iter(wire.calls))
    wire.say("EventDestinationBusy", ThisDN="7001", ConnID=conn_id, CallState=6)
    wire.release(conn_id, 6)
    until(clock, lambda: agent.book.counts["settled"])
    assert wire.ocs.names()[-2:] == ["UpdateCallCompletionStats", "RecordProcessed"] or \
        wire.ocs.names()[-3:-1] == ["UpdateCallCompletionStats", "RecordProcessed"]
    assert wire.ocs.last("UpdateCallCompletionStats").call_result == 6
    assert wire.ocs.last("RecordProcessed").call_result == 6
    assert wire.ocs.last("RecordProcessed").treatment is RecordTreatment.CAMPAIGN


@pytest.mark.parametrize("call_state, result", [(7, 7), (11, 11), (0, 7), (3, 3)])
def test_the_switch_tells_why_an_own_call_was_not_answered(call_state, result):
    clock, wire, agent = previewing()
    until(clock, lambda: agent.state is AgentState.DIALING)
    wire.release(next(iter(wire.calls)), call_state)
    until(clock, lambda: agent.book.counts["settled"])
    assert wire.ocs.last("RecordProcessed").call_result == result


def test_an_own_call_that_rings_too_long_is_given_up_as_no_answer():
    clock, wire, agent = previewing(ring_patience_s=20.0)
    until(clock, lambda: agent.book.counts["settled"])
    assert "RequestReleaseCall" in wire.names() and wire.ocs.last("RecordProcessed").call_result == 7


def test_an_own_call_that_is_answered_is_talked_and_settled():
    clock, wire, agent = previewing()
    until(clock, lambda: agent.state is AgentState.DIALING)
    conn_id = next(iter(wire.calls))
    wire.establish(conn_id)
    run(clock, 5)
    assert agent.state is AgentState.TALK
    wire.release(conn_id, 5)
    until(clock, lambda: agent.book.counts["settled"])
    assert wire.ocs.last("RecordProcessed").call_result == 33


def test_a_record_that_an_agent_does_not_like_goes_back():
    clock, wire, agent = previewing(reject_share=1.0)
    until(clock, lambda: "RecordReject" in wire.ocs.names())
    run(clock, 1)
    assert wire.ocs.last("RecordReject").record_handle == 7 and "RequestMakeCall" not in wire.names()
    assert agent.state is AgentState.READY


def test_a_record_that_the_switch_does_not_dial_goes_back():
    clock, wire, agent = previewing()
    wire.answers["RequestMakeCall"] = lambda message: Message("EventError", 0, {"ErrorCode": 71, "ErrorMessage": "no"})
    until(clock, lambda: "RecordReject" in wire.ocs.names())
    run(clock, 1)
    assert agent.state is AgentState.READY


def test_a_record_that_is_cancelled_while_it_is_looked_at_is_not_dialed():
    clock, wire, agent = previewing(look_s=60.0)
    until(clock, lambda: agent.state is AgentState.PREVIEW)
    wire.user_event(record_event("RecordCancel", record()))
    run(clock, 300)
    assert "RequestMakeCall" not in wire.names() and agent.state is AgentState.READY


def test_a_record_of_a_campaign_that_is_unloaded_is_not_dialed():
    clock, wire, agent = previewing(look_s=60.0)
    until(clock, lambda: agent.state is AgentState.PREVIEW)
    wire.user_event(campaign_event(CampaignEvent.UNLOADED, 1, "Spring"))
    run(clock, 300)
    assert "RequestMakeCall" not in wire.names() and wire.ocs.names().count("PreviewRecordRequest") == 2


def test_a_stopped_campaign_is_not_asked_for_records_and_a_started_one_is():
    clock, wire, agent = at_work("Preview", record_retry_s=5.0)
    wire.user_event(campaign_event(CampaignEvent.STOPPED, 1, "Spring"))
    run(clock, 1)
    asked = wire.ocs.names().count("PreviewRecordRequest")
    run(clock, 60)
    assert wire.ocs.names().count("PreviewRecordRequest") == asked and agent.state is AgentState.READY
    wire.user_event(campaign_event(CampaignEvent.STARTED, 1, "Spring", mode="Preview"))
    run(clock, 1)
    assert wire.ocs.names().count("PreviewRecordRequest") == asked + 1


def test_a_record_that_comes_while_the_agent_talks_goes_back():
    clock, wire, agent = at_work("Preview")
    wire.ring("a1", ())
    run(clock, 10)
    wire.user_event(record_event("PreviewRecord", record(9)))
    run(clock, 1)
    assert wire.ocs.last("RecordReject").record_handle == 9 and agent.state is AgentState.TALK


def test_a_callback_that_is_due_waits_for_the_end_of_the_talk_and_is_put_off_by_its_own_request():
    clock, wire, agent = at_work(reschedule_share=1.0, put_off_share=0.0)
    wire.ring("a1", ())
    run(clock, 10)
    wire.user_event(record_event("ScheduledCall", record(9, callback_type="Personal")))
    run(clock, 10)
    assert agent.state is AgentState.TALK
    wire.release("a1")
    until(clock, lambda: agent.state is AgentState.DIALING)
    assert first(wire.attributes("RequestMakeCall")["UserData"], "GSW_RECORD_HANDLE") == 9
    conn_id = next(iter(wire.calls))
    wire.establish(conn_id)
    run(clock, 5)
    wire.release(conn_id)
    until(clock, lambda: agent.book.counts["settled"])
    assert wire.ocs.last("ScheduledRecordReschedule").record_handle == 9


def test_a_callback_that_is_due_is_looked_at_and_dialed_in_a_progressive_campaign():
    clock, wire, agent = at_work(put_off_share=0.0)
    wire.user_event(record_event("ScheduledCall", record(9, callback_type="Personal")))
    run(clock, 1)
    assert agent.state is AgentState.PREVIEW and wire.names()[-1] == "RequestAgentNotReady"
    until(clock, lambda: agent.state is AgentState.DIALING)
    assert first(wire.attributes("RequestMakeCall")["UserData"], "GSW_RECORD_HANDLE") == 9


@pytest.mark.parametrize("kind", ["Personal", "Campaign"])
def test_a_callback_that_comes_at_a_bad_moment_is_put_off_without_a_call(kind):
    clock, wire, agent = at_work(put_off_share=1.0)
    wire.user_event(record_event("ScheduledCall", record(9, callback_type=kind)))
    until(clock, lambda: agent.book.counts["put_off"])
    request = wire.ocs.last("ScheduledRecordReschedule")
    assert (request.record_handle, request.callback_type.value) == (9, kind) and request.date_time is not None
    run(clock, 5)
    assert agent.state is AgentState.READY and "RequestMakeCall" not in wire.names()
