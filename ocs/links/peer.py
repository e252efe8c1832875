"""One peer, seen from here: what this server asks of it, and what it tells of itself.

Transport-free: `granted` gives it a client to ask with; sockets are the affair of `ocs.links.service`. A link counts as open from
the moment the peer has answered who it is; a peer that has our own application dbid is never opened, and says so.
"""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.dialing.peering import GroupKey, PeerIdentity, PeerSession
from ocs.dialing.session import SessionState
from ocs.links.peer_values import identity, identity_attributes, session_from
from protocols.client import IClientListener
from protocols.errors import LinkLost, RequestRefused
from protocols.message import ErrorCode, Message

__all__ = ["PeerLink"]

_SESSIONS_LIMIT = 10_000


@implementer(IClientListener)
class PeerLink:
    """The peer that is configured as `name`. `changed(link)` is called when it was opened, refused or lost, and when it tells
    of a session."""

    log = Logger()

    def __init__(self, name: str, ours: PeerIdentity, changed: Callable[[PeerLink], None]) -> None:
        self.name, self._ours, self._changed = name, ours, changed
        self.who: PeerIdentity | None = None        # as it was last heard
        self.open = False
        self.conflict = ""                          # why the two must not work side by side; "" if they may
        self.trouble = "never reached yet"          # why it is not open
        self.tried = False                          # a try to open it has ended, well or not
        self.sessions: dict[GroupKey, PeerSession] = {}
        self._client: Any = None

    def request(self, name: str, attributes: Mapping[str, Any], timeout_s: float) -> Deferred[Message]:
        """Ask it; fails as `MessageClient.request`, at once with LinkLost while it is not open."""
        if not self.open:
            return fail(LinkLost(f"{name}: peer {self.name} is away ({self.trouble})"))
        asked: Deferred[Message] = self._client.request(name, attributes, timeout_s)
        return asked

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client = client
        opening = client.request("RequestOpenPeer", identity_attributes(self._ours))
        opening.addCallbacks(self._opened, self._not_opened, callbackArgs=(client,), errbackArgs=(client,))
        opening.addErrback(lambda failure: self.log.failure("opening peer {name}", failure, name=self.name))

    def refused(self, client: Any, error: RequestRefused) -> None:
        self._closed(f"it refuses the log-in: {error}")

    def event(self, client: Any, message: Message) -> None:
        if client is self._client and message.name == "EventCampaignStatus":
            session = session_from(message)
            if session.key in self.sessions or len(self.sessions) < _SESSIONS_LIMIT:
                self.sessions[session.key] = session
            if session.state is SessionState.NOT_LOADED:
                self.sessions.pop(session.key, None)
            self._changed(self)

    def lost(self, client: Any, reason: str) -> None:
        if client is self._client or self._client is None:
            self._closed(reason)

    # -- opening --------------------------------------------------------------------------------------------------
    def _opened(self, answer: Message, client: Any) -> None:
        if client is not self._client:
            return
        self.who, self.tried, self.conflict = identity(answer), True, ""
        if self.who.dbid == self._ours.dbid:        # a server that does not look at it itself
            self._clash(f"{self.who.name} has application.dbid {self.who.dbid}, too")
            return
        self.open, self.trouble = True, ""
        self.log.info("peer {name} is {peer} ({dbid}), version {version}", name=self.name, peer=self.who.name,
                      dbid=self.who.dbid, version=self.who.version)
        self._changed(self)

    def _not_opened(self, failure: Failure, client: Any) -> None:
        if client is not self._client:
            return
        refusal = failure.value
        if isinstance(refusal, RequestRefused) and refusal.code == ErrorCode.ALREADY_IN_STATE:
            self._clash(refusal.text)
            return
        if failure.check(LinkLost) is None:
            self.log.error("peer {name} does not say who it is: {reason}", name=self.name, reason=failure.getErrorMessage())
            client.abort()

    def _clash(self, reason: str) -> None:
        """Two servers of one number would recover each other's records."""
        self.conflict = self.trouble = reason
        self.tried = True
        self.log.error("peer {name} is not used, and nothing is loaded here: {reason}; give one of the two another"
                       " application.dbid", name=self.name, reason=reason)
        self._changed(self)

    def _closed(self, reason: str) -> None:
        self._client, self.open, self.tried, self.trouble = None, False, True, reason
        self.conflict = ""
        self.sessions.clear()
        self._changed(self)
