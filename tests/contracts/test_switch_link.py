"""What every switch link keeps: one suite on the switch by command and on the T-Server's link, with a T-Server behind it."""
from __future__ import annotations

from typing import Any, Iterator, Mapping

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.dialing.agent import AgentEvent, AgentEventKind
from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.interfaces import ISwitchLink, ISwitchListener
from ocs.lab.virtual import DirectClient
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches
from ocs.options import load
from ocs.passwords import hash_password
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from protocols.attributes import KVList
from protocols.desktop.keys import CALL_ATTEMPT_GUID
from protocols.errors import LinkLost, RequestRefused
from protocols.tserver.messages import SENDER
from tests.doubles.clock import VirtualClock
from tests.doubles.switch import FakeSwitch

PASSWORD, QUEUE, TRUNK, DESK, OTHER_DESK = "secret", "6001", "6800", "7001", "7002"
COMMUNICATION = "6900"
DNS = (QUEUE, TRUNK, DESK, OTHER_DESK)
GUID: KVList = ((CALL_ATTEMPT_GUID, "A" * 32),)


class FakeRig:
    """The switch by command."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.link: Any = FakeSwitch(clock, DNS)

    def connect(self) -> None:
        self.link.go_up()

    def cut(self) -> None:
        self.link.go_down("cut")

    def work(self, dn: str, agent_id: str) -> None:
        for kind in (AgentEventKind.LOGIN, AgentEventKind.READY):
            self.link.agent(kind, dn, agent_id)

    def leave_unanswered(self) -> None:
        self.link.silent.add("make_predictive_call")


class TServerRig:
    """The link over a T-Server in the same process; its network answers after a while, or never."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        secret = hash_password(PASSWORD, cheap=True)
        options = load(TServerOptions, {
            "application": [{"name": name, "password_hash": secret} for name in ("ocs", "desk")],
            "dn": [{"number": DESK, "count": 2}, {"number": QUEUE, "kind": "acd-queue"},
                   {"number": TRUNK, "kind": "trunk-group"}, {"number": COMMUNICATION, "kind": "communication"}],
            "agent": [{"id": "1001", "password_hash": secret}, {"id": "1002", "password_hash": secret}]})
        self.server = TServer(clock, SimulatedNetwork(clock, options.simulator), options)
        self.server.start()
        self.link: Any = SwitchLink(clock)

    def connect(self) -> None:
        self._client = DirectClient(self.server, self.link, self.clock, "ocs", PASSWORD)     # one for each connection
        self._client.connect()

    def cut(self) -> None:
        self._client.abort("cut")

    def work(self, dn: str, agent_id: str) -> None:
        desk = DirectClient(self.server, Desk(), self.clock, "desk", PASSWORD)
        desk.connect()
        self.clock.pump([0.01] * 5)
        for name, values in (("RequestRegisterAddress", {}), ("RequestAgentReady", {})):
            if name == "RequestAgentReady":
                desk.request("RequestAgentLogin", {
                    "ThisDN": dn, "AgentID": agent_id, "AgentPassword": PASSWORD, "ThisQueue": QUEUE})
                self.clock.pump([0.01] * 5)
            desk.request(name, {"ThisDN": dn, **values})
            self.clock.pump([0.01] * 5)

    def leave_unanswered(self) -> None:
        """A request is on its way for a turn anyhow."""


