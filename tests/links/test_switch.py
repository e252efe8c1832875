"""The T-Server's link over a client by command: what it asks after a login, in which order it tells, what junk does to it."""
from __future__ import annotations

from typing import Any, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.call import SwitchEvent
from ocs.dialing.campaign import AgentGroup
from ocs.links.agents import SwitchAgentState
from ocs.links.switch import SwitchLink
from protocols.attributes import KVList
from protocols.desktop.keys import CALL_ATTEMPT_GUID, RECORD_HANDLE
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused, RequestTimedOut
from protocols.tserver.messages import Message
from tests.doubles.clock import VirtualClock

DESK, QUEUE = "7001", "6001"


class Client:
    """`MessageClient` by command: a request waits until the test answers it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], Deferred[Message]]] = []
        self.aborted = False
        self.broken: Exception | None = None

    def request(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        if self.broken is not None:
            raise self.broken
        deferred: Deferred[Message] = Deferred()
        if self.aborted:
            return fail(LinkLost("aborted"))
        self.asked.append((name, attributes, deferred))
        return deferred

    def abort(self) -> None:
        self.aborted = True

    def waiting(self, name: str) -> list[tuple[Mapping[str, Any], Deferred[Message]]]:
        return [(attributes, deferred) for asked, attributes, deferred in self.asked if asked == name and not deferred.called]

    def answer(self, name: str, **attributes: Any) -> None:
        """Answer the oldest request of this name."""
        asked, deferred = self.waiting(name)[0]
        deferred.callback(Message("Event", 9, {"ThisDN": asked.get("ThisDN", ""), **attributes}))

    def refuse(self, name: str, error: Exception) -> None:
        self.waiting(name)[0][1].errback(error)


class Told:
    """What listeners hear."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        alone = name in ("switch_up", "switch_down")        # the name of the switch is "" here
        return lambda *args: self.heard.append((name, args[0] if len(args) == 1 or alone else args))

    def of(self, name: str) -> list[Any]:
        return [value for heard, value in self.heard if heard == name]


def linked(*dns: str) -> tuple[SwitchLink, Client, Told]:
    """A link that has just been granted; the registrations wait for their answers."""
    link, client, told = SwitchLink(VirtualClock()), Client(), Told()
    link.add_listener(told)
    link.watch(dns)
    link.granted(client, Message("EventLinkConnected"))
    return link, client, told


def up(*dns: str) -> tuple[SwitchLink, Client, Told]:
    link, client, told = linked(*dns)
    for _ in dns:
        client.answer("RequestRegisterAddress")
    assert link.up
    return link, client, told


def agent(name: str, **attributes: Any) -> Message:
    return Message(name, 0, {"ThisDN": DESK, "AgentID": "1001", **attributes})


def desks(*dns: str) -> AgentGroup:
    return AgentGroup("sales", 1, (), dns)


def test_all_dns_are_registered_after_the_login_and_only_then_is_the_link_up():
    link, client, told = linked(DESK, QUEUE)
    assert [attributes["ThisDN"] for attributes, _ in client.waiting("RequestRegisterAddress")] == [DESK, QUEUE]
    client.answer("RequestRegisterAddress")
    assert not link.up and told.heard == []
    client.answer("RequestRegisterAddress")
    assert link.up and told.of("switch_up") == [{}]


def test_a_dn_is_registered_once_however_often_it_is_watched():
    link, client, _ = up(DESK)
    link.watch([DESK, DESK])
    assert client.waiting("RequestRegisterAddress") == []


def test_a_dn_that_cannot_be_registered_does_not_keep_the_others(logged):
    link, client, told = linked(DESK, "6999")
    client.answer("RequestRegisterAddress")
    client.refuse("RequestRegisterAddress", RequestRefused(59, "no such DN"))
    assert link.up and any("6999" in text for text in logged.texts())


def test_the_calls_in_progress_are_asked_for_and_told_with_their_guids():
    link, client, told = linked(QUEUE, DESK)
    client.answer("RequestRegisterAddress", Extensions=(
        ("calls", 2), ("conn-1", "a"), ("ct-1", 3), ("conn-2", "b"), ("ct-2", 2)))     # b is inbound: not ours
    client.answer("RequestRegisterAddress", Extensions=(("conn-1", "c"), ("ct-1", 3)))
    client.answer("RequestQueryCall", UserData=((CALL_ATTEMPT_GUID, "G"),))
    client.refuse("RequestQueryCall", RequestTimedOut("RequestQueryCall", 10.0))
    assert told.of("switch_up") == [{"a": "G", "c": ""}]


def test_every_page_of_the_calls_at_a_dn_is_asked_for():
    link, client, told = linked(QUEUE)
    client.answer("RequestRegisterAddress", Extensions=(("calls", 5), ("conn-1", "a"), ("conn-2", "b")))
    pages = [attributes["Extensions"] for attributes, _ in client.waiting("RequestQueryAddress")]
    assert pages == [(("first-call", 3),), (("first-call", 5),)]
    client.answer("RequestQueryAddress", Extensions=(("calls", 5), ("conn-3", "c"), ("conn-4", "d")))
    client.answer("RequestQueryAddress", Extensions=(("calls", 5), ("conn-5", "e")))
    for _ in range(5):
        client.answer("RequestQueryCall")
    assert sorted(told.of("switch_up")[0]) == ["a", "b", "c", "d", "e"]


