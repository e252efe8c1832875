"""A lab agent: the person who walks the table of `machine` at a desk.

Timers and answers of a state end with it (`episodes`). A record that was offered but not dialed is always given back when
the link breaks: after that the OCS may have given it to somebody else, and dialing it would call a person twice.
"""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.attributes import first
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import AgentResult
from protocols.errors import LinkLost, ProtocolError, RequestFailed, RequestRefused, RequestTimedOut
from protocols.tserver.messages import AgentWorkMode, ErrorCode, Message

from ocs.clock import IClock
from ocs.lab.agents.account import AgentBook
from ocs.lab.agents.behaviour import AgentBehaviour, exponential, lognormal
from ocs.lab.agents.desk import IDesk, IDeskUser
from ocs.lab.agents.episodes import Episodes
from ocs.lab.agents.judgement import heard, unreached
from ocs.lab.agents.machine import AgentAction, AgentEvent, AgentState, next_step
from ocs.lab.agents.records import RecordTray, Settlement, book_failure
from ocs.lab.agents.work import Call, Campaigns, OfferedRecord
from ocs.lab.people import AgentPerson

__all__ = ["LabAgent"]

_LAST_WORDS_S = 10.0            # real seconds that settling and logging out may take after the deadline of `stop`
_CONNECTED, _HELD, _DIALING = 0xC, 0xE, 0x10000         # public PartyState bits, pairs ps-N
_BUSY_ON_A_CALL = (AgentState.RINGING, AgentState.TALK, AgentState.DIALING)


