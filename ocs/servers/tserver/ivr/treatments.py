"""Treatments at work: a call at a trunk group or routing point whose called party hears something and may press digits.

One treatment a call at a time; another one takes its place. What plays is the driver's business; who asked is told with
EventTreatmentApplied, and everybody on the DN with EventTreatmentEnd when it is over. A call that ends, or goes elsewhere,
takes its treatment with it.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.call_control import CallControl
from ocs.servers.tserver.calls import Party, PartyState
from ocs.servers.tserver.directory import DNKind
from ocs.servers.tserver.events import Asker, step
from ocs.servers.tserver.ivr.applications import IvrApplicationOptions
from ocs.servers.tserver.ivr.kinds import treatment
from ocs.servers.tserver.ivr.steps import Change, Collect, HangUp, Play, Post, Step, Transfer, Treatment
from ocs.servers.tserver.transfers import Transfers
from protocols.attributes import KVList
from protocols.http_messages.templates import BodyTemplate, UriTemplate
from protocols.message import Refused
from protocols.tserver.messages import CallState, ErrorCode

__all__ = ["Poster", "Treatments"]

Poster = Callable[[str, bytes], Deferred[bool]]
"""POST a body to a URI; fires with whether it was answered with success, never fails."""


@dataclass(eq=False)
class _Running:
    """A treatment at work."""

    party: Party
    leg: str
    kind: int
    steps: Treatment


class Treatments:
    """All treatments at work, by the leg that hears them; at most `ports` at a time."""

    log = Logger()

    def __init__(self, board: CallBoard, arrivals: Arrivals, control: CallControl, transfers: Transfers,
                 applications: Mapping[str, IvrApplicationOptions], ports: int, post: Poster) -> None:
        self._board, self._arrivals, self._control, self._transfers = board, arrivals, control, transfers
        self._applications, self._ports, self._post = applications, ports, post
        self.events = board.events
        self._running: dict[str, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    def apply(self, party: Party, kind: int, parameters: KVList, asker: Asker) -> None:
        """Begin a treatment. Refused: 1712 the call is not connected here with a party in the network, 51 53 59 it is not
        one that can be carried out, 166 no port is free."""
        dn, other = party.dn, party.call.other(party)
        waits = PartyState.CONNECTED if dn is not None and dn.kind is DNKind.TRUNK_GROUP else PartyState.ROUTING
        if party.state is not waits or other is None or not other.leg or not other.talking or party.call.conference:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call is not connected at {party.name} with the network")
        steps = treatment(kind, parameters, self._applications)
        if other.leg not in self._running and len(self._running) >= self._ports:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"{len(self._running)} treatments at work, the limit")
        before = self._running.get(other.leg)
        if before is not None:
            self._end(before, "")
        party.stop_timer()      # of a routing point: it gives no instructions while it listens
        running = self._running[other.leg] = _Running(party, other.leg, kind, steps)
        self._board.tell(party, "EventTreatmentApplied", asker=asker, TreatmentType=kind)
        self._go_on(running, None)

    def left(self, leg: str) -> None:
        """The leg, or the DN at which it was treated, is no longer in the call."""
        running = self._running.pop(leg, None)
        if running is not None:
            running.steps.close()
            self._board.driver.silence(leg)

    def media_done(self, leg: str) -> None:
        """The driver has played what it was asked to."""
        running = self._running.get(leg)
        if running is not None:
            self._go_on(running, None)

    def digits(self, leg: str, digits: str) -> None:
        """The driver has heard digits, or none in time."""
        running = self._running.get(leg)
        if running is not None:
            self._go_on(running, digits)

    def _go_on(self, running: _Running, outcome: Any) -> None:
        """Do steps until one takes time."""
        while self._running.get(running.leg) is running:
            try:
                following: Step = running.steps.send(outcome)
            except StopIteration as end:
                self._end(running, end.value)
                return
            outcome = None
            if not self._do(running, following):
                return

    def _do(self, running: _Running, wanted: Step) -> bool:
        """Carry one step out; True if it is over already."""
        party, driver = running.party, self._board.driver
        if isinstance(wanted, Play):
            driver.play(running.leg, wanted.prompt, wanted.seconds)
        elif isinstance(wanted, Collect):
            driver.collect(running.leg, wanted.offered, wanted.maximum, wanted.timeout_s)
        elif isinstance(wanted, Change):
            self._board.attach(party.call, wanted.pairs)
            self._board.tell(party, "EventAttachedDataChanged", ThirdPartyDN=party.name)
            return True
        elif isinstance(wanted, Post):
            self._send(running, wanted)
        elif isinstance(wanted, Transfer):
            self._end(running, "")
            self._transfer(party, wanted.destination)
        elif isinstance(wanted, HangUp):
            self._end(running, "")
            self._control.release(party)
        return False

    def _transfer(self, party: Party, destination: str) -> None:
        try:
            if party.state is PartyState.ROUTING:
                self._arrivals.route(party, destination, 0)
            else:
                self._transfers.single_step(party, destination, ())
        except Refused as error:
            self.log.warn("call {conn_id} is released: its application cannot transfer it: {reason}",
                          conn_id=party.call.conn_id, reason=str(error))
            self._control.release(party)

    def _send(self, running: _Running, wanted: Post) -> None:
        values = {key: value for key, value in running.party.call.user_data if isinstance(value, (str, int))}
        values["digits"] = wanted.digits
        sent = self._post(UriTemplate(wanted.uri).fill(values), BodyTemplate(wanted.body).fill(values))

        @step
        def answered(self: Treatments, right: bool) -> None:
            self._go_on(running, right)

        sent.addCallback(lambda right: answered(self, right))
        sent.addErrback(lambda failure: self.log.failure("posting for an application", failure))

    def _end(self, running: _Running, digits: str) -> None:
        """The treatment is over; the call stays where it is."""
        party = running.party
        self.left(running.leg)
        self._board.tell(party, "EventTreatmentEnd", CallState.OK, TreatmentType=running.kind, CollectedDigits=digits)
        if party.state is PartyState.ROUTING:
            self._arrivals.ask_again(party)
