"""What desktops ask of a switch by way of this server: names of DNs, answers that are told once."""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred

from ocs.links.relay import Relay
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches
from protocols.message import Message
from tests.doubles.clock import VirtualClock


class Client:
    """A link's client that answers when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], Deferred[Message]]] = []

    def request(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        self.asked.append((name, attributes, Deferred()))
        return self.asked[-1][2]


def test_an_answer_goes_to_the_asker_and_not_to_the_follower_but_everybody_elses_answers_do():
    client, heard, answers = Client(), [], []
    relay = Relay(client.request)
    relay.follow("7001", heard.append)
    relay.ask("RequestAgentReady", {"ThisDN": "7001"}).addCallback(answers.append)
    ready = Message("EventAgentReady", 5, {"ThisDN": "7001"})
    client.asked[0][2].callback(ready)
    relay.heard(ready)
    assert (answers, heard) == ([ready], [])
    other = Message("EventReleased", 6, {"ThisDN": "7001", "ConnID": "01"})
    for message in (other, Message("EventReleased", 0, {"ThisDN": "7002"}), Message("EventRegistered", 7, {"ThisDN": "7001"})):
        relay.heard(message)
    assert heard == [other]
    relay.follow("7001", None)
    relay.heard(other)
    assert heard == [other]


def test_a_dn_of_another_switch_has_its_name_for_everybody_but_that_switch():
    east, heard, answers = SwitchLink(VirtualClock(), "switch east", "east"), [], []
    switches = Switches({"": SwitchLink(VirtualClock()), "east": east})
    client = Client()
    east._client = client
    switches.follow("7001@east", heard.append)
    switches.ask("7001@east", "RequestMakeCall", {"OtherDN": "7002@east"}).addCallback(answers.append)
    name, attributes, answer = client.asked[0]
    assert (name, attributes) == ("RequestMakeCall", {"OtherDN": "7002", "ThisDN": "7001"})
    answer.callback(Message("EventDialing", 1, {"ThisDN": "7001", "ConnID": "01"}))
    assert answers[0].get("ThisDN") == "7001@east"
    east.event(client, Message("EventEstablished", 0, {"ThisDN": "7001", "ConnID": "01"}))
    assert heard == [Message("EventEstablished", 0, {"ThisDN": "7001@east", "ConnID": "01"})]
