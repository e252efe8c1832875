"""A T-Server as a source of states: its DNs are registered after every log-in, then its events go into the picture.

Until the answers to all registrations are there the T-Server is out of sight, and what comes meanwhile waits, in order.
Transport-free: `granted` gives it a client to ask with.
"""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.servers.statserver.directory import SwitchEntry
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.states import DNState
from ocs.servers.statserver.tserver_events import (
    dn_event,
    internal_calls,
    party_dns,
    registered_state,
    stamp,
    well_typed,
    with_engaged,
)
from protocols.client import IClientListener
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message

__all__ = ["TServerSource"]

_PENDING_LIMIT = 100_000


@implementer(IClientListener)
class TServerSource:
    """One T-Server. `wall` is the clock of people, epoch seconds."""

    log = Logger()

    def __init__(self, switch: SwitchEntry, picture: Picture, wall: Callable[[], float]) -> None:
        self.switch, self._picture, self._wall = switch, picture, wall
        self._watched = frozenset(switch.dns)
        self._client: Any = None
        self._pending: list[Message] | None = None      # while the picture is built

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self.log.info("T-Server {link} is granted", link=self.switch.name)
        self._client, self._pending = client, []
        built = Deferred.fromCoroutine(self._build(client))
        built.addErrback(self._bug, client)

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("T-Server {link}: log-in refused: {reason}", link=self.switch.name, reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client, self._pending = None, None
        self.log.warn("T-Server {link} lost: {reason}", link=self.switch.name, reason=reason)
        self._picture.lost(self.switch.name, self._wall())

    def event(self, client: Any, message: Message) -> None:
        if client is not self._client or message.get("ThisDN") not in self._watched:
            return
        if self._pending is None:
            self._take(message)
        elif len(self._pending) < _PENDING_LIMIT:
            self._pending.append(message)
        else:
            self.log.error("T-Server {link}: {count} events wait for the registration; reconnecting", link=self.switch.name,
                           count=len(self._pending))
            client.abort()

    # -- the picture ----------------------------------------------------------------------------------------------
    async def _build(self, client: Any) -> None:
        dns = self.switch.dns
        asked = [client.request("RequestRegisterAddress", {"ThisDN": dn}) for dn in dns]
        answers = await DeferredList(asked, consumeErrors=True)
        states: dict[str, DNState] = {}
        for dn, (good, answer) in zip(dns, answers):
            if good:
                states[dn] = registered_state(well_typed(answer))
            elif answer.check(LinkLost) is None:
                self.log.error("T-Server {link}: DN {dn} cannot be registered: {reason}", link=self.switch.name, dn=dn,
                               reason=answer.getErrorMessage())
        await self._find_engaged(client, states)
        if client is not self._client:
            return
        self._picture.seen(self.switch.name, states, self._wall())
        pending, self._pending = self._pending or [], None
        for message in pending:
            self._take(message)

    async def _find_engaged(self, client: Any, states: dict[str, DNState]) -> None:
        """Calls inside the switch may be engaging ones; only the call itself tells."""
        if not self.switch.trunk_groups:
            return
        calls = [(dn, conn_id) for dn, state in states.items() for conn_id in internal_calls(state)]
        answers = await DeferredList([client.request("RequestQueryCall", {"ThisDN": dn, "ConnID": conn_id})
                                      for dn, conn_id in calls], consumeErrors=True)
        engaged = {conn_id for (_, conn_id), (good, answer) in zip(calls, answers)
                   if good and not self.switch.trunk_groups.isdisjoint(party_dns(answer))}
        for dn in {dn for dn, conn_id in calls if conn_id in engaged}:
            states[dn] = with_engaged(states[dn], engaged)

    def _take(self, message: Message) -> None:
        message = well_typed(message)
        event = dn_event(message, self.switch.trunk_groups)
        if event is not None:
            self._picture.event(self.switch.name, message.get("ThisDN", ""), event, stamp(message, self._wall()))

    def _bug(self, failure: Failure, client: Any) -> None:
        """Without a picture nothing can be told: a new connection gives a new try."""
        self.log.failure("registering at {link}", failure, link=self.switch.name)
        if client is self._client:
            client.abort()
