"""What a desktop knows after each message: calls, the agent's state, records at hand, campaigns; and whatever comes, it lives."""
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.desktop.messages import parse_event
from protocols.desktop.model import Attendance, Desk, Origin, Phase, Work, desktop_event, switch_event
from protocols.desktop.record import RecordData
from protocols.message import Message

RECORD = RecordData(7, 1, "spring", phone="+12125550100", fields=(("name", "Ann"),))
DESK = Desk("1001", "7001", True, True, Work.READY)


def heard(desk: Desk, name: str, **attributes: object) -> Desk:
    return switch_event(desk, Message(name, 0, {"ThisDN": "7001", **attributes}))


def told(desk: Desk, event: str, *pairs: tuple[str, object]) -> Desk:
    parsed = parse_event((("GSW_USER_EVENT", event), ("GSW_APPLICATION_ID", 1), ("GSW_CAMPAIGN_NAME", "spring"),
                          *pairs))                      # type: ignore[arg-type]
    assert parsed is not None
    return desktop_event(desk, parsed)


def ringing(desk: Desk = DESK) -> Desk:
    return heard(desk, "EventRinging", ConnID="01", OtherDN="+12125550100", UserData=RECORD.pairs())


def test_a_call_with_a_record_from_the_ring_to_the_last_word():
    desk = ringing()
    assert desk.ringing is not None and desk.ringing.record == RECORD
    (held,) = desk.records
    assert (held.origin, held.conn_id, held.talked, held.over) == (Origin.CALL, "01", False, False)
    desk = heard(desk, "EventEstablished", ConnID="01", UserData=RECORD.pairs())
    assert desk.talking is not None and desk.records[0].talked
    desk = heard(desk, "EventHeld", ConnID="01")
    assert desk.calls[0].phase is Phase.HELD and desk.talking is None
    desk = heard(desk, "EventReleased", ConnID="01", CallState=5)
    assert desk.calls == () and desk.unsettled[0].call_state == 5
    assert told(desk, "RecordProcessedAcknowledge", ("GSW_RECORD_HANDLE", 7)).records == ()


@pytest.mark.parametrize("event", ["EventReleased", "EventAbandoned"])
def test_a_call_that_only_rang_leaves_no_record(event):
    desk = heard(ringing(), event, ConnID="01")
    assert (desk.calls, desk.records) == ((), ())


def test_a_record_that_was_dialed_stays_until_it_is_settled_whether_anybody_answered_or_not():
    desk = told(DESK, "PreviewRecord", *RECORD.pairs())
    assert desk.records[0].origin is Origin.PREVIEW and not desk.unsettled
    desk = heard(desk, "EventDialing", ConnID="02", OtherDN=RECORD.phone, UserData=RECORD.pairs())
    desk = heard(desk, "EventDestinationBusy", ConnID="02", CallState=6)
    desk = heard(desk, "EventReleased", ConnID="02", CallState=6)
    (held,) = desk.unsettled
    assert (held.origin, held.talked, held.call_state) == (Origin.PREVIEW, False, 6)


def test_a_call_that_gets_another_number_is_the_same_call_with_the_other_ones_data():
    desk = heard(DESK, "EventEstablished", ConnID="01", OtherDN="6800")
    desk = heard(desk, "EventPartyChanged", ConnID="05", PreviousConnID="01", OtherDN="+12125550100", UserData=RECORD.pairs())
    assert [call.conn_id for call in desk.calls] == ["05"] and desk.calls[0].number == "+12125550100"
    assert desk.records[0].conn_id == "05" and desk.records[0].talked
    assert heard(desk, "EventReleased", ConnID="05").unsettled[0].record == RECORD


def test_two_calls_that_are_joined_are_one():
    desk = heard(heard(DESK, "EventHeld", ConnID="01"), "EventEstablished", ConnID="02")
    desk = heard(desk, "EventPartyChanged", ConnID="01", PreviousConnID="02")
    assert [(call.conn_id, call.phase) for call in desk.calls] == [("01", Phase.TALKING)]


