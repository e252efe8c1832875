"""Transfers: in one step, with a consult call, and by merging two calls. Source: docs/wire.md, section 9.5."""
from __future__ import annotations

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.call_control import CallControl
from ocs.servers.tserver.calls import Call, Party, PartyState
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker
from protocols.attributes import KVList, updated
from protocols.message import Refused
from protocols.tserver.messages import CallState, CallType, DNRole, ErrorCode

__all__ = ["Transfers"]


class Transfers:
    """Moves calls between parties. Refused changes nothing."""

    def __init__(self, board: CallBoard, arrivals: Arrivals, control: CallControl) -> None:
        self._board, self._arrivals, self._control = board, arrivals, control

    def single_step(self, party: Party, destination: str, user_data: KVList, asker: Asker | None = None) -> None:
        """Move a connected call from the party to a DN or number at once.

        Refused: 1712 not connected, 71 no such destination, 93 it cannot take a call now, 53 too much user data."""
        assert party.dn is not None
        other = party.call.other(party)
        if party.state is not PartyState.CONNECTED or other is None or not other.talking:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call is not connected at {party.name}")
        target = self._board.check_destination(destination, party.dn)
        if target is not None:
            if target is other.dn:
                raise Refused(ErrorCode.BAD_DESTINATION_STATE, f"OtherDN: the call is with {destination} already")
            self._arrivals.check(target)
        if user_data:
            changed = updated(party.call.user_data, user_data)
            self._board.limits.check(changed)
            party.call.user_data = changed
        self.move(party, target, destination, asker)

    def move(self, party: Party, target: DN | None, destination: str, asker: Asker | None = None) -> None:
        """The transfer itself: the target first, then the party leaves, then an agent is looked for."""
        call, dn = party.call, party.dn
        assert dn is not None
        stays = call.other(party)
        call.parties.remove(party)      # so that the target's other party is the one that stays
        if target is not None:
            role = DNRole.ORIGINATION if call.call_type is CallType.OUTBOUND else DNRole.DESTINATION
            self._arrivals.arrive(call, target, role, transferred_by=party.name)
        self._board.tell(party, "EventReleased", CallState.TRANSFERRED, asker, ThirdPartyDN=destination,
                         ThirdPartyDNRole=int(DNRole.NEW_PARTY))
        self._board.part(party)
        if target is None:
            self._board.place(call, destination, self._board.options.ring_timeout_s, party.name)
        if stays is not None and stays.dn is not None:
            self._board.tell(stays, "EventPartyChanged", PreviousConnID=call.conn_id, ThirdPartyDN=party.name,
                             ThirdPartyDNRole=int(DNRole.TRANSFERRED_BY))
        self._board.freed(dn)
        if target is not None:
            self._arrivals.match(target)

    def initiate(self, party: Party, destination: str, user_data: KVList, ring_timeout_s: float,
                 asker: Asker) -> Call:
        """Hold the call and dial a consult call, which inherits the user data.

        Refused: 1712 not connected, 71 no such destination, 166 too many calls, 53 too much user data."""
        assert party.dn is not None
        if party.state is not PartyState.CONNECTED:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call is not connected at {party.name}")
        inherited = updated(party.call.user_data, user_data)
        self._board.limits.check(inherited)
        self._board.check_room()
        self._board.check_destination(destination, party.dn)
        self._control.hold(party)
        return self._control.make_call(party.dn, destination, inherited, ring_timeout_s, held=party.call, asker=asker)

    def merge(self, dn: DN, keep: Party, drop: Party, asker: Asker) -> None:
        """Join the far parties of two calls of the DN in the call of `keep`; the DN leaves both.

        Refused (1712) unless the party that stays is connected and both calls are with different parties."""
        survivor, absorbed = keep.call, drop.call
        stays, moves = survivor.other(keep), absorbed.other(drop)
        if survivor is absorbed or stays is None or moves is None or not stays.talking or not keep.talking:
            raise Refused(ErrorCode.WRONG_CALL_STATE, "ConnID: the call is not connected")
        if stays.dn is not None and stays.dn is moves.dn:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"TransferConnID: both calls are with {stays.name}")
        self._board.attach(survivor, updated(absorbed.user_data, survivor.user_data))
        for party, joined, answered in ((keep, moves, asker), (drop, stays, None)):
            self._board.tell(party, "EventReleased", CallState.TRANSFERRED, answered, ThirdPartyDN=joined.name,
                             ThirdPartyDNRole=int(DNRole.NEW_PARTY))
        self._board.part(keep)
        self._board.part(drop)
        self._take_over(survivor, absorbed, moves, dn.number)
        self._board.finish(absorbed, CallState.TRANSFERRED)
        for party, previous in ((moves, absorbed.conn_id), (stays, survivor.conn_id)):
            if party.dn is not None:
                self._board.tell(party, "EventPartyChanged", PreviousConnID=previous, ThirdPartyDN=dn.number,
                                 ThirdPartyDNRole=int(DNRole.TRANSFERRED_BY))
        self._board.join_legs(survivor)
        self._board.freed(dn)

    @staticmethod
    def _take_over(survivor: Call, absorbed: Call, moves: Party, transferred_by: str) -> None:
        """The party changes calls; a telephone that rings, or a place in a queue, goes with it."""
        absorbed.parties.clear()
        survivor.parties.append(moves)
        moves.call, moves.transferred_by = survivor, transferred_by
        if moves.dn is not None:
            del moves.dn.parties[absorbed.conn_id]
            moves.dn.parties[survivor.conn_id] = moves
        for party in survivor.parties:
            if party.talking and party.dn is not None and party.dn.kind is DNKind.EXTENSION:
                survivor.agent_dn = survivor.agent_dn or party.name
