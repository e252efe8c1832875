"""ICON without sockets: a link that carries octets to a real ICON service and back, and loses them on demand."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Mapping

from twisted.internet.defer import Deferred, fail, succeed

from ocs.database.backend import backend_for
from ocs.database.pool import Database
from ocs.options import load
from ocs.servers.icon.config import IconOptions
from ocs.servers.icon.service import IconService
from protocols.codec import MessageDecoder, encode_message
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused, RequestTimedOut
from protocols.message import Message
from protocols.message_server import MessageServer
from tests.doubles.clock import VirtualClock
from tests.store.threads import InlineReactor, InlineThreads

__all__ = ["Icon", "IconWire", "icon_at"]


class Icon:
    """A real ICON on a database of its own."""

    def __init__(self, url: str, wall: float = 1_773_160_200.0) -> None:
        self.url, self.backend = url, backend_for(url)
        self.database = Database(InlineReactor(), self.backend, 1, InlineThreads)
        options = load(IconOptions, {"database": {"url": url}})
        self.service = IconService(options, VirtualClock(wall), InlineReactor(), self.database)
        self.server = MessageServer(self.service, {"ocs": "hash"}, lambda given, password: succeed(True))
        done: list[Any] = []
        Deferred.fromCoroutine(self.service.start()).addBoth(done.append)
        assert done == [None], done

    def kill(self) -> None:
        """The process is gone; what it committed stays."""
        self.database.stopService()


def icon_at(folder: Path, template: Path) -> Icon:
    """An ICON on a SQLite file in `folder`, a copy of `template`."""
    path = folder / "icon.sqlite"
    if not path.exists():
        shutil.copy(template, path)
    return Icon(f"sqlite:///{path}")


class IconWire:
    """The part of `ocs.links.service.Link` that a reporter uses. `mood` decides what becomes of the next request: "" it is
    carried out, "before" the link is lost on the way there, "after" on the way back, "late" there is no answer in time,
    an int is the code with which it is refused."""

    def __init__(self, icon: Icon) -> None:
        self.icon, self.listener = icon, None     # type: Icon, Any
        self.up = self.running = False
        self.mood: str | int = ""
        self.asked: list[Message] = []
        self.client: Any = None
        self._peer: Any = None

    def startService(self) -> None:
        self.running = True

    def stopService(self) -> Deferred[None]:
        self.running = False
        self.go_down()
        return succeed(None)

    def go_up(self) -> None:
        """The log-in is granted."""
        if self.up or not self.running:
            return
        self._heard: list[Message] = []
        self._peer = self.icon.server.connect(self._heard.append)
        self._peer.receive(Message("RequestRegisterClient", 1, {
            "ApplicationName": "ocs", "ApplicationPassword": "", "ProtocolVersion": "1"}))
        assert self._heard.pop().name == "EventLinkConnected"
        self.up, self.client = True, self
        self.listener.granted(self, Message("EventLinkConnected", 1))

    def go_down(self) -> None:
        """The connection is lost."""
        if self.up:
            self.up, self.client = False, None
            self._peer.closed()
            self.listener.lost(self, "cut")

    def abort(self) -> None:
        """The reporter cuts it."""
        self.go_down()

    def restart(self, icon: Icon) -> None:
        """Another ICON process on the same database."""
        self.go_down()
        self.icon = icon

    def request(self, name: str, attributes: Mapping[str, Any], timeout_s: float | None = None) -> Deferred[Message]:
        if not self.up:
            return fail(LinkLost(f"{name}: no link"))
        try:
            octets = encode_message(Message(name, 7, attributes))
        except LocalProtocolError as error:
            return fail(error)
        mood, self.mood = self.mood, ""
        if mood == "before":
            self.go_down()
            return fail(LinkLost("cut"))
        if isinstance(mood, int):
            return fail(RequestRefused(mood, "not now"))
        decoder = MessageDecoder()
        decoder.receive(octets)
        message = decoder.next_message()
        assert message is not None
        self.asked.append(message)
        self._peer.receive(message)
        answer = self._heard.pop()
        if mood == "after":
            self.go_down()
            return fail(LinkLost("cut"))
        if mood == "late":
            return fail(RequestTimedOut(name, 10.0))
        if answer.name == "EventError":
            return fail(RequestRefused(answer.get("ErrorCode"), answer.get("ErrorMessage")))
        return succeed(answer)

    def sequences(self) -> list[int]:
        """The sequence numbers of the reports that reached ICON, in order, repetitions included."""
        return [event["Sequence"] for message in self.asked for event in message.get("Events", ())]
