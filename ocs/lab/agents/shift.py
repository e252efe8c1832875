"""An agent's shift: coming to work, choosing what to do next, breaks, going home. Calls and records are `agent`'s.

Timers and answers of a state end with it (`episodes`). A record that was offered but not dialed is always given back when
the link breaks: after that the OCS may have given it to somebody else, and dialing it would call a person twice.
"""
from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ocs.clock import IClock
from ocs.lab.agents.account import AgentBook
from ocs.lab.agents.behaviour import AgentBehaviour, exponential
from ocs.lab.agents.desk import IDesk, IDeskUser
from ocs.lab.agents.episodes import Episodes
from ocs.lab.agents.machine import AgentAction, AgentEvent, AgentState, next_step
from ocs.lab.agents.records import RecordTray, Settlement
from ocs.lab.agents.work import Call, Campaigns, OfferedRecord
from ocs.lab.people import AgentPerson
from ocs.log import debugging
from protocols.attributes import first
from protocols.errors import LinkLost, ProtocolError, RequestRefused
from protocols.tserver.messages import AgentWorkMode, ErrorCode, Message

__all__ = ["BUSY_ON_A_CALL", "Shift"]

BUSY_ON_A_CALL = (AgentState.RINGING, AgentState.TALK, AgentState.DIALING)
_LAST_WORDS_S = 10.0            # real seconds that settling and logging out may take after the deadline of `stop`
_CONNECTED = 0xC                # public PartyState bit, pairs ps-N


