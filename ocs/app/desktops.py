"""The desktop port, wired: its options, its agents, its port for frames and WebSockets."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Protocol, Sequence

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from ocs.desktop.credentials import Credential
from ocs.desktop.entry import AgentEntry
from ocs.desktop.port import DesktopPort
from ocs.desktop.port_values import PortLimits, Prepared
from ocs.dialing.results import CallResult
from ocs.options import AT_ONCE, REQUIRED, option, table
from ocs.passwords import is_hash
from ocs.runtime import ApplicationOptions, MessageListenOptions, listen_or_exit
from ocs.scheduler.engine import Engine
from ocs.servers.service import named_twice, password_check
from protocols.codec import JSON_TEXT
from protocols.desktop.port import PATH
from protocols.server import MessageServerFactory
from protocols.websocket import same_host
from protocols.websocket_transport import PortFactory

__all__ = ["AgentOptions", "DesktopPortOptions", "DesktopSide", "desktop_problems"]

_SCRIPT_OCTETS = 16_384


@dataclass(frozen=True)
class AgentOptions:
    """An agent who may connect a desktop to this server (docs/desktop-port.md)."""

    name: str = option(REQUIRED, example="1001", text="Agent id at the switch, unique.")
    employee_id: str = option("", text="Employee id, good for the log-in too, unique; empty = none.")
    password_hash: str = option(REQUIRED, secret=True, example="$argon2id$...",
                                text="Argon2 hash of the agent's password (`ocs config password` makes one).")


@dataclass(frozen=True)
class DispositionOptions:
    """What can come of a call, in the site's words."""

    name: str = option(REQUIRED, example="Sold", text="What agents read, unique.")
    result: CallResult = option(CallResult.ANSWER, text="Call result that stands for it.")


@dataclass(frozen=True)
class ScriptOptions:
    """What agents say in a campaign, and what they ask."""

    name: str = option(REQUIRED, example="spring", text="Name of the campaign, unique.")
    file: Path | None = option(None, text="Text file (UTF-8, at most 16 KiB); {Field} stands for a value of the record.")
    form: tuple[str, ...] = option((), text="User-defined fields that the agent fills in, by their send_attribute or column.")

    def problems(self) -> list[str]:
        if self.file is None:
            return []
        try:
            _text(self.file)
        except (OSError, ValueError) as error:
            return [f"file: cannot use {self.file}: {getattr(error, 'strerror', None) or error}"]
        return []


def _text(path: Path) -> str:
    """The script; ValueError for one that is too long or not UTF-8."""
    with path.open("rb") as file:
        octets = file.read(_SCRIPT_OCTETS + 1)
    if len(octets) > _SCRIPT_OCTETS:
        raise ValueError(f"more than {_SCRIPT_OCTETS} octets")
    return octets.decode("utf-8")


_DISPOSITIONS = tuple((result.name.replace("_", " ").capitalize(), int(result)) for result in (
    CallResult.ANSWER, CallResult.BUSY, CallResult.NO_ANSWER, CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED,
    CallResult.WRONG_PARTY, CallResult.WRONG_NUMBER, CallResult.DROPPED, CallResult.GENERAL_ERROR))


