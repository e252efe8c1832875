"""What this server is to its peers: a server of messages that carries out what they ask, and tells of its campaign groups.

A peer says first who it is (RequestOpenPeer); one with our own application dbid is refused by name, and nothing else is done for
it. Then it hears of every campaign group that is loaded, and of each change.
"""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.dialing.peering import GroupKey, PeerIdentity, PeerSession
from ocs.dialing.session import SessionState
from ocs.errors import OCSError
from ocs.links.peer_values import (
    cancel_target,
    entry_from_wire,
    group_key,
    identity,
    identity_attributes,
    session_attributes,
)
from ocs.links.peers import Peers
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, ServedClient
from protocols.peer.messages import VOCABULARY, checked_entries

__all__ = ["PeerService"]


@implementer(IMessageService)
class PeerService:
    """`requests` is the IPeerRequests of this server. `status_s`: how often what was counted is told anew."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, peers: Peers, requests: Any, clock: IReactorTime, status_s: float = 5.0) -> None:
        self._peers, self._requests, self._clock, self._status_s = peers, requests, clock, status_s
        self._clients: dict[ServedClient, PeerIdentity | None] = {}
        self._told: dict[GroupKey, PeerSession] = {}
        self._timer: IDelayedCall | None = None
        self._operations: dict[str, Callable[[ServedClient, Message], Any]] = {
            "RequestDoNotCall": self._do_not_call, "RequestCancelRecord": self._cancel,
            "RequestOfferCallback": self._offer, "RequestTakeCallback": self._take, "RequestCheckCampaign": self._check}

    @property
    def connected(self) -> list[PeerIdentity]:
        """The peers that are connected to us and have said who they are."""
        return [one for one in self._clients.values() if one is not None]

    def start(self) -> None:
        """Begin to tell."""
        self._timer = self._clock.callLater(self._status_s, self._again)

    def stop(self) -> None:
        """Tell nothing more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # -- IMessageService ------------------------------------------------------------------------------------------
    def granted(self, client: ServedClient) -> None:
        self._clients[client] = None

    def gone(self, client: ServedClient) -> None:
        self._clients.pop(client, None)

    def request(self, client: ServedClient, message: Message) -> Any:
        if message.name == "RequestOpenPeer":
            return self._open(client, message)
        if self._clients.get(client) is None:
            raise Refused(ErrorCode.NOT_REGISTERED, f"{message.name} before RequestOpenPeer")
        return self._operations[message.name](client, message)

    # -- requests -------------------------------------------------------------------------------------------------
    def _open(self, client: ServedClient, message: Message) -> None:
        peer, ours = identity(message), self._peers.ours
        if peer.dbid == ours.dbid:
            self.log.error("peer {peer} is refused: it has our own application.dbid {dbid}", peer=peer.name, dbid=peer.dbid)
            raise Refused(ErrorCode.ALREADY_IN_STATE, f"ApplicationDBID: {peer.dbid} is that of {ours.name}, which runs already"
                          f" ({peer.name} asks)")
        self._clients[client] = peer
        self.log.info("peer {peer} ({dbid}) is connected to us", peer=peer.name, dbid=peer.dbid)
        client.answer(message, "EventPeerOpened", identity_attributes(ours))
        for session in self._requests.sessions():
            if session.state is not SessionState.NOT_LOADED:
                client.send(Message("EventCampaignStatus", 0, session_attributes(session)))

    def _do_not_call(self, client: ServedClient, message: Message) -> Message:
        entries = [entry_from_wire(one) for one in checked_entries(message.get("Entries"))]
        self._requests.block(entries)
        return Message("EventDoNotCallProcessed", 0, {"Count": len(entries)})

    def _cancel(self, client: ServedClient, message: Message) -> Deferred[Message]:
        cancelled: Deferred[Any] = self._requests.cancel(cancel_target(message))
        return _answered(cancelled, lambda count: Message("EventRecordCanceled", 0, {"Count": count}))

    def _offer(self, client: ServedClient, message: Message) -> Message:
        wanted = self._requests.has_agent(message.get("AgentID"), message.get("CallingList"), group_key(message))
        return Message("EventCallbackOffered", 0, {"Wanted": int(wanted)})

    def _take(self, client: ServedClient, message: Message) -> Deferred[Message]:
        taken: Deferred[Any] = self._requests.take_callback(
            message.get("AgentID"), message.get("CallingList"), group_key(message))
        return _answered(taken, lambda took: Message("EventCallbackTaken", 0, {"Taken": int(took)}))

    def _check(self, client: ServedClient, message: Message) -> Message:
        asker = self._clients[client]
        assert asker is not None
        key = group_key(message)
        if self._peers.loaded_by_us(key, asker.dbid):
            raise Refused(ErrorCode.ALREADY_IN_STATE, f"CampaignID: {self._peers.ours.name} has it loaded")
        return Message("EventCampaignFree", 0, {"CampaignID": key.campaign_dbid, "GroupID": key.group_dbid})

    # -- news -----------------------------------------------------------------------------------------------------
    def changed(self) -> None:
        """Some session changed: tell what is new."""
        now = {one.key: one for one in self._requests.sessions()}
        for key, one in now.items():
            if self._told.get(key) != one:
                self._tell(one)
        for key in self._told.keys() - now.keys():          # no longer configured
            self._tell(PeerSession(key, self._told[key].name))
        self._told = now

    def _tell(self, session: PeerSession) -> None:
        for client, peer in list(self._clients.items()):
            if peer is not None:
                client.send(Message("EventCampaignStatus", 0, session_attributes(session)))

    def _again(self) -> None:
        self._timer = self._clock.callLater(self._status_s, self._again)
        self.changed()


def _answered(work: Deferred[Any], make: Callable[[Any], Message]) -> Deferred[Message]:
    """The answer once the work is done; what the engine refuses, or the database, is refused in words."""
    def failed(failure: Failure) -> None:
        failure.trap(OCSError)
        raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, failure.getErrorMessage())
    done: Deferred[Any] = work.addCallbacks(make, failed)
    return done
