"""An Interaction Server on a virtual clock, and clients that remember what they heard."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from ocs.options import load
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.interaction.server import InteractionService
from protocols.interaction.messages import MEDIA_TYPE
from protocols.message import Message
from protocols.message_server import MessageServer
from tests.doubles.clock import VirtualClock

QUEUE = "previews"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


def _same(wanted: str, given: str) -> Deferred[bool]:
    return succeed(given == "right")


class World:
    """Server and clocks."""

    def __init__(self, **routing: Any) -> None:
        self.clock, self.real = VirtualClock(), VirtualClock()
        options = load(InteractionServerOptions, {
            "routing": routing, "queue": [{"name": QUEUE, "length": 5}, {"name": "others"}],
            "agent": [{"id": "1001"}, {"id": "1002"}, {"id": "1003", "queues": ["others"]}]})
        self.service = InteractionService(options, self.clock, self.real, _same)
        self.server = MessageServer(self.service, {"ocs": "x", "desk": "x", "other": "x"}, lambda wanted, given: succeed(True))

    def check(self) -> None:
        """The books agree with each other."""
        queues = self.service.queues
        for one in queues.interactions.values():
            waits = one.id in queues._waiting.get(one.queue, {})
            assert waits == (one.state.value == "queued") == (one.agent is None)
            assert one.agent is None or one.agent.has[one.id] is one
            assert (one.timer is not None and one.timer.active()) == (one.state.value == "invited")
        for agent in queues.agents.values():
            assert all(one.agent is agent for one in agent.has.values()) and len(agent.has) <= 1
        assert sum(map(len, queues._waiting.values())) + sum(len(agent.has) for agent in queues.agents.values()) \
            == len(queues.interactions)


class Client:
    """A client of the server."""

    def __init__(self, world: World, application: str = "ocs") -> None:
        self.heard: list[Message] = []
        self.client = world.server.connect(self.heard.append)
        self._reference_id = 1
        self.client.receive(Message("RequestRegisterClient", 1, {"ApplicationName": application, "ProtocolVersion": "1"}))
        assert self.heard.pop().name == "EventLinkConnected"

    def ask(self, name: str, **attributes: Any) -> Message:
        """Ask; the direct answer, which is the only one."""
        self._reference_id += 1
        self.client.receive(Message(name, self._reference_id, attributes))
        answer, = (message for message in self.heard if message.reference_id == self._reference_id)
        self.heard.remove(answer)
        return answer

    def submit(self, record: int = 1, queue: str = QUEUE) -> str:
        answer = self.ask("RequestSubmit", Queue=queue, MediaType=MEDIA_TYPE, UserData=(("GSW_RECORD_HANDLE", record),))
        assert answer.name == "EventAck", answer
        interaction_id: str = answer.get("InteractionID")
        return interaction_id

    def seat(self, agent_id: str = "1001", ready: bool = True) -> None:
        assert self.ask("RequestAgentLogin", AgentID=agent_id, MediaTypes=[MEDIA_TYPE]).name == "EventAgentLogin"
        if ready:
            assert self.ask("RequestReadyForMedia", AgentID=agent_id, MediaType=MEDIA_TYPE).name == "EventReadyForMedia"

    def news(self) -> list[tuple[str, str, str]]:
        """(name, interaction, agent) of what was heard."""
        news = [(one.name, one.get("InteractionID", ""), one.get("AgentID", "")) for one in self.heard]
        self.heard.clear()
        return news