@implementer(IDeskUser)
class LabAgent:
    """One agent. `clock` is the laboratory's; every draw comes from `rng`."""

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
        self._call: Call | None = None
        self._held: OfferedRecord | None = None             # the record that is looked at
        self._left: Deferred[None] = Deferred()

    def start(self) -> None:
        """Begin the shift."""
        self._desk.start(self)

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

    def _happens(self, event: AgentEvent) -> None:
        """One step of the machine. It may end in the next one, so nothing may follow a call of this."""
        state, action = next_step(self.state, event)
        if state is self.state and action is AgentAction.NOTHING:
            return
        self._episodes.next()
        if state is not self.state:
            self.log.debug("agent {login}: {old} -> {new}", login=self.person.login, old=self.state.value,
                           new=state.value)
            self.state = state
            self.book.enter(state)
        _ACTIONS[action](self)

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

    def _resume(self, conn_id: str, party_state: int) -> None:
        """A call is at the DN: the one at hand, or one that came while nobody listened."""
        if self._call is None or self._call.conn_id != conn_id:
            self._call = Call(conn_id)
            asked = self._desk.request("RequestQueryCall", ConnID=conn_id)
            self._episodes.in_passing(asked.addCallback(self._learned))
        if party_state in (_CONNECTED, _HELD):
            self._call.established = True
            self._happens(AgentEvent.ESTABLISHED)
        else:
            self._happens(AgentEvent.DIALING if party_state == _DIALING else AgentEvent.RINGING)

    def _learned(self, answer: Message) -> None:
        if self._call is not None and answer.get("ConnID") == self._call.conn_id and not self._call.user_data:
            self._call.user_data = answer.user_data

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
        self._episodes.later(exponential(self._rng, self._behaviour.break_s), self._break_over)

    def _break_over(self) -> None:
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
        if self.state in _BUSY_ON_A_CALL:
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

    # -- IDeskUser ------------------------------------------------------------------------------------------------
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

    def switch_event(self, message: Message) -> None:
        if message.get("ThisDN") == self.person.dn and (react := _SWITCH_EVENTS.get(message.name)) is not None:
            react(self, message)

    def desktop_event(self, event: DesktopEvent) -> None:
        if self._campaigns.heard(event):
            if event.name == "CampaignUnloaded":
                self._take_away(lambda offered: offered.record.campaign_name == event.campaign_name)
            elif self.state is AgentState.READY and not self._episodes.waiting:
                self._ask_record()
        elif event.name in ("ScheduledCall", "PreviewRecord"):
            self._offered(event)
        elif event.name == "RecordCancel":
            self._take_away(lambda offered: offered.record.record_handle == event.record_handle)
        elif event.error_number is not None:
            self.book.errors[event.error_number] += 1

    def _put_aside(self) -> None:
        """Something else comes first: a break is had later, a record that is looked at waits in the tray."""
        if self.state is AgentState.BREAK:
            self._break_is_due = True
        elif self.state is AgentState.PREVIEW and self._held is not None:
            self._tray.put(self._held)
            self._held = None

    def _ask_status(self) -> None:
        """Ask once more which campaigns there are, while none is known."""
        if not self._campaigns and self._logged_in:
            self._episodes.in_passing(self._desk.tell("CampaignStatusRequest"))
        self._episodes.in_shift("status", self._behaviour.status_every_s, self._ask_status)

    # -- calls ----------------------------------------------------------------------------------------------------
    def _on_ringing(self, message: Message) -> None:
        if self.state in _BUSY_ON_A_CALL or self.state is AgentState.AWAY:
            return
        call = self._call
        if self.state is AgentState.WRAP and call is not None and call.record is not None and not call.settling:
            self._episodes.in_passing(self._settlement.settle(call, call.record))       # say it, do not wait
        self._put_aside()
        self._call = Call(message.get("ConnID", ""), message.user_data)
        self._happens(AgentEvent.RINGING)

    def _answer(self) -> None:
        self._episodes.later(lognormal(self._rng, self._behaviour.answer_delay_s, 0.4), self._pick_up)

    def _pick_up(self) -> None:
        assert self._call is not None
        asked = self._desk.request("RequestAnswerCall", ConnID=self._call.conn_id)
        self._episodes.hear(asked, lambda _: None, self._call_lost)

    def _call_lost(self, error: ProtocolError) -> None:
        """The switch does not do it: the call is not there any more. Without a link that will be seen later."""
        if isinstance(error, LinkLost):
            return
        if isinstance(error, RequestTimedOut) and self._call is not None:
            self._episodes.in_passing(self._desk.request("RequestReleaseCall", ConnID=self._call.conn_id))
        self._released()

    def _on_dialing(self, message: Message) -> None:
        if self.state not in (AgentState.PREVIEW, AgentState.IDLE, AgentState.READY):
            return
        scheduled = self._held is not None and self._held.scheduled
        self._call = Call(message.get("ConnID", ""), message.user_data, own=True, scheduled=scheduled)
        self._held = None
        self.book.counts["dialed"] += 1
        self._happens(AgentEvent.DIALING)

    def _follow(self) -> None:
        self._episodes.later(0.0 if self._hurry else self._behaviour.ring_patience_s, self._hang_up)

    def _on_busy(self, message: Message) -> None:
        if self._call is not None and self._is_at_hand(message):
            self._call.busy = True
            self._episodes.later(self._behaviour.machine_listen_s, self._hang_up)

    def _on_established(self, message: Message) -> None:
        call = self._call
        if call is None or not self._is_at_hand(message) or call.established:
            return
        call.established = True
        call.user_data = message.user_data or call.user_data
        call.result = heard(message.get("CallState", 0), call.user_data)
        self.book.counts["talked"] += 1
        self._happens(AgentEvent.ESTABLISHED)

    def _on_party_changed(self, message: Message) -> None:
        """The call got another number by a transfer or a merge."""
        if self._call is not None and message.get("PreviousConnID") == self._call.conn_id:
            self._call.conn_id = message.get("ConnID", self._call.conn_id)
            self._call.user_data = message.user_data or self._call.user_data

    def _on_data_changed(self, message: Message) -> None:
        if self._call is not None and self._is_at_hand(message):
            self._call.user_data = message.user_data

    def _on_released(self, message: Message) -> None:
        if self._is_at_hand(message):
            self._released(message.get("CallState", 0))

    def _released(self, call_state: int = 0) -> None:
        call = self._call
        if call is not None and not call.established:
            if call.own:
                call.result = unreached(call_state, call.busy)
            elif self.state is AgentState.RINGING:
                self.book.counts["missed"] += 1
        self._happens(AgentEvent.RELEASED)

    def _is_at_hand(self, message: Message) -> bool:
        return self._call is not None and message.get("ConnID") == self._call.conn_id

    def _listen(self) -> None:
        """Talk until the customer hangs up; from a machine, and now and then from a person, the agent parts first."""
        behaviour, call = self._behaviour, self._call
        assert call is not None
        if self._hurry:
            talk_s = 0.0
        elif call.result != AgentResult.ANSWER:
            talk_s = lognormal(self._rng, behaviour.machine_listen_s, 0.5)
        elif self._rng.random() < behaviour.hang_up_share:
            talk_s = lognormal(self._rng, behaviour.hang_up_after_s, 1.0)
        else:
            talk_s = behaviour.longest_call_s
        self._episodes.later(min(talk_s, behaviour.longest_call_s), self._hang_up)

    def _hang_up(self) -> None:
        if self._call is not None:
            asked = self._desk.request("RequestReleaseCall", ConnID=self._call.conn_id)
            self._episodes.hear(asked, lambda _: None, self._call_lost)

    # -- the end of a call ----------------------------------------------------------------------------------------
    def _wrap_up(self) -> None:
        call, behaviour = self._call, self._behaviour
        assert call is not None
        if call.own and call.record is not None and call.disposition is None:
            self._episodes.in_passing(self._settlement.first_result(call, call.record))
        mean = behaviour.wrap_up_s if call.established else behaviour.no_contact_wrap_up_s
        quick = self._hurry or call.disposition is not None
        self._episodes.later(0.0 if quick else lognormal(self._rng, mean, behaviour.wrap_up_spread), self._settle)

    def _settle(self) -> None:
        """Say the last word about the record, and wait until the OCS has it."""
        self._episodes.next()
        call = self._call
        if call is None or call.record is None:
            self._happens(AgentEvent.WRAPPED)
            return
        self._episodes.hear(self._settlement.settle(call, call.record), lambda _: self._happens(AgentEvent.WRAPPED),
                            lambda error: self._not_settled(call, error))

    def _not_settled(self, call: Call, error: ProtocolError) -> None:
        if isinstance(error, LinkLost):
            return          # the call stays at hand until the link is back
        if self._settlement.try_again(call, error, self._hurry):
            self._settle()
        else:
            self._happens(AgentEvent.WRAPPED)

    # -- records --------------------------------------------------------------------------------------------------
    def _ask_record(self) -> None:
        """In a running preview campaign: ask for the next record."""
        campaign = self._campaigns.to_preview()
        if campaign is None or self._asking:
            return
        self._asking = True
        asked = self._desk.ask("PreviewRecordRequest", application_id=campaign.application_id,
                               campaign_name=campaign.name)
        asked.addErrback(book_failure, self.book)
        asked.addCallbacks(self._offered, self._no_record)
        asked.addErrback(self._episodes.bug)

    def _no_record(self, failure: Failure) -> None:
        failure.trap(RequestFailed)
        self._asking = False
        if self.state is AgentState.READY and failure.check(LinkLost) is None:
            self._episodes.later(self._behaviour.record_retry_s, self._ask_record)

    def _offered(self, event: DesktopEvent) -> None:
        """A record arrives. A callback waits its turn; a record that was asked for goes back if the agent has meanwhile
        turned to something else."""
        asked_for = event.name == "PreviewRecord"
        self._asking = self._asking and not asked_for
        offered = OfferedRecord.of(event)
        if offered is None:
            self.log.warn("agent {login}: {event} without a record", login=self.person.login, event=event.name)
        elif self._leaving or (asked_for and self.state not in (AgentState.READY, AgentState.IDLE)):
            self._tray.reject(offered).addErrback(self._episodes.bug)
        elif self._tray.put(offered) and self.state is AgentState.READY:
            self._happens(AgentEvent.RECORD)

    def _look(self) -> None:
        self._held = self._tray.take()
        self.book.counts["previewed"] += 1
        self._not_ready("Preview")                  # no other call while this record is on the desk
        self._episodes.later(lognormal(self._rng, self._behaviour.look_s, 0.7), self._decide)

    def _decide(self) -> None:
        assert self._held is not None
        if self._rng.random() < self._behaviour.reject_share:
            self._give_back()
            return
        asked = self._desk.request("RequestMakeCall", OtherDN=self._held.record.phone, UserData=self._held.user_data)
        self._episodes.hear(asked, lambda _: None, self._not_dialed)

    def _not_dialed(self, error: ProtocolError) -> None:
        if not isinstance(error, LinkLost):
            self.log.warn("agent {login}: record is not dialed: {reason}", login=self.person.login, reason=str(error))
            self._give_back()

    def _give_back(self) -> None:
        """RecordReject; when it is answered or has failed, the desk is free."""
        offered, self._held = self._held, None
        self._episodes.next()
        given = succeed(None) if offered is None else self._tray.reject(offered)
        self._episodes.hear(given, lambda _: self._happens(AgentEvent.RECORD_GONE), lambda _: None)

    def _take_away(self, gone: Callable[[OfferedRecord], bool]) -> None:
        """Records that the OCS has taken back."""
        self._tray.remove(gone)
        if self._held is not None and self.state is AgentState.PREVIEW and gone(self._held):
            self._held = None
            self._happens(AgentEvent.RECORD_GONE)

    # -- the switch on the agent's state --------------------------------------------------------------------------
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


