"""What every server of messages but the T-Server does alike: clients register, their requests are checked and answered.

No sockets, no clock: `protocols.server` puts a transport in front. The service behind says what it knows (a Vocabulary) and
carries requests out; it never sees a client that is not registered, nor a request that its vocabulary refuses.
Source: docs/wire.md, section 4.
"""
from __future__ import annotations

from enum import Enum, auto
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface, implementer

from protocols.message import PROTOCOL_VERSION, ErrorCode, Message, Refused, Vocabulary
from protocols.server import IMessageServer, IServedClient

__all__ = ["ClientState", "IMessageService", "MessageServer", "ServedClient"]

_REGISTER = "RequestRegisterClient"
_BASICS = Vocabulary("registration", {_REGISTER: ("ApplicationName", "ProtocolVersion")},
                     dict.fromkeys(("ApplicationName", "ApplicationPassword", "ProtocolVersion"), str))


class IMessageService(Interface):
    """What carries requests out, behind a MessageServer."""

    vocabulary = Attribute("Vocabulary: its requests.")

    def granted(client: ServedClient) -> None:
        """A client has registered."""

    def request(client: ServedClient, message: Message) -> Any:
        """Carry one request out, which the vocabulary has let pass. Returns the answer's Message (its reference id is set by
        the server), a Deferred of it, or None where the service has answered or will by `client.send`. Refused, raised or
        as the Deferred's failure, becomes EventError, or what the vocabulary has in its place."""

    def gone(client: ServedClient) -> None:
        """A registered client has left."""


class ClientState(Enum):
    """A client registers, is granted or refused, and goes."""
    OPENING = auto()
    VERIFYING = auto()      # the password is being checked
    GRANTED = auto()
    REFUSED = auto()        # to be closed by whoever connected it
    CLOSED = auto()


