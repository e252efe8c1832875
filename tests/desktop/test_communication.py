"""Third parties on the Communication DN: who is heard, which errors they are told, and that no request is left out."""
from __future__ import annotations

from pathlib import Path

import pytest

from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.results import DialingMode
from ocs.dialing.session import SessionState
from protocols.attributes import KVList
from protocols.communication import keys
from protocols.communication.index import REQUESTS, CampaignErrorCode, MessageType
from tests.desktop.third_party import CRM, DN, E, Rig, T


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


def test_every_request_of_the_index_has_been_asked():
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_communication*.py"))
    assert [kind.name for kind in REQUESTS if f"T.{kind.name}" not in text] == []
    possible = {code for kind in REQUESTS.values() for code in kind.errors}
    assert [code.name for code in possible if f"E.{code.name}" not in text] == []
