"""A contact center without sockets: T-Server, agents and whoever asks it share one clock that is moved by command.

The same T-Server, the same agents and, on the other side, the unchanged engine: only the octets are left out. Messages
are delivered on a later turn and in order, as a socket would.
"""
from __future__ import annotations

import random
from collections import deque
from typing import Any, Mapping

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from ocs.lab.agents.desk import DeskTalk, IDesk
from ocs.lab.agents.floor import MakeDesk
from ocs.lab.people import AgentPerson
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.sessions import ClientSession
from protocols.client import IClientListener
from protocols.errors import LinkLost, RequestRefused
from protocols.requests import OutstandingRequests
from protocols.tserver.messages import PROTOCOL_VERSION, ErrorCode, Message

__all__ = ["DirectClient", "direct_desks"]


class DirectClient:
    """A client of a T-Server in the same process; for its listener it is a `MessageClient`."""

    def __init__(self, server: TServer, listener: Any, clock: IReactorTime, application: str, password: str,
                 request_timeout_s: float = 10.0) -> None:
        self._server, self._listener, self._clock, self._timeout_s = server, listener, clock, request_timeout_s
        self._login = {"ApplicationName": application, "ApplicationPassword": password,
                       "ProtocolVersion": PROTOCOL_VERSION}
        self._requests: OutstandingRequests[Message] = OutstandingRequests(clock)
        self._reference_id = 0
        self._session: ClientSession | None = None
        self._mail: deque[Message] = deque()
        self.up = False

    def connect(self) -> None:
        """Connect, for the first time or again, and register; the listener hears the outcome."""
        self._reference_id = 0
        self._session = self._server.connect(self._receive)
        self._send("RequestRegisterClient", self._login)

    def request(self, name: str, attributes: Mapping[str, Any], timeout_s: float | None = None) -> Deferred[Message]:
        """As `MessageClient.request`."""
        if not self.up:
            return fail(LinkLost(f"{name}: no link"))
        deferred = self._requests.add(self._reference_id + 1, name, self._timeout_s if timeout_s is None else timeout_s)
        self._send(name, attributes)
        return deferred

    def abort(self, reason: str = "cut") -> None:
        """The connection goes, as if the wire had been cut."""
        session, self._session = self._session, None
        self._mail.clear()
        if session is None:
            return
        session.closed()
        self.up = False
        self._requests.fail_all(reason)
        self._listener.lost(self, reason)

    def _send(self, name: str, attributes: Mapping[str, Any]) -> None:
        self._reference_id += 1
        self._clock.callLater(0, self._deliver, self._session, Message(name, self._reference_id, dict(attributes)))

    def _deliver(self, session: ClientSession | None, message: Message) -> None:
        if session is not None and session is self._session:
            session.receive(message)

    def _receive(self, message: Message) -> None:
        self._mail.append(message)
        if len(self._mail) == 1:
            self._clock.callLater(0, self._read)

    def _read(self) -> None:
        # what comes while this is read waits for its own turn
        for _ in range(len(self._mail)):
            if not self._mail:
                return
            self._handle(self._mail[0])
            if self._mail:
                self._mail.popleft()
        if self._mail:
            self._clock.callLater(0, self._read)

    def _handle(self, message: Message) -> None:
        if message.name == "EventError":
            error = RequestRefused(message.get("ErrorCode", ErrorCode.UNKNOWN_ERROR), message.get("ErrorMessage", ""))
            if not self.up:
                self._listener.refused(self, error)
            else:
                self._requests.fail(message.reference_id, error)
            return
        if message.reference_id:
            self._requests.answer(message.reference_id, message)
        if not self.up and message.reference_id == 1:
            self.up = True
            self._listener.granted(self, message)
        else:
            self._listener.event(self, message)


def direct_desks(server: TServer, clock: IReactorTime, application: str, password: str) -> MakeDesk:
    """Desks for `LabFloor` without sockets."""
    def make(person: AgentPerson, rng: random.Random) -> IDesk:
        return _DirectDesk(server, clock, application, password, person.dn)
    return make


@implementer(IDesk, IClientListener)
class _DirectDesk(DeskTalk):
    """`TServerDesk` without its connection."""

    def __init__(self, server: TServer, clock: IReactorTime, application: str, password: str, dn: str) -> None:
        self._client = DirectClient(server, self, clock, application, password)
        super().__init__(clock, 10.0)
        self._dn = dn
        self._user: Any = None

    @property
    def up(self) -> bool:
        """True while requests can be sent."""
        return self._client.up

    def start(self, user: Any) -> None:
        self._user = user
        self._client.connect()

    def stop(self) -> Deferred[None]:
        self._client.abort("the desk is closed")
        return succeed(None)

    def request(self, name: str, **attributes: Any) -> Deferred[Message]:
        return self._client.request(name, {"ThisDN": self._dn, **attributes})

    # -- IClientListener -----------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._user.desk_up()

    def refused(self, client: Any, error: RequestRefused) -> None:
        raise AssertionError(f"the laboratory's own application is refused: {error}")

    def event(self, client: Any, message: Message) -> None:
        if message.name != "EventUserEvent":
            self._user.switch_event(message)
        elif (event := self._dialogue.received(message.user_data)) is not None:
            self._user.desktop_event(event)

    def lost(self, client: Any, reason: str) -> None:
        self._dialogue.lost(reason)
        self._user.desk_down(reason)
