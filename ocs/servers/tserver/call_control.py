"""Call control at a DN: dial, answer, hold, retrieve, release, and the user data of a call."""
from __future__ import annotations

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.calls import Call, CallKind, Party, PartyState, PartyStep
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker
from protocols.attributes import KVList
from protocols.message import Refused
from protocols.tserver.messages import CallState, CallType, DNRole, ErrorCode

__all__ = ["CallControl"]


class CallControl:
    """What one party does with its call. Refused changes nothing."""

    def __init__(self, board: CallBoard, arrivals: Arrivals) -> None:
        self._board, self._arrivals = board, arrivals

    def make_call(self, origin: DN, destination: str, user_data: KVList, ring_timeout_s: float,
                  extensions: KVList = (), *, predictive: bool = False, held: Call | None = None,
                  asker: Asker | None = None) -> Call:
        """Dial `destination` from `origin`; `held` is the call on hold if this is its consult call.

        Refused: 166 too many calls, 71 no such destination, 54 no network."""
        self._board.check_room()
        target = self._board.check_destination(destination, origin)
        call_type = CallType.OUTBOUND if target is None else CallType.INTERNAL
        kind = CallKind.OUTBOUND
        if target is not None:
            kind = CallKind.ENGAGING if origin.kind is DNKind.TRUNK_GROUP else CallKind.INTERNAL
        conn_id, call_uuid, call_id = self._board.numbers.next()
        call = Call(conn_id, call_uuid, call_id, CallType.CONSULT if held else call_type, kind, destination,
                    self._board.clock.wall(), user_data, extensions, predictive,
                    previous_conn_id=held.conn_id if held else "")
        self._board.calls[conn_id] = call
        waits_here = origin.kind in (DNKind.ACD_QUEUE, DNKind.ROUTING_POINT)
        party = self._board.join(Party(call, origin.number, DNRole.ORIGINATION, PartyState.DIALING, origin,
                                       queue=origin.number if waits_here else ""))
        self._board.tell(party, "EventDialing", asker=asker)
        if target is None:
            self._board.place(call, destination, ring_timeout_s, origin.number)
            return call
        obstacle = self._arrivals.obstacle(target)
        if obstacle is None:
            self._arrivals.arrive(call, target, DNRole.DESTINATION)
            self._arrivals.match(target)
        else:
            self._board.come_to_nothing(party, obstacle)
        return call

    def answer(self, party: Party, asker: Asker | None = None) -> None:
        """Connect a party whose telephone rings; Refused (1712) if it does not."""
        if party.state is not PartyState.ALERTING:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call does not ring at {party.name}")
        self._board.establish(party, CallState.OK, asker)
        call, other = party.call, party.call.other(party)
        if other is not None and other.dn is not None and other.state is PartyState.DIALING:
            self._board.establish(other, CallState.OK)
        call.picked_up_at = call.picked_up_at or self._board.clock.wall()
        self._board.join_legs(call)

    def hold(self, party: Party, asker: Asker | None = None) -> None:
        """Put the call on hold at the party; Refused (1712) if it is not connected."""
        party.step(PartyStep.HOLD)
        self._board.tell(party, "EventHeld", CallState.HELD, asker)
        self._board.settle_hold(party.call)

    def retrieve(self, party: Party, asker: Asker | None = None) -> None:
        """Take the call off hold; Refused (1712) if it is not, (79) if the DN has another call that is not held."""
        assert party.dn is not None
        if party.state is PartyState.HELD and party.dn.kind is DNKind.EXTENSION and party.dn.engaged:
            raise Refused(ErrorCode.ORIGINATION_BUSY, f"ThisDN: {party.name} has another call that is not on hold")
        party.step(PartyStep.RETRIEVE)
        self._board.tell(party, "EventRetrieved", asker=asker)
        self._board.settle_hold(party.call)

    def alternate(self, current: Party, held: Party, asker: Asker | None = None) -> None:
        """Hold one call of a DN and take its other one off hold; Refused (1712) unless they stand so."""
        if current.state is not PartyState.CONNECTED or held.state is not PartyState.HELD:
            raise Refused(ErrorCode.WRONG_CALL_STATE, "ConnID, PreviousConnID: a connected call and one on hold are expected")
        self.hold(current, asker)
        self.retrieve(held)

    def reconnect(self, current: Party, held: Party, asker: Asker | None = None) -> None:
        """Release one call of a DN, as a consult call that leads to nothing, and take its other one off hold; Refused (1712)
        unless they stand so."""
        if current.state not in (PartyState.DIALING, PartyState.CONNECTED) or held.state is not PartyState.HELD:
            raise Refused(ErrorCode.WRONG_CALL_STATE,
                          "ConnID, PreviousConnID: a call that is dialed or connected and one on hold are expected")
        self.release(current, asker)
        self.retrieve(held)

    def release(self, party: Party, asker: Asker | None = None) -> None:
        """The party leaves its call, which ends unless it is a conference; an agent who declines a call from a queue sends it
        back there."""
        call = party.call
        if party.state is PartyState.ALERTING and party.queue:
            self._arrivals.ring_out(party, asker)
            return
        reached = call.answer_state is not None or call.agent_dn is not None
        shown = CallState.DROPPED if party.waiting and reached else CallState.OK
        self._board.leave(party, leaver_state=shown, asker=asker,
                          reason=CallState.DROPPED if reached else CallState.NO_ANSWER)

    def drop_all(self) -> None:
        """The server stops: every call ends and gets its line in the call log. Those in queues first, so that no agent
        who becomes free is given one of them."""
        for call in sorted(self._board.calls.values(), key=lambda call: not any(map(_queued, call.parties))):
            self._board.clear(call, others_state=CallState.DROPPED, reason=CallState.DROPPED)

    def change_user_data(self, party: Party, user_data: KVList, asker: Asker) -> None:
        """Replace the call's user data and tell both sides; Refused (53) where it exceeds the limits."""
        self._board.limits.check(user_data)
        party.call.user_data = user_data
        for one in [party, *(other for other in party.call.parties if other is not party)]:
            if one.dn is not None:
                self._board.tell(one, "EventAttachedDataChanged", asker=asker if one is party else None,
                                 ThirdPartyDN=party.name)


def _queued(party: Party) -> bool:
    return party.state is PartyState.QUEUED
