"""The manager on a virtual clock: lines by command, a journal on disk, posts that a test answers."""
from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, execute, fail, succeed

from ocs.options import load, load_file, sample
from ocs.servers.obn.config import ObnOptions
from ocs.servers.obn.journal import Journal
from ocs.servers.obn.requests import DialRequests, read_request
from protocols.errors import LinkLost, RemoteProtocolError, RequestRefused
from protocols.obn.messages import (
    Answer,
    CreateRequest,
    PlacedCall,
    RequestResult,
    RequestStatus,
    ResponseType,
    decode,
    encode,
)
from tests.doubles.clock import VirtualClock

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-obn.toml"
R = RequestResult


class Lines:
    """Lines by command. `dialed` has the tokens in order, `led` and `released` what was asked of them."""

    def __init__(self) -> None:
        self.up, self.dialed, self.led, self.released, self.listener = True, [], [], [], None
        self.refuse: Any = None
        self.pending: Deferred[PlacedCall] | None = None        # what the next call is answered with

    def start(self, listener: Any) -> None:
        self.listener = listener
        listener.lines_changed()

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def call(self, token: str, number: str, ring_timeout_s: float, user_data: Any, extensions: Any) -> Deferred[PlacedCall]:
        self.dialed.append(token)
        if self.pending is not None:
            return self.pending
        placed = PlacedCall(conn_id=f"{len(self.dialed):016x}", call_uuid="UUID-" + token)
        return succeed(placed) if self.refuse is None else fail(self.refuse)

    def lead(self, token: str, application: str) -> Deferred[None]:
        self.led.append((token, application))
        return succeed(None) if self.refuse is None else fail(self.refuse)

    def release(self, token: str) -> None:
        self.released.append(token)


class World:
    def __init__(self, folder: Path, clock: VirtualClock | None = None, **dialing: Any) -> None:
        self.clock, self.lines = clock or VirtualClock(), Lines()
        options = load(ObnOptions, {"dialing": {"retry_s": 60.0, **dialing}, "journal": {"keep_s": 3_600.0}})
        self.posted: list[RequestStatus] = []
        self.heard = True
        self.requests = DialRequests(options, self.lines, Journal(folder / "journal", lambda work: execute(work)), self._post,
                                     self.clock, random.Random(1))
        assert result(self.requests.start()) is None

    def _post(self, uri: str, body: bytes) -> Deferred[bool]:
        assert uri == "http://127.0.0.1:8080/obn/notifications"
        if self.heard:
            self.posted.append(decode(body, RequestStatus))
        return succeed(self.heard)

    def create(self, token: str = "T1", **values: Any) -> Answer:
        given = {"telnum": "+12125550001", "ivr_profile": "survey", "max_attempts": 3, "time_to_live_s": 1_000.0,
                 "notification_url": "http://127.0.0.1:8080/obn/notifications", **values}
        answer: Answer = result(self.requests.create(CreateRequest(token=token, **given)))
        return answer

    def status(self, token: str = "T1") -> RequestStatus:
        found = self.requests.status(token)
        assert found is not None
        return found

    def told(self) -> list[tuple[RequestResult, int]]:
        return [(one.result, one.call_state) for one in self.posted]


def result(work: Any) -> Any:
    found: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(found.append)
    assert found
    if hasattr(found[0], "raiseException"):
        found[0].raiseException()
    return found[0]


def test_the_sample_is_what_the_options_say() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(ObnOptions, title)
    load_file(ObnOptions, SAMPLE)


def test_who_answers_is_led_through_the_application_and_the_result_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    answer = world.create()
    assert answer.response is ResponseType.SUCCESS and answer.token == "T1" and answer.request_id
    assert world.lines.dialed == ["T1"]
    world.requests.answered("T1", 0)
    assert world.lines.led == [("T1", "survey")]
    world.requests.treated("T1")
    world.clock.advance(20)
    world.requests.listened("T1")
    assert world.lines.released == ["T1"]
    world.requests.over("T1", 0)
    assert world.told() == [(R.DIALING, 0), (R.CONNECTED, 0), (R.SUCCESS, 0)]
    last = world.posted[-1]
    assert (last.attempts, last.call_uuid, last.request_id) == (1, "UUID-T1", answer.request_id)
    assert last.ended_at is not None and last.answered_at is not None and last.ended_at - last.answered_at == 20
    assert world.requests.calls == world.requests.unfinished == 0


