"""A T-Server and an OCS by script, on memory: the real codec and the real client protocol, no sockets, no time."""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.lab.agents.agent import LabAgent
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.desk import TServerDesk
from ocs.lab.people import AgentPerson
from protocols.attributes import KVList
from protocols.conversation import ServerConversation
from protocols.desktop.build import CampaignEvent, acknowledge, campaign_event, error_event
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import DesktopRequest, parse_request
from protocols.desktop.record import RecordData
from protocols.keepalive import KeepAlive
from protocols.tserver.messages import Message
from tests.doubles.clock import VirtualClock

__all__ = ["Wire", "PEOPLE", "record"]

PEOPLE = [AgentPerson(f"agent{n}", f"700{n}", "6001", "secret") for n in range(1, 10)]


class Line(StringTransport):
    """One direction of a connection: what is written arrives on the next turn, unless the line was cut."""

    def __init__(self, clock: VirtualClock, deliver: Callable[[bytes], None], closed: Callable[[bool], None]) -> None:
        super().__init__()
        self._clock, self._deliver, self._closed, self.cut = clock, deliver, closed, False

    def write(self, data: bytes) -> None:
        self._clock.callLater(0, lambda: None if self.cut else self._deliver(data))

    def loseConnection(self) -> None:
        self._end(True)

    def abortConnection(self) -> None:
        self._end(False)

    def _end(self, clean: bool) -> None:
        self._clock.callLater(0, self._closed, clean)


