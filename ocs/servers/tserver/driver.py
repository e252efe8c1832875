"""The seam between the T-Server and the switch in front of which it stands.

The server owns everything that happens on its own DNs (queues, routing points, agents' extensions); a driver carries the
legs that leave for the network. A leg is named by the server; the driver reports what becomes of it. A driver knows
nothing of campaigns, agents' states or user data.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from protocols.attributes import KVList
from protocols.tserver.messages import CallState

__all__ = ["CarriedLeg", "ISwitchDriver", "ISwitchDriverListener"]


@dataclass(frozen=True)
class CarriedLeg:
    """A leg as the server of a pair knows it that takes it over: its name, the number called (or calling), and whether it had
    been answered when the other server was last heard of."""

    leg: str
    number: str
    answered: bool


class ISwitchDriver(Interface):
    """Places calls into a network. The listener is told on a later turn, never from within one of these methods."""

    up = Attribute("bool: True while the switch can be reached; changes are reported by `link_up` and `link_down`.")
    lines = Attribute("int: how many calls into the network there can be at a time; 0 = not known.")

    survives = Attribute("bool: calls in the network go on when this process ends, and another one can take them over.")

    def start(listener: object) -> Deferred[None]:
        """Connect; from now on tell `listener` (ISwitchDriverListener). Fires when ready; fails if the driver's
        configuration cannot work. A switch that is merely away is not a failure: `up` is False until it comes."""

    def stop() -> Deferred[None]:
        """Release what is left and disconnect; nothing is told any more. Fires always."""

    def take_over(legs: Sequence[CarriedLeg]) -> None:
        """Carry these legs from now on, which the driver of the other server of a pair has placed; called once, after `start`.
        What became of them meanwhile is reported as ever: `answered` for one that was not answered then, `failed` or
        `remote_released` for those that are not there any more, all of them where the driver does not survive."""

    def let_go() -> Deferred[None]:
        """The other server of the pair carries the legs from now on: forget them without a release, and disconnect; nothing is
        told any more. `start` may follow. Fires always. Never called where the driver does not survive."""

    def place(leg: str, destination: str, ring_timeout_s: float, origin: str, extensions: KVList) -> None:
        """Call `destination` (E.164) on behalf of the DN `origin`.

        The leg ends in exactly one of `failed` and `remote_released`, or by `release`. An unanswered one fails with
        CallState.NO_ANSWER after `ring_timeout_s` seconds of ringing. `extensions` are those of the request: caller's
        number, depth of the call progress detection (`call_answer_type_recognition`)."""

    def release(leg: str) -> None:
        """Hang up; nothing is told of this leg any more. A leg that is not there is ignored."""

    def connected(leg: str, agent_dn: str) -> None:
        """The called party, or the caller, now talks with somebody: the agent at `agent_dn`, or another leg's number; in a
        conference the first of those who are there."""

    def audio(leg: str) -> KVList:
        """What is heard on a leg from its answer on, as pairs of a kind of sound and milliseconds, for a CPD Server that listens;
        empty where the sound itself goes over the line."""

    def play(leg: str, prompt: str, seconds: float) -> None:
        """Play a prompt to the called party, who has answered; `media_done` tells when it is over. `seconds` is how long it
        takes where the driver does not know the prompt's length. What played or was listened for before stops."""

    def collect(leg: str, offered: str, maximum: int, timeout_s: float) -> None:
        """Listen for at most `maximum` digits of the called party; `digits` tells what came within `timeout_s` seconds.
        `offered` are the digits that the prompt told of, "" for none in particular."""

    def silence(leg: str) -> None:
        """Stop what plays and listen no more; nothing is told of it any more."""

    def held(leg: str) -> None:
        """The other side put this leg on hold; in a conference everybody else has."""

    def retrieved(leg: str) -> None:
        """The other side took this leg off hold."""


class ISwitchDriverListener(Interface):
    """What a driver reports. Reports of legs that are not there (any more) are ignored."""

    def link_up() -> None:
        """The switch can be reached again."""

    def link_down(reason: str) -> None:
        """The switch is lost. Legs that did not survive are reported with `failed` or `remote_released`."""

    def arrived(leg: str, caller: str, destination: str) -> None:
        """Somebody in the network calls one of our DNs: `caller` E.164, "" where it is not shown. The driver names the leg;
        no name may begin with 16 hex digits, as the server's do. It ends as any other leg, or by `release` at once where the
        call cannot be taken."""

    def network_reached(leg: str) -> None:
        """The call left for the network."""

    def ringing(leg: str) -> None:
        """The called party's telephone rings."""

    def picked_up(leg: str) -> None:
        """Something answered; what it is follows with `answered`. A driver that detects nothing may leave this out."""

    def answered(leg: str, call_state: CallState) -> None:
        """Something answered and is classified: OK a person, ANSWERING_MACHINE_DETECTED, FAX_DETECTED, SILENCE ..."""

    def failed(leg: str, call_state: CallState) -> None:
        """The call came to nothing before it was answered: BUSY, NO_ANSWER, a SIT kind, ALL_TRUNKS_BUSY ..."""

    def remote_released(leg: str) -> None:
        """The called party hung up."""

    def media_done(leg: str) -> None:
        """What was to be played has been."""

    def digits(leg: str, digits: str) -> None:
        """What the called party pressed while it was listened for; "" where nothing came in time."""
