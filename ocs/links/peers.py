"""All peers of this server: what is asked of them together.

A do-not-call request is acknowledged when it is in the database and every peer has it in memory. A peer that cannot be told, or
does not answer, is waited for until `acknowledge_wait_s` after the commit: by then it has read the entry in the database itself,
as it does several times a second. So the number is dialed by nobody once the request is acknowledged, whichever link is down.

Two servers may ask each other at the same time whether they may load the same campaign group. The one with the lower application
dbid goes first: it refuses, and the other one grants and gives up its own load.
"""
from __future__ import annotations

from typing import Any, Iterator, Sequence

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.peering import CancelTarget, GroupKey, PeerIdentity
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import LoadedElsewhere, WrongState
from ocs.interfaces import IBlockNotice, IPeers
from ocs.links.peer import PeerLink
from ocs.links.peer_values import cancel_attributes, entries_in_requests, key_attributes
from protocols.errors import LinkLost, ProtocolError, RequestRefused
from protocols.message import ErrorCode, Message

__all__ = ["BlockNotice", "Peers"]

_ASK_S = 2.0            # how long a peer may take to answer what somebody waits for


@implementer(IBlockNotice)
class BlockNotice:
    """`confirmed`: one Deferred a peer, which fires with whether it has the entries."""

    def __init__(self, clock: IReactorTime, wait_s: float, confirmed: Sequence[Deferred[bool]]) -> None:
        self._clock, self._wait_s, self._missing = clock, wait_s, len(confirmed)
        self._waiting: list[Deferred[None]] = []
        for one in confirmed:
            one.addCallback(self._answered)

    def everywhere(self) -> Deferred[None]:
        if not self._missing:
            return succeed(None)
        waited: Deferred[None] = Deferred()
        self._waiting.append(waited)
        overdue = self._clock.callLater(self._wait_s, self._over, waited)

        def done(_: None) -> None:
            if overdue.active():
                overdue.cancel()
        return waited.addCallback(done)

    def _answered(self, has_it: bool) -> None:
        self._missing -= has_it
        if not self._missing:
            for waited in list(self._waiting):
                self._over(waited)

    def _over(self, waited: Deferred[None]) -> None:
        self._waiting.remove(waited)
        waited.callback(None)


