"""Dial requests to a manager, on a virtual clock: posted until answered, asked for, told once, cancelled until heard."""
from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing.call import OBN_ORIGIN, CallEvent, PlacedCall, SwitchEvent
from ocs.interfaces import IObnLink
from ocs.links.http import HttpClient
from ocs.links.http_options import HttpOptions
from ocs.links.obn import ObnLink, ObnLinkOptions
from ocs.links.registry import Links
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused
from protocols.obn.messages import PlacedCall as Named
from protocols.obn.messages import RequestResult, RequestStatus
from tests.doubles.clock import VirtualClock
from tests.doubles.http import Asked, FakeAgent, refused

E, R = SwitchEvent, RequestResult
BASE = "http://127.0.0.1:7050"
DATA = (("GSW_CALL_ATTEMPT_GUID", "T1"), ("name", "Ann"), ("age", 40), ("nested", (("a", 1),)))
MORE = (("ivr-profile", "poll"), ("dialer-num-attempts", 2), ("dialer-ttl", 100),
        ("call_answer_type_recognition", "no_am_detection"))


class Bench:
    """A link, and what it told."""

    def __init__(self, up: bool = True) -> None:
        self.clock, self.agent = VirtualClock(), FakeAgent()
        client = HttpClient(self.agent, self.clock, HttpOptions())
        options = ObnLinkOptions(enabled=True, token="secret", poll_s=30.0, reconnect_min_s=1.0, reconnect_max_s=4.0)
        self.link = ObnLink(client, options, lambda: "http://127.0.0.1:8080/obn/notifications", self.clock, self.clock,
                            random.Random(1), Links(self.clock))
        self.link.listener = self
        self.events: list[tuple[SwitchEvent, int]] = []
        self.last: CallEvent | None = None
        self.ups: list[str] = []
        self.undialed: list[str] = []
        self.link.start()
        if up:
            self.next("GET", "/healthz").answer(200, {"status": "up"})
            self.clock.advance(0)

    def obn_up(self) -> None:
        self.ups.append("up")

    def obn_down(self, reason: str) -> None:
        self.ups.append("down")

    def obn_not_dialed(self, token: str, refused: bool) -> None:
        self.undialed.append(f"{token} refused" if refused else token)

    def call_event(self, event: CallEvent) -> None:
        assert (event.conn_id, event.dn, event.guid) == ("T1", OBN_ORIGIN, "T1")
        self.events.append((event.kind, event.call_state))
        self.last = event

    def next(self, method: str, path: str) -> Asked:
        """The one request that is not answered."""
        (one,) = self.agent.open
        assert (one.method, one.uri, one.header("Authorization")) == (method, BASE + path, "Bearer secret")
        return one

    def pass_(self, seconds: float) -> None:
        self.clock.pump([0.5] * int(seconds * 2))

    def dial(self) -> tuple[Asked, list[Any]]:
        fired: list[Any] = []
        asked: Deferred[str] = self.link.make_predictive_call(OBN_ORIGIN, "+12125550001", 25.0, DATA, MORE)
        asked.addBoth(fired.append)
        return self.next("POST", "/requests"), fired

    def taken(self) -> list[Any]:
        asked, fired = self.dial()
        asked.answer(200, {"ResponseType": "SUCCESS", "Token": "T1", "RequestID": "r-1"})
        return fired

    def tell(self, result: RequestResult, **values: Any) -> bool:
        return self.link.told(RequestStatus(token="T1", request_id="r-1", result=result, **values))


def named(conn_id: str) -> Named:
    return Named(conn_id=conn_id)


def test_a_request_says_everything_and_its_answer_is_awaited() -> None:
    bench = Bench()
    assert verifyObject(IObnLink, bench.link) and bench.link.up and bench.ups == ["up"]
    asked, fired = bench.dial()
    assert asked.json == {
        "Token": "T1", "Telnum": "+12125550001", "IVRProfileName": "poll", "MaxAttempts": 2, "TimeToLive": 100.0,
        "NotificationURL": "http://127.0.0.1:8080/obn/notifications", "RingingTimeout": 25.0,
        "AnswerTypeRecognition": "no_am_detection",
        "UserData": {"GSW_CALL_ATTEMPT_GUID": "T1", "name": "Ann", "age": 40}}
    assert fired == []
    asked.answer(200, {"ResponseType": "SUCCESS", "Token": "T1", "RequestID": "r-1"})
    assert fired == ["T1"] and len(bench.link) == 1 and bench.events == []


