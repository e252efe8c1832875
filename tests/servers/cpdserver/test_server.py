"""The CPD Server on a scripted line driver: what a client asks, hears, and what is left when it or the switch goes."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.options import load, load_file, sample
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.cpdserver.detection import Sound
from ocs.servers.cpdserver.driver import ILineDriver, ILineListener
from ocs.servers.cpdserver.server import CPDService
from protocols.attributes import KVList, first
from protocols.cpd.messages import AnswerType, CallStatus
from protocols.errors import LinkLost
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, MessageServer
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock

NUMBER, QUEUE = "+15550101001", "6001"
SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-cpdserver.toml"


@implementer(ILineDriver)
class ScriptedLines:
    """Does nothing by itself. `asked` are the calls of its methods; `answers` their Deferreds, oldest first."""

    up = True

    def __init__(self) -> None:
        self.listener: Any = None
        self.asked: list[tuple[Any, ...]] = []
        self.answers: list[Deferred[Any]] = []

    def start(self, listener: object) -> None:
        self.listener = listener

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def call(self, line: str, number: str, ring_timeout_s: float, user_data: KVList, extensions: KVList) -> Deferred[str]:
        return self._ask("call", line, number, ring_timeout_s)

    def engage(self, line: str, destination: str, user_data: KVList) -> Deferred[str]:
        return self._ask("engage", line, destination)

    def transfer(self, line: str, destination: str, two_step: bool) -> Deferred[None]:
        return self._ask("transfer", line, destination, two_step)

    def connect(self, line: str, engaged: str) -> Deferred[None]:
        return self._ask("connect", line, engaged)

    def release(self, line: str) -> None:
        self.asked.append(("release", line))

    def _ask(self, *what: Any) -> Deferred[Any]:
        self.asked.append(what)
        self.answers.append(Deferred())
        return self.answers[-1]


class World:
    """Server, driver and clock."""

    def __init__(self, **channels: Any) -> None:
        self.clock, self.real, self.lines = VirtualClock(), VirtualClock(), ScriptedLines()
        options = load(CPDServerOptions, {"channels": channels})
        self.service = CPDService(options, self.lines, self.clock, self.real)
        self.server = MessageServer(self.service, {"ocs": "x", "other": "x"}, lambda wanted, given: succeed(True))
        self.service.start()

    def stop(self) -> None:
        self.service.stop()
        assert not self.clock.getDelayedCalls() and not self.real.getDelayedCalls()


class Client:
    """A client of the server."""

    def __init__(self, world: World, application: str = "ocs") -> None:
        self.heard: list[Message] = []
        self.world, self.client = world, world.server.connect(self.heard.append)
        self.client.receive(Message("RequestRegisterClient", 1, {"ApplicationName": application, "ProtocolVersion": "1"}))
        assert [message.name for message in self.news()] == ["EventLinkConnected", "EventChannelsUpdated"]
        self._reference_id = 1

    def ask(self, name: str, **attributes: Any) -> int:
        self._reference_id += 1
        self.client.receive(Message(name, self._reference_id, attributes))
        return self._reference_id

    def answer(self, name: str, **attributes: Any) -> Message:
        """Ask; the answer, which must be there at once."""
        reference_id = self.ask(name, **attributes)
        answer, = (message for message in self.heard if message.reference_id == reference_id)
        self.heard.remove(answer)
        return answer

    def news(self) -> list[Message]:
        news, self.heard[:] = list(self.heard), []
        return news

    def progress(self) -> list[tuple[str, int, int, int]]:
        """(stage, call status, call state, answer type) of the news."""
        return [(one.get("Stage"), one.get("CallStatus"), one.get("CallState"), one.get("AnswerType")) for one in self.news()
                if one.name == "EventCallProgress"]

    def call(self, conn_id: str = "c1", **attributes: Any) -> str:
        """A customer who is being dialed; the line."""
        self.ask("RequestMakePredictiveCall", OtherDN=NUMBER, **attributes)
        self.world.lines.answers.pop().callback(conn_id)
        line: str = self.world.lines.asked[-1][1]
        self.news()
        return line

    def answered(self, conn_id: str = "c1", **attributes: Any) -> str:
        """A customer who picked up and was found to be a person; the line."""
        line = self.call(conn_id, **attributes)
        self.world.lines.listener.answered(line)
        hear(self.world, line, ("silence", 0.3), ("voice", 0.5), ("silence", 1.0))
        self.news()
        return line


def hear(world: World, line: str, *stretches: tuple[str, float]) -> None:
    for kind, seconds in stretches:
        for _ in range(round(seconds * 10)):
            world.lines.listener.heard(line, Sound(kind), 0.1)


def test_the_parts_are_what_they_say() -> None:
    world = World()
    assert verifyObject(ILineDriver, world.lines) and verifyObject(ILineListener, world.service)
    assert verifyObject(IMessageService, world.service)


def test_the_sample_is_what_the_options_say() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(CPDServerOptions, title)
    assert load_file(CPDServerOptions, SAMPLE).channels.number == 100


def test_a_person_is_dialed_told_and_transferred() -> None:
    world = World()
    ocs = Client(world)
    reference_id = ocs.ask("RequestMakePredictiveCall", OtherDN=NUMBER, Timeout=20, UserData=(("GSW_PHONE", NUMBER),))
    line = world.lines.asked[-1][1]
    assert world.lines.asked == [("call", line, NUMBER, 20.0)] and not ocs.heard
    world.lines.answers.pop().callback("c1")
    assert [(one.name, one.reference_id, one.get("ConnID")) for one in ocs.heard] == [
        ("EventCallProgress", 0, "c1"), ("EventRequestResponse", reference_id, "c1")]
    assert first(ocs.heard[0].user_data, "GSW_PHONE") == NUMBER
    world.lines.listener.network_reached(line)
    world.lines.listener.answered(line)
    hear(world, line, ("silence", 0.3), ("voice", 0.5), ("silence", 0.9))
    assert ocs.progress() == [("dialing", 0, 0, 0), ("network-reached", 0, 0, 0), ("answered", 0, 0, 0),
                              ("established", 0, 0, AnswerType.VOICE)]
    ocs.ask("RequestTransferCall", ConnID="c1", OtherDN=QUEUE, TransferType=1)
    assert world.lines.asked[-1] == ("transfer", line, QUEUE, True)
    world.lines.answers.pop().callback(None)
    assert ocs.progress() == [("released", CallStatus.TRANSFERRED, CallState.TRANSFERRED, AnswerType.VOICE)]
    assert world.service.free == 100
    world.stop()


@pytest.mark.parametrize("state, answer", [
    (CallState.BUSY, AnswerType.BUSY), (CallState.NO_ANSWER, AnswerType.NO_ANSWER), (CallState.SIT_VACANT, AnswerType.SIT),
    (CallState.ALL_TRUNKS_BUSY, AnswerType.UNKNOWN)])
def test_who_is_not_reached_is_told_with_the_reason(state: CallState, answer: AnswerType) -> None:
    world = World()
    ocs = Client(world)
    world.lines.listener.over(ocs.call(), state)
    assert ocs.progress() == [("released", CallStatus.RELEASED, state, answer)]
    world.stop()


def test_a_machine_is_told_and_waits_for_the_clients_word() -> None:
    world = World()
    ocs = Client(world)
    line = ocs.call()
    world.lines.listener.answered(line)
    hear(world, line, ("silence", 0.5), ("voice", 2.0))
    assert ocs.progress()[-1] == ("established", 0, CallState.ANSWERING_MACHINE_DETECTED, AnswerType.ANSWERING_MACHINE)
    assert ocs.answer("RequestReleaseCall", ConnID="c1").name == "EventRequestResponse"
    assert world.lines.asked[-1] == ("release", line) and ocs.progress()[-1][1] == CallStatus.DROPPED
    world.stop()


def test_who_hangs_up_while_we_listen_or_wait_has_abandoned() -> None:
    world = World()
    ocs = Client(world)
    for listening in (True, False):
        line = ocs.call() if listening else ocs.answered()
        world.lines.listener.answered(line)
        world.lines.listener.over(line, CallState.REMOTE_RELEASE)
        assert ocs.progress()[-1][:3] == ("released", CallStatus.ABANDONED, CallState.ABANDONED)
    world.stop()


def test_the_guard_ends_the_listening_and_the_call_counts_as_a_persons() -> None:
    world = World()
    ocs = Client(world)
    line = ocs.call(Extensions=(("call_timeguard_timeout", 1_800),))
    world.lines.listener.answered(line)
    world.clock.advance(1.7)
    assert [stage for stage, *_ in ocs.progress()] == ["answered"]
    world.clock.advance(0.2)
    assert ocs.progress() == [("established", 0, 0, AnswerType.VOICE)]
    hear(world, line, ("voice", 5.0))
    assert not ocs.news()
    world.stop()


def test_without_analysis_every_answer_is_a_persons_at_once() -> None:
    world = World()
    ocs = Client(world)
    world.lines.listener.answered(ocs.call(Extensions=(("call_answer_type_recognition", "no_progress_detection"),)))
    assert ocs.progress()[-1] == ("established", 0, 0, AnswerType.VOICE)
    world.stop()


def test_an_agent_is_engaged_and_connected_with_a_customer() -> None:
    world = World()
    ocs = Client(world)
    ocs.ask("RequestEngageAgent", OtherDN=QUEUE)
    world.lines.answers.pop().callback("e1")
    engaged = world.lines.asked[-1][1]
    customer = ocs.answered("c1")
    assert ocs.answer("RequestConnectCalls", ConnID="c1", EngagingConnID="e1").get("ErrorCode") == ErrorCode.WRONG_CALL_STATE
    world.lines.listener.answered(engaged)
    assert ocs.progress() == [("established", 0, 0, 0)]
    ocs.ask("RequestConnectCalls", ConnID="c1", EngagingConnID="e1")
    assert world.lines.asked[-1] == ("connect", customer, engaged)
    assert ocs.answer("RequestTransferCall", ConnID="c1", OtherDN=QUEUE).get("ErrorCode") == ErrorCode.WRONG_CALL_STATE
    world.lines.answers.pop().callback(None)
    assert [status for _, status, *_ in ocs.progress()] == [CallStatus.TRANSFERRED] * 2 and world.service.free == 100
    world.stop()


def test_a_move_that_fails_leaves_the_call_where_it_was() -> None:
    world = World()
    ocs = Client(world)
    ocs.answered()
    for error, code in ((Refused(ErrorCode.BAD_DESTINATION_STATE, "OtherDN: full"), 93), (LinkLost("gone"), 57)):
        reference_id = ocs.ask("RequestTransferCall", ConnID="c1", OtherDN=QUEUE)
        world.lines.answers.pop().errback(error)
        answer, = ocs.news()
        assert (answer.reference_id, answer.get("ErrorCode")) == (reference_id, code)
    ocs.ask("RequestTransferCall", ConnID="c1", OtherDN=QUEUE)
    world.lines.answers.pop().callback(None)
    assert ocs.progress()[-1][1] == CallStatus.TRANSFERRED
    world.stop()


def test_what_nobody_moves_is_released() -> None:
    world = World(unmoved_s=10)
    ocs = Client(world)
    line = ocs.answered()
    world.clock.advance(11)
    assert world.lines.asked[-1] == ("release", line) and ocs.progress()[-1][1] == CallStatus.RELEASED
    world.stop()


def test_channels_are_counted_and_bounded() -> None:
    world = World(number=2)
    ocs = Client(world)
    first_line = ocs.call("c1")
    ocs.ask("RequestEngageAgent", OtherDN=QUEUE)
    assert ocs.answer("RequestMakePredictiveCall", OtherDN=NUMBER).get("ErrorCode") == ErrorCode.RESOURCE_UNAVAILABLE
    assert ocs.answer("RequestQueryChannels").attributes == {"TotalChannels": 2, "FreeChannels": 0}
    world.lines.answers.pop().errback(Refused(ErrorCode.BAD_CALLED_DN, "OtherDN: no"))
    assert ocs.news()[-1].get("ErrorCode") == ErrorCode.BAD_CALLED_DN
    world.lines.listener.over(first_line, CallState.BUSY)
    assert ocs.answer("RequestQueryChannels").get("FreeChannels") == 2
    world.lines.up = False
    world.lines.listener.up_changed()
    assert ocs.news()[-1].attributes == {"TotalChannels": 0, "FreeChannels": 0}
    assert ocs.answer("RequestMakePredictiveCall", OtherDN=NUMBER).get("ErrorCode") == ErrorCode.NO_SWITCH
    world.stop()


def test_a_client_that_comes_back_finds_its_calls_and_nobody_elses() -> None:
    world = World(client_grace_s=30)
    ocs, other = Client(world), Client(world, "other")
    line = ocs.answered("c1", UserData=(("GSW_CALL_ATTEMPT_GUID", "g1"),))
    other.call("c2")
    ocs.client.closed()
    world.real.advance(29)
    back = Client(world)
    world.real.advance(60)
    assert back.answer("RequestQueryCalls").extensions == (
        ("calls", 1), ("conn-1", "c1"), ("stage-1", "established"), ("guid-1", "g1"))
    assert back.answer("RequestReleaseCall", ConnID="c2").get("ErrorCode") == ErrorCode.BAD_CONN_ID
    back.client.closed()
    world.real.advance(31)
    assert ("release", line) in world.lines.asked and not other.news()
    world.stop()


@pytest.mark.parametrize("name, attributes, text", [
    ("RequestMakePredictiveCall", {"OtherDN": NUMBER, "Timeout": 0}, "Timeout"),
    ("RequestMakePredictiveCall", {"OtherDN": NUMBER, "Extensions": (("call_answer_type_recognition", "psychic"),)},
     "Extensions.call_answer_type_recognition"),
    ("RequestMakePredictiveCall", {"OtherDN": NUMBER, "Extensions": (("call_timeguard_timeout", -1),)},
     "Extensions.call_timeguard_timeout"),
    ("RequestTransferCall", {"ConnID": "c9", "OtherDN": QUEUE}, "ConnID"),
    ("RequestQueryCalls", {"Extensions": (("first-call", 0),)}, "Extensions.first-call")])
def test_bad_requests_are_refused_by_name(name: str, attributes: dict[str, Any], text: str) -> None:
    world = World()
    answer = Client(world).answer(name, **attributes)
    assert answer.name == "EventError" and answer.get("ErrorMessage").startswith(text + ":")
    assert not world.lines.asked
