"""Calls that come to a DN: a telephone rings, a queue or a routing point lets them wait and hands them on.

No call waits for ever: each waiting state has a limit, whose end sends the call on or releases it.
"""
from __future__ import annotations

from twisted.logger import Logger

from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.calls import Call, Party, PartyState
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker, step
from protocols.message import Refused
from protocols.tserver.messages import CallState, DNRole, ErrorCode

__all__ = ["Arrivals"]

_DEFAULT_ROUTE = 1      # RouteType of a call that went to the routing point's default destination


class Arrivals:
    """What happens to calls at telephones, queues and routing points."""

    log = Logger()

    def __init__(self, board: CallBoard) -> None:
        self._board, self._clock, self._options = board, board.clock, board.options
        self.events = board.events

    def obstacle(self, dn: DN) -> CallState | None:
        """Why no call can come to the DN now; None if one can."""
        if dn.kind is DNKind.EXTENSION:
            return CallState.BUSY if dn.busy else None
        if dn.queue is not None:
            return CallState.QUEUE_FULL if dn.queue.full else None
        return None if dn.kind is DNKind.ROUTING_POINT else CallState.GENERAL_ERROR

    def check(self, dn: DN) -> None:
        """Refused (93) if no call can come to the DN now."""
        obstacle = self.obstacle(dn)
        if obstacle is not None:
            raise Refused(ErrorCode.BAD_DESTINATION_STATE,
                          f"OtherDN: {dn.number} cannot take the call: {obstacle.name.lower().replace('_', ' ')}")

    def arrive(self, call: Call, dn: DN, role: DNRole, *, queue: str = "", transferred_by: str = "",
               at_head: bool = False) -> Party:
        """Put the call to a DN: its telephone rings, or it waits in the queue (call `match` then) or for routing. That
        nothing stands in the way (`obstacle`) has been asked before."""
        if dn.kind is not DNKind.EXTENSION:
            state = PartyState.ROUTING if dn.queue is None else PartyState.QUEUED
            party = self._board.join(Party(call, dn.number, role, state, dn, transferred_by=transferred_by))
            self.wait(party, CallState.OK, at_head)
            return party
        party = self._board.join(Party(call, dn.number, role, PartyState.ALERTING, dn, queue=queue,
                                       transferred_by=transferred_by))
        party.timer = self._clock.callLater(self._options.ring_no_answer_s, self._not_answered, party)
        self._board.tell(party, "EventRinging")
        if transferred_by:
            self._board.tell(party, "EventPartyChanged", PreviousConnID=call.conn_id, ThirdPartyDN=transferred_by,
                             ThirdPartyDNRole=int(DNRole.TRANSFERRED_BY))
        return party

    def wait(self, party: Party, call_state: CallState, at_head: bool = False) -> None:
        """A party in state QUEUED or ROUTING stands in line, or asks where to go."""
        assert party.dn is not None
        party.queue = party.name
        self._board.tell(party, "EventQueued", call_state)
        if party.dn.queue is not None:
            party.timer = self._clock.callLater(self._options.queue_limit_s, self._waited_too_long, party)
            party.dn.queue.wait(party, at_head)
        else:
            party.timer = self._clock.callLater(self._options.route_timeout_s, self._route_by_default, party)
            self._board.tell(party, "EventRouteRequest", call_state, DNIS=party.call.destination)

    def match(self, dn: DN) -> None:
        """Give the waiting calls of a queue to its idle agents, while there are both."""
        while dn.queue is not None and (pair := dn.queue.match()) is not None:
            party, agent = pair
            assert agent.dn is not None
            self.divert(party, agent.dn)

    def divert(self, party: Party, target: DN) -> None:
        """Hand a waiting call over from its queue or routing point to a DN."""
        call, role = party.call, party.role
        self._board.tell(party, "EventDiverted", ThirdPartyDN=target.number, ThirdPartyDNRole=int(role))
        self._board.part(party)
        self.arrive(call, target, role, queue=party.queue, transferred_by=party.transferred_by)
        self.match(target)

    def ring_out(self, party: Party, asker: Asker | None = None) -> None:
        """Nobody answers at an extension: a call from an ACD queue returns to its head and the agent becomes not ready; a
        conference goes on without it, any other call ends."""
        call, dn = party.call, party.dn
        queue = self._board.directory.get(party.queue) if party.queue else None
        assert dn is not None
        if queue is None or queue.queue is None:
            reached = call.answer_state is not None
            self._board.leave(party, leaver_state=CallState.OK if asker else None, asker=asker,
                              others_state=CallState.NO_ANSWER,
                              reason=CallState.DROPPED_NO_ANSWER if reached else CallState.NO_ANSWER)
            return
        self._board.tell(party, "EventReleased", CallState.REDIRECTED, asker, ThirdPartyDN=queue.number,
                         ThirdPartyDNRole=int(DNRole.DESTINATION))
        self._board.part(party)
        self._board.floor.did_not_answer(dn)
        self._board.freed(dn)
        self.arrive(call, queue, party.role, transferred_by=party.transferred_by, at_head=True)
        self.match(queue)

    def route(self, party: Party, destination: str, route_type: int, asker: Asker | None = None) -> None:
        """Send a call on from a routing point; Refused changes nothing."""
        assert party.dn is not None
        if party.state is not PartyState.ROUTING:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"ConnID: the call does not wait for routing at {party.name}")
        target = self._board.check_destination(destination, party.dn)
        if target is not None:
            self.check(target)
        self._board.tell(party, "EventRouteUsed", asker=asker, RouteType=route_type, ThirdPartyDN=destination)
        if target is not None:
            self.divert(party, target)
            return
        self._board.tell(party, "EventDiverted", ThirdPartyDN=destination, ThirdPartyDNRole=int(party.role))
        self._board.part(party)
        self._board.place(party.call, destination, self._options.ring_timeout_s, party.name)

    def ask_again(self, party: Party) -> None:
        """A call that was treated at a routing point waits for instructions again."""
        party.timer = self._clock.callLater(self._options.route_timeout_s, self._route_by_default, party)

    def resume(self, party: Party) -> bool:
        """The limit of a party that this server has taken over begins anew; False for one that does not wait."""
        limits = {PartyState.ALERTING: (self._options.ring_no_answer_s, self._not_answered),
                  PartyState.QUEUED: (self._options.queue_limit_s, self._waited_too_long),
                  PartyState.ROUTING: (self._options.route_timeout_s, self._route_by_default)}
        limit = limits.get(party.state)
        if limit is not None:
            party.timer = self._clock.callLater(*limit, party)
        return limit is not None

    @step
    def _not_answered(self, party: Party) -> None:
        party.timer = None
        self.ring_out(party)

    @step
    def _waited_too_long(self, party: Party) -> None:
        party.timer = None
        self._drop(party)

    @step
    def _route_by_default(self, party: Party) -> None:
        party.timer = None
        assert party.dn is not None
        if party.dn.default_destination:
            try:
                self.route(party, party.dn.default_destination, _DEFAULT_ROUTE)
                return
            except Refused as error:
                self.log.warn("{conn_id}: default destination of routing point {dn}: {reason}",
                              conn_id=party.call.conn_id, dn=party.name, reason=str(error))
        self._drop(party)

    def _drop(self, party: Party) -> None:
        self._board.leave(party, leaver_state=CallState.DROPPED, reason=CallState.DROPPED)
