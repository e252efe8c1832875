"""The engine on a bench: a switch by command, the store in memory, a virtual clock. Desktops speak through the switch."""
from __future__ import annotations

import random
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Coroutine, Mapping

from twisted.internet.defer import Deferred

from ocs.desktop.entry import AgentEntry
from ocs.desktop.records import record_data
from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.values import Attempt, CustomField, Record
from ocs.links.agents import SwitchAgentState
from ocs.scheduler.context import Context, EngineOptions
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.store.memory import MemoryStore
from protocols.attributes import KVList
from protocols.desktop.build import build_request
from protocols.desktop.messages import DesktopEvent, parse_event
from tests.doubles.clock import VirtualClock
from tests.doubles.store import MoodyStore
from tests.doubles.switch import Asked, FakeSwitch

QUEUE, TRUNK, CAMPAIGN = "6001", "6800", "spring"
DNS = ("7001", "7002", "7003", "7004")
RETRY_BUSY = Treatment("busy", CallResult.BUSY, TreatmentAction.RETRY_IN, dbid=1, cycle_attempts=2, interval_s=300.0)
FIELDS = (CustomField("name", send_attribute="CustomerName"), CustomField("age", "int", send_attribute="Age"))


def record(number: int, chain_id: int | None = None, **values: Any) -> Record:
    """Record `number` (from 1): a chain of its own unless `chain_id` is given."""
    values = {"chain_n": 0, "tz_name": "America/New_York", "tz_dbid": 5, "fields": {"name": f"Person {number}", "age": 40},
              **values}
    return Record(number, chain_id or number, contact_info=f"+1212555{number:04d}", **values)


