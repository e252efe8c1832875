"""Mutated messages and octets at the desktop port, by its real protocols: frames of MessagePack or JSON, and WebSockets.

Desktops come, go, and fall silent in the middle of a message; requests are legal, nearly legal or junk, and now and then what
carries them is broken, too. Whatever comes: nothing is logged as a failure, a message that arrives whole on a connection that is
whole is answered exactly once, what it asks of the record operations is ended once, a legal request is served as ever, and when
everybody has gone no connection, timer, seat or request is left.
"""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.logger import globalLogPublisher

from ocs.desktop.port_values import PortLimits
from ocs.desktop.requester import Requester
from protocols.attributes import KVList, first
from protocols.codec import JSON_TEXT
from protocols.desktop import keys
from protocols.desktop.build import build_request
from protocols.desktop.port import PATH, VOCABULARY
from protocols.errors import LocalProtocolError
from protocols.message import Message
from protocols.server import ConnectionLimits, MessageServerFactory
from protocols.tserver.messages import ATTRIBUTE_TYPES
from protocols.websocket import same_host
from protocols.websocket_transport import PortFactory
from tests.desktop.fuzz import Mutator, finals, is_for_us
from tests.desktop.port_line import WAYS, Line, broken, broken_handshake
from tests.desktop.port_world import CAMPAIGN, DESK_PASSWORD, PortWorld

__all__ = ["Floor", "fuzz_port"]

_WORLD = 2_500          # messages, then another contact center begins
_STIR, _PROBE = 25, 100     # messages between what agents do as they should; between legal requests
_DESKTOPS = 5           # at the same time
_ANSWER_S = 20.0        # the longest that who guesses passwords waits for an answer
_NAMES = (*VOCABULARY.requests, "RequestRegisterClient", "RequestMakePredictiveCall", "EventRinging", "", "x" * 70)
_ATTRIBUTES = (*ATTRIBUTE_TYPES, "UserData", "Reasons", "Extensions", "Unknown")
_DEEP: Any = "b"
for _ in range(12):
    _DEEP = (("again", _DEEP),)
_VALUES: tuple[Any, ...] = (
    "7001", "7002", "1001", "6001", "", "x" * 5_000, "+12125550001", "+1", 0, 1, 4, -1, 2 ** 40, 2 ** 64 - 1, 96, 1.5, True,
    None, b"\x00", [], ["a", [1]], {"a": 1}, (), (("a", "b"),), (("ReasonCode", 1),), (("nested", (("a", "b"),)),), _DEEP,
    DESK_PASSWORD, "\x00")
_GOOD = {"ThisDN": ("7001", "7002", "7003"), "OtherDN": ("7002", "+12125559999", "6001"), "AgentID": ("1001", "1002", "1003")}
_WORK = ("RequestAgentReady", "RequestAgentReady", "RequestAgentNotReady", "RequestQueryDesktop", "RequestRegisterAddress")


