"""Agents' desktops on the server's own port: memory of each, how long news take to reach all of them, how fast they come in.

    python benchmarks/desktops.py [--quick] [--json]

One process is the server: the desktop port with its engine on real sockets, and in the same process the T-Server behind it,
linked without a socket. Two more processes are the desktops, 5,000 connections of the client's wire protocol, half of them
frames, half WebSockets; each agent logs in at a DN. Then:

- memory: what the server's process has more with all desktops logged in than with none, divided by their number (what the
  T-Server keeps of an agent is in it); and the same for connections that have registered but are at no DN;
- fan-out: the campaign is stopped and started, which tells every agent; from the step in the engine to the moment at which a
  desktop's process has read the news (both read the machine's monotonic clock); beside it the processor time that the server
  takes to tell one of them, which does not depend on what else the machine has to do;
- stalls: how late a timer of the server's reactor fires at most while the news go out, and how long the processor is at work for
  the server between two firings at most, which does not depend on what else the machine has to do; full passes of Python's
  garbage collector are counted by themselves;
- round trip: a desktop asks for something (CampaignStatusRequest) while all others are connected.

Passwords are hashed cheaply here; a careful hash takes the time that `password_checks_per_second` tells, on one thread, which
bounds how fast a whole floor comes in after a restart of the server. `--quick` has 1,000 desktops.
"""
from __future__ import annotations

import json
import resource
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from twisted.internet import reactor as _reactor  # noqa: E402
from twisted.internet.defer import Deferred, DeferredList, ensureDeferred, succeed  # noqa: E402
from twisted.internet.endpoints import TCP4ClientEndpoint  # noqa: E402
from twisted.internet.protocol import Factory, Protocol, ServerFactory  # noqa: E402

from benchmarks._report import Goals, arguments, machine, note, report, resident_octets  # noqa: E402
from benchmarks._stalls import StallMeter  # noqa: E402
from ocs.clock import SystemClock  # noqa: E402
from ocs.desktop.credentials import Credential  # noqa: E402
from ocs.desktop.port import DesktopPort  # noqa: E402
from ocs.desktop.port_values import PortLimits, Prepared  # noqa: E402
from ocs.dialing.campaign import CallingList, CampaignGroup  # noqa: E402
from ocs.dialing.results import DialingMode  # noqa: E402
from ocs.dialing.values import Record  # noqa: E402
from ocs.passwords import hash_password, verify_password  # noqa: E402
from ocs.runtime import set_start_up_aside  # noqa: E402
from ocs.simulation.center import PASSWORD, QUEUE, VirtualCenter, agent_group, seats  # noqa: E402
from protocols.client import MessageClient  # noqa: E402
from protocols.codec import JSON_TEXT, MESSAGE_PACK  # noqa: E402
from protocols.conversation import ClientConversation  # noqa: E402
from protocols.desktop.build import build_request  # noqa: E402
from protocols.desktop.messages import parse_event  # noqa: E402
from protocols.desktop.port import PATH  # noqa: E402
from protocols.keepalive import KeepAlive  # noqa: E402
from protocols.server import ConnectionLimits, MessageServerFactory  # noqa: E402
from protocols.websocket import same_host  # noqa: E402
from protocols.websocket_transport import PortFactory, WebSocketEndpoint  # noqa: E402

reactor: Any = _reactor
FULL, QUICK, FLOORS, ROUNDS, AT_ONCE = 5_000, 1_000, 2, 10, 50
GOALS: Goals = {"kib_per_desktop": ("<=", 50.0), "told_processor_us": ("<=", 200.0), "longest_turn_processor_ms": ("<=", 20.0)}


