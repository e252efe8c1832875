"""Several T-Servers as one `ISwitchLink`: whatever names a DN goes to the link of its switch.

The DNs of the first switch have no name behind them; `7001@east` is 7001 of the switch `east`. ConnIDs of two switches may be
the same, so a call of `east` is `69b0470800000001@east` for everybody but its own link. Calls stay on their switch: to move one
to another is refused as the switch itself refuses a DN that it does not know.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from zope.interface import implementer

from ocs.dialing.agent import AgentEvent
from ocs.dialing.call import CallEvent
from ocs.interfaces import IDeskLine, ISwitchLink, ISwitchListener
from ocs.links.switch import SwitchLink
from protocols.attributes import KVList
from protocols.errors import RequestRefused
from protocols.message import ErrorCode, Message

__all__ = ["Switches", "local", "switch_name"]


_DNS = ("OtherDN", "ThisQueue")         # what a desktop may write with the name of its own switch


def switch_name(dn: str) -> str:
    """The switch that a DN, or ConnID, is of; "" for the first one."""
    return dn.partition("@")[2]


def local(dn: str) -> str:
    """A DN, or ConnID, as its own switch knows it."""
    return dn.partition("@")[0]


@implementer(ISwitchLink, IDeskLine)
class Switches:
    """The links by the names of their switches; "" is the first one and must be there."""

    log = Logger()

    def __init__(self, links: Mapping[str, SwitchLink]) -> None:
        self.links = dict(links)
        self._listeners: list[Any] = []
        for name, link in self.links.items():
            link.add_listener(_Side(name, self._tell))

    # -- ISwitchLink ----------------------------------------------------------------------------------------------
    @property
    def up(self) -> bool:
        """True while any link is."""
        return any(link.up for link in self.links.values())

    def switch_of(self, dn: str) -> str:
        return switch_name(dn)

    def away(self, dns: Sequence[str]) -> str:
        wanting = [link.away(()) for link in self._of(dns)]
        return "" if "" in wanting else wanting[0] if wanting else "there is no such switch"

    def resources(self, dn: str) -> tuple[int, int]:
        link = self.links.get(switch_name(dn))
        return (0, 0) if link is None else link.resources(local(dn))

    def add_listener(self, listener: object) -> None:
        self._listeners.append(listener)

    def watch(self, dns: Sequence[str]) -> None:
        for name, link in self.links.items():
            own = [local(dn) for dn in dns if switch_name(dn) == name]
            if own:
                link.watch(own)
        for dn in dns:
            if switch_name(dn) not in self.links:
                self.log.error("DN {dn}: there is no switch {switch}", dn=dn, switch=switch_name(dn))

    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        return self._named(origin_dn, self._ask("make_predictive_call", origin_dn, destination, ring_timeout_s, user_data,
                                                extensions))

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        return self._named(origin_dn, self._ask("make_call", origin_dn, destination, user_data, to=destination))

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        return self._ask("release_call", dn, local(conn_id))

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        return self._ask("transfer_call", dn, local(conn_id), destination_dn, two_step, to=destination_dn)

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return self._ask("merge_calls", dn, local(conn_id), local(other_conn_id))

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        return self._ask("apply_treatment", dn, local(conn_id), treatment_type, parameters)

    def distribute_user_event(self, dn: str, user_data: KVList) -> Deferred[None]:
        return self._ask("distribute_user_event", dn, user_data)

    def follow_user_events(self, dn: str, listener: Callable[[KVList, str], None]) -> None:
        link = self.links.get(switch_name(dn))
        if link is None:
            self.log.error("DN {dn}: there is no switch {switch}", dn=dn, switch=switch_name(dn))
        else:
            link.follow_user_events(local(dn), listener)

    # -- IDeskLine ------------------------------------------------------------------------------------------------
    def ask(self, dn: str, name: str, attributes: Mapping[str, Any]) -> Deferred[Message]:
        switch = switch_name(dn)
        own = {key: local(value) if key in _DNS and isinstance(value, str) and switch_name(value) == switch else value
               for key, value in attributes.items()} if switch else attributes
        return self._ask("ask", dn, name, own).addCallback(_at, dn)

    def follow(self, dn: str, told: Callable[[Message], None] | None) -> None:
        link = self.links.get(switch_name(dn))
        if link is not None:
            link.follow(local(dn), None if told is None else lambda message: told(_at(message, dn)))

    def _of(self, dns: Sequence[str]) -> Iterable[SwitchLink]:
        names = dict.fromkeys(map(switch_name, dns)) if dns else self.links
        return [self.links[name] for name in names if name in self.links]

    def _ask(self, method: str, dn: str, *args: Any, to: str = "") -> Deferred[Any]:
        """Ask the link of the DN's switch; `to` is one of the arguments, a DN that must be of the same switch, or a number."""
        name = switch_name(dn)
        link = self.links.get(name)
        if link is None:
            return fail(RequestRefused(int(ErrorCode.NOT_CONFIGURED), f"ThisDN: there is no switch {name!r}"))
        if to and not to.startswith("+") and switch_name(to) != name:
            return fail(RequestRefused(int(ErrorCode.BAD_CALLED_DN), f"OtherDN: {to} is not of the switch of {dn}"))
        asked: Deferred[Any] = getattr(link, method)(local(dn), *(local(one) if one is to and to else one for one in args))
        return asked

    @staticmethod
    def _named(dn: str, asked: Deferred[str]) -> Deferred[str]:
        return asked.addCallback(lambda conn_id: _with(conn_id, switch_name(dn)))

    def _tell(self, method: str, *args: Any) -> None:
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of {method}", listener=listener, method=method):
                getattr(listener, method)(*args)


def _with(name: str, switch: str) -> str:
    """A DN or ConnID of a switch as everybody else knows it; numbers are of no switch."""
    return f"{name}@{switch}" if name and switch and not name.startswith("+") else name


def _at(message: Message, dn: str) -> Message:
    """A message of the DN's own switch, with the DN as everybody else knows it; all else in it is as the switch has it."""
    if message.get("ThisDN") != local(dn) or local(dn) == dn:
        return message
    return replace(message, attributes={**message.attributes, "ThisDN": dn})


@implementer(ISwitchListener)
class _Side:
    """The listener of one link: passes on what it hears, under the names that everybody knows."""

    def __init__(self, switch: str, tell: Any) -> None:
        self._switch, self._tell = switch, tell

    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        self._tell("switch_up", {_with(conn_id, self._switch): guid for conn_id, guid in guids.items()}, self._switch)

    def switch_down(self, reason: str, switch: str = "") -> None:
        self._tell("switch_down", reason, self._switch)

    def call_event(self, event: Any) -> None:
        told: CallEvent = event
        name = self._switch
        self._tell("call_event", replace(
            told, dn=_with(told.dn, name), conn_id=_with(told.conn_id, name), other_dn=_with(told.other_dn, name),
            previous_conn_id=_with(told.previous_conn_id, name)) if name else told)

    def agent_event(self, event: Any) -> None:
        told: AgentEvent = event
        name = self._switch
        self._tell("agent_event", replace(told, dn=_with(told.dn, name), conn_id=_with(told.conn_id, name)) if name else told)

    def user_event(self, dn: str, user_data: KVList) -> None:
        self._tell("user_event", _with(dn, self._switch), user_data)
