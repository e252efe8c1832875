"""The manager's lines on a T-Server whose messages a test writes."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from ocs.servers.obn.lines import Lines
from protocols.attributes import KVList
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message

TRUNK = "6860"


class Switch:
    """A link and its client; `asked` has what was asked, oldest first."""

    running = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], Deferred[Any]]] = []
        self.heard: list[tuple[Any, ...]] = []
        self.aborted = False
        self.lines = Lines(TRUNK, lambda listener: self)
        self.lines.start(self)      # type: ignore[arg-type]

    def startService(self) -> None:
        self.heard.append(("started",))

    def abort(self) -> None:
        self.aborted = True

    def request(self, name: str, attributes: dict[str, Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        assert attributes["ThisDN"] == TRUNK
        self.asked.append((name, attributes, done))
        return done

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *values: self.heard.append((name, *values))

    def log_in(self, *calls: str, total: int | None = None) -> None:
        self.lines.granted(self, Message("EventLinkConnected", 1, {}))
        self.answer("RequestRegisterAddress", Extensions=(
            ("calls", len(calls) if total is None else total), *((f"conn-{n}", conn) for n, conn in enumerate(calls, 1))))

    def answer(self, name: str, **attributes: Any) -> None:
        asked, _, done = self.asked.pop()
        assert asked == name
        done.callback(Message("EventAck", 2, attributes))

    def event(self, name: str, conn_id: str = "c1", dn: str = TRUNK, **attributes: Any) -> None:
        self.lines.event(self, Message(name, None, {"ConnID": conn_id, "ThisDN": dn, **attributes}))

    def dial(self, token: str = "T1", conn_id: str = "c1") -> None:
        data: KVList = (("GSW_CALL_ATTEMPT_GUID", token),)
        self.lines.call(token, "+12125550001", 25.5, data, ())
        name, attributes, _ = self.asked[-1]
        assert (name, attributes["OtherDN"], attributes["Timeout"], attributes["UserData"]) == (
            "RequestMakePredictiveCall", "+12125550001", 25, data)
        self.answer("RequestMakePredictiveCall", ConnID=conn_id, CallUUID="u")

    def news(self) -> list[tuple[Any, ...]]:
        heard, self.heard = self.heard, []
        return [one for one in heard if one[0] not in ("started", "lines_changed")]


def up() -> Switch:
    switch = Switch()
    switch.log_in()
    assert switch.lines.up
    return switch


def test_a_call_is_followed_from_the_answer_through_the_application_to_its_end() -> None:
    switch = up()
    switch.dial()
    switch.event("EventEstablished", CallState=0)
    switch.lines.lead("T1", "poll")
    name, attributes, _ = switch.asked[-1]
    assert name == "RequestApplyTreatment" and attributes["ConnID"] == "c1"
    assert (attributes["TreatmentType"], attributes["TreatmentParms"]) == (13, (("APP_ID", "poll"),))
    switch.answer("RequestApplyTreatment")
    switch.event("EventTreatmentApplied")
    switch.event("EventTreatmentEnd")
    switch.lines.release("T1")
    assert switch.asked[-1][:2] == ("RequestReleaseCall", {"ThisDN": TRUNK, "ConnID": "c1"})
    switch.event("EventReleased", CallState=5)
    switch.event("EventReleased", CallState=5)
    assert switch.news() == [("answered", "T1", 0), ("treated", "T1"), ("listened", "T1"), ("over", "T1", 5)]


def test_a_busy_line_is_told_as_such_and_other_calls_are_nobodys() -> None:
    switch = up()
    switch.dial()
    switch.event("EventDestinationBusy")
    switch.event("EventReleased", CallState=0, dn="6800")
    switch.event("EventEstablished", conn_id="c9", CallState=0)
    switch.event("EventReleased", CallState=0)
    assert switch.news() == [("over", "T1", 6)]


def test_after_a_reconnect_what_is_gone_is_unknown_what_is_there_goes_on_and_what_is_strange_is_released() -> None:
    switch = up()
    switch.dial("T1", "c1")
    switch.dial("T2", "c2")
    switch.lines.lost(switch, "cut")
    assert not switch.lines.up and switch.news() == []
    switch.log_in("c2", "c7")
    assert switch.lines.up and switch.news() == [("over", "T1", 28)]
    assert switch.asked[-1][:2] == ("RequestReleaseCall", {"ThisDN": TRUNK, "ConnID": "c7"})
    switch.event("EventReleased", conn_id="c2", CallState=7)
    assert switch.news() == [("over", "T2", 7)]


def test_a_list_of_calls_that_is_not_whole_ends_none() -> None:
    switch = up()
    switch.dial()
    switch.lines.lost(switch, "cut")
    switch.log_in("c5", total=400)
    assert switch.news() == []


def test_a_trunk_group_that_cannot_be_watched_ends_the_connection() -> None:
    for error, aborted in ((RequestRefused(59, "no such DN"), True), (LinkLost("cut"), False)):
        switch = Switch()
        switch.lines.granted(switch, Message("EventLinkConnected", 1, {}))
        switch.asked.pop()[2].errback(error)
        assert switch.aborted is aborted and not switch.lines.up
