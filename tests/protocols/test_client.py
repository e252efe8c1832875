"""`MessageClient` on a string transport: every request's Deferred fires once, and the listener hears in order."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from protocols.client import IClientListener, MessageClient
from protocols.codec import encode_message
from protocols.conversation import ClientConversation
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused, RequestTimedOut, TooManyRequests
from protocols.tserver.messages import Message
from tests.protocols.test_conversation import read


@implementer(IClientListener)
class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def granted(self, client: MessageClient, answer: Message) -> None:
        self.told.append(("granted", answer.name))

    def refused(self, client: MessageClient, error: RequestRefused) -> None:
        self.told.append(("refused", error.code))

    def event(self, client: MessageClient, message: Message) -> None:
        self.told.append((message.name, message.reference_id))

    def lost(self, client: MessageClient, reason: str) -> None:
        self.told.append(("lost",))


class Link:
    """A client and the far end of its transport."""

    def __init__(self, grant: bool = True, **options: Any) -> None:
        self.clock, self.listener, self.transport = Clock(), Listener(), StringTransport()
        self.client = MessageClient(ClientConversation("ocs", "x"), self.listener, self.clock, **options)
        self.client.makeConnection(self.transport)
        if grant:
            self.say("EventLinkConnected", 1)
            self.heard()
            self.listener.told.clear()

    def say(self, name: str, reference_id: int = 0, **attributes: Any) -> None:
        self.client.dataReceived(encode_message(Message(name, reference_id, attributes)))

    def heard(self) -> list[Message]:
        octets = self.transport.value()
        self.transport.clear()
        return read(octets)

    def lose(self) -> None:
        self.client.connectionLost(Failure(ConnectionDone()))


def result(deferred: Deferred[Message]) -> list[Any]:
    """What the Deferred fired with, or the failure's value; consumed."""
    fired: list[Any] = []
    deferred.addCallbacks(fired.append, lambda failure: fired.append(failure.value))
    return fired


def test_the_listener_is_one() -> None:
    assert verifyObject(IClientListener, Listener())


def test_it_logs_in_by_itself_and_is_up_when_granted() -> None:
    link = Link(grant=False)
    assert [message.name for message in link.heard()] == ["RequestRegisterClient"] and not link.client.up
    assert isinstance(result(link.client.request("RequestQueryServer", {}))[0], LinkLost)
    link.say("EventLinkConnected", 1)
    assert link.client.up and link.listener.told == [("granted", "EventLinkConnected")]


def test_a_refused_login_is_told_and_closes() -> None:
    link = Link(grant=False)
    link.say("EventError", 1, ErrorCode=119, ErrorMessage="no")
    assert link.listener.told == [("refused", 119)] and link.transport.disconnecting and not link.client.up


def test_answers_reach_their_requests_whatever_their_order_and_events_the_listener() -> None:
    link = Link()
    one, two = (result(link.client.request("RequestQueryServer", {"n": n})) for n in range(2))
    first, second = [message.reference_id for message in link.heard()]
    link.say("EventServerInfo", second, ServerVersion="2")
    link.say("EventUserEvent")
    link.say("EventError", first, ErrorCode=53, ErrorMessage="n: wrong")
    link.say("EventError", first, ErrorCode=53, ErrorMessage="again")      # nobody waits any more
    assert two[0].get("ServerVersion") == "2" and one[0].code == 53 and "n: wrong" in str(one[0])
    assert link.listener.told == [("EventServerInfo", second), ("EventUserEvent", 0)]
    assert link.client.up


def test_a_request_that_is_not_answered_times_out_and_a_late_answer_is_an_event() -> None:
    link = Link(request_timeout_s=3.0)
    fired, patient = result(link.client.request("RequestQueryServer", {})), result(
        link.client.request("RequestQueryServer", {}, timeout_s=60.0))
    link.clock.advance(3.1)
    assert isinstance(fired[0], RequestTimedOut) and fired[0].waited_s == 3.0 and patient == []
    link.say("EventServerInfo", link.heard()[0].reference_id)
    assert len(fired) == 1 and len(link.listener.told) == 1


def test_a_lost_link_fails_every_request_once() -> None:
    link = Link()
    fired = [result(link.client.request("RequestQueryServer", {})) for _ in range(3)]
    link.lose()
    assert all(len(one) == 1 and isinstance(one[0], LinkLost) for one in fired)
    assert link.listener.told == [("lost",)] and link.clock.getDelayedCalls() == []
    assert isinstance(result(link.client.request("RequestQueryServer", {}))[0], LinkLost)


def test_outstanding_requests_are_bounded_and_what_cannot_travel_is_not_sent() -> None:
    link = Link(outstanding_limit=1)
    assert isinstance(result(link.client.request("RequestQueryServer", {"bad": object()}))[0], LocalProtocolError)
    waiting = result(link.client.request("RequestQueryServer", {}))
    assert isinstance(result(link.client.request("RequestQueryServer", {}))[0], TooManyRequests)
    assert len(link.heard()) == 1 and waiting == []


def test_a_cancelled_request_is_forgotten() -> None:
    link = Link()
    deferred = link.client.request("RequestQueryServer", {})
    fired = result(deferred)
    deferred.cancel()
    assert len(fired) == 1
    link.say("EventServerInfo", link.heard()[0].reference_id)
    assert len(fired) == 1


def test_a_silent_server_is_pinged_and_given_up() -> None:
    link = Link()
    link.clock.pump([1.0] * 40)
    assert [message.name for message in link.heard()] == ["Ping", "Ping"] and link.transport.disconnected


def test_junk_from_the_server_aborts_the_link() -> None:
    link = Link()
    link.client.dataReceived(b"\xff\xff\xff\xff")
    assert link.transport.disconnected


def test_a_listener_that_fails_does_not_take_the_link_with_it(logged: Any) -> None:
    link = Link()
    link.listener.event = None      # type: ignore[method-assign, assignment]
    link.say("EventUserEvent")
    assert len(logged.failures(TypeError)) == 1 and link.client.up


@pytest.mark.parametrize("code", ["text", None, 2 ** 60])
def test_an_error_with_a_strange_code_is_still_an_error(code: Any) -> None:
    link = Link()
    fired = result(link.client.request("RequestQueryServer", {}))
    link.say("EventError", link.heard()[0].reference_id, ErrorCode=code)
    assert isinstance(fired[0], RequestRefused)
