"""The desktop port: who is let in, what is passed on, what is heard; one desktop an agent; lost ones; limits."""
from __future__ import annotations

import pytest

from ocs.desktop.port_values import PortLimits
from ocs.dialing.caller_id import CallerId
from ocs.dialing.results import DialingMode
from ocs.dialing.values import DoNotCallEntry
from protocols.desktop.build import build_request
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import parse_event
from protocols.desktop.port import PASSED_ON, TAKEN_OVER
from protocols.message import Message
from tests.desktop.port_world import CAMPAIGN, DESK_PASSWORD, Desktop, PortWorld


def code(answer: Message) -> int:
    assert answer.name == "EventError", answer
    return int(answer.get("ErrorCode"))


# -- who is let in ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["1001", "E1001"])
def test_an_agent_comes_in_by_the_agent_id_or_the_employee_id(name):
    world = PortWorld()
    (welcome,) = world.desktop(name).heard
    assert welcome.name == "EventLinkConnected"
    assert (welcome.get("AgentID"), welcome.get("ApplicationDBID")) == ("1001", 1)


@pytest.mark.parametrize("name, password", [("1001", "wrong"), ("1009", DESK_PASSWORD), ("", "")])
def test_a_wrong_name_or_password_is_refused_and_the_connection_closed(name, password):
    desktop = PortWorld().desktop(name, password)
    assert code(desktop.heard[-1]) == 119 and desktop.client.refused


def test_while_the_switch_is_away_a_desktop_is_told_so_and_what_it_asks_of_the_switch_is_refused():
    world = PortWorld()
    seated = world.seated()
    world.center.cut_link()
    world.pass_()
    assert seated.heard[-1] == Message("EventLinkDisconnected")
    assert world.desktop("1002").heard[-1].name == "EventLinkDisconnected"
    assert code(seated.ask("RequestAgentReady", AgentWorkMode=1)) == 109
    world.center.mend_link()
    world.pass_()
    assert Message("EventLinkConnected") in seated.heard


def test_a_desktop_learns_what_the_site_has_prepared():
    answer = PortWorld().desktop().ask("RequestQueryDesktop")
    assert answer.name == "EventDesktopInfo"
    assert answer.attributes == {
        "ApplicationDBID": 1, "BreakCodes": ["Break", "Lunch"], "Dispositions": [["Sold", 33]],
        "Scripts": {CAMPAIGN: {"Text": "Good morning, {CustomerName}.", "Form": ["Remarks"]}}}


# -- the log-in at a DN -------------------------------------------------------------------------------------------
def test_after_the_log_in_the_events_of_the_dn_come_and_each_answer_once():
    desktop = PortWorld().seated()
    assert desktop.names()[:4] == ["EventLinkConnected", "EventAgentLogin", "EventUserEvent", "EventAgentNotReady"]
    assert desktop.ask("RequestAgentReady", AgentWorkMode=1).get("AgentWorkMode") == 1
    assert desktop.names().count("EventAgentReady") == 1
    answer = desktop.ask("RequestAgentNotReady", AgentWorkMode=4, Reasons=(("ReasonCode", "Lunch"),))
    assert answer.get("Reasons") == (("ReasonCode", "Lunch"),)


def test_before_the_log_in_nothing_can_be_asked_of_a_dn():
    desktop = PortWorld().desktop()
    for name, needed in PASSED_ON.items():
        values = {"UserData": (), "MergeType": 0}
        given = {attribute: values.get(attribute, "1") for attribute in needed}
        assert code(desktop.ask(name, **given)) == (59 if name == "RequestRegisterAddress" else 41), name
    assert code(desktop.ask("RequestDistributeUserEvent", UserData=())) == 41


def test_a_dn_can_be_registered_before_the_log_in_and_shows_nothing():
    world = PortWorld()
    world.seated("1002", "7002")
    answer = world.desktop().ask("RequestRegisterAddress", ThisDN="7002")
    assert answer.name == "EventRegistered" and answer.get("AgentID") is None
    assert dict(answer.extensions) == {"AgentStatus": 0, "calls": 0}