@dataclass(frozen=True)
class DesktopPortOptions(MessageListenOptions):
    """Where agents' desktops connect to this server itself, by TCP, TLS or WebSocket (docs/desktop-port.md)."""

    enabled: bool = option(False, text="Whether to listen for desktops.")
    port: int = option(7060, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    clients: int = option(6_000, low=1, high=50_000, text="Connections at the same time.")
    login_timeout_s: float = option(
        60.0, low=1, high=600, unit="seconds",
        text="A connection that has not registered by then is closed; the checks of passwords wait for one another.")
    keep_alive_s: float = option(30.0, low=0, high=3_600, unit="seconds",
                                 text="A silent desktop is pinged after this time and given up after three times it; 0 = never.")
    backlog_octets: int = option(262_144, low=65_536, high=1_073_741_824, unit="octets",
                                 text="A desktop that leaves more than this unread is cut off.")
    requests_per_s: float = option(20.0, low=0.1, high=10_000, unit="requests a second", text="Requests of one desktop at most.")
    burst: int = option(60, low=1, high=10_000, unit="requests", text="Of these, so many at once after a while of silence.")
    outstanding: int = option(32, low=1, high=1_000, unit="requests", text="Requests of one desktop that may wait for answers.")
    grace_s: float = option(30.0, low=0, high=3_600, unit="seconds",
                            text="How long an agent whose desktop is lost stays logged in, not ready.")
    origins: tuple[str, ...] = option(
        (), text="Origins, like https://crm.example, whose pages may open WebSockets, beside pages from this host.")
    break_codes: tuple[str, ...] = option(
        ("Break", "Lunch", "Meeting", "Training"), effect=AT_ONCE, text="Reasons for not being ready that agents choose from.")
    disposition: tuple[DispositionOptions, ...] = table(
        text="What agents choose from after a call; none = the usual call results.", effect=AT_ONCE)
    script: tuple[ScriptOptions, ...] = table(effect=AT_ONCE)
    application: tuple[ApplicationOptions, ...] = table(
        text="A program that may connect and then log in any agent by that one's password.")

    def problems(self) -> list[str]:
        found = [f"application[{place}].password_hash: not an Argon2 hash; `ocs config password` makes one"
                 for place, one in enumerate(self.application, 1) if not is_hash(one.password_hash)]
        for each, names in (("application", self.application), ("disposition", self.disposition), ("script", self.script)):
            found += named_twice(each, [one.name for one in names])
        return found

    @property
    def prepared(self) -> Prepared:
        """For agents. Scripts are read here; one that cannot be read any more is empty."""
        dispositions = [(one.name, int(one.result)) for one in self.disposition] or list(_DISPOSITIONS)
        return Prepared(self.break_codes, dispositions, {one.name: (_script(one), one.form) for one in self.script})


def _script(one: ScriptOptions) -> str:
    if one.file is None:
        return ""
    try:
        return _text(one.file)
    except (OSError, ValueError) as error:
        DesktopSide.log.error("desktop_port.script: cannot use {file}: {reason}", file=str(one.file), reason=str(error))
        return ""


class _Tables(Protocol):
    @property
    def agent(self) -> tuple[AgentOptions, ...]: ...
    @property
    def desktop_port(self) -> DesktopPortOptions: ...


def desktop_problems(tables: _Tables) -> Iterator[str]:
    """Names that would be two agents', or an agent's and an application's."""
    taken = {one.name: "an application of desktop_port" for one in tables.desktop_port.application}
    for number, one in enumerate(tables.agent, 1):
        if not is_hash(one.password_hash):
            yield f"agent[{number}].password_hash: not an Argon2 hash; `ocs config password` makes one"
        for option_name in ("name", "employee_id"):
            name = getattr(one, option_name)
            if name and taken.get(name, f"agent {one.name}") != f"agent {one.name}":
                yield f"agent[{number}].{option_name}: {name} is {taken[name]} already"
            elif option_name == "name" and name in taken:
                yield f"agent[{number}].name: {name} is configured twice"
            taken.setdefault(name, f"agent {one.name}")


class DesktopSide:
    """Built from the configuration; does nothing where the port is not enabled."""

    log = Logger()

    def __init__(self, options: DesktopPortOptions, agents: Sequence[AgentOptions], reactor: Any) -> None:
        self._options, self._agents, self._reactor = options, agents, reactor
        self.port: DesktopPort | None = None
        self._factory: PortFactory | None = None
        self._listening: IListeningPort | None = None

    def __str__(self) -> str:
        """For people: how many desktops there are, or that there is no port."""
        if self.port is None:
            return "none: agents' desktops connect to the T-Server"
        seats = list(self.port.seats)
        lost = sum(seat.client is None for seat in seats)
        there = f"{len(self.port.server.granted())} connected, {len(seats)} agents at a DN"
        return f"{there}, {lost} of them lost" if lost else there

    def listen(self, engine: Engine, line: Any, desktops: AgentEntry) -> None:
        """`line` is the switch's IDeskLine; `desktops` the entry that tells agents what they did not ask for."""
        options = self._options
        if not options.enabled:
            return
        limits = PortLimits(options.clients, options.requests_per_s, options.burst, options.outstanding, options.grace_s)
        self.port = DesktopPort(engine, line, desktops, password_check(self._reactor), self._reactor, limits)
        self.use(options, self._agents)
        frames, texts = (MessageServerFactory(self.port.server, self._reactor, options),
                         MessageServerFactory(self.port.server, self._reactor, options, JSON_TEXT))
        self._factory = PortFactory(frames, texts, same_host(PATH, options.origins), self._reactor, options.frame_octets)

    def use(self, options: DesktopPortOptions, agents: Sequence[AgentOptions]) -> None:
        """Who may connect, and what is prepared for them, from now on."""
        if self.port is not None:
            self.port.use([Credential(one.name, one.password_hash, one.employee_id) for one in agents],
                          {one.name: one.password_hash for one in options.application}, options.prepared)

    # -- start and stop -------------------------------------------------------------------------------------------
    def take_port(self) -> None:
        """Take the port, or exit; who connects waits until `start`."""
        if self._factory is not None:
            port: Any = listen_or_exit(self._reactor, "desktop_port", self._options, self._factory)
            port.stopReading()
            self._listening = port

    def start(self) -> None:
        """Let desktops in."""
        if self._listening is not None:
            port: Any = self._listening
            port.startReading()

    async def stop(self) -> None:
        """Let desktops go. Their agents are the switch's affair now, which waits a while for this server to come back."""
        if self._listening is not None:
            await maybeDeferred(self._listening.stopListening)
            self._listening = None
        if self.port is not None and self._factory is not None:
            self.port.stop()
            for connection in list(self._factory.connections):
                connection.abort()

    def address(self) -> dict[str, dict[str, Any]]:
        """Where it listens, for the ready file; empty if it does not."""
        if self._listening is None:
            return {}
        host: Any = self._listening.getHost()
        return {"desktop": {"host": host.host, "port": host.port, "tls": self._options.tls.enabled}}
