"""Seams to whatever places calls: T-Server, CPD Server, Outbound Notification Manager; and who follows it."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from protocols.attributes import KVList

__all__ = ["ICallControl", "IDeskLine", "IObnLink", "ISwitchLink", "ISwitchListener"]


class ICallControl(Interface):
    """Placing calls and moving them. Requests fail with the errors of `protocols.errors`: RequestRefused (its public code and
    text), RequestTimedOut or LinkLost (outcome unknown). Each Deferred fires exactly once. A T-Server does it, or a CPD Server,
    for which a DN is only the name under which its events are told."""

    up = Attribute("bool: True from a granted login until the link is lost.")

    def make_predictive_call(origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        """Dial `destination` (E.164) on behalf of `origin_dn`; fires with the ConnID when the switch reports dialing."""

    def make_call(origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        """Call `destination` from `origin_dn`, as to engage an agent; fires with the ConnID when the switch reports dialing."""

    def release_call(dn: str, conn_id: str) -> Deferred[None]:
        """Hang up at `dn`."""

    def transfer_call(dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        """Move the call from `dn` to `destination_dn`: at once, or with a consult call that is completed at once, so that
        a call whose transfer fails is where it was."""

    def merge_calls(dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        """Join the far ends of two calls that `dn` has; it leaves both."""

    def apply_treatment(dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        """Give the party of a call that waits at `dn` something to hear; fires when it begins."""


class ISwitchLink(ICallControl):
    """Call control on one switch, or on several, and what happens there. A DN of another switch than the first one is written
    with the switch's name, `7001@east`; so is the ConnID of a call there, which means that the two never mix up."""

    def switch_of(dn: str) -> str:
        """The name of the switch that has the DN; "" is the first one."""

    def away(dns: Sequence[str]) -> str:
        """Why nothing can be asked for at any of these DNs now, in words: the links to all of their switches are down; "" where
        one is up. Of no DNs: whether any link is up."""

    def resources(dn: str) -> tuple[int, int]:
        """What the switch tells of a trunk group that is watched: how many calls into the network, and treatments (IVR ports),
        there can be at a time; 0 where it is not known."""

    def watch(dns: Sequence[str]) -> None:
        """Register these DNs, now and after every reconnect; events on them go to the listeners."""

    def add_listener(listener: object) -> None:
        """Tell `listener` (ISwitchListener) from now on."""

    def distribute_user_event(dn: str, user_data: KVList) -> Deferred[None]:
        """Send a user event to every client registered on `dn`."""

    def follow_user_events(dn: str, listener: Callable[[KVList, str], None]) -> None:
        """Watch `dn`; user events on it go to `listener(user_data, sender)`, our own included, and no longer to ISwitchListener.
        `sender` is the name of the application that the switch says sent it, "" where it says nothing."""


class IDeskLine(Interface):
    """What desktops that are connected to this server do at their DNs' switch. A switch link provides it; DNs as in
    ISwitchLink, ConnIDs and all else as the switch itself has them."""

    def ask(dn: str, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        """A request of the T-Server protocol about `dn`. Fires with the answer (a Message); fails with RequestRefused,
        RequestTimedOut or LinkLost."""

    def follow(dn: str, told: Callable[[Any], None] | None) -> None:
        """Call `told(message)` with each event of the DN that is for a desktop, but for answers to what was asked by `ask`; None
        ends it. The DN must be watched."""


class IObnLink(ICallControl):
    """Dial requests to an Outbound Notification Manager. The ConnID of a call is its request's token, the attempt's GUID."""

    def withdraw(token: str) -> None:
        """Cancel a request; a call that is under way goes on to its end. What came of it is told as ever."""

    def resume(token: str, expires_at: float) -> None:
        """Follow a request of an earlier run, which lives until `expires_at` (epoch s); what came of it is told."""


class ISwitchListener(Interface):
    """Who follows a switch. Called in the order of the events."""

    def switch_up(guids: Mapping[str, str], switch: str = "") -> None:
        """The link to the switch of this name is granted and every watched DN there registered; `guids` are the calls in
        progress there: ConnID -> call attempt GUID ("" where a call has none). Whatever was thought to be in progress on
        that switch and is not among them has ended unseen."""

    def switch_down(reason: str, switch: str = "") -> None:
        """The link to that switch is lost; calls go on without us."""

    def call_event(event: object) -> None:
        """A step of a call (one of the events of `ocs.dialing.call`)."""

    def agent_event(event: object) -> None:
        """A step of an agent (`ocs.dialing.agent.AgentEvent`)."""

    def user_event(dn: str, user_data: KVList) -> None:
        """A user event on a watched DN, our own included."""
