"""The server's HTTP port: records by their handles, notifications, health."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from ocs.app.web.public import CAMPAIGN_ACTIONS, LIST_ACTIONS, RECORD_ACTIONS, TARGET_ACTIONS, PublicUris
from ocs.app.web.rates import Rates
from ocs.app.web.routes import HttpServerOptions, Routes
from ocs.desktop.campaigns import CampaignOperations
from ocs.dialing.call import SwitchEvent
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.http_server import Asked, Reply
from ocs.options import load
from ocs.scheduler.context import EngineOptions
from protocols.obn.messages import RequestResult, RequestStatus, encode
from tests.scheduler.bench import Bench, record

E = SwitchEvent


class Told:
    """A link that takes notifications."""

    def __init__(self) -> None:
        self.heard: list[RequestStatus] = []

    def told(self, status: RequestStatus) -> bool:
        self.heard.append(status)
        return len(self.heard) == 1


class Site:
    """A call in an application, and the port."""

    def __init__(self) -> None:
        self.bench = Bench([record(n) for n in range(1, 4)], mode=DialingMode.POWER_GVP, trunk_group_dn="6800",
                           ivr_profile="poll", maximum_queue_size=1, voice_transfer_destination="")
        self.is_up, self.obn = True, Told()
        self.campaigns = CampaignOperations(self.bench.engine)
        public = PublicUris(self.bench.engine, self.campaigns, self.bench.desktops.reception.operations)
        self.routes = Routes(public, lambda: self.is_up, self.obn, Rates(1_000.0, 1_000), self.bench.clock)
        self.conn_id = self.bench.switch.dialed[0].conn_id
        self.bench.switch.call_event(E.ESTABLISHED, self.conn_id, "6800")
        self.bench.switch.call_event(E.TREATMENT_APPLIED, self.conn_id, "6800")
        self.handle = self.bench.of_conn(self.conn_id).handle

    def ask(self, method: str, *path: str, req: str = "", body: Any = b"") -> Reply:
        given = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.routes.respond(Asked(method, path, {"req": req} if req else {}, given, peer="10.0.0.9"))
        found: list[Any] = []
        if isinstance(answer, Deferred):
            answer.addBoth(found.append)
        else:
            found.append(answer)
        assert found and isinstance(found[0], Reply), found
        return found[0]

    def act(self, req: str, body: Any = b"", handle: int | str | None = None) -> Reply:
        return self.ask("POST", "records", str(self.handle if handle is None else handle), req=req, body=body)

    def hang_up(self) -> None:
        self.bench.switch.over(self.conn_id, "6800")
        self.bench.pass_(0)


def test_an_application_settles_the_record_of_its_call() -> None:
    site = Site()
    answer = site.act("RecordProcessed", {"GSW_CALL_RESULT": "40", "Age": 41})
    assert answer.status == 200 and answer.body["GSW_USER_EVENT"] == "RecordProcessedAcknowledge"
    assert site.bench.record(1).call_result is CallResult.WRONG_PARTY and site.bench.record(1).fields["age"] == 41
    site.hang_up()
    (attempt,) = site.bench.attempts(1)
    assert attempt.call_result is CallResult.WRONG_PARTY and attempt.ended_at is not None


def test_every_action_does_what_a_desktops_request_does() -> None:
    when = {"GSW_DATE_TIME": "03/11/2026 15:00", "GSW_CALLBACK_TYPE": "Campaign"}
    site = Site()
    assert site.act("RecordReschedule", when).status == 200
    assert site.bench.record(1).record_status is RecordStatus.READY and site.bench.record(1).dial_sched_time is not None
    site = Site()
    assert site.act("DoNotCall").status == 200
    assert site.bench.record(1).call_result is CallResult.DO_NOT_CALL
    (entry,) = site.bench.wait(site.bench.memory.do_not_call())
    assert (entry.phone, entry.origin) == ("+12125550001", "http")
    site = Site()
    assert site.act("RequestRecordCancel", {"GSW_CHAIN_ATTR": "AllChain"}).status == 200
    assert site.bench.record(1).record_status is RecordStatus.CANCELLED
    site = Site()
    assert site.act("UpdateCallCompletionStats", {"GSW_CALL_RESULT": 33, "CustomerName": "Bob"}).status == 200
    assert site.bench.holder(1).record.fields["name"] == "Bob"
    assert site.act("RecordReject").status == 404        # it is dialed already


def test_a_record_shows_itself() -> None:
    site = Site()
    shown = site.ask("GET", "records", str(site.handle))
    assert shown.status == 200 and shown.body["GSW_PHONE"] == "+12125550001" and shown.body["CustomerName"] == "Person 1"


def test_what_is_wrong_is_told_with_its_key_and_changes_nothing() -> None:
    site = Site()
    for reply, status, words in (
            (site.act("RecordProcessed", b"{nonsense"), 400, "no JSON object"),
            (site.act("RecordProcessed", {"GSW_CALL_RESULT": 99}), 400, "GSW_CALL_RESULT"),
            (site.act("RecordProcessed", {"GSW_CALL_RESULT": [1]}), 400, "GSW_CALL_RESULT"),
            (site.act("RecordProcessed", {"Age": "old"}), 400, "Age"),
            (site.act("RecordReschedule", {"GSW_DATE_TIME": "soon", "GSW_CALLBACK_TYPE": "Campaign"}), 400, "GSW_DATE_TIME"),
            (site.act("AddRecord"), 400, RECORD_ACTIONS[0]), (site.act(""), 400, "req"),
            (site.act("RecordProcessed", handle=site.handle + 50), 404, "Record Not Found"),
            (site.act("RecordProcessed", handle="x1"), 404, "Record Not Found"),
            (site.ask("GET", "records", "77"), 404, "Record Not Found"),
            (site.ask("PUT", "records", str(site.handle)), 405, "PUT"),
            (site.ask("GET", "lists", "list"), 405, "GET"), (site.ask("POST", "people", "7"), 404, "no such resource"),
            (site.ask("POST", "records"), 404, "no such resource"), (site.ask("GET", "api", "v1", "links"), 404, "no such")):
        assert reply.status == status and words in reply.body["GSW_ERROR"] and reply.body["GSW_ERROR_NUMBER"], reply
    assert site.bench.record(1).record_status is RecordStatus.RETRIEVED


def test_the_uri_says_which_record_whatever_the_body_says() -> None:
    site = Site()
    answer = site.act("RecordProcessed", {"GSW_RECORD_HANDLE": 1, "GSW_AGENT_REQ_TYPE": "DoNotCall", "GSW_APPLICATION_ID": 9,
                                          "GSW_USER_EVENT": "x", "GSW_CAMPAIGN_NAME": "none"})
    assert answer.status == 200 and answer.body["GSW_RECORD_HANDLE"] == site.handle


def test_a_server_that_is_not_up_says_so() -> None:
    site = Site()
    assert site.ask("GET", "healthz") == Reply(200, {"status": "up"})
    site.is_up = False
    assert site.ask("GET", "healthz").status == 503 and site.act("RecordProcessed").status == 503
    assert site.ask("POST", "healthz").status == 405


def test_a_notification_is_answered_as_often_as_it_comes() -> None:
    site = Site()
    body = encode(RequestStatus(token="T1", request_id="r", result=RequestResult.SUCCESS, attempts=1))
    assert [site.ask("POST", "obn", "notifications", body=body) for _ in range(2)] == [
        Reply(200, {"followed": True}), Reply(200, {"followed": False})]
    assert site.ask("POST", "obn", "notifications", body=b'{"Token": "T1"}').status == 400
    assert site.ask("GET", "obn", "notifications").status == 405


def test_the_options_of_the_port() -> None:
    assert load(HttpServerOptions, {"port": 80}).base(80) == "http://127.0.0.1:80"
    assert load(HttpServerOptions, {"host": "::1"}).base(81) == "http://[::1]:81"
    assert load(HttpServerOptions, {"public_uri": "https://ocs.example/"}).base(81) == "https://ocs.example"
    assert HttpServerOptions(enabled=True, trusted_peers=(), api=False).problems()
    assert HttpServerOptions(public_uri="ocs").problems()
    assert HttpServerOptions(enabled=True).problems() == []


# -- phones, customer ids, lists, campaign groups -----------------------------------------------------------------------
class Idle(Site):
    """The port of a server whose campaign is not loaded."""

    def __init__(self, **group: Any) -> None:
        self.bench = Bench([record(n) for n in range(1, 6)], running=False,
                           options=EngineOptions(customer_id_field="name"), **group)
        self.bench.up()
        self.is_up, self.obn = True, None
        self.campaigns = CampaignOperations(self.bench.engine)
        public = PublicUris(self.bench.engine, self.campaigns, self.bench.desktops.reception.operations)
        self.routes = Routes(public, lambda: self.is_up, self.obn, Rates(1_000.0, 1_000), self.bench.clock)

    def at(self, resource: str, name: str, req: str, body: Any = b"") -> Reply:
        return self.ask("POST", resource, name, req=req, body=body)


def test_a_number_is_not_to_be_called_any_more() -> None:
    site = Idle()
    answer = site.at("phones", "+12125550003", "DoNotCall", {"GSW_TENANT_DBID": "1", "GSW_CUSTOMER_ID": "other"})
    assert answer.status == 200 and answer.body["GSW_USER_EVENT"] == "DoNotCallAcknowledge"
    assert answer.body["GSW_PHONE"] == "+12125550003"
    (entry,) = site.bench.wait(site.bench.memory.do_not_call())
    assert (entry.phone, entry.customer_id, entry.origin, entry.requested_by) == ("+12125550003", None, "http", "10.0.0.9")


def test_a_customer_is_not_to_be_called_any_more_under_either_spelling() -> None:
    for resource in ("customer_ids", "customerids", "Customer_IDs"):
        site = Idle()
        assert site.at(resource, "Person 3", "DoNotCall", {"GSW_PHONE": "+12125550001"}).status == 200
        (entry,) = site.bench.wait(site.bench.memory.do_not_call())
        assert (entry.phone, entry.customer_id) == (None, "Person 3")


def test_records_are_cancelled_by_phone_and_by_customer_whether_their_campaign_is_loaded_or_not() -> None:
    site = Idle()
    answer = site.at("phones", "+12125550001", "RequestRecordCancel")
    assert answer.status == 200 and answer.body["GSW_USER_EVENT"] == "RecordCancelAcknowledge"
    site.bench.begin()
    assert site.at("customer_ids", "Person 2", "RequestRecordCancel", {"GSW_CAMPAIGN_NAME": "spring"}).status == 200
    assert [site.bench.record(n).record_status for n in (1, 2, 3)] == [
        RecordStatus.CANCELLED, RecordStatus.CANCELLED, RecordStatus.RETRIEVED]


def test_a_record_is_added_with_every_value_as_a_string() -> None:
    site = Idle()
    body = {"GSW_AGENT_ID": "", "GSW_CAMPAIGN_NAME": "spring", "GSW_PHONE": "+61299999999", "GSW_PHONE_TYPE": "2",
            "GSW_TZ_NAME": "AEST", "GSW_RECORD_TYPE": "Campaign Rescheduled", "GSW_DATE_TIME": "08/22/2030 14:30",
            "GSW_ATTEMPTS": "0", "GSW_CHAIN_ID": "", "CustomerName": "X", "Age": "33", "GSW_CALLING_LIST": "other"}
    answer = site.at("lists", "list", "AddRecord", body)
    assert answer.status == 200 and answer.body["GSW_USER_EVENT"] == "AddRecordAcknowledge", answer
    added = site.bench.record(6)
    assert (added.contact_info, added.fields) == ("+61299999999", {"name": "X", "age": 33}) and added.dial_sched_time is not None
    del body["GSW_CAMPAIGN_NAME"]
    assert site.at("lists", "list", "AddRecord", body).status == 200 and len(site.bench.records()) == 7


def test_a_number_without_plus_is_read_as_one_of_the_lists_country() -> None:
    site = Idle(calling_list={"phone_region": "GB"})
    answer = site.at("lists", "list", "AddRecord", {"GSW_PHONE": "020 7946 0958"})
    assert (answer.status, answer.body["GSW_PHONE"], site.bench.record(6).contact_info) == (200, *["+442079460958"] * 2)
    answer = site.at("lists", "list", "AddRecord", {"GSW_PHONE": "020 7946"})
    assert answer.status == 400 and "GSW_PHONE: '020 7946' is" in answer.body["GSW_ERROR"] and len(site.bench.records()) == 6


def test_a_campaign_group_is_loaded_started_changed_stopped_and_unloaded() -> None:
    site = Idle(mode=DialingMode.PREDICTIVE)
    told = [(answer.status, answer.body["GSW_USER_EVENT"], answer.body["GSW_CAMPAIGN_GROUP_STATUS"], answer.body["GSW_DIAL_MODE"])
            for answer in (
                site.at("campaigngroups", "1", "GetCampaignStatus"),
                site.at("campaigngroups", "1", "LoadCampaign", {"GSW_AUTO_COMPLETION": "1"}),
                site.at("campaigngroups", "1", "StartDialing", {"GSW_DIAL_MODE": "progressive"}),
                site.at("campaigngroups", "1", "SetDialingMode", {"GSW_DIAL_MODE": 1, "GSW_OPTIMIZE_BY": "busy-factor",
                                                                  "GSW_OPTIMIZE_GOAL": "80"}),
                site.ask("GET", "campaigngroups", "1"),
                site.at("campaigngroups", "1", "StopDialing"),
                site.at("campaigngroups", "1", "UnloadCampaign"),
                site.at("campaigngroups", "1", "LoadCampaign"),
                site.at("campaigngroups", "1", "ForceUnloadCampaign"))]
    assert told == [
        (200, "CampaignStatus", 0, 1), (200, "CampaignLoaded", 4, 1), (200, "DialingStarted", 5, 2),
        (200, "DialingModeChanged", 5, 1), (200, "CampaignStatus", 5, 1), (200, "DialingStopped", 4, 1),
        (200, "CampaignUnloaded", 0, 1), (200, "CampaignLoaded", 4, 1), (200, "CampaignUnloaded", 0, 1)]


def test_errors_of_the_other_resources() -> None:
    site = Idle()
    for reply, status, words in (
            (site.at("phones", "12", "DoNotCall"), 400, "GSW_PHONE"),
            (site.at("phones", "+12125550003", "AddRecord"), 400, TARGET_ACTIONS[0]),
            (site.at("phones", "+12125550003", "DoNotCall", {"GSW_TENANT_DBID": 2}), 400, "GSW_TENANT_DBID"),
            (site.at("phones", "+12125550003", "DoNotCall", {"GSW_CAMPAIGN_NAME": "none"}), 404, "Campaign Not Found"),
            (site.at("phones", "+12125550003", "DoNotCall", {"GSW_CALLING_LIST": "none"}), 404, "Calling List Not Found"),
            (site.at("phones", "+12129999999", "RequestRecordCancel"), 404, "Record Not Found"),
            (site.ask("GET", "phones", "+12125550003"), 405, "GET"),
            (site.at("customer_ids", "x" * 300, "DoNotCall"), 400, "GSW_CUSTOMER_ID"),
            (site.at("lists", "list", "DoNotCall"), 400, LIST_ACTIONS[0]),
            (site.at("lists", "none", "AddRecord", {"GSW_PHONE": "+12125550099"}), 404, "Calling List Not Found"),
            (site.at("lists", "list", "AddRecord"), 400, "GSW_PHONE"),
            (site.at("lists", "list", "AddRecord", {"GSW_PHONE": "+12125550099", "GSW_ATTEMPTS": "many"}), 400, "GSW_ATTEMPTS"),
            (site.at("lists", "list", "AddRecord", {"GSW_PHONE": "+12125550099", "GSW_TZ_NAME": "Nowhere"}), 400, "GSW_TZ_NAME"),
            (site.at("lists", "list", "AddRecord", b"[1]"), 400, "no JSON object"),
            (site.at("campaigngroups", "9", "LoadCampaign"), 404, "Campaign Group Not Found"),
            (site.at("campaigngroups", "spring", "LoadCampaign"), 404, "Campaign Group Not Found"),
            (site.at("campaigngroups", "1" * 5_000, "LoadCampaign"), 404, "Campaign Group Not Found"),
            (site.at("records", "1" * 5_000, "RecordProcessed"), 404, "Record Not Found"),
            (site.at("campaigngroups", "1", "Load"), 400, "LoadCampaign"),
            (site.at("campaigngroups", "1", "StartDialing"), 409, "Campaign Not Loaded"),
            (site.at("campaigngroups", "1", "LoadCampaign", {"GSW_AUTO_COMPLETION": 2}), 400, "GSW_AUTO_COMPLETION"),
            (site.at("campaigngroups", "1", "StartDialing", {"GSW_DIAL_MODE": "fast"}), 400, "GSW_DIAL_MODE"),
            (site.at("campaigngroups", "1", "StartDialing", {"GSW_OPTIMIZE_GOAL": "x"}), 400, "GSW_OPTIMIZE_GOAL"),
            (site.ask("PUT", "campaigngroups", "1"), 405, "PUT")):
        assert reply.status == status and words in reply.body["GSW_ERROR"] and reply.body["GSW_ERROR_NUMBER"], reply
    assert all(one.record_status is RecordStatus.READY for one in site.bench.records().values())
    site.bench.store.go_away()
    assert site.at("phones", "+12125550001", "RequestRecordCancel").status == 500
    assert site.at("campaigngroups", "1", "LoadCampaign").status == 500


def test_every_action_of_the_public_uris_has_been_asked_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    actions = (*RECORD_ACTIONS, *TARGET_ACTIONS, *LIST_ACTIONS, *CAMPAIGN_ACTIONS)
    assert [name for name in actions if f'"{name}"' not in text] == []


def test_who_asks_too_often_waits() -> None:
    site = Idle()
    site.routes._rates = Rates(1.0, 2)
    answers = [site.at("phones", "12", "DoNotCall") for _ in range(3)]
    assert [answer.status for answer in answers] == [400, 400, 429] and answers[2].headers == (("Retry-After", "2"),)
    assert site.ask("GET", "healthz").status == 200
    site.bench.clock.advance(1.0)
    assert site.at("phones", "12", "DoNotCall").status == 400
