"""A contact center for scenarios: `ocs.simulation`'s, with a list, treatments, and agents on the floor."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import Record
from ocs.lab.agents.floor import LabFloor
from ocs.links.agents import SwitchAgentState
from ocs.links.switch import SwitchLink
from ocs.servers.tserver.calls import FinishedCall
from ocs.servers.tserver.simulator_options import SimulatorOptions
from ocs.simulation.center import PASSWORD, QUEUE, VirtualCenter, agent_group, seats
from ocs.simulation.clock import HeapClock

__all__ = ["Center", "PASSWORD", "TREATMENTS", "record"]

TREATMENTS = (
    Treatment("busy", CallResult.BUSY, TreatmentAction.RETRY_IN, dbid=1, cycle_attempts=2, interval_s=300.0),
    Treatment("no-answer-next", CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN, dbid=2),
    Treatment("machine", CallResult.ANSWERING_MACHINE_DETECTED, TreatmentAction.RETRY_IN, dbid=3, interval_s=3_600.0),
)
_WALL = 1_773_160_200.0         # Tuesday 2026-03-10T16:30Z: all of the US is awake


def _clock() -> HeapClock:
    return HeapClock(_WALL)


@dataclass
class Center:
    """Build with `mode`, `agents`, `contacts`; then `start` and `pass_`."""

    mode: DialingMode = DialingMode.PROGRESSIVE
    agents: int = 5
    contacts: int = 60
    seed: int = 1
    trunk_group: str = ""
    states_of: Callable[[SwitchLink], Any] = SwitchAgentState      # makes the provider of agents' states
    clock: HeapClock = field(default_factory=_clock)
    calls: list[FinishedCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        people = seats(self.agents)
        group = CampaignGroup(
            1, "spring", 1, agent_group(people), (CallingList("spring", 1, 3, TREATMENTS),), self.mode,
            voice_transfer_destination=QUEUE, trunk_group_dn=self.trunk_group)
        self.center = center = VirtualCenter(
            self.clock, group, people, network=SimulatorOptions(seed=self.seed), seed=self.seed, states_of=self.states_of,
            on_finished=self.calls.append)
        center.add_records("spring", [record(n) for n in range(self.contacts)])
        self.server, self.store, self.switch, self.states = center.server, center.store, center.switch, center.states
        self.context, self.engine, self.session, self.link = center.context, center.engine, center.session, center.link
        self.floor = LabFloor(self.clock, people, center.desks, seed=self.seed)

    def start(self) -> None:
        """Everything up, the session running, the agents on their way."""
        self.center.open()
        self.pass_(0.1)
        self.center.start()
        self.floor.start()

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def records(self) -> list[Record]:
        """The calling list as the store has it."""
        found: list[Record] = []
        self.store.records("spring", 100_000).addCallback(found.extend)
        return found


def record(number: int) -> Record:
    """Two phones a contact: records 2n and 2n + 1 of chain n."""
    chain_id, chain_n = number // 2 + 1, number % 2 + 1
    return Record(number + 1, chain_id, chain_n, f"+1212555{number:04d}", tz_name="America/New_York", tz_dbid=5)
