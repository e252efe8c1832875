"""Two T-Servers in front of one switch that outlives them, linked as in production but without sockets."""
from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer

from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.options import load
from ocs.servers.tserver.calls import FinishedCall
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.driver import CarriedLeg, ISwitchDriver
from ocs.servers.tserver.pair.images import agent_image, call_image
from ocs.servers.tserver.pair.pairing import Pairing
from ocs.servers.tserver.server import TServer
from protocols.message import Message
from tests.doubles.clock import VirtualClock
from tests.doubles.wires import Address
from tests.servers.tserver.world import HASH, OPTIONS, PASSWORD, Client, ScriptedNetwork

PARTNER = "tserver-pair"


@implementer(ISwitchDriver)
class SharedDriver:
    """One server's way to a switch that both can reach. What a server that is gone still asks for does not arrive."""

    def __init__(self, network: ScriptedNetwork) -> None:
        self._network = network
        self.up, self.survives, self.lines, self.gone, self.started = True, True, 0, False, False
        self.taken_over: list[CarriedLeg] = []

    def start(self, listener: object) -> Deferred[None]:
        self.started = True
        return self._network.start(listener)

    def stop(self) -> Deferred[None]:
        self.started = False
        return succeed(None) if self.gone else self._network.stop()

    def let_go(self) -> Deferred[None]:
        self.started = False
        return succeed(None)

    def take_over(self, legs: Sequence[CarriedLeg]) -> None:
        assert self.started
        self.taken_over = list(legs)

    def audio(self, leg: str) -> Any:
        return self._network.audio(leg)

    def place(self, *args: Any) -> None:
        self._ask("place", *args)

    def release(self, *args: Any) -> None:
        self._ask("release", *args)

    def connected(self, *args: Any) -> None:
        self._ask("connected", *args)

    def play(self, *args: Any) -> None:
        self._ask("play", *args)

    def collect(self, *args: Any) -> None:
        self._ask("collect", *args)

    def silence(self, *args: Any) -> None:
        self._ask("silence", *args)

    def held(self, *args: Any) -> None:
        self._ask("held", *args)

    def retrieved(self, *args: Any) -> None:
        self._ask("retrieved", *args)

    def _ask(self, name: str, *args: Any) -> None:
        if not self.gone and self.started:
            getattr(self._network, name)(*args)


def pictured(server: TServer) -> list[Message]:
    """Calls and agents, complete."""
    calls = [call_image(server.board.calls[conn_id]) for conn_id in sorted(server.board.calls)]
    return calls + [agent_image(agent, 0.0) for agent in server.floor]


@implementer(IStreamClientEndpoint)
class Way:
    """From one server to whoever is the other one now. `closed`, nobody is reached any more, and nobody says so."""

    def __init__(self, world: PairWorld, to: int) -> None:
        self._world, self._to, self.closed = world, to, False

    def connect(self, factory: Any) -> Deferred[Any]:
        return Deferred() if self.closed else self._world.sides[self._to].address.connect(factory)


class Side:
    """One of the two servers, from its start to its end."""

    def __init__(self, world: PairWorld, place: int, driver: Any = None) -> None:
        self._world, self._place = world, place
        self.driver: Any = driver or SharedDriver(world.network)
        self.log: list[FinishedCall] = []
        options = load(TServerOptions, {
            **OPTIONS, "application": [*OPTIONS["application"], {"name": PARTNER, "password_hash": HASH}],
            "pair": {"role": ("primary", "backup")[place], "partner": {"application": PARTNER, "password": PASSWORD}},
            **world.changes})
        world.instances += 1
        self.server = TServer(world.clock, self.driver, options, on_finished=self.log.append, real_clock=world.clock,
                              instance=world.instances)
        self.address, self.way = Address(world.clock, self.server), Way(world, 1 - place)
        self.pair = self.server.pair = Pairing(self.server, options.pair, world.clock, lambda pairing: Link(
            "partner", options.pair.partner, pairing, world.clock, Links(world.clock), random.Random(place),
            lambda *_: [self.way], leaves_backups=False))

    def start(self) -> Side:
        """Begin."""
        self.server.start()
        return self

    def kill(self) -> None:
        """The process is gone, with all that it had."""
        self.driver.gone = self.address.away = self.way.closed = True
        self.cut()

    def cut(self) -> None:
        """The connections to the other server, and from it, are lost."""
        self.address.cut()
        self._world.sides[1 - self._place].address.cut()

    def client(self, application: str = "desktop") -> Client:
        """A client, whatever the server's role."""
        return Client(SimpleNamespace(server=self.server), application)     # type: ignore[arg-type]

    @property
    def role(self) -> str:
        """In a word."""
        return self.pair.role.name.lower()

    @property
    def picture(self) -> list[Message]:
        """Calls and agents, complete."""
        return pictured(self.server)


class PairWorld:
    """Two sides, the configured primary first, and the switch behind them."""

    def __init__(self, **changes: Any) -> None:
        self.clock, self.network, self.instances, self.changes = VirtualClock(), ScriptedNetwork(), 0, changes
        self.sides = [Side(self, 0), Side(self, 1)]

    def start(self) -> PairWorld:
        """Both at the same time; the second keeps a copy then."""
        for side in self.sides:
            side.start()
        self.wait(1.0)
        assert self.roles == ["primary", "backup"] and self.sides[1].pair.copy.complete
        return self

    def restart(self, place: int) -> Side:
        """A server that was killed is started again."""
        self.sides[place] = Side(self, place).start()
        return self.sides[place]

    @property
    def roles(self) -> list[str]:
        """What the two are now."""
        return [side.role for side in self.sides]

    def wait(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        self.clock.pump([0.02] * round(seconds / 0.02))
