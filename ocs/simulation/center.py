"""A whole contact center on one clock: the engine, the store in memory, the T-Server with its simulated network, and desks at
which the lab's agents may sit. Nothing is left out but sockets and the database.
"""
from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Callable, Iterable, Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.desktop.entry import AgentEntry
from ocs.desktop.records import record_data
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.values import Record
from ocs.lab.agents.floor import MakeDesk
from ocs.lab.people import AgentPerson
from ocs.lab.virtual import DirectClient, direct_desks
from ocs.links.agents import SwitchAgentState
from ocs.links.switch import SwitchLink
from ocs.options import load
from ocs.passwords import hash_password
from ocs.scheduler.context import Context, EngineOptions
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.servers.tserver.calls import FinishedCall
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.ivr.applications import IvrApplicationOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from ocs.servers.tserver.simulator_options import SimulatorOptions
from ocs.store.memory import MemoryStore
from protocols.attributes import KVList

__all__ = ["PASSWORD", "QUEUE", "TRUNK_GROUP", "VirtualCenter", "agent_group", "seats"]

PASSWORD = "virtual"
QUEUE, TRUNK_GROUP = "6001", "6800"
_FIRST_DN, _FIRST_LOGIN = 7001, 1001


def seats(count: int) -> tuple[AgentPerson, ...]:
    """So many people, each with a desk of their own; they log in to the queue."""
    return tuple(AgentPerson(login=str(_FIRST_LOGIN + place), password=PASSWORD, dn=str(_FIRST_DN + place), queue=QUEUE)
                 for place in range(count))


def agent_group(people: Sequence[AgentPerson], name: str = "sales") -> AgentGroup:
    """The group of these people."""
    return AgentGroup(name, 1, tuple(one.login for one in people), tuple(one.dn for one in people))


class VirtualCenter:
    """Build it, add records with `store`, then `start`. `calls` are what the switch has logged, `results` of finished calls go to
    `on_finished` too."""

    def __init__(self, clock: IClock, group: CampaignGroup, people: Sequence[AgentPerson], *,
                 network: SimulatorOptions = SimulatorOptions(), engine: EngineOptions = EngineOptions(),
                 applications: Iterable[IvrApplicationOptions] = (), seed: int = 1,
                 states_of: Callable[[SwitchLink], Any] = SwitchAgentState,
                 on_finished: Callable[[FinishedCall], None] = lambda call: None) -> None:
        self.clock, self.people = clock, tuple(people)
        options = replace(_switch(self.people), simulator=network, ivr_application=tuple(applications))
        self.network = SimulatedNetwork(clock, network)
        self.server = TServer(clock, self.network, options, on_finished=on_finished)
        self.store = MemoryStore()
        self.switch = SwitchLink(clock)
        self.states = states_of(self.switch)
        self.context = Context(clock, random.Random(seed), self.store, self.switch, self.states, self._describe, engine)
        self.engine = Engine(self.context, {group.name: group})
        self.desktops = AgentEntry(self.engine)
        self.session = self.engine.sessions[group.name]
        self.link = DirectClient(self.server, self.switch, clock, "ocs", PASSWORD)

    @property
    def desks(self) -> MakeDesk:
        """Where the people sit."""
        return direct_desks(self.server, self.clock, "desk", PASSWORD)

    def add_records(self, calling_list: str, records: Iterable[Record]) -> None:
        """Put records into the store, before `start`."""
        self.store.add_list(calling_list, records=list(records))

    def open(self) -> None:
        """The switch, the store and the link between switch and engine; time must pass until the link is up."""
        self.server.start()
        self.store.start()
        self.link.connect()

    def start(self) -> None:
        """Load and start the session. Fails as the engine does; nothing here waits for anything, so it is done on return."""
        _done(Deferred.fromCoroutine(self.engine.start()))
        _done(Deferred.fromCoroutine(self.session.load()))
        self.session.start()

    def cut_link(self) -> None:
        """The wire between the T-Server and the engine is cut; `mend_link` connects again."""
        self.link.abort("the link is cut")

    def mend_link(self) -> None:
        """The wire is whole again."""
        self.link.connect()

    def _describe(self, held: HeldChain) -> KVList:
        return record_data(held, held.index, self.context.options.application_id, self.clock.wall()).pairs()


def _switch(people: Sequence[AgentPerson]) -> TServerOptions:
    secret = hash_password(PASSWORD, cheap=True)
    return load(TServerOptions, {
        "listen": {"clients": len(people) + 200, "dns_per_client": len(people) + 1_024},
        "application": [{"name": name, "password_hash": secret} for name in ("ocs", "desk")],
        "dn": [{"number": str(_FIRST_DN), "count": max(1, len(people))}, {"number": QUEUE, "kind": "acd-queue"},
               {"number": TRUNK_GROUP, "kind": "trunk-group"}],
        "agent": [{"id": one.login, "password_hash": secret} for one in people]})


def _done(work: Deferred[Any]) -> None:
    """What has happened by now, or raises what went wrong."""
    outcome: list[Any] = []
    work.addBoth(outcome.append)
    if not outcome:
        raise RuntimeError("in memory nothing should wait")
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
