"""What a desktop knows: the agent's state, calls, campaigns and records, as one value that each message moves on; pure.

The switch's events (`switch_event`) and the OCS's (`desktop_event`) come in their order; what has no meaning for a desktop
changes nothing. A record is at hand from its preview, or from the first ring of its call, until it is settled or taken away.
Source: docs/desktop-port.md, docs/wire.md sections 7 to 9, docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Callable, Iterable, Mapping

from protocols.attributes import KVList, first
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.record import RecordData
from protocols.message import Message
from protocols.tserver.messages import AgentStatus, AgentWorkMode, CallState, CallType

__all__ = ["Attendance", "Call", "Campaign", "Desk", "HeldRecord", "Origin", "Phase", "Work", "desktop_event", "switch_event",
           "without_record"]

_DIALING_PARTY, _CONNECTED_PARTY, _HELD_PARTY = 0x10000, 0xC, 0xE     # public PartyState bits, pairs ps-N


class Work(Enum):
    """What the agent has told the switch."""
    LOGGED_OUT = "logged out"
    NOT_READY = "not ready"
    READY = "ready"
    AFTER_CALL_WORK = "after-call work"


class Phase(Enum):
    """How far a call at the desk is."""
    DIALING = "dialing"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "on hold"


class Origin(Enum):
    """How a record came to the desk."""
    CALL = auto()           # with a call that was dialed for the agent
    PREVIEW = auto()        # the agent asked for it
    CALLBACK = auto()       # ScheduledCall


@dataclass(frozen=True)
class Call:
    """A call at the DN. `number` is the other party; `call_state` the switch's last word about it (CallState)."""

    conn_id: str
    phase: Phase
    number: str = ""
    call_type: int = int(CallType.UNKNOWN)
    user_data: KVList = ()
    call_state: int = int(CallState.OK)

    @property
    def record(self) -> RecordData | None:
        """The record that the call is about; None where it is about none."""
        return RecordData.from_pairs(self.user_data)


class Attendance(Enum):
    """Whether the agent takes part in a campaign."""
    THERE = "there"
    LEAVING = "leaving"     # nothing new is dialed for the agent; calls that are under way may come
    LEFT = "left"           # nothing comes any more


@dataclass(frozen=True)
class Campaign:
    """A campaign group that is loaded and that the agent belongs to. `mode` is a GSW_CAMPAIGN_MODE word, "" if not told. To one
    who is leaving calls may come for `leaving_s` (s from when that was told) at most; 0: own records are waited for."""

    name: str
    application_id: int
    group_name: str = ""
    description: str = ""
    mode: str = ""
    running: bool = False
    attendance: Attendance = Attendance.THERE
    leaving_s: int = 0


@dataclass(frozen=True)
class HeldRecord:
    """A record at hand. `conn_id` is its call, "" while there was none; `talked`: somebody was on the line; `over`: the call has
    ended, in `call_state`."""

    record: RecordData
    origin: Origin
    conn_id: str = ""
    talked: bool = False
    over: bool = False
    call_state: int = int(CallState.OK)

    @property
    def handle(self) -> int:
        """By which the OCS knows it."""
        return self.record.record_handle