class Bench:
    """`settled`: up, loaded and running unless said otherwise. `calling_list` are fields of the CallingList, `more_lists` stand
    behind it, `**group` are fields of the CampaignGroup."""

    def __init__(self, records: list[Record] | None = None, *, options: EngineOptions = EngineOptions(), running: bool = True,
                 treatments: tuple[Treatment, ...] = (RETRY_BUSY,), maximum_attempts: int = 3, seed: int = 1,
                 store: MemoryStore | None = None, clock: VirtualClock | None = None,
                 calling_list: Mapping[str, Any] = MappingProxyType({}), more_lists: tuple[CallingList, ...] = (),
                 dns: tuple[str, ...] = DNS, **group: Any) -> None:
        self.clock, self.memory = clock or VirtualClock(), store or MemoryStore()
        if store is None:
            self.memory.add_list("list", records if records is not None else [record(n) for n in range(1, 21)], FIELDS)
        self.store, self.switch = MoodyStore(self.memory), FakeSwitch(self.clock)
        self.agents = SwitchAgentState(self.switch)     # type: ignore[arg-type]
        values = {"voice_transfer_destination": QUEUE, **group}
        self.group = CampaignGroup(1, CAMPAIGN, 1, AgentGroup("sales", 1, (), dns),
                                   (CallingList("list", 1, maximum_attempts, treatments, **calling_list), *more_lists),
                                   **values)
        self.context = Context(
            self.clock, random.Random(seed), self.store, self.switch, self.agents,
            lambda held: record_data(held, held.index, options.application_id, self.clock.wall()).pairs(), options)
        self.engine = Engine(self.context, {self.group.name: self.group})
        self.desktops = AgentEntry(self.engine)
        self.session = self.engine.sessions[self.group.name]
        self.heard: list[tuple[str, DesktopEvent]] = []     # (DN, event): what desktops were sent
        self.switch.add_listener(self)
        self._references = 0
        if running:
            self.up()
            self.begin()

    # -- the engine -----------------------------------------------------------------------------------------------
    def up(self) -> None:
        """Link and do-not-call list."""
        self.switch.go_up()
        self.wait(self.engine.start())

    def begin(self) -> None:
        """Load and start the session."""
        self.wait(self.session.load())
        self.session.start()
        self.pass_(0)

    @staticmethod
    def wait(work: Coroutine[Any, Any, Any] | Deferred[Any]) -> Any:
        """The result of what must be done by now; its error is raised."""
        done = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        results: list[Any] = []
        done.addBoth(results.append)
        assert results, "it waits for something"
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

    def pass_(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, second by second so that chained timers do not bunch up."""
        self.clock.advance(0)
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            seconds -= step
        self.clock.advance(0)

    # -- agents ---------------------------------------------------------------------------------------------------
    def login(self, *dns: str) -> None:
        """Agents log in, not ready yet; the agent at 7001 is 1001."""
        for dn in dns:
            self.switch.agent(AgentEventKind.LOGIN, dn, agent_of(dn))
        self.pass_(0)

    def ready(self, *dns: str) -> None:
        """Agents log in and go ready."""
        self.login(*dns)
        for dn in dns:
            self.switch.agent(AgentEventKind.READY, dn, agent_of(dn))
        self.pass_(0)

    def logout(self, dn: str) -> None:
        """The agent leaves."""
        self.switch.agent(AgentEventKind.LOGOUT, dn, agent_of(dn))
        self.pass_(0)

    def talk(self, dn: str = "7001", asked: Asked | None = None) -> Asked:
        """The last dialed call is answered and connected to the agent at `dn`."""
        asked = asked or self.switch.dialed[-1]
        self.switch.queued(asked.conn_id)
        self.switch.connected(asked.conn_id, dn)
        self.pass_(0)
        return asked

    def hang_up(self, asked: Asked, dn: str = "7001") -> None:
        """The talk ends; the agent goes into after-call work."""
        self.switch.over(asked.conn_id, dn)
        self.switch.agent(AgentEventKind.AFTER_CALL_WORK, dn, agent_of(dn))
        self.pass_(0)

    # -- desktops -------------------------------------------------------------------------------------------------
    def user_event(self, dn: str, user_data: KVList) -> None:
        """What a desktop was sent."""
        event = parse_event(user_data)
        if event is not None:
            self.heard.append((dn, event))

    def switch_up(self, *about: object) -> None:
        """Not about desktops."""

    switch_down = call_event = agent_event = switch_up

    def tell(self, dn: str, name: str, others: KVList = (), **values: Any) -> int:
        """A desktop's request; its reference id."""
        self._references += 1
        values = {"application_id": 1, "campaign_name": CAMPAIGN, **values}
        self.switch.user_event(dn, build_request(name, reference_id=self._references, others=others, **values))
        return self._references

    def ask(self, dn: str, name: str, others: KVList = (), **values: Any) -> DesktopEvent:
        """A desktop's request and its one answer."""
        answers = self.answers(self.tell(dn, name, others, **values))
        assert len(answers) == 1, answers
        return answers[0]

    def answers(self, reference_id: int) -> list[DesktopEvent]:
        """What a request was answered with, so far."""
        return [event for _, event in self.heard if event.reference_id == reference_id]

    def news(self, dn: str) -> list[str]:
        """The names of the events that `dn` got without asking."""
        return [event.name for to, event in self.heard if to == dn and event.reference_id is None]

    def preview(self, dn: str = "7001") -> DesktopEvent:
        """A record to look at."""
        event = self.ask(dn, "PreviewRecordRequest")
        assert event.name == "PreviewRecord", event
        return event

    def dial_preview(self, event: DesktopEvent, dn: str = "7001") -> str:
        """The agent dials what the preview shows, all of its pairs attached; the ConnID."""
        assert event.record is not None
        conn_id = self.switch.agent_calls(dn, event.record.phone or "", event.raw)
        self.pass_(0)
        return conn_id

    # -- what is true now -----------------------------------------------------------------------------------------
    def records(self) -> dict[int, Record]:
        """The list as the store has it."""
        return {each.record_id: each for each in self.wait(self.memory.records("list", 100_000))}

    def record(self, record_id: int = 1) -> Record:
        """One record as the store has it."""
        return self.records()[record_id]

    def attempts(self, record_id: int) -> list[Attempt]:
        """The attempts on a record, oldest first."""
        found = [each for each in self.memory.attempts.values() if each.record_id == record_id]
        return sorted(found, key=lambda each: each.opened_at)

    def holder(self, record_id: int = 1) -> HeldChain:
        """The chain in memory that has the record."""
        found = [held for held in self.session.held if any(each.record_id == record_id for each in held.chain.records)]
        assert len(found) == 1
        return found[0]

    def of_conn(self, conn_id: str) -> HeldChain:
        """The chain in memory whose call this is."""
        found, = (held for held in self.session.held if held.call is not None and held.call.conn_id == conn_id)
        return found

    def state(self, record_id: int = 1) -> ChainState:
        """Where that chain stands."""
        return self.holder(record_id).state

    def retrieved(self) -> list[int]:
        """Records that the store shows as held."""
        return [each.record_id for each in self.records().values() if each.record_status is RecordStatus.RETRIEVED]

    def unloaded(self) -> None:
        """Everything is given back and nothing is left over."""
        assert not self.session.held and not self.retrieved()
        assert len(self.context.handles) == 0 and self.session.under_way == 0 and not len(self.session.calls)
        self.clock.advance(0)       # desktops are still to be told
        assert self.clock.getDelayedCalls() == []


def agent_of(dn: str) -> str:
    """The agent who works at a DN."""
    number, _, switch = dn.partition("@")
    return f"{int(number) - 6000}{switch}"


def one(**values: Any) -> list[Record]:
    """A list of a single record."""
    return [record(1, **values)]


def chain(*numbers: int, **values: Any) -> list[Record]:
    """One contact with several phones."""
    return [replace(record(number, numbers[0], **values), chain_n=place) for place, number in enumerate(numbers)]


PREVIEW = DialingMode.PREVIEW


def reason(bench: Bench) -> str:
    """The last decision in words, its condition before it."""
    bench.pass_(1)
    return f"{bench.session.loop.condition.value}: {bench.session.loop.decisions[-1].reason}"
