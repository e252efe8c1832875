"""The calls of the CPD Server: what each is for, how far it has come, whose it is, and the numbers of channels they take."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from twisted.internet.interfaces import IDelayedCall

from ocs.servers.cpdserver.detection import AnswerDetector
from protocols.attributes import KVList
from protocols.cpd.messages import AnswerType, Recognition, Stage
from protocols.tserver.messages import CallState

__all__ = ["Call", "Purpose", "answer_type_of"]


class Purpose(Enum):
    """Whom a call is to."""
    CUSTOMER = auto()
    AGENT = auto()          # an engaging call


@dataclass(eq=False)
class Call:
    """One call on one channel. `application` is the client's name: a client that comes back finds its calls."""

    line: str
    purpose: Purpose
    application: str
    other_dn: str
    user_data: KVList
    recognition: Recognition = Recognition.TELEPHONY_PRESET
    guard_s: float = 0.0                    # from the answer to the verdict, at most; 0 = no limit
    conn_id: str = ""
    stage: Stage = Stage.DIALING
    answer_type: AnswerType = AnswerType.UNKNOWN
    call_state: CallState = CallState.OK
    detector: AnswerDetector | None = None
    timer: IDelayedCall | None = None       # call_timeguard_timeout, or how long a classified call may wait to be moved
    moving: bool = False                    # a transfer or connection is under way

    def stop(self) -> None:
        """No timer any more, and nothing to listen for."""
        self.detector = None
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


_ANSWER_TYPES = {CallState.BUSY: AnswerType.BUSY, CallState.NO_ANSWER: AnswerType.NO_ANSWER,
                 CallState.SIT_DETECTED: AnswerType.SIT, **dict.fromkeys(
                     (CallState.SIT_INVALID_NUMBER, CallState.SIT_VACANT, CallState.SIT_INTERCEPT, CallState.SIT_UNKNOWN,
                      CallState.SIT_NO_CIRCUIT, CallState.SIT_REORDER), AnswerType.SIT)}


def answer_type_of(call_state: CallState) -> AnswerType:
    """What the network said of a call that nobody answered."""
    return _ANSWER_TYPES.get(call_state, AnswerType.UNKNOWN)
