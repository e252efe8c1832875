"""The documents of outbound notification, in both directions; the table of URIs and fields is in docs/gvp.md.

The OCS posts a dial request (`CreateRequest`) and gets an `Answer` at once. The manager posts a `RequestStatus` to the request's
NotificationURL, and gives the same document where it is asked for. Unknown fields are passed over.
Source: reference of the GVP interfaces; the field names follow the public dial request, what has no public name is ours.
"""
from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, TypeVar, Union

import msgspec
from msgspec import Meta, Struct, field

from protocols.errors import RemoteProtocolError

__all__ = ["Answer", "CreateRequest", "PlacedCall", "RequestResult", "RequestStatus", "ResponseType", "decode", "encode"]

Token = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[0-9A-Za-z_-]+$")]
_Text = Annotated[str, Meta(max_length=255)]
_Uri = Annotated[str, Meta(min_length=8, max_length=1_024, pattern="^https?://[!-~]+$")]


class RequestResult(Enum):
    """Where a request stands; the last four are final."""
    QUEUED = "queued"
    DIALING = "dialing"
    CONNECTED = "connected"     # somebody picked up and is led through the application
    SUCCESS = "success"
    FAILED = "failed"           # after the last attempt
    EXPIRED = "expired"         # its time to live was over before the last attempt
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self not in (RequestResult.QUEUED, RequestResult.DIALING, RequestResult.CONNECTED)


class CreateRequest(Struct, frozen=True, kw_only=True):
    """Dial this number, up to MaxAttempts times within TimeToLive seconds. `token` names the request: the same token again is
    the same request. `user_data` goes with the call."""

    token: Token = field(name="Token")
    telnum: Annotated[str, Meta(pattern=r"^\+?[0-9]{1,15}$")] = field(name="Telnum")
    ivr_profile: Annotated[str, Meta(min_length=1, max_length=255)] = field(name="IVRProfileName")
    notification_url: _Uri = field(name="NotificationURL")
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = field(name="MaxAttempts")
    time_to_live_s: Annotated[float, Meta(gt=0, le=604_800)] = field(name="TimeToLive")
    ring_timeout_s: Annotated[float, Meta(ge=1, le=600)] = field(name="RingingTimeout", default=30.0)
    recognition: _Text = field(name="AnswerTypeRecognition", default="")
    user_data: dict[str, Union[str, int]] = field(name="UserData", default_factory=dict)


class ResponseType(Enum):
    """The immediate answer to a request."""
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class Answer(Struct, frozen=True, kw_only=True):
    """What a dial request is answered with at once. `reason_code` is a public error code, 0 for success."""

    response: ResponseType = field(name="ResponseType")
    token: str = field(name="Token", default="")
    request_id: str = field(name="RequestID", default="")
    reason_code: int = field(name="ReasonCode", default=0)
    reason: str = field(name="Reason", default="")


class PlacedCall(Struct, frozen=True, kw_only=True):
    """A call of the switch, by its names there."""

    conn_id: Annotated[str, Meta(max_length=64)] = field(name="ConnID")
    call_uuid: _Text = field(name="CallUUID", default="")


class RequestStatus(Struct, frozen=True, kw_only=True):
    """Where a request stands: notification, and answer to a query. `attempts` counts the calls; dials that the switch refused
    are none. `call_state` is the switch's last word on the last call, `conn_id` and `call_uuid` name it ("" where the switch's
    answer did not come), the times are its epoch seconds; `earlier` are the calls before it, oldest first."""

    token: Token = field(name="Token")
    request_id: _Text = field(name="RequestID")
    result: RequestResult = field(name="Result")
    call_state: Annotated[int, Meta(ge=0, le=255)] = field(name="CallState", default=0)
    attempts: Annotated[int, Meta(ge=0, le=1_000)] = field(name="Attempts", default=0)
    conn_id: Annotated[str, Meta(max_length=64)] = field(name="ConnID", default="")
    call_uuid: _Text = field(name="CallUUID", default="")
    earlier: Annotated[tuple[PlacedCall, ...], Meta(max_length=100)] = field(name="EarlierCalls", default=())
    dialed_at: Union[float, None] = field(name="DialedAt", default=None)
    answered_at: Union[float, None] = field(name="AnsweredAt", default=None)
    ended_at: Union[float, None] = field(name="EndedAt", default=None)


Document = TypeVar("Document", CreateRequest, Answer, RequestStatus)


def encode(document: Any) -> bytes:
    """A document as JSON in UTF-8."""
    return msgspec.json.encode(document)


def decode(body: bytes, kind: type[Document]) -> Document:
    """The document in a body; RemoteProtocolError names the field that does not fit."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"{kind.__name__}: {error}") from None