def test_the_states_of_the_agent():
    desk = heard(replace(DESK, work=Work.LOGGED_OUT), "EventAgentLogin", AgentID="1001")
    assert desk.work is Work.NOT_READY
    desk = heard(desk, "EventAgentReady", AgentWorkMode=1)
    assert desk.work is Work.READY
    desk = heard(desk, "EventAgentNotReady", AgentWorkMode=4, Reasons=(("ReasonCode", "Lunch"),))
    assert (desk.work, desk.reason) == (Work.NOT_READY, "Lunch")
    desk = heard(desk, "EventAgentNotReady", AgentWorkMode=3)
    assert (desk.work, desk.reason) == (Work.AFTER_CALL_WORK, "")
    desk = heard(told(desk, "CampaignStarted", ("GSW_CAMPAIGN_MODE", "Preview")), "EventAgentLogout")
    assert (desk.work, desk.campaigns, desk.records) == (Work.LOGGED_OUT, (), ())


def test_events_of_another_dn_change_nothing():
    assert switch_event(DESK, Message("EventRinging", 0, {"ThisDN": "7002", "ConnID": "01"})) is DESK


def test_the_picture_of_a_registration_brings_calls_and_takes_those_that_are_gone():
    desk = heard(ringing(), "EventEstablished", ConnID="01", UserData=RECORD.pairs())
    desk = heard(desk, "EventRegistered", AgentID="1001", Extensions=(
        ("AgentStatus", 3), ("calls", 1), ("conn-1", "09"), ("ps-1", 0xC)))
    assert [(call.conn_id, call.phase) for call in desk.calls] == [("09", Phase.TALKING)] and desk.work is Work.NOT_READY
    assert desk.unsettled[0].record == RECORD
    desk = heard(desk, "EventAddressInfo", ConnID="09", UserData=replace(RECORD, record_handle=8).pairs())
    assert desk.held(8) is not None


def test_campaigns_come_run_stop_and_go():
    desk = told(DESK, "CampaignLoaded")
    assert not desk.campaigns[0].running
    desk = told(desk, "CampaignStarted", ("GSW_CAMPAIGN_MODE", "Preview"))
    assert desk.campaigns[0].running and desk.campaigns[0].mode == "Preview"
    desk = told(told(desk, "CampaignStopped"), "CampaignModeChanged", ("GSW_CAMPAIGN_MODE", "Predictive"))
    assert not desk.campaigns[0].running and desk.campaigns[0].mode == "Predictive"
    assert told(desk, "CampaignUnloaded").campaigns == ()


def test_an_agent_leaves_a_campaign_and_comes_back():
    desk = told(told(DESK, "CampaignStarted"), "LogOutTime", ("GSW_LOGOUT_TIME", 95))
    assert (desk.campaigns[0].attendance, desk.campaigns[0].leaving_s) == (Attendance.LEAVING, 95)
    desk = told(told(desk, "LogOutAcknowledge"), "CampaignStopped")
    assert (desk.campaigns[0].attendance, desk.campaigns[0].running) == (Attendance.LEFT, False)
    assert told(desk, "PreviewDialingModeStartAcknowledge").campaigns[0].attendance is Attendance.THERE
    assert told(DESK, "LogOutAcknowledge") == DESK
    assert told(told(desk, "CampaignUnloaded"), "CampaignLoaded").campaigns[0].attendance is Attendance.THERE


def test_a_record_that_is_taken_back_leaves_and_one_that_is_told_again_is_the_same():
    desk = told(told(DESK, "ScheduledCall", *RECORD.pairs()), "PreviewRecord", *RECORD.pairs())
    assert [held.origin for held in desk.records] == [Origin.CALLBACK]
    assert told(desk, "RecordCancel", ("GSW_RECORD_HANDLE", 7)).records == ()


NAMES = ("EventRinging", "EventDialing", "EventEstablished", "EventHeld", "EventRetrieved", "EventReleased", "EventAbandoned",
         "EventPartyChanged", "EventAttachedDataChanged", "EventRegistered", "EventAgentReady", "EventAgentNotReady")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["01", "02", "03"]), st.sampled_from(["", "01", "02"]),
                          st.sampled_from([(), RECORD.pairs(), replace(RECORD, record_handle=8).pairs()])), max_size=25))
def test_whatever_the_order_of_events_calls_and_records_are_each_there_once(events):
    desk = DESK
    for name, conn_id, previous, user_data in events:
        desk = heard(desk, name, ConnID=conn_id, PreviousConnID=previous, UserData=user_data,
                     Extensions=(("AgentStatus", 2), ("conn-1", conn_id)))
        handles = [held.handle for held in desk.records]
        assert len(set(handles)) == len(handles)
        assert len({call.conn_id for call in desk.calls}) == len(desk.calls)