@implementer(IStreamClientEndpoint)
class Wire:
    """The T-Server: grants what it is asked for, unless `answers` has something else; keeps what it heard.

    `answers[request](message)` returns the attributes and name of another answer, None for silence."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.up = clock, True
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Callable[[Message], Message | None]] = {}
        self.client: Any = None
        self.connections = 0
        self.calls: dict[str, KVList] = {}          # calls at the DN, by ConnID
        self.party_state = 0xC
        self.ocs = ScriptedOCS(self)

    def connect(self, factory: Any) -> Deferred[Any]:
        if not self.up:
            return fail(ConnectionRefusedError())
        self.connections += 1
        self._server = ServerConversation(keep_alive=KeepAlive(0))
        client = factory.buildProtocol(None)
        self._line = line = Line(self.clock, self._received, self._closed)
        self.client = client
        self.clock.callLater(0, client.makeConnection, line)
        return succeed(client)

    def break_link(self) -> None:
        """The connection is gone, on both sides."""
        self._closed(False)

    def _closed(self, clean: bool) -> None:
        if not self._line.cut:
            self._line.cut = True
            self.client.connectionLost(Failure(ConnectionDone() if clean else ConnectionLost()))

    # -- what the T-Server says -----------------------------------------------------------------------------------
    def names(self) -> list[str]:
        """Names of the requests to the switch, user events left out."""
        return [name for name, _ in self.heard if name not in ("RequestDistributeUserEvent", "RequestRegisterClient")]

    def attributes(self, name: str) -> dict[str, Any]:
        """The attributes of the last request of this name."""
        return [attributes for heard, attributes in self.heard if heard == name][-1]

    def say(self, name: str, reference_id: int = 0, **attributes: Any) -> None:
        self._server.send(Message(name, reference_id, attributes))
        self._flush()

    def ring(self, conn_id: str, user_data: KVList = (), dn: str = "7001") -> None:
        self.calls[conn_id] = user_data
        self.say("EventRinging", ThisDN=dn, ConnID=conn_id, UserData=user_data, CallState=0, CallType=3)

    def release(self, conn_id: str, call_state: int = 0, name: str = "EventReleased", dn: str = "7001") -> None:
        user_data = self.calls.pop(conn_id, ())
        self.say(name, ThisDN=dn, ConnID=conn_id, UserData=user_data, CallState=call_state)

    def establish(self, conn_id: str, reference_id: int = 0, call_state: int = 0, dn: str = "7001") -> None:
        self.say("EventEstablished", reference_id, ThisDN=dn, ConnID=conn_id, UserData=self.calls[conn_id],
                 CallState=call_state)

    def user_event(self, user_data: KVList, dn: str = "7001") -> None:
        self.say("EventUserEvent", ThisDN=dn, UserEvent=96, UserData=user_data)

    # -- what it does ---------------------------------------------------------------------------------------------
    def _flush(self) -> None:
        data = self._server.output()
        line = self._line
        if data:
            self.clock.callLater(0, lambda: None if line.cut else self.client.dataReceived(data))

    def _received(self, data: bytes) -> None:
        self._server.receive(data, self.clock.seconds())
        while (message := self._server.next_message()) is not None:
            self.heard.append((message.name, dict(message.attributes)))
            if message.name in self.answers:
                answer = self.answers[message.name](message)
                if answer is not None:
                    self.say(answer.name, message.reference_id, **answer.attributes)
            else:
                self._grant(message)
        self._flush()

    def _grant(self, message: Message) -> None:
        name, dn = message.name, message.get("ThisDN", "")
        if name == "RequestRegisterClient":
            self._server.grant()
            self.say("EventLinkConnected", message.reference_id)
        elif name == "RequestRegisterAddress":
            pairs = [pair for n, conn in enumerate(self.calls, 1)
                     for pair in ((f"conn-{n}", conn), (f"ct-{n}", 3), (f"ps-{n}", self.party_state))]
            self.say("EventRegistered", message.reference_id, ThisDN=dn, Extensions=tuple(pairs))
        elif name == "RequestMakeCall":
            conn_id = f"{len(self.heard):016x}"
            self.calls[conn_id] = message.user_data
            self.say("EventDialing", message.reference_id, ThisDN=dn, ConnID=conn_id, UserData=message.user_data)
        elif name in ("RequestAnswerCall", "RequestReleaseCall") and message.get("ConnID") not in self.calls:
            self.say("EventError", message.reference_id, ErrorCode=56, ErrorMessage="ConnID: no such call")
        elif name == "RequestAnswerCall":
            self.establish(message.get("ConnID"), message.reference_id, dn=dn)
        elif name == "RequestReleaseCall":
            del self.calls[message.get("ConnID")]
            self.say("EventReleased", message.reference_id, ThisDN=dn, ConnID=message.get("ConnID"), CallState=0)
        elif name == "RequestQueryCall":
            self.say("EventAddressInfo", message.reference_id, ThisDN=dn, ConnID=message.get("ConnID"),
                     UserData=self.calls.get(message.get("ConnID"), ()))
        elif name == "RequestDistributeUserEvent":
            self.say("EventACK", message.reference_id, ThisDN=dn)
            self.user_event(message.user_data, dn)
            for answer in self.ocs.answer(message.user_data):
                self.user_event(answer, dn)
        else:
            event = name.replace("Request", "Event")
            self.say(event, message.reference_id, ThisDN=dn)


class ScriptedOCS:
    """Acknowledges everything, unless it is `silent` or `refuses` a request; gives the `records` it has."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.heard: list[DesktopRequest] = []
        self.silent: set[str] = set()
        self.refuses: dict[str, DesktopErrorCode] = {}
        self.records: list[RecordData] = []
        self.mode = "Progressive"

    def names(self) -> list[str]:
        return [request.name for request in self.heard if request.name != "CampaignStatusRequest"]

    def last(self, name: str) -> DesktopRequest:
        return [request for request in self.heard if request.name == name][-1]

    def answer(self, user_data: KVList) -> list[KVList]:
        request = parse_request(user_data)
        if request is None:
            return []
        self.heard.append(request)
        if request.name in self.silent:
            return []
        if request.name in self.refuses:
            return [error_event(request, self.refuses[request.name])]
        if request.name == "CampaignStatusRequest":
            return [campaign_event(CampaignEvent.STARTED, 1, "Spring", mode=self.mode)]
        if request.name == "PreviewRecordRequest":
            if not self.records:
                return [error_event(request, DesktopErrorCode.NO_RECORDS_AVAILABLE)]
            return [acknowledge(request, "PreviewRecord", self.records.pop(0).pairs())]
        return [acknowledge(request)]


def record(handle: int = 7, **values: Any) -> RecordData:
    """A record of the campaign Spring, in a zone seven hours behind UTC."""
    return RecordData(**{"record_handle": handle, "application_id": 1, "campaign_name": "Spring", "phone": "+14155550100",
                         "calling_list": "Leads", "tz_name": "America/Los_Angeles", "tz_offset": -25_200,
                         "fields": (("Name", "Ann"),), **values})


def agent_at(wire: Wire, seed: int = 1, **behaviour: Any) -> LabAgent:
    """An agent at 7001 with no breaks and no surprises, unless `behaviour` says otherwise."""
    plain = {"break_every_s": 0.0, "hang_up_share": 0.0, "reschedule_share": 0.0, "do_not_call_share": 0.0,
             "wrong_number_share": 0.0, "wrong_party_share": 0.0, "reject_share": 0.0}
    desk = TServerDesk(wire.clock, wire, "desktop", "password", "7001", random.Random(seed), keep_alive_s=0)
    return LabAgent(wire.clock, desk, PEOPLE[0], AgentBehaviour(**{**plain, **behaviour}), random.Random(seed))


def run(clock: VirtualClock, seconds: float, step_s: float = 0.25) -> None:
    """Let time pass in small steps, so that timers that start timers keep their times."""
    for _ in range(max(1, round(seconds / step_s))):
        clock.advance(step_s)
