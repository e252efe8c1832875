"""A T-Server on a virtual clock with a scripted network, and clients that remember what they heard."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from ocs.options import load
from ocs.passwords import hash_password
from ocs.servers.tserver.calls import FinishedCall, PartyState
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.driver import CarriedLeg, ISwitchDriver, ISwitchDriverListener
from ocs.servers.tserver.server import TServer
from protocols.attributes import KVList
from protocols.tserver.messages import CallState, Message
from tests.doubles.clock import VirtualClock

PASSWORD = "a password"
HASH = hash_password(PASSWORD, cheap=True)
CUSTOMER, ANOTHER = "+15550101001", "+15550101002"
GSW = (("GSW_RECORD_HANDLE", 7), ("GSW_PHONE", CUSTOMER))
AGENTS, QUEUE, SECOND_QUEUE, ROUTE, LOST_ROUTE, TRUNK, COMMUNICATION = (
    ("7001", "7002", "7003"), "6001", "6002", "6500", "6501", "6800", "6900")
OPTIONS: dict[str, Any] = {
    "application": [{"name": name, "password_hash": HASH} for name in ("ocs", "desktop")],
    "dn": [{"number": "7001", "count": 3}, {"number": QUEUE, "kind": "acd-queue", "queue_length": 2},
           {"number": SECOND_QUEUE, "kind": "acd-queue"},
           {"number": ROUTE, "kind": "routing-point", "default_destination": QUEUE},
           {"number": LOST_ROUTE, "kind": "routing-point"}, {"number": TRUNK, "kind": "trunk-group"},
           {"number": COMMUNICATION, "kind": "communication"}],
    "agent": [{"id": agent, "password_hash": HASH, "queue": QUEUE} for agent in ("1001", "1002", "1003")],
}


@implementer(ISwitchDriver)
class ScriptedNetwork:
    """Does nothing by itself; the test says through `listener` what happens to the legs in `placed`."""

    up = True

    def __init__(self) -> None:
        self.listener: Any = None
        self.callers = 0
        self.placed: list[tuple[str, str, float, str, KVList]] = []
        self.live: set[str] = set()
        self.heard: list[tuple[str, ...]] = []

    def start(self, listener: object) -> Deferred[None]:
        assert ISwitchDriverListener.providedBy(listener)
        self.listener = listener
        return succeed(None)

    def stop(self) -> Deferred[None]:
        self.live.clear()
        return succeed(None)

    def place(self, leg: str, destination: str, ring_timeout_s: float, origin: str, extensions: KVList) -> None:
        self.placed.append((leg, destination, ring_timeout_s, origin, extensions))
        self.live.add(leg)

    def release(self, leg: str) -> None:
        self.live.discard(leg)
        self.heard.append(("release", leg))

    def connected(self, leg: str, agent_dn: str) -> None:
        self.heard.append(("connected", leg, agent_dn))

    lines = 0
    survives = True

    def take_over(self, legs: Sequence[CarriedLeg]) -> None:
        self.heard.extend(("take_over", one.leg) for one in legs)

    def let_go(self) -> Deferred[None]:
        return succeed(None)

    def audio(self, leg: str) -> KVList:
        return (("silence", 400), ("voice", 500))

    def play(self, leg: str, prompt: str, seconds: float) -> None:
        self.heard.append(("play", leg, prompt))

    def collect(self, leg: str, offered: str, maximum: int, timeout_s: float) -> None:
        self.heard.append(("collect", leg, offered))

    def silence(self, leg: str) -> None:
        self.heard.append(("silence", leg))

    def held(self, leg: str) -> None:
        self.heard.append(("held", leg))

    def retrieved(self, leg: str) -> None:
        self.heard.append(("retrieved", leg))

    def fail(self, leg: str, call_state: CallState) -> None:
        """The call to the leg's number comes to nothing."""
        self.live.discard(leg)
        self.listener.failed(leg, call_state)

    def call_in(self, destination: str, caller: str = CUSTOMER) -> str:
        """Somebody calls one of the DNs; the leg."""
        self.callers += 1
        leg = f"in-{self.callers}"
        self.live.add(leg)
        self.listener.arrived(leg, caller, destination)
        return leg

    def hang_up(self, leg: str) -> None:
        """The called party hangs up."""
        self.live.discard(leg)
        self.listener.remote_released(leg)

    @property
    def leg(self) -> str:
        """The leg placed last."""
        return self.placed[-1][0]


class Client:
    """One client in the same process; `heard` are all messages in order."""

    def __init__(self, world: World, application: str = "desktop", register: bool = True) -> None:
        self.heard: list[Message] = []
        self._reference_id = 0
        self.session = world.server.connect(self.heard.append)
        if register:
            assert self.ask("RequestRegisterClient", ApplicationName=application, ApplicationPassword=PASSWORD,
                            ProtocolVersion="1").name == "EventLinkConnected"

    def ask(self, name: str, **attributes: Any) -> Message:
        """Send a request; its direct answer, which must be there and the only one."""
        self._reference_id += 1
        self.session.receive(Message(name, self._reference_id, attributes))
        answers = [message for message in self.heard if message.reference_id == self._reference_id]
        assert len(answers) == 1, (name, attributes, answers)
        return answers[0]

    def refused(self, name: str, **attributes: Any) -> tuple[int, str]:
        """Send a request that must be refused: its error code, and the word that begins the text."""
        answer = self.ask(name, **attributes)
        assert answer.name == "EventError", answer
        return answer.attributes["ErrorCode"], answer.attributes["ErrorMessage"].split(":")[0]

    def watch(self, *dns: str) -> Client:
        """Register DNs."""
        for dn in dns:
            assert self.ask("RequestRegisterAddress", ThisDN=dn).name == "EventRegistered"
        return self

    def news(self) -> list[Message]:
        """What was heard since the last time."""
        news, self.heard[:] = list(self.heard), []
        return news

    def events(self) -> list[tuple[Any, ...]]:
        """The news, short: (name without Event, ThisDN, CallState or work mode)."""
        return [short(message) for message in self.news()]


