from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.http import PotentialDataLoss

from ocs.links.http import Answer, HttpClient
from ocs.links.http_options import HttpOptions
from protocols.errors import LinkLost, RemoteProtocolError, RequestTimedOut, TooManyRequests
from tests.doubles.http import FakeAgent, refused, torn, unheard

URI = "http://crm.example/check?token=s3cret"


class Bench:
    """A client on a fake agent and a clock that stands still."""

    def __init__(self, **options: Any) -> None:
        self.clock, self.agent = Clock(), FakeAgent()
        self.client = HttpClient(self.agent, self.clock, HttpOptions(**options), (("X-Tenant", "7"),))

    def post(self, uri: str = URI, body: bytes = b"{}", **more: Any) -> Deferred[Answer]:
        return self.client.request("POST", uri, body, name="a test", **more)


def outcome(deferred: Deferred[Any]) -> Any:
    """What it fired with, as a value or as an exception; None if it has not fired."""
    if not deferred.called:
        return None
    results: list[Any] = []
    deferred.addBoth(results.append)
    return results[0].value if isinstance(results[0], Failure) else results[0]


def test_a_request_carries_method_body_type_and_the_common_headers() -> None:
    bench = Bench()
    asked = bench.client.request("PUT", URI, b'{"a":1}', (("Authorization", "Bearer x"),), name="a test")
    one, = bench.agent.asked
    assert (one.method, one.uri, one.json) == ("PUT", URI, {"a": 1})
    assert one.header("Content-Type") == "application/json; charset=utf-8"
    assert one.header("X-Tenant") == "7" and one.header("Authorization") == "Bearer x"
    one.answer(201, {"b": 2}, {"Retry-After": "17"})
    assert outcome(asked) == Answer(201, b'{"b": 2}', 17.0) and Answer(201).done
    assert bench.client.counts.answered == 1 and bench.clock.getDelayedCalls() == []


def test_a_request_without_a_body_has_no_content_type() -> None:
    bench = Bench()
    bench.client.request("GET", URI, name="a test")
    assert bench.agent.asked[0].header("Content-Type") is None and bench.agent.asked[0].body == b""


