"""A switch by command: `ISwitchLink` that records what it is asked, answers as told, and reports what a test says happens."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.agent import AgentEvent, AgentEventKind
from ocs.dialing.call import CallEvent, SwitchEvent
from ocs.interfaces import ISwitchLink
from protocols.attributes import KVList, first
from protocols.desktop.keys import CALL_ATTEMPT_GUID, RECORD_HANDLE
from protocols.errors import LinkLost, RequestFailed, RequestRefused

__all__ = ["Asked", "FakeSwitch"]

BAD_CONN_ID, NOT_CONFIGURED = 56, 59


@dataclass(eq=False)
class Asked:
    """One request to the switch. `answer` fires as the request does; done when it has."""

    name: str
    dn: str
    conn_id: str = ""
    destination: str = ""
    user_data: KVList = ()
    extensions: KVList = ()
    two_step: bool = False
    answer: Deferred[Any] = field(default_factory=Deferred)
    done: bool = False

    @property
    def guid(self) -> str:
        """The call attempt GUID in the user data."""
        return str(first(self.user_data, CALL_ATTEMPT_GUID) or "")


@implementer(ISwitchLink)
class FakeSwitch:
    """Answers each request at once, unless `silent` names it: then the test calls `grant`, `refuse` or lets the link go.

    `calls` are the calls that the switch has: ConnID -> request that made it. `dns` are those it knows; None = all."""

    def __init__(self, clock: IClock, dns: Sequence[str] | None = None) -> None:
        self._clock, self._dns = clock, dns
        self.up = False
        self.down: set[str] = set()         # names of switches that are away, while others are not
        self.lines: dict[str, tuple[int, int]] = {}
        self.watched: list[str] = []
        self.asked: list[Asked] = []
        self.silent: set[str] = set()
        self.calls: dict[str, Asked] = {}
        self._listeners: list[Any] = []
        self._followers: dict[str, Callable[[KVList, str], None]] = {}
        self._numbers = 0

    # -- ISwitchLink ----------------------------------------------------------------------------------------------
    def switch_of(self, dn: str) -> str:
        return dn.partition("@")[2]

    def away(self, dns: Sequence[str]) -> str:
        down = [name for name in map(self.switch_of, dns) if not self.up or name in self.down]
        wanting = len(down) == len(dns) if dns else not self.up
        return f"no link to the T-Server {down[0] if down else ''}".rstrip() if wanting else ""

    def resources(self, dn: str) -> tuple[int, int]:
        return self.lines.get(dn, (0, 0))

    def watch(self, dns: Sequence[str]) -> None:
        self.watched.extend(dn for dn in dns if dn not in self.watched)

    def add_listener(self, listener: object) -> None:
        self._listeners.append(listener)

    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        return self._ask(Asked("make_predictive_call", origin_dn, destination=destination, user_data=user_data,
                               extensions=extensions))

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        return self._ask(Asked("make_call", origin_dn, destination=destination, user_data=user_data))

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return self._ask(Asked("merge_calls", dn, conn_id, other_conn_id))

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        return self._ask(Asked("apply_treatment", dn, conn_id, str(treatment_type), parameters))

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        return self._ask(Asked("release_call", dn, conn_id))

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        return self._ask(Asked("transfer_call", dn, conn_id, destination_dn, two_step=two_step))

    def distribute_user_event(self, dn: str, user_data: KVList) -> Deferred[None]:
        return self._ask(Asked("distribute_user_event", dn, user_data=user_data))

    def follow_user_events(self, dn: str, listener: Callable[[KVList, str], None]) -> None:
        self._followers[dn] = listener
        self.watch([dn])

    def _ask(self, asked: Asked) -> Deferred[Any]:
        if not self.up or self.switch_of(asked.dn) in self.down:
            return fail(LinkLost("no link"))
        self.asked.append(asked)
        if asked.name not in self.silent:
            self.carry_out(asked)
        return asked.answer

    # -- the test's side: requests --------------------------------------------------------------------------------
    def of(self, name: str) -> list[Asked]:
        """The requests of this name, oldest first."""
        return [asked for asked in self.asked if asked.name == name]

    @property
    def dialed(self) -> list[Asked]:
        """The dial requests."""
        return self.of("make_predictive_call")

    @property
    def numbers(self) -> list[str]:
        """The numbers that were to be dialed, in order."""
        return [asked.destination for asked in self.dialed]

    def carry_out(self, asked: Asked) -> None:
        """Do what is asked, and answer."""
        if self._dns is not None and asked.dn not in self._dns:
            self.refuse(asked, NOT_CONFIGURED)
        elif asked.name in ("make_predictive_call", "make_call"):
            self.grant(asked)
        elif asked.name == "distribute_user_event":
            self._answered(asked, None)
            self.user_event(asked.dn, asked.user_data)
        elif asked.conn_id not in self.calls:
            self.refuse(asked, BAD_CONN_ID)
        else:
            self._answered(asked, None)
            if asked.name == "release_call":
                self.over(asked.conn_id, call_state=0)

    def grant(self, asked: Asked, tell: bool = True) -> str:
        """The call of a dial request exists: its ConnID; EventDialing is told unless `tell` is False."""
        self._numbers += 1
        conn_id = f"{self._numbers:016x}"
        asked.conn_id = conn_id
        self.calls[conn_id] = asked
        self._answered(asked, conn_id)
        if tell:
            self.call_event(SwitchEvent.DIALING, conn_id, asked.dn)
        return conn_id

    def refuse(self, asked: Asked, code: int = 54) -> None:
        """EventError."""
        self.fail(asked, RequestRefused(code, "no"))

    def fail(self, asked: Asked, error: RequestFailed) -> None:
        """The request fails like this."""
        asked.done = True
        asked.answer.errback(error)

    def _answered(self, asked: Asked, result: Any) -> None:
        asked.done = True
        asked.answer.callback(result)

    # -- the test's side: what happens ----------------------------------------------------------------------------
    def go_up(self) -> None:
        """The login is granted; listeners hear which calls there are."""
        self.up = True
        self._tell("switch_up", {conn_id: asked.guid for conn_id, asked in self.calls.items()})

    def go_down(self, reason: str = "cut") -> None:
        """The link is lost: what was not answered fails."""
        self.up = False
        for asked in self.asked:
            if not asked.done:
                self.fail(asked, LinkLost(reason))
        self._tell("switch_down", reason)

    def lose(self, switch: str) -> None:
        """The link to one of several switches is lost; the others stay."""
        self.down.add(switch)
        for asked in self.asked:
            if not asked.done and self.switch_of(asked.dn) == switch:
                self.fail(asked, LinkLost("cut"))
        self._tell("switch_down", "cut", switch)

    def regain(self, switch: str) -> None:
        """It is there again."""
        self.down.discard(switch)
        self._tell("switch_up", {conn_id: asked.guid for conn_id, asked in self.calls.items()
                                 if self.switch_of(asked.dn) == switch}, switch)

    def call_event(self, kind: SwitchEvent, conn_id: str, dn: str, call_state: int = 0, other_dn: str = "") -> None:
        """An event of a call, with the user data that the call has."""
        asked = self.calls.get(conn_id)
        user_data = asked.user_data if asked is not None else ()
        handle = first(user_data, RECORD_HANDLE)
        if self.up:
            self._tell("call_event", CallEvent(
                kind, conn_id, dn, call_state, self._clock.wall(), other_dn, asked.guid if asked is not None else "",
                handle if isinstance(handle, int) else 0))

    def agent_calls(self, dn: str, number: str, user_data: KVList) -> str:
        """An agent dials; the ConnID."""
        asked = Asked("agent", dn, destination=number, user_data=user_data)
        self._numbers += 1
        conn_id = f"{self._numbers:016x}"
        self.calls[conn_id] = asked
        self.call_event(SwitchEvent.DIALING, conn_id, dn, other_dn=number)
        self.agent(AgentEventKind.CALL, dn, conn_id=conn_id)
        return conn_id

    def queued(self, conn_id: str) -> None:
        """A person answered and stands in the queue."""
        self.call_event(SwitchEvent.QUEUED, conn_id, self.calls[conn_id].dn)

    def connected(self, conn_id: str, dn: str) -> None:
        """The call rings at the agent, who picks up."""
        asked = self.calls[conn_id]
        if asked.name != "agent":
            self.call_event(SwitchEvent.DIVERTED, conn_id, asked.dn)
            self.agent(AgentEventKind.CALL, dn, conn_id=conn_id)
            self.call_event(SwitchEvent.RINGING, conn_id, dn)
        self.call_event(SwitchEvent.ESTABLISHED, conn_id, dn)
        self.agent(AgentEventKind.CALL, dn, conn_id=conn_id, talking=True)

    def over(self, conn_id: str, dn: str = "", call_state: int = 5) -> None:
        """The call ends: at the agent `dn`, or before it reached one, for the reason that `call_state` names."""
        asked = self.calls[conn_id]
        if not dn and call_state == 6:
            self.call_event(SwitchEvent.DESTINATION_BUSY, conn_id, asked.dn, call_state)
        self.call_event(SwitchEvent.RELEASED, conn_id, dn or asked.dn, call_state)
        self.calls.pop(conn_id, None)
        if dn:
            self.agent(AgentEventKind.CALL_GONE, dn, conn_id=conn_id)

    def agent(self, kind: AgentEventKind, dn: str, agent_id: str = "", conn_id: str = "", talking: bool = False) -> None:
        """An event of an agent."""
        if self.up:
            self._tell("agent_event", AgentEvent(kind, dn, self._clock.wall(), agent_id, conn_id, talking))

    def user_event(self, dn: str, user_data: KVList, sender: str = "") -> None:
        """Somebody distributes a user event; `sender` is who, where the switch tells."""
        if dn in self._followers:
            self._followers[dn](user_data, sender)
        else:
            self._tell("user_event", dn, user_data)

    def _tell(self, method: str, *args: Any) -> None:
        for listener in self._listeners:
            getattr(listener, method)(*args)


def guids(told: Mapping[str, str]) -> list[str]:
    """The GUIDs in what `switch_up` tells."""
    return sorted(guid for guid in told.values() if guid)