_ACTIONS: dict[AgentAction, Callable[[LabAgent], None]] = {
    AgentAction.NOTHING: lambda agent: None,
    AgentAction.LOG_IN: LabAgent._log_in,
    AgentAction.LOG_IN_LATER: LabAgent._log_in_later,
    AgentAction.CHOOSE: LabAgent._choose,
    AgentAction.CHOOSE_LATER: LabAgent._choose_later,
    AgentAction.WAIT: LabAgent._wait,
    AgentAction.ANSWER: LabAgent._answer,
    AgentAction.LISTEN: LabAgent._listen,
    AgentAction.LOOK: LabAgent._look,
    AgentAction.GIVE_BACK: LabAgent._give_back,
    AgentAction.FOLLOW: LabAgent._follow,
    AgentAction.WRAP_UP: LabAgent._wrap_up,
    AgentAction.REST: LabAgent._rest,
    AgentAction.LEAVE: LabAgent._leave,
}

_SWITCH_EVENTS: dict[str, Callable[[LabAgent, Message], None]] = {
    "EventRinging": LabAgent._on_ringing,
    "EventDialing": LabAgent._on_dialing,
    "EventDestinationBusy": LabAgent._on_busy,
    "EventEstablished": LabAgent._on_established,
    "EventReleased": LabAgent._on_released,
    "EventAbandoned": LabAgent._on_released,
    "EventPartyChanged": LabAgent._on_party_changed,
    "EventAttachedDataChanged": LabAgent._on_data_changed,
    "EventAgentLogout": LabAgent._on_logout,
    "EventAgentNotReady": LabAgent._on_not_ready,
}
