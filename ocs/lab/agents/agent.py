"""A lab agent: the person who walks the table of `machine` at a desk, with its calls and records. The shift around them,
from the log-in to going home, is `shift`'s.
"""
from __future__ import annotations

from typing import Callable

from twisted.internet.defer import succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.lab.agents.behaviour import lognormal
from ocs.lab.agents.desk import IDeskUser
from ocs.lab.agents.judgement import callback_time, heard, unreached
from ocs.lab.agents.machine import AgentAction, AgentEvent, AgentState
from ocs.lab.agents.records import book_failure
from ocs.lab.agents.shift import BUSY_ON_A_CALL, Shift
from ocs.lab.agents.work import Call, OfferedRecord
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import AgentResult
from protocols.errors import LinkLost, ProtocolError, RequestFailed, RequestTimedOut
from protocols.tserver.messages import Message

__all__ = ["LabAgent"]

_CONNECTED, _HELD, _DIALING = 0xC, 0xE, 0x10000         # public PartyState bits, pairs ps-N


@implementer(IDeskUser)
class LabAgent(Shift):
    """One agent. Calls ring, are answered, talked and settled; records are looked at, dialed or given back."""

    def _user(self) -> LabAgent:
        return self

    def _act(self, action: AgentAction) -> None:
        _ACTIONS[action](self)

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

    # -- IDeskUser ------------------------------------------------------------------------------------------------
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

    # -- calls ----------------------------------------------------------------------------------------------------
    def _on_ringing(self, message: Message) -> None:
        if self.state in BUSY_ON_A_CALL or self.state is AgentState.AWAY:
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
        if self._held.scheduled and self._rng.random() < self._behaviour.put_off_share:
            self._put_off()
            return
        if not self._held.scheduled and self._rng.random() < self._behaviour.reject_share:
            self._give_back()
            return
        caller = self._held.record.cpn_digits
        shown = {"Extensions": (("CPNDigits", caller),)} if caller else {}
        asked = self._desk.request("RequestMakeCall", OtherDN=self._held.record.phone, UserData=self._held.user_data, **shown)
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

    def _put_off(self) -> None:
        """This callback comes at a bad moment: another time is agreed on without a call."""
        offered, self._held = self._held, None
        assert offered is not None
        self._episodes.next()
        until = callback_time(offered.record, self._rng, self._clock.wall())
        self._episodes.hear(self._tray.put_off(offered, until), lambda _: self._happens(AgentEvent.RECORD_GONE),
                            lambda _: None)

    def _take_away(self, gone: Callable[[OfferedRecord], bool]) -> None:
        """Records that the OCS has taken back."""
        self._tray.remove(gone)
        if self._held is not None and self.state is AgentState.PREVIEW and gone(self._held):
            self._held = None
            self._happens(AgentEvent.RECORD_GONE)


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
