"""The peers of this server: its port for them, its links to them, and how they stand."""
from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Callable, Iterator

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from ocs.dialing.peering import PeerIdentity
from ocs.links.options import LinkOptions
from ocs.links.peer import PeerLink
from ocs.links.peer_server import PeerService
from ocs.links.peers import Peers
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.options import REQUIRED, option, table
from ocs.passwords import is_hash
from ocs.runtime import ApplicationOptions, MessageListenOptions, listen_or_exit
from ocs.scheduler.alone import NoPeers
from ocs.servers.service import password_check
from protocols.message_server import MessageServer
from protocols.server import MessageServerFactory

__all__ = ["PeerOptions", "PeerServerOptions", "PeerSide", "peer_problems"]

_LOOK_S = 0.05          # how often it is looked whether the links are there, at the start


@dataclass(frozen=True)
class PeerOptions(MessageListenOptions):
    """Other outbound contact servers that work beside this one, on the same database: its port for them."""

    enabled: bool = option(False, text="Whether to listen for peers.")
    port: int = option(7070, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    clients: int = option(100, low=1, high=10_000, text="Connections at the same time.")
    acknowledge_wait_s: float = option(
        1.0, low=0.5, high=30, unit="seconds",
        text="How long a do-not-call request waits, after it is in the database, for a peer that has not confirmed it; by then"
             " the peer must have read it in the database itself.")
    start_wait_s: float = option(
        3.0, low=0, high=60, unit="seconds",
        text="How long the start waits for links to peers before a campaign group is loaded.")
    status_interval_s: float = option(
        5.0, low=0.5, high=600, unit="seconds",
        text="How often peers are told anew of agents, calls and records of campaign groups.")
    application: tuple[ApplicationOptions, ...] = table(text="A peer that may connect.")


@dataclass(frozen=True)
class PeerServerOptions(LinkOptions):
    """A peer, as this server reaches it. Each server names all the others."""

    name: str = option(REQUIRED, example="ocs-east", text="What it is called here, in the log and on the console.")
    port: int = option(7070, low=1, high=65_535, text="Port of the server.")


def peer_problems(peer: PeerOptions, servers: tuple[PeerServerOptions, ...]) -> Iterator[str]:
    """Rules that span the tables of peers."""
    seen: set[str] = set()
    for number, one in enumerate(servers, 1):
        if one.name in seen:
            yield f"peer_server[{number}].name: {one.name} is configured twice"
        seen.add(one.name)
    names: set[str] = set()
    for number, application in enumerate(peer.application, 1):
        if application.name in names:
            yield f"peer.application[{number}].name: {application.name} is configured twice"
        names.add(application.name)
        if not is_hash(application.password_hash):
            yield f"peer.application[{number}].password_hash: not an Argon2 hash; `ocs config password` makes one"
    if peer.enabled and not peer.application:
        yield "peer.application: name the peers that may connect, or nobody can"


class PeerSide:
    """Built from the configuration; `peers` is the engine's IPeers. Does nothing where no peer is configured. ConfigurationError
    for a password or certificate file that cannot be used."""

    log = Logger()

    def __init__(self, name: str, dbid: int, options: PeerOptions, servers: tuple[PeerServerOptions, ...], reactor: Any,
                 wall: float, links: Links, rng: random.Random) -> None:
        self._options, self._reactor = options, reactor
        self._known = Peers(PeerIdentity(name, dbid, wall, _version()), reactor, options.acknowledge_wait_s)
        self._links = [Link(f"peer {one.name}", one, self._known.add(one.name), reactor, links, rng) for one in servers]
        self.peers: Any = self._known if servers else NoPeers()
        self._service: PeerService | None = None
        self._factory: MessageServerFactory | None = None
        self._port: IListeningPort | None = None

    def listen(self, requests: Any, watch: Callable[[Callable[[Any, Any], None]], None]) -> None:
        """`requests` (IPeerRequests) carries out what peers ask;
        `watch` tells of every change of a session, as `Engine.watch`."""
        self._known.requests = requests
        if self._options.enabled:
            service = self._service = PeerService(self._known, requests, self._reactor, self._options.status_interval_s)
            watch(lambda session, event: service.changed())
            server = MessageServer(service, {one.name: one.password_hash for one in self._options.application},
                                   password_check(self._reactor), clients=self._options.clients)
            self._factory = MessageServerFactory(server, self._reactor, self._options)

    # -- start and stop -------------------------------------------------------------------------------------------
    def take_port(self) -> None:
        """Take the port, or exit; who connects waits until `start`."""
        if self._factory is not None:
            port: Any = listen_or_exit(self._reactor, "peer", self._options, self._factory)
            port.stopReading()
            self._port = port

    async def start(self) -> None:
        """Let peers in, go to them, and wait a while until each is there or known to be away. The do-not-call list is followed
        already; no campaign group is loaded yet."""
        if self._port is not None:
            port: Any = self._port
            port.startReading()
        if self._service is not None:
            self._service.start()
        for link in self._links:
            link.startService()
        deadline = self._reactor.seconds() + self._options.start_wait_s
        while not all(map(self._is_decided, self._known, self._links)) and self._reactor.seconds() < deadline:
            await self._pause()

    @staticmethod
    def _is_decided(peer: PeerLink, link: Link) -> bool:
        return peer.open or bool(peer.conflict) or bool(link.record.status.last_error)

    def _pause(self) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        self._reactor.callLater(_LOOK_S, waited.callback, None)
        return waited

    async def stop(self) -> None:
        """Leave the peers. Nothing is dialed any more."""
        if self._service is not None:
            self._service.stop()
        for link in self._links:
            if link.running:
                await link.stopService()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
            self._port = None
        for connection in list(self._factory.connections) if self._factory is not None else []:
            connection.abort()

    # -- how it stands --------------------------------------------------------------------------------------------
    def address(self) -> dict[str, dict[str, Any]]:
        """Where it listens, for the ready file; empty if it does not."""
        if self._port is None:
            return {}
        host: Any = self._port.getHost()
        return {"peer": {"host": host.host, "port": host.port, "tls": self._options.tls.enabled}}

    def rows(self) -> list[dict[str, Any]]:
        """Each peer: who it is, whether it is there, what it runs. Then those that are connected to us and not configured."""
        known = [self._row(peer, link) for peer, link in zip(self._known, self._links)]
        dbids = {peer.who.dbid for peer in self._known if peer.who is not None}
        connected = [] if self._service is None else self._service.connected
        return known + [{"peer": one.name, "state": "connected to us; no [[peer_server]] names it", "dbid": one.dbid,
                         "version": one.version, "role": _role(one), "started": _moment(one.started_at), "sessions": ""}
                        for one in connected if one.dbid not in dbids]

    def _row(self, peer: PeerLink, link: Link) -> dict[str, Any]:
        who, status = peer.who or PeerIdentity("", 0), link.record.status
        state = "up" if peer.open else peer.conflict or f"{status.state.value}: {status.last_error or peer.trouble}"
        sessions = ", ".join(f"{one.name} {one.state.name.lower().replace('_', ' ')}, {one.agents} agents, {one.calls} calls,"
                             f" {one.held} records" for _, one in sorted(peer.sessions.items()))
        return {"peer": peer.name, "state": state, "dbid": who.dbid or "", "version": who.version,
                "role": _role(who) if peer.who else "", "started": _moment(who.started_at) if peer.who else "",
                "sessions": sessions}


def _moment(at: float) -> str:
    """An instant for people, UTC."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")


def _role(one: PeerIdentity) -> str:
    return "backup" if one.role else "primary"


def _version() -> str:
    try:
        return version("outbound-contact-server")
    except PackageNotFoundError:        # run from a tree that was never installed
        return ""
