"""Third parties on the Communication DN: a transcript for each request, each error, each piece of news."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.communication import Application, CommunicationEntry
from ocs.desktop.operations import RecordOperations
from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.session import SessionState
from ocs.scheduler.live import prepared
from ocs.scheduler.mode_change import Course
from protocols.attributes import KVList
from protocols.communication import keys
from protocols.communication.index import REQUESTS, CampaignErrorCode, MessageType
from tests.doubles.peers import FakePeers
from tests.scheduler.bench import CAMPAIGN, Bench, record

DN, CRM = "6900", 300
T, E = MessageType, CampaignErrorCode


class Rig:
    """The engine with a Communication DN; `crm` is a known application."""

    def __init__(self, records: list[Any] | None = None, *, running: bool = False, **group: Any) -> None:
        self.bench = Bench(records, running=False, **group)
        self.campaigns = CampaignOperations(self.bench.engine)
        self.entry = CommunicationEntry(
            self.bench.engine, self.campaigns, RecordOperations(self.bench.engine), DN,
            [Application("crm", CRM), Application("other", 301)])
        self.bench.up()
        if running:
            self.bench.begin()
        self.session = self.bench.session
        self._references = 0
        self.seen = 0

    def said(self) -> list[dict[str, Any]]:
        """What the OCS has sent on the DN since the last look."""
        sent = [dict(asked.user_data) for asked in self.bench.switch.of("distribute_user_event") if asked.dn == DN]
        new, self.seen = sent[self.seen:], len(sent)
        return new

    def tell(self, kind: MessageType, sender: str = "crm", reference: Any = None, **values: Any) -> int:
        self._references += 1
        named = ((getattr(keys, name.upper()), value) for name, value in values.items())
        user_data: KVList = ((keys.MESSAGE_TYPE, int(kind)), (keys.REFERENCE_ID, self._references), (keys.SENDER_ID, CRM), *named)
        self.bench.switch.user_event(DN, user_data, sender)
        self.bench.pass_(0)
        return self._references

    def ask(self, kind: MessageType, **values: Any) -> dict[str, Any]:
        """The one answer; news with reference 0 apart."""
        if REQUESTS[kind].names_group and not values.keys() & {"session_id", "campaign_id"}:
            values["session_id"] = 1
        self.said()
        reference = self.tell(kind, **values)
        answers = [one for one in self.said() if one[keys.REFERENCE_ID] == reference]
        assert len(answers) == 1, answers
        assert answers[0][keys.SENDER_ID] == CRM and answers[0][keys.APPLICATION_ID] == 1
        return answers[0]

    def refused(self, kind: MessageType, **values: Any) -> tuple[CampaignErrorCode, str]:
        told = self.ask(kind, **values)
        assert told[keys.MESSAGE_TYPE] == T.ERROR, told
        return CampaignErrorCode(told[keys.ERROR_CODE]), told[keys.ERROR_MESSAGE]

    def news(self) -> list[tuple[str, int]]:
        """(event, status) of what was told without a request."""
        return [(MessageType(one[keys.MESSAGE_TYPE]).text, one[keys.STATUS])
                for one in self.said() if one[keys.REFERENCE_ID] == 0]


def short(told: dict[str, Any]) -> tuple[str, int, int]:
    """Event, status, mode."""
    return MessageType(told[keys.MESSAGE_TYPE]).text, told[keys.STATUS], told[keys.DIAL_MODE]


def test_a_campaign_group_is_loaded_started_changed_stopped_and_unloaded():
    rig = Rig(mode=DialingMode.PREDICTIVE)
    assert short(rig.ask(T.GET_CAMPAIGN_STATUS)) == ("EvCampaignStatus", 0, 1)
    assert short(rig.ask(T.LOAD_CAMPAIGN)) == ("EvCampaignLoaded", 4, 1)
    assert short(rig.ask(T.START_DIALING, dial_mode=1)) == ("EvDialingStarted", 5, 1)
    assert short(rig.ask(T.SET_DIALING_MODE, dial_mode=2)) == ("EvDialingModeChanged", 5, 2)
    assert rig.session.group.mode is DialingMode.PROGRESSIVE and rig.session.state is SessionState.RUNNING
    assert short(rig.ask(T.STOP_DIALING)) == ("EvDialingStopped", 4, 2)
    assert short(rig.ask(T.UNLOAD_CAMPAIGN)) == ("EvCampaignUnloaded", 0, 1)        # the configured mode is back
    rig.bench.unloaded()


def test_its_answers_name_campaign_group_and_session_and_repeat_what_else_was_sent():
    rig = Rig()
    told = rig.ask(T.LOAD_CAMPAIGN, campaign_id=1, group_id=1, group_name="x")
    assert (told[keys.CAMPAIGN_ID], told[keys.GROUP_ID], told[keys.SESSION_ID], told[keys.SCHEDULE_SCRIPT_ID]) == (1, 1, 1, 0)
    assert keys.GROUP_NAME not in told
    rig.bench.switch.user_event(DN, ((keys.MESSAGE_TYPE, 12), (keys.REFERENCE_ID, 9), ("site", "north")), "crm")
    assert [one["site"] for one in rig.said() if one[keys.REFERENCE_ID] == 9] == ["north"]


def test_unloading_is_answered_when_the_last_call_has_ended_and_its_steps_are_told():
    rig = Rig(running=True)
    rig.bench.ready("7001")
    call = rig.bench.switch.dialed[-1]
    rig.said()
    reference = rig.tell(T.UNLOAD_CAMPAIGN, session_id=1)
    assert rig.news() == [("EvDialingStopped", 4), ("EvCampaignStatus", 1)]
    rig.bench.switch.over(call.conn_id)
    rig.bench.pass_(0)
    last = rig.said()
    assert [(one[keys.REFERENCE_ID], one[keys.MESSAGE_TYPE], one[keys.STATUS]) for one in last] == [
        (0, T.CAMPAIGN_STATUS, 2), (reference, T.CAMPAIGN_UNLOADED, 0)]


def test_a_forced_unload_does_not_wait_and_answers_who_waits_for_an_unload_too():
    rig = Rig(running=True)
    rig.bench.ready("7001")
    first_asked = rig.tell(T.COMPLETE_CAMPAIGN, session_id=1)
    second = rig.tell(T.FORCE_UNLOAD_CAMPAIGN, session_id=1)
    rig.bench.pass_(1)
    unloaded = [one[keys.REFERENCE_ID] for one in rig.said() if one[keys.MESSAGE_TYPE] == T.CAMPAIGN_UNLOADED]
    assert sorted(unloaded) == [first_asked, second] and rig.session.state is SessionState.NOT_LOADED


def test_the_status_of_all_campaign_groups_is_one_answer_each():
    rig = Rig()
    rig.bench.engine.add(CampaignGroup(2, "autumn", 2, AgentGroup("east", 2, (), ("7009",)), (CallingList("list", 1),),
                                       voice_transfer_destination="6001"))
    rig.said()
    reference = rig.tell(T.GET_CAMPAIGN_STATUS)
    assert [(one[keys.REFERENCE_ID], one[keys.SESSION_ID]) for one in rig.said()] == [(reference, 1), (reference, 2)]


def test_the_data_of_a_campaign_group():
    rig = Rig(running=True)
    rig.bench.login("7001")
    told = rig.ask(T.GET_CAMPAIGN_DATA)
    assert told[keys.CAMPAIGN_NAME] == CAMPAIGN and told[keys.CAMPAIGN_GROUP_NAME] == "spring@sales"
    assert told[keys.CALLING_LISTS] == "list" and told[keys.RECORDS] == 20 and told[keys.AGENTS] == 1
    assert told[keys.AUTO_COMPLETION] == 0
    rig.bench.store.go_away()
    assert rig.refused(T.GET_CAMPAIGN_DATA)[0] is E.SERVER_CONNECTION_ERROR


def test_between_stop_and_start_any_mode_is_possible_for_which_there_is_what_it_needs():
    rig = Rig(mode=DialingMode.PREVIEW)
    rig.ask(T.LOAD_CAMPAIGN)
    assert short(rig.ask(T.START_DIALING, dial_mode=2)) == ("EvDialingStarted", 5, 2)
    rig.bench.ready("7001")
    assert rig.bench.switch.numbers                 # it dials
    code, words = rig.refused(T.SET_DIALING_MODE, dial_mode=3)
    assert code is E.INVALID_CAMPAIGN_MODE and "stopped and started" in words
    rig.ask(T.STOP_DIALING)
    code, words = rig.refused(T.SET_DIALING_MODE, dial_mode=3)
    assert code is E.INVALID_CAMPAIGN_MODE and "calls have ended" in words
    rig.bench.switch.over(rig.bench.switch.dialed[0].conn_id)
    rig.bench.pass_(0)
    assert short(rig.ask(T.SET_DIALING_MODE, dial_mode=3)) == ("EvDialingModeChanged", 4, 3)


def test_modes_that_change_into_each_other_do_so_between_stop_and_start_whatever_calls_there_are():
    rig = Rig(running=True)
    rig.bench.ready("7001")
    rig.ask(T.STOP_DIALING)
    assert len(rig.session.calls) == 1
    assert short(rig.ask(T.START_DIALING, dial_mode=1)) == ("EvDialingStarted", 5, 1)


def test_a_mode_that_was_set_stays_when_the_configuration_is_read_again():
    rig = Rig(mode=DialingMode.PREDICTIVE, running=True)
    rig.ask(T.SET_DIALING_MODE, dial_mode=2)
    rig.bench.wait(prepared(rig.session, replace(rig.session.configured, maximum_ports=7))).apply()
    assert rig.session.group.maximum_ports == 7 and rig.session.group.mode is DialingMode.PROGRESSIVE
    rig.bench.wait(prepared(rig.session, replace(rig.session.configured, maximum_ports=8))).apply()
    assert rig.session.group.mode is DialingMode.PROGRESSIVE


def test_method_and_goal_are_set_with_the_start_and_while_it_runs():
    rig = Rig(mode=DialingMode.PREDICTIVE)
    rig.ask(T.LOAD_CAMPAIGN)
    told = rig.ask(T.START_DIALING, dial_mode=1, optimize_by=1, optimize_goal=85)
    assert (told[keys.OPTIMIZE_BY], told[keys.OPTIMIZE_GOAL]) == (1, 85)
    told = rig.ask(T.SET_DIALING_MODE, dial_mode=1, optimize_goal=70)
    assert (told[keys.OPTIMIZE_BY], told[keys.OPTIMIZE_GOAL]) == (1, 70) and rig.session.group.pacing.goal == 70
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=1, optimize_by=2)[0] is E.INVALID_CAMPAIGN_MODE
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=1, optimize_goal=170)[0] is E.INVALID_CAMPAIGN_MODE
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=1, optimize_by=5)[0] is E.INVALID_CAMPAIGN_MODE
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=1, optimize_by=9)[0] is E.INVALID_PARAMETER
    rig.ask(T.SET_DIALING_MODE, dial_mode=1, optimize_by=0)
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=1, optimize_goal=50)[0] is E.INVALID_CAMPAIGN_MODE
    assert rig.session.group.pacing.goal == 0


def test_of_a_power_mode_the_goal_is_the_number_of_calls():
    rig = Rig(mode=DialingMode.POWER_GVP, trunk_group_dn="6800", ivr_profile="poll", maximum_queue_size=2,
              voice_transfer_destination="")
    rig.ask(T.LOAD_CAMPAIGN)
    told = rig.ask(T.START_DIALING, dial_mode=11, optimize_by=5, optimize_goal=3)
    assert (told[keys.OPTIMIZE_BY], told[keys.OPTIMIZE_GOAL]) == (5, 3) and len(rig.bench.switch.dialed) == 3
    assert rig.refused(T.SET_DIALING_MODE, dial_mode=11, optimize_by=5, optimize_goal=0)[0] is E.INVALID_CAMPAIGN_MODE


# -- errors -----------------------------------------------------------------------------------------------------------
def test_what_is_not_there_is_said_to_be_what_it_is():
    rig = Rig()
    rig.bench.engine.add(CampaignGroup(2, "autumn", 2, AgentGroup("east", 2, (), ("7009",)), (CallingList("list", 1),)))
    assert rig.refused(T.LOAD_CAMPAIGN, campaign_id=9, group_id=1)[0] is E.CAMPAIGN_NOT_FOUND
    assert rig.refused(T.LOAD_CAMPAIGN, campaign_id=1, group_id=9)[0] is E.GROUP_NOT_FOUND
    assert rig.refused(T.LOAD_CAMPAIGN, campaign_id=1, group_id=2)[0] is E.CAMPAIGN_GROUP_NOT_FOUND
    assert rig.refused(T.LOAD_CAMPAIGN, session_id=9)[0] is E.CAMPAIGN_GROUP_NOT_FOUND
    assert rig.refused(T.LOAD_CAMPAIGN, session_id=1, campaign_id=2)[0] is E.CAMPAIGN_GROUP_NOT_FOUND
    rig.bench.engine.sessions.clear()
    reference = rig.tell(T.GET_CAMPAIGN_STATUS)
    (told,) = rig.said()
    assert (told[keys.REFERENCE_ID], told[keys.ERROR_CODE]) == (reference, E.CAMPAIGN_GROUP_NOT_FOUND)


@pytest.mark.parametrize("state, kind, code", [
    ("not loaded", T.UNLOAD_CAMPAIGN, E.CAMPAIGN_NOT_LOADED),
    ("not loaded", T.FORCE_UNLOAD_CAMPAIGN, E.CAMPAIGN_NOT_LOADED),
    ("not loaded", T.COMPLETE_CAMPAIGN, E.CAMPAIGN_NOT_LOADED),
    ("not loaded", T.START_DIALING, E.CAMPAIGN_NOT_LOADED),
    ("not loaded", T.STOP_DIALING, E.CAMPAIGN_NOT_LOADED),
    ("not loaded", T.SET_DIALING_MODE, E.CAMPAIGN_NOT_LOADED),
    ("loaded", T.LOAD_CAMPAIGN, E.CAMPAIGN_ALREADY_LOADED),
    ("loaded", T.STOP_DIALING, E.CAMPAIGN_NOT_STARTED),
    ("running", T.LOAD_CAMPAIGN, E.CAMPAIGN_ALREADY_LOADED),
    ("running", T.START_DIALING, E.CAMPAIGN_ALREADY_STARTED),
    ("unloading", T.LOAD_CAMPAIGN, E.CAMPAIGN_NOT_LOADED),
    ("unloading", T.START_DIALING, E.CAMPAIGN_NOT_LOADED),
    ("unloading", T.UNLOAD_CAMPAIGN, E.CAMPAIGN_NOT_LOADED),
])
def test_what_the_state_forbids_is_refused_and_changes_nothing(state: str, kind: MessageType, code: CampaignErrorCode):
    rig = Rig(running=state in ("running", "unloading"))
    if state == "loaded":
        rig.ask(T.LOAD_CAMPAIGN)
    if state == "unloading":
        rig.bench.ready("7001")
        rig.tell(T.UNLOAD_CAMPAIGN, session_id=1)
    before = rig.session.state
    more = {"dial_mode": 2} if kind in (T.START_DIALING, T.SET_DIALING_MODE) else {}
    found, words = rig.refused(kind, **more)
    assert found is code and "spring@sales is " in words and rig.session.state is before


def test_modes_that_do_not_exist_or_do_not_fit():
    rig = Rig()
    rig.ask(T.LOAD_CAMPAIGN)
    assert rig.refused(T.START_DIALING, dial_mode=77)[0] is E.INVALID_PARAMETER
    assert rig.refused(T.START_DIALING, dial_mode=6)[0] is E.INVALID_CAMPAIGN_MODE
    code, words = rig.refused(T.START_DIALING, dial_mode=11)
    assert code is E.INVALID_CAMPAIGN_MODE and "trunk_group_dn" in words
    assert rig.refused(T.START_DIALING, dial_mode=8)[0] is E.INVALID_CAMPAIGN_MODE
    assert rig.session.state is SessionState.ACTIVE and rig.session.group.mode is DialingMode.PROGRESSIVE


def test_another_group_that_dials_for_the_same_agents_is_a_wrong_configuration():
    rig = Rig(running=True)
    rig.bench.engine.add(CampaignGroup(2, "autumn", 2, rig.session.group.group, (CallingList("list", 1),),
                                       voice_transfer_destination="6001", mode=DialingMode.PREVIEW))
    assert rig.ask(T.LOAD_CAMPAIGN, session_id=2)[keys.STATUS] == 4
    code, words = rig.refused(T.START_DIALING, session_id=2, dial_mode=2)
    assert code is E.WRONG_CONFIGURATION and "spring@sales" in words
    assert rig.bench.engine.sessions["autumn@sales"].group.mode is DialingMode.PREVIEW


def test_a_list_that_is_not_there_and_a_database_that_is_away():
    rig = Rig()
    rig.bench.engine.add(CampaignGroup(2, "autumn", 2, AgentGroup("east", 2, (), ("7009",)), (CallingList("none", 9),)))
    assert rig.refused(T.LOAD_CAMPAIGN, session_id=2)[0] is E.WRONG_CONFIGURATION
    rig.bench.store.go_away()
    assert rig.refused(T.LOAD_CAMPAIGN)[0] is E.SERVER_CONNECTION_ERROR
    assert rig.session.state is SessionState.NOT_LOADED


@pytest.mark.parametrize("kind", [T.REGISTER_CLIENT, T.REGISTER_CAMPAIGN, T.UNREGISTER_CAMPAIGN])
def test_what_is_of_the_direct_protocol_is_refused(kind: MessageType):
    assert Rig().refused(kind, session_id=1)[0] is E.REGISTRATION_ERROR


def test_a_request_without_a_reference_and_one_that_does_not_exist_are_answered():
    rig = Rig()
    rig.bench.switch.user_event(DN, ((keys.MESSAGE_TYPE, 7), (keys.SESSION_ID, 1)), "crm")
    rig.bench.switch.user_event(DN, ((keys.MESSAGE_TYPE, 99), (keys.REFERENCE_ID, 5)), "crm")
    assert [(one[keys.REFERENCE_ID], one[keys.ERROR_CODE]) for one in rig.said()] == [(0, 10), (5, 10)]


# -- who may ask ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sender, claimed, heard", [
    ("crm", CRM, True), ("crm", None, True), ("", CRM, True), ("other", 301, True),
    ("crm", 301, False), ("evil", CRM, False), ("evil", None, False), ("", None, False), ("", 999, False)])
def test_only_known_applications_are_heard_and_others_get_no_answer(sender: str, claimed: int | None, heard: bool):
    rig = Rig()
    claim: KVList = () if claimed is None else ((keys.SENDER_ID, claimed),)
    for kind in (7, 99):
        rig.bench.switch.user_event(DN, ((keys.MESSAGE_TYPE, kind), (keys.REFERENCE_ID, 5), (keys.SESSION_ID, 1), *claim), sender)
    rig.bench.pass_(0)
    assert bool([one for one in rig.said() if one[keys.REFERENCE_ID] == 5]) is heard
    assert (rig.session.state is SessionState.ACTIVE) is heard


def test_a_stranger_is_named_in_the_log_once(logged):
    rig = Rig()
    for _ in range(3):
        rig.tell(T.LOAD_CAMPAIGN, sender="evil", session_id=1)
        rig.bench.switch.user_event(DN, ((keys.MESSAGE_TYPE, 7), (keys.SENDER_ID, 301)), "crm")
    assert [text for text in logged.texts() if "disregarded" in text] == [
        f"requests of application {who} on the Communication DN are disregarded: {why}" for who, why in (
            ("evil", "it is no third party of the configuration"), ("crm", f"its number is {CRM}, and it says 301"))]


def test_the_log_says_which_application_gave_an_order(logged):
    rig = Rig()
    rig.ask(T.LOAD_CAMPAIGN)
    rig.ask(T.GET_CAMPAIGN_STATUS)
    assert [text for text in logged.texts() if "order of" in text] == [
        "order of application crm: ReqLoadCampaign spring@sales: done"]


def test_a_request_for_another_server_is_not_ours():
    rig = Rig()
    rig.tell(T.LOAD_CAMPAIGN, session_id=1, application_id=2)
    assert rig.said() == [] and rig.session.state is SessionState.NOT_LOADED
    assert rig.ask(T.LOAD_CAMPAIGN, application_id="1")[keys.STATUS] == 4


def test_too_many_requests_at_once_are_refused():
    rig = Rig(running=True)
    rig.bench.ready("7001")
    rig.tell(T.UNLOAD_CAMPAIGN, session_id=1)
    rig.entry._under_way = 100
    reference = rig.tell(T.GET_CAMPAIGN_STATUS)
    assert [one[keys.ERROR_MESSAGE] for one in rig.said() if one[keys.REFERENCE_ID] == reference] == [
        "Invalid Parameter: too many requests at once"]


# -- news -------------------------------------------------------------------------------------------------------------
def test_what_others_do_with_a_campaign_group_is_told():
    rig = Rig(mode=DialingMode.PREDICTIVE)
    rig.said()
    rig.bench.begin()
    assert rig.news() == [("EvCampaignLoaded", 4), ("EvDialingStarted", 5)]
    rig.campaigns.set_course(rig.session, Course(DialingMode.PROGRESSIVE))
    rig.bench.pass_(0)
    assert rig.news() == [("EvDialingModeChanged", 5)]
    rig.session.stop()
    rig.session.force_unload()
    rig.bench.pass_(0)
    assert rig.news() == [("EvDialingStopped", 4), ("EvCampaignStatus", 2), ("EvCampaignUnloaded", 0)]


def test_a_group_that_completes_by_itself_is_stopped_and_unloaded_when_nothing_is_left():
    rig = Rig([record(1)], maximum_attempts=1)
    rig.ask(T.LOAD_CAMPAIGN, auto_completion=1)
    rig.ask(T.START_DIALING, dial_mode=2)
    rig.bench.ready("7001")
    rig.bench.pass_(60)
    assert rig.session.state is SessionState.RUNNING        # a call is out
    rig.said()
    rig.bench.switch.over(rig.bench.switch.dialed[-1].conn_id, call_state=7)
    rig.bench.pass_(90)
    assert rig.session.state is SessionState.NOT_LOADED
    assert [name for name, _ in rig.news()] == ["EvDialingStopped", "EvCampaignStatus", "EvCampaignStatus", "EvCampaignUnloaded"]


def test_a_group_with_records_for_later_does_not_complete_and_the_wish_may_be_taken_back():
    rig = Rig([record(1, dial_sched_time=2_000_000_000)])
    rig.ask(T.LOAD_CAMPAIGN)
    rig.ask(T.START_DIALING, dial_mode=2, auto_completion=1)
    rig.bench.ready("7001")
    rig.bench.pass_(60)
    assert rig.session.state is SessionState.RUNNING and rig.campaigns.completion.wanted(rig.session)
    rig.ask(T.SET_DIALING_MODE, dial_mode=2, auto_completion=0)
    assert not rig.campaigns.completion.wanted(rig.session)


# -- records ----------------------------------------------------------------------------------------------------------
def test_records_are_cancelled_by_phone_whether_their_campaign_is_loaded_or_not():
    rig = Rig()
    told = rig.ask(T.CANCEL_RECORD, phone="+1 212 555 0001")
    assert told[keys.MESSAGE_TYPE] == T.RECORD_CANCELED and told[keys.PHONE] == "+1 212 555 0001"
    assert rig.bench.record(1).record_status is RecordStatus.CANCELLED
    assert rig.bench.record(1).call_result is CallResult.CANCEL_RECORD
    rig.bench.begin()
    assert rig.ask(T.CANCEL_RECORD, phone="+12125550002", campaign_name=CAMPAIGN)[keys.MESSAGE_TYPE] == T.RECORD_CANCELED
    assert rig.bench.record(2).record_status is RecordStatus.CANCELLED
    assert rig.refused(T.CANCEL_RECORD, phone="+12125550002")[0] is E.INVALID_PARAMETER


def test_a_record_with_an_agent_is_cancelled_by_its_handle_and_the_agent_hears_it():
    rig = Rig(mode=DialingMode.PREVIEW, running=True)
    rig.bench.ready("7001")
    handle = rig.bench.preview().record_handle
    assert rig.ask(T.CANCEL_RECORD, record_handle=handle)[keys.MESSAGE_TYPE] == T.RECORD_CANCELED
    assert rig.refused(T.CANCEL_RECORD, record_handle=handle)[0] is E.INVALID_PARAMETER


def test_a_number_is_put_on_the_do_not_call_list():
    rig = Rig()
    told = rig.ask(T.DO_NOT_CALL, phone="+12125550003")
    assert told[keys.MESSAGE_TYPE] == T.DO_NOT_CALL_PROCESSED
    (entry,) = rig.bench.wait(rig.bench.memory.do_not_call())
    assert (entry.phone, entry.origin, entry.requested_by) == ("+12125550003", "communication dn", "crm")
    assert rig.bench.context.do_not_call.blocks(CAMPAIGN, "+12125550003", None) is not None


def test_errors_of_requests_about_records():
    rig = Rig()
    assert rig.refused(T.DO_NOT_CALL, phone="12")[0] is E.INVALID_PARAMETER
    assert rig.refused(T.DO_NOT_CALL, phone="+12125550003", campaign_name="none")[0] is E.CAMPAIGN_NOT_FOUND
    assert rig.refused(T.DO_NOT_CALL, phone="+12125550003", calling_list="none")[0] is E.INVALID_PARAMETER
    assert rig.refused(T.CANCEL_RECORD, record_handle=4711)[0] is E.INVALID_PARAMETER
    rig.bench.store.go_away()
    assert rig.refused(T.CANCEL_RECORD, phone="+12125550001")[0] is E.SERVER_CONNECTION_ERROR


def test_requests_in_the_form_of_a_desktop_are_answered_in_that_form():
    rig = Rig()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_PHONE", "+12125550003"),
                                     ("GSW_REFERENCE_ID", "a")), "crm")
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "RequestRecordCancel"), ("GSW_PHONE", "+12125550004"),
                                     ("GSW_APPLICATION_ID", 1), ("GSW_CAMPAIGN_NAME", CAMPAIGN), ("GSW_REFERENCE_ID", 2)), "crm")
    rig.bench.pass_(0)
    told = rig.said()
    assert [(one["GSW_USER_EVENT"], one["GSW_REFERENCE_ID"]) for one in told] == [
        ("DoNotCallAcknowledge", "a"), ("RecordCancelAcknowledge", 2)]
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "PreviewRecordRequest"), ("GSW_CAMPAIGN_NAME", CAMPAIGN)), "crm")
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_REFERENCE_ID", 4)), "crm")
    assert [one["GSW_ERROR_NUMBER"] for one in rig.said()] == [1, 2]
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_PHONE", "+12125550003")), "evil")
    rig.bench.pass_(0)
    assert rig.said() == []


def test_a_record_is_added_and_the_record_of_a_call_is_settled_in_the_form_of_a_desktop():
    rig = Rig([record(1)], mode=DialingMode.PREVIEW, running=True)
    rig.said()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "AddRecord"), ("GSW_PHONE", "+12125550099"), ("GSW_REFERENCE_ID", 1),
                                     ("GSW_CALLING_LIST", "list"), ("CustomerName", "Ada")), "crm")
    rig.bench.pass_(0)
    (told,) = rig.said()
    assert (told["GSW_USER_EVENT"], told["GSW_REFERENCE_ID"], told["GSW_CALLING_LIST"]) == ("AddRecordAcknowledge", 1, "list")
    assert rig.bench.record(2).fields["name"] == "Ada"
    rig.bench.ready("7001")
    preview = rig.bench.preview()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_RECORD_HANDLE", preview.record_handle),
                                     ("GSW_CALL_RESULT", 33), ("GSW_REFERENCE_ID", 2)), "crm")
    rig.bench.pass_(0)
    told = [one for one in rig.said() if one.get("GSW_REFERENCE_ID") == 2]
    assert [one["GSW_USER_EVENT"] for one in told] == ["RecordProcessedAcknowledge"]


def test_every_request_of_the_index_has_been_asked_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind.name for kind in REQUESTS if f"T.{kind.name}" not in text] == []
    possible = {code for kind in REQUESTS.values() for code in kind.errors}
    assert [code.name for code in possible if f"E.{code.name}" not in text] == []


def test_what_another_server_has_loaded_is_loaded_already():
    rig = Rig()
    peers = FakePeers()
    peers.loads.add("spring@sales")
    rig.bench.context.peers = peers
    assert rig.refused(T.LOAD_CAMPAIGN)[0] is E.CAMPAIGN_ALREADY_LOADED
    assert rig.session.state is SessionState.NOT_LOADED


def test_what_is_unloaded_while_it_is_loaded_is_not_loaded():
    rig = Rig()
    rig.bench.store.held.add("recover")
    reference = rig.tell(T.LOAD_CAMPAIGN, session_id=1)
    forced = rig.tell(T.FORCE_UNLOAD_CAMPAIGN, session_id=1)
    rig.bench.store.release()
    rig.bench.pass_(0)
    told = {one[keys.REFERENCE_ID]: one for one in rig.said()}
    assert told[reference][keys.ERROR_CODE] == E.CAMPAIGN_NOT_LOADED
    assert told[forced][keys.MESSAGE_TYPE] == T.CAMPAIGN_UNLOADED and rig.session.state is SessionState.NOT_LOADED