def test_the_agents_of_the_registration_are_told_before_the_link_is_up():
    link, client, told = linked(DESK, "7002", "7003")
    client.answer("RequestRegisterAddress", AgentID="1001", Extensions=(("AgentStatus", 2), ("conn-1", "a"), ("ct-1", 2)))
    client.answer("RequestRegisterAddress", Extensions=(("AgentStatus", 0),))
    client.answer("RequestRegisterAddress", AgentID="1003", Extensions=(("AgentStatus", 77),))
    kinds = [(event.dn, event.kind) for event in told.of("agent_event")]
    assert kinds == [("7001", AgentEventKind.LOGIN), ("7001", AgentEventKind.READY), ("7001", AgentEventKind.CALL),
                     ("7002", AgentEventKind.LOGOUT), ("7003", AgentEventKind.LOGIN), ("7003", AgentEventKind.NOT_READY)]
    assert told.heard[-1][0] == "switch_up"


def test_events_that_come_during_the_registration_are_told_after_it_in_order():
    link, client, told = linked(DESK, QUEUE)
    client.answer("RequestRegisterAddress", AgentID="1001", Extensions=(("AgentStatus", 3),))
    link.event(client, agent("EventAgentReady"))
    link.event(client, agent("EventAgentNotReady"))
    assert told.heard == []
    client.answer("RequestRegisterAddress")
    assert [name for name, _ in told.heard] == ["agent_event", "agent_event", "switch_up", "agent_event", "agent_event"]
    assert [event.kind for event in told.of("agent_event")][2:] == [AgentEventKind.READY, AgentEventKind.NOT_READY]


def test_a_registration_within_a_registration_lets_no_event_overtake_its_picture():
    link, client, told = linked(QUEUE)
    agents = SwitchAgentState(link)
    agents.watch(desks(DESK))
    link.watch([DESK])
    (_, queue), (_, desk) = client.waiting("RequestRegisterAddress")
    desk.callback(Message("EventRegistered", 2, {"ThisDN": DESK, "AgentID": "1001", "Extensions": (("AgentStatus", 3),)}))
    queue.callback(Message("EventRegistered", 1, {"ThisDN": QUEUE}))
    assert link.up
    link, client, told = up(QUEUE)
    agents = SwitchAgentState(link)
    agents.watch(desks(DESK, "7002"))
    link.watch([DESK])
    link.watch(["7002"])
    (_, desk), (_, other) = client.waiting("RequestRegisterAddress")
    other.callback(Message("EventRegistered", 3, {"ThisDN": "7002", "AgentID": "1002", "Extensions": (("AgentStatus", 3),)}))
    link.event(client, agent("EventAgentReady"))
    desk.callback(Message("EventRegistered", 2, {"ThisDN": DESK, "AgentID": "1001", "Extensions": (("AgentStatus", 3),)}))
    assert agents.agent_at(DESK).free       # type: ignore[union-attr]


def test_a_link_that_is_lost_during_the_registration_was_never_up():
    link, client, told = linked(DESK)
    link.lost(client, "cut")
    client.answer("RequestRegisterAddress")
    assert not link.up and told.heard == [] and link.last_reason == "cut"


def test_a_new_connection_starts_afresh_and_the_old_one_is_not_listened_to():
    link, client, told = linked(DESK)
    link.event(client, agent("EventAgentReady"))
    link.lost(client, "cut")
    second = Client()
    link.granted(second, Message("EventLinkConnected"))
    client.answer("RequestRegisterAddress", AgentID="1001", Extensions=(("AgentStatus", 2),))
    link.lost(client, "again")
    assert not link.up
    second.answer("RequestRegisterAddress")
    assert link.up and [name for name, _ in told.heard] == ["switch_up"]


def test_a_refused_login_is_an_error_with_its_reason(logged):
    link = SwitchLink(VirtualClock())
    link.refused(Client(), RequestRefused(119, "wrong password"))
    assert not link.up and "wrong password" in link.last_reason
    assert any("wrong password" in text for text in logged.texts())


def test_a_request_that_cannot_be_encoded_fails_and_does_not_raise():
    link, client, _ = up(DESK)
    client.broken = LocalProtocolError("frame of 70000 octets")
    errors: list[Any] = []
    link.distribute_user_event(DESK, ()).addErrback(errors.append)
    assert errors[0].check(LocalProtocolError)


def test_a_registration_that_goes_wrong_inside_asks_for_a_new_connection(logged):
    link, client, _ = linked(DESK)
    client.answer("RequestRegisterAddress", Extensions=(("conn-1", "a"), 5))
    assert client.aborted and not link.up
    assert logged.failures()