def test_the_same_token_is_the_same_request_before_and_after_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.create()
    assert world.create() == first
    world.requests.over("T1", 9)
    assert world.create() == first and world.lines.dialed == ["T1"]


def test_who_is_not_reached_is_called_again_until_the_attempts_or_the_time_are_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    for _ in range(3):
        world.requests.over("T1", 7)
        assert world.requests.calls == 0
        world.clock.advance(60)
    assert world.lines.dialed == ["T1"] * 3
    assert (world.status().result, world.status().call_state, world.status().attempts) == (R.FAILED, 7, 3)
    assert [one.conn_id for one in world.status().earlier] == [f"{1:016x}", f"{2:016x}"]
    assert world.status().conn_id == f"{3:016x}"
    world.create("T2", time_to_live_s=90)
    world.requests.over("T2", 6)
    world.clock.advance(60)
    world.requests.over("T2", 6)
    assert (world.status("T2").result, world.status("T2").attempts) == (R.EXPIRED, 2)


@pytest.mark.parametrize("call_state", [9, 17, 32])
def test_machines_are_released_and_not_called_again(tmp_path: Path, call_state: int) -> None:
    world = World(tmp_path)
    world.create()
    world.requests.answered("T1", call_state)
    assert world.lines.released == ["T1"] and not world.lines.led
    world.requests.over("T1", 0)
    world.clock.advance(300)
    assert (world.status().result, world.status().call_state) == (R.FAILED, call_state) and len(world.lines.dialed) == 1


def test_ports_bound_the_calls_and_a_request_that_waits_too_long_expires_undialed(tmp_path: Path) -> None:
    world = World(tmp_path, ports=1, queue=2)
    world.create("T1")
    world.create("T2", time_to_live_s=50)
    full = world.create("T3")
    assert full.response is ResponseType.FAILURE and full.reason_code == 166 and world.requests.status("T3") is None
    assert world.lines.dialed == ["T1"]
    world.clock.advance(51)
    assert (world.status("T2").result, world.status("T2").attempts) == (R.EXPIRED, 0)
    world.create("T4")
    world.requests.over("T1", 11)
    assert world.lines.dialed == ["T1", "T4"]


def test_a_request_is_cancelled_while_it_waits_and_after_its_call(tmp_path: Path) -> None:
    world = World(tmp_path, ports=1)
    world.create("T1")
    world.create("T2")
    assert world.requests.cancel("T2", False) is world.requests.status("T2")
    assert (world.status("T2").result, world.status("T2").attempts) == (R.CANCELLED, 0)
    world.requests.cancel("T1", False)
    assert not world.lines.released and world.status("T1").result is R.DIALING
    world.requests.over("T1", 7)
    assert (world.status("T1").result, world.status("T1").call_state, world.status("T1").attempts) == (R.CANCELLED, 7, 1)
    world.create("T5")
    world.requests.cancel("T5", True)
    assert world.lines.released == ["T5"] and world.requests.cancel("T9", True) is None


