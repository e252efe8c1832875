"""The line driver on a T-Server: calls are placed from a trunk group, what is heard on them comes with EventEstablished.

That is how a CPD Server works on the simulated network. Of a call that is answered, the T-Server gives the sounds of the line as
stretches (`line-audio`); they are played here in their own time, so the listening takes as long as it does on a real line.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.servers.cpdserver.detection import Sound
from ocs.servers.cpdserver.driver import ILineDriver
from protocols.attributes import KVList, first
from protocols.client import IClientListener
from protocols.errors import LinkLost, RequestRefused
from protocols.message import ErrorCode, Message, Refused
from protocols.tserver.messages import CallState

__all__ = ["TServerLines"]

_CHUNK_S = 0.1      # what is heard is told at least so often
_UNANALYSED = ("call_answer_type_recognition", "no_progress_detection")     # we listen ourselves


@dataclass(eq=False)
class _Line:
    """A call from the trunk group."""

    name: str
    conn_id: str = ""
    answered: bool = False
    sounds: Iterator[tuple[Sound, float]] = field(default_factory=lambda: iter(()))
    playing: IDelayedCall | None = None

    def hush(self) -> None:
        """Nothing more is heard on it."""
        if self.playing is not None and self.playing.active():
            self.playing.cancel()
        self.playing = None


@implementer(ILineDriver, IClientListener)
class TServerLines:
    """Lines of one trunk group. `clock` is what people wait for; `link(listener)` makes the link to the T-Server."""

    log = Logger()

    def __init__(self, trunk_group: str, clock: IReactorTime, link: Callable[[Any], Any]) -> None:
        self._trunk_group, self._clock = trunk_group, clock
        self._link = link(self)
        self._listener: Any = None
        self._lines: dict[str, _Line] = {}
        self._by_conn: dict[str, _Line] = {}
        self.up = False

    def start(self, listener: object) -> None:
        self._listener = listener
        self._link.startService()

    def stop(self) -> Deferred[None]:
        for line in list(self._lines.values()):
            self._forget(line)
        stopped: Deferred[None] = self._link.stopService() if self._link.running else succeed(None)
        return stopped

    # -- ILineDriver ----------------------------------------------------------------------------------------------
    def call(self, line: str, number: str, ring_timeout_s: float, user_data: KVList, extensions: KVList) -> Deferred[str]:
        others = tuple(pair for pair in extensions if pair[0] != _UNANALYSED[0])
        return self._place(line, {"OtherDN": number, "Timeout": ring_timeout_s, "UserData": user_data,
                                  "Extensions": (*others, _UNANALYSED)})

    def engage(self, line: str, destination: str, user_data: KVList) -> Deferred[str]:
        return self._place(line, {"OtherDN": destination, "UserData": user_data})

    def transfer(self, line: str, destination: str, two_step: bool) -> Deferred[None]:
        return Deferred.fromCoroutine(self._transfer(line, destination, two_step)).addErrback(_as_refused)

    def connect(self, line: str, engaged: str) -> Deferred[None]:
        one, other = self._find(line), self._find(engaged)
        asked = self._ask("RequestMergeCalls", ConnID=other.conn_id, TransferConnID=one.conn_id)
        return asked.addCallback(lambda _: self._forget(one, other)).addErrback(_as_refused)

    def release(self, line: str) -> None:
        known = self._lines.get(line)
        if known is None:
            return
        self._forget(known)
        if known.conn_id:
            self._hang_up(known.conn_id)

    def _place(self, name: str, attributes: dict[str, Any]) -> Deferred[str]:
        line = self._lines[name] = _Line(name)
        asked: Deferred[Any] = self._ask("RequestMakeCall", **attributes)
        return asked.addCallbacks(lambda answer: self._placed(line, answer), lambda failure: self._not_placed(line, failure))

    def _placed(self, line: _Line, answer: Message) -> str:
        conn_id: str = answer.attributes["ConnID"]
        if self._lines.get(line.name) is not line:      # released meanwhile
            self._hang_up(conn_id)
        else:
            line.conn_id = conn_id
            self._by_conn[conn_id] = line
        return conn_id

    def _not_placed(self, line: _Line, failure: Failure) -> Failure:
        self._forget(line)
        return _as_refused(failure)

    async def _transfer(self, name: str, destination: str, two_step: bool) -> None:
        line = self._find(name)
        if not two_step:
            await self._ask("RequestSingleStepTransfer", ConnID=line.conn_id, OtherDN=destination)
        else:
            consult = await self._ask("RequestInitiateTransfer", ConnID=line.conn_id, OtherDN=destination)
            other = consult.attributes["ConnID"]
            try:
                await self._ask("RequestCompleteTransfer", ConnID=line.conn_id, TransferConnID=other)
            except RequestRefused:
                self._hang_up(other)
                raise
        self._forget(line)

    def _find(self, name: str) -> _Line:
        line = self._lines.get(name)
        if line is None or not line.conn_id:
            raise Refused(ErrorCode.BAD_CONN_ID, "ConnID: the call is over")
        return line

    def _ask(self, name: str, **attributes: Any) -> Deferred[Message]:
        asked: Deferred[Message] = self._link.request(name, {"ThisDN": self._trunk_group, **attributes})
        return asked

    def _hang_up(self, conn_id: str) -> None:
        self._ask("RequestReleaseCall", ConnID=conn_id).addErrback(
            lambda failure: self.log.info("release of {conn_id}: {reason}", conn_id=conn_id, reason=failure.getErrorMessage()))

    def _forget(self, *lines: _Line) -> None:
        for line in lines:
            line.hush()
            self._lines.pop(line.name, None)
            self._by_conn.pop(line.conn_id, None)

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: Any, answer: Message) -> None:
        watching = client.request("RequestRegisterAddress", {"ThisDN": self._trunk_group})
        watching.addCallbacks(lambda answer: self._watched(client, answer), lambda failure: self._unwatched(client, failure))

    def refused(self, client: Any, error: RequestRefused) -> None:
        self.log.error("the T-Server refuses the log-in: {reason}", reason=str(error))

    def lost(self, client: Any, reason: str) -> None:
        if self.up:
            self.up = False
            self._listener.up_changed()

    def event(self, client: Any, message: Message) -> None:
        line = self._by_conn.get(message.get("ConnID", ""))
        if line is None or message.get("ThisDN") != self._trunk_group:
            return
        if message.name == "EventNetworkReached":
            self._listener.network_reached(line.name)
        elif message.name == "EventEstablished" and not line.answered:
            line.answered, line.sounds = True, _sounds(message.extensions)
            self._listener.answered(line.name)
            self._play(line)
        elif message.name == "EventReleased" and message.get("CallState") != CallState.TRANSFERRED:
            self._over(line, message.get("CallState", 0))

    def _watched(self, client: Any, answer: Message) -> None:
        """Of the calls that we had, those that the switch no longer has ended unseen."""
        there = {value for key, value in answer.extensions if key.startswith("conn-")}
        pages = -(-int(first(answer.extensions, "calls") or 0) // 300)      # type: ignore[arg-type]
        for line in list(self._by_conn.values()):
            if line.conn_id not in there and pages <= 1:
                self._over(line, CallState.UNKNOWN)
        self.up = True
        self._listener.up_changed()

    def _unwatched(self, client: Any, failure: Failure) -> None:
        if failure.check(LinkLost) is None:
            self.log.error("trunk_group: {dn} cannot be watched: {reason}", dn=self._trunk_group,
                           reason=failure.getErrorMessage())
            client.abort()

    def _over(self, line: _Line, call_state: int) -> None:
        self._forget(line)
        try:
            known = CallState(call_state)
        except ValueError:
            known = CallState.GENERAL_ERROR
        self._listener.over(line.name, known)

    def _play(self, line: _Line) -> None:
        """Let the next chunk of sound pass, then tell of it."""
        following = next(line.sounds, None)
        line.playing = None if following is None else self._clock.callLater(following[1], self._played, line, *following)

    def _played(self, line: _Line, sound: Sound, seconds: float) -> None:
        self._play(line)
        self._listener.heard(line.name, sound, seconds)


def _sounds(extensions: KVList) -> Iterator[tuple[Sound, float]]:
    """The chunks of what is heard."""
    audio = first(extensions, "line-audio")
    for kind, milliseconds in audio if isinstance(audio, tuple) else ():
        if kind not in Sound._value2member_map_ or not isinstance(milliseconds, int):
            continue
        left_s = milliseconds / 1_000
        while left_s > 0:
            yield Sound(kind), min(left_s, _CHUNK_S)
            left_s -= _CHUNK_S


def _as_refused(failure: Failure) -> Failure:
    """What a T-Server refuses, the CPD Server refuses with the same code and text."""
    if isinstance(failure.value, RequestRefused):
        code, text = failure.value.code, failure.value.text
        return Failure(Refused(ErrorCode(code) if code in ErrorCode._value2member_map_ else ErrorCode.UNKNOWN_ERROR, text))
    return failure
