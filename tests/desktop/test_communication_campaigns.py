"""Third parties on the Communication DN: orders to campaign groups, their answers, and the news of them."""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.results import DialingMode
from ocs.dialing.session import SessionState
from ocs.scheduler.live import prepared
from ocs.scheduler.mode_change import Course
from protocols.communication import keys
from tests.desktop.third_party import DN, E, Rig, T, short
from tests.doubles.peers import FakePeers
from tests.scheduler.bench import CAMPAIGN, record


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
