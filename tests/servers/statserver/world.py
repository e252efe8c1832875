"""A Stat Server on a virtual clock, its T-Servers by command, and clients that remember what they heard."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed

from ocs.servers.statserver.directory import Directory
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.server import StatService
from ocs.servers.statserver.states import DNEvent, DNState
from protocols.codec import MessageDecoder, encode_message
from protocols.message import Message
from protocols.message_server import MessageServer
from protocols.statserver.messages import ObjectType
from tests.doubles.clock import VirtualClock
from tests.servers.statserver.site import ready_dns, site

__all__ = ["PASSWORD", "StatClient", "StatWorld", "over_the_wire"]

PASSWORD = "a password"


def over_the_wire(message: Message) -> Message:
    """The message as the other side gets it."""
    decoder = MessageDecoder()
    decoder.receive(encode_message(message))
    received = decoder.next_message()
    assert received is not None
    return received


class StatWorld:
    """Server and clock of one test. The site's T-Server two is in sight with nobody at work, one as the test says."""

    def __init__(self, directory: Directory | None = None, statistics_limit: int = 1_000,
                 clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.picture = Picture(directory or site())
        self.service = StatService(self.picture, self.clock, statistics_limit)
        self.server = MessageServer(self.service, {"ocs": "", "desktop": ""}, lambda _, given: succeed(given == PASSWORD))

    def up(self, **logins: str) -> StatWorld:
        """Both T-Servers are in sight, these agents ready at one."""
        self.picture.seen("two", {dn: DNState(monitored=True) for dn in ("7001", "8001", "8002")}, self.clock.wall())
        self.picture.seen("one", ready_dns(**logins), self.clock.wall())
        return self

    def event(self, dn: str, event: DNEvent, switch: str = "one") -> None:
        """Something happens at a DN."""
        self.picture.event(switch, dn, event, self.clock.wall())

    def lose(self, *switches: str) -> None:
        """T-Servers are lost."""
        for switch in switches:
            self.picture.lost(switch, self.clock.wall())


class StatClient:
    """One registered client; `heard` are all messages since the last look, as they come over the wire."""

    def __init__(self, world: StatWorld, application: str = "ocs") -> None:
        self.heard: list[Message] = []
        self._references = 0
        self.client = world.server.connect(lambda message: self.heard.append(over_the_wire(message)))
        assert self.ask("RequestRegisterClient", ApplicationName=application, ApplicationPassword=PASSWORD,
                        ProtocolVersion="1").name == "EventLinkConnected"
        (mode,) = self.news()
        assert (mode.name, mode.attributes) == ("SEventRunModeInfo", {"RunMode": 0})

    def tell(self, name: str, **attributes: Any) -> int:
        """Send a request; its reference id."""
        self._references += 1
        self.client.receive(over_the_wire(Message(name, self._references, attributes)))
        return self._references

    def ask(self, name: str, **attributes: Any) -> Message:
        """Send a request; its answer, which must be there and the only one, is taken from what was heard."""
        reference_id = self.tell(name, **attributes)
        answers = [message for message in self.heard if message.reference_id == reference_id]
        assert len(answers) == 1, (name, attributes, answers)
        self.heard.remove(answers[0])
        return answers[0]

    def open(self, number: int, name: str, kind: ObjectType = ObjectType.GROUP_AGENTS, category: int = 44,
             **more: Any) -> Message:
        """Open a statistic."""
        return self.ask("RequestOpenStatistic", UserRequestID=number, ObjectType=int(kind), ObjectID=name,
                        Category=category, **more)

    def news(self) -> list[Message]:
        """What was heard since the last time."""
        news, self.heard[:] = list(self.heard), []
        return news

    def names(self) -> list[str]:
        """The names of it."""
        return [message.name.removeprefix("SEvent") for message in self.news()]