@dataclass(frozen=True)
class Desk:
    """Everything that is known. `connected`: the connection is there, and the agent who was logged in is again; `switch_up`: the
    switch behind it is; `reason` says why the agent is not ready, in the site's words."""

    agent_id: str = ""
    dn: str = ""
    connected: bool = False
    switch_up: bool = False
    work: Work = Work.LOGGED_OUT
    reason: str = ""
    calls: tuple[Call, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    records: tuple[HeldRecord, ...] = ()

    @property
    def ringing(self) -> Call | None:
        """The call that can be answered."""
        return next((call for call in self.calls if call.phase is Phase.RINGING), None)

    @property
    def talking(self) -> Call | None:
        """The call that the agent speaks in."""
        return next((call for call in self.calls if call.phase is Phase.TALKING), None)

    def call(self, conn_id: str) -> Call | None:
        """A call at the desk."""
        return next((call for call in self.calls if call.conn_id == conn_id), None)

    def held(self, handle: int) -> HeldRecord | None:
        """A record at hand."""
        return next((held for held in self.records if held.handle == handle), None)

    def campaign(self, name: str) -> Campaign | None:
        """A campaign that is loaded."""
        return next((campaign for campaign in self.campaigns if campaign.name == name), None)

    @property
    def unsettled(self) -> tuple[HeldRecord, ...]:
        """Records whose call is over and that wait for the agent's last word."""
        return tuple(held for held in self.records if held.over)


# -- the switch ---------------------------------------------------------------------------------------------------
def switch_event(desk: Desk, message: Message) -> Desk:
    """The desk after a message of the switch, direct answers included."""
    act = _SWITCH_EVENTS.get(message.name)
    if act is None or (message.get("ThisDN", desk.dn) != desk.dn and message.name not in _OF_THE_LINK):
        return desk
    return act(desk, message)


def _log_in(desk: Desk, message: Message) -> Desk:
    work = Work.NOT_READY if desk.work is Work.LOGGED_OUT else desk.work
    return replace(desk, agent_id=message.get("AgentID", desk.agent_id), work=work)


def _log_out(desk: Desk, message: Message) -> Desk:
    return replace(desk, work=Work.LOGGED_OUT, reason="", records=(), campaigns=())


def _ready(desk: Desk, message: Message) -> Desk:
    return replace(desk, work=Work.READY, reason="")


def _not_ready(desk: Desk, message: Message) -> Desk:
    work = Work.AFTER_CALL_WORK if message.get("AgentWorkMode") == AgentWorkMode.AFTER_CALL_WORK else Work.NOT_READY
    reason = first(message.get("Reasons", ()), "ReasonCode")
    return replace(desk, work=work, reason=reason if isinstance(reason, str) else "")


def _call_is(phase: Phase) -> Callable[[Desk, Message], Desk]:
    def moved(desk: Desk, message: Message) -> Desk:
        conn_id, known = message.get("ConnID", ""), desk.call(message.get("ConnID", ""))
        call = replace(
            known or Call(conn_id, phase), phase=phase, number=message.get("OtherDN", known.number if known else ""),
            call_type=message.get("CallType", known.call_type if known else int(CallType.UNKNOWN)),
            user_data=message.user_data or (known.user_data if known else ()),
            call_state=message.get("CallState", int(CallState.OK)))
        calls = tuple(call if each.conn_id == conn_id else each for each in desk.calls) if known else (*desk.calls, call)
        return _with_record(replace(desk, calls=calls), call)
    return moved


def _with_record(desk: Desk, call: Call) -> Desk:
    """The record of a call is at hand, and so far."""
    record = call.record
    if record is None:
        return desk
    known = desk.held(record.record_handle)
    origin = Origin.CALL if known is None else known.origin
    talked = call.phase in (Phase.TALKING, Phase.HELD) or (known is not None and known.conn_id == call.conn_id and known.talked)
    return _put(desk, HeldRecord(record, origin, call.conn_id, talked, False, call.call_state))


def _put(desk: Desk, held: HeldRecord) -> Desk:
    if desk.held(held.handle) is None:
        return replace(desk, records=(*desk.records, held))
    return replace(desk, records=tuple(held if each.handle == held.handle else each for each in desk.records))


def _busy(desk: Desk, message: Message) -> Desk:
    call = desk.call(message.get("ConnID", ""))
    if call is None:
        return desk
    now = replace(call, call_state=message.get("CallState", call.call_state))
    return replace(desk, calls=tuple(now if each is call else each for each in desk.calls))


def _data(desk: Desk, message: Message) -> Desk:
    call = desk.call(message.get("ConnID", ""))
    if call is None:
        return desk
    now = replace(call, user_data=message.user_data or call.user_data, number=message.get("OtherDN", call.number))
    return _with_record(replace(desk, calls=tuple(now if each is call else each for each in desk.calls)), now)


def _party_changed(desk: Desk, message: Message) -> Desk:
    """The call goes on under another ConnID, with the data of the call that it was joined with."""
    before, now = message.get("PreviousConnID", ""), message.get("ConnID", "")
    if desk.call(before) is not None and now and now != before:
        calls = tuple(each for each in desk.calls if each.conn_id != now)        # what it was joined with is the same call now
        desk = replace(desk, calls=tuple(replace(each, conn_id=now) if each.conn_id == before else each for each in calls),
                       records=tuple(replace(each, conn_id=now) if each.conn_id == before else each for each in desk.records))
    return _data(desk, message)


def _call_ended(desk: Desk, message: Message) -> Desk:
    conn_id = message.get("ConnID", "")
    call = desk.call(conn_id)
    if call is None:
        return desk
    desk = replace(desk, calls=tuple(each for each in desk.calls if each is not call))
    kept: list[HeldRecord] = []
    for held in desk.records:
        if held.conn_id != conn_id:
            kept.append(held)
        elif held.talked or held.origin is not Origin.CALL or call.phase is Phase.DIALING:
            kept.append(replace(held, over=True, call_state=message.get("CallState", call.call_state)))
        # else it only rang here: another agent's, or nobody's
    return replace(desk, records=tuple(kept))


_OF_PARTY: Mapping[object, Phase] = {
    _CONNECTED_PARTY: Phase.TALKING, _HELD_PARTY: Phase.HELD, _DIALING_PARTY: Phase.DIALING}
_OF_STATUS: Mapping[object, Work] = {
    AgentStatus.LOGGED_OUT: Work.LOGGED_OUT, AgentStatus.LOGGED_IN: Work.NOT_READY, AgentStatus.READY: Work.READY,
    AgentStatus.NOT_READY: Work.NOT_READY, AgentStatus.AFTER_CALL_WORK: Work.AFTER_CALL_WORK}


def _registered(desk: Desk, message: Message) -> Desk:
    """The picture that EventRegistered gives; of a call that is new RequestQueryCall tells the rest."""
    work = _OF_STATUS.get(first(message.extensions, "AgentStatus"), desk.work)
    calls: list[Call] = []
    for key, conn_id in message.extensions:
        if not key.startswith("conn-") or not isinstance(conn_id, str):
            continue
        state = first(message.extensions, "ps-" + key[5:])
        phase = _OF_PARTY.get(state, Phase.RINGING)
        calls.append(replace(desk.call(conn_id) or Call(conn_id, phase), phase=phase))
    gone = {call.conn_id for call in desk.calls} - {call.conn_id for call in calls}
    return replace(desk, work=work, calls=tuple(calls), records=tuple(
        replace(held, over=True) if held.conn_id in gone else held for held in desk.records))


def _link(up: bool) -> Callable[[Desk, Message], Desk]:
    return lambda desk, message: replace(desk, switch_up=up)


_OF_THE_LINK = ("EventLinkConnected", "EventLinkDisconnected")
_SWITCH_EVENTS: Mapping[str, Callable[[Desk, Message], Desk]] = {
    "EventLinkConnected": _link(True), "EventLinkDisconnected": _link(False), "EventRegistered": _registered,
    "EventAgentLogin": _log_in, "EventAgentLogout": _log_out, "EventAgentReady": _ready, "EventAgentNotReady": _not_ready,
    "EventRinging": _call_is(Phase.RINGING), "EventDialing": _call_is(Phase.DIALING),
    "EventEstablished": _call_is(Phase.TALKING), "EventHeld": _call_is(Phase.HELD), "EventRetrieved": _call_is(Phase.TALKING),
    "EventDestinationBusy": _busy, "EventAttachedDataChanged": _data, "EventAddressInfo": _data,
    "EventPartyChanged": _party_changed, "EventReleased": _call_ended, "EventAbandoned": _call_ended}


# -- the OCS ------------------------------------------------------------------------------------------------------
_SETTLING = frozenset({
    "RecordProcessedAcknowledge", "RecordRejectAcknowledge", "RecordCancelAcknowledge", "DoNotCallAcknowledge",
    "RecordRescheduleAcknowledge", "ScheduledRecordRescheduleAcknowledge", "RecordCancel"})
_ATTENDANCE = {"LogOutTime": Attendance.LEAVING, "LogOutAcknowledge": Attendance.LEFT,
               "PreviewDialingModeStartAcknowledge": Attendance.THERE}
_CAMPAIGN = frozenset({"CampaignLoaded", "CampaignStarted", "CampaignStopped", "CampaignModeChanged", "CampaignGroupAssigned"})


def desktop_event(desk: Desk, event: DesktopEvent) -> Desk:
    """The desk after an event of the OCS, answers included."""
    if event.name in ("PreviewRecord", "ScheduledCall") and not event.failed:
        record = event.record
        if record is None or desk.held(record.record_handle) is not None:
            return desk
        return _put(desk, HeldRecord(record, Origin.PREVIEW if event.name == "PreviewRecord" else Origin.CALLBACK))
    if event.name in _SETTLING and event.record_handle is not None:
        return without_record(desk, event.record_handle)
    if event.name in _CAMPAIGN and event.campaign_name:
        return _campaign(desk, event)
    if event.name in _ATTENDANCE and not event.failed:
        return _attends(desk, event.campaign_name or "", _ATTENDANCE[event.name], event.logout_time_s or 0)
    if event.name == "CampaignUnloaded":
        return replace(desk, campaigns=tuple(each for each in desk.campaigns if each.name != event.campaign_name))
    return desk


def _campaign(desk: Desk, event: DesktopEvent) -> Desk:
    name = event.campaign_name or ""
    known = desk.campaign(name)
    running = {"CampaignStarted": True, "CampaignStopped": False, "CampaignLoaded": False}.get(
        event.name, known is not None and known.running)
    now = Campaign(name, event.application_id or 0, event.campaign_group_name or "", event.campaign_description or "",
                   event.campaign_mode or ("" if known is None else known.mode), running)
    if known is not None:
        now = replace(now, attendance=known.attendance, leaving_s=known.leaving_s)
    return replace(desk, campaigns=_placed(desk.campaigns, known, now))


def _attends(desk: Desk, name: str, attendance: Attendance, leaving_s: int) -> Desk:
    known = desk.campaign(name)
    if known is None:
        return desk
    return replace(desk, campaigns=_placed(desk.campaigns, known, replace(known, attendance=attendance, leaving_s=leaving_s)))


def _placed(campaigns: Iterable[Campaign], known: Campaign | None, now: Campaign) -> tuple[Campaign, ...]:
    if known is None:
        return (*campaigns, now)
    return tuple(now if each is known else each for each in campaigns)


def without_record(desk: Desk, handle: int) -> Desk:
    """The desk without a record: it is settled, or not this agent's any more."""
    return replace(desk, records=tuple(held for held in desk.records if held.handle != handle))
