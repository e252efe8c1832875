"""The lines of the manager: predictive calls from a trunk group of a T-Server, and the application for who answers.

A line is named by its request's token. What of the trunk group's calls belongs to no line after a log-in was left there by an
earlier run, and is released. A call that is gone after a reconnect ended unseen.
"""
from __future__ import annotations

from typing import Any, Callable, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.attributes import KVList
from protocols.client import IClientListener
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message
from protocols.obn.messages import PlacedCall
from protocols.tserver.messages import CallState

__all__ = ["ILinesListener", "Lines"]

_PLAY_APPLICATION = 13


class ILinesListener(Protocol):
    """Who hears what happens on the lines."""

    def lines_changed(self) -> None:
        """The switch can be reached, or cannot any more."""

    def answered(self, token: str, call_state: int) -> None:
        """Somebody picked up, or something."""

    def treated(self, token: str) -> None:
        """The application has begun."""

    def listened(self, token: str) -> None:
        """It is over."""

    def over(self, token: str, call_state: int) -> None:
        """The call has ended; the line is free."""


@implementer(IClientListener)
class Lines:
    """Calls from one trunk group. `link(listener)` makes the link to the T-Server."""

    log = Logger()

    def __init__(self, trunk_group: str, link: Callable[[Any], Any]) -> None:
        self._trunk_group, self._link = trunk_group, link(self)
        self._listener: Any = None
        self._tokens: dict[str, str] = {}           # ConnID -> token
        self._busy: set[str] = set()                # ConnIDs of which that was told
        self.up = False

    def start(self, listener: ILinesListener) -> None:
        """Begin to connect."""
        self._listener = listener
        self._link.startService()

    def stop(self) -> Deferred[None]:
        """Leave the switch; calls go on there."""
        stopped: Deferred[None] = self._link.stopService() if self._link.running else succeed(None)
        return stopped

    def call(self, token: str, number: str, ring_timeout_s: float, user_data: KVList,
             extensions: KVList) -> Deferred[PlacedCall]:
        """Dial; fires with how the switch calls the call. Fails as requests to a T-Server do."""
        asked: Deferred[Any] = self._ask("RequestMakePredictiveCall", OtherDN=number, Timeout=int(ring_timeout_s),
                                         UserData=user_data, Extensions=extensions)

        def placed(answer: Message) -> PlacedCall:
            conn_id = str(answer.attributes["ConnID"])
            self._tokens[conn_id] = token
            return PlacedCall(conn_id=conn_id, call_uuid=str(answer.get("CallUUID", "")))

        return asked.addCallback(placed)

    def lead(self, token: str, application: str) -> Deferred[None]:
        """Lead who answered into an application."""
        return self._ask("RequestApplyTreatment", ConnID=self._conn_id(token), TreatmentType=_PLAY_APPLICATION,
                         TreatmentParms=(("APP_ID", application),)).addCallback(lambda _: None)

    def release(self, token: str) -> None:
        """Hang up; `over` follows."""
        self._hang_up(self._conn_id(token))

    def _conn_id(self, token: str) -> str:
        return next((conn_id for conn_id, one in self._tokens.items() if one == token), "")

    def _ask(self, name: str, **attributes: Any) -> Deferred[Any]:
        asked: Deferred[Any] = self._link.request(name, {"ThisDN": self._trunk_group, **attributes})
        return asked

    def _hang_up(self, conn_id: str) -> None:
        self._ask("RequestReleaseCall", ConnID=conn_id).addErrback(
            lambda failure: self.log.info("release of {conn_id}: {reason}", conn_id=conn_id, reason=failure.getErrorMessage()))

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        watching = client.request("RequestRegisterAddress", {"ThisDN": self._trunk_group})
        watching.addCallbacks(self._watched, lambda failure: self._unwatched(client, failure))
        watching.addErrback(lambda failure: self.log.failure("watching the trunk group", failure))

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the T-Server refuses the log-in: {reason}", reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if self.up:
            self.up = False
            self._listener.lines_changed()

    def event(self, client: Any, message: Message) -> None:
        conn_id = message.get("ConnID", "")
        token = self._tokens.get(conn_id)
        if token is None or message.get("ThisDN") != self._trunk_group:
            return
        if message.name == "EventDestinationBusy":
            self._busy.add(conn_id)
        elif message.name == "EventEstablished":
            self._listener.answered(token, message.get("CallState", 0))
        elif message.name == "EventTreatmentApplied":
            self._listener.treated(token)
        elif message.name == "EventTreatmentEnd":
            self._listener.listened(token)
        elif message.name in ("EventReleased", "EventAbandoned"):
            self._over(conn_id, message.get("CallState", 0))

    def _over(self, conn_id: str, call_state: int) -> None:
        busy = conn_id in self._busy and call_state == CallState.OK
        self._busy.discard(conn_id)
        self._listener.over(self._tokens.pop(conn_id), CallState.BUSY if busy else call_state)

    def _watched(self, answer: Message) -> None:
        there = {str(value) for key, value in answer.extensions if key.startswith("conn-")}
        whole = dict(answer.extensions).get("calls", 0) == len(there)
        for conn_id in [conn_id for conn_id in self._tokens if conn_id not in there]:
            if whole:
                self._over(conn_id, CallState.UNKNOWN)
        for conn_id in there - set(self._tokens):
            self.log.warn("call {conn_id} of an earlier run is released", conn_id=conn_id)
            self._hang_up(conn_id)
        self.up = True
        self._listener.lines_changed()

    def _unwatched(self, client: Any, failure: Failure) -> None:
        if failure.check(LinkLost) is None:
            self.log.error("dialing.trunk_group: {dn} cannot be watched: {reason}", dn=self._trunk_group,
                           reason=failure.getErrorMessage())
            client.abort()