@pytest.mark.parametrize("attributes, error", [
    ({"ThisDN": "7999"}, 59),                                       # no agent group has it
    ({"ThisDN": "7001", "AgentID": "1002"}, 1703),                  # another one's
    ({"ThisDN": "7001", "AgentPassword": "not the switch's"}, 1705),
    ({"ThisDN": "7001", "ThisQueue": "7002"}, 53),
    ({}, 53), ({"ThisDN": 7001}, 53)])
def test_a_log_in_that_is_refused_leaves_the_desktop_as_it_was(attributes, error):
    world = PortWorld()
    desktop = world.desktop()
    assert code(desktop.ask("RequestAgentLogin", **attributes)) == error
    assert len(world.port.seats) == 0
    assert desktop.ask("RequestAgentLogin", ThisDN="7001", AgentPassword=DESK_PASSWORD).name == "EventAgentLogin"


def test_an_application_logs_agents_in_by_their_own_passwords():
    world = PortWorld()
    desktop = world.desktop("crm")
    assert desktop.heard[0].get("AgentID") is None
    for values, error in (({}, 53), ({"AgentID": "1009"}, 1703), ({"AgentID": "1001", "AgentPassword": "x"}, 1705)):
        assert code(desktop.ask("RequestAgentLogin", ThisDN="7001", **values)) == error
    assert desktop.ask("RequestAgentLogin", ThisDN="7001", AgentID="1001", AgentPassword=DESK_PASSWORD).name == "EventAgentLogin"


def test_only_the_own_dn_can_be_asked_about():
    world = PortWorld()
    world.seated("1002", "7002")
    desktop = world.seated()
    assert code(desktop.ask("RequestAgentLogout", ThisDN="7002")) == 41
    assert desktop.ask("RequestAgentLogout", ThisDN="7001").name == "EventAgentLogout"
    assert desktop.names().count("EventAgentLogout") == 1
    assert code(desktop.ask("RequestAgentReady")) == 41 and world.port.seats.of("1001") is None


def test_nobody_hears_of_another_agents_dn():
    world = PortWorld()
    one, other = world.seated(), world.seated("1002", "7002")
    before = len(one.heard)
    other.ask("RequestAgentReady", AgentWorkMode=1)
    assert len(one.heard) == before


def test_a_desktop_that_logs_in_again_at_the_dn_takes_over_with_the_call():
    world = PortWorld(network={"talk_s": 7_000.0, "talk_cv": 0.01})
    first = world.seated()
    first.ask("RequestAgentReady", AgentWorkMode=1)
    conn_id = first.ask("RequestMakeCall", OtherDN="+12125550077").get("ConnID")
    second = world.desktop()
    assert second.ask("RequestAgentLogin", ThisDN="7001").name == "EventAgentLogin"
    gone = first.heard[-1]
    assert (gone.name, gone.get("Reasons")) == ("EventAgentLogout", ((TAKEN_OVER, 1),)) and first.client.refused
    world.pass_(40)
    assert second.last("EventEstablished").get("ConnID") == conn_id
    picture = second.ask("RequestRegisterAddress")
    assert ("conn-1", conn_id) in picture.extensions and picture.get("AgentID") == "1001"
    first.close()
    world.pass_(60)
    assert second.ask("RequestReleaseCall", ConnID=conn_id).name == "EventReleased"


def test_a_desktop_that_comes_later_is_told_of_the_records_that_the_agent_has():
    world = PortWorld()
    first = world.seated()
    (preview,) = first.request("PreviewRecordRequest")
    first.close()
    second = world.desktop()
    second.ask("RequestAgentLogin", ThisDN="7001")
    (told,) = second.events()
    assert told.name == "PreviewRecord" and told.record == preview.record
    assert second.names()[-2:] == ["EventAgentLogin", "EventUserEvent"]


