"""Peers by command, and a little world of servers that are peers of each other."""
from __future__ import annotations

from typing import Any, Sequence

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.peering import CancelTarget, GroupKey, PeerIdentity, PeerSession
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import LoadedElsewhere
from ocs.interfaces import IBlockNotice, IPeerRequests, IPeers
from ocs.links.peer_server import PeerService
from ocs.links.peers import Peers
from ocs.passwords import hash_password, verify_password
from protocols.message_server import MessageServer
from tests.doubles.loopback import Loopback

__all__ = ["FakePeerRequests", "FakePeers", "PeerWorld"]

PASSWORD = "between servers"
_HASH = hash_password(PASSWORD, cheap=True)


@implementer(IBlockNotice)
class _Notice:
    def __init__(self, waiting: Deferred[None] | None) -> None:
        self._waiting = waiting

    def everywhere(self) -> Deferred[None]:
        return succeed(None) if self._waiting is None else self._waiting


@implementer(IPeers)
class FakePeers:
    """Says what a test has set: `agents` is agent id -> peer; `held` how many records a cancel request finds; `loads` the
    campaign groups that a peer has. `slow` notices wait for `confirm`."""

    def __init__(self) -> None:
        self.there, self.slow = True, False
        self.agents: dict[str, str] = {}
        self.loads: set[str] = set()
        self.held = 0
        self.blocked: list[DoNotCallEntry] = []
        self.cancelled: list[CancelTarget] = []
        self.taken: list[tuple[str, str, str, GroupKey]] = []
        self._waiting: list[Deferred[None]] = []

    def block(self, entries: Sequence[DoNotCallEntry]) -> _Notice:
        self.blocked += entries
        if not self.slow:
            return _Notice(None)
        self._waiting.append(Deferred())
        return _Notice(self._waiting[-1])

    def confirm(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def cancel(self, target: CancelTarget) -> Deferred[int]:
        self.cancelled.append(target)
        return succeed(self.held)

    def find_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[str]:
        return succeed(self.agents.get(agent_id, ""))

    def take_callback(self, peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        self.taken.append((peer, agent_id, calling_list, owner))
        return succeed(self.agents.get(agent_id, "") == peer)

    def check_load(self, group: CampaignGroup) -> Deferred[None]:
        if group.name in self.loads and not group.shared:
            return fail(LoadedElsewhere(f"{group.name}: loaded at a peer"))
        return succeed(None)


@implementer(IPeerRequests)
class FakePeerRequests:
    """A server as its peers see it."""

    def __init__(self) -> None:
        self.blocked: list[DoNotCallEntry] = []
        self.cancelled: list[CancelTarget] = []
        self.held = 0
        self.agents: set[str] = set()
        self.taken: list[str] = []
        self.told: dict[GroupKey, PeerSession] = {}
        self.shared: set[GroupKey] = set()

    def block(self, entries: Sequence[DoNotCallEntry]) -> None:
        self.blocked += entries

    def cancel(self, target: CancelTarget) -> Deferred[int]:
        self.cancelled.append(target)
        return succeed(self.held)

    def has_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        return agent_id in self.agents

    def take_callback(self, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        self.taken.append(agent_id)
        return succeed(agent_id in self.agents)

    def loaded(self, key: GroupKey) -> bool:
        return key in self.told and self.told[key].state > 0

    def may_share(self, key: GroupKey) -> bool:
        return key in self.shared

    def sessions(self) -> Sequence[PeerSession]:
        return list(self.told.values())


class PeerWorld:
    """Servers `1`, `2` ... of these names are dbids; each has a link to every other, which a test cuts and joins."""

    def __init__(self, clock: Any, dbids: Sequence[int] = (1, 2), requests: Sequence[Any] = ()) -> None:
        self.clock = clock
        self.requests = list(requests) or [FakePeerRequests() for _ in dbids]
        self.peers = [Peers(PeerIdentity(f"ocs-{place}", dbid, clock.wall()), clock) for place, dbid in enumerate(dbids)]
        self.services = []
        for one, asked in zip(self.peers, self.requests):
            one.requests = asked
            service = PeerService(one, asked, clock)
            service.start()
            self.services.append(service)
        self.servers = [MessageServer(service, {"ocs": _HASH}, lambda hash, text: succeed(verify_password(hash, text)))
                        for service in self.services]
        self._places = range(len(dbids))
        self._wires: dict[tuple[int, int], Loopback] = {}
        for one in self._places:
            for other in self._places:
                if one != other:
                    self.peers[one].add(f"ocs-{other}")

    def link(self, one: int, other: int) -> Any:
        """The link of `one` to `other`."""
        return next(link for link in self.peers[one] if link.name == f"ocs-{other}")

    def join(self, one: int, other: int) -> None:
        """A connection of `one` to `other`."""
        self.cut(one, other)
        self._wires[one, other] = Loopback(self.clock, self.servers[other], self.link(one, other), password=PASSWORD)

    def join_all(self) -> None:
        """Everybody to everybody."""
        for one in self._places:
            for other in self._places:
                if one != other:
                    self.join(one, other)
        self.settle()

    def cut(self, one: int, other: int) -> None:
        """The connection of `one` to `other` is lost, if there is one."""
        wire = self._wires.pop((one, other), None)
        if wire is not None:
            wire.cut()

    def settle(self) -> None:
        """Let everything arrive that is on its way."""
        for _ in range(24):
            self.clock.advance(0)
