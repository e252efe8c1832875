"""The Interaction Server's link on a real service without sockets: interactions, what agents do, the picture after a loss."""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred, fail
from zope.interface.verify import verifyObject

from ocs.interfaces import IInteractions
from ocs.links.interaction import InteractionLink
from protocols.attributes import KVList
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message
from tests.servers.interaction.world import QUEUE, Client, World

DATA = (("GSW_RECORD_HANDLE", 7),)


class Listener:
    """What the engine hears."""

    def __init__(self) -> None:
        self.news: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *told: self.news.append((name, *told))


class Straight:
    """A client of the server in the same process."""

    def __init__(self, world: World, link: InteractionLink) -> None:
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
        self._link.lost(self, "gone")

    abort = lose

    def _received(self, message: Message) -> None:
        waiting = self._waiting.pop(message.reference_id, None)
        if waiting is not None and message.name == "EventError":
            waiting.errback(RequestRefused(message.get("ErrorCode"), message.get("ErrorMessage")))
        elif waiting is not None:
            waiting.callback(message)
        self._link.event(self, message)


def connected() -> tuple[World, InteractionLink, Listener, Straight]:
    world, listener = World(), Listener()
    link = InteractionLink(listener)
    return world, link, listener, Straight(world, link)


def submitted(link: InteractionLink, data: KVList = DATA) -> str:
    ids: list[str] = []
    link.submit(QUEUE, data).addCallback(ids.append)
    return ids[0]


def test_an_interaction_is_submitted_accepted_and_stopped_by_the_agent() -> None:
    world, link, listener, _ = connected()
    assert verifyObject(IInteractions, link) and link.up and listener.news == [("interactions_up", {})]
    desk = Client(world, "desk")
    one = submitted(link)
    desk.seat()
    invite = desk.heard.pop()
    assert (invite.name, invite.user_data, invite.get("InteractionSubtype")) == ("EventInvite", DATA, "OutboundNew")
    desk.ask("RequestAccept", AgentID="1001", InteractionID=one)
    desk.ask("RequestStopProcessing", InteractionID=one)
    assert listener.news[1:] == [("interaction_accepted", one, "1001"), ("interaction_stopped", one)]


def test_our_own_stop_is_not_told_back_and_a_rejection_is() -> None:
    world, link, listener, _ = connected()
    desk = Client(world, "desk")
    desk.seat()
    one = submitted(link)
    desk.ask("RequestReject", AgentID="1001", InteractionID=one)
    link.stop(one)
    assert listener.news[1:] == [("interaction_returned", one)] and not world.service.queues.interactions


def test_requests_of_agents_and_their_answers_go_through() -> None:
    world, link, listener, _ = connected()
    desk = Client(world, "desk")
    desk.seat()
    one = submitted(link)
    desk.ask("RequestAccept", AgentID="1001", InteractionID=one)
    desk.ask("RequestDistributeUserEvent", AgentID="1001", InteractionID=one, UserData=(("GSW_AGENT_REQ_TYPE", "DoNotCall"),))
    assert listener.news[-1] == ("interaction_event", "1001", (("GSW_AGENT_REQ_TYPE", "DoNotCall"),))
    desk.heard.clear()
    link.send("1001", (("GSW_USER_EVENT", "DoNotCallAcknowledge"),))
    assert desk.heard.pop().user_data == (("GSW_USER_EVENT", "DoNotCallAcknowledge"),)


def test_after_a_loss_the_picture_names_everything_and_who_has_it_page_by_page() -> None:
    world, link, listener, client = connected()
    world.service._lengths[QUEUE] = 1_000
    desk = Client(world, "desk")
    ids = [submitted(link) for _ in range(650)]
    desk.seat()
    desk.ask("RequestAccept", AgentID="1001", InteractionID=ids[0])
    client.lose()
    assert not link.up and listener.news[-1] == ("interactions_down", "gone")
    refused: list[Any] = []
    link.submit(QUEUE, ()).addErrback(refused.append)
    assert refused[0].check(LinkLost)
    Straight(world, link)
    name, found = listener.news[-1]
    assert name == "interactions_up" and set(found) == set(ids) and found[ids[0]] == "1001"
    assert all(not agent for one, agent in found.items() if one != ids[0])


def test_a_queue_that_is_not_there_is_told_with_its_code() -> None:
    _, link, _, _ = connected()
    refused: list[Any] = []
    link.submit("nowhere", ()).addErrback(refused.append)
    assert refused[0].value.code == 59
