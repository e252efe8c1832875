"""The seam between the CPD Server and the lines on which it calls.

The server names a line when it places a call; the driver reports what becomes of it. Nothing is told from within one of the
driver's methods. A driver knows lines and sounds, not campaigns.
"""
from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ocs.servers.cpdserver.detection import Sound
from protocols.attributes import KVList
from protocols.tserver.messages import CallState

__all__ = ["ILineDriver", "ILineListener"]


class ILineDriver(Interface):
    """Calls on lines. Deferreds fail with `protocols.message.Refused` where the switch says no, with LinkLost or
    RequestTimedOut where nobody knows."""

    up = Attribute("bool: calls can be placed.")

    def start(listener: object) -> None:
        """Begin to connect; from now on tell `listener` (ILineListener)."""

    def stop() -> Deferred[None]:
        """Disconnect; nothing is told any more. Fires always."""

    def call(line: str, number: str, ring_timeout_s: float, user_data: KVList, extensions: KVList) -> Deferred[str]:
        """Call an E.164 number; fires with the ConnID when the switch dials. The line ends with `over`, or by `release`, or
        by a `transfer` or `connect` that succeeds."""

    def engage(line: str, destination: str, user_data: KVList) -> Deferred[str]:
        """Call an agent by way of a DN of the switch; as `call`. `answered` tells when the agent is there."""

    def transfer(line: str, destination: str, two_step: bool) -> Deferred[None]:
        """Send the call on the line to a DN; fires when it is gone from the line."""

    def connect(line: str, engaged: str) -> Deferred[None]:
        """Join the far ends of two lines; fires when both lines are free."""

    def release(line: str) -> None:
        """Hang up; nothing is told of this line any more."""


class ILineListener(Interface):
    """What a driver reports. Reports of lines that are not there (any more) are ignored."""

    def up_changed() -> None:
        """Calls can be placed again, or no longer."""

    def network_reached(line: str) -> None:
        """The call left for the network."""

    def answered(line: str) -> None:
        """Something picked up; what is heard follows."""

    def heard(line: str, sound: Sound, seconds: float) -> None:
        """A stretch of one kind of sound, since the stretch before; at least ten times a second."""

    def over(line: str, call_state: CallState) -> None:
        """The far end is not reached, or hung up."""