@implementer(IPeers)
class Peers:
    """The peers named in the configuration. `clock` is the reactor's: peers and the database are waited for in real time."""

    log = Logger()

    def __init__(self, ours: PeerIdentity, clock: IReactorTime, acknowledge_wait_s: float = 1.0) -> None:
        self.ours, self._clock, self._wait_s = ours, clock, acknowledge_wait_s
        self.links: list[PeerLink] = []
        self.requests: Any = None                       # IPeerRequests of this server: what it has loaded itself
        self._asking: dict[GroupKey, bool] = {}         # groups that we want to load; True once another one goes first
        self._told: set[tuple[str, GroupKey]] = set()   # groups that are loaded twice, and that was said

    def __iter__(self) -> Iterator[PeerLink]:
        return iter(self.links)

    def add(self, name: str) -> PeerLink:
        """A peer of the configuration; its link is to be given the result as listener."""
        link = PeerLink(name, self.ours, self._changed)
        self.links.append(link)
        return link

    def _open(self) -> list[PeerLink]:
        return [link for link in self.links if link.open]

    # -- IPeers ---------------------------------------------------------------------------------------------------
    @property
    def there(self) -> bool:
        return any(link.open for link in self.links)

    def block(self, entries: Sequence[DoNotCallEntry]) -> BlockNotice:
        return BlockNotice(self._clock, self._wait_s, [self._block_at(link, entries) for link in self.links])

    def _block_at(self, link: PeerLink, entries: Sequence[DoNotCallEntry]) -> Deferred[bool]:
        asked = [link.request("RequestDoNotCall", attributes, self._wait_s + _ASK_S)
                 for attributes in entries_in_requests(entries)]
        told: Deferred[Any] = DeferredList(asked, fireOnOneErrback=True, consumeErrors=True)

        def failed(failure: Any) -> bool:
            reason = failure.value.subFailure.getErrorMessage()
            self.log.warn("peer {name} was not told of a do-not-call request, it reads it in the database: {reason}",
                          name=link.name, reason=reason)
            return False
        return told.addCallbacks(lambda _: True, failed)

    async def _cancel(self, target: CancelTarget) -> int:
        total = 0
        for link in self._open():
            answer = await self._ask(link, "RequestCancelRecord", cancel_attributes(target))
            total += 0 if answer is None else int(answer.get("Count", 0))
        return total

    def cancel(self, target: CancelTarget) -> Deferred[int]:
        return Deferred.fromCoroutine(self._cancel(target))

    async def _find_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> str:
        for link in self._open():
            answer = await self._ask(link, "RequestOfferCallback", _callback(agent_id, calling_list, owner))
            if answer is not None and answer.get("Wanted") == 1:
                return link.name
        return ""

    def find_agent(self, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[str]:
        return Deferred.fromCoroutine(self._find_agent(agent_id, calling_list, owner))

    async def _take_callback(self, peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        for link in self._open():
            if link.name == peer:
                answer = await self._ask(link, "RequestTakeCallback", _callback(agent_id, calling_list, owner))
                return answer is not None and answer.get("Taken") == 1
        return False

    def take_callback(self, peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        return Deferred.fromCoroutine(self._take_callback(peer, agent_id, calling_list, owner))

    async def _ask(self, link: PeerLink, name: str, attributes: dict[str, Any]) -> Message | None:
        """The answer; None where there is none to be had, which is logged."""
        try:
            return await link.request(name, attributes, _ASK_S)
        except LinkLost:
            return None                     # a lost link is told once, by the link
        except ProtocolError as error:
            self.log.warn("peer {name}: {reason}", name=link.name, reason=str(error))
            return None

    # -- loading --------------------------------------------------------------------------------------------------
    def check_load(self, group: CampaignGroup) -> Deferred[None]:
        return Deferred.fromCoroutine(self._check_load(group))

    async def _check_load(self, group: CampaignGroup) -> None:
        for link in self.links:
            if link.conflict:
                raise WrongState(f"{group.name}: cannot load: peer {link.name} refuses this server: {link.conflict}")
        key = GroupKey(group.campaign_dbid, group.group.dbid)
        if group.shared:
            return
        self._asking[key] = False
        try:
            for link in self._open():
                try:
                    await link.request("RequestCheckCampaign", key_attributes(key), _ASK_S)
                except RequestRefused as error:
                    if error.code == ErrorCode.ALREADY_IN_STATE:
                        raise LoadedElsewhere(f"{group.name}: cannot load: {error.text} (peer {link.name}), and it is not"
                                              " configured as shared") from None
                    self.log.error("peer {name}: {reason}", name=link.name, reason=str(error))
                except ProtocolError as error:
                    self.log.warn("{session} is loaded without a word of peer {name}: {reason}", session=group.name,
                                  name=link.name, reason=str(error))
            if self._asking[key]:
                raise LoadedElsewhere(f"{group.name}: cannot load: a peer is just loading it, and it is not configured as shared")
        finally:
            del self._asking[key]

    def loaded_by_us(self, key: GroupKey, asker_dbid: int) -> bool:
        """What a peer of that dbid is told that wants to load the group: True if it must not, as far as we go."""
        if key in self._asking and asker_dbid < self.ours.dbid:
            self._asking[key] = True
            return False
        return self.requests is not None and bool(self.requests.loaded(key))

    def _changed(self, link: PeerLink) -> None:
        """Groups that are loaded at both ends, after the link was away, are not taken from anybody: it is said."""
        if self.requests is None:
            return
        twice = {(link.name, key) for key in link.sessions
                 if self.requests.loaded(key) and not self.requests.may_share(key) and key not in self._asking}
        for name, key in twice - self._told:
            self.log.error("campaign group {session} is loaded here and at peer {name}, but not configured as shared: unload one",
                           session=link.sessions[key].name, name=name)
        self._told = {pair for pair in self._told if pair[0] != link.name} | twice


def _callback(agent_id: str, calling_list: str, owner: GroupKey) -> dict[str, Any]:
    return {"AgentID": agent_id, "CallingList": calling_list, **key_attributes(owner)}
