"""What the network reports of the calls that left for it or come from it, and where an answered predictive call goes."""
from __future__ import annotations

from typing import Any, Callable

from twisted.logger import Logger
from zope.interface import implementer

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.calls import Call, CallKind, Party, PartyState, PartyStep
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.driver import ISwitchDriverListener
from ocs.servers.tserver.events import step
from ocs.servers.tserver.ivr.treatments import Treatments
from ocs.servers.tserver.transfers import Transfers
from protocols.tserver.messages import CallState, CallType, DNRole

__all__ = ["DESTINATION_KEYS", "NetworkSide"]

# what was detected -> the pair of the request's Extensions that names the DN for it
DESTINATION_KEYS = {CallState.OK: "VoiceDest", CallState.ANSWERING_MACHINE_DETECTED: "AnsMachine",
                    CallState.FAX_DETECTED: "FaxDest"}
_TAKE_CALLS = (DNKind.EXTENSION, DNKind.ACD_QUEUE, DNKind.ROUTING_POINT)
_ANSWER_CLASSES = {CallState.ANSWERING_MACHINE_DETECTED: "AM", CallState.FAX_DETECTED: "FAX"}


@implementer(ISwitchDriverListener)
class NetworkSide:
    """The driver's listener. A report of a leg that is not there (any more) is ignored: it crossed our release."""

    log = Logger()

    def __init__(self, board: CallBoard, arrivals: Arrivals, transfers: Transfers, treatments: Treatments,
                 on_link: Callable[[bool], None]) -> None:
        self._board, self._arrivals, self._transfers, self._on_link = board, arrivals, transfers, on_link
        self._treatments = treatments
        self.events = board.events

    @step
    def link_up(self) -> None:
        self.log.info("the switch can be reached")
        self._on_link(True)

    @step
    def link_down(self, reason: str) -> None:
        self.log.warn("the switch is lost: {reason}", reason=reason)
        self._on_link(False)

    @step
    def arrived(self, leg: str, caller: str, destination: str) -> None:
        """A call that cannot be taken is released, and has its line in the call log if it was for a DN that takes calls."""
        dn = self._board.directory.get(destination)
        if dn is None or dn.kind not in _TAKE_CALLS or len(self._board.calls) >= self._board.options.calls:
            self.log.warn("call from the network to {dn} is not taken", dn=destination[:64])
            self._board.driver.release(leg)
            return
        conn_id, call_uuid, call_id = self._board.numbers.next()
        call = Call(conn_id, call_uuid, call_id, CallType.INBOUND, CallKind.INBOUND, destination, self._board.clock.wall(),
                    ani=caller, answer_state=CallState.OK)
        self._board.calls[conn_id] = call
        party = self._board.join(Party(call, caller, DNRole.ORIGINATION, PartyState.CONNECTED, leg=leg))
        obstacle = self._arrivals.obstacle(dn)
        if obstacle is not None:
            self._board.clear(call, reason=obstacle)
            return
        self._arrivals.arrive(party.call, dn, DNRole.DESTINATION)
        self._arrivals.match(dn)

    @step
    def network_reached(self, leg: str) -> None:
        party = self._board.legs.get(leg)
        if party is None:
            return
        for near in party.call.others(party):
            if near.dn is not None:
                self._board.tell(near, "EventNetworkReached", OtherDN=party.name, OtherDNRole=int(party.role))

    @step
    def ringing(self, leg: str) -> None:
        """Nothing on the wire tells of it: a caller hears it."""

    @step
    def picked_up(self, leg: str) -> None:
        party = self._board.legs.get(leg)
        if party is not None and party.call.picked_up_at is None:
            party.call.picked_up_at = self._board.clock.wall()
            self._board.changed.add(party.call.conn_id)

    @step
    def answered(self, leg: str, call_state: CallState) -> None:
        party = self._board.legs.get(leg)
        if party is None or party.state is not PartyState.DIALING:
            return
        call, near = party.call, party.call.other(party)
        party.step(PartyStep.ANSWER)
        self._board.changed.add(call.conn_id)
        call.picked_up_at = call.picked_up_at or self._board.clock.wall()
        if call.answer_state is None and not call.conference:
            call.answer_state = call_state
        if near is not None and near.dn is not None and near.state is PartyState.DIALING:
            if call.predictive:
                self._predictive_answer(call, near, call_state)
            else:
                self._dialed_answer(call, near, leg, call_state)
        if call.conn_id in self._board.calls:
            self._board.join_legs(call)

    @step
    def failed(self, leg: str, call_state: CallState) -> None:
        party = self._board.legs.get(leg)
        if party is None:
            return
        near = party.call.other(party)
        if party.call.conference:
            self._board.leave(party, others_state=call_state, reason=CallState.DROPPED)
        elif near is not None:
            self._board.come_to_nothing(near, call_state, party)

    @step
    def remote_released(self, leg: str) -> None:
        party = self._board.legs.get(leg)
        if party is None:
            return
        if party.state is PartyState.DIALING:
            self.failed(leg, CallState.GENERAL_ERROR)
            return
        self._board.leave(party, reason=CallState.ABANDONED)

    @step
    def media_done(self, leg: str) -> None:
        self._treatments.media_done(leg)

    @step
    def digits(self, leg: str, digits: str) -> None:
        self._treatments.digits(leg, digits)

    def _dialed_answer(self, call: Call, near: Party, leg: str, call_state: CallState) -> None:
        """A trunk group that dials for a CPD Server is told what is heard there."""
        audio = self._board.driver.audio(leg) if near.dn is not None and near.dn.kind is DNKind.TRUNK_GROUP else ()
        heard: dict[str, Any] = {"Extensions": (("line-audio", audio),)} if audio else {}
        self._board.establish(near, call_state, **heard)

    def _predictive_answer(self, call: Call, origin: Party, call_state: CallState) -> None:
        """Source: docs/wire.md, sections 9.2 to 9.4. A machine or fax without a DN to go to ends here."""
        assert origin.dn is not None
        target, answer_class = self._wanted(call, call_state), _ANSWER_CLASSES.get(call_state)
        goal = target or origin.dn
        stays_on_trunk = goal.kind is DNKind.TRUNK_GROUP
        obstacle = None if stays_on_trunk else self._arrivals.obstacle(goal)
        if answer_class is not None:
            self._board.attach(call, (("AnswerClass", answer_class),))
            if target is None or obstacle is not None:
                obstacle = call_state
        if obstacle is not None:
            self._board.clear(call, others_state=obstacle, reason=obstacle)
        elif origin.dn.kind is DNKind.TRUNK_GROUP:
            self._board.establish(origin, call_state)
            if not stays_on_trunk:
                self._transfers.move(origin, goal, goal.number)
        else:
            origin.step(PartyStep.ROUTE if origin.dn.queue is None else PartyStep.QUEUE)
            if goal is origin.dn:
                self._arrivals.wait(origin, call_state)
                self._arrivals.match(goal)
            else:
                self._board.tell(origin, "EventQueued", call_state)
                self._arrivals.divert(origin, goal)

    def _wanted(self, call: Call, call_state: CallState) -> DN | None:
        key = DESTINATION_KEYS.get(call_state)
        for name, value in call.extensions:
            if name == key and isinstance(value, str):
                return self._board.directory.get(value)
        return None
