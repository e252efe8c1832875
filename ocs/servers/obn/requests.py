"""Dial requests at work, without sockets: taken, dialed, dialed again, told of, forgotten.

A call is in the journal before it is dialed. So after a crash a request of which a call may be under way is not dialed again:
its result is that nobody knows. A result is posted until it is heard, and remembered for those who ask.
"""
from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Any, Callable

import msgspec
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.errors import OCSError
from ocs.servers.obn.config import ObnOptions
from protocols.errors import ProtocolError, RemoteProtocolError, RequestRefused
from protocols.message import ErrorCode
from protocols.obn.messages import (
    Answer,
    CreateRequest,
    PlacedCall,
    RequestResult,
    RequestStatus,
    ResponseType,
    decode,
    encode,
)
from protocols.tserver.messages import CallState

__all__ = ["DialRequests", "Post"]

Post = Callable[[str, bytes], Deferred[bool]]
"""POST a body to a URI; fires with whether it was answered with success, never fails."""

# what another call may change; machines, wrong numbers and people are not called again
_AGAIN = frozenset({CallState.OK, CallState.GENERAL_ERROR, CallState.SYSTEM_ERROR, CallState.BUSY, CallState.NO_ANSWER,
                    CallState.ALL_TRUNKS_BUSY, CallState.SIT_NO_CIRCUIT, CallState.SIT_REORDER, CallState.QUEUE_FULL})
_ANSWER, _DIAL_ERROR, _TRANSFER_ERROR = 33, 41, 45
_PEOPLE = frozenset({CallState.OK, CallState.UNKNOWN, _ANSWER})     # unknown: the analysis ran out of time
_NUMBER_REFUSED = frozenset({53, 61, 71, 72, 91, 168, 169, 177})
_R = RequestResult


@dataclass(eq=False)
class _Request:
    """One request. `expires_at` is epoch seconds; `told`: its result has been heard; `before`: where it stood before the switch
    was asked for a call that it has not confirmed."""

    document: CreateRequest
    number: int
    expires_at: float
    status: RequestStatus
    told: bool = False
    answered: bool = False
    led: bool = False
    cancelled: bool = False
    failure: int | None = None      # call state of a call that we ended ourselves
    timer: IDelayedCall | None = None
    tries: int = 0
    refusals: int = 0               # dials that the switch refused
    before: RequestStatus | None = None

    @property
    def token(self) -> str:
        return self.document.token

    @property
    def shown(self) -> RequestStatus:
        """What is told of it: a call that the switch may still refuse is none."""
        return self.status if self.before is None else self.before


