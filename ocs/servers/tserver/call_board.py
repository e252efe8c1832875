"""The calls in progress, and the moves that all others are made of: joining and leaving a call, ending it, telling.

Whoever changes a call (arrivals, call control, transfers, conferences, the network's side) does it through this board, so that
calls, legs and DNs always agree.
"""
from __future__ import annotations

from typing import Any, Callable

from ocs.clock import IClock
from ocs.servers.tserver.agents import AgentFloor
from ocs.servers.tserver.calls import Call, CallNumbers, FinishedCall, Party, PartyState, PartyStep
from ocs.servers.tserver.config import SwitchOptions
from ocs.servers.tserver.directory import DN, Directory, DNKind, is_network_number
from ocs.servers.tserver.driver import ISwitchDriver
from ocs.servers.tserver.events import Asker, EventStream
from ocs.servers.tserver.user_data import UserDataLimits
from protocols.attributes import KVList, updated
from protocols.message import Refused
from protocols.tserver.messages import CallState, DNRole, ErrorCode

__all__ = ["CallBoard"]


class CallBoard:
    """All calls in progress."""

    floor: AgentFloor       # set by the server: agents and calls know each other
    on_left: Callable[[str], None]      # set by the server: told of every leg whose call changes at its other end

    def __init__(self, clock: IClock, driver: ISwitchDriver, directory: Directory, events: EventStream,
                 options: SwitchOptions, numbers: CallNumbers, on_finished: Callable[[FinishedCall], None]) -> None:
        self.clock, self.driver, self.directory, self.events, self.options = clock, driver, directory, events, options
        self.limits = UserDataLimits(options.user_data_octets)
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Party] = {}
        self.changed: set[str] = set()      # ConnIDs of the calls that this step has changed, made or ended
        self.finished = 0
        self.numbers, self._on_finished = numbers, on_finished
        self._placed = 0

    # -- what is asked before a step ---------------------------------------------------------------------------------

    def check_destination(self, number: str, origin: DN, attribute: str = "OtherDN") -> DN | None:
        """The DN of this switch that `number` is, None for the network; Refused where no call can go to."""
        dn = self.directory.get(number)
        if dn is None:
            if not is_network_number(number):
                raise Refused(ErrorCode.BAD_CALLED_DN, f"{attribute}: {number[:64]!r} is neither a DN of this switch"
                                                       " nor an E.164 number with its +")
            if not self.driver.up:
                raise Refused(ErrorCode.NO_SWITCH, f"{attribute}: the network cannot be reached")
        elif dn is origin or dn.kind in (DNKind.COMMUNICATION, DNKind.TRUNK_GROUP):
            raise Refused(ErrorCode.BAD_CALLED_DN, f"{attribute}: {number} cannot be called from {origin.number}")
        return dn

    def check_room(self) -> None:
        """Refused (166) if one more call would exceed the bound."""
        if len(self.calls) >= self.options.calls:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE,
                          f"{len(self.calls)} calls in progress, limit {self.options.calls}")

    def check_conference(self, parties: int) -> None:
        """Refused (166) if a call cannot join so many."""
        if parties > self.options.conference_parties:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE,
                          f"{parties} parties in a conference, limit {self.options.conference_parties}")

    # -- parties -----------------------------------------------------------------------------------------------------

    def join(self, party: Party) -> Party:
        """A party comes into its call."""
        self.changed.add(party.call.conn_id)
        party.call.parties.append(party)
        if party.leg:
            self.legs[party.leg] = party
        if party.dn is not None:
            party.dn.parties[party.call.conn_id] = party
            if party.dn.kind is DNKind.EXTENSION:
                self.floor.occupied(party.dn)
        return party

    def part(self, party: Party) -> None:
        """A party leaves its call, its DN and its queue. Call `freed` for the DN when the step is complete."""
        self.changed.add(party.call.conn_id)
        party.stop_timer()
        self.end_treatments(party.call)
        if party.leg:
            self.on_left(party.leg)
        if party in party.call.parties:
            party.call.parties.remove(party)
        if party.leg:
            self.legs.pop(party.leg, None)
        if party.dn is not None:
            if party.dn.parties.get(party.call.conn_id) is party:
                del party.dn.parties[party.call.conn_id]
            if party.dn.queue is not None:
                party.dn.queue.forget(party)

    def end_treatments(self, call: Call) -> None:
        """The call is not any more what it was when the treatment of one of its legs began."""
        for party in call.parties:
            if party.leg:
                self.on_left(party.leg)

    def freed(self, dn: DN) -> None:
        """A call left the DN: its agent may have after-call work to do, or take the next call."""
        if dn.kind is DNKind.EXTENSION and not dn.busy:
            self.floor.freed(dn)

    def place(self, call: Call, destination: str, ring_timeout_s: float, origin: str,
              role: DNRole = DNRole.DESTINATION) -> Party:
        """Dial into the network: the call gets a leg."""
        self._placed += 1
        leg = f"{call.conn_id}-{self._placed}"
        party = self.join(Party(call, destination, role, PartyState.DIALING, leg=leg))
        self.driver.place(leg, destination, ring_timeout_s, origin, call.extensions)
        return party

    def establish(self, party: Party, call_state: CallState, asker: Asker | None = None, **extra: Any) -> None:
        """A party on this switch is connected."""
        party.step(PartyStep.ANSWER)
        if party.dn is not None:
            if party.dn.kind is DNKind.EXTENSION:
                party.dn.talked = True
                party.call.agent_dn = party.call.agent_dn or party.name
            self.tell(party, "EventEstablished", call_state, asker, **extra)

    def join_legs(self, call: Call) -> None:
        """Tell the driver of every leg that now talks with somebody; a trunk group only holds a call, it does not talk."""
        self.settle_hold(call)
        for party in call.parties:
            if party.leg and party.talking:
                for other in call.others(party):
                    if other.talking and (other.dn is None or other.dn.kind is DNKind.EXTENSION):
                        self.driver.connected(party.leg, other.name)
                        break

    def settle_hold(self, call: Call) -> None:
        """Tell the driver of every leg that is on hold now, or is no longer: nobody else in the call is left to talk with."""
        for party in call.parties:
            if not party.leg or not party.talking:
                continue
            states = [other.state for other in call.others(party)]
            on_hold = PartyState.HELD in states and PartyState.CONNECTED not in states
            if on_hold is not party.on_hold:
                self.changed.add(call.conn_id)
                party.on_hold = on_hold
                (self.driver.held if on_hold else self.driver.retrieved)(party.leg)

    def attach(self, call: Call, pairs: KVList) -> None:
        """Add the server's own pairs to the user data; left out where they would exceed the limits."""
        changed = updated(call.user_data, pairs)
        if self.limits.problem(changed) is None:
            call.user_data = changed
            self.changed.add(call.conn_id)

    # -- the end -----------------------------------------------------------------------------------------------------

    def leave(self, party: Party, *, reason: CallState, leaver_state: CallState | None = CallState.OK,
              others_state: CallState = CallState.REMOTE_RELEASE, asker: Asker | None = None,
              deleted_by: Party | None = None) -> None:
        """A party leaves. A conference goes on while two are left and one of them talks: EventPartyDeleted tells them, with
        `others_state`. Any other call ends, for `reason`. `leaver_state` None: who leaves was waiting, and is let go. `asker` is
        whoever asked for it at the leaver or, where a party is deleted by another, at that one."""
        call, stay = party.call, party.call.others(party)
        if len(stay) < 2 or not any(one.talking for one in stay):
            self.clear(call, leaver=None if leaver_state is None else party, leaver_state=leaver_state or CallState.OK,
                       others_state=others_state, reason=reason, asker=asker)
            return
        if party.dn is not None:
            if leaver_state is None:
                self.tell(party, "EventAbandoned")
            else:
                self.tell(party, "EventReleased", leaver_state, None if deleted_by else asker)
        self.part(party)
        third = {} if deleted_by is None else {"ThirdPartyDN": deleted_by.name, "ThirdPartyDNRole": int(DNRole.DELETED_BY)}
        told = CallState.OK if others_state is CallState.REMOTE_RELEASE else others_state
        for one in stay:
            if one.dn is not None:
                self.tell(one, "EventPartyDeleted", told, asker if one is deleted_by else None, OtherDN=party.name,
                          OtherDNRole=int(DNRole.DELETED_PARTY), **third)
        self.settle_hold(call)
        if party.dn is not None:
            self.freed(party.dn)

    def clear(self, call: Call, *, reason: CallState, leaver: Party | None = None,
              leaver_state: CallState = CallState.OK, others_state: CallState = CallState.REMOTE_RELEASE,
              asker: Asker | None = None) -> None:
        """End the call for `reason`. The leaver is told first; whose caller left while waiting, that it was abandoned."""
        parties = sorted(call.parties, key=lambda party: party is not leaver)
        abandoned = leaver is not None or reason is not CallState.DROPPED
        for party in parties:
            if party.leg:
                if party is not leaver:
                    self.driver.release(party.leg)
            elif party is leaver:
                self.tell(party, "EventReleased", leaver_state, asker)
            elif party.waiting and abandoned:
                self.tell(party, "EventAbandoned")
            else:
                self.tell(party, "EventReleased", others_state)
        for party in parties:
            self.part(party)
        self.finish(call, reason)
        for party in parties:
            if party.dn is not None:
                self.freed(party.dn)

    def come_to_nothing(self, near: Party, call_state: CallState, leg: Party | None = None) -> None:
        """What `near` dialed (into the network: `leg`) is not reached: busy is told first where a person listens."""
        call = near.call
        if call_state is CallState.BUSY and near.dn is not None and near.state is PartyState.DIALING \
                and not call.predictive:
            self.tell(near, "EventDestinationBusy", CallState.BUSY)
        self.clear(call, leaver=leg, others_state=call_state, reason=call_state)

    def finish(self, call: Call, reason: CallState) -> None:
        """The call is over: its line for the call log."""
        self.changed.add(call.conn_id)
        del self.calls[call.conn_id]
        self.finished += 1
        self._on_finished(FinishedCall(call.conn_id, call.kind, call.destination, call.dialed_at, call.picked_up_at,
                                       self.clock.wall(), call.final_state(reason), call.agent_dn))

    # -- copies --------------------------------------------------------------------------------------------------------

    def adopt(self, call: Call) -> None:
        """A call that another server had, and nobody here knows, is there; nobody is told, nothing begins."""
        self.calls[call.conn_id] = call
        for party in call.parties:
            if party.leg:
                self.legs[party.leg] = party
            if party.dn is not None:
                party.dn.parties[call.conn_id] = party

    def forget(self, call: Call) -> None:
        """The call is another server's affair: nobody is told, nothing is released."""
        self.calls.pop(call.conn_id, None)
        for party in call.parties:
            party.stop_timer()
            if self.legs.get(party.leg) is party:       # else it has come into another call meanwhile
                del self.legs[party.leg]
            if party.dn is not None:
                party.dn.parties.pop(call.conn_id, None)
                if party.dn.queue is not None:
                    party.dn.queue.forget(party)

    def resume(self) -> None:
        """This server goes on with the calls that it has adopted: no new leg is named as one of theirs."""
        numbers = [leg.rpartition("-")[2] for leg in self.legs]
        self._placed = max([self._placed, *(int(number) for number in numbers if number.isdecimal())])

    # -- events ------------------------------------------------------------------------------------------------------

    def tell(self, party: Party, name: str, call_state: CallState = CallState.OK, asker: Asker | None = None,
             **extra: Any) -> None:
        """Tell of a call at a party's DN, with everything that every call event carries."""
        call, dn, other = party.call, party.dn, party.call.other(party)
        assert dn is not None
        self.changed.add(call.conn_id)
        attributes: dict[str, Any] = {
            "ThisDN": party.name, "ThisDNRole": int(party.role),
            "OtherDN": call.destination if other is None else other.name,
            "OtherDNRole": int(DNRole.DESTINATION if other is None else other.role),
            "ConnID": call.conn_id, "CallUUID": call.call_uuid, "CallID": call.call_id,
            "CallType": int(call.call_type), "CallState": int(call_state), "UserData": call.user_data,
        }
        if call.ani:
            attributes.update(ANI=call.ani, DNIS=call.destination)
        if party.queue:
            attributes["ThisQueue"] = party.queue
        if call.previous_conn_id:
            attributes["PreviousConnID"] = call.previous_conn_id
        if dn.agent is not None:
            attributes["AgentID"] = dn.agent.agent_id
        attributes.update(extra)
        self.events.tell(dn, name, attributes, asker)
