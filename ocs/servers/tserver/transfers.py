"""Transfers: in one step, with a consult call, by merging two calls, and on from a telephone that rings.

A consult call is a call of its own, made while another one is on hold. Source: docs/wire.md, section 9.5.
"""
from __future__ import annotations

from typing import Iterable

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.call_control import CallControl
from ocs.servers.tserver.calls import Call, Party, PartyState
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker
from protocols.attributes import KVList, updated
from protocols.message import Refused
from protocols.tserver.messages import CallState, CallType, DNRole, ErrorCode

__all__ = ["Transfers", "check_apart", "take_over"]


class Transfers:
    """Moves calls between parties. Refused changes nothing."""

    def __init__(self, board: CallBoard, arrivals: Arrivals, control: CallControl) -> None:
        self._board, self._arrivals, self._control = board, arrivals, control

    def single_step(self, party: Party, destination: str, user_data: KVList, asker: Asker | None = None) -> None:
        """Move a connected call from the party to a DN or number at once.

        Refused: 1712 not connected, 71 no such destination, 93 it cannot take a call now, 53 too much user data."""
        self._check_connected(party)
        target = self._target(party, destination)
        if user_data:
            changed = updated(party.call.user_data, user_data)
            self._board.limits.check(changed)
            party.call.user_data = changed
        self.move(party, target, destination, asker)

    def move(self, party: Party, target: DN | None, destination: str, asker: Asker | None = None) -> None:
        """The transfer itself: the target first, then the party leaves, then an agent is looked for."""
        call, dn = party.call, party.dn
        assert dn is not None
        stay = call.others(party)
        call.parties.remove(party)      # so that the target's other party is one that stays
        role = DNRole.ORIGINATION if call.call_type is CallType.OUTBOUND else DNRole.DESTINATION
        if target is not None:
            self._arrivals.arrive(call, target, role, transferred_by=party.name)
        self._board.tell(party, "EventReleased", CallState.TRANSFERRED, asker, ThirdPartyDN=destination,
                         ThirdPartyDNRole=int(DNRole.NEW_PARTY))
        self._board.part(party)
        if target is None:
            role = self._board.place(call, destination, self._board.options.ring_timeout_s, party.name).role
        self._tell_changed(stay, call.conn_id, party.name, destination, role)
        self._board.settle_hold(call)
        self._board.freed(dn)
        if target is not None:
            self._arrivals.match(target)

    def redirect(self, party: Party, destination: str, asker: Asker) -> None:
        """Send a call that rings at the party on to a DN or number, unanswered.

        Refused: 1712 it does not ring there, 71 no such destination, 93 it cannot take a call now."""
        if party.state is not PartyState.ALERTING:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call does not ring at {party.name}")
        target = self._target(party, destination)
        call, dn = party.call, party.dn
        assert dn is not None
        stay = call.others(party)
        call.parties.remove(party)
        if target is not None:
            self._arrivals.arrive(call, target, party.role, queue=party.queue, transferred_by=party.transferred_by)
        self._board.tell(party, "EventReleased", CallState.REDIRECTED, asker, ThirdPartyDN=destination,
                         ThirdPartyDNRole=int(DNRole.DESTINATION))
        self._board.part(party)
        if target is None:
            self._board.place(call, destination, self._board.options.ring_timeout_s, party.name, party.role)
        if call.conference:
            self._tell_changed(stay, call.conn_id, party.name, destination, party.role)
        self._board.freed(dn)
        if target is not None:
            self._arrivals.match(target)

    def initiate(self, party: Party, destination: str, user_data: KVList, ring_timeout_s: float,
                 asker: Asker | None) -> Call:
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

    def mute(self, party: Party, destination: str, user_data: KVList, ring_timeout_s: float, asker: Asker) -> None:
        """A transfer with a consult call that is completed before anybody answers it.

        Refused as `initiate`, and 93 where the destination cannot take a call now."""
        assert party.dn is not None
        self._check_connected(party)
        self._target(party, destination)
        consult = self.initiate(party, destination, user_data, ring_timeout_s, None).party_at(party.dn)
        assert consult is not None      # nothing stood in the way of the destination
        self.merge(party.dn, party, consult, asker)

    def merge(self, dn: DN, keep: Party, drop: Party, asker: Asker) -> None:
        """Join the far parties of two calls of the DN in the call of `keep`; the DN leaves both.

        Refused (1712) unless a party that stays is connected and both calls are with different parties, (166) where they are
        too many for a conference."""
        survivor, absorbed = keep.call, drop.call
        stay, move = survivor.others(keep), absorbed.others(drop)
        if survivor is absorbed or not move or not keep.talking or not any(one.talking for one in stay):
            raise Refused(ErrorCode.WRONG_CALL_STATE, "ConnID: the call is not connected")
        check_apart(stay, move)
        self._board.check_conference(len(stay) + len(move))
        self._board.attach(survivor, updated(absorbed.user_data, survivor.user_data))
        for party, joined, answered in ((keep, move[0], asker), (drop, stay[0], None)):
            self._board.tell(party, "EventReleased", CallState.TRANSFERRED, answered, ThirdPartyDN=joined.name,
                             ThirdPartyDNRole=int(DNRole.NEW_PARTY))
        self._board.part(keep)
        self._board.part(drop)
        take_over(survivor, absorbed, dn.number)
        self._board.finish(absorbed, CallState.TRANSFERRED)
        self._tell_changed(move, absorbed.conn_id, dn.number, stay[0].name, stay[0].role)
        self._tell_changed(stay, survivor.conn_id, dn.number, move[0].name, move[0].role)
        self._board.join_legs(survivor)
        self._board.freed(dn)

    def _check_connected(self, party: Party) -> None:
        if party.state is not PartyState.CONNECTED or not any(one.talking for one in party.call.others(party)):
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call is not connected at {party.name}")

    def _target(self, party: Party, destination: str) -> DN | None:
        """Where the call of a party is to go: a DN, or None for the network; Refused 71, 93."""
        assert party.dn is not None
        target = self._board.check_destination(destination, party.dn)
        if target is not None:
            if party.call.party_at(target) is not None:
                raise Refused(ErrorCode.BAD_DESTINATION_STATE, f"OtherDN: the call is with {destination} already")
            self._arrivals.check(target)
        return target

    def _tell_changed(self, parties: Iterable[Party], previous: str, by: str, name: str, role: DNRole) -> None:
        for party in parties:
            if party.dn is not None:
                self._board.tell(party, "EventPartyChanged", PreviousConnID=previous, OtherDN=name, OtherDNRole=int(role),
                                 ThirdPartyDN=by, ThirdPartyDNRole=int(DNRole.TRANSFERRED_BY))


def check_apart(some: Iterable[Party], others: Iterable[Party]) -> None:
    """Refused (1712) where a DN is in both calls that are to be joined."""
    here = {party.dn for party in some if party.dn is not None}
    for party in others:
        if party.dn in here:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: both calls are with {party.name}")


def take_over(survivor: Call, absorbed: Call, transferred_by: str, role: DNRole | None = None) -> None:
    """The parties of one call change to another; a telephone that rings, or a place in a queue, goes with them."""
    for moves in absorbed.parties:
        survivor.parties.append(moves)
        moves.call, moves.transferred_by, moves.role = survivor, transferred_by, moves.role if role is None else role
        if moves.dn is not None:
            del moves.dn.parties[absorbed.conn_id]
            moves.dn.parties[survivor.conn_id] = moves
    absorbed.parties.clear()
    for party in survivor.parties:
        if party.talking and party.dn is not None and party.dn.kind is DNKind.EXTENSION:
            survivor.agent_dn = survivor.agent_dn or party.name
