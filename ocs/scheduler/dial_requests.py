"""Records that an Outbound Notification Manager dials: what a request says, when it is taken back, what is followed up.

A request lives as long as the record may be dialed, at most the configured time. One that was not dialed leaves its record as
it was; one of an earlier run is followed to its result, so a crash dials nobody twice.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from ocs.dialing.call import Call, CallOrigin, CallState
from ocs.dialing.chain import ChainEvent, ChainState
from ocs.dialing.checks import Refusal
from ocs.dialing.dial_hours import open_for_s
from ocs.dialing.results import CallResult
from ocs.dialing.treatments import policy_of
from ocs.dialing.values import Attempt, AttemptState
from ocs.scheduler.context import Context
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["DialRequests"]

_NOT_PICKED_UP = (CallState.REQUESTED, CallState.DIALING)
_FORBIDDEN = (Refusal.DO_NOT_CALL, Refusal.NO_CALL)
_SHORTEST_S = 1.0


class DialRequests:
    """The requests of one session; nothing is done for groups that do not use the manager."""

    log = Logger()

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session

    def extensions(self, held: HeldChain) -> KVList:
        """What the manager is told beside number and data of the record."""
        group = self._session.group
        if not group.obn:
            return ()
        open_s = open_for_s(held.record, self._context.clock.wall(), held.calling_list.windows, group.dialer_ttl_s)
        return (("ivr-profile", group.ivr_profile), ("dialer-num-attempts", group.dialer_num_attempts),
                ("dialer-ttl", int(max(_SHORTEST_S, open_s))))

    def left_s(self, held: HeldChain) -> float:
        """How long the request of this chain's attempt may still live."""
        assert held.attempt is not None
        return max(0.0, held.attempt.opened_at + self._session.group.dialer_ttl_s - self._context.clock.wall())

    def resume(self, held: HeldChain, attempt: Attempt) -> None:
        """An earlier run left this attempt open: the manager knows what became of it, or nobody does."""
        records = held.chain.records
        held.index = next((place for place, one in enumerate(records) if one.record_id == attempt.record_id), held.index)
        held.progress = policy_of(held.calling_list).resume(records, held.index)
        held.change_record(attempt=attempt.number - 1)      # counted with the first news, as ever
        held.move(ChainEvent.TAKEN)
        held.attempt = attempt
        held.move(ChainEvent.OPENED)
        held.call = Call(CallOrigin.TRUNK_GROUP, self._session.origin_dn, self._session.rules.flow, conn_id=attempt.guid)
        self._session.calls.follow(held)
        self._session.held.recount(held)
        self._session.dialer.lease(held)
        self.log.info("attempt {attempt} of record {record_id} is asked for", attempt=attempt.guid,
                      record_id=attempt.record_id)
        self._context.obn.resume(attempt.guid, attempt.opened_at + self._session.group.dialer_ttl_s)

    def tick(self) -> None:
        """Take back requests for people who must not be called any more."""
        if not self._session.group.obn:
            return
        for held in self._session.calls:
            call = held.call
            if call is not None and call.state in _NOT_PICKED_UP and self._session.dialer.refused(held) in _FORBIDDEN:
                self._session.dialer.release(held)

    def withdraw(self) -> None:
        """The session ends: what is not under way is not dialed any more."""
        if self._session.group.obn:
            for held in self._session.calls:
                if held.call is not None and held.call.state in _NOT_PICKED_UP:
                    self._context.obn.withdraw(held.call.conn_id)

    def not_dialed(self, token: str, refused: bool = False) -> None:
        """The request has ended without a call: the record is as it was, and next again, or goes back to its list. `refused`: the
        switch does not dial such a number, its result is Dial Error."""
        held = next((one for one in self._session.calls if one.attempt is not None and one.attempt.guid == token), None)
        if held is None or held.call is None or held.call.state is not CallState.REQUESTED:
            return
        if held.state is ChainState.TRAILING:       # it was settled meanwhile
            self._session.calls.vanish(held, "it was not dialed")
            return
        self._session.calls.drop(held)
        held.call = None
        if refused:
            self._session.held.settle_result(held, CallResult.DIAL_ERROR)
            return
        self._session.held.close_attempt(held, AttemptState.NOT_DIALED)
        self._session.held.requeue(held)