def test_too_many_events_during_a_registration_end_the_connection(monkeypatch):
    monkeypatch.setattr("ocs.links.switch._PENDING_LIMIT", 3)
    link, client, told = linked(DESK)
    for _ in range(4):
        link.event(client, agent("EventAgentReady"))
    assert client.aborted and told.heard == []


def test_one_bad_listener_harms_none(logged):
    class Bad:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    link, told = SwitchLink(VirtualClock()), Told()
    link.add_listener(Bad())
    link.add_listener(told)
    link.granted(Client(), Message("EventLinkConnected"))
    assert told.of("switch_up") == [{}] and len(logged.failures(RuntimeError)) == 1


# -- messages into events -----------------------------------------------------------------------------------------
def test_a_call_event_carries_what_the_engine_looks_up():
    link, client, told = up(QUEUE)
    link.event(client, Message("EventQueued", 0, {
        "ThisDN": QUEUE, "ConnID": "a", "CallState": 9, "OtherDN": "+12125550100", "TimeinSecs": 100, "TimeinuSecs": 500_000,
        "UserData": ((CALL_ATTEMPT_GUID, "G"), (RECORD_HANDLE, "17"))}))
    (event,) = told.of("call_event")
    assert (event.kind, event.conn_id, event.dn, event.call_state, event.guid, event.record_handle, event.at) == (
        SwitchEvent.QUEUED, "a", QUEUE, 9, "G", 17, 100.5)


@pytest.mark.parametrize("name, mode, kind", [
    ("EventAgentLogin", None, AgentEventKind.LOGIN), ("EventAgentLogout", None, AgentEventKind.LOGOUT),
    ("EventAgentReady", None, AgentEventKind.READY), ("EventAgentNotReady", None, AgentEventKind.NOT_READY),
    ("EventAgentNotReady", 3, AgentEventKind.AFTER_CALL_WORK)])
def test_agents_events_are_told_as_such(name, mode, kind):
    link, client, told = up(DESK)
    link.event(client, agent(name, **({} if mode is None else {"AgentWorkMode": mode})))
    (event,) = told.of("agent_event")
    assert (event.kind, event.dn, event.agent_id) == (kind, DESK, "1001")


def test_a_call_at_an_extension_is_a_call_of_its_agent_until_it_leaves():
    link, client, told = up(DESK)
    for name in ("EventRinging", "EventEstablished", "EventReleased"):
        link.event(client, Message(name, 0, {"ThisDN": DESK, "ConnID": "a"}))
    assert [(event.kind, event.talking) for event in told.of("agent_event")] == [
        (AgentEventKind.CALL, False), (AgentEventKind.CALL, True), (AgentEventKind.CALL_GONE, False)]


def test_a_transferred_call_replaces_the_consultation_at_its_new_agent():
    link, client, told = up(DESK)
    agents = SwitchAgentState(link)
    agents.watch(desks(DESK))
    for message in (agent("EventAgentLogin"), agent("EventAgentReady"), Message("EventRinging", 0, {
            "ThisDN": DESK, "ConnID": "consult"}), Message("EventPartyChanged", 0, {
                "ThisDN": DESK, "ConnID": "main", "PreviousConnID": "consult"})):
        link.event(client, message)
    there = agents.agent_at(DESK)
    assert there is not None and there.calls == {"main"} and there.talking


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.binary(max_size=5), st.just("²"),
                   st.floats(allow_nan=True), st.lists(st.integers(), max_size=2))
KV: st.SearchStrategy[KVList] = st.lists(st.tuples(
    st.sampled_from([CALL_ATTEMPT_GUID, RECORD_HANDLE, "conn-1", "ct-1", "calls", "AgentStatus", "x"]),
    st.one_of(st.integers(-3, 30), st.just(2 ** 62), st.text(max_size=5), st.just("²"), st.binary(max_size=3), st.just(()))),
    max_size=5).map(tuple)
MESSAGES = st.builds(
    lambda name, attributes, user_data, extensions: Message(name, 0, {
        **attributes, "UserData": user_data, "Extensions": extensions}),
    st.sampled_from(["EventDialing", "EventReleased", "EventUserEvent", "EventAgentReady", "EventAgentNotReady", "EventX",
                     "EventPartyChanged", "EventEstablished"]),
    st.dictionaries(st.sampled_from(["ThisDN", "ConnID", "CallState", "AgentID", "TimeinSecs", "TimeinuSecs", "OtherDN",
                                     "PreviousConnID", "AgentWorkMode"]), VALUES), KV, KV)


@settings(max_examples=100, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=6), registered=KV)
def test_whatever_the_switch_says_nothing_is_raised_and_the_link_stays_up(messages, registered):
    link, client, told = linked(DESK)
    client.answer("RequestRegisterAddress", AgentID="1001", Extensions=registered)
    for name in ("RequestQueryAddress", "RequestQueryCall"):
        while client.waiting(name):
            client.answer(name)
    assert link.up
    for message in messages:
        link.event(client, message)