def test_an_agent_with_a_desktop_cannot_log_in_at_another_dn_but_one_whose_desktop_is_lost_can():
    world = PortWorld()
    first, second = world.seated(), world.desktop()
    assert code(second.ask("RequestAgentLogin", ThisDN="7002", AgentPassword=DESK_PASSWORD)) == 1704
    first.close()
    assert second.ask("RequestAgentLogin", ThisDN="7002", AgentPassword=DESK_PASSWORD).name == "EventAgentLogin"
    assert world.center.states.agent_at("7001") is None
    assert code(world.desktop("1003").ask("RequestAgentLogin", ThisDN="7002", AgentPassword=DESK_PASSWORD)) == 1706


def test_a_lost_desktop_leaves_the_agent_not_ready_and_after_the_grace_logged_out():
    world = PortWorld(limits=PortLimits(grace_s=20.0))
    desktop = world.seated()
    desktop.ask("RequestAgentReady", AgentWorkMode=1)
    desktop.close()
    assert world.center.states.agent_at("7001").state_name == "not-ready"
    world.pass_(19)
    assert world.center.states.agent_at("7001") is not None
    world.pass_(2)
    assert world.center.states.agent_at("7001") is None and len(world.port.seats) == 0


def test_a_desktop_that_comes_back_in_time_goes_on():
    world = PortWorld(limits=PortLimits(grace_s=20.0))
    world.seated().close()
    world.pass_(15)
    again = world.desktop()
    assert again.ask("RequestAgentLogin", ThisDN="7001").name == "EventAgentLogin"
    world.pass_(60)
    assert again.ask("RequestAgentReady", AgentWorkMode=1).name == "EventAgentReady"


def test_an_agent_of_whom_the_switch_knows_already_is_taken_up_after_a_restart():
    world = PortWorld()
    world.seated()
    world.port.seats.leave(world.port.seats.of("1001"))       # as if this server had just begun
    assert world.desktop().ask("RequestAgentLogin", ThisDN="7001").name == "EventAgentLogin"


def test_where_the_switch_has_logged_the_agent_out_meanwhile_the_desktop_learns_it_when_it_asks():
    world = PortWorld()
    desktop = world.seated()
    world.center.cut_link()
    world.pass_(60)         # longer than the switch waits for a lost client
    world.center.mend_link()
    world.pass_()
    desktop.ask("RequestRegisterAddress")
    world.pass_()
    assert desktop.heard[-1].name == "EventAgentLogout" and world.port.seats.of("1001") is None


def test_an_agent_who_may_not_connect_any_more_is_closed():
    world = PortWorld()
    one, other = world.seated(), world.seated("1002", "7002")
    world.allow("1002")
    assert code(one.heard[-1]) == 119 and one.client.refused and other.client.granted
    assert world.desktop("1001").client.refused


# -- calls --------------------------------------------------------------------------------------------------------
def test_a_call_for_the_campaign_comes_with_its_record():
    world = PortWorld(DialingMode.PROGRESSIVE)
    desktop = world.seated()
    desktop.ask("RequestAgentReady", AgentWorkMode=1)
    while "EventRinging" not in desktop.names():
        world.pass_(1)
    ringing = desktop.last("EventRinging")
    assert dict(ringing.user_data)["GSW_CAMPAIGN_NAME"] == CAMPAIGN
    handle, conn_id = dict(ringing.user_data)["GSW_RECORD_HANDLE"], ringing.get("ConnID")
    answered = desktop.ask("RequestAnswerCall", ConnID=conn_id)
    assert answered.name == "EventEstablished"
    assert desktop.ask("RequestReleaseCall", ConnID=conn_id).name == "EventReleased"
    (done,) = desktop.request("RecordProcessed", record_handle=handle, call_result=33)
    assert done.name == "RecordProcessedAcknowledge"


def test_what_the_switch_refuses_is_refused_with_its_code():
    desktop = PortWorld().seated()
    assert code(desktop.ask("RequestAnswerCall", ConnID="00")) == 56
    assert code(desktop.ask("RequestMakeCall", OtherDN="nobody")) == 71
    assert code(desktop.ask("RequestMakePredictiveCall", OtherDN="+12125550001")) == 51


