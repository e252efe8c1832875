"""The server's HTTP port: records by their handles, notifications, health."""
from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from ocs.app.web.records import ACTIONS
from ocs.app.web.routes import HttpServerOptions, Routes
from ocs.dialing.call import SwitchEvent
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.http_server import Asked, Reply
from ocs.options import load
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
        self.routes = Routes(self.bench.engine, lambda: self.is_up, self.obn)
        self.conn_id = self.bench.switch.dialed[0].conn_id
        self.bench.switch.call_event(E.ESTABLISHED, self.conn_id, "6800")
        self.bench.switch.call_event(E.TREATMENT_APPLIED, self.conn_id, "6800")
        self.handle = self.bench.of_conn(self.conn_id).handle

    def ask(self, method: str, *path: str, req: str = "", body: Any = b"") -> Reply:
        given = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.routes.respond(Asked(method, path, {"req": req} if req else {}, given))
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
            (site.act("AddRecord"), 400, ACTIONS[0]), (site.act(""), 400, "req"),
            (site.act("RecordProcessed", handle=site.handle + 50), 404, "Record Not Found"),
            (site.act("RecordProcessed", handle="x1"), 404, "Record Not Found"),
            (site.ask("GET", "records", "77"), 404, "Record Not Found"),
            (site.ask("PUT", "records", str(site.handle)), 405, "PUT"),
            (site.ask("GET", "lists", "spring"), 404, "no such resource")):
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
    assert HttpServerOptions(enabled=True, trusted_peers=()).problems() and HttpServerOptions(public_uri="ocs").problems()
    assert HttpServerOptions(enabled=True).problems() == []