# -- the server ---------------------------------------------------------------------------------------------------
class Commands(Protocol):
    """A line in, a line of JSON out: what the benchmark asks of a part."""

    def __init__(self, act: Any) -> None:
        self._act, self._buffer = act, b""

    def dataReceived(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            answered = ensureDeferred(self._act(*json.loads(line)))
            answered.addCallback(lambda answer: self.transport.write(json.dumps(answer).encode() + b"\n"))
            answered.addErrback(lambda failure: (failure.printTraceback(), reactor.stop()))


def serve(act: Any) -> int:
    """The port on which commands come."""
    factory = ServerFactory()
    factory.buildProtocol = lambda addr: Commands(act)      # type: ignore[method-assign,assignment,return-value]
    port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
    return int(port.getHost().port)


def part_server(count: int) -> None:
    """The port, its engine, the T-Server."""
    people = seats(count)
    group = CampaignGroup(1, "spring", 1, agent_group(people), (CallingList("list", 1, 3),), DialingMode.PREVIEW,
                          voice_transfer_destination=QUEUE)
    center = VirtualCenter(SystemClock(reactor), group, people)
    center.add_records("list", [Record(n, n, 0, f"+1212555{n:04d}", tz_name="America/New_York", tz_dbid=5)
                                for n in range(1, 1_001)])
    secret = hash_password(PASSWORD, cheap=True)
    port = DesktopPort(center.engine, center.switch, center.desktops,
                       lambda hash, password: succeed(verify_password(hash, password)), reactor,
                       PortLimits(clients=count + 100))
    port.use([Credential(one.login, secret) for one in people], {}, Prepared())
    limits = ConnectionLimits(login_timeout_s=120.0, keep_alive_s=30.0, backlog_octets=262_144)
    factory = PortFactory(MessageServerFactory(port.server, reactor, limits),
                          MessageServerFactory(port.server, reactor, limits, JSON_TEXT), same_host(PATH), reactor)
    listening: Any = reactor.listenTCP(0, factory, interface="127.0.0.1", backlog=1_000)
    meter = StallMeter(reactor)
    set_start_up_aside()
    center.open()

    async def act(what: str) -> Any:
        if what == "start":
            center.start()
        elif what == "memory":
            return resident_octets()
        elif what == "processor":
            return time.process_time()
        elif what == "news":
            started = time.monotonic()
            if center.session.state.name == "RUNNING":
                center.session.stop()
            else:
                center.session.start()
            return [started, time.monotonic()]
        elif what == "stalls":
            return [meter.longest_ms(), meter.most_processor_ms(), meter.longest_collection_ms()]
        elif what == "seats":
            return len(port.seats)
        return None

    print(json.dumps([listening.getHost().port, serve(act)]), flush=True)
    reactor.run()


# -- the desktops -------------------------------------------------------------------------------------------------
class Desk:
    """One connection."""

    def __init__(self, person: Any, websocket: bool) -> None:
        self.person, self.websocket = person, websocket
        self.registered: Deferred[None] = Deferred()
        self.client: Any = None
        self.heard: list[float] = []
        self.answered: Deferred[None] | None = None

    def connect(self, port: int) -> Any:
        def build() -> MessageClient:
            conversation = ClientConversation(self.person.login, PASSWORD, keep_alive=KeepAlive(60.0),
                                              codec=JSON_TEXT if self.websocket else MESSAGE_PACK)
            self.client = MessageClient(conversation, self, reactor, 120.0)
            return self.client
        endpoint: Any = TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=60)
        if self.websocket:
            endpoint = WebSocketEndpoint(endpoint, reactor, f"127.0.0.1:{port}", PATH)
        factory = Factory.forProtocol(build)
        factory.noisy = False
        return endpoint.connect(factory).addCallback(lambda _: self.registered)

    def granted(self, client: Any, answer: Any) -> None:
        self.registered.callback(None)

    def refused(self, client: Any, error: Exception) -> None:
        raise SystemExit(f"refused: {error}")

    def event(self, client: Any, message: Any) -> None:
        if message.name != "EventUserEvent":
            return
        event = parse_event(message.user_data)
        if event is not None and event.reference_id is not None:
            answered, self.answered = self.answered, None
            if answered is not None:
                answered.callback(None)
        elif event is not None and event.name in ("CampaignStarted", "CampaignStopped"):
            self.heard.append(time.monotonic())

    def lost(self, client: Any, reason: str) -> None:
        print(f"a desktop was lost: {reason}", file=sys.stderr)

    def ask(self) -> Deferred[None]:
        self.answered = Deferred()
        self.client.request("RequestDistributeUserEvent", {"ThisDN": self.person.dn, "UserData": build_request(
            "CampaignStatusRequest", application_id=1, reference_id=1)})
        return self.answered


def part_desktops(count: int, place: int, port: int) -> None:
    """A part of the desktops, in a process of its own."""
    desks = [Desk(person, number % 2 == 1) for number, person in enumerate(seats(count)) if number % FLOORS == place]

    async def in_turn(step: Any) -> None:
        for start in range(0, len(desks), AT_ONCE):
            done = await DeferredList([step(desk) for desk in desks[start:start + AT_ONCE]], fireOnOneErrback=True)
            assert all(good for good, _ in done)

    async def act(what: str) -> Any:
        if what == "connect":
            await in_turn(lambda desk: desk.connect(port))
        elif what == "log in":
            await in_turn(lambda desk: desk.client.request("RequestAgentLogin", {
                "ThisDN": desk.person.dn, "AgentPassword": PASSWORD, "ThisQueue": QUEUE}))
        elif what == "forget":
            for desk in desks:
                desk.heard.clear()
        elif what == "heard":
            return [desk.heard[0] for desk in desks if desk.heard]
        elif what == "ask":
            times = []
            for desk in desks[:200]:
                started = time.monotonic()
                await desk.ask()
                times.append(time.monotonic() - started)
            return times
        return len(desks)

    print(json.dumps([serve(act)]), flush=True)
    reactor.run()


