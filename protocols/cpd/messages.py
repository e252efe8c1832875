"""Messages of the CPD Server protocol: a client has calls placed, hears how they go and what answered, and has them moved.

Enumerations and names of events are the public ones of the CPD Server's client library; requests are ours. Call results travel
as CallState, as with a T-Server. Source: docs/wire.md, section 16.
"""
from __future__ import annotations

from enum import Enum, IntEnum

from protocols.message import Vocabulary

__all__ = ["AnswerType", "CallStatus", "Recognition", "Stage", "TransferType", "VOCABULARY"]


class AnswerType(IntEnum):
    """Attribute AnswerType: what was detected."""
    UNKNOWN = 0
    VOICE = 1
    BUSY = 2
    NO_ANSWER = 3
    SIT = 4
    FAX = 5
    MODEM = 6
    ANSWERING_MACHINE = 7


class Recognition(IntEnum):
    """How much is analysed; the word is the value of `call_answer_type_recognition`."""
    NO_PROGRESS_DETECTION = 0
    NO_AM_DETECTION = 1
    POSITIVE_AM_DETECTION = 2
    FULL_POSITIVE_AM_DETECTION = 3
    TELEPHONY_PRESET = 4
    ACCURATE_AM_DETECTION = 5

    @property
    def word(self) -> str:
        """As in options and Extensions."""
        return self.name.lower()


class CallStatus(IntEnum):
    """Attribute CallStatus: how the CPD Server's part in a call ended."""
    NO_STATUS = 0       # it has not
    TRANSFERRED = 1
    DROPPED = 2
    ABANDONED = 3
    RELEASED = 4
    DIAL_ERROR = 5


class TransferType(IntEnum):
    """Attribute TransferType."""
    ONE_STEP = 0
    TWO_STEP = 1


class Stage(Enum):
    """Attribute Stage of EventCallProgress: how far the call has come."""
    DIALING = "dialing"
    NETWORK_REACHED = "network-reached"
    ANSWERED = "answered"           # something picked up; what it is follows
    ESTABLISHED = "established"     # classified, or an agent is on an engaging call
    RELEASED = "released"           # CallStatus and CallState say how


VOCABULARY = Vocabulary(
    "CPD Server",
    {"RequestMakePredictiveCall": ("OtherDN",),
     "RequestEngageAgent": ("OtherDN",),
     "RequestTransferCall": ("ConnID", "OtherDN"),
     "RequestConnectCalls": ("ConnID", "EngagingConnID"),
     "RequestReleaseCall": ("ConnID",),
     "RequestQueryChannels": (),
     "RequestQueryCalls": ()},
    {**dict.fromkeys(("ConnID", "EngagingConnID", "OtherDN", "Stage"), str),
     **dict.fromkeys(("AnswerType", "CallState", "CallStatus", "TransferType", "TotalChannels", "FreeChannels"), int),
     "Timeout": (int, float)})