class SwitchesRig(TServerRig):
    """The same as the first of several switches."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.first = self.link
        self.link = Switches({"": self.first, "east": SwitchLink(clock, "east", "east")})

    def connect(self) -> None:
        self._client = DirectClient(self.server, self.first, self.clock, "ocs", PASSWORD)
        self._client.connect()


class Desk:
    """A listener who does not listen."""

    def granted(self, client: object, answer: object) -> None: ...
    def refused(self, client: object, error: object) -> None: ...
    def event(self, client: object, message: object) -> None: ...
    def lost(self, client: object, reason: str) -> None: ...


@implementer(ISwitchListener)
class Listener:
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        assert switch == ""
        self.heard.append(("up", dict(guids)))

    def switch_down(self, reason: str, switch: str = "") -> None:
        assert switch == ""
        self.heard.append(("down", reason))

    def call_event(self, event: object) -> None:
        self.heard.append(("call", event))

    def agent_event(self, event: object) -> None:
        self.heard.append(("agent", event))

    def user_event(self, dn: str, user_data: KVList) -> None:
        self.heard.append(("user", (dn, user_data)))

    def of(self, kind: str) -> list[Any]:
        return [value for heard, value in self.heard if heard == kind]


Rig = Any


@pytest.fixture(params=[FakeRig, TServerRig, SwitchesRig])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made = request.param(VirtualClock())
    made.listener = Listener()
    made.link.add_listener(made.listener)
    yield made


def connected(rig: Rig) -> Rig:
    rig.link.watch(DNS)
    rig.connect()
    turn(rig)
    assert rig.link.up
    return rig


def turn(rig: Rig) -> None:
    """What is on its way arrives; too short for anything else to happen."""
    rig.clock.pump([0.001] * 20)


def outcome(rig: Rig, deferred: Deferred[Any]) -> Any:
    """What a request came to; its error is raised."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    turn(rig)
    assert len(results) == 1, "neither answer nor failure"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def dial(rig: Rig, origin: str = QUEUE, number: str = "+12125550100") -> str:
    conn_id = outcome(rig, rig.link.make_predictive_call(origin, number, 30.0, GUID, ()))
    assert isinstance(conn_id, str)
    return conn_id


def requests(link: Any) -> list[Deferred[Any]]:
    """One of each kind."""
    return [link.make_predictive_call(QUEUE, "+12125550100", 30.0, GUID, ()), link.release_call(QUEUE, "00"),
            link.transfer_call(TRUNK, "00", QUEUE), link.distribute_user_event(DESK, GUID)]


def test_it_provides_the_interface(rig):
    assert verifyObject(ISwitchLink, rig.link)


def test_it_says_whether_a_dn_can_be_reached_and_on_which_switch_it_is(rig):
    assert rig.link.away([QUEUE]) == rig.link.away([QUEUE, DESK]) == rig.link.away([]) == "no link to the T-Server"
    connected(rig)
    assert rig.link.away([QUEUE, DESK]) == rig.link.away([]) == "" and rig.link.switch_of(QUEUE) == ""


def test_of_a_dn_of_which_nothing_is_known_it_tells_no_resources(rig):
    assert rig.link.resources(TRUNK) == (0, 0)
    assert connected(rig).link.resources(QUEUE) == (0, 0)


def test_before_the_login_every_request_fails_at_once_with_link_lost(rig):
    assert not rig.link.up
    for asked in requests(rig.link):
        with pytest.raises(LinkLost):
            outcome(rig, asked)
    assert rig.listener.heard == []


def test_listeners_hear_of_the_granted_login_once_and_first(rig):
    connected(rig)
    assert rig.listener.of("up") == [{}] and rig.listener.heard[-1] == ("up", {})


def test_a_dialed_call_has_a_conn_id_and_its_event_carries_it_with_the_attempts_guid(rig):
    conn_id = dial(connected(rig))
    (event,) = [each for each in rig.listener.of("call") if each.kind is SwitchEvent.DIALING]
    assert isinstance(event, CallEvent)
    assert (event.conn_id, event.dn, event.guid) == (conn_id, QUEUE, "A" * 32)
    assert abs(event.at - rig.clock.wall()) < 1.0


def test_every_call_has_a_conn_id_of_its_own(rig):
    connected(rig)
    assert len({dial(rig, number=f"+1212555{number:04d}") for number in range(5)}) == 5


def test_a_request_that_the_switch_refuses_fails_with_its_public_code(rig):
    connected(rig)
    with pytest.raises(RequestRefused) as refused:
        dial(rig, origin="6999")
    assert refused.value.code == 59
    with pytest.raises(RequestRefused):
        outcome(rig, rig.link.release_call(QUEUE, "00000000000000ff"))


def test_a_released_call_ends_and_its_event_says_so(rig):
    conn_id = dial(connected(rig))
    assert outcome(rig, rig.link.release_call(QUEUE, conn_id)) is None
    (event,) = [each for each in rig.listener.of("call") if each.kind is SwitchEvent.RELEASED]
    assert (event.conn_id, event.dn) == (conn_id, QUEUE)