def test_a_number_on_the_do_not_call_list_is_not_dialed_by_hand():
    world = PortWorld()
    desktop = world.seated()
    world.center.engine.block(DoNotCallEntry(phone="+12125550077", internal=True))
    refused = desktop.ask("RequestMakeCall", OtherDN="+12125550077")
    assert code(refused) == 71 and "do-not-call" in refused.get("ErrorMessage")
    assert code(desktop.ask("RequestMakeCall", OtherDN="912125550077", UserData=(("GSW_PHONE", "+12125550077"),))) == 71
    assert desktop.ask("RequestMakeCall", OtherDN="+12125550078").name == "EventDialing"


def test_a_record_is_not_dialed_outside_its_window():
    world = PortWorld()
    desktop = world.seated()
    (preview,) = desktop.request("PreviewRecordRequest")
    record = preview.record
    world.clock.advance(11 * 3_600.0)       # half past eleven in the evening there
    refused = desktop.ask("RequestMakeCall", OtherDN=record.phone, UserData=record.pairs())
    assert code(refused) == 71 and "window" in refused.get("ErrorMessage")


# -- records ------------------------------------------------------------------------------------------------------
def test_a_preview_is_looked_at_dialed_and_settled():
    world = PortWorld()
    desktop = world.seated()
    desktop.ask("RequestAgentReady", AgentWorkMode=1)
    (preview,) = desktop.request("PreviewRecordRequest")
    record = preview.record
    dialing = desktop.ask("RequestMakeCall", OtherDN=record.phone, UserData=record.pairs())
    assert dialing.name == "EventDialing"
    world.pass_(40)
    desktop.ask("RequestReleaseCall", ConnID=dialing.get("ConnID"))
    (done,) = desktop.request("DoNotCall", record_handle=record.record_handle)
    assert done.name == "DoNotCallAcknowledge"
    assert code(desktop.ask("RequestMakeCall", OtherDN=record.phone)) == 71


def test_the_caller_of_a_record_that_an_agent_dials_is_the_servers_choice_and_of_a_number_by_hand_the_switchs(monkeypatch):
    world = PortWorld(caller_id=CallerId("+12125550100"), dial_extensions=(("CPNDisplayName", "Shop"), ("call_timeguard", 5)))
    desktop, asked = world.seated(), []
    ask = world.center.switch.ask

    def noting(dn, name, attributes):
        asked.append(attributes)
        return ask(dn, name, attributes)

    monkeypatch.setattr(world.center.switch, "ask", noting)
    record = desktop.request("PreviewRecordRequest")[0].record
    theirs = (("CPNDigits", "+19005550100"), ("x", 1))
    assert desktop.ask("RequestMakeCall", OtherDN=record.phone, UserData=record.pairs(), Extensions=theirs).name == "EventDialing"
    assert asked[-1]["Extensions"] == (("x", 1), ("CPNDisplayName", "Shop"), ("CPNDigits", "+12125550100"))
    assert record.cpn_digits == "+12125550100"
    desktop.ask("RequestReleaseCall", ConnID=desktop.last("EventDialing").get("ConnID"))
    assert desktop.ask("RequestMakeCall", OtherDN="+12125550177").name == "EventDialing"
    assert "Extensions" not in asked[-1]


def test_an_agent_cannot_touch_a_record_of_another():
    world = PortWorld()
    one, other = world.seated(), world.seated("1002", "7002")
    (preview,) = one.request("PreviewRecordRequest")
    (refused,) = other.request("RecordProcessed", record_handle=preview.record_handle, call_result=33)
    assert refused.error_number == DesktopErrorCode.RECORD_NOT_FOUND


def test_requests_for_another_server_and_plain_user_events_go_to_the_switch():
    world = PortWorld()
    desktop = world.seated()
    for data in ((("GSW_AGENT_REQ_TYPE", "CampaignStatusRequest"), ("GSW_APPLICATION_ID", 9)), (("note", "hello"),)):
        assert desktop.ask("RequestDistributeUserEvent", UserData=data).name == "EventACK"
        assert desktop.last("EventUserEvent").user_data == data


