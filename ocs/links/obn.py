"""Dialing by way of an Outbound Notification Manager: a request over HTTP for each record, results posted back.

To the engine such a call looks like one of a trunk group: dialed, picked up, led through its application, over. Its ConnID is
the request's token, the GUID of the attempt; its events happen at the DN `OBN_ORIGIN` and carry the ConnIDs that the switch gave
the calls of the request.

The manager takes the same token twice as one request, so a request whose answer did not come is posted again until it is
answered. A request that was taken is asked for now and then, so a notification that was lost is missed only for a while; a
result that comes twice is told once. What the engine does not want any more is cancelled until the manager has heard it.
"""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import msgspec
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.call import OBN_ORIGIN, CallEvent, PlacedCall, SwitchEvent
from ocs.dialing.results import CallResult
from ocs.interfaces import IObnLink
from ocs.links.back_off import BackOff
from ocs.links.http_exchange import Answer
from ocs.links.registry import Links, LinkState
from ocs.options import one_secret, option, read_secret
from protocols.attributes import KVList, first
from protocols.errors import (
    LinkLost,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    RequestRefused,
    TooManyRequests,
)
from protocols.http_messages.uris import check_uri, target_of
from protocols.obn.messages import Answer as Taken
from protocols.obn.messages import CreateRequest, RequestResult, RequestStatus, ResponseType, decode, encode

__all__ = ["ObnLink", "ObnLinkOptions"]

_NOT_FOUND = 404
_FOLLOWED_S = 7_200.0       # beyond its time to live: a call in an application may last
_ENDS_UNKNOWN = frozenset({int(CallResult.UNKNOWN)})


@dataclass(frozen=True)
class ObnLinkOptions:
    """The Outbound Notification Manager, which dials for campaign groups with `obn = true`."""

    enabled: bool = option(False, text="Whether there is one; needs [http_server], where it posts its results.")
    uri: str = option("http://127.0.0.1:7050", text="Where it takes requests.")
    token: str = option("", secret=True, text="Token to show to it; better in a file.")
    token_file: Path | None = option(None, text="File whose first line is that token.")
    poll_s: float = option(60.0, low=1, high=3_600, unit="seconds",
                           text="How often a request is asked for whose result has not come.")
    reconnect_min_s: float = option(0.5, low=0.05, high=60, unit="seconds", text="Wait before the first new try.")
    reconnect_max_s: float = option(30.0, low=0.1, high=600, unit="seconds", text="Longest wait between tries.")

    def problems(self) -> list[str]:
        found = one_secret("token", self.token, self.token_file)
        fault = check_uri(self.uri)
        return [*found, f"uri: {fault}"] if fault else found

    @property
    def peer(self) -> str:
        """Host and port, as the console shows them."""
        return "{1}:{2}".format(*target_of(self.uri))

    @property
    def secret(self) -> str:
        """The token, wherever it is given. ConfigurationError for a file that cannot be read."""
        return read_secret(self.token_file, "obn.token_file") if self.token_file else self.token


@dataclass(eq=False)
class _Outstanding:
    """A request that the engine waits for. `document` is None for one of an earlier run, which is only asked for."""

    token: str
    expires_at: float                   # epoch seconds
    document: CreateRequest | None
    taken: bool = False
    asked: Deferred[str] = field(default_factory=Deferred)
    timer: IDelayedCall | None = None
    dialed: bool = False                # the engine has been told
    connected: bool = False
    named: int = 0                      # calls of the request that the engine has been told of
    delays: BackOff | None = None


