"""Which call belongs to which held chain: events of the switch find their chain by ConnID, by attempt GUID, or, for a
call that an agent dials, by record handle. After a reconnect the book is compared with the switch's own.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterator, Mapping

from twisted.logger import Logger

from ocs.dialing.call import Call, CallEvent, CallState, Effect, SwitchEvent, step
from ocs.errors import UnexpectedEvent
from ocs.frozen import changed
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain

__all__ = ["CallBook"]

Stepped = Callable[[HeldChain, Call, Call, Effect], None]


class CallBook:
    """Calls that have not ended. `stepped(held, before, after, effect)` is told of every step, `agent_dials(held, index,
    event)` of a call that an agent places for the record at `index`; the latter returns the Call to follow, or None."""

    log = Logger()

    def __init__(self, context: Context, stepped: Stepped,
                 agent_dials: Callable[[HeldChain, int, CallEvent], Call | None]) -> None:
        self._context, self._stepped, self._agent_dials = context, stepped, agent_dials
        self._by_conn: dict[str, HeldChain] = {}
        self._by_guid: dict[str, HeldChain] = {}

    def __len__(self) -> int:
        return len(self._by_guid)

    def __iter__(self) -> Iterator[HeldChain]:
        return iter(list(self._by_guid.values()))

    def has(self, conn_id: str) -> bool:
        """True for a call that is followed here."""
        return conn_id in self._by_conn

    def follow(self, held: HeldChain) -> None:
        """A call for `held` (its attempt and call are set) is on its way."""
        assert held.attempt is not None and held.call is not None
        self._by_guid[held.attempt.guid] = held
        if held.call.conn_id:
            self._by_conn[held.call.conn_id] = held

    def tie(self, guid: str, conn_id: str) -> None:
        """The switch has named the call of this attempt."""
        held = self._by_guid.get(guid)
        if conn_id and held is not None and held.call is not None and not held.call.conn_id:
            held.call = changed(held.call, conn_id=conn_id)
            self._by_conn[conn_id] = held

    def drop(self, held: HeldChain) -> None:
        """The call of `held` is no longer followed."""
        held.drop_lease()
        if held.attempt is not None:
            self._by_guid.pop(held.attempt.guid, None)
        if held.call is not None:
            self._by_conn.pop(held.call.conn_id, None)

    def event(self, event: CallEvent) -> None:
        """Step the call that the event concerns; events of other calls are not ours."""
        if not event.conn_id:
            return
        held = self._by_conn.get(event.conn_id)
        if held is None and event.guid:
            # a call that has its ConnID already does not get another: user data are copied to consultation calls
            self.tie(event.guid, event.conn_id)
            held = self._by_conn.get(event.conn_id)
        if held is None and event.kind is SwitchEvent.DIALING and event.record_handle:
            held = self._dialed_by_agent(event)
        if held is not None and held.call is not None:
            self._step(held, event)

    def _dialed_by_agent(self, event: CallEvent) -> HeldChain | None:
        found = self._context.handles.find(event.record_handle)
        if found is None:
            return None
        held, index = found
        call = self._agent_dials(held, index, event)
        if call is None:
            return None
        held.call = replace(call, conn_id=event.conn_id)
        self.follow(held)
        return held

    def _step(self, held: HeldChain, event: CallEvent) -> None:
        before = held.call
        assert before is not None
        try:
            after, effect = step(before, event)
        except UnexpectedEvent as error:
            self.log.warn("{reason}", reason=str(error), conn_id=event.conn_id)
            return
        held.call = after
        if after.state is CallState.ENDED:
            self.drop(held)
        self._stepped(held, before, after, effect)

    def vanish(self, held: HeldChain, why: str) -> None:
        """Give the call up: its outcome cannot be known any more."""
        if held.call is None or held.call.state is CallState.ENDED:
            return
        self.log.warn("call {conn_id} of record {record_id} is given up: {reason}", conn_id=held.call.conn_id or "?",
                      record_id=held.record.record_id, reason=why)
        self._step(held, CallEvent(SwitchEvent.VANISHED, held.call.conn_id, held.call.origin_dn,
                                   at=self._context.clock.wall()))

    def compare(self, guids: Mapping[str, str], concerned: Callable[[Call], bool] = lambda call: True) -> None:
        """The link is back, `guids` (ConnID -> attempt GUID or "") are the calls there. Of the calls that are its concern, those
        that it no longer has ended unseen; one whose ConnID we never heard may be among those that it has, by its GUID."""
        conn_ids = {guid: conn_id for conn_id, guid in guids.items() if guid}
        for held in self:
            assert held.call is not None and held.attempt is not None
            if not concerned(held.call):
                continue
            conn_id = held.call.conn_id or conn_ids.get(held.attempt.guid, "")
            if conn_id in guids:
                self.tie(held.attempt.guid, conn_id)
            else:
                self.vanish(held, "the switch does not have it after the reconnect")
