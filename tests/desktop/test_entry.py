"""The entry by user events: who is answered, how often, and what agents hear without asking."""
from __future__ import annotations

import pytest

from ocs.dialing.results import RecordStatus
from ocs.dialing.values import DoNotCallEntry
from ocs.scheduler.context import EngineOptions
from protocols.attributes import KVList
from protocols.desktop import keys
from protocols.desktop.build import build_request
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType
from protocols.errors import RequestTimedOut
from tests.scheduler.bench import CAMPAIGN, PREVIEW, Bench, chain, one, record


def sent(bench: Bench, user_data: KVList, dn: str = "7001") -> list:
    """What a desktop hears after it sent this."""
    before = len(bench.heard)
    bench.switch.user_event(dn, user_data)
    return [event for _, event in bench.heard[before:]]


# -- answers ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reference_id", [7, "seven", 0, 2 ** 40])
def test_an_answer_repeats_the_reference_id_as_it_came(reference_id):
    bench = Bench(one())
    bench.login("7001")
    request = build_request("PreviewDialingModeStart", application_id=1, campaign_name=CAMPAIGN)
    (answer,) = sent(bench, (*request, (keys.REFERENCE_ID, reference_id)))
    assert answer.reference_id == reference_id and answer.application_id == 1 and answer.campaign_name == CAMPAIGN
    (error,) = sent(bench, ((keys.REQUEST, "RecordProcessed"), (keys.REFERENCE_ID, reference_id)))
    assert error.failed and error.reference_id == reference_id


@pytest.mark.parametrize("name", ["PreviewDialingModeStart", "PreviewDialingModeOver", "LogOut"])
def test_a_request_that_needs_nothing_is_acknowledged(name):
    bench = Bench(one())
    bench.login("7001")
    assert bench.ask("7001", name).name == f"{name}Acknowledge"


def test_an_unknown_request_is_refused_by_its_name():
    bench = Bench(one())
    (answer,) = sent(bench, ((keys.REQUEST, "RecordProceed"), (keys.APPLICATION_ID, 1)))
    assert answer.error_number == 1 and "RecordProceed" in answer.error


def test_a_request_for_another_application_is_that_ones_affair():
    bench = Bench(one(), options=EngineOptions(application_id=5))
    bench.login("7001")
    assert sent(bench, build_request("PreviewDialingModeStart", application_id=6, campaign_name=CAMPAIGN)) == []
    assert sent(bench, ((keys.REQUEST, "Nonsense"), (keys.APPLICATION_ID, 6))) == []
    assert len(sent(bench, build_request("PreviewDialingModeStart", application_id=5, campaign_name=CAMPAIGN))) == 1


@pytest.mark.parametrize("campaign", ["autumn", "", "x" * 200])
def test_a_campaign_that_is_not_the_agents_is_not_found(campaign):
    bench = Bench(one())
    bench.login("7001")
    answer = bench.ask("7001", "LogOut", campaign_name=campaign or "spring@other")
    assert answer.error_number == 3


def test_a_campaign_group_is_found_by_both_names():
    bench = Bench(one())
    bench.login("7001")
    assert bench.ask("7001", "LogOut", campaign_name="spring@sales").name == "LogOutAcknowledge"


def test_a_request_from_a_dn_that_is_no_agents_is_refused():
    bench = Bench(one())
    assert bench.ask("6001", "LogOut").error_number == 3


def test_a_campaign_that_is_not_loaded_says_so():
    bench = Bench(one(), running=False)
    bench.up()
    bench.session.watch_dns()
    bench.login("7001")
    assert bench.ask("7001", "LogOut").error_number == 4


JUNK: list[KVList] = [
    (), (("x", "y"),), ((keys.REQUEST, 5),), ((keys.REQUEST, b"\xff"),), ((keys.REQUEST, ()),),
    ((keys.REQUEST, "RecordProcessed"), (keys.APPLICATION_ID, (("a", 1),))),
    ((keys.REQUEST, "RecordProcessed"), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, b"spring"), (keys.RECORD_HANDLE, 1)),
    ((keys.REQUEST, "RecordProcessed"), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN), (keys.RECORD_HANDLE, "²")),
    ((keys.REQUEST, "DoNotCall"), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN), (keys.PHONE, ())),
    ((keys.REQUEST, "RecordProcessed"), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN), (keys.RECORD_HANDLE, -1)),
    ((keys.REQUEST, "RecordReschedule"), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN),
     (keys.RECORD_HANDLE, 1), (keys.DATE_TIME, "31.12.2026"), (keys.CALLBACK_TYPE, "Campaign")),
    ((keys.REQUEST, "RecordProcessed"), (keys.USER_EVENT, "x"), (keys.APPLICATION_ID, 1)),
    ((keys.REQUEST, "x" * 60_000),), ((keys.REQUEST, "CampaignStatusRequest"), (keys.CAMPAIGN_NAME, 3)),
]


