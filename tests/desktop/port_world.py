"""The desktop port in a contact center on one clock: engine, T-Server, simulated network; desktops without sockets."""
from __future__ import annotations

from types import MappingProxyType
from typing import Any, Mapping

from twisted.internet.defer import Deferred, succeed

from ocs.desktop.credentials import Credential
from ocs.desktop.port import DesktopPort
from ocs.desktop.port_values import PortLimits, Prepared
from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.results import DialingMode
from ocs.dialing.values import Record
from ocs.passwords import hash_password, verify_password
from ocs.scheduler.context import EngineOptions
from ocs.servers.tserver.simulator_options import SimulatorOptions
from ocs.simulation.center import PASSWORD, QUEUE, VirtualCenter, agent_group, seats
from ocs.simulation.clock import HeapClock
from protocols.attributes import KVList
from protocols.desktop.build import build_request
from protocols.desktop.messages import DesktopEvent, parse_event
from protocols.message import Message

__all__ = ["CAMPAIGN", "DESK_PASSWORD", "Desktop", "PortWorld", "QUEUE"]

CAMPAIGN, DESK_PASSWORD = "spring", PASSWORD
_HASH = hash_password(DESK_PASSWORD, cheap=True)
PREPARED = Prepared(("Break", "Lunch"), (("Sold", 33),), {CAMPAIGN: ("Good morning, {CustomerName}.", ("Remarks",))})


class PortWorld:
    """Three agents; loaded and running unless said otherwise. Everybody who is called answers, unless `network` says else."""

    def __init__(self, mode: DialingMode = DialingMode.PREVIEW, *, limits: PortLimits = PortLimits(), running: bool = True,
                 records: int = 20, network: Mapping[str, Any] = MappingProxyType({}), **of_group: Any) -> None:
        self.clock = HeapClock(1_773_160_200.0)     # Tuesday 2026-03-10T16:30Z
        people = seats(3)
        group = CampaignGroup(1, CAMPAIGN, 1, agent_group(people), (CallingList("list", 1, 3),), mode,
                              voice_transfer_destination=QUEUE, **of_group)
        people_called = {"person": 1.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0, **network}
        self.center = VirtualCenter(self.clock, group, people, network=SimulatorOptions(seed=1, **people_called),
                                    engine=EngineOptions(stale_clean_s=1e6))
        self.center.add_records("list", [Record(n, n, 0, f"+1212555{n:04d}", tz_name="America/New_York", tz_dbid=5)
                                         for n in range(1, records + 1)])
        self.checked: list[tuple[str, str]] = []
        self.port = DesktopPort(self.center.engine, self.center.switch, self.center.desktops, self._check, self.clock, limits)
        self.allow("1001", "1002", "1003")
        self.center.open()
        self.pass_(0.1)
        if running:
            self.center.start()
            self.pass_(0.1)

    def allow(self, *agents: str) -> None:
        """Exactly these agents may connect, and the application `crm`."""
        self.port.use([Credential(one, _HASH, f"E{one}") for one in agents], {"crm": _HASH}, PREPARED)

    def _check(self, password_hash: str, password: str) -> Deferred[bool]:
        self.checked.append((password_hash, password))
        return succeed(verify_password(password_hash, password))

    def pass_(self, seconds: float = 0.1) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def desktop(self, name: str = "1001", password: str = DESK_PASSWORD) -> Desktop:
        """A desktop that has registered."""
        desktop = Desktop(self)
        desktop.ask("RequestRegisterClient", ApplicationName=name, ApplicationPassword=password, ProtocolVersion="1")
        return desktop

    def seated(self, name: str = "1001", dn: str = "7001", **more: Any) -> Desktop:
        """A desktop whose agent is logged in."""
        desktop = self.desktop(name)
        answer = desktop.ask("RequestAgentLogin", ThisDN=dn, AgentPassword=DESK_PASSWORD, ThisQueue=QUEUE, **more)
        assert answer.name == "EventAgentLogin", answer
        self.pass_()
        return desktop


class Desktop:
    """One connection. `heard` is every message, oldest first."""

    def __init__(self, world: PortWorld) -> None:
        self.world, self.heard = world, list[Message]()
        self.client = world.port.server.connect(self.heard.append)
        self._reference_id = 0

    def ask(self, name: str, **attributes: Any) -> Message:
        """The one answer to a request."""
        self._reference_id += 1
        reference_id = self._reference_id
        self.client.receive(Message(name, reference_id, attributes))
        self.world.pass_()
        answers = [each for each in self.heard if each.reference_id == reference_id]
        assert len(answers) == 1, f"{name}: {answers}"
        return answers[0]

    def request(self, name: str, **values: Any) -> list[DesktopEvent]:
        """What the OCS says to a request about records."""
        before = len(self.events())
        data = build_request(name, reference_id=900 + self._reference_id, application_id=1, campaign_name=CAMPAIGN, **values)
        assert self.ask("RequestDistributeUserEvent", UserData=data).name == "EventACK"
        return self.events()[before:]

    def events(self) -> list[DesktopEvent]:
        """What the OCS has said, asked and unasked."""
        data: list[KVList] = [each.user_data for each in self.heard if each.name == "EventUserEvent"]
        return [event for event in map(parse_event, data) if event is not None]

    def names(self) -> list[str]:
        """The names of what was heard."""
        return [each.name for each in self.heard]

    def last(self, name: str) -> Message:
        """The newest message of this name."""
        return [each for each in self.heard if each.name == name][-1]

    def close(self) -> None:
        """The connection is lost."""
        self.client.closed()
        self.world.pass_()