def test_a_request_that_is_refused_is_refused_with_its_code() -> None:
    bench = Bench()
    asked, fired = bench.dial()
    asked.answer(200, {"ResponseType": "FAILURE", "Token": "T1", "ReasonCode": 166, "Reason": "full"})
    assert isinstance(fired[0].value, RequestRefused) and fired[0].value.code == 166 and len(bench.link) == 0


def test_a_request_whose_answer_does_not_come_is_posted_again_with_what_is_left_of_its_life() -> None:
    bench = Bench()
    asked, fired = bench.dial()
    asked.fail(refused())
    bench.clock.advance(0)
    assert not bench.link.up and bench.ups == ["up", "down"] and fired == []
    bench.pass_(2)
    again = next(one for one in bench.agent.open if one.method == "POST")
    assert again.json["Token"] == "T1" and 97 < again.json["TimeToLive"] < 99.9
    again.answer(200, {"ResponseType": "SUCCESS", "Token": "T1", "RequestID": "r-1"})
    bench.clock.advance(0)
    assert fired == ["T1"] and bench.link.up and bench.ups == ["up", "down", "up"]


def test_news_become_events_of_a_call_each_once() -> None:
    bench = Bench()
    bench.taken()
    for _ in range(2):
        assert bench.tell(R.DIALING, attempts=1, dialed_at=5.0)
    assert bench.events == [(E.DIALING, 0)] and bench.last is not None and bench.last.at == 5.0
    for _ in range(2):
        assert bench.tell(R.CONNECTED, attempts=1, call_uuid="U")
    assert bench.tell(R.SUCCESS, attempts=1, ended_at=9.0)
    assert bench.events == [(E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0), (E.RELEASED, 0)]
    assert bench.last.at == 9.0 and len(bench.link) == 0
    assert not bench.tell(R.SUCCESS, attempts=1) and len(bench.events) == 4


def test_a_result_alone_tells_the_whole_course() -> None:
    for result, call_state, told in (
            (R.SUCCESS, 0, [(E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0), (E.RELEASED, 0)]),
            (R.SUCCESS, 21, [(E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0), (E.RELEASED, 21)]),
            (R.FAILED, 9, [(E.DIALING, 0), (E.RELEASED, 9)]), (R.EXPIRED, 7, [(E.DIALING, 0), (E.RELEASED, 7)]),
            (R.FAILED, 28, [(E.VANISHED, 0)])):
        bench = Bench()
        bench.taken()
        assert bench.tell(result, attempts=2, call_state=call_state)
        assert bench.events == told and bench.undialed == []


def test_a_request_that_ended_without_a_call_is_told_apart() -> None:
    for result in (R.EXPIRED, R.CANCELLED):
        bench = Bench()
        bench.taken()
        bench.tell(result)
        assert bench.undialed == ["T1"] and bench.events == []
    bench = Bench()
    bench.taken()
    bench.tell(R.FAILED, call_state=41)
    assert bench.undialed == ["T1 refused"]


def test_events_name_the_calls_of_the_switch() -> None:
    bench = Bench()
    bench.taken()
    bench.tell(R.DIALING, attempts=1, conn_id="01", call_uuid="U1")
    assert bench.last is not None and bench.last.placed == (PlacedCall("01", "U1"),)
    bench.tell(R.FAILED, attempts=3, call_state=28, earlier=(named("01"), named("02")))
    assert [one.conn_id for one in bench.last.placed] == ["01", "02", ""]


def test_a_result_that_was_lost_is_asked_for() -> None:
    bench = Bench()
    bench.taken()
    bench.pass_(31)
    bench.next("GET", "/requests/T1").answer(200, {"Token": "T1", "RequestID": "r-1", "Result": "dialing", "Attempts": 1})
    assert bench.events == [(E.DIALING, 0)]
    bench.pass_(31)
    result = {"Token": "T1", "RequestID": "r-1", "Result": "failed", "Attempts": 1, "CallState": 6}
    bench.next("GET", "/requests/T1").answer(200, result)
    assert bench.events[1:] == [(E.RELEASED, 6)] and len(bench.link) == 0
    bench.pass_(100)
    assert bench.agent.open == []


