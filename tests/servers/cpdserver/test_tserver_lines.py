"""The line driver on a real T-Server model with the simulated network, all on one virtual clock."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail

from ocs.options import load
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.cpdserver.server import CPDService
from ocs.servers.cpdserver.tserver_lines import TServerLines
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message
from protocols.message_server import MessageServer
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock
from tests.servers.cpdserver.test_server import Client
from tests.servers.tserver.world import AGENTS, OPTIONS, PASSWORD, QUEUE, TRUNK

SHARES = {"person": 0.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0}


class StraightLink:
    """A link to a T-Server in the same process: what `ocs.links.service.Link` is over a socket."""

    running = True

    def __init__(self, server: TServer, listener: Any) -> None:
        self._server, self._listener, self._waiting, self._count = server, listener, {}, 0      # type: ignore[var-annotated]
        self._session: Any = None

    def startService(self) -> None:
        self._session = self._server.connect(self._received)
        self.request("RequestRegisterClient", {"ApplicationName": "ocs", "ApplicationPassword": PASSWORD,
                                               "ProtocolVersion": "1"}).addCallback(
            lambda answer: self._listener.granted(self, answer))

    def stopService(self) -> Deferred[None]:
        self.lose()
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def lose(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.closed()
            self._listener.lost(self, "lost")

    def request(self, name: str, attributes: Any, timeout_s: float | None = None) -> Deferred[Message]:
        if self._session is None:
            return fail(LinkLost(name))
        self._count += 1
        answer = self._waiting[self._count] = Deferred()
        self._session.receive(Message(name, self._count, attributes))
        return answer

    def _received(self, message: Message) -> None:
        waiting = self._waiting.pop(message.reference_id, None)
        if message.name == "EventError":
            error = RequestRefused(message.get("ErrorCode"), message.get("ErrorMessage"))
            if waiting is not None:
                waiting.errback(error)
            return
        if waiting is not None:
            waiting.callback(message)
        self._listener.event(self, message)


class Site:
    """T-Server with its network, CPD Server, and an agent who answers."""

    def __init__(self, **shares: float) -> None:
        self.clock = VirtualClock()
        options = load(TServerOptions, {**OPTIONS, "simulator": {**SHARES, **shares}})
        self.tserver = TServer(self.clock, SimulatedNetwork(self.clock, options.simulator), options)
        self.tserver.start()
        self.lines = TServerLines(TRUNK, self.clock, lambda listener: StraightLink(self.tserver, listener))
        self.service = CPDService(load(CPDServerOptions, {}), self.lines, self.clock, VirtualClock())
        self.service.start()
        self.server = MessageServer(self.service, {"ocs": "x"}, lambda wanted, given: _true())
        self.ocs = Client(self)     # type: ignore[arg-type]
        self.desk: list[Message] = []
        self.seat = self.tserver.connect(self.desk.append)
        for number, (name, attributes) in enumerate((
                ("RequestRegisterClient", {"ApplicationName": "desktop", "ApplicationPassword": PASSWORD,
                                           "ProtocolVersion": "1"}),
                ("RequestRegisterAddress", {"ThisDN": AGENTS[0]}),
                ("RequestAgentLogin", {"ThisDN": AGENTS[0], "AgentID": "1001", "AgentPassword": PASSWORD, "ThisQueue": QUEUE}),
                ("RequestAgentReady", {"ThisDN": AGENTS[0]})), 1):
            self.seat.receive(Message(name, number, attributes))
        self.desk.clear()

    def dial(self, number: str = "+15550101001") -> str:
        answer = self.ocs.answer("RequestMakePredictiveCall", OtherDN=number, Timeout=60)
        assert answer.name == "EventRequestResponse", answer
        conn_id: str = answer.get("ConnID")
        return conn_id

    def until(self, stage: str, limit_s: float = 120.0) -> tuple[str, int, int, int]:
        """Let time pass until this stage is told."""
        waited = 0.0
        while waited < limit_s:
            self.clock.advance(0.1)
            waited += 0.1
            for one in self.ocs.progress():
                if one[0] == stage:
                    return one
        raise AssertionError(stage)

    def answer_the_phone(self) -> str:
        """The agent answers what rings; its ConnID."""
        ringing = [message for message in self.desk if message.name in ("EventRinging", "EventPartyChanged")][-1]
        self.desk.clear()
        conn_id: str = ringing.get("ConnID")
        self.seat.receive(Message("RequestAnswerCall", 9, {"ThisDN": AGENTS[0], "ConnID": conn_id}))
        return conn_id


def _true() -> Deferred[bool]:
    true: Deferred[bool] = Deferred()
    true.callback(True)
    return true


def numbers(count: int) -> list[str]:
    return [f"+1555010{number:04}" for number in range(1001, 1001 + count)]


def test_a_person_is_recognised_and_transferred_in_either_way() -> None:
    for kind in (0, 1):
        site = Site(person=1.0)
        for number in numbers(20):
            conn_id = site.dial(number)
            if site.until("established")[2] == CallState.OK:
                break
            site.until("released")
        assert site.ocs.answer("RequestTransferCall", ConnID=conn_id, OtherDN=QUEUE, TransferType=kind).name \
            == "EventRequestResponse"
        assert site.ocs.progress()[-1][:2] == ("released", 1)
        assert site.answer_the_phone() == conn_id and site.service.free == 100
        assert {party.name for party in site.tserver.board.calls[conn_id].parties} == {AGENTS[0], number}


def test_machines_are_recognised_by_listening_mostly() -> None:
    site = Site(machine=1.0)
    states = []
    for number in numbers(30):
        conn_id = site.dial(number)
        states.append(site.until("established")[2])
        site.ocs.answer("RequestReleaseCall", ConnID=conn_id)
    assert states.count(CallState.ANSWERING_MACHINE_DETECTED) >= 25
    assert not site.tserver.board.calls and site.service.free == 100


def test_a_busy_number_is_told_as_such() -> None:
    site = Site(busy=1.0)
    site.dial()
    assert site.until("released")[1:3] == (4, CallState.BUSY)


def test_an_agent_is_engaged_and_joined_with_a_customer() -> None:
    site = Site(person=1.0)
    engaging = site.ocs.answer("RequestEngageAgent", OtherDN=QUEUE).get("ConnID")
    assert site.answer_the_phone() == engaging
    assert site.ocs.progress()[-1][0] == "established"
    for number in numbers(20):
        customer = site.dial(number)
        if site.until("established")[2] == CallState.OK:
            break
        site.until("released")
    assert site.ocs.answer("RequestConnectCalls", ConnID=customer, EngagingConnID=engaging).name == "EventRequestResponse"
    changed = next(message for message in site.desk if message.name == "EventPartyChanged")
    assert (changed.get("ConnID"), changed.get("PreviousConnID")) == (customer, engaging)
    assert list(site.tserver.board.calls) == [customer] and site.service.free == 100


def test_what_the_switch_refuses_is_refused_with_its_code() -> None:
    site = Site()
    assert site.ocs.answer("RequestMakePredictiveCall", OtherDN="12").get("ErrorCode") == 71
    assert site.service.free == 100


def test_after_a_loss_calls_that_are_gone_are_over_and_the_others_go_on() -> None:
    site = Site(person=1.0)
    kept, gone = site.dial("+15550101001"), site.dial("+15550101002")
    link = site.lines._link
    link.lose()
    assert site.ocs.news()[-1].attributes == {"TotalChannels": 0, "FreeChannels": 0}
    call = site.tserver.board.calls[gone]
    site.tserver.control.release(call.parties[0])
    link.startService()
    assert site.ocs.progress() == [("released", 4, CallState.UNKNOWN, 0)]
    site.until("answered")
    assert kept in site.service._calls and gone not in site.service._calls
