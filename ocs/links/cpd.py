"""The CPD Server as a second way to dial: its call control, and its progress as events of calls.

To the engine a call of the CPD Server looks like one of a trunk group: dialed, established with what was detected, moved on. Its
events happen at the DN `CPD_ORIGIN`. After each log-in the calls that it still has are asked for; only
then do listeners hear `cpd_up`.
Transport-free: `granted` gives it a client to ask with; sockets are the affair of `ocs.links.service`.
"""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.call import CPD_ORIGIN, CallEvent, SwitchEvent
from ocs.dialing.results import CallResult
from ocs.interfaces import ICallControl
from protocols.attributes import KVList, first
from protocols.client import IClientListener
from protocols.cpd.messages import CallStatus, Stage, TransferType
from protocols.desktop.keys import CALL_ATTEMPT_GUID
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused
from protocols.message import ErrorCode, Message

__all__ = ["CpdLink"]

_STAGES = {Stage.DIALING.value: SwitchEvent.DIALING, Stage.NETWORK_REACHED.value: SwitchEvent.NETWORK_REACHED,
           Stage.ESTABLISHED.value: SwitchEvent.ESTABLISHED, Stage.RELEASED.value: SwitchEvent.RELEASED}
_PAGES_LIMIT = 400
_PENDING_LIMIT = 100_000


@implementer(ICallControl, IClientListener)
class CpdLink:
    """Calls of one CPD Server. `listener` has `cpd_up(guids)`, `cpd_down(reason)` and `call_event(event)`."""

    log = Logger()

    def __init__(self, clock: IClock, listener: Any = None) -> None:
        self._clock, self.listener = clock, listener
        self.up = False
        self.total_channels = self.free_channels = 0
        self._client: Any = None
        self._pending: list[Message] | None = None      # progress that waits for the picture

    # -- ICallControl -----------------------------------------------------------------------------------------------
    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        return self._place("RequestMakePredictiveCall", {
            "OtherDN": destination, "Timeout": int(ring_timeout_s), "UserData": user_data, "Extensions": extensions})

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        return self._place("RequestEngageAgent", {"OtherDN": destination, "UserData": user_data})

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        return self._ask("RequestReleaseCall", {"ConnID": conn_id})

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        kind = TransferType.TWO_STEP if two_step else TransferType.ONE_STEP
        return self._ask("RequestTransferCall", {"ConnID": conn_id, "OtherDN": destination_dn, "TransferType": int(kind)})

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return self._ask("RequestConnectCalls", {"ConnID": conn_id, "EngagingConnID": other_conn_id})

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        return fail(RequestRefused(ErrorCode.NOT_SUPPORTED, "TreatmentType: a CPD Server applies no treatments"))

    def _place(self, name: str, attributes: Mapping[str, Any]) -> Deferred[str]:
        asked: Deferred[Any] = self._request(name, attributes)
        return asked.addCallback(lambda answer: answer.get("ConnID", ""))

    def _ask(self, name: str, attributes: Mapping[str, Any]) -> Deferred[None]:
        asked: Deferred[Any] = self._request(name, attributes)
        return asked.addCallback(lambda _: None)

    def _request(self, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        if self._client is None:
            return fail(LinkLost(f"{name}: no link to the CPD Server"))
        try:
            asked: Deferred[Any] = self._client.request(name, attributes)
            return asked
        except LocalProtocolError as error:         # what cannot be sent
            return fail(error)

    # -- IClientListener --------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        self._client, self._pending = client, []
        picture = Deferred.fromCoroutine(self._build(client))
        picture.addErrback(self._no_picture, client)

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the CPD Server refuses the log-in: {reason}", reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if client is not self._client:
            return
        self._client, self._pending, self.free_channels = None, None, 0
        if self.up:
            self.up = False
            self.listener.cpd_down(reason)

    def event(self, client: Any, message: Message) -> None:
        if client is not self._client:
            return
        if message.name == "EventChannelsUpdated":
            self._channels(message)
        elif message.name != "EventCallProgress":
            return
        elif self._pending is None:
            self._progress(message)
        elif len(self._pending) < _PENDING_LIMIT:
            self._pending.append(message)
        else:
            self.log.error("{count} messages wait for the list of calls; reconnecting", count=len(self._pending))
            client.abort()

    # -- what it tells ----------------------------------------------------------------------------------------------
    async def _build(self, client: Any) -> None:
        guids: dict[str, str] = {}
        for page in range(_PAGES_LIMIT):
            answer = await client.request("RequestQueryCalls", {"Extensions": (("first-call", len(guids) + 1),)})
            found = {str(value): str(first(answer.extensions, f"guid-{key[5:]}") or "")
                     for key, value in answer.extensions if key.startswith("conn-")}
            guids.update(found)
            calls = first(answer.extensions, "calls")
            if not found or not isinstance(calls, int) or len(guids) >= calls:
                break
        if client is not self._client:
            return
        self.up = True
        self.listener.cpd_up(guids)
        pending, self._pending = self._pending or [], None
        for message in pending:
            self._progress(message)

    def _no_picture(self, failure: Failure, client: Any) -> None:
        if failure.check(LinkLost) is None:
            self.log.error("the calls of the CPD Server cannot be had: {reason}", reason=failure.getErrorMessage())
            client.abort()

    def _channels(self, message: Message) -> None:
        total, free = message.get("TotalChannels", 0), message.get("FreeChannels", 0)
        if isinstance(total, int) and isinstance(free, int):
            self.total_channels, self.free_channels = total, free

    def _progress(self, message: Message) -> None:
        conn_id, kind = message.get("ConnID", ""), _STAGES.get(message.get("Stage", ""))
        if kind is None or not conn_id:
            return
        call_state, at = message.get("CallState", 0), message.get("TimeinSecs")
        if kind is SwitchEvent.RELEASED and message.get("CallStatus") == CallStatus.TRANSFERRED:
            call_state = CallResult.TRANSFERRED
        self.listener.call_event(CallEvent(
            kind, conn_id, CPD_ORIGIN, int(call_state),
            self._clock.wall() if at is None else at + message.get("TimeinuSecs", 0) / 1e6, message.get("OtherDN", ""),
            str(message.user_value(CALL_ATTEMPT_GUID) or "")))
