"""What all servers of messages do alike: registration, checks, answers; on a service that a test can see through."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from protocols.message import ErrorCode, Message, Refused, Vocabulary
from protocols.message_server import MessageServer, ServedClient


class Echo:
    """Says what it is asked to; remembers who came and went."""

    vocabulary = Vocabulary("echo", {"RequestEcho": ("Text",), "RequestLater": (), "RequestNo": (), "RequestBug": ()},
                            {"Text": str, "Flag": bool})

    def __init__(self) -> None:
        self.here: list[ServedClient] = []
        self.later: Deferred[Message] = Deferred()

    def granted(self, client: ServedClient) -> None:
        self.here.append(client)

    def gone(self, client: ServedClient) -> None:
        self.here.remove(client)

    def request(self, client: ServedClient, message: Message) -> Any:
        if message.name == "RequestNo":
            raise Refused(ErrorCode.NOT_CONFIGURED, "Text: no")
        if message.name == "RequestBug":
            raise ZeroDivisionError
        return self.later if message.name == "RequestLater" else Message("EventEcho", 0, {"Text": message.get("Text")})


class Peer:
    """A client without a socket."""

    def __init__(self, server: MessageServer, login: bool = True) -> None:
        self.heard: list[Message] = []
        self.client = server.connect(self.heard.append)
        if login:
            assert self.ask("RequestRegisterClient", **LOGIN).name == "EventLinkConnected"

    def ask(self, name: str, **attributes: Any) -> Message:
        self.client.receive(Message(name, 7, attributes))
        answer = self.heard.pop()
        assert answer.reference_id == 7 and not self.heard
        return answer


LOGIN = {"ApplicationName": "ocs", "ApplicationPassword": "right", "ProtocolVersion": "1"}


def make(**options: Any) -> tuple[Echo, MessageServer]:
    echo = Echo()
    return echo, MessageServer(echo, {"ocs": "right"}, lambda wanted, given: succeed(wanted == given), **options)


def test_a_registered_client_is_answered_and_its_leaving_is_told() -> None:
    echo, server = make()
    peer = Peer(server)
    assert echo.here == [peer.client] == server.granted()
    assert peer.ask("RequestEcho", Text="hello").attributes == {"Text": "hello"}
    peer.client.closed()
    assert not echo.here and not server.clients


@pytest.mark.parametrize("login, code", [
    ({"ProtocolVersion": "2"}, ErrorCode.WRONG_VERSION), ({"ApplicationPassword": "wrong"}, ErrorCode.BAD_PASSWORD),
    ({"ApplicationName": "nobody"}, ErrorCode.BAD_PASSWORD)])
def test_a_wrong_login_is_refused_and_the_client_is_to_be_closed(login: dict[str, str], code: ErrorCode) -> None:
    echo, server = make()
    peer = Peer(server, login=False)
    assert peer.ask("RequestRegisterClient", **{**LOGIN, **login}).get("ErrorCode") == code
    assert peer.client.refused and not echo.here
    peer.client.receive(Message("RequestEcho", 8, {"Text": "anybody?"}))
    assert not peer.heard


@pytest.mark.parametrize("name, attributes, code, text", [
    ("RequestEcho", {}, ErrorCode.BAD_ATTRIBUTE, "Text: missing"),
    ("RequestEcho", {"Text": 5}, ErrorCode.BAD_ATTRIBUTE, "Text: a str is expected, not int"),
    ("RequestEcho", {"Text": "a", "Flag": 1}, ErrorCode.BAD_ATTRIBUTE, "Flag: a bool is expected, not int"),
    ("RequestEcho", {"Text": "a", "UserData": "b"}, ErrorCode.BAD_ATTRIBUTE, "UserData: a key-value list is expected, not str"),
    ("RequestDance", {}, ErrorCode.NOT_SUPPORTED, "RequestDance is not supported"),
    ("RequestNo", {}, ErrorCode.NOT_CONFIGURED, "Text: no"),
    ("RequestRegisterClient", LOGIN, ErrorCode.ALREADY_IN_STATE, "this client is registered already")])
def test_a_request_that_cannot_be_carried_out_is_answered_by_name(
        name: str, attributes: dict[str, Any], code: ErrorCode, text: str) -> None:
    peer = Peer(make()[1])
    answer = peer.ask(name, **attributes)
    assert (answer.name, answer.get("ErrorCode"), answer.get("ErrorMessage")) == ("EventError", code, text)
    assert peer.ask("RequestEcho", Text="still there").get("Text") == "still there"


def test_nothing_is_carried_out_before_the_registration() -> None:
    peer = Peer(make()[1], login=False)
    assert peer.ask("RequestEcho", Text="hello").get("ErrorCode") == ErrorCode.NOT_SUPPORTED


def test_an_answer_may_come_later_even_when_the_client_is_gone() -> None:
    echo, server = make()
    peer = Peer(server)
    peer.client.receive(Message("RequestLater", 9))
    assert not peer.heard
    echo.later.callback(Message("EventEcho"))
    assert peer.heard.pop() == Message("EventEcho", 9)
    peer.client.closed()
    peer.client.send(Message("EventEcho"))
    assert not peer.heard


def test_a_bug_of_the_service_is_one_clients_error_and_is_logged(logged: Any) -> None:
    assert Peer(make()[1]).ask("RequestBug").get("ErrorCode") == ErrorCode.INTERNAL_ERROR
    assert len(logged.failures(ZeroDivisionError)) == 1


def test_the_number_of_clients_is_bounded() -> None:
    _, server = make(clients=1)
    Peer(server)
    second = Peer(server, login=False)
    assert second.client.refused and second.heard[0].get("ErrorCode") == ErrorCode.LICENCE_LIMIT
