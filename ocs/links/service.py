"""A reconnecting link: log-in, keep-alive, back-off, a backup server. One service for every system OCS is a client of.

The life of a link is a machine (`ocs.links.life`): whatever goes wrong, a refused log-in and a backup server that waits
included, leads to a wait that grows, and then to the next address. A link counts as up from the granted log-in on, so a wrong
password does not hammer the peer. Requests that are open when the connection goes fail with LinkLost, once
(`protocols.client`).
"""
from __future__ import annotations

import random
from typing import Any, Callable, Mapping

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from zope.interface import implementer

from ocs.errors import ConfigurationError
from ocs.links.back_off import BackOff
from ocs.links.life import LinkLife, link_life
from ocs.links.options import LinkOptions
from ocs.links.registry import LinkRecord, Links, LinkState
from ocs.tls import client_side
from protocols.client import IClientListener, MessageClient
from protocols.conversation import ClientConversation
from protocols.encodings import FRAMED
from protocols.errors import LinkLost, RequestRefused
from protocols.keepalive import KeepAlive
from protocols.message import Message, ServerRole
from protocols.transport import why

__all__ = ["Link", "endpoints_of"]

_CLOSING_S = 2.0        # how long a peer may take to close with us; then it is cut off


@implementer(IClientListener)
class Link(Service):
    """A link named as its table of options. `listener` is an IClientListener: it hears of granted log-ins, events and losses,
    not of servers that are only a backup, unless `leaves_backups` is False. ConfigurationError for password and certificate
    files that cannot be used. `endpoints` makes one IStreamClientEndpoint for each of the options' addresses."""

    log = Logger()

    def __init__(self, name: str, options: LinkOptions, listener: Any, reactor: Any, links: Links, rng: random.Random,
                 endpoints: Callable[[str, LinkOptions, Any], list[IStreamClientEndpoint]] | None = None, *,
                 leaves_backups: bool = True) -> None:
        try:
            self._password = options.secret
        except ConfigurationError as error:
            raise ConfigurationError([f"{name}.{problem}" for problem in error.problems]) from None
        self.name, self._options, self._listener = name, options, listener
        self._clock: IReactorTime = reactor
        self._leaves_backups = leaves_backups
        self._endpoints = (endpoints or endpoints_of)(name, options, reactor)
        self._addresses = [f"{host}:{port}" for host, port in options.addresses]
        self._place = 0                         # of the address in use
        self._links = links
        self.back_off = BackOff(rng, options.reconnect_min_s, options.reconnect_max_s, len(self._addresses))
        self.record: LinkRecord = links.add(name, self._addresses[0], options.tls.enabled)
        self.client: MessageClient | None = None
        self._parting = ""                      # why we leave the server, where it is us who do
        self._stopping: list[Deferred[None]] = []
        self._life: LinkLife = link_life(self)

    # -- for those who use it -------------------------------------------------------------------------------------
    @property
    def up(self) -> bool:
        """True from a granted log-in until the link is lost."""
        return self.record.status.up

    def request(self, name: str, attributes: Mapping[str, Any], timeout_s: float | None = None) -> Deferred[Message]:
        """As `MessageClient.request`; fails with LinkLost at once while the link is not up."""
        if self.client is None or not self.up:
            status = self.record.status
            return fail(LinkLost(f"{name}: no link to {self.name} ({status.last_error or status.state.value})"))
        return self.client.request(name, attributes, timeout_s)

    def startService(self) -> None:
        super().startService()
        self._life.start()

    def stopService(self) -> Deferred[None]:
        """Fires when the connection is gone."""
        super().stopService()
        stopped: Deferred[None] = Deferred()
        self._stopping.append(stopped)
        self._life.stop()
        return stopped

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: MessageClient, answer: Message) -> None:
        if client is not self.client or self.up:
            return
        if self._leaves_backups and _is_backup(answer):
            self._life.leave("it is the backup server, which waits")
            return
        self._life.granted()
        if self.up:
            self._listener.granted(client, answer)

    def refused(self, client: MessageClient, error: RequestRefused) -> None:
        if client is self.client:
            self._life.refused(f"log-in refused: {error}")
            self._listener.refused(client, error)

    def event(self, client: MessageClient, message: Message) -> None:
        if client is not self.client or not self.up:
            return
        self._listener.event(client, message)
        if self._leaves_backups and message.name in ("EventPrimaryChanged", "EventLinkConnected") and _is_backup(message):
            self._life.leave("it has become the backup server")

    def lost(self, client: MessageClient, reason: str) -> None:
        if client is self.client:
            if self.record.status.state is LinkState.LOGGING_IN and "TLS" not in reason:
                doubt = ("does it speak TLS there, and take our certificate?" if self._options.tls.enabled
                         else "does it want TLS? Another encoding?")
                reason = f"{reason.rstrip('.')} before it answered the log-in ({doubt})"
            reason = self._parting or reason
            self._life.lost(reason)
            self._listener.lost(client, reason)

    # -- LinkActs -------------------------------------------------------------------------------------------------
    def connect(self) -> Deferred[Any]:
        """Try the address in use; `connected` or `not_connected` follows."""
        self.client, self._parting = None, ""
        attempts = self.record.status.attempts + 1
        self.record.became(LinkState.CONNECTING, peer=self._addresses[self._place], attempts=attempts)
        factory = Factory.forProtocol(self._build)
        factory.noisy = False       # the link tells of its tries itself
        attempt = self._endpoints[self._place].connect(factory)
        attempt.addCallbacks(lambda _: self._life.connected(), lambda failure: self._life.not_connected(why(failure)))
        return attempt

    def _build(self) -> MessageClient:
        conversation = ClientConversation(self._options.application, self._password,
                                          keep_alive=KeepAlive(self._options.keep_alive_s),
                                          codec=FRAMED[self._options.encoding])
        self.client = MessageClient(conversation, self, self._clock, self._options.request_timeout_s)
        self.client.trace = self._trace if self._links.trace is not None else None
        return self.client

    def _trace(self, sent: bool, message: Message) -> None:
        trace = self._links.trace
        if trace is not None:
            (trace.sent if sent else trace.received)(self.name or "", self.record.status.peer, message)

    def wait_for_answer(self) -> IDelayedCall:
        """The log-in is out."""
        self.record.became(LinkState.LOGGING_IN)
        seconds = self._options.request_timeout_s
        return self._clock.callLater(seconds, self._life.leave, f"no answer to the log-in within {seconds:g} s")

    def is_up(self) -> None:
        """The log-in was granted."""
        self.back_off.granted()
        self.record.became(LinkState.UP, attempts=0)
        self.log.info("link {link} to {peer} is up", link=self.name, peer=self.record.status.peer)

    def wait(self, reason: str) -> IDelayedCall:
        """The next address, after a while."""
        self.client = None
        left, self._place = self._addresses[self._place], (self._place + 1) % len(self._addresses)
        delay = self.back_off.next_delay()
        self.record.became(LinkState.WAITING, peer=self._addresses[self._place], error=reason)
        self.log.warn("link {link} to {peer} is down: {reason}; {next} is tried in {wait_s:.1f} s", link=self.name, peer=left,
                      reason=reason, next=self._addresses[self._place], wait_s=delay)
        return self._clock.callLater(delay, self._life.due)

    def remember(self, reason: str) -> None:
        """Why the server closes the connection, which it will."""
        self._parting = self._parting or reason

    def part(self, reason: str) -> None:
        """Leave the server; `lost` follows, with this reason."""
        self.remember(reason)
        if self.client is not None:
            self.client.abort()

    def close(self) -> IDelayedCall:
        """Leave it in order; after a while, without."""
        assert self.client is not None
        self.client.close()
        return self._clock.callLater(_CLOSING_S, self.client.abort)

    def rest(self) -> None:
        """Nothing is open any more."""
        self.client = None
        self.record.became(LinkState.STOPPED, attempts=0)
        stopped, self._stopping = self._stopping, []
        for waiting in stopped:
            waiting.callback(None)
        if self.running:        # somebody has started it again meanwhile
            self._life.start()


def endpoints_of(name: str, options: LinkOptions, reactor: Any) -> list[IStreamClientEndpoint]:
    """TCP, or TLS over it, to each address."""
    made = []
    for host, port in options.addresses:
        endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=options.connect_timeout_s)
        if options.tls.enabled:
            endpoint = wrapClientTLS(client_side(options.tls, host, f"{name}.tls"), endpoint)
        made.append(endpoint)
    return made


def _is_backup(message: Message) -> bool:
    return bool(message.get("ServerRole") == ServerRole.BACKUP)