@implementer(IServedClient)
class ServedClient:
    """One client. The service may keep what it knows of it in `data`."""

    def __init__(self, server: MessageServer, send: Callable[[Message], None]) -> None:
        self._server, self._send = server, send
        self.state = ClientState.OPENING
        self.application = "(not registered)"
        self.data: Any = None

    @property
    def granted(self) -> bool:
        """True while the client may use the server."""
        return self.state is ClientState.GRANTED

    @property
    def refused(self) -> bool:
        """True when the client is to be closed."""
        return self.state is ClientState.REFUSED

    def receive(self, message: Message) -> None:
        """Carry out one request; its answer, or EventError, is sent. Never raises for what a client sends."""
        self._server.carry_out(self, message)

    def closed(self) -> None:
        """The client is gone."""
        self._server.disconnected(self)

    def send(self, message: Message) -> None:
        """Send to the client, unless it is gone."""
        if self.state is not ClientState.CLOSED:
            self._server.before(self)
            self._send(message)

    def answer(self, request: Message, name: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Send the answer to one of its requests."""
        self.send(Message(name, request.reference_id, attributes or {}))

    def refuse(self, request: Message, error: Refused) -> None:
        """Answer one of its requests with the event of the vocabulary's for errors."""
        vocabulary = self._server.service.vocabulary if self.granted else _BASICS
        self.send(vocabulary.refusal(request, error))


@implementer(IMessageServer)
class MessageServer:
    """Registers clients and hands their requests on. `applications` maps a name to its password's hash; `verify(hash,
    password)` fires with a bool; `clients` bounds connections; `server_version` goes into the answer to a registration, which is
    `greeting(client)` (a Message), EventLinkConnected where not given. `before(client)` is called ahead of each message to a
    client, so that whoever has put some down for it can send these first."""

    log = Logger()

    def __init__(self, service: Any, applications: Mapping[str, str], verify: Callable[[str, str], Deferred[bool]], *,
                 clients: int = 1_000, server_version: str = "1.0",
                 greeting: Callable[[ServedClient], Message] = lambda client: Message("EventLinkConnected"),
                 before: Callable[[ServedClient], None] = lambda client: None) -> None:
        self.service, self.applications, self._verify = service, dict(applications), verify
        self._limit, self._version, self._greeting, self.before = clients, server_version, greeting, before
        self.clients: set[ServedClient] = set()

    def connect(self, send: Callable[[Message], None]) -> ServedClient:
        """A new client; refused at once where there are too many."""
        client = ServedClient(self, send)
        if len(self.clients) >= self._limit:
            client.state = ClientState.REFUSED
            client.refuse(Message(_REGISTER), Refused(ErrorCode.LICENCE_LIMIT,
                                                      f"{len(self.clients)} clients are connected, the limit"))
        else:
            self.clients.add(client)
        return client

    def granted(self) -> list[ServedClient]:
        """The clients that are registered."""
        return [client for client in self.clients if client.granted]

    def disconnected(self, client: ServedClient) -> None:
        """`ServedClient.closed`."""
        known, client.state = client.granted, ClientState.CLOSED
        self.clients.discard(client)
        if known:
            self.service.gone(client)

    def dismiss(self, client: ServedClient, last: Message) -> None:
        """Send a client, registered or not, this one more message, and close it."""
        if client.state in (ClientState.CLOSED, ClientState.REFUSED):
            return
        known, client.state = client.granted, ClientState.REFUSED
        if known:
            self.service.gone(client)
        client.send(last)

    def carry_out(self, client: ServedClient, message: Message) -> None:
        """`ServedClient.receive`."""
        if client.state in (ClientState.CLOSED, ClientState.REFUSED):
            return
        try:
            if message.name == _REGISTER:
                self._register(client, message)
                return
            if not client.granted:
                raise Refused(ErrorCode.NOT_SUPPORTED, f"{message.name[:64]} before {_REGISTER} is granted")
            self.service.vocabulary.check(message)
            answer = self.service.request(client, message)
        except Refused as error:
            client.refuse(message, error)
        except Exception:       # a bug here must not take the other clients with it
            self._broken(client, message)
        else:
            if isinstance(answer, Deferred):
                answer.addCallback(lambda answer: self._answer(client, message, answer))
                answer.addErrback(lambda failure: self._failed(client, message, failure))
            else:
                self._answer(client, message, answer)

    def _answer(self, client: ServedClient, message: Message, answer: Message | None) -> None:
        if answer is not None:
            client.answer(message, answer.name, answer.attributes)

    def _failed(self, client: ServedClient, message: Message, failure: Failure) -> None:
        if isinstance(failure.value, Refused):
            client.refuse(message, failure.value)
        else:
            self._broken(client, message, failure)

    def _broken(self, client: ServedClient, message: Message, failure: Failure | None = None) -> None:
        self.log.failure("{name} of {client} failed", failure, name=message.name[:64], client=client.application)
        client.refuse(message, Refused(ErrorCode.INTERNAL_ERROR, f"{message.name[:64]} failed inside the server"))

    def _register(self, client: ServedClient, message: Message) -> None:
        _BASICS.check(message)
        if client.state is ClientState.VERIFYING:
            raise Refused(ErrorCode.SAME_REQUEST, f"{_REGISTER}: the one before is still being checked")
        if client.granted:
            raise Refused(ErrorCode.ALREADY_IN_STATE, "this client is registered already")
        if message.get("ProtocolVersion") != PROTOCOL_VERSION:
            client.state = ClientState.REFUSED
            raise Refused(ErrorCode.WRONG_VERSION, f"ProtocolVersion: this server speaks {PROTOCOL_VERSION!r}")
        name = message.get("ApplicationName")
        password_hash = self.applications.get(name)
        if password_hash is None:
            self._wrong(client, name)
        client.state = ClientState.VERIFYING
        verified = self._verify(str(password_hash), message.get("ApplicationPassword", ""))
        verified.addCallback(lambda right: self._verified(client, message, name, right))
        verified.addErrback(lambda failure: self._failed(client, message, failure))

    def _verified(self, client: ServedClient, message: Message, name: str, right: bool) -> None:
        if client.state is not ClientState.VERIFYING:
            return
        if not right:
            self._wrong(client, name)
        client.state, client.application = ClientState.GRANTED, name
        greeting = self._greeting(client)
        client.answer(message, greeting.name, {"ServerVersion": self._version, **greeting.attributes})
        self.service.granted(client)

    def _wrong(self, client: ServedClient, name: str) -> None:
        client.state = ClientState.REFUSED
        raise Refused(ErrorCode.BAD_PASSWORD, f"ApplicationName: no application {name[:64]!r}, or not this password")
