"""The CPD Server without sockets: requests in, calls on lines, progress out.

A call is its client's until it is moved: transferred to a DN, or connected with an agent who is engaged. What is classified
and not moved, and what a lost client leaves behind, is released after a while, so no channel is taken for ever.
"""
from __future__ import annotations

from itertools import count
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.servers.cpdserver.calls import Call, Purpose, answer_type_of
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.cpdserver.detection import OUT_OF_TIME, SETTINGS, UNANALYSED, AnswerDetector, Sound, Verdict
from ocs.servers.cpdserver.driver import ILineListener
from protocols.attributes import KVValue, first
from protocols.cpd.messages import VOCABULARY, CallStatus, Recognition, Stage, TransferType
from protocols.errors import RequestFailed
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, ServedClient
from protocols.tserver.messages import CallState

__all__ = ["CPDService"]

_LONGEST_RING_S = 600.0
_LONGEST_GUARD_MS = 30_000
_CALLS_A_PAGE = 300


@implementer(IMessageService, ILineListener)
class CPDService:
    """Carries out requests on the lines of a driver. `clock` is what people wait for, `real_clock` that of lost clients."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, options: CPDServerOptions, driver: Any, clock: IClock, real_clock: IReactorTime) -> None:
        self._options, self._driver, self._clock, self._real_clock = options.channels, driver, clock, real_clock
        self._preset, self._settings = options.detection.recognition, {
            **SETTINGS, Recognition.TELEPHONY_PRESET: options.detection.settings}
        self._lines: dict[str, Call] = {}
        self._calls: dict[str, Call] = {}
        self._clients: dict[str, set[ServedClient]] = {}
        self._graces: dict[str, IDelayedCall] = {}
        self._names = count(1)
        self._requests: Mapping[str, Callable[[ServedClient, Message], Any]] = {
            "RequestMakePredictiveCall": self._make_call, "RequestEngageAgent": self._engage,
            "RequestTransferCall": self._transfer, "RequestConnectCalls": self._connect,
            "RequestReleaseCall": self._release, "RequestQueryChannels": lambda client, message: self._channels(),
            "RequestQueryCalls": self._query_calls}

    @property
    def free(self) -> int:
        """Channels on which a call can be placed now."""
        return self._options.number - len(self._lines) if self._driver.up else 0

    def start(self) -> None:
        """Begin to connect to the switch."""
        self._driver.start(self)

    def stop(self) -> Deferred[None]:
        """Release every call; fires when the switch is left."""
        for call in list(self._lines.values()):
            self._end(call, CallStatus.RELEASED, CallState.DROPPED, hang_up=True)
        for grace in self._graces.values():
            grace.cancel()
        self._graces.clear()
        stopped: Deferred[None] = self._driver.stop()
        return stopped

    # -- IMessageService ------------------------------------------------------------------------------------------
    def granted(self, client: ServedClient) -> None:
        self._clients.setdefault(client.application, set()).add(client)
        grace = self._graces.pop(client.application, None)
        if grace is not None:
            grace.cancel()
        client.send(self._channels())

    def request(self, client: ServedClient, message: Message) -> Any:
        return self._requests[message.name](client, message)

    def gone(self, client: ServedClient) -> None:
        name = client.application
        self._clients[name].discard(client)
        if not self._clients[name]:
            del self._clients[name]
            if any(call.application == name for call in self._lines.values()):
                self._graces[name] = self._real_clock.callLater(self._options.client_grace_s, self._abandon, name)

    def _abandon(self, application: str) -> None:
        del self._graces[application]
        for call in [call for call in self._lines.values() if call.application == application]:
            self.log.warn("call {conn_id} is released: its client {client} did not come back", conn_id=call.conn_id,
                          client=application)
            self._end(call, CallStatus.RELEASED, CallState.DROPPED, hang_up=True)

    # -- requests -------------------------------------------------------------------------------------------------
    def _make_call(self, client: ServedClient, message: Message) -> Deferred[Message]:
        number, timeout_s = message.attributes["OtherDN"], message.get("Timeout", self._options.ring_timeout_s)
        if not 0 < timeout_s <= _LONGEST_RING_S:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Timeout: more than 0 and at most {_LONGEST_RING_S:g} seconds")
        call = Call("", Purpose.CUSTOMER, client.application, number, message.user_data,
                    self._recognition(first(message.extensions, "call_answer_type_recognition")),
                    _guard_s(first(message.extensions, "call_timeguard_timeout")))
        return self._place(call, lambda: self._driver.call(call.line, number, float(timeout_s), call.user_data,
                                                           message.extensions))

    def _engage(self, client: ServedClient, message: Message) -> Deferred[Message]:
        call = Call("", Purpose.AGENT, client.application, message.attributes["OtherDN"], message.user_data)
        return self._place(call, lambda: self._driver.engage(call.line, call.other_dn, call.user_data))

    def _place(self, call: Call, ask: Callable[[], Deferred[str]]) -> Deferred[Message]:
        if not self._driver.up:
            raise Refused(ErrorCode.NO_SWITCH, "OtherDN: the switch cannot be reached")
        if self.free < 1:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"{len(self._lines)} channels are in use, all of them")
        call.line = f"line-{next(self._names)}"
        self._lines[call.line] = call

        def placed(conn_id: str) -> Message:
            if self._lines.get(call.line) is not call:
                raise Refused(ErrorCode.BAD_CONN_ID, "ConnID: the call was released while it was being placed")
            call.conn_id = conn_id
            self._calls[conn_id] = call
            self._tell(call)
            return Message("EventRequestResponse", 0, {"ConnID": conn_id})

        def failed(failure: Failure) -> Failure:
            self._forget(call)
            return _named(failure)

        return ask().addCallbacks(placed, failed)

    def _transfer(self, client: ServedClient, message: Message) -> Deferred[Message]:
        call = self._find(client, message, "ConnID", Purpose.CUSTOMER)
        kind = message.get("TransferType", int(TransferType.ONE_STEP))
        if kind not in TransferType._value2member_map_:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"TransferType: {kind} is not one of {[int(one) for one in TransferType]}")
        asked = self._driver.transfer(call.line, message.attributes["OtherDN"], kind == TransferType.TWO_STEP)
        return self._moved(asked, call)

    def _connect(self, client: ServedClient, message: Message) -> Deferred[Message]:
        call = self._find(client, message, "ConnID", Purpose.CUSTOMER)
        engaged = self._find(client, message, "EngagingConnID", Purpose.AGENT)
        return self._moved(self._driver.connect(call.line, engaged.line), call, engaged)

    def _moved(self, asked: Deferred[None], *calls: Call) -> Deferred[Message]:
        """The calls are on their way out of here. Where that fails they stay as they are."""
        for call in calls:
            call.moving = True

        def done(_: None) -> Message:
            for call in calls:
                self._end(call, CallStatus.TRANSFERRED, CallState.TRANSFERRED)
            return Message("EventRequestResponse", 0, {"ConnID": calls[0].conn_id})

        def failed(failure: Failure) -> Failure:
            for call in calls:
                call.moving = False
            return _named(failure)

        return asked.addCallbacks(done, failed)

    def _release(self, client: ServedClient, message: Message) -> Message:
        call = self._calls.get(message.attributes["ConnID"])
        if call is None or call.application != client.application:
            raise Refused(ErrorCode.BAD_CONN_ID, f"ConnID: no call {message.attributes['ConnID'][:32]!r} of yours")
        self._end(call, CallStatus.DROPPED, CallState.DROPPED, hang_up=True)
        return Message("EventRequestResponse", 0, {"ConnID": call.conn_id})

    def _query_calls(self, client: ServedClient, message: Message) -> Message:
        """What of a client's calls is here, a page of them from `first-call` on: for one that comes back."""
        start = first(message.extensions, "first-call")
        if start is None:
            start = 1
        if not isinstance(start, int) or start < 1:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "Extensions.first-call: a positive int is expected")
        own = [call for call in self._calls.values() if call.application == client.application]
        pairs: list[tuple[str, KVValue]] = [("calls", len(own))]
        for place, call in enumerate(own[start - 1:start - 1 + _CALLS_A_PAGE], start):
            guid = first(call.user_data, "GSW_CALL_ATTEMPT_GUID")
            pairs += [(f"conn-{place}", call.conn_id), (f"stage-{place}", call.stage.value),
                      (f"guid-{place}", guid if isinstance(guid, str) else "")]
        return Message("EventCallsInfo", 0, {"Extensions": tuple(pairs)})

    def _find(self, client: ServedClient, message: Message, attribute: str, purpose: Purpose) -> Call:
        conn_id = message.attributes[attribute]
        call = self._calls.get(conn_id)
        if call is None or call.application != client.application or call.purpose is not purpose:
            raise Refused(ErrorCode.BAD_CONN_ID, f"{attribute}: no {purpose.name.lower()}'s call {conn_id[:32]!r} of yours")
        if call.stage is not Stage.ESTABLISHED or call.moving:
            raise Refused(ErrorCode.WRONG_CALL_STATE, f"{attribute}: the call is {call.stage.value}, not waiting to be moved")
        return call

    def _recognition(self, wanted: KVValue | None) -> Recognition:
        if wanted is None:
            return self._preset
        found = next((level for level in Recognition if level.word == wanted or level == wanted), None)
        if found is None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE,
                          f"Extensions.call_answer_type_recognition: one of {', '.join(level.word for level in Recognition)}")
        return found

    # -- ILineListener --------------------------------------------------------------------------------------------
    def up_changed(self) -> None:
        for clients in self._clients.values():
            for client in clients:
                client.send(self._channels())

    def network_reached(self, line: str) -> None:
        call = self._lines.get(line)
        if call is not None and call.stage is Stage.DIALING:
            call.stage = Stage.NETWORK_REACHED
            self._tell(call)

    def answered(self, line: str) -> None:
        call = self._lines.get(line)
        if call is None:
            return
        settings = self._settings[call.recognition]
        if call.purpose is Purpose.AGENT:
            self._establish(call, None)
        else:
            call.stage = Stage.ANSWERED
            self._tell(call)
            if settings is None:
                self._establish(call, UNANALYSED)
                return
            call.detector = AnswerDetector(settings)
            if call.guard_s:
                call.timer = self._clock.callLater(call.guard_s, self._establish, call, OUT_OF_TIME)

    def heard(self, line: str, sound: Sound, seconds: float) -> None:
        call = self._lines.get(line)
        if call is not None and call.detector is not None:
            verdict = call.detector.hear(sound, seconds)
            if verdict is not None:
                self._establish(call, verdict)

    def over(self, line: str, call_state: CallState) -> None:
        call = self._lines.get(line)
        if call is None:
            return
        if call.purpose is Purpose.CUSTOMER and call.stage in (Stage.ANSWERED, Stage.ESTABLISHED):
            self._end(call, CallStatus.ABANDONED, CallState.ABANDONED)
        else:
            call.answer_type = answer_type_of(call_state)
            self._end(call, CallStatus.RELEASED, call_state)

    # -- what happens ---------------------------------------------------------------------------------------------
    def _establish(self, call: Call, verdict: Verdict | None) -> None:
        call.stop()
        call.stage = Stage.ESTABLISHED
        if verdict is not None:
            call.answer_type, call.call_state = verdict.answer, verdict.call_state
            self.log.debug("call {conn_id} is {answer}: {cause}", conn_id=call.conn_id, answer=verdict.answer.name,
                           cause=verdict.cause)
        wait_s = self._options.unmoved_s if call.purpose is Purpose.CUSTOMER else self._options.engaged_limit_s
        call.timer = self._clock.callLater(wait_s, self._unmoved, call)
        self._tell(call)

    def _unmoved(self, call: Call) -> None:
        self.log.warn("call {conn_id} is released: nobody said where it goes", conn_id=call.conn_id)
        self._end(call, CallStatus.RELEASED, CallState.DROPPED, hang_up=True)

    def _end(self, call: Call, status: CallStatus, call_state: CallState, hang_up: bool = False) -> None:
        if self._forget(call):
            call.stage, call.call_state = Stage.RELEASED, call_state
            if hang_up:
                self._driver.release(call.line)
            self._tell(call, status)

    def _forget(self, call: Call) -> bool:
        call.stop()
        self._calls.pop(call.conn_id, None)
        return self._lines.pop(call.line, None) is not None

    def _tell(self, call: Call, status: CallStatus = CallStatus.NO_STATUS) -> None:
        if not call.conn_id:
            return          # its request is answered with an error
        microseconds = int(self._clock.wall() * 1_000_000)
        message = Message("EventCallProgress", 0, {
            "ConnID": call.conn_id, "Stage": call.stage.value, "CallStatus": int(status), "CallState": int(call.call_state),
            "AnswerType": int(call.answer_type), "OtherDN": call.other_dn, "UserData": call.user_data,
            "TimeinSecs": microseconds // 1_000_000, "TimeinuSecs": microseconds % 1_000_000})
        for client in self._clients.get(call.application, ()):
            client.send(message)

    def _channels(self) -> Message:
        return Message("EventChannelsUpdated", 0, {
            "TotalChannels": self._options.number if self._driver.up else 0, "FreeChannels": self.free})


def _guard_s(wanted: KVValue | None) -> float:
    """call_timeguard_timeout, milliseconds; 0 = off."""
    if wanted is None:
        return 0.0
    if not isinstance(wanted, int) or not 0 <= wanted <= _LONGEST_GUARD_MS:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Extensions.call_timeguard_timeout: 0 to {_LONGEST_GUARD_MS} milliseconds")
    return wanted / 1_000


def _named(failure: Failure) -> Failure:
    """A request whose outcome nobody knows is answered with the code for it."""
    if failure.check(RequestFailed) is not None and failure.check(Refused) is None:
        return Failure(Refused(ErrorCode.TIMEOUT, failure.getErrorMessage()))
    return failure
