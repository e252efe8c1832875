"""What either side of a connection may say now; octets in, messages and octets out; no sockets, no clock, whatever the codec.

The client opens with RequestRegisterClient; until it is granted nothing else may be asked. Ping and Pong are legal at any
time and never leave this module. Reference ids are counted here. Source: docs/wire.md, sections 4 and 5.
"""
from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import Any, Mapping

from protocols.attributes import Limits
from protocols.codec import MESSAGE_PACK, Codec
from protocols.errors import LocalProtocolError
from protocols.framing import DEFAULT_FRAME_LIMIT
from protocols.keepalive import KeepAlive
from protocols.message import PROTOCOL_VERSION, ErrorCode, Message

__all__ = ["ClientConversation", "LoginState", "ServerConversation"]


class LoginState(Enum):
    """How far the registration of the client has come."""
    OPENING = auto()
    GRANTED = auto()
    REFUSED = auto()


class _Conversation:
    """What both sides share: codec, keep-alive, output buffer."""

    def __init__(self, frame_limit: int, limits: Limits, keep_alive: KeepAlive, codec: Codec) -> None:
        self.state = LoginState.OPENING
        self._codec, self._decoder = codec, codec.decoder(frame_limit, limits)
        self._frame_limit, self._keep_alive = frame_limit, keep_alive
        self._output: deque[bytes] = deque()
        self._pings = 0

    @property
    def tick_s(self) -> float:
        """How often the owner should call `tick`, seconds; 0 if never."""
        return self._keep_alive.interval_s / 2

    def receive(self, data: bytes, now: float) -> None:
        """Take octets that arrived at `now` (monotonic seconds)."""
        self._keep_alive.heard(now)
        self._decoder.receive(data)

    def tick(self, now: float) -> None:
        """Let time pass: may put a Ping into the output; LinkLost when the peer has been silent too long."""
        if self._keep_alive.due(now):
            self._pings += 1
            self.send(Message("Ping", self._pings))

    def send(self, message: Message) -> None:
        """Put one message into the output."""
        self._output.append(self._codec.encode(message, self._frame_limit))

    def output(self) -> bytes:
        """Everything to be written to the transport now."""
        return b"".join(self.outputs())

    def outputs(self) -> list[bytes]:
        """The same message by message, for a transport that keeps their boundaries."""
        units = list(self._output)
        self._output.clear()
        return units

    def writes(self) -> list[bytes]:
        """The same as pieces, each of which is to be written by itself: whole, unless the codec keeps messages apart."""
        if self._codec.separate or len(self._output) < 2:
            return self.outputs()
        return [self.output()]

    def next_message(self) -> Message | None:
        """The next message that concerns the owner; None until more octets arrive; RemoteProtocolError for junk."""
        while (message := self._decoder.next_message()) is not None:
            if message.name == "Ping":
                self.send(Message("Pong", message.reference_id))
            elif message.name != "Pong":
                return message
        return None


class ClientConversation(_Conversation):
    """The side of a client: OCS, a desktop, a third party."""

    def __init__(self, application_name: str, application_password: str = "", *,
                 frame_limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = Limits(),
                 keep_alive: KeepAlive | None = None, codec: Codec = MESSAGE_PACK) -> None:
        super().__init__(frame_limit, limits, keep_alive or KeepAlive(), codec)
        self._login = {"ApplicationName": application_name, "ApplicationPassword": application_password,
                       "ProtocolVersion": PROTOCOL_VERSION}
        self._reference_id = 0

    def open(self, now: float) -> None:
        """The transport is there: register."""
        self._keep_alive.heard(now)
        self._login_id = self._request("RequestRegisterClient", self._login)

    def request(self, name: str, attributes: Mapping[str, Any]) -> int:
        """Put a request into the output and return its reference id; LocalProtocolError before the login is granted."""
        if self.state is not LoginState.GRANTED:
            raise LocalProtocolError(f"{name} before the login is granted")
        return self._request(name, attributes)

    def _request(self, name: str, attributes: Mapping[str, Any]) -> int:
        self._reference_id += 1
        self.send(Message(name, self._reference_id, attributes))
        return self._reference_id

    def next_message(self) -> Message | None:
        """As in the base; the answer to the registration also moves `state`."""
        message = super().next_message()
        if message is not None and self.state is LoginState.OPENING and message.reference_id == self._login_id:
            granted = message.name in ("EventLinkConnected", "EventLinkDisconnected")
            self.state = LoginState.GRANTED if granted else LoginState.REFUSED
        return message


class ServerConversation(_Conversation):
    """The side of a server. The owner decides a registration and calls `grant`; anything earlier is refused here."""

    def __init__(self, *, frame_limit: int = DEFAULT_FRAME_LIMIT, limits: Limits = Limits(),
                 keep_alive: KeepAlive | None = None, codec: Codec = MESSAGE_PACK) -> None:
        super().__init__(frame_limit, limits, keep_alive or KeepAlive(), codec)

    def open(self, now: float) -> None:
        """The transport is there."""
        self._keep_alive.heard(now)

    def tick(self, now: float) -> None:
        """As in the base, but for a client of which it is not known yet what it speaks: it has to register anyhow."""
        if getattr(self._codec, "known", True):
            super().tick(now)

    def grant(self) -> None:
        """The client may use the server from now on."""
        self.state = LoginState.GRANTED

    def refuse(self, request: Message, code: int, text: str) -> None:
        """Answer one request with EventError."""
        self.send(Message("EventError", request.reference_id, {"ErrorCode": int(code), "ErrorMessage": text}))

    def next_message(self) -> Message | None:
        """As in the base; requests before the registration are answered with EventError here."""
        while (message := super().next_message()) is not None:
            if self.state is LoginState.GRANTED or message.name == "RequestRegisterClient":
                return message
            self.refuse(message, ErrorCode.NOT_SUPPORTED, f"{message.name} before RequestRegisterClient")
        return None
