"""The error tree of the wire protocols.

Local means that we broke the rules (a bug here), Remote that the peer did (close the link), Refused that the peer
said no (a result, to be handled). RequestTimedOut and LinkLost leave the outcome unknown: reconcile, never redial blindly.
"""
from __future__ import annotations

__all__ = [
    "ProtocolError",
    "LocalProtocolError",
    "RemoteProtocolError",
    "RequestFailed",
    "RequestRefused",
    "RequestTimedOut",
    "LinkLost",
    "TooManyRequests",
]


class ProtocolError(Exception):
    """Anything that goes wrong between two peers."""


class LocalProtocolError(ProtocolError):
    """This side asked for something that the protocol does not allow; a bug of this side."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow; the connection is to be closed, the text is the reason."""


class RequestFailed(ProtocolError):
    """A request that did not get the answer it was sent for."""


class RequestRefused(RequestFailed):
    """The peer said no: its public error code (int) and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"error {code}: {text}")
        self.code, self.text = code, text


class RequestTimedOut(RequestFailed):
    """No answer within the deadline; whether the peer acted is unknown."""

    def __init__(self, name: str, waited_s: float) -> None:
        super().__init__(f"{name} was not answered within {waited_s:g} s")
        self.name, self.waited_s = name, waited_s


class LinkLost(RequestFailed):
    """The link went away; whether outstanding requests were carried out is unknown."""


class TooManyRequests(RequestFailed):
    """The bound on outstanding requests is reached; nothing was sent."""