def test_a_result_is_posted_until_it_is_heard(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.heard = False
    world.create()
    world.requests.over("T1", 11)
    world.clock.pump([1.0] * 5)
    world.heard = True
    world.clock.pump([1.0] * 20)
    assert world.told() == [(R.FAILED, 11)]


def test_after_a_crash_no_call_that_may_be_under_way_is_dialed_again_and_the_rest_goes_on(tmp_path: Path) -> None:
    first = World(tmp_path, ports=2)
    for token in ("T1", "T2", "T3"):
        first.create(token)
    first.requests.treated("T2")
    second = World(tmp_path, clock=first.clock, ports=2)     # the first one is simply gone
    assert second.status("T1").conn_id == f"{1:016x}"
    assert second.lines.dialed == ["T3"]
    assert [(one.token, one.result, one.call_state) for one in second.posted if one.result.final] == [
        ("T1", R.FAILED, 28), ("T2", R.FAILED, 28)]
    second.requests.over("T3", 6)
    third = World(tmp_path, clock=first.clock)
    assert third.status("T1").call_state == 28 and not third.posted and third.lines.dialed == []
    third.clock.advance(60)
    assert third.lines.dialed == ["T3"] and third.status("T3").attempts == 2


def test_a_finished_request_is_forgotten_after_a_while(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    world.requests.over("T1", 11)
    world.clock.advance(3_601)
    assert world.requests.status("T1") is None and World(tmp_path, clock=world.clock).requests.status("T1") is None


def test_a_call_whose_dial_nobody_answered_for_is_not_repeated_and_a_refused_one_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lines.refuse = LinkLost("gone")
    world.create("T1")
    assert (world.status("T1").result, world.status("T1").call_state) == (R.FAILED, 28)
    world.lines.refuse = RequestRefused(53, "no number")
    world.create("T2")
    assert world.status("T2").call_state == 41
    world.lines.refuse = RequestRefused(166, "no lines")
    world.create("T3")
    world.lines.refuse = None
    world.clock.advance(60)
    assert world.lines.dialed == ["T1", "T2", "T3", "T3"]


def test_who_hangs_up_in_the_application_was_reached_and_the_switchs_last_word_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    world.requests.answered("T1", 0)
    world.requests.treated("T1")
    world.requests.over("T1", 21)
    assert (world.status().result, world.status().call_state) == (R.SUCCESS, 21)


def test_who_hangs_up_before_the_application_begins_has_abandoned_the_call(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    world.lines.refuse = RequestRefused(56, "no such call")
    world.requests.answered("T1", 0)
    world.requests.over("T1", 21)
    assert (world.status().result, world.status().call_state) == (R.FAILED, 21)


def test_dials_that_the_switch_refuses_are_no_calls_and_have_their_bound(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lines.refuse = RequestRefused(166, "no lines")
    world.create("T1")
    world.clock.pump([60.0] * 5)
    assert world.lines.dialed == ["T1"] * 3 and world.told() == [(R.FAILED, 10)]
    assert (world.status("T1").attempts, world.status("T1").conn_id) == (0, "")
    world.lines.refuse = None
    world.create("T2")
    world.requests.over("T2", 7)
    world.lines.refuse = RequestRefused(166, "no lines")
    world.clock.pump([60.0] * 5)
    last = world.status("T2")       # what it says is of the call that there was
    assert (last.result, last.call_state, last.attempts, last.conn_id, last.earlier) == (R.FAILED, 7, 1, f"{4:016x}", ())


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_call_that_the_switch_has_not_confirmed_is_not_told_of(tmp_path: Path, withdrawn: bool) -> None:
    world = World(tmp_path)
    world.create()
    world.requests.over("T1", 6)
    pending = world.lines.pending = Deferred()
    world.clock.advance(60)
    asked = world.requests.cancel("T1", False) if withdrawn else world.status()
    assert asked is not None and world.lines.dialed == ["T1", "T1"]
    assert (asked.result, asked.attempts, asked.conn_id, asked.earlier) == (R.QUEUED, 1, f"{1:016x}", ())
    if withdrawn:
        pending.errback(RequestRefused(166, "no lines"))
        last = world.status()
        assert (last.result, last.call_state, last.attempts, last.conn_id) == (R.CANCELLED, 6, 1, f"{1:016x}")
    else:
        pending.callback(PlacedCall(conn_id="c2", call_uuid="u2"))
        assert (world.status().result, world.status().attempts, world.status().conn_id) == (R.DIALING, 2, "c2")


def test_a_call_that_the_switch_was_asked_for_may_be_under_way_after_a_crash(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.lines.pending = Deferred()
    first.create()
    assert first.create().response is ResponseType.SUCCESS       # asked for again: nothing less is in the journal
    second = World(tmp_path, clock=first.clock)
    assert (second.status().result, second.status().call_state, second.lines.dialed) == (R.FAILED, 28, [])


def test_a_call_of_which_the_switch_did_not_tell_its_name_has_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    world.requests.over("T1", 7)
    world.lines.refuse = LinkLost("gone")
    world.clock.advance(60)
    last = world.status()
    assert (last.call_state, last.attempts, last.conn_id, [one.conn_id for one in last.earlier]) == (28, 2, "", [f"{1:016x}"])


@pytest.mark.parametrize("change, words", [
    ({"Telnum": "12x"}, "Telnum"), ({"MaxAttempts": 0}, "MaxAttempts"), ({"Token": ""}, "Token"),
    ({"NotificationURL": "ftp://x.example"}, "NotificationURL"), ({"TimeToLive": -1}, "TimeToLive"),
    ({"UserData": {"a": [1]}}, "UserData")])
def test_a_request_that_does_not_fit_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    import json
    good = json.loads(encode(CreateRequest(token="T1", telnum="+12125550001", ivr_profile="survey", max_attempts=1,
                                           time_to_live_s=10, notification_url="http://127.0.0.1:80/")))
    assert read_request(json.dumps(good).encode()).token == "T1"
    with pytest.raises(RemoteProtocolError, match=words):
        read_request(json.dumps({**good, **change}).encode())