@implementer(IObnLink)
class ObnLink:
    """Requests of one manager. `listener` has `obn_up()`, `obn_down(reason)`, `obn_not_dialed(token, refused)` (refused: the
    switch does not dial such a number) and `call_event(event)`; `client` is an HttpClient, `clock` what calls are dated by,
    `timers` the reactor's time."""

    log = Logger()

    def __init__(self, client: Any, options: ObnLinkOptions, notification_uri: Callable[[], str], clock: IClock,
                 timers: IReactorTime, rng: random.Random, links: Links) -> None:
        self._client, self._options, self._clock, self._timers, self._rng = client, options, clock, timers, rng
        self.record = links.add("obn", options.peer, options.uri.startswith("https:"))
        self._notification_uri = notification_uri
        self._extra = (("Authorization", f"Bearer {options.secret}"),) if options.secret else ()
        self.listener: Any = None
        self.up = False
        self._stopped = True
        self._probe: IDelayedCall | None = None
        self._delays = self._back_off()
        self._requests: dict[str, _Outstanding] = {}
        self._cancels: dict[str, IDelayedCall | None] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def start(self) -> None:
        """Look whether the manager is there."""
        self._stopped = False
        self.record.became(LinkState.CONNECTING)
        self._look()

    def stop(self) -> None:
        """Ask no more; what is not answered fails with LinkLost."""
        self._stopped, self.up = True, False
        self.record.became(LinkState.STOPPED)
        for timer in (self._probe, *self._cancels.values(), *(one.timer for one in self._requests.values())):
            if timer is not None and timer.active():
                timer.cancel()
        self._cancels.clear()
        for one in list(self._requests.values()):
            self._forget(one, LinkLost("the server stops"))

    # -- ICallControl ---------------------------------------------------------------------------------------------
    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        """`extensions` also say what only a manager is told: `ivr-profile`, `dialer-num-attempts`, `dialer-ttl`. RequestRefused
        if the manager does not take it; no answer is waited for, and asked again, until the time to live is over."""
        token, ttl_s = str(first(user_data, "GSW_CALL_ATTEMPT_GUID") or ""), _number(first(extensions, "dialer-ttl"))
        if not token or token in self._requests or ttl_s <= 0:
            return fail(LocalProtocolError("a dial request needs a GUID of its own and a time to live"))
        document = CreateRequest(
            token=token, telnum=destination, ivr_profile=str(first(extensions, "ivr-profile") or ""),
            notification_url=self._notification_uri(), max_attempts=max(1, _number(first(extensions, "dialer-num-attempts"))),
            time_to_live_s=ttl_s, ring_timeout_s=ring_timeout_s,
            recognition=str(first(extensions, "call_answer_type_recognition") or ""),
            user_data={key: value for key, value in user_data if isinstance(value, (str, int))})
        one = self._requests[token] = _Outstanding(token, self._clock.wall() + ttl_s, document, delays=self._back_off())
        self._post(one)
        return one.asked

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        """Cancel the request; a call of it is released."""
        self._cancel(conn_id, release=True)
        return succeed(None)

    def withdraw(self, token: str) -> None:
        """Cancel the request; a call of it goes on to its end."""
        self._cancel(token, release=False)

    def resume(self, token: str, expires_at: float) -> None:
        """Follow a request of an earlier run: the manager is asked what became of it."""
        if token not in self._requests:
            one = self._requests[token] = _Outstanding(token, expires_at, None, taken=True, delays=self._back_off())
            one.asked.addErrback(lambda failure: None)
            self._query(one)

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        return _not_here("transfer")

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        return fail(RequestRefused(51, "a manager engages no agents"))

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return _not_here("merge")

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        """The manager leads who answers into the application of the request by itself."""
        return succeed(None)

    # -- asking ---------------------------------------------------------------------------------------------------
    def _back_off(self) -> BackOff:
        return BackOff(self._rng, self._options.reconnect_min_s, self._options.reconnect_max_s)

    def _ask(self, method: str, path: str, body: bytes = b"") -> Deferred[Answer]:
        asked: Deferred[Answer] = self._client.request(
            method, f"{self._options.uri.rstrip('/')}/{path}", body, self._extra, name="outbound notification", repeatable=True)
        return asked.addCallbacks(self._heard, self._unheard)

    def _heard(self, answer: Answer) -> Answer:
        if answer.status >= 500 or answer.status in (401, 403):
            self._down(f"it answers with {answer.status}")
            raise RemoteProtocolError(f"answered with {answer.status}")
        if not self.up and not self._stopped:
            self.up, self._delays = True, self._back_off()
            self.record.became(LinkState.UP, attempts=0)
            self.log.info("the Outbound Notification Manager is there")
            self._timers.callLater(0, self.listener.obn_up)
        return answer

    def _unheard(self, failure: Failure) -> Failure:
        if failure.check(ProtocolError) is not None and failure.check(TooManyRequests) is None:     # our own bound is no news
            self._down(failure.getErrorMessage())
        return failure

    def _down(self, reason: str) -> None:
        if self._stopped:
            return
        if self.up:
            self.up = False
            self.log.warn("the Outbound Notification Manager is away: {reason}", reason=reason)
            self._timers.callLater(0, self.listener.obn_down, reason)
        self.record.became(LinkState.WAITING, attempts=self.record.status.attempts + 1, error=reason)
        if self._probe is None:
            self._probe = self._timers.callLater(self._delays.next_delay(), self._look)

    def _look(self) -> None:
        self._probe = None
        self._ask("GET", "healthz").addErrback(self._named)

    def _named(self, failure: Failure) -> None:
        failure.trap(ProtocolError)

    def _post(self, one: _Outstanding) -> None:
        one.timer = None
        left_s = one.expires_at - self._clock.wall()
        if left_s <= 0:
            self._cancel(one.token, release=True)       # whatever it took of it: not now
            one.taken = True
            self._later(one, self._query)
            return
        assert one.document is not None
        body = encode(msgspec.structs.replace(one.document, time_to_live_s=left_s))
        asked = self._ask("POST", "requests", body)
        asked.addCallback(self._posted, one).addErrback(self._again, one, self._post)

    def _posted(self, answer: Answer, one: _Outstanding) -> None:
        taken = decode(answer.body, Taken)
        if self._requests.get(one.token) is not one:
            return
        if taken.response is ResponseType.SUCCESS and taken.token == one.token:
            one.taken = True
            self._fire(one)
            self._later(one, self._query, self._options.poll_s)
        elif taken.response is ResponseType.FAILURE:
            self._forget(one, RequestRefused(taken.reason_code, taken.reason))
        else:
            raise RemoteProtocolError("an answer to another request")

    def _query(self, one: _Outstanding) -> None:
        one.timer = None
        if self._clock.wall() > one.expires_at + _FOLLOWED_S:
            self._forget(one)       # the engine has given it up long ago
            return
        asked = self._ask("GET", f"requests/{one.token}")
        asked.addCallback(self._queried, one).addErrback(self._again, one, self._query)

    def _queried(self, answer: Answer, one: _Outstanding) -> None:
        if self._requests.get(one.token) is not one:
            return
        if answer.status == _NOT_FOUND:
            self._forget(one)
            self._event(one, SwitchEvent.VANISHED)      # never taken, or forgotten: nobody can say
            return
        self.told(decode(answer.body, RequestStatus))
        if self._requests.get(one.token) is one:
            self._later(one, self._query, self._options.poll_s)

    def _again(self, failure: Failure, one: _Outstanding, what: Callable[[_Outstanding], None]) -> None:
        if failure.check(ProtocolError) is None:
            self.log.failure("asking the Outbound Notification Manager", failure)
        if self._requests.get(one.token) is one and not self._stopped:
            self._later(one, what)

    def _later(self, one: _Outstanding, what: Callable[[_Outstanding], None], delay_s: float | None = None) -> None:
        assert one.delays is not None
        if one.timer is not None and one.timer.active():
            one.timer.cancel()
        wait_s = one.delays.next_delay() if delay_s is None else delay_s
        one.timer = None if self._stopped else self._timers.callLater(wait_s, what, one)

    def _cancel(self, token: str, release: bool) -> None:
        if token not in self._cancels:
            self._cancels[token] = None
            self._delete(token, release, self._back_off())

    def _delete(self, token: str, release: bool, delays: BackOff) -> None:
        asked = self._ask("DELETE", f"requests/{token}" + ("?release=1" if release else ""))

        def failed(failure: Failure) -> None:
            failure.trap(ProtocolError)
            if token in self._cancels and not self._stopped:
                self._cancels[token] = self._timers.callLater(delays.next_delay(), self._delete, token, release, delays)

        asked.addCallback(lambda answer: self._cancelled(token, answer)).addErrback(failed)
        asked.addErrback(lambda failure: self.log.failure("cancelling a dial request", failure))

    def _cancelled(self, token: str, answer: Answer) -> None:
        self._cancels.pop(token, None)
        if answer.done:
            self.told(decode(answer.body, RequestStatus))

    # -- what comes of it -----------------------------------------------------------------------------------------
    def told(self, status: RequestStatus) -> bool:
        """A notification, or the answer to a query. False if the request is not (any more) waited for."""
        one = self._requests.get(status.token)
        if one is None:
            return False
        if not one.taken:           # the notification has overtaken the answer
            one.taken = True
        self._fire(one)
        if status.result.final:
            self._forget(one)
            self._over(one, status)
            return True
        if status.attempts:
            self._dialed(one, status)
        if status.result is RequestResult.CONNECTED:
            self._connected(one, status)
        if len(_calls_of(status)) > one.named:
            self._event(one, SwitchEvent.DATA_CHANGED, status)       # another call of the request
        return True

    def _over(self, one: _Outstanding, status: RequestStatus) -> None:
        if not status.attempts:
            if one.dialed:
                self._event(one, SwitchEvent.VANISHED)
            else:
                self.listener.obn_not_dialed(one.token, status.call_state == CallResult.DIAL_ERROR)
            return
        if status.call_state in _ENDS_UNKNOWN:
            self._event(one, SwitchEvent.VANISHED, status)
            return
        self._dialed(one, status)
        if status.result is RequestResult.SUCCESS:
            self._connected(one, status)
        self._event(one, SwitchEvent.RELEASED, status, status.call_state, status.ended_at)

    def _dialed(self, one: _Outstanding, status: RequestStatus) -> None:
        if not one.dialed:
            one.dialed = True
            self._event(one, SwitchEvent.DIALING, status, at=status.dialed_at)

    def _connected(self, one: _Outstanding, status: RequestStatus) -> None:
        self._dialed(one, status)
        if not one.connected:
            one.connected = True
            self._event(one, SwitchEvent.ESTABLISHED, status, at=status.answered_at)
            self._event(one, SwitchEvent.TREATMENT_APPLIED, status, at=status.answered_at)

    def _event(self, one: _Outstanding, kind: SwitchEvent, status: RequestStatus | None = None, call_state: int = 0,
               at: float | None = None) -> None:
        placed = () if status is None else _calls_of(status)
        one.named = max(one.named, len(placed))
        self.listener.call_event(CallEvent(
            kind, one.token, OBN_ORIGIN, call_state, self._clock.wall() if at is None else at, guid=one.token,
            call_uuid="" if status is None else status.call_uuid, placed=placed))

    def _fire(self, one: _Outstanding) -> None:
        if not one.asked.called:
            one.asked.callback(one.token)

    def _forget(self, one: _Outstanding, error: Exception | None = None) -> None:
        self._requests.pop(one.token, None)
        if one.timer is not None and one.timer.active():
            one.timer.cancel()
        if error is not None and not one.asked.called:
            one.asked.errback(error)
        self._fire(one)


def _calls_of(status: RequestStatus) -> tuple[PlacedCall, ...]:
    """What the manager has told of its calls; the last one may have no name yet."""
    calls = tuple(PlacedCall(one.conn_id, one.call_uuid) for one in status.earlier)
    return (*calls, PlacedCall(status.conn_id, status.call_uuid)) if status.attempts else calls


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _not_here(what: str) -> Deferred[None]:
    return fail(RequestRefused(51, f"a call of the Outbound Notification Manager: no {what}"))