class Shift(ABC):
    """What is common to every shift. `clock` is the laboratory's; every draw comes from `rng`."""

    log = Logger()

    def __init__(self, clock: IClock, desk: IDesk, person: AgentPerson, behaviour: AgentBehaviour,
                 rng: random.Random) -> None:
        self.person, self.book = person, AgentBook(clock)
        self.state = AgentState.AWAY
        self._clock, self._desk, self._behaviour, self._rng = clock, desk, behaviour, rng
        self._episodes = Episodes(clock, f"agent {person.login}")
        self._tray = RecordTray(desk, self.book)
        self._settlement = Settlement(clock, desk, self.book, behaviour, rng)
        self._campaigns = Campaigns()
        self._logged_in = self._break_is_due = self._leaving = self._hurry = self._asking = False
        self._refusals = 0                                  # log-ins refused in a row
        self._break_s: float | None = None                  # length of the next break, where it is not left to chance
        self._call: Call | None = None
        self._held: OfferedRecord | None = None             # the record that is looked at
        self._left: Deferred[None] = Deferred()

    def start(self) -> None:
        """Begin the shift."""
        self._desk.start(self._user())

    def stop(self, deadline_s: float = 30.0) -> Deferred[None]:
        """End the shift: finish the call at hand, but hang up after `deadline_s` of the clock's seconds; log out,
        disconnect. Fires when the desk is empty, whatever happened. May be called again."""
        waiter: Deferred[None] = Deferred()
        self._left.addCallback(lambda _: waiter.callback(None))
        if not self._leaving:
            self._leaving = True
            self._episodes.in_shift("hurry", deadline_s, self._hurry_up)
            self._episodes.in_shift("give up", deadline_s + _LAST_WORDS_S * self._clock.speed, self._go_home)
            self._happens(AgentEvent.SHIFT_OVER)
        return waiter

    def behave(self, behaviour: AgentBehaviour) -> None:
        """From now on the agent is like this."""
        self._behaviour = behaviour

    def take_break(self, length_s: float) -> None:
        """Have a break of this length (the clock's seconds) as soon as the work at hand is done."""
        self._break_s = length_s
        self._break_due()

    def _happens(self, event: AgentEvent) -> None:
        """One step of the machine. It may end in the next one, so nothing may follow a call of this."""
        state, action = next_step(self.state, event)
        if state is self.state and action is AgentAction.NOTHING:
            return
        self._episodes.next()
        if state is not self.state:
            if debugging():
                self.log.debug("agent {login}: {old} -> {new}", login=self.person.login, old=self.state.value, new=state.value)
            self.state = state
            self.book.enter(state)
        self._act(action)

    @abstractmethod
    def _user(self) -> IDeskUser:
        """Who sits at the desk."""

    @abstractmethod
    def _act(self, action: AgentAction) -> None:
        """Do what a row of the table says."""

    @abstractmethod
    def _resume(self, conn_id: str, party_state: int) -> None:
        """A call is at the DN after the log-in: the one at hand, or one that came while nobody listened."""

    @abstractmethod
    def _ask_record(self) -> None:
        """In a running preview campaign: ask for the next record."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Release the call at hand."""

    @abstractmethod
    def _settle(self) -> None:
        """Say the last word about the record of the call at hand."""

    def _put_aside(self) -> None:
        """Something else comes first: a break is had later, a record that is looked at waits in the tray."""
        if self.state is AgentState.BREAK:
            self._break_is_due = True
        elif self.state is AgentState.PREVIEW and self._held is not None:
            self._tray.put(self._held)
            self._held = None

    # -- coming to work -------------------------------------------------------------------------------------------
    def _log_in(self) -> None:
        self._logged_in = False
        self._episodes.next()
        self._episodes.hear(self._desk.request("RequestRegisterAddress"), self._registered, self._login_failed)

    def _registered(self, answer: Message) -> None:
        person = self.person
        queue = {"ThisQueue": person.queue} if person.queue else {}
        asked = self._desk.request("RequestAgentLogin", AgentID=person.login, AgentPassword=person.password,
                                   AgentWorkMode=int(AgentWorkMode.MANUAL_IN), **queue)
        self._episodes.hear(asked, lambda _: self._at_work(answer), lambda error: self._login_refused(error, answer))

    def _login_refused(self, error: ProtocolError, registered: Message) -> None:
        if _refused_with(error, ErrorCode.AGENT_ALREADY_IN):
            self._at_work(registered)
        else:
            self._login_failed(error)

    def _login_failed(self, error: ProtocolError) -> None:
        if not isinstance(error, LinkLost):
            self._refusals += 1
            self.log.warn("agent {login} cannot log in at {dn}: {reason}", login=self.person.login, dn=self.person.dn,
                          reason=str(error))
        self._happens(AgentEvent.LOGIN_REFUSED)

    def _log_in_later(self) -> None:
        self._episodes.later(self._behaviour.pause_s * 2.0 ** min(self._refusals, 8), self._log_in)

    def _at_work(self, registered: Message) -> None:
        """Logged in: pick up what outlived the link, or begin."""
        self._logged_in, self._refusals = True, 0
        self.book.counts["logins"] += 1
        self._episodes.in_passing(self._desk.tell("CampaignStatusRequest"))
        self._episodes.in_shift("status", self._behaviour.status_every_s, self._ask_status)
        if self._behaviour.break_every_s and not self._break_is_due:
            self._episodes.in_shift("break", exponential(self._rng, self._behaviour.break_every_s), self._break_due)
        self._tray.give_back_all()
        calls, call = _calls_in(registered), self._call
        if call is not None and call.conn_id not in calls and (call.established or call.own):
            self._happens(AgentEvent.RELEASED)
        elif calls:
            conn_id = call.conn_id if call is not None and call.conn_id in calls else next(iter(calls))
            self._resume(conn_id, calls[conn_id])
        else:
            self._happens(AgentEvent.LOGGED_IN)

    def _ask_status(self) -> None:
        """Ask once more which campaigns there are, while none is known."""
        if not self._campaigns and self._logged_in:
            self._episodes.in_passing(self._desk.tell("CampaignStatusRequest"))
        self._episodes.in_shift("status", self._behaviour.status_every_s, self._ask_status)

    # -- between two things ---------------------------------------------------------------------------------------
    def _choose(self) -> None:
        """Go home, log in, have a break, look at a record that waits, or be ready."""
        self._call = self._held = None
        self._episodes.next()
        if self._leaving:
            self._happens(AgentEvent.SHIFT_OVER)
        elif not self._logged_in:
            self._happens(AgentEvent.LOGGED_OUT)
        elif self._break_is_due:
            self._happens(AgentEvent.BREAK_DUE)
        elif self._tray:
            self._happens(AgentEvent.RECORD)
        else:
            asked = self._desk.request("RequestAgentReady", AgentWorkMode=int(AgentWorkMode.MANUAL_IN))
            self._episodes.hear(asked, lambda _: self._happens(AgentEvent.READY), self._not_made_ready)

    def _not_made_ready(self, error: ProtocolError) -> None:
        if _refused_with(error, ErrorCode.ALREADY_IN_STATE):
            self._happens(AgentEvent.READY)
            return
        if _refused_with(error, ErrorCode.LOGGED_OUT_READY, ErrorCode.AGENT_NOT_IN):
            self._logged_in = False
        self._happens(AgentEvent.READY_REFUSED)

    def _choose_later(self) -> None:
        self._episodes.later(self._behaviour.pause_s, self._choose)

    def _wait(self) -> None:
        """Ready. What came due in the meantime goes first; in preview mode ask for a record."""
        if self._break_is_due:
            self._happens(AgentEvent.BREAK_DUE)
        elif self._tray:
            self._happens(AgentEvent.RECORD)
        else:
            self._ask_record()

    def _break_due(self) -> None:
        self._break_is_due = True
        if self.state is AgentState.READY:
            self._happens(AgentEvent.BREAK_DUE)

    def _rest(self) -> None:
        self._break_is_due = False
        self.book.counts["breaks"] += 1
        self._not_ready("Break")
        length_s, self._break_s = self._break_s, None
        if length_s is None:
            length_s = exponential(self._rng, self._behaviour.break_s)
        self._episodes.later(length_s, self._break_over)

    def _break_over(self) -> None:
        if self._behaviour.break_every_s:
            self._episodes.in_shift("break", exponential(self._rng, self._behaviour.break_every_s), self._break_due)
        self._happens(AgentEvent.BREAK_OVER)

    def _not_ready(self, reason: str) -> None:
        self._episodes.in_passing(self._desk.request(
            "RequestAgentNotReady", AgentWorkMode=int(AgentWorkMode.AUX_WORK), Reasons=(("ReasonCode", reason),)))

    # -- going home -----------------------------------------------------------------------------------------------
    def _leave(self) -> None:
        self._tray.give_back_all()
        asked: Deferred[Any] = self._desk.request("RequestAgentLogout") if self._logged_in else succeed(None)
        self._episodes.in_passing(asked).addCallback(lambda _: self._go_home())

    def _hurry_up(self) -> None:
        """The deadline of `stop`: hang up, write no notes."""
        self._hurry = True
        if self.state in BUSY_ON_A_CALL:
            self._hang_up()
        elif self.state is AgentState.WRAP and not (self._call and self._call.settling):
            self._settle()

    def _go_home(self) -> None:
        if self.state is not AgentState.AWAY:       # the last deadline: leave everything as it is
            self.state = AgentState.AWAY
            self.book.enter(self.state)
        self._episodes.end()
        self._desk.stop().addErrback(self._episodes.bug).addCallback(self._gone)

    def _gone(self, _: object) -> None:
        if not self._left.called:
            self._left.callback(None)

    # -- the link, and the switch on the agent's state -------------------------------------------------------------
    def desk_up(self) -> None:
        if not self._leaving:
            self._happens(AgentEvent.LINK_UP)

    def desk_down(self, reason: str) -> None:
        self._logged_in = self._asking = False
        self._campaigns.forget()
        self._put_aside()
        if self._leaving:
            self._go_home()
            return
        self.log.warn("agent {login}: link lost: {reason}", login=self.person.login, reason=reason)
        self.book.counts["lost_links"] += 1
        self._happens(AgentEvent.LINK_DOWN)

    def _on_logout(self, message: Message) -> None:
        self._logged_in = False
        if not message.reference_id:
            self._happens(AgentEvent.LOGGED_OUT)

    def _on_not_ready(self, message: Message) -> None:
        if not message.reference_id:
            self._happens(AgentEvent.NOT_READY)


def _refused_with(error: ProtocolError, *codes: ErrorCode) -> bool:
    return isinstance(error, RequestRefused) and error.code in codes


def _calls_in(registered: Message) -> dict[str, int]:
    """ConnID -> party state of the calls at the DN, from the Extensions of EventRegistered (conn-1, ps-1 ...)."""
    pairs = registered.extensions
    calls: dict[str, int] = {}
    for key, value in pairs:
        if key.startswith("conn-") and isinstance(value, str):
            state = first(pairs, "ps-" + key[5:])
            calls[value] = state if isinstance(state, int) else _CONNECTED
    return calls
