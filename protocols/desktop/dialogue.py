"""A desktop's requests and their answers: matched by GSW_REFERENCE_ID, each with a deadline.

The way there (a user event through the T-Server, a port of its own) is the owner's: it sends what it is given and hands
in every user event that it hears, its own requests' echoes included. Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from protocols.attributes import KVList
from protocols.desktop.build import build_request
from protocols.desktop.index import REQUESTS
from protocols.desktop.messages import DesktopEvent, parse_event
from protocols.errors import RequestFailed, RequestRefused
from protocols.requests import OutstandingRequests

__all__ = ["DesktopDialogue"]


_LEAVING_S = 3_600.0        # longer than a server lets a record lie with an agent


class DesktopDialogue:
    """One desktop's side. `send` takes user data and returns a Deferred that fails if it could not be sent."""

    log = Logger()

    def __init__(self, clock: IReactorTime, send: Callable[[KVList], Deferred[Any]], timeout_s: float = 10.0,
                 limit: int = 100) -> None:
        self._send, self._timeout_s = send, timeout_s
        self._requests: OutstandingRequests[DesktopEvent] = OutstandingRequests(clock, limit)
        self._last_id = 0
        self._final: dict[int, str] = {}        # reference id -> the event that completes it; "" = whichever comes

    def ask(self, name: str, others: KVList = (), **values: Any) -> Deferred[DesktopEvent]:
        """Send a request (`values` and LocalProtocolError as in `build_request`). Fires with the event that completes
        it (earlier events of a stream are returned by `received`); fails with RequestRefused (GSW_ERROR_NUMBER,
        GSW_ERROR), RequestTimedOut, TooManyRequests, or as `send` failed (LinkLost ...). Always fires, once."""
        try:
            self._requests.check_room()
        except RequestFailed as error:
            return fail(error)
        self._last_id += 1
        reference_id = self._last_id
        user_data = build_request(name, reference_id=reference_id, others=others, **values)
        answered = self._requests.add(reference_id, name, self._timeout_s)
        self._final[reference_id] = "" if name == "CampaignStatusRequest" else REQUESTS[name].events[0]
        answered.addBoth(self._done, reference_id)
        self._send(user_data).addErrback(self._not_sent, reference_id)
        return answered

    def tell(self, name: str, others: KVList = (), **values: Any) -> Deferred[Any]:
        """Send a request without waiting for its answer; fires or fails as `send` does."""
        return self._send(build_request(name, others=others, **values))

    def received(self, user_data: KVList) -> DesktopEvent | None:
        """Take the user data of a user event. Returns an event that completed none of our requests (unsolicited, part
        of a stream, or too late); None for one that did, and for what is no event."""
        event = parse_event(user_data)
        if event is None:
            return None
        reference_id = event.reference_id
        if not isinstance(reference_id, int) or reference_id not in self._final:
            return event
        if event.failed:
            self._requests.fail(reference_id, RequestRefused(event.error_number or 0, event.error or ""))
            return None
        if self._final[reference_id] not in ("", event.name):
            if event.logout_time_s is not None:     # LogOutTime: the answer waits for calls, and for this very agent
                self._requests.extend(reference_id, _LEAVING_S)
            return event
        self._requests.answer(reference_id, event)
        return None

    def lost(self, reason: str) -> None:
        """The way there is gone: every outstanding request fails with LinkLost."""
        self._requests.fail_all(reason)

    def _done(self, result: Any, reference_id: int) -> Any:
        self._final.pop(reference_id, None)
        return result

    def _not_sent(self, failure: Failure, reference_id: int) -> None:
        if failure.check(RequestFailed) is None:
            self.log.failure("sending a desktop request", failure)
        error = failure.value if isinstance(failure.value, RequestFailed) else RequestFailed(failure.getErrorMessage())
        self._requests.fail(reference_id, error)
