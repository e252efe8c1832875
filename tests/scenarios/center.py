"""A whole contact center in virtual time: the engine, the store in memory, the T-Server with its simulated network and the
lab's agents, on one clock."""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Callable

from ocs.desktop.entry import AgentEntry
from ocs.desktop.records import record_data
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import AgentGroup, CallingList, CampaignGroup, Record, Treatment, TreatmentAction
from ocs.lab.agents.floor import LabFloor
from ocs.lab.people import AgentPerson
from ocs.lab.virtual import DirectClient, direct_desks
from ocs.links.agents import SwitchAgentState
from ocs.links.switch import SwitchLink
from ocs.options import load
from ocs.passwords import hash_password
from ocs.scheduler.context import Context, EngineOptions
from ocs.scheduler.engine import Engine
from ocs.servers.tserver.calls import FinishedCall
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork
from ocs.store.memory import MemoryStore
from tests.doubles.clock import VirtualClock

PASSWORD = "virtual"
TREATMENTS = (
    Treatment("busy", CallResult.BUSY, TreatmentAction.RETRY_IN, dbid=1, cycle_attempts=2, interval_s=300.0),
    Treatment("no-answer-next", CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN, dbid=2),
    Treatment("machine", CallResult.ANSWERING_MACHINE_DETECTED, TreatmentAction.RETRY_IN, dbid=3, interval_s=3_600.0),
)


@dataclass
class Center:
    """Build with `mode`, `agents`, `contacts`; then `run`."""

    mode: DialingMode = DialingMode.PROGRESSIVE
    agents: int = 5
    contacts: int = 60
    seed: int = 1
    trunk_group: str = ""
    states_of: Callable[[SwitchLink], Any] = SwitchAgentState      # makes the provider of agents' states
    clock: VirtualClock = field(default_factory=VirtualClock)
    calls: list[FinishedCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        secret = hash_password(PASSWORD, cheap=True)
        dns = [str(7001 + number) for number in range(self.agents)]
        people = [AgentPerson(login=str(1001 + n), password=PASSWORD, dn=dn, queue="6001") for n, dn in enumerate(dns)]
        options = load(TServerOptions, {
            "application": [{"name": "ocs", "password_hash": secret}, {"name": "desk", "password_hash": secret}],
            "dn": [{"number": "7001", "count": self.agents}, {"number": "6001", "kind": "acd-queue"},
                   {"number": "6800", "kind": "trunk-group"}],
            "agent": [{"id": person.login, "password_hash": secret} for person in people],
            "simulator": {"seed": self.seed}})
        self.server = TServer(self.clock, SimulatedNetwork(self.clock, options.simulator), options,
                              on_finished=self.calls.append)
        self.server.start()
        self.store = MemoryStore()
        self.store.add_list("spring", records=[record(n) for n in range(self.contacts)])
        self.store.start()
        self.switch = SwitchLink(self.clock)
        self.states = self.states_of(self.switch)
        group = CampaignGroup(
            1, "spring", 1, AgentGroup("sales", 1, tuple(person.login for person in people), tuple(dns)),
            (CallingList("spring", 1, 3, TREATMENTS),), self.mode, voice_transfer_destination="6001",
            trunk_group_dn=self.trunk_group)
        self.context = Context(
            self.clock, random.Random(self.seed), self.store, self.switch, self.states,
            lambda held: record_data(held, held.index, 1, self.clock.wall()).pairs(), EngineOptions())
        self.engine = Engine(self.context, {group.name: group})
        self.desktops = AgentEntry(self.engine)
        self.session = self.engine.sessions[group.name]
        self.link = DirectClient(self.server, self.switch, self.clock, "ocs", PASSWORD)
        self.floor = LabFloor(self.clock, people, direct_desks(self.server, self.clock, "desk", PASSWORD),
                              seed=self.seed)

    def start(self) -> None:
        """Everything up, the session running, the agents on their way."""
        from twisted.internet.defer import Deferred
        self.link.connect()
        self.pass_(0.1)
        done = Deferred.fromCoroutine(self.engine.start())
        assert done.called
        loaded = Deferred.fromCoroutine(self.session.load())
        assert loaded.called and loaded.result is None, loaded.result
        self.session.start()
        self.floor.start()

    def pass_(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass in small steps, so that chained timers do not bunch up."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def records(self) -> list[Record]:
        """The calling list as the store has it."""
        found: list[Record] = []
        self.store.records("spring", 100_000).addCallback(found.extend)
        return found


def record(number: int) -> Record:
    """Two phones a contact: records 2n and 2n + 1 of chain n."""
    chain_id, chain_n = number // 2 + 1, number % 2 + 1
    return Record(number + 1, chain_id, chain_n, f"+1212555{number:04d}", tz_name="America/New_York", tz_dbid=5)
