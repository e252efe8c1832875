"""The CPD Server's link on a real CPD service without sockets: calls, progress as events, and the picture after a loss."""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred, fail
from zope.interface.verify import verifyObject

from ocs.dialing.call import CPD_ORIGIN, Call, CallEvent, CallOrigin, CallState, SwitchEvent, step
from ocs.dialing.results import CallResult
from ocs.interfaces import ICallControl
from ocs.links.cpd import CpdLink
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message
from tests.servers.cpdserver.test_server import NUMBER, QUEUE, World, hear

GUID = (("GSW_CALL_ATTEMPT_GUID", "g1"),)
E = SwitchEvent


class Listener:
    """What the engine hears."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.pictures: list[Mapping[str, str]] = []
        self.losses: list[str] = []

    def cpd_up(self, guids: Mapping[str, str]) -> None:
        self.pictures.append(dict(guids))

    def cpd_down(self, reason: str) -> None:
        self.losses.append(reason)

    def call_event(self, event: CallEvent) -> None:
        self.events.append(event)


class Straight:
    """A client of a message server in the same process, as `protocols.client.MessageClient` is over a socket."""

    def __init__(self, world: World, link: CpdLink) -> None:
        self._link, self._count = link, 1
        self._waiting: dict[int, Deferred[Any]] = {1: Deferred()}
        self._waiting[1].addCallback(lambda answer: link.granted(self, answer))
        self._client: Any = world.server.connect(self._received)
        self._client.receive(Message("RequestRegisterClient", 1, {"ApplicationName": "ocs", "ProtocolVersion": "1"}))

    def request(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        if self._client is None:
            return fail(LinkLost("gone"))
        self._count += 1
        answer = self._waiting[self._count] = Deferred()
        self._client.receive(Message(name, self._count, attributes))
        return answer

    def lose(self) -> None:
        client, self._client = self._client, None
        client.closed()
        for waiting in self._waiting.values():
            waiting.errback(LinkLost("gone"))
        self._link.lost(self, "gone")

    def abort(self) -> None:
        self.lose()

    def _received(self, message: Message) -> None:
        waiting = self._waiting.pop(message.reference_id, None)
        if waiting is not None and message.name == "EventError":
            waiting.errback(RequestRefused(message.get("ErrorCode"), message.get("ErrorMessage")))
        elif waiting is not None:
            waiting.callback(message)
        self._link.event(self, message)


def connected() -> tuple[World, CpdLink, Listener, Straight]:
    world, listener = World(), Listener()
    link = CpdLink(world.clock, listener)
    return world, link, listener, Straight(world, link)


def dialed(world: World, link: CpdLink, conn_id: str = "c1") -> str:
    """A customer who is being dialed; the line."""
    told: list[str] = []
    link.make_predictive_call(CPD_ORIGIN, NUMBER, 30.0, GUID, ()).addCallback(told.append)
    world.lines.answers.pop().callback(conn_id)
    assert told == [conn_id]
    line: str = world.lines.asked[-1][1]
    return line


def test_it_is_call_control_and_tells_channels_and_the_calls_that_are_there() -> None:
    world, link, listener, _ = connected()
    assert verifyObject(ICallControl, link)
    assert link.up and listener.pictures == [{}] and (link.total_channels, link.free_channels) == (100, 100)


def test_progress_becomes_the_events_of_a_call_at_a_trunk_group() -> None:
    world, link, listener, _ = connected()
    line = dialed(world, link)
    world.lines.listener.network_reached(line)
    world.lines.listener.answered(line)
    hear(world, line, ("silence", 0.3), ("voice", 0.5), ("silence", 0.9))
    link.transfer_call(CPD_ORIGIN, "c1", QUEUE, two_step=True)
    assert world.lines.asked[-1] == ("transfer", line, QUEUE, True)
    world.lines.answers.pop().callback(None)
    assert [(event.kind, event.dn, event.call_state) for event in listener.events] == [
        (E.DIALING, CPD_ORIGIN, 0), (E.NETWORK_REACHED, CPD_ORIGIN, 0), (E.ESTABLISHED, CPD_ORIGIN, 0),
        (E.RELEASED, CPD_ORIGIN, CallResult.TRANSFERRED)]
    assert {event.guid for event in listener.events} == {"g1"}
    call = Call(CallOrigin.TRUNK_GROUP, CPD_ORIGIN)
    for event in listener.events:
        call, _ = step(call, event)
    assert call.state is CallState.ANSWERED and call.conn_id == "c1"


def test_what_is_not_a_person_or_not_reached_ends_as_it_does_at_a_switch() -> None:
    from protocols.tserver.messages import CallState as Public
    for last, result in ((("busy",), CallResult.BUSY), (("machine",), CallResult.ANSWERING_MACHINE_DETECTED),
                         (("gone",), CallResult.ABANDONED)):
        world, link, listener, _ = connected()
        line = dialed(world, link)
        if last == ("busy",):
            world.lines.listener.over(line, Public.BUSY)
        else:
            world.lines.listener.answered(line)
            if last == ("machine",):
                hear(world, line, ("voice", 2.0))
                link.release_call(CPD_ORIGIN, "c1")
            else:
                world.lines.listener.over(line, Public.REMOTE_RELEASE)
        call = Call(CallOrigin.TRUNK_GROUP, CPD_ORIGIN)
        for event in listener.events:
            call, _ = step(call, event)
        assert call.result is result


def test_an_agent_is_engaged_and_joined() -> None:
    world, link, listener, _ = connected()
    engaged: list[str] = []
    link.make_call(CPD_ORIGIN, QUEUE, GUID).addCallback(engaged.append)
    world.lines.answers.pop().callback("e1")
    world.lines.listener.answered(world.lines.asked[-1][1])
    line = dialed(world, link)
    world.lines.listener.answered(line)
    hear(world, line, ("silence", 0.3), ("voice", 0.5), ("silence", 0.9))
    link.merge_calls(CPD_ORIGIN, "c1", "e1")
    assert engaged == ["e1"] and world.lines.asked[-1][0] == "connect"


def test_after_a_loss_the_calls_that_are_there_are_told_before_their_news() -> None:
    world, link, listener, client = connected()
    line = dialed(world, link)
    client.lose()
    assert not link.up and listener.losses == ["gone"]
    refused: list[Any] = []
    link.release_call(CPD_ORIGIN, "c1").addErrback(refused.append)
    assert refused[0].check(LinkLost)
    Straight(world, link)
    assert link.up and listener.pictures[-1] == {"c1": "g1"}
    world.lines.listener.network_reached(line)
    assert listener.events[-1].kind is E.NETWORK_REACHED


def test_treatments_are_not_applied_here() -> None:
    _, link, _, _ = connected()
    refused: list[Any] = []
    link.apply_treatment(CPD_ORIGIN, "c1", 7, ()).addErrback(refused.append)
    assert refused[0].value.code == 51