class Floor:
    """The port with its desktops, all of which speak the same way. `asked` are requests about records, with their answers."""

    def __init__(self, way: str, rng: random.Random, mutator: Mutator) -> None:
        self._rng, self._mutator, self._codec = rng, mutator, WAYS[way]
        self._world = PortWorld(limits=PortLimits(requests_per_s=1e9, burst=10 ** 9, grace_s=5.0), records=60)
        self._port, clock, limits = self._world.port, self._world.clock, ConnectionLimits(keep_alive_s=0)
        inner = [MessageServerFactory(self._port.server, clock, limits, codec) for codec in (None, JSON_TEXT)]
        self._factory = PortFactory(*inner, same_host(PATH), clock)
        self._factories = (self._factory, *inner)
        self._lines: list[Line] = []
        self.asked: list[tuple[KVList, list[KVList]]] = []
        reception = self._world.center.desktops.reception
        self._receive, reception.receive = reception.receive, self._received        # type: ignore[method-assign]
        self._reference_id = 0
        mutator.handles = lambda: [each.first_handle for each in self._world.center.session.held if each.agent_dn]

    def _received(self, requester: Requester, user_data: KVList, answer: Callable[[KVList], None]) -> None:
        """In the way of the record operations."""
        answers: list[KVList] = []
        self.asked.append((user_data, answers))

        def answered(pairs: KVList) -> None:
            answers.append(pairs)
            answer(pairs)
        self._receive(requester, user_data, answered)

    def _pass(self, line: Line, seconds: float = 0.02) -> None:
        self._world.pass_(seconds)
        line.listen()

    # -- who does as one should -----------------------------------------------------------------------------------
    def _ask(self, line: Line, name: str, **attributes: Any) -> Message:
        """A legal request; its one answer."""
        self._reference_id += 1
        line.heard.clear()
        line.deliver(line.octets(Message(name, self._reference_id, attributes)))
        self._pass(line)
        answers = [each for each in line.heard if each.reference_id == self._reference_id]
        assert len(answers) == 1, (name, attributes, line.heard)
        return answers[0]

    def _request(self, line: Line, name: str) -> None:
        """A legal request about records; one answer."""
        data = build_request(name, reference_id=5, application_id=1, campaign_name=CAMPAIGN)
        assert self._ask(line, "RequestDistributeUserEvent", UserData=data).name == "EventACK"
        told = [each.user_data for each in line.heard if each.name == "EventUserEvent"]
        assert sum(first(pairs, keys.REFERENCE_ID) == 5 for pairs in told) == 1, told

    def _connected(self, name: str) -> Line:
        """A desktop that has registered."""
        line = Line(self._factory, self._codec, self._rng)
        answer = self._ask(line, "RequestRegisterClient", ApplicationName=name, ApplicationPassword=DESK_PASSWORD,
                           ProtocolVersion="1")
        assert answer.name == "EventLinkConnected", answer
        return line

    def _seated(self, name: str) -> bool:
        """Sit down at the agent's own desk with another desktop, which is the last of `_lines` then; False where somebody else
        sits there."""
        line = self._connected(name)
        self._lines.append(line)
        answer = self._ask(line, "RequestAgentLogin", ThisDN=f"7{name[1:]}", AgentPassword=DESK_PASSWORD)
        self._pass(line)
        return answer.name == "EventAgentLogin"

    def stir(self) -> None:
        """An agent comes in and works."""
        name = self._rng.choice(("1001", "1002"))
        if not self._seated(name):
            return
        line, dn = self._lines[-1], f"7{name[1:]}"
        self._ask(line, self._rng.choice(_WORK), ThisDN=dn)
        if self._rng.random() < 0.6:
            self._request(line, "PreviewRecordRequest")
        for held in self._world.center.session.held:
            if held.agent_dn == dn and held.undialed and self._rng.random() < 0.5:
                self._ask(line, "RequestMakeCall", OtherDN=held.record.contact_info,
                          UserData=((keys.RECORD_HANDLE, held.handle),))
                break

    def probe(self) -> None:
        """A legal request is served as ever."""
        if self._seated("1003"):
            self._request(self._lines[-1], "CampaignStatusRequest")
        assert self._ask(self._lines[-1], "RequestQueryDesktop").name == "EventDesktopInfo"

    # -- who does not ---------------------------------------------------------------------------------------------
    def line(self) -> Line:
        """One of the desktops; others come for those who have gone."""
        while len(self._lines) > _DESKTOPS:
            self._lines.pop(0).lose()
        for line in self._lines:
            if not line.open:
                line.lose()
        self._lines = [line for line in self._lines if not line.gone]
        while len(self._lines) < 2:
            self._lines.append(self._connected(self._rng.choice(("1001", "1002", "crm"))) if self._rng.random() < 0.8 else
                               Line(self._factory, self._codec, self._rng))
        return self._rng.choice(self._lines)

    def send(self) -> bool:
        """One message, whole or not; True if it was carried out."""
        line, rng = self.line(), self._rng
        self._reference_id += 1
        message = self._message(self._reference_id)
        try:
            octets = line.octets(message)
        except LocalProtocolError:
            octets, line.clean = rng.randbytes(rng.randrange(1, 40)), False
        if rng.random() < 0.06:
            octets, line.clean = broken(octets, rng), False
        line.heard.clear()
        line.deliver(octets)
        self._pass(line)
        if not self._answers(line) and line.open and line.clean:
            self._pass(line, _ANSWER_S)
        answers = self._answers(line)
        assert len(answers) == 1 or len(answers) == 0 and not (line.clean and line.open), (message, line.heard)
        if not line.open or rng.random() < (0.01 if line.clean else 0.3):
            line.lose()
            self._world.pass_(rng.choice((0.0, 0.0, 1.0, 10.0)))
        return bool(answers) and answers[0].name != "EventError"

    def _answers(self, line: Line) -> list[Message]:
        return [each for each in line.heard if each.reference_id == self._reference_id]

    def _message(self, reference_id: int) -> Message:
        rng = self._rng
        name = rng.choice(_NAMES) if rng.random() < 0.5 else "RequestDistributeUserEvent"
        attributes: dict[str, Any] = {}
        if rng.random() < 0.3:
            attributes = {key: rng.choice(_VALUES) for key in rng.sample(_ATTRIBUTES, rng.randrange(4))}
        attributes.update((key, self._value(key)) for key in VOCABULARY.requests.get(name, ()) if rng.random() < 0.9)
        if name == "RequestDistributeUserEvent" and rng.random() < 0.95:
            attributes["UserData"] = self._mutator.message()
        if name == "RequestAgentLogin" and rng.random() < 0.8:
            attributes.update(ThisDN=rng.choice(_GOOD["ThisDN"]), AgentPassword=DESK_PASSWORD)
        return Message(name, reference_id, attributes)

    def _value(self, key: str) -> Any:
        """One that may do, or any."""
        good = _GOOD.get(key) or ([held.call.conn_id for held in self._world.center.session.held if held.call is not None]
                                  if key == "ConnID" else ())
        return self._rng.choice(good if good and self._rng.random() < 0.7 else _VALUES)

    def stray(self) -> None:
        """Somebody who does not get as far as to a WebSocket."""
        line = Line(self._factory, WAYS["messagepack"], self._rng)
        line.clean = False
        line.deliver(broken_handshake(self._rng))
        self._lines.append(line)

    # -- the end --------------------------------------------------------------------------------------------------
    def home(self) -> None:
        """Everybody goes, and nothing is left; then somebody comes who works as ever."""
        self._leave()
        before = len(self._world.clock.getDelayedCalls())
        for user_data, answers in self.asked:
            assert finals(answers) == is_for_us(user_data), (user_data, answers)
        assert self._seated("1003")
        self._request(self._lines[-1], "CampaignStatusRequest")
        for conn_id in list(self._world.center.server.board.calls):     # what the one before has left there, or another's
            self._ask(self._lines[-1], "RequestReleaseCall", ConnID=conn_id)
        called = self._ask(self._lines[-1], "RequestMakeCall", OtherDN="+13125550100")
        assert called.name == "EventDialing", called
        self._leave()
        calls = len(self._world.center.server.board.calls)      # of customers who go on talking, each until a time
        assert len(self._world.clock.getDelayedCalls()) <= before + calls, "a timer is left"

    def _leave(self) -> None:
        self._world.pass_(_ANSWER_S)
        assert not any(client.data.outstanding for client in self._port.server.granted()), "a request is not answered"
        for line in self._lines:
            line.lose()
        self._lines.clear()
        self._world.pass_(400)
        assert not any(factory.connections for factory in self._factories)
        assert not self._port.server.clients and not len(self._port.seats)
        assert not self._world.center.desktops.reception._outstanding


def fuzz_port(way: str, count: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> int:
    """So many messages by one of WAYS; how many were answered with more than a refusal."""
    failures: list[Any] = []

    def logged(event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None:
            failures.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(logged)
    rng, served = random.Random(seed), 0
    mutator = Mutator(rng)
    try:
        for begin in range(0, count, _WORLD):
            floor = Floor(way, rng, mutator)
            for number in range(begin, min(count, begin + _WORLD)):
                if number % _STIR == 0:
                    floor.stir()
                if number % _PROBE == 0:
                    floor.probe()
                if number % _PROBE == 1 and way == "websocket":
                    floor.stray()
                served += floor.send()
                assert not failures, failures[0]
            floor.home()
            assert not failures, failures[0]
            progress(min(count, begin + _WORLD))
    finally:
        globalLogPublisher.removeObserver(logged)
    return served