class DialRequests:
    """All requests that are remembered. `clock` is what people and retries wait for, `lines` and `journal` as in this package,
    `post` tells results."""

    log = Logger()

    def __init__(self, options: ObnOptions, lines: Any, journal: Any, post: Post, clock: IClock, rng: random.Random) -> None:
        self._options, self._lines, self._journal, self._post, self._clock, self._rng = (
            options, lines, journal, post, clock, rng)
        self._requests: dict[str, _Request] = {}
        self._unfinished: set[str] = set()
        self._calling: set[str] = set()
        self._waiting: deque[_Request] = deque()
        self._posts = DeferredSemaphore(options.notification.connections)
        self._numbers = count(1)
        self._stopped = False
        self._prefix = f"{int(clock.wall()):x}"     # request ids of this run

    @property
    def unfinished(self) -> int:
        """Requests that have no result yet."""
        return len(self._unfinished)

    @property
    def calls(self) -> int:
        """Ports in use."""
        return len(self._calling)

    async def start(self) -> None:
        """Go on with what the last run left; StoreUnavailable if its journal cannot be read."""
        for token, number, expires_at, document, status, told in await self._journal.start():
            one = _Request(decode(document, CreateRequest), number, expires_at, decode(status, RequestStatus), bool(told))
            self._requests[token] = one
            self._numbers = count(number + 1)
            if one.status.result in (_R.DIALING, _R.CONNECTED):
                self._end(one, _R.FAILED, CallState.UNKNOWN)        # its call was not seen to its end
            elif one.status.result.final:
                self._remember(one)
                if not one.told:
                    self._tell_result(one)
            else:
                ended_at = one.status.ended_at or 0.0       # of the last call
                self._queue(one, max(0.0, ended_at + self._options.dialing.retry_s - self._clock.wall()))
        self._lines.start(self)

    async def stop(self) -> None:
        """Dial and tell no more."""
        self._stopped = True
        for one in self._requests.values():
            self._drop_timer(one)
        await self._lines.stop()
        await self._journal.stop()

    # -- what is asked --------------------------------------------------------------------------------------------
    async def create(self, document: CreateRequest) -> Answer:
        """Take a request; a token that is known is the request that it names already. Answered when it would survive a
        crash."""
        known = self._requests.get(document.token)
        if known is None:
            if self.unfinished >= self._options.dialing.queue or self._stopped:
                return Answer(response=ResponseType.FAILURE, token=document.token,
                              reason_code=int(ErrorCode.RESOURCE_UNAVAILABLE), reason="no room for another request")
            number = next(self._numbers)
            known = _Request(document, number, self._clock.wall() + document.time_to_live_s, RequestStatus(
                token=document.token, request_id=f"{self._prefix}-{number}", result=_R.QUEUED))
            self._requests[document.token] = known
            self._unfinished.add(document.token)
            try:
                await self._put(known)
            except OCSError as error:
                del self._requests[document.token]
                self._unfinished.discard(document.token)
                return Answer(response=ResponseType.FAILURE, token=document.token,
                              reason_code=int(ErrorCode.RESOURCE_UNAVAILABLE), reason=str(error))
            self._queue(known)
        else:
            await self._put(known)      # behind the one that takes it, if that is under way
        return Answer(response=ResponseType.SUCCESS, token=document.token, request_id=known.status.request_id)

    def status(self, token: str) -> RequestStatus | None:
        """Where a request stands; None if there is no such request."""
        one = self._requests.get(token)
        return None if one is None else one.shown

    def cancel(self, token: str, release: bool) -> RequestStatus | None:
        """Dial it no more; `release`: a call of it ends, too."""
        one = self._requests.get(token)
        if one is None:
            return None
        if not one.status.result.final:
            one.cancelled = True
            if one.token not in self._calling:
                self._end(one, _R.CANCELLED, one.status.call_state)
            elif release:
                self._lines.release(token)
        return one.shown

    # -- dialing --------------------------------------------------------------------------------------------------
    def lines_changed(self) -> None:
        """The switch can be reached, or cannot any more."""
        self._pump()

    def _queue(self, one: _Request, delay_s: float = 0.0) -> None:
        """Dial it after so long; when its time is over before that, it ends."""
        self._drop_timer(one)
        self._unfinished.add(one.token)
        left_s = one.expires_at - self._clock.wall()
        if delay_s >= left_s:
            self._end(one, _R.EXPIRED, one.status.call_state)
            return
        if delay_s:
            one.timer = self._clock.callLater(delay_s, self._queue, one)
            return
        one.timer = self._clock.callLater(left_s, self._expired, one)
        self._waiting.append(one)
        self._pump()

    def _expired(self, one: _Request) -> None:
        one.timer = None
        if one.token not in self._calling and not one.status.result.final:
            self._end(one, _R.EXPIRED, one.status.call_state)

    def _pump(self) -> None:
        while self._waiting and self._lines.up and not self._stopped and self.calls < self._options.dialing.ports:
            one = self._waiting.popleft()
            if one.token not in self._calling and not one.status.result.final:
                self._drop_timer(one)
                self._calling.add(one.token)
                one.answered, one.led, one.failure = False, False, None
                Deferred.fromCoroutine(self._dial(one)).addErrback(lambda failure: self.log.failure("dialing", failure))

    async def _dial(self, one: _Request) -> None:
        document = one.document
        one.before = before = one.status
        last = (PlacedCall(conn_id=before.conn_id, call_uuid=before.call_uuid),) if before.conn_id else ()
        self._set(one, result=_R.DIALING, attempts=before.attempts + 1, dialed_at=self._clock.wall(), answered_at=None,
                  ended_at=None, conn_id="", call_uuid="", earlier=(*before.earlier, *last))
        try:
            await self._put(one)
        except OCSError as error:
            self.log.error("a request waits: {reason}", reason=str(error))
            self._not_placed(one, msgspec.structs.replace(before, result=_R.QUEUED))
            self._queue(one, self._options.notification.again_min_s)
            return
        if self._stopped:
            return
        if one.cancelled:
            self._not_placed(one, before)
            self._end(one, _R.CANCELLED, before.call_state)
            return
        extensions = (("call_answer_type_recognition", document.recognition),) if document.recognition else ()
        try:
            placed = await self._lines.call(document.token, document.telnum, document.ring_timeout_s,
                                            tuple(document.user_data.items()), extensions)
        except RequestRefused as error:
            self.log.warn("request {request_id} cannot be dialed: {reason}", request_id=one.status.request_id, reason=str(error))
            self._refused(one, before, _DIAL_ERROR if error.code in _NUMBER_REFUSED else CallState.ALL_TRUNKS_BUSY)
        except ProtocolError as error:      # nobody knows whether it is dialed
            self.log.warn("request {request_id}: {reason}", request_id=one.status.request_id, reason=str(error))
            one.before = None
            self.over(one.token, CallState.UNKNOWN)
        else:
            one.before = None
            self._set(one, conn_id=placed.conn_id, call_uuid=placed.call_uuid)
            self._keep(one)         # so that a crash leaves the call its name
            self._tell(one)
            if one.cancelled:
                self._lines.release(one.token)

    def _refused(self, one: _Request, before: RequestStatus, call_state: int) -> None:
        """The switch placed no call: none counts, but the tries of one request have their bound."""
        self._not_placed(one, before)
        one.refusals += 1
        self._not_reached(one, before.call_state if before.attempts else call_state, call_state in _AGAIN)
        self._pump()

    def _not_placed(self, one: _Request, status: RequestStatus) -> None:
        self._calling.discard(one.token)
        one.status, one.before = status, None

    def answered(self, token: str, call_state: int) -> None:
        """Somebody picked up: into the application; a machine is released."""
        one = self._requests.get(token)
        if one is None or token not in self._calling or one.answered:
            return
        one.answered = True
        self._set(one, answered_at=self._clock.wall())
        if call_state not in _PEOPLE:
            one.failure = call_state
            self._lines.release(token)
            return

        def failed(failure: Failure) -> None:
            failure.trap(ProtocolError)
            self.log.warn("request {request_id}: its application cannot be applied: {reason}",
                          request_id=one.status.request_id, reason=failure.getErrorMessage())
            one.failure = _TRANSFER_ERROR
            self._lines.release(token)

        self._lines.lead(token, one.document.ivr_profile).addErrback(failed).addErrback(
            lambda failure: self.log.failure("leading a call", failure))

    def treated(self, token: str) -> None:
        """The application has begun."""
        one = self._requests.get(token)
        if one is None or token not in self._calling or one.led:
            return
        one.led = True
        self._set(one, result=_R.CONNECTED)
        self._drop_timer(one)
        one.timer = self._clock.callLater(self._options.dialing.application_s, self._lines.release, token)
        self._tell(one)

    def listened(self, token: str) -> None:
        """The application is over, and the call with it."""
        self._lines.release(token)

    def over(self, token: str, call_state: int) -> None:
        """A call has ended."""
        one = self._requests.get(token)
        if one is None or token not in self._calling:
            return
        self._calling.discard(token)
        self._drop_timer(one)
        self._set(one, ended_at=self._clock.wall())
        if one.led:
            unknown = call_state == CallState.UNKNOWN
            self._end(one, _R.FAILED if unknown else _R.SUCCESS, call_state)
        elif one.failure is not None and call_state != CallState.ABANDONED:     # who hangs up has no application either
            self._end(one, _R.FAILED, one.failure)
        elif one.answered:
            self._end(one, _R.FAILED, CallState.ABANDONED)
        else:
            self._not_reached(one, call_state, call_state in _AGAIN)
        self._pump()

    def _not_reached(self, one: _Request, call_state: int, again: bool) -> None:
        self._set(one, call_state=call_state)
        if one.cancelled:
            self._end(one, _R.CANCELLED, call_state)
        elif not again or one.status.attempts + one.refusals >= one.document.max_attempts:
            self._end(one, _R.FAILED, call_state)
        else:
            self._set(one, result=_R.QUEUED)
            self._keep(one)
            self._queue(one, self._options.dialing.retry_s)

    # -- results --------------------------------------------------------------------------------------------------
    def _end(self, one: _Request, result: RequestResult, call_state: int) -> None:
        self._drop_timer(one)
        self._calling.discard(one.token)
        self._unfinished.discard(one.token)
        self._set(one, result=result, call_state=int(call_state))
        self._keep(one)
        self._remember(one)
        self._tell_result(one)

    def _set(self, one: _Request, **values: Any) -> None:
        one.status = msgspec.structs.replace(one.status, **values)

    def _put(self, one: _Request) -> Deferred[None]:
        put: Deferred[None] = self._journal.put((one.token, one.number, one.expires_at, encode(one.document),
                                                 encode(one.status), int(one.told)))
        return put

    def _keep(self, one: _Request) -> None:
        """Write it; what the disk does not take now is written with its next step, or is unknown after a crash."""
        self._put(one).addErrback(self._not_kept)

    def _not_kept(self, failure: Failure) -> None:
        failure.trap(OCSError)
        self.log.error("not written: {reason}", reason=failure.getErrorMessage())

    def _remember(self, one: _Request) -> None:
        """Forget a finished request after a while."""
        ended_at = one.status.ended_at or min(one.expires_at, self._clock.wall())
        left_s = ended_at + self._options.journal.keep_s - self._clock.wall()
        one.timer = self._clock.callLater(max(0.0, left_s), self._forget, one)

    def _forget(self, one: _Request) -> None:
        one.timer = None
        self._requests.pop(one.token, None)
        self._journal.remove(one.token).addErrback(self._not_kept)

    def _drop_timer(self, one: _Request) -> None:
        if one.timer is not None and one.timer.active():
            one.timer.cancel()
        one.timer = None

    def _tell(self, one: _Request) -> Deferred[bool]:
        body = encode(one.status)
        return self._posts.run(self._post, one.document.notification_url, body)

    def _tell_result(self, one: _Request) -> None:
        """Until it is heard, or forgotten."""
        if self._stopped or one.token not in self._requests:
            return

        def told(heard: bool) -> None:
            if heard:
                one.told = True
                if one.token in self._requests:
                    self._keep(one)
            elif not self._stopped:
                options = self._options.notification
                wait_s = min(options.again_max_s, options.again_min_s * 2.0 ** min(one.tries, 16))
                one.tries += 1
                self._clock.callLater(wait_s * (0.75 + 0.5 * self._rng.random()), self._tell_result, one)

        self._tell(one).addCallback(told).addErrback(lambda failure: self.log.failure("telling a result", failure))


def read_request(body: bytes) -> CreateRequest:
    """The request in a body; RemoteProtocolError names what does not fit."""
    document = decode(body, CreateRequest)
    if len(document.user_data) > 200:
        raise RemoteProtocolError("CreateRequest: UserData: more than 200 keys")
    return document
