"""One client of the server: how far its registration has come, on which DNs it is registered."""
from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Callable

from zope.interface import implementer

from protocols.server import IServedClient
from protocols.tserver.messages import Message

if TYPE_CHECKING:
    from ocs.servers.tserver.directory import DN
    from ocs.servers.tserver.server import TServer

__all__ = ["ClientSession", "SessionState"]


class SessionState(Enum):
    """A client registers, is granted or refused, and goes."""
    OPENING = auto()
    VERIFYING = auto()      # the password is being checked
    GRANTED = auto()
    REFUSED = auto()        # to be closed by whoever connected it
    CLOSED = auto()


@implementer(IServedClient)
class ClientSession:
    """Made by `TServer.connect`. Give it requests with `receive`; answers and events come through `send`."""

    def __init__(self, server: TServer, send: Callable[[Message], None]) -> None:
        self._server, self._send = server, send
        self.state = SessionState.OPENING
        self.application = "(not registered)"
        self.dns: dict[str, DN] = {}
        self.logging_in = False         # an agent's password is being checked
        self.wanted: frozenset[str] | None = None       # names of the DNs' events that it wants to hear; None = all

    def hears(self, name: str) -> bool:
        """Whether the client wants events of this name."""
        return self.wanted is None or name in self.wanted

    @property
    def granted(self) -> bool:
        """True while the client may use the server."""
        return self.state is SessionState.GRANTED

    @property
    def refused(self) -> bool:
        """True when the client is to be closed."""
        return self.state is SessionState.REFUSED

    def receive(self, message: Message) -> None:
        """Carry out one request; its answer, or EventError, is sent. Never raises for what a client sends."""
        self._server.carry_out(self, message)

    def closed(self) -> None:
        """The client is gone: forget its registrations. Calls and agents stay for the configured grace."""
        self._server.disconnected(self)

    def deliver(self, message: Message) -> None:
        """Send to the client, unless it is gone."""
        if self.state is not SessionState.CLOSED:
            self._send(message)
