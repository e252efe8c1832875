"""A desk: where an agent works. `IDesk` is what the agent needs of it; `TServerDesk` is one on a socket.

A desk's own times (deadlines, keep-alive, back-off) are the network's, on the reactor; people's times are the agent's.
"""
from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from zope.interface import Attribute, Interface, implementer

from protocols.attributes import KVList
from protocols.client import IClientListener, MessageClient
from protocols.conversation import ClientConversation
from protocols.desktop.dialogue import DesktopDialogue
from protocols.desktop.messages import DesktopEvent
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused
from protocols.keepalive import KeepAlive
from protocols.message import ServerRole
from protocols.tserver.messages import USER_EVENT_NUMBER, Message

__all__ = ["DeskTalk", "IDesk", "IDeskUser", "TServerDesk"]


class IDeskUser(Interface):
    """Who sits at a desk."""

    def desk_up() -> None:
        """The link is there; nothing is registered yet."""

    def desk_down(reason: str) -> None:
        """The link is gone; requests have failed with LinkLost. The desk connects again by itself."""

    def switch_event(message: Message) -> None:
        """Any message of the T-Server but user events, direct answers included."""

    def desktop_event(event: DesktopEvent) -> None:
        """An event of the OCS that completed no request."""


class IDesk(Interface):
    """A link to the T-Server for one DN, and the desktop protocol on it."""

    up = Attribute("bool: True while requests can be sent.")

    def start(user: IDeskUser) -> None:
        """Connect, and stay connected until `stop`."""

    def stop() -> Deferred[None]:
        """Disconnect; fires when that is done."""

    def request(name: str, **attributes: Any) -> Deferred[Message]:
        """A request to the T-Server with ThisDN filled in; fires and fails as `MessageClient.request`. In all three
        what cannot be said on the wire fails the Deferred with LocalProtocolError too."""

    def ask(name: str, **values: Any) -> Deferred[DesktopEvent]:
        """A request to the OCS; fires and fails as `DesktopDialogue.ask`."""

    def tell(name: str, **values: Any) -> Deferred[Any]:
        """A request to the OCS whose answers come as events."""


class DeskTalk(ABC):
    """What every desk says to the OCS: user events on its own DN, through its own `request`."""

    def __init__(self, clock: IReactorTime, answer_timeout_s: float) -> None:
        self._dialogue = DesktopDialogue(clock, self._distribute, answer_timeout_s)

    @abstractmethod
    def request(self, name: str, **attributes: Any) -> Deferred[Message]:
        """As `IDesk.request`; the desk's own."""

    def ask(self, name: str, **values: Any) -> Deferred[DesktopEvent]:
        """As `IDesk.ask`."""
        try:
            return self._dialogue.ask(name, **values)
        except LocalProtocolError as error:
            return fail(error)

    def tell(self, name: str, **values: Any) -> Deferred[Any]:
        """As `IDesk.tell`."""
        try:
            return self._dialogue.tell(name, **values)
        except LocalProtocolError as error:
            return fail(error)

    def _distribute(self, user_data: KVList) -> Deferred[Message]:
        return self.request("RequestDistributeUserEvent", UserEvent=USER_EVENT_NUMBER, UserData=user_data)


@implementer(IDesk, IClientListener)
class TServerDesk(DeskTalk):
    """A desk with a connection of its own, renewed with growing pauses when it is lost or refused. It leaves a server that is
    only the backup of another one; `endpoint` may lead to either."""

    log = Logger()

    def __init__(self, reactor: IReactorTime, endpoint: IStreamClientEndpoint, application: str, password: str, dn: str,
                 rng: random.Random, *, request_timeout_s: float = 10.0, answer_timeout_s: float = 10.0,
                 keep_alive_s: float = 10.0, first_pause_s: float = 0.5, longest_pause_s: float = 20.0,
                 closing_s: float = 5.0) -> None:
        self.dn = dn
        self._reactor, self._rng = reactor, rng
        self._login = application, password
        self._request_timeout_s, self._keep_alive_s = request_timeout_s, keep_alive_s
        self._first_pause_s, self._longest_pause_s, self._closing_s = first_pause_s, longest_pause_s, closing_s
        self._failures = 0
        self._user: Any = None
        self._client: MessageClient | None = None       # while the login is granted
        self._newest: MessageClient | None = None       # the last one built
        super().__init__(reactor, answer_timeout_s)
        self._service = ClientService(endpoint, Factory.forProtocol(self._build), retryPolicy=self._pause_s,
                                      clock=reactor)

    @property
    def up(self) -> bool:
        """True while requests can be sent."""
        return self._client is not None

    def start(self, user: IDeskUser) -> None:
        self._user = user
        self._service.startService()

    def stop(self) -> Deferred[None]:
        if not self._service.running:
            return succeed(None)
        closed: Deferred[None] = self._service.stopService()
        if self._newest is not None:
            # a peer that does not read would keep the connection open for its unread octets
            cut = self._reactor.callLater(self._closing_s, self._newest.abort)
            closed.addBoth(lambda _: cut.cancel() if cut.active() else None)
        return closed

    def request(self, name: str, **attributes: Any) -> Deferred[Message]:
        if self._client is None:
            return fail(LinkLost(f"{name}: no link"))
        try:
            return self._client.request(name, {"ThisDN": self.dn, **attributes})
        except LocalProtocolError as error:
            return fail(error)

    # -- IClientListener -----------------------------------------------------------------------------------------
    def granted(self, client: MessageClient, answer: Message) -> None:
        if answer.get("ServerRole") == ServerRole.BACKUP:
            client.close()
            return
        self._client, self._failures = client, 0
        self._user.desk_up()

    def refused(self, client: MessageClient, error: RequestRefused) -> None:
        self.log.error("desk {dn}: the T-Server refuses application {application}: {reason}", dn=self.dn,
                       application=self._login[0], reason=str(error))

    def event(self, client: MessageClient, message: Message) -> None:
        if client is not self._client:
            return
        if message.name == "EventPrimaryChanged" and message.get("ServerRole") == ServerRole.BACKUP:
            client.close()
        elif message.name != "EventUserEvent":
            self._user.switch_event(message)
        elif (event := self._dialogue.received(message.user_data)) is not None:
            self._user.desktop_event(event)

    def lost(self, client: MessageClient, reason: str) -> None:
        if client is not self._client:
            return
        self._client = None
        self._dialogue.lost(reason)
        self._user.desk_down(reason)

    # -- the connection -------------------------------------------------------------------------------------------
    def _build(self) -> MessageClient:
        conversation = ClientConversation(*self._login, keep_alive=KeepAlive(self._keep_alive_s))
        self._newest = MessageClient(conversation, self, self._reactor, self._request_timeout_s, outstanding_limit=100)
        return self._newest

    def _pause_s(self, _attempts: int) -> float:
        """Pauses double with every failure until a login is granted; jitter keeps a floor from coming back at once."""
        pause = min(self._longest_pause_s, self._first_pause_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return pause * (0.5 + self._rng.random())