def short(message: Message) -> tuple[Any, ...]:
    """(name without Event, ThisDN, CallState of a call event or AgentWorkMode of an agent's)."""
    attributes = message.attributes
    name, dn = message.name.removeprefix("Event"), attributes.get("ThisDN")
    number = attributes.get("CallState", attributes.get("AgentWorkMode"))
    return (name, dn) if number is None else (name, dn, number)


class World:
    """Server, network, clock and call log of one test."""

    def __init__(self, changes: Mapping[str, Any] = {}, *, driver: Callable[[ScriptedNetwork], Any] = lambda network: network,
                 beside: World | None = None, **switch: Any) -> None:
        """A server; `beside` another one's, it shares its clock and network, and is not started."""
        self.clock, self.real_clock, self.network = VirtualClock(), VirtualClock(), ScriptedNetwork()
        if beside is not None:
            self.clock, self.network = beside.clock, beside.network
        self.log: list[FinishedCall] = []
        options = load(TServerOptions, {**OPTIONS, "switch": switch, **changes})
        self.server = TServer(self.clock, driver(self.network), options, on_finished=self.log.append,
                              real_clock=self.real_clock, instance=None if beside is None else 1)
        if beside is None:
            self.server.start()

    def agent(self, place: int = 0, mode: int = 1, ready: bool = True, queue: str = QUEUE) -> Client:
        """A desktop with its agent logged in, and ready unless told otherwise."""
        client, dn = Client(self), AGENTS[place]
        client.watch(dn)
        client.ask("RequestAgentLogin", ThisDN=dn, AgentID=f"{1001 + place}", AgentPassword=PASSWORD, ThisQueue=queue)
        if ready:
            client.ask("RequestAgentReady", ThisDN=dn, AgentWorkMode=mode)
        client.news()
        return client

    def predictive(self, client: Client, origin: str = QUEUE, destination: str = CUSTOMER, **attributes: Any) -> str:
        """Dial; the ConnID. The leg is `network.leg`."""
        answer = client.ask("RequestMakePredictiveCall", ThisDN=origin, OtherDN=destination, **attributes)
        assert answer.name == "EventDialing", answer
        conn_id: str = answer.attributes["ConnID"]
        return conn_id

    @property
    def results(self) -> list[tuple[int, str | None]]:
        """(call state, agent DN) of the finished calls."""
        return [(int(call.call_state), call.agent_dn) for call in self.log]

    def assert_consistent(self) -> None:
        """Calls, parties, legs, DNs, queues and agents agree with each other."""
        server = self.server
        for conn_id, call in server.board.calls.items():
            assert call.conn_id == conn_id and 2 <= len(call.parties) <= server.options.switch.conference_parties, call
            assert any(party.talking or party.dn is not None and party.state is PartyState.DIALING for party in call.parties), \
                "nobody is there"
            origins = [party for party in call.parties if party.dn is not None and party.state is PartyState.DIALING]
            assert not origins or len(call.parties) == 2, "who still dials is alone with whom is dialed"
            for party in call.parties:
                assert party.call is call and party.state.value
                states = [other.state for other in call.others(party)]
                if party.leg and party.talking:
                    assert party.on_hold == (PartyState.HELD in states and PartyState.CONNECTED not in states), call
                if party.dn is not None:
                    assert party.dn.parties[conn_id] is party
                else:
                    assert server.board.legs[party.leg] is party and party.leg in self.network.live
        assert {party.leg for call in server.board.calls.values() for party in call.parties if party.leg} \
            == set(server.board.legs) == self.network.live
        for dn in server.directory:
            for conn_id, party in dn.parties.items():
                assert party in server.board.calls[conn_id].parties
            assert all(session in server.sessions and session.dns[dn.number] is dn for session in dn.clients)
            assert dn.agent is None or dn.agent.dn is dn
            if dn.queue is not None:
                waiting = [party for party in dn.parties.values() if party.state.name == "QUEUED"]
                assert len(waiting) == len(dn.queue)
                assert not (dn.queue.idle and waiting)
                free = {agent for agent in dn.queue.members if agent.status.name == "READY" and not agent.dn.busy}
                assert free == set(dn.queue.idle)
            if dn.kind.value == "extension":
                assert sum(party.state.name != "HELD" for party in dn.parties.values()) <= 1
        for agent in server.floor:
            assert (agent.dn is None) == (agent.status.name == "LOGGED_OUT")

    def stop(self) -> None:
        """Stop the server; nothing may be left behind."""
        calls = len(self.server.board.calls)
        finished = len(self.log)
        self.server.stop()
        assert len(self.log) == finished + calls
        assert self.server.board.calls == {} and self.server.board.legs == {}
        assert self.clock.getDelayedCalls() == [] and self.real_clock.getDelayedCalls() == []
