"""The client library when connections come and go: when an agent who was logged in is there again, and when not any more."""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from protocols.desktop.client import AgentDesktop
from protocols.desktop.model import Work
from protocols.errors import LinkLost, RequestRefused
from protocols.message import ErrorCode, Message

DN = {"ThisDN": "7001"}
ANSWERS = {
    "RequestAgentLogin": Message("EventAgentLogin", 0, {**DN, "AgentID": "1001"}),
    "RequestRegisterAddress": Message("EventRegistered", 0, {**DN, "AgentID": "1001", "Extensions": (("AgentStatus", 3),)}),
    "RequestDistributeUserEvent": Message("EventACK", 0, DN)}


class Wire:
    """What the library takes for its connection. Requests are answered, or refused where `refusals` say so."""

    connected = True

    def __init__(self, **refusals: ErrorCode) -> None:
        self.asked: list[str] = []
        self.refusals = refusals
        self._reference_id = 0

    def request(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        self.asked.append(name)
        self._reference_id += 1
        done: Deferred[Message] = Deferred()
        if name in self.refusals:
            done.errback(RequestRefused(int(self.refusals[name]), "refused"))
        else:
            answer = ANSWERS[name]
            done.callback(Message(answer.name, self._reference_id, answer.attributes))
        return done


def at_a_port(*, application: tuple[str, str] | None = None) -> tuple[AgentDesktop, Clock]:
    """A desktop whose agent is logged in and whose connection was lost then."""
    clock = Clock()
    desktop = AgentDesktop(clock, None, "1001", "a password", application=application)      # type: ignore[arg-type]
    wire = connect(desktop, Wire())
    desktop.log_in("7001", "6001").addErrback(lambda failure: failure.trap(LinkLost))
    assert desktop.desk.work is Work.NOT_READY and desktop.desk.connected
    desktop.lost(wire, "the network is gone")                                               # type: ignore[arg-type]
    assert not desktop.desk.connected
    return desktop, clock


def connect(desktop: AgentDesktop, wire: Wire, answer: str = "EventLinkConnected") -> Wire:
    desktop.granted(wire, Message(answer, 1, {"ApplicationDBID": 0}))                       # type: ignore[arg-type]
    return wire


def test_whoever_was_logged_in_is_connected_when_the_agent_is_back_at_the_dn() -> None:
    desktop, _ = at_a_port()
    wire = connect(desktop, Wire())
    assert wire.asked == ["RequestAgentLogin", "RequestRegisterAddress"] and desktop.desk.connected
    assert desktop.desk.work is Work.NOT_READY


def test_while_the_switch_is_away_the_desktop_waits_for_it_and_logs_in_then() -> None:
    desktop, _ = at_a_port()
    wire = connect(desktop, Wire(RequestAgentLogin=ErrorCode.LINK_DOWN), "EventLinkDisconnected")
    assert desktop.desk.connected and not desktop.desk.switch_up and wire.asked == ["RequestAgentLogin"]
    wire.refusals = {}
    desktop.event(wire, Message("EventLinkConnected"))                                      # type: ignore[arg-type]
    assert wire.asked[1:] == ["RequestAgentLogin", "RequestRegisterAddress"] and desktop.desk.switch_up
    desktop.event(wire, Message("EventLinkConnected"))                                      # type: ignore[arg-type]
    assert wire.asked[3:] == ["RequestRegisterAddress"]


def test_an_agent_who_is_refused_then_is_logged_out_on_this_desktop() -> None:
    desktop, _ = at_a_port()
    connect(desktop, Wire(RequestAgentLogin=ErrorCode.AGENT_ID_IN_USE))
    assert desktop.desk.connected and desktop.desk.work is Work.LOGGED_OUT and desktop.desk.dn == ""


def test_at_a_tserver_that_has_kept_the_agent_there_is_nothing_to_log_in() -> None:
    desktop, _ = at_a_port(application=("crm", "its password"))
    wire = connect(desktop, Wire(RequestAgentLogin=ErrorCode.AGENT_ALREADY_IN))
    assert desktop.desk.connected and desktop.desk.work is Work.NOT_READY
    assert wire.asked[:3] == ["RequestRegisterAddress", "RequestAgentLogin", "RequestRegisterAddress"]