def test_news_of_campaigns_reach_a_desktop_once_and_not_by_way_of_the_switch(monkeypatch):
    world = PortWorld(running=False)
    desktop = world.seated()
    monkeypatch.setattr(world.center.switch, "distribute_user_event", None)
    world.center.start()
    world.pass_()
    assert [event.name for event in desktop.events()] == ["CampaignLoaded", "CampaignStarted"]


# -- limits -------------------------------------------------------------------------------------------------------
def test_whatever_a_desktop_hears_comes_behind_the_news_that_waits_for_it():
    world = PortWorld()
    desktop, before = world.seated(), 0
    for reference_id, (name, attributes) in enumerate((
            ("RequestDistributeUserEvent", {"UserData": build_request("CampaignStatusRequest", application_id=1)}),
            ("RequestAgentReady", {}), ("RequestQueryDesktop", {})), 9_000):
        before = len(desktop.heard)
        (world.center.session.stop if reference_id % 2 == 0 else world.center.session.start)()
        assert len(desktop.heard) == before
        desktop.client.receive(Message(name, reference_id, attributes))
        world.pass_()
        news, *others = desktop.heard[before:]
        assert parse_event(news.user_data).name in ("CampaignStopped", "CampaignStarted")
        assert reference_id in [each.reference_id for each in others]


def test_news_and_the_loss_of_the_link_come_in_their_order_and_who_has_left_hears_nothing():
    world = PortWorld()
    desktop, other = world.seated(), world.desktop("1002")
    world.center.session.stop()
    world.center.cut_link()
    other.client.closed()
    heard = len(other.heard)
    world.pass_()
    assert [each.name for each in desktop.heard[-2:]] == ["EventUserEvent", "EventLinkDisconnected"]
    assert len(other.heard) == heard


def test_who_asks_too_much_is_refused_and_who_goes_on_is_closed():
    world = PortWorld(limits=PortLimits(requests_per_s=5.0, burst=10))
    desktop = world.seated()
    for number in range(30):
        desktop.client.receive(Message("RequestQueryDesktop", 1_000 + number))
    refused = [each for each in desktop.heard if each.name == "EventError"]
    assert 15 <= len(refused) <= 25 and all(each.get("ErrorCode") == 111 for each in refused)
    world.pass_(3)
    assert desktop.ask("RequestQueryDesktop").name == "EventDesktopInfo"
    for number in range(1_100):
        desktop.client.receive(Message("RequestQueryDesktop", 5_000 + number))
    assert desktop.client.refused and world.port.seats.of("1001").client is None


def test_requests_that_wait_for_answers_are_bounded():
    world = PortWorld(limits=PortLimits(outstanding=4))
    desktop = world.seated()
    for number in range(6):
        desktop.client.receive(Message("RequestQueryCall", 1_000 + number, {"ConnID": "00"}))
    codes = [each.get("ErrorCode") for each in desktop.heard if each.name == "EventError"]
    assert codes == [111, 111]
    world.pass_()
    codes = [each.get("ErrorCode") for each in desktop.heard if each.name == "EventError"]
    assert sorted(codes) == [56] * 4 + [111] * 2


def test_more_connections_than_allowed_are_refused():
    world = PortWorld(limits=PortLimits(clients=1))
    world.seated()
    assert code(Desktop(world).heard[0]) == 40


def test_a_guesser_waits_longer_and_longer_and_who_was_right_before_does_not():
    world = PortWorld()
    world.desktop()
    checks = len(world.checked)
    for _ in range(5):
        world.desktop(password="guess")
    world.desktop()
    assert len(world.checked) == checks + 5          # the right one was recognised
    waiting = Desktop(world)
    waiting.client.receive(Message("RequestRegisterClient", 1, {
        "ApplicationName": "1001", "ApplicationPassword": "guess", "ProtocolVersion": "1"}))
    world.pass_(0.8)
    assert waiting.heard == []
    world.pass_(0.3)
    assert code(waiting.heard[-1]) == 119
    assert world.seated().client.granted