def test_a_user_event_comes_back_to_its_sender_too(rig):
    connected(rig)
    assert outcome(rig, rig.link.distribute_user_event(DESK, GUID)) is None
    assert rig.listener.of("user") == [(DESK, GUID)]


def test_agents_are_told_as_they_log_in_and_go_ready(rig):
    connected(rig)
    rig.listener.heard.clear()
    rig.work(DESK, "1001")
    turn(rig)
    events = rig.listener.of("agent")
    assert all(isinstance(event, AgentEvent) and event.dn == DESK for event in events)
    kinds = [event.kind for event in events]
    assert kinds[0] is AgentEventKind.LOGIN and kinds[-1] is AgentEventKind.READY and events[0].agent_id == "1001"


def test_a_lost_link_is_told_once_and_later_requests_fail_at_once(rig):
    connected(rig)
    rig.cut()
    assert rig.listener.of("down") == ["cut"] and not rig.link.up
    for asked in requests(rig.link):
        with pytest.raises(LinkLost):
            outcome(rig, asked)


def test_a_lost_link_fails_what_was_outstanding_with_link_lost(rig):
    connected(rig)
    rig.leave_unanswered()
    asked = rig.link.make_predictive_call(QUEUE, "+12125550100", 30.0, GUID, ())
    rig.cut()
    with pytest.raises(LinkLost):
        outcome(rig, asked)


def test_after_a_reconnect_the_calls_in_progress_are_told_with_their_guids(rig):
    first, second = dial(connected(rig)), dial(rig, TRUNK, "+12125550101")
    rig.cut()
    rig.connect()
    turn(rig)
    assert rig.listener.of("up") == [{}, {first: "A" * 32, second: "A" * 32}]


def test_after_a_reconnect_events_come_as_before(rig):
    connected(rig)
    rig.cut()
    rig.connect()
    turn(rig)
    rig.listener.heard.clear()
    conn_id = dial(rig)
    assert [event.conn_id for event in rig.listener.of("call")] == [conn_id]


def test_dns_that_are_watched_later_are_heard_too(rig):
    rig.link.watch([QUEUE])
    rig.connect()
    turn(rig)
    rig.link.watch([QUEUE, DESK])
    turn(rig)
    outcome(rig, rig.link.distribute_user_event(DESK, GUID))
    assert rig.listener.of("user") == [(DESK, GUID)] and len(rig.listener.of("up")) == 1


def test_the_lines_and_ivr_ports_of_a_watched_trunk_group_are_known():
    rig = TServerRig(VirtualClock())
    assert connected(rig).link.resources(TRUNK) == (5_000, 100)
    switches = SwitchesRig(VirtualClock())
    assert connected(switches).link.resources(TRUNK) == (5_000, 100) and switches.link.resources(TRUNK + "@east") == (0, 0)


def test_user_events_on_a_dn_that_somebody_follows_go_there_only(rig: Rig) -> None:
    heard: list[tuple[KVList, str]] = []
    rig.link.follow_user_events(OTHER_DESK, lambda user_data, sender: heard.append((user_data, sender)))
    connected(rig)
    assert outcome(rig, rig.link.distribute_user_event(OTHER_DESK, GUID)) is None
    assert heard == [(GUID, "")] and rig.listener.of("user") == []


def test_on_a_communication_dn_the_switch_says_who_sent_an_event_whatever_the_event_says():
    rig = TServerRig(VirtualClock())
    rig.listener = Listener()
    heard: list[tuple[KVList, str]] = []
    rig.link.follow_user_events(COMMUNICATION, lambda user_data, sender: heard.append((user_data, sender)))
    connected(rig)
    other = DirectClient(rig.server, Desk(), rig.clock, "desk", PASSWORD)
    other.connect()
    turn(rig)
    asked = other.request("RequestDistributeUserEvent", {
        "CommunicationDN": COMMUNICATION, "UserData": GUID, "Extensions": ((SENDER, "ocs"), ("more", 1))})
    assert outcome(rig, asked).name == "EventACK"
    assert heard == [(GUID, "desk")]