@pytest.mark.parametrize("user_data", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_or_ignored_and_changes_nothing(user_data):
    bench = Bench(one())
    bench.login("7001")
    before = bench.records()
    answers = sent(bench, user_data)
    assert len(answers) <= 1 and all(answer.failed for answer in answers)
    assert bench.records() == before and bench.ask("7001", "LogOut").name == "LogOutAcknowledge"


def test_so_many_requests_of_one_desk_may_be_under_way_and_the_next_is_refused():
    bench = Bench(one(), mode=PREVIEW)
    bench.login("7001", "7002")
    bench.store.held.add("save")
    waiting = [bench.tell("7001", "DoNotCall", phone=f"+1212777{n:04d}") for n in range(100)]
    answer = bench.ask("7001", "LogOut")
    assert answer.error_number == 11 and "100 requests" in (answer.error or "")
    assert bench.ask("7002", "LogOut").name == "LogOutAcknowledge"
    bench.store.release()
    assert all(len(bench.answers(reference_id)) == 1 for reference_id in waiting)
    assert bench.ask("7001", "LogOut").name == "LogOutAcknowledge"


def test_a_desktop_that_cannot_be_told_harms_nobody(logged):
    bench = Bench(one())
    bench.ready("7001")
    asked = bench.talk()
    bench.hang_up(asked)
    bench.switch.silent.add("distribute_user_event")
    bench.tell("7001", "RecordProcessed", record_handle=bench.holder().handle)
    bench.switch.fail(bench.switch.of("distribute_user_event")[-1], RequestTimedOut("user event", 10.0))
    assert bench.record().record_status is RecordStatus.UPDATED and not bench.session.held
    assert any("7001" in text and "not told" in text for text in logged.texts())


# -- do-not-call without a record ---------------------------------------------------------------------------------
def test_do_not_call_by_phone_is_acknowledged_when_it_is_saved_and_counts_at_once():
    bench = Bench(one())
    bench.login("7001")
    bench.store.held.add("save")
    reference_id = bench.tell("7001", "DoNotCall", phone="+1 212-555-0001")
    assert bench.answers(reference_id) == [] and bench.context.do_not_call.blocks("any", "+12125550001") == "phone"
    bench.store.release()
    assert bench.answers(reference_id)[0].name == "DoNotCallAcknowledge"
    assert [entry.phone for entry in bench.wait(bench.memory.do_not_call())] == ["+12125550001"]
    bench.ready("7001")
    bench.pass_(5)
    assert bench.switch.dialed == []


def test_do_not_call_entries_tell_the_list_that_they_are_about():
    bench = Bench([*chain(1, 2), record(3)])
    bench.ready("7001")
    bench.talk()
    bench.ask("7001", "DoNotCall", record_handle=bench.holder().handle)
    bench.ask("7001", "DoNotCall", phone="+12125550009")
    bench.ask("7001", "DoNotCall", phone="+12125550010", calling_list="list")
    assert {entry.phone: entry.list_dbid for entry in bench.wait(bench.memory.do_not_call())} == {
        "+12125550001": 1, "+12125550009": 0, "+12125550010": 1}


def test_do_not_call_by_customer_is_saved():
    bench = Bench(one())
    bench.login("7001")
    bench.ask("7001", "DoNotCall", customer_id="C7")
    (entry,) = bench.wait(bench.memory.do_not_call())
    assert entry == DoNotCallEntry(customer_id="C7", internal=True, time_stamp=int(bench.clock.wall()))


@pytest.mark.parametrize("phone", ["0171 234567", "+0123456789", "+12", "+1212555000x", "911", "+" + "1" * 40])
def test_a_phone_that_could_never_match_is_refused_and_blocks_nothing(phone):
    bench = Bench(one())
    bench.login("7001")
    answer = bench.ask("7001", "DoNotCall", phone=phone)
    assert answer.error_number == 2 and "GSW_PHONE" in (answer.error or "") and not len(bench.context.do_not_call)


def test_do_not_call_for_a_list_that_the_campaign_has_not_is_refused():
    bench = Bench(one())
    bench.login("7001")
    assert bench.ask("7001", "DoNotCall", phone="+12125550001", calling_list="nowhere").error_number == 7
    assert not len(bench.context.do_not_call)
    assert bench.ask("7001", "DoNotCall", phone="+12125550001", calling_list="list").name == "DoNotCallAcknowledge"


def test_do_not_call_that_cannot_be_saved_is_an_error_but_counts_here():
    bench = Bench(one())
    bench.login("7001")
    bench.store.failing.add("save")
    assert bench.ask("7001", "DoNotCall", phone="+12125550001").error_number == 10
    assert bench.context.do_not_call.blocks("any", "+12125550001") == "phone"


def test_a_personal_callback_needs_an_agent():
    bench = Bench(one(), mode=PREVIEW)
    bench.login("7001")
    event = bench.preview()
    bench.agents._agents.clear()
    answer = bench.ask("7001", "RecordReschedule", record_handle=event.record_handle,
                       date_time=parse_date_time("03/11/2026 10:30"), callback_type=CallbackType.PERSONAL)
    assert answer.error_number == 2 and "GSW_CALLBACK_TYPE" in (answer.error or "")


# -- campaigns ----------------------------------------------------------------------------------------------------
def test_agents_hear_of_every_change_of_their_session_and_only_who_is_logged_in():
    bench = Bench(one(), running=False)
    bench.up()
    bench.session.watch_dns()
    bench.login("7001")
    bench.begin()
    bench.session.stop()
    bench.session.start()
    bench.session.unload()
    assert bench.news("7001") == ["CampaignLoaded", "CampaignStarted"]      # the others are told on the next turn
    bench.pass_(0)
    assert bench.news("7001") == ["CampaignLoaded", "CampaignStarted", "CampaignStopped", "CampaignStarted",
                                  "CampaignStopped", "CampaignUnloaded"]
    assert bench.news("7002") == []
    started = next(event for _, event in bench.heard if event.name == "CampaignStarted")
    assert (started.campaign_name, started.campaign_group_name, started.campaign_mode) == (
        "spring", "spring@sales", "Progressive")


def test_an_answer_and_a_record_that_is_taken_back_come_behind_the_news_that_waits():
    bench = Bench(one(), mode=PREVIEW)
    bench.login("7001", "7002")
    bench.preview()
    before = len(bench.heard)
    bench.session.stop()
    assert len(bench.heard) == before
    bench.ask("7002", "RequestRecordCancel", phone="+12125550001")
    told = bench.heard[before:]
    assert [event.name for dn, event in told if dn == "7001"] == ["CampaignStopped", "RecordCancel"]
    assert [event.name for dn, event in told if dn == "7002"] == ["CampaignStopped", "RecordCancelAcknowledge"]
    bench.pass_(0)
    assert len(bench.heard) == before + 4


def test_an_agent_who_logs_in_hears_how_the_session_stands():
    bench = Bench(one())
    bench.login("7001")
    assert bench.news("7001") == ["CampaignStarted"]
    bench.session.stop()
    bench.login("7002")
    assert bench.news("7002") == ["CampaignLoaded"]
    bench.session.force_unload()
    bench.login("7003")
    assert bench.news("7003") == []


def test_a_status_request_is_answered_with_the_campaigns_state_under_its_reference_id():
    bench = Bench(one())
    bench.login("7001")
    assert bench.ask("7001", "CampaignStatusRequest", campaign_name=None).name == "CampaignStarted"
    bench.session.stop()
    assert bench.ask("7001", "CampaignStatusRequest").name == "CampaignLoaded"
    assert bench.ask("7001", "CampaignStatusRequest", campaign_name="autumn").error_number == 3
    bench.session.unload()
    assert bench.ask("7001", "CampaignStatusRequest", campaign_name=None).error_number == 3


def test_a_status_request_needs_no_application_id():
    bench = Bench(one())
    bench.login("7001")
    (answer,) = sent(bench, ((keys.REQUEST, "CampaignStatusRequest"),))
    assert answer.name == "CampaignStarted" and answer.application_id == 1
