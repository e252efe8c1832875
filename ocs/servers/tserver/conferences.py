"""Conferences: more than two parties in one call. Source: docs/wire.md, section 9.7."""
from __future__ import annotations

from typing import Iterable

from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.calls import Party, PartyState, PartyStep
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker
from ocs.servers.tserver.transfers import check_apart, take_over
from protocols.attributes import KVList, updated
from protocols.message import Refused
from protocols.tserver.messages import CallState, DNRole, ErrorCode

__all__ = ["Conferences"]


class Conferences:
    """Adds parties to calls and takes them out again. Refused changes nothing."""

    def __init__(self, board: CallBoard, arrivals: Arrivals) -> None:
        self._board, self._arrivals = board, arrivals

    def single_step(self, party: Party, destination: str, user_data: KVList, ring_timeout_s: float, asker: Asker) -> None:
        """Call a telephone into the party's call: an extension or a number. It is a party from now on, while it rings too.

        Refused: 1712 not connected, 71 not a telephone, 93 it cannot take the call now, 166 too many parties, 53 too much
        user data."""
        call, dn = party.call, party.dn
        assert dn is not None
        there = call.others(party)
        if party.state is not PartyState.CONNECTED or not any(one.talking for one in there):
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call is not connected at {party.name}")
        target = self._board.check_destination(destination, dn)
        if any(one.name == destination for one in there):
            raise Refused(ErrorCode.BAD_DESTINATION_STATE, f"OtherDN: the call is with {destination} already")
        if target is not None:
            if target.kind is not DNKind.EXTENSION:
                raise Refused(ErrorCode.BAD_CALLED_DN, f"OtherDN: {destination} is not a telephone")
            self._arrivals.check(target)
        self._board.check_conference(len(call.parties) + 1)
        changed = updated(call.user_data, user_data)
        self._board.limits.check(changed)
        call.user_data = changed
        self._board.end_treatments(call)
        if target is not None:
            self._arrivals.arrive(call, target, DNRole.CONFERENCE_MEMBER)
        else:
            self._board.place(call, destination, ring_timeout_s, party.name, DNRole.CONFERENCE_MEMBER)
        self._tell_added([party, *there], destination, dn, DNRole.ADDED_BY, asker)

    def complete(self, dn: DN, keep: Party, drop: Party, asker: Asker) -> None:
        """Join everybody of two calls of the DN, itself included, in the call of `keep`.

        Refused: 1712 unless both calls are connected and with different parties, 79 where the DN has yet another call that is
        not on hold, 166 too many parties."""
        survivor, absorbed = keep.call, drop.call
        stay, move = survivor.others(keep), absorbed.others(drop)
        for party, others in ((keep, stay), (drop, move)):
            if survivor is absorbed or not party.talking or not any(one.talking for one in others):
                raise Refused(ErrorCode.WRONG_CALL_STATE, "ConnID: the call is not connected")
        check_apart(stay, move)
        if dn.kind is DNKind.EXTENSION and any(one.state is not PartyState.HELD for one in dn.parties.values()
                                               if one is not keep and one is not drop):
            raise Refused(ErrorCode.ORIGINATION_BUSY, f"ThisDN: {dn.number} has another call that is not on hold")
        self._board.check_conference(len(stay) + 1 + len(move))
        self._board.attach(survivor, updated(absorbed.user_data, survivor.user_data))
        self._board.end_treatments(survivor)
        self._board.tell(drop, "EventReleased", CallState.CONFERENCED, asker, ThirdPartyDN=move[0].name,
                         ThirdPartyDNRole=int(DNRole.NEW_PARTY))
        self._board.part(drop)
        if keep.state is PartyState.HELD:
            keep.step(PartyStep.RETRIEVE)
            self._board.tell(keep, "EventRetrieved")
        take_over(survivor, absorbed, "", DNRole.CONFERENCE_MEMBER)
        self._board.finish(absorbed, CallState.CONFERENCED)
        for party in move:
            self._tell_added([keep, *stay], party.name, dn, DNRole.CONFERENCED_BY)
        for party in move:
            if party.dn is not None:
                self._board.tell(party, "EventPartyChanged", PreviousConnID=absorbed.conn_id, ThirdPartyDN=dn.number,
                                 ThirdPartyDNRole=int(DNRole.CONFERENCED_BY))
        self._board.join_legs(survivor)

    def delete(self, party: Party, name: str, asker: Asker) -> None:
        """Take another party, a DN or number, out of the conference; Refused: 1712 no conference, or not connected to it here, 53
        no such party."""
        if party.state is not PartyState.CONNECTED or not party.call.conference:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: no conference is connected at {party.name}")
        leaver = next((one for one in party.call.others(party) if one.name == name), None)
        if leaver is None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"OtherDN: {name[:64]} is not another party of the call")
        if leaver.leg:
            self._board.driver.release(leaver.leg)
        self._board.leave(leaver, leaver_state=None if leaver.waiting else CallState.DROPPED, reason=CallState.DROPPED,
                          asker=asker, deleted_by=party)

    def _tell_added(self, parties: Iterable[Party], name: str, by: DN, role: DNRole, asker: Asker | None = None) -> None:
        for party in parties:
            if party.dn is not None:
                self._board.tell(party, "EventPartyAdded", CallState.OK, asker if party.dn is by else None, OtherDN=name,
                                 OtherDNRole=int(DNRole.NEW_PARTY), ThirdPartyDN=by.number, ThirdPartyDNRole=int(role))
