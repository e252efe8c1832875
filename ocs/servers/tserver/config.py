"""Options of the T-Server: `etc/ocs-tserver.toml`."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from ocs.options import REQUIRED, option, table
from ocs.passwords import is_hash
from ocs.runtime import MessageListenOptions
from ocs.servers.service import CompanionOptions, named_twice
from ocs.servers.tserver.agents import Agent
from ocs.servers.tserver.directory import DN, DNKind, is_network_number
from ocs.servers.tserver.ivr.applications import IvrApplicationOptions
from ocs.servers.tserver.pair.options import PairOptions, PairRole
from ocs.servers.tserver.queues import AcdQueue
from ocs.servers.tserver.simulator_options import SimulatorOptions

__all__ = ["AgentOptions", "DNOptions", "IvrOptions", "ListenOptions", "SwitchOptions", "TServerOptions"]


@dataclass(frozen=True)
class ListenOptions(MessageListenOptions):
    """Where clients connect, and how much of a client is borne."""

    port: int = option(7_000, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    dns_per_client: int = option(1_024, low=1, high=100_000, text="DNs that one client may register.")


@dataclass(frozen=True)
class SwitchOptions:
    """How the switch behaves."""

    driver: str = option("simulator", choices=("simulator",), text="What carries the calls into the network.")
    call_log: Path | None = option(Path("calls.jsonl"), text="File to which every finished call is appended as a line"
                                                             " of JSON; empty = none.")
    calls: int = option(10_000, low=1, high=1_000_000, text="Calls in progress at the same time.")
    conference_parties: int = option(6, low=3, high=64, text="Most parties of one conference.")
    user_data_octets: int = option(16_000, low=1_000, high=30_000, unit="octets", text="User data of one call.")
    ring_timeout_s: float = option(30.0, low=1, high=600, unit="seconds",
                                   text="How long a called number rings where the request has no Timeout.")
    ring_no_answer_s: float = option(15.0, low=1, high=600, unit="seconds",
                                     text="How long an extension rings; then a call from a queue goes back to its head"
                                          " and the agent becomes not ready.")
    queue_limit_s: float = option(600.0, low=1, high=86_400, unit="seconds",
                                  text="Longest wait in an ACD queue; then the call is dropped.")
    route_timeout_s: float = option(10.0, low=0.1, high=3_600, unit="seconds",
                                    text="How long a routing point waits for RequestRouteCall; then the call goes to"
                                         " its default destination, or is dropped if it has none.")
    agent_grace_s: float = option(30.0, low=0, high=3_600, unit="seconds of real time",
                                  text="How long an agent stays logged in, and a call at an extension or trunk group"
                                       " up, after the client behind it is gone.")


@dataclass(frozen=True)
class DNOptions:
    """A directory number, or several in a row."""

    number: str = option(REQUIRED, text="The DN: digits.", example="7001")
    count: int = option(1, low=1, high=10_000, text="How many DNs: number, number + 1 ...")
    kind: DNKind = option(DNKind.EXTENSION, text="What the DN is.")
    queue_length: int = option(1_000, low=0, high=1_000_000, text="acd-queue: most calls that wait.")
    default_destination: str = option("", text="routing-point: DN or number for calls that get no instructions in time.")

    def problems(self) -> list[str]:
        if not (self.number.isascii() and self.number.isdigit()):
            return [f"number: {self.number!r} is not made of digits"]
        return []

    def numbers(self) -> Iterator[str]:
        """Every DN of this entry, leading zeros kept."""
        for place in range(self.count):
            yield str(int(self.number) + place).zfill(len(self.number))


@dataclass(frozen=True)
class AgentOptions:
    """A person who may log in."""

    id: str = option(REQUIRED, text="Attribute AgentID.", example="1001")
    password_hash: str = option(REQUIRED, secret=True, text="Argon2 hash of the AgentPassword.",
                                example="$argon2id$...")
    queue: str = option("", text="ACD queue of a log-in that names none; empty = no queue.")


@dataclass(frozen=True)
class IvrOptions:
    """Treatments: what calls hear that wait at a trunk group or routing point."""

    ports: int = option(100, low=0, high=100_000, text="Treatments at the same time.")
    post_timeout_s: float = option(5.0, low=0.1, high=60, unit="seconds", text="How long the POST of an application may take.")
    roots_file: Path | None = option(
        None, text="Certificates (PEM) of the authorities that servers posted to over https must have theirs from; empty = the"
        " machine's.")


@dataclass(frozen=True)
class TServerOptions(CompanionOptions):
    """The whole configuration."""

    listen: ListenOptions = table(ListenOptions)
    switch: SwitchOptions = table(SwitchOptions)
    pair: PairOptions = table(PairOptions)
    simulator: SimulatorOptions = table(SimulatorOptions)
    ivr: IvrOptions = table(IvrOptions)
    ivr_application: tuple[IvrApplicationOptions, ...] = table()
    dn: tuple[DNOptions, ...] = table()
    agent: tuple[AgentOptions, ...] = table()

    def problems(self) -> list[str]:
        """Rules that span tables: what is named must exist, what names must be unique."""
        found = super().problems() + named_twice("agent", [one.id for one in self.agent])
        kinds: dict[str, DNKind] = {}
        for place, entry in enumerate(self.dn, 1):
            if entry.problems():
                continue
            for number in entry.numbers():
                if number in kinds:
                    found.append(f"dn[{place}].number: {number} is configured twice")
                kinds[number] = entry.kind
        for place, entry in enumerate(self.dn, 1):
            goal = entry.default_destination
            if goal and goal not in kinds and not is_network_number(goal):
                found.append(f"dn[{place}].default_destination: {goal!r} is neither a DN nor an E.164 number")
        for place, agent in enumerate(self.agent, 1):
            if agent.queue and kinds.get(agent.queue) is not DNKind.ACD_QUEUE:
                found.append(f"agent[{place}].queue: {agent.queue!r} is not an ACD queue")
        partner = self.pair.partner.application
        if self.pair.role is not PairRole.ALONE and partner not in [one.name for one in self.application]:
            found.append(f"pair.partner.application: the other server registers as {partner!r} here, too, and there is no"
                         " application of this name")
        inbound = self.simulator.inbound_destination
        if inbound and kinds.get(inbound) not in (DNKind.ACD_QUEUE, DNKind.ROUTING_POINT, DNKind.EXTENSION):
            found.append(f"simulator.inbound_destination: {inbound!r} is not a DN that takes calls")
        found += [f"agent[{place}].password_hash: not an Argon2 hash"
                  for place, agent in enumerate(self.agent, 1) if not is_hash(agent.password_hash)]
        return found

    def dns(self) -> Iterator[DN]:
        """The DNs, fresh."""
        for entry in self.dn:
            for number in entry.numbers():
                queue = AcdQueue(entry.queue_length) if entry.kind is DNKind.ACD_QUEUE else None
                yield DN(number, entry.kind, entry.default_destination, queue)

    def agents(self) -> Iterator[Agent]:
        """The agents, all logged out."""
        for entry in self.agent:
            yield Agent(entry.id, entry.password_hash, entry.queue)
