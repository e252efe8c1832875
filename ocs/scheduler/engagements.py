"""Agents who are engaged: put on the line ahead of customers, joined with those who answer, let go when there is nothing to do.

Engaging calls take agents who are ready, as many as there are records for; of those who are engaged the one who waits longest is
joined first. A call that is to be assured engages an agent of its own, before its customer is dialed.
Source: dialing modes, sections 3.4 and 3.5.
"""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.dialing.engagement import Engagement, EngagementState, engaged_step
from ocs.scheduler.context import Context, new_guid
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList
from protocols.errors import LinkLost, RequestTimedOut

__all__ = ["ENGAGING", "Engaged", "Engagements"]

ENGAGING = "ENGAGING"           # how the GUID of an engaging call begins: after a restart it is known by that


class Engaged:
    """One engaging call and what it is for. `held` is the chain that it is to be assured for; None = any customer."""

    def __init__(self, guid: str, engagement: Engagement, held: HeldChain | None) -> None:
        self.guid, self.engagement, self.held = guid, engagement, held
        self.timer: IDelayedCall | None = None                  # until the agent must be there
        self.decided: Deferred[bool] | None = None              # of an assured call: whether the agent is there

    def decide(self, there: bool) -> None:
        """Tell whoever waits for the agent."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None
        decided, self.decided = self.decided, None
        if decided is not None:
            decided.callback(there)


class Engagements:
    """The engaging calls of one session, oldest first."""

    log = Logger()

    def __init__(self, context: Context, session: Any) -> None:
        self._context, self._session = context, session
        self._all: dict[str, Engaged] = {}              # by GUID
        self._by_conn: dict[str, Engaged] = {}
        self._at: dict[str, Engaged] = {}               # DN of an agent who is put on the line, or waits there, for any customer

    def __len__(self) -> int:
        return len(self._all)

    @property
    def free(self) -> int:
        """Agents who wait for any customer."""
        return sum(one.held is None and one.engagement.state is EngagementState.ENGAGED for one in self._all.values())

    @property
    def coming(self) -> int:
        """Engaging calls by which an agent may still be engaged, for any customer."""
        return sum(one.held is None and one.engagement.coming for one in self._all.values())

    @property
    def guids(self) -> list[str]:
        """Of all its engaging calls."""
        return list(self._all)

    def has(self, conn_id: str) -> bool:
        """True for one of its engaging calls."""
        return conn_id in self._by_conn

    def waits_at(self, dn: str) -> bool:
        """True while the agent at `dn` waits on the line for any customer."""
        return dn in self._at and self._at[dn].engagement.state is EngagementState.ENGAGED

    def comes_at(self, dn: str) -> bool:
        """True while the agent at `dn` is being put on the line for any customer."""
        return dn in self._at and self._at[dn].engagement.coming

    def _note(self, one: Engaged, before_dn: str) -> None:
        """Keep the books true after a step of this engaging call, and tell who counts agents."""
        dn = one.engagement.agent_dn
        waits = one.held is None and (one.engagement.coming or one.engagement.state is EngagementState.ENGAGED)
        for each in {before_dn, dn} - {""}:
            if each == dn and waits:
                self._at[each] = one
            elif self._at.get(each) is one:
                del self._at[each]
            self._session.feed.agent_changed(each)

    # -- engaging -------------------------------------------------------------------------------------------------
    def balance(self, ready_agents: int, records: int) -> None:
        """Engage agents who are ready, while there are records for them; let those go for whom there are none."""
        session = self._session
        if not session.may_dial:
            return
        if not records and not session.under_way:
            if session.buffer.exhausted:
                self.release_free()
            return
        unplaced = sum(one.engagement.coming and not one.engagement.agent_dn for one in self._all.values())
        wanted = min(ready_agents - unplaced, records - self.free - self.coming + session.under_way)
        limit = session.group.asm_channel_num
        for _ in range(min(wanted, limit - len(self._all)) if limit else wanted):
            self._engage(None, self._marks())

    def assured(self, held: HeldChain) -> Deferred[bool]:
        """Engage an agent for this chain; fires with whether one is there. The agent stays until the customer's call is over, or
        is joined."""
        pairs = tuple(pair for pair in self._context.describe(held) if pair[0] != "GSW_RECORD_HANDLE")
        one = self._engage(held, pairs)
        decided = one.decided = Deferred()
        return decided

    def _marks(self) -> KVList:
        group = self._session.group
        return (("GSW_CAMPAIGN_NAME", group.campaign), ("GSW_CAMPAIGN_GROUP_NAME", group.name))

    def _engage(self, held: HeldChain | None, pairs: KVList) -> Engaged:
        group = self._session.group
        guid = ENGAGING + new_guid(self._context.rng)[len(ENGAGING):]
        one = self._all[guid] = Engaged(guid, Engagement(self._session.origin_dn), held)
        user_data = (*(pair for pair in pairs if pair[0] != "GSW_CALL_ATTEMPT_GUID"), ("GSW_CALL_ATTEMPT_GUID", guid))
        one.timer = self._context.clock.callLater(group.call_wait_agent_connected_timeout_s, self._too_late, one)
        asked = self._session.line.make_call(self._session.origin_dn, group.voice_transfer_destination, user_data)
        asked.addCallbacks(lambda conn_id: self._tie(one, conn_id), self._not_engaged, errbackArgs=(one,))
        asked.addErrback(lambda failure: self.log.failure("engaging an agent", failure))
        return one

    def _tie(self, one: Engaged, conn_id: str) -> None:
        if one.guid not in self._all:           # given up meanwhile
            self._release(one, conn_id)
        elif conn_id and conn_id not in self._by_conn:
            self._by_conn[conn_id] = one
            self._step(one, CallEvent(SwitchEvent.DIALING, conn_id, one.engagement.origin_dn))

    def _not_engaged(self, failure: Failure, one: Engaged) -> None:
        if failure.check(LinkLost, RequestTimedOut) is None:
            self._session.system_error(f"no agent can be engaged: {failure.getErrorMessage()}")
        self._over(one)

    def _too_late(self, one: Engaged) -> None:
        one.timer = None
        if one.engagement.coming:
            self._give_up(one)

    # -- what happens ---------------------------------------------------------------------------------------------
    def event(self, event: CallEvent) -> bool:
        """Step the engaging call that the event concerns; False if it concerns none of these."""
        one = self._by_conn.get(event.conn_id)
        if one is None and event.guid.startswith(ENGAGING) and event.guid in self._all:
            one = self._all[event.guid]
            if not one.engagement.conn_id:
                self._by_conn[event.conn_id] = one
        if one is None or one.engagement.conn_id not in ("", event.conn_id):
            return False
        self._step(one, event)
        return True

    def _step(self, one: Engaged, event: CallEvent) -> None:
        before, before_dn, one.engagement = one.engagement.state, one.engagement.agent_dn, engaged_step(one.engagement, event)
        if one.engagement.state is not before or one.engagement.agent_dn != before_dn:
            self._note(one, before_dn)
        if one.engagement.state is EngagementState.OVER:
            self._over(one)
        elif one.engagement.state is EngagementState.ENGAGED and before is not EngagementState.ENGAGED:
            one.decide(True)
            self._session.wake()

    def _over(self, one: Engaged) -> None:
        if self._all.pop(one.guid, None) is None:
            return
        self._by_conn.pop(one.engagement.conn_id, None)
        one.engagement = one.engagement.given_up()
        self._note(one, one.engagement.agent_dn)
        one.decide(False)
        self._session.wake()

    # -- joining --------------------------------------------------------------------------------------------------
    def join(self, held: HeldChain) -> Deferred[bool]:
        """Join the customer of `held` with the agent who waits longest, or with its own. Fires with True when the switch has
        done it, or when nobody knows (the reconnect tells); with False where nobody is free."""
        call = held.call
        assert call is not None
        one = next((one for one in self._all.values() if one.engagement.state is EngagementState.ENGAGED
                    and one.held is (held if held.assured else None)), None)
        if one is None:
            return succeed(False)
        one.engagement = one.engagement.joining()
        self._note(one, one.engagement.agent_dn)
        asked = self._session.line.merge_calls(call.origin_dn, call.conn_id, one.engagement.conn_id)

        def failed(failure: Failure) -> bool | Deferred[bool]:
            if failure.check(LinkLost, RequestTimedOut) is not None:
                return True
            self.log.warn("call {conn_id} cannot be joined with the agent at {dn}: {reason}", conn_id=call.conn_id,
                          dn=one.engagement.agent_dn, reason=failure.getErrorMessage())
            self._give_up(one)      # that agent does not serve; another may
            return self.join(held) if held.call is call else False

        return asked.addCallbacks(lambda _: True, failed)      # type: ignore[no-any-return]

    def no_longer_assured(self, held: HeldChain) -> None:
        """The customer's call came to nothing: its agent may go."""
        for one in list(self._all.values()):
            if one.held is held:
                self._give_up(one)

    # -- letting go -----------------------------------------------------------------------------------------------
    def release_free(self) -> None:
        """Let everybody go who is not being joined with a customer."""
        for one in list(self._all.values()):
            if one.engagement.state is not EngagementState.JOINING:
                self._give_up(one)

    def _give_up(self, one: Engaged) -> None:
        conn_id = one.engagement.conn_id
        self._over(one)
        if conn_id:
            self._release(one, conn_id)

    def _release(self, one: Engaged, conn_id: str) -> None:
        asked = self._session.line.release_call(one.engagement.origin_dn, conn_id)
        asked.addErrback(lambda failure: self.log.info("release of engaging call {conn_id}: {reason}", conn_id=conn_id,
                                                       reason=failure.getErrorMessage()))

    def compare(self, guids: Mapping[str, str]) -> None:
        """The link is back, `guids` (ConnID -> GUID) are the calls there: those of ours that are gone are over, those that were
        being joined are not joined."""
        conn_ids = {guid: conn_id for conn_id, guid in guids.items() if guid.startswith(ENGAGING)}
        for one in list(self._all.values()):
            conn_id = one.engagement.conn_id or conn_ids.get(one.guid, "")
            if conn_id not in guids:
                self._over(one)
            else:
                self._tie(one, conn_id)
                one.engagement = one.engagement.not_joined()
                self._note(one, one.engagement.agent_dn)
