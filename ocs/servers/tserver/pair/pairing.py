"""One server of a pair: what it is now, and when that changes.

Each keeps a link to the other, always. What a server is to be is decided by the one that is configured as primary, when the other
one asks it (`roles`), which it does whenever they see each other again or a role changes. While they do not see each other the
backup waits for the switch-over time, and serves. A server that has just started waits as long to be told. So two serve at a time
only while neither sees the other, and only until they do. Source: docs/wire.md, section 4.1.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.servers.tserver.pair.handover import Handover
from ocs.servers.tserver.pair.mirror import MirrorCopy
from ocs.servers.tserver.pair.options import PairOptions, PairRole
from ocs.servers.tserver.pair.roles import Claim, Role, outranks
from protocols.attributes import KVList, first
from protocols.client import IClientListener
from protocols.errors import RequestFailed, RequestRefused
from protocols.message import Message, ServerRole

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["Pairing"]


@implementer(IClientListener)
class Pairing:
    """The listener of the link to the other server. `clock` is the real one; `make_link(listener)` makes that link, a service
    with `startService` and `stopService`."""

    log = Logger()

    def __init__(self, server: TServer, options: PairOptions, clock: IReactorTime, make_link: Callable[[Any], Any]) -> None:
        self._server, self._options, self._clock = server, options, clock
        self.role, self.term = Role.WAITING, 0      # the term in which it began to serve
        self._highest_term = 0                      # of all that it has heard of
        self.copy = MirrorCopy(server.clock, server.board, server.floor, server.directory)
        self._handover = Handover(server)
        self._link = make_link(self)
        self._client: Any = None            # of the link while it is up
        self._other_serves = True           # by its last word; before that nobody knows
        self._unfit = ""                    # why the two are no pair
        self._patience: IDelayedCall | None = None
        self._ended: Deferred[None] | None = None
        self._copied_from: Any = None       # the client by which the copy is made, or kept
        self._stopping = False

    def start(self) -> None:
        """See who is there."""
        self._link.startService()
        self._wait(self._options.switch_over_s)

    async def stop(self) -> None:
        """Serve no more; the other one is told, so it need not wait. Fires when the link is closed and the driver has let go."""
        self._stopping = True
        self._stop_waiting()
        if self.role is Role.PRIMARY:
            self._become(Role.BACKUP)
            if self._ended is not None:
                await self._ended
        await maybeDeferred(self._link.stopService)
        self.copy.clear()

    # -- what others are told -------------------------------------------------------------------------------------
    @property
    def attributes(self) -> dict[str, Any]:
        """What EventLinkConnected and the like say of the pair."""
        role = ServerRole.PRIMARY if self.role is Role.PRIMARY else ServerRole.BACKUP
        return {"ServerRole": int(role), "Extensions": (("pair", self._options.role.value),)}

    def is_partner(self, application: str) -> bool:
        """True for the application as which the other server registers."""
        return application == self._options.partner.application

    @property
    def claim(self) -> Claim:
        """What this server has to show."""
        clients = any(session.granted and not self.is_partner(session.application) for session in self._server.sessions)
        return Claim(self.role is Role.PRIMARY, clients, self.copy.complete, self.term)

    def asked(self, pairs: KVList) -> dict[str, Any]:
        """The other server shows its claim, and is told what it is to be. Only the configured primary decides."""
        theirs = Claim.of(pairs)
        self._highest_term = max(self._highest_term, theirs.term)
        if self._options.role is not PairRole.PRIMARY:
            self._no_pair("both are configured as backup")
            return {"ServerRole": int(ServerRole.BACKUP), "Extensions": (("term", self._highest_term),)}
        mine = outranks(self.claim, theirs)
        self._become(Role.PRIMARY if mine else Role.BACKUP)
        self._copy_if_due()
        role = ServerRole.BACKUP if mine else ServerRole.PRIMARY
        return {"ServerRole": int(role), "Extensions": (("term", self._highest_term),)}

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client, self._unfit = client, ""
        if self.role is Role.BACKUP:
            self._stop_waiting()
        if first(answer.extensions, "pair") == self._options.role.value:
            self._no_pair(f"both are configured as {self._options.role.value}")
        self._hear_role(answer)

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the other server of the pair does not let this one in: {reason}", reason=str(error))

    def event(self, client: Any, message: Message) -> None:
        if message.name.startswith("EventMirrorCall") or message.name == "EventMirrorAgent":
            self._mirrored(client, message)
        elif message.name == "EventPrimaryChanged":
            self._hear_role(message)

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client = None
        if self.role is Role.BACKUP:
            wait_s = self._options.switch_over_s if self._other_serves else 0.0
            self.log.warn("the primary is lost: {reason}; this server serves in {wait_s:g} s", reason=reason, wait_s=wait_s)
            self._wait(wait_s)

    # -- roles ----------------------------------------------------------------------------------------------------
    def _hear_role(self, message: Message) -> None:
        self._other_serves = message.get("ServerRole") == ServerRole.PRIMARY
        if not self._other_serves:
            self._copied_from = None
        if self._options.role is not PairRole.PRIMARY:
            self._ask()
            return
        if self.role is Role.WAITING and self._other_serves:
            self._become(Role.BACKUP)
        self._copy_if_due()

    def _ask(self) -> None:
        """Show this server's claim to the one that decides."""
        client = self._client
        asked = client.request("RequestServerRole", {"Extensions": self.claim.pairs})
        asked.addCallback(self._told, client).addErrback(self._failed, client)

    def _told(self, answer: Message, client: Any) -> None:
        if client is not self._client:
            return
        term = first(answer.extensions, "term")
        self._highest_term = max(self._highest_term, term if isinstance(term, int) else 0)
        serve = answer.get("ServerRole") == ServerRole.PRIMARY
        self._become(Role.PRIMARY if serve else Role.BACKUP)
        self._copy_if_due()

    def _become(self, role: Role) -> None:
        """Be this from now on, and say so."""
        if role is self.role or role is Role.PRIMARY and self._unfit:
            return
        before, self.role = self.role, role
        self._stop_waiting()
        self.log.info("this server is the {role} now", role=role.name.lower())
        if role is Role.PRIMARY:
            self.term = self._highest_term = self._highest_term + 1
            self._handover.begin()
        elif before is Role.PRIMARY:
            self.copy.complete, self._copied_from = False, None
            self._ended = self._handover.end()
        if role is Role.PRIMARY or before is Role.PRIMARY:
            self._server.tell_everybody("EventPrimaryChanged", {"ServerRole": self.attributes["ServerRole"]})
        if role is Role.BACKUP and self._client is None:
            self._wait(self._options.switch_over_s)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        if not self._stopping:
            self._patience = self._clock.callLater(seconds, self._nobody_serves)

    def _stop_waiting(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = None

    def _nobody_serves(self) -> None:
        self._patience = None
        self.log.warn("no primary is in sight")
        self._become(Role.PRIMARY)

    def _no_pair(self, why: str) -> None:
        """Two that both think the same of themselves would both serve: better neither does until somebody looks."""
        self._unfit = why
        self.log.error("the two servers are no pair: {reason}; this one does not serve", reason=why)

    # -- the copy -------------------------------------------------------------------------------------------------
    def _copy_if_due(self) -> None:
        """Begin a copy, if this is the backup of a primary that can be asked."""
        client = self._client
        if client is not None and self.role is Role.BACKUP and self._other_serves and self._copied_from is not client:
            self._copied_from = client
            Deferred.fromCoroutine(self._read(client)).addErrback(self._failed, client)

    async def _read(self, client: Any) -> None:
        await client.request("RequestOpenMirror", {})
        if client is not self._client or self.role is not Role.BACKUP:
            return
        self.copy.clear()
        remaining = 1
        while remaining and client is self._client and self.role is Role.BACKUP:
            page = await client.request("RequestMirrorPage", {})
            remaining = page.get("Remaining", 0)
        self.copy.complete = client is self._client and self.role is Role.BACKUP
        self.log.info("this server has a copy of what the primary knows: {calls} calls", calls=len(self._server.board.calls))

    def _mirrored(self, client: Any, image: Message) -> None:
        if self.role is not Role.BACKUP:
            return
        try:
            self.copy.apply(image)
        except (KeyError, TypeError, ValueError) as error:
            self.log.error("{name} of the primary does not fit here: {reason}", name=image.name, reason=repr(error))

    def _failed(self, failure: Any, client: Any) -> None:
        """A refusal is heard where the other one does not serve (any more), of which it tells; whatever else, a new connection
        begins anew."""
        if failure.check(RequestRefused) is not None:
            self._copied_from = None
            self.log.debug("asking the other server: {reason}", reason=failure.getErrorMessage())
            return
        if failure.check(RequestFailed) is None:
            self.log.failure("asking the other server", failure)
        if client is self._client:
            client.abort()