@pytest.mark.parametrize("given", ["soon", "-1", "", "1" * 400, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_is_not_given_in_seconds_is_none(given: str) -> None:
    bench = Bench()
    asked = bench.post()
    bench.agent.asked[0].answer(503, b"", {"Retry-After": given})
    assert outcome(asked) == Answer(503, b"", None)


def test_a_redirect_is_an_answer_like_any_other() -> None:
    bench = Bench()
    asked = bench.post()
    bench.agent.asked[0].answer(302, b"", {"Location": "http://elsewhere.example/"})
    assert outcome(asked).status == 302 and not outcome(bench.post()) and len(bench.agent.asked) == 2


def test_the_deadline_spans_the_wait_for_an_answer_and_closes_the_connection() -> None:
    bench = Bench(response_timeout_s=5.0)
    asked = bench.post()
    bench.clock.advance(4.9)
    assert outcome(asked) is None
    bench.clock.advance(0.2)
    error = outcome(asked)
    assert isinstance(error, RequestTimedOut) and error.waited_s == 5.0 and bench.agent.asked[0].cancelled
    assert bench.client.under_way == 0 and bench.client.counts.timed_out == 1


def test_the_deadline_spans_a_body_that_drips() -> None:
    bench = Bench(response_timeout_s=5.0)
    asked = bench.post()
    response = bench.agent.asked[0].begin()
    for _ in range(4):
        bench.clock.advance(1.0)
        response.more(b" ")
    assert outcome(asked) is None and not response.stopped
    bench.clock.advance(1.0)
    assert isinstance(outcome(asked), RequestTimedOut) and response.stopped
    response.end(ConnectionLost())      # the connection's own end comes later, and is no news
    assert bench.client.counts.lost == 0


def test_the_deadline_spans_the_wait_for_a_connection() -> None:
    bench = Bench(response_timeout_s=5.0, connection_pool_size=1)
    first, second = bench.post(), bench.post()
    bench.clock.advance(4.0)
    bench.agent.asked[0].answer()
    assert outcome(first).status == 200 and len(bench.agent.asked) == 2
    bench.clock.advance(1.0)
    assert isinstance(outcome(second), RequestTimedOut)


def test_no_more_requests_are_under_way_than_connections_and_the_others_wait_in_order() -> None:
    bench = Bench(connection_pool_size=2)
    asked = [bench.post(body=b'{"n":%d}' % n) for n in range(5)]
    assert (bench.client.under_way, bench.client.waiting) == (2, 3)
    for n in range(5):
        assert bench.agent.asked[n].json == {"n": n} and len(bench.agent.asked) == min(5, n + 2)
        bench.agent.asked[n].answer()
    assert [outcome(one).status for one in asked] == [200] * 5 and bench.client.under_way == 0


def test_one_slow_server_does_not_hold_up_another() -> None:
    bench = Bench(connection_pool_size=1, requests_waiting=0)
    bench.post("http://slow.example/")
    other = bench.post("http://other.example/")
    bench.agent.asked[1].answer()
    assert outcome(other).status == 200


def test_a_request_too_many_is_refused_at_once_and_nothing_is_sent() -> None:
    bench = Bench(connection_pool_size=1, requests_waiting=1)
    bench.post(), bench.post()
    error = outcome(bench.post())
    assert isinstance(error, TooManyRequests) and "1 requests wait" in str(error)
    assert len(bench.agent.asked) == 1 and bench.client.counts.refused == 1


def test_a_deadline_that_passes_in_the_queue_leaves_the_queue() -> None:
    bench = Bench(connection_pool_size=1, response_timeout_s=5.0)
    bench.post()
    bench.clock.advance(1.0)
    bench.agent.asked[0].answer()
    held = bench.post()
    waiting = bench.post()
    bench.clock.advance(5.0)
    assert isinstance(outcome(held), RequestTimedOut) and isinstance(outcome(waiting), RequestTimedOut)
    assert (bench.client.under_way, bench.client.waiting) == (0, 0)
    assert all(one.cancelled for one in bench.agent.asked[1:])      # the queued one may have been sent for no time at all


@pytest.mark.parametrize(("error", "text"), [(refused(), "refused"), (torn(), "closed cleanly"), (unheard(), "closed cleanly")])
def test_a_connection_that_cannot_be_made_or_breaks_is_a_lost_link(error: BaseException, text: str) -> None:
    bench = Bench()
    asked = bench.post()
    bench.agent.asked[0].fail(error)
    lost = outcome(asked)
    assert isinstance(lost, LinkLost) and text in str(lost) and "s3cret" not in str(lost)
    assert bench.client.counts.lost == 1 and len(bench.agent.asked) == 1


def test_a_body_that_breaks_off_is_a_lost_link() -> None:
    bench = Bench()
    asked = bench.post()
    response = bench.agent.asked[0].begin()
    response.more(b'{"GSW_')
    response.end(torn(ConnectionLost(), ValueError()))
    assert isinstance(outcome(asked), LinkLost)


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    bench = Bench()
    asked = bench.post()
    response = bench.agent.asked[0].begin()
    response.more(b"OK")
    response.end(PotentialDataLoss())
    assert outcome(asked) == Answer(200, b"OK")


def test_what_is_no_http_is_the_servers_fault_and_is_not_repeated_in_words() -> None:
    bench = Bench()
    asked = bench.post(repeatable=True)
    bench.agent.asked[0].fail(torn(ValueError("+12125550117 whatever they sent")))
    error = outcome(asked)
    assert isinstance(error, RemoteProtocolError) and "ValueError" in str(error) and "5550117" not in str(error)
    assert len(bench.agent.asked) == 1 and bench.client.counts.garbled == 1


def test_too_long_a_body_is_cut_off() -> None:
    bench = Bench(response_limit_kb=1)
    asked = bench.post()
    response = bench.agent.asked[0].begin()
    response.more(b"x" * 1_024)
    assert outcome(asked) is None
    response.more(b"x")
    assert isinstance(outcome(asked), RemoteProtocolError) and response.stopped


def test_a_kept_connection_that_closes_in_ones_face_is_tried_once_more_within_the_same_deadline() -> None:
    bench = Bench(response_timeout_s=5.0)
    asked = bench.post(repeatable=True)
    bench.clock.advance(3.0)
    bench.agent.asked[0].fail(unheard())
    assert len(bench.agent.asked) == 2 and bench.agent.asked[1].body == b"{}"
    bench.clock.advance(2.0)
    assert isinstance(outcome(asked), RequestTimedOut)


def test_it_is_tried_once_more_and_not_again() -> None:
    bench = Bench()
    asked = bench.post(repeatable=True)
    bench.agent.asked[0].fail(unheard())
    bench.agent.asked[1].fail(unheard())
    assert isinstance(outcome(asked), LinkLost) and len(bench.agent.asked) == 2


def test_a_refused_connection_is_not_tried_again() -> None:
    bench = Bench()
    bench.post(repeatable=True).addErrback(lambda _: None)
    bench.agent.asked[0].fail(refused())
    assert len(bench.agent.asked) == 1


def test_a_cancelled_request_closes_its_connection_and_makes_room() -> None:
    bench = Bench(connection_pool_size=1)
    first, second, third = bench.post(), bench.post(), bench.post()
    second.cancel()
    first.cancel()
    assert isinstance(outcome(first), CancelledError) and isinstance(outcome(second), CancelledError)
    assert bench.agent.asked[0].cancelled and len(bench.agent.asked) == 2
    bench.agent.asked[1].answer()
    assert outcome(third).status == 200 and bench.clock.getDelayedCalls() == []


def test_a_stopped_client_fails_everything_once_and_takes_nothing_more() -> None:
    bench = Bench(connection_pool_size=1)
    asked = [bench.post(), bench.post()]
    assert outcome(bench.client.stop()) is None
    assert all(isinstance(outcome(one), LinkLost) for one in asked) and bench.agent.asked[0].cancelled
    assert isinstance(outcome(bench.post()), LinkLost)
    assert len(bench.agent.asked) == 1 and bench.clock.getDelayedCalls() == []