def test_a_request_of_an_earlier_run_is_asked_for_and_one_that_is_not_known_has_vanished() -> None:
    for answer, told in (((404, {"error": "no"}), [(E.VANISHED, 0)]),
                         ((200, {"Token": "T1", "RequestID": "r", "Result": "failed", "Attempts": 1, "CallState": 7}),
                          [(E.DIALING, 0), (E.RELEASED, 7)])):
        bench = Bench()
        bench.link.resume("T1", bench.clock.wall() + 50)
        bench.next("GET", "/requests/T1").fail(refused())
        bench.pass_(2)
        next(one for one in bench.agent.open if "T1" in one.uri).answer(*answer)
        assert bench.events == told and len(bench.link) == 0


def test_what_is_not_wanted_any_more_is_cancelled_until_that_is_heard() -> None:
    bench = Bench()
    bench.taken()
    bench.link.release_call(OBN_ORIGIN, "T1")
    bench.link.release_call(OBN_ORIGIN, "T1")
    bench.next("DELETE", "/requests/T1?release=1").fail(refused())
    bench.pass_(2)
    again = next(one for one in bench.agent.open if one.method == "DELETE")
    again.answer(200, {"Token": "T1", "RequestID": "r-1", "Result": "cancelled"})
    assert bench.undialed == ["T1"]
    other = Bench()
    other.taken()
    other.link.withdraw("T1")
    other.next("DELETE", "/requests/T1").answer(404, {"error": "no"})
    assert other.undialed == []


def test_answers_that_are_none_are_no_answers() -> None:
    bench = Bench()
    asked, fired = bench.dial()
    for body in (b"OK", b"[1]", {"ResponseType": "MAYBE"}, {"ResponseType": "SUCCESS", "Token": "other"}):
        asked.answer(200, body)
        assert fired == []
        bench.pass_(5)
        asked = next(one for one in bench.agent.open if one.method == "POST")
    asked.answer(503, {"error": "x"})
    assert fired == [] and not bench.link.up


def test_a_dial_without_a_name_or_a_life_is_an_error_here_and_a_stop_ends_everything() -> None:
    bench = Bench()
    for data, more in (((), MORE), (DATA, ())):
        failed: list[Any] = []
        bench.link.make_predictive_call(OBN_ORIGIN, "+12125550001", 25.0, data, more).addErrback(failed.append)
        assert isinstance(failed[0].value, LocalProtocolError)
    asked, fired = bench.dial()
    bench.link.stop()
    assert isinstance(fired[0].value, LinkLost)
    asked.fail(refused())
    bench.clock.advance(0)
    assert [call for call in bench.clock.getDelayedCalls()] == [] and bench.ups == ["up"]


def test_while_the_manager_is_away_it_is_looked_for() -> None:
    bench = Bench(up=False)
    bench.next("GET", "/healthz").fail(refused())
    assert not bench.link.up and bench.ups == []
    bench.pass_(2)
    bench.next("GET", "/healthz").answer(200, {"status": "up"})
    bench.clock.advance(0)
    assert bench.link.up and bench.ups == ["up"]
    status = bench.link.record.status
    assert status.up and (status.name, status.peer, status.tls) == ("obn", "127.0.0.1:7050", False)
    bench.link.stop()
    assert not bench.link.record.status.up


def test_more_requests_than_the_client_takes_wait_and_the_manager_is_not_away_for_that() -> None:
    bench = Bench()
    bench.link._client = HttpClient(bench.agent, bench.clock, HttpOptions(connection_pool_size=1, requests_waiting=0))
    for token in ("T1", "T2"):
        bench.link.make_predictive_call(OBN_ORIGIN, "+12125550001", 25.0, (("GSW_CALL_ATTEMPT_GUID", token),), MORE)
    bench.next("POST", "/requests").answer(200, {"ResponseType": "SUCCESS", "Token": "T1", "RequestID": "r-1"})
    assert bench.link.up
    bench.pass_(2)
    assert bench.next("POST", "/requests").json["Token"] == "T2"
