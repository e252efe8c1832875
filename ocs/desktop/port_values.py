"""What the desktop port says beside what it passes on: values of its own, and errors in the words of the wire."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from twisted.python.failure import Failure

from protocols.attributes import KVList
from protocols.errors import (
    LinkLost,
    LocalProtocolError,
    RequestFailed,
    RequestRefused,
    RequestTimedOut,
    TooManyRequests,
)
from protocols.message import ErrorCode, Message, Refused
from protocols.tserver.messages import USER_EVENT_NUMBER

__all__ = ["PortLimits", "Prepared", "error_message", "refusal", "user_event"]

_CODES: Mapping[type[Exception], ErrorCode] = {
    RequestTimedOut: ErrorCode.TIMEOUT, LinkLost: ErrorCode.LINK_DOWN, LocalProtocolError: ErrorCode.BAD_ATTRIBUTE,
    TooManyRequests: ErrorCode.TOO_MANY_REQUESTS}


@dataclass(frozen=True)
class PortLimits:
    """How much of one connection is borne, and how long a lost one is waited for (s)."""

    clients: int = 6_000
    requests_per_s: float = 20.0
    burst: int = 60
    outstanding: int = 32
    grace_s: float = 30.0


@dataclass(frozen=True)
class Prepared:
    """What the site has prepared for its agents, for EventDesktopInfo. `dispositions` are (words, call result); `scripts`:
    campaign -> (text, fields of the form)."""

    break_codes: Sequence[str] = ()
    dispositions: Sequence[tuple[str, int]] = ()
    scripts: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)

    def attributes(self, application_id: int) -> dict[str, Any]:
        """Of EventDesktopInfo."""
        return {"ApplicationDBID": application_id, "BreakCodes": list(self.break_codes),
                "Dispositions": [list(one) for one in self.dispositions],
                "Scripts": {campaign: {"Text": text, "Form": list(form)} for campaign, (text, form) in self.scripts.items()}}


def user_event(dn: str, user_data: KVList) -> Message:
    """What the OCS tells the desktop at a DN."""
    return Message("EventUserEvent", 0, {"ThisDN": dn, "UserEvent": USER_EVENT_NUMBER, "UserData": user_data})


def error_message(code: ErrorCode, text: str) -> Message:
    """An EventError that answers nothing: why a connection is closed."""
    return Message("EventError", 0, {"ErrorCode": int(code), "ErrorMessage": text})


def refusal(failure: Failure) -> None:
    """What the switch refuses, or does not answer, is refused here."""
    error = failure.value
    if isinstance(error, RequestRefused):
        raise Refused(error.code, error.text)       # type: ignore[arg-type]    # a code of the T-Server's, known here or not
    if isinstance(error, (RequestFailed, LocalProtocolError)):
        raise Refused(_CODES.get(type(error), ErrorCode.UNKNOWN_ERROR), str(error))
    failure.raiseException()