# -- the benchmark ------------------------------------------------------------------------------------------------
class Part:
    """One of the processes, commanded over a socket."""

    def __init__(self, *given: object) -> None:
        self._process = subprocess.Popen([sys.executable, __file__, "--part", *map(str, given)], stdout=subprocess.PIPE,
                                         text=True)
        assert self._process.stdout is not None
        self.told = json.loads(self._process.stdout.readline())
        self._lines = socket.create_connection(("127.0.0.1", self.told[-1])).makefile("rw")

    def begin(self, what: str) -> None:
        self._lines.write(json.dumps([what]) + "\n")
        self._lines.flush()

    def end(self) -> Any:
        line = self._lines.readline()
        assert line, "a part of the benchmark has ended"
        return json.loads(line)

    def ask(self, what: str) -> Any:
        self.begin(what)
        return self.end()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def all_of(floors: list[Part], what: str) -> list[Any]:
    """The same of all desktops, at the same time."""
    for floor in floors:
        floor.begin(what)
    return [floor.end() for floor in floors]


def password_checks() -> float:
    """Checks of a careful hash a second, on one thread."""
    secret, started = hash_password("a password"), time.perf_counter()
    for _ in range(5):
        assert verify_password(secret, "a password")
    return 5 / (time.perf_counter() - started)


def run(count: int) -> dict[str, float]:
    """All figures."""
    server = Part("server", count)
    floors = [Part("desktops", count, place, server.told[0]) for place in range(FLOORS)]
    try:
        server.ask("start")
        before = server.ask("memory")
        started = time.monotonic()
        all_of(floors, "connect")
        connect_s = time.monotonic() - started
        registered = server.ask("memory")
        note(f"{count} registered in {connect_s:.1f} s")
        started = time.monotonic()
        all_of(floors, "log in")
        login_s = time.monotonic() - started
        connected, memory = server.ask("seats"), server.ask("memory")
        note(f"{connected} logged in in {login_s:.1f} s")
        delays: list[float] = []
        engine_s: list[float] = []
        time.sleep(1.0)
        server.ask("stalls")                        # those were the log-ins'
        time.sleep(1.0)
        idle_ms, *_ = server.ask("stalls")
        used = server.ask("processor")
        for number in range(ROUNDS):
            all_of(floors, "forget")
            began, ended = server.ask("news")
            engine_s.append(ended - began)
            deadline = time.monotonic() + 30
            while True:
                heard = [each for times in all_of(floors, "heard") for each in times]
                if len(heard) >= connected or time.monotonic() > deadline:
                    break
                time.sleep(0.2)
            assert len(heard) == connected, f"{len(heard)} of {connected} have heard"
            delays += [each - began for each in heard]
            note(f"news {number + 1}: all have heard after {1_000 * (max(heard) - began):.0f} ms")
        used = server.ask("processor") - used
        stall_ms, turn_ms, collection_ms = server.ask("stalls")
        trips = [each for times in all_of(floors[:1], "ask") for each in times]
        figures = {
            "desktops_connected": connected, "server_mib_before": before / 2**20, "server_mib_after": memory / 2**20,
            "kib_per_registered_connection": (registered - before) / count / 1_024,
            "kib_per_desktop": (memory - before) / count / 1_024, "registrations_per_second": count / connect_s,
            "logins_per_second": count / login_s}
        cuts = statistics.quantiles(delays, n=100)
        trip = statistics.quantiles(trips, n=100)
        return {**figures, "told_processor_us": 1e6 * used / (ROUNDS * connected),
                "longest_turn_processor_ms": turn_ms, "full_collection_ms": collection_ms, "longest_stall_ms": stall_ms,
                "idle_stall_ms": idle_ms,
                "fan_out_p50_ms": 1_000 * cuts[49], "fan_out_p99_ms": 1_000 * cuts[98],
                "fan_out_last_ms": 1_000 * max(delays), "fan_out_engine_ms": 1_000 * statistics.median(engine_s),
                "round_trip_p50_ms": 1_000 * trip[49], "round_trip_p99_ms": 1_000 * trip[98],
                "password_checks_per_second": password_checks()}
    finally:
        for part in (*floors, server):
            part.kill()


def main() -> int:
    if sys.argv[1:2] == ["--part"]:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        part, *numbers = sys.argv[2:]
        {"server": part_server, "desktops": part_desktops}[part](*map(int, numbers))
        return 0
    given = arguments(__doc__)
    count = QUICK if given.quick else FULL
    where, figures = machine(), run(count)
    return report("desktops", where, figures, {**GOALS, "desktops_connected": (">=", float(count))}, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
