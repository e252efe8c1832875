"""From what happens in the engine to what ICON is told: one event makes no report, one, or several.

What a history needs beside the event is remembered here for as long as a session or a chain is held: its place in the
history (`Seq`), since when it has been in its state, and which fields are reported. A report says all that it belongs to, so
each can be understood without the ones before it. Source: docs/icon.md.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence, Union

from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.chain import head_index
from ocs.dialing.custom_fields import as_text
from ocs.dialing.history import (
    AgentFailed,
    AttemptClosed,
    AttemptOpened,
    CallbackNoted,
    CallCompleted,
    CallPlaced,
    ChainChanged,
    ChainFacts,
    ChainLoaded,
    ChainStage,
    FieldChange,
    GroupChanged,
    RecordChanged,
    RecordScheduled,
    SessionChanged,
    SessionFacts,
)
from ocs.dialing.modes import rules_of
from ocs.dialing.results import OptimizationMethod
from ocs.dialing.session import SessionEvent, SessionState
from ocs.dialing.values import Attempt, AttemptState, CustomField, Record
from protocols.icon.messages import CampaignState, Cause, EvtCode, GOMessageType, MetricType, Report

__all__ = ["FIELDS_OF_A_LIST", "Reports", "closed_later"]

FIELDS_OF_A_LIST = 1_000        # FieldID is this times the list's DBID, plus the field's place in the list, from 1
_FIELD_OCTETS = 30_000          # values in one report, so that it fits into a frame
_LONGEST = 4_000                # characters of a value

_STATES = {SessionState.NOT_LOADED: CampaignState.TERMINATED, SessionState.INACTIVE: CampaignState.TERMINATED,
           SessionState.ACTIVE: CampaignState.LOADED, SessionState.RUNNING: CampaignState.STARTED,
           SessionState.WAITING_UNLOAD: CampaignState.UNLOADING, SessionState.UNLOAD_IN_PROGRESS: CampaignState.UNLOADING}
_CAUSES = {SessionEvent.LOAD: Cause.LOAD, SessionEvent.LOADED: Cause.LOADED, SessionEvent.LOAD_FAILED: Cause.LOAD_FAILED,
           SessionEvent.START: Cause.DIALING_STARTED, SessionEvent.STOP: Cause.DIALING_STOPPED,
           SessionEvent.UNLOAD: Cause.UNLOAD, SessionEvent.DRAINED: Cause.UNLOAD_IN_PROGRESS,
           SessionEvent.FORCE_UNLOAD: Cause.FORCED_UNLOAD, SessionEvent.UNLOADED: Cause.UNLOADED}
_STAGE_CAUSES = {ChainStage.UNLOADED: Cause.CHAIN_UNLOADED, ChainStage.SCHEDULED: Cause.CHAIN_SCHEDULED,
                 ChainStage.PROCESSING: Cause.CHAIN_PROCESSING, ChainStage.PROCESSED: Cause.CHAIN_PROCESSED}
_NEWS = {CallbackNews.SCHEDULED: MetricType.CALLBACK_SCHEDULED, CallbackNews.COMPLETED: MetricType.CALLBACK_COMPLETED,
         CallbackNews.MISSED: MetricType.CALLBACK_MISSED}


@dataclass
class _Session:
    """What was reported of a session that is loaded. Times are epoch seconds."""

    entered_at: float
    mode_since: float
    goal_since: float
    seq: int = 0
    changes: int = 0


@dataclass
class _Chain:
    """What was reported of a chain that is held."""

    entered_at: float
    stage: ChainStage = ChainStage.SCHEDULED
    seq: int = 0
    field_seq: int = 0
    field_since: dict[tuple[int, str], float] = field(default_factory=dict)     # (handle, field) -> of its last change

    def next(self) -> int:
        """The next place in the chain's history."""
        self.seq += 1
        return self.seq


_Value = tuple[str, Any, Any, Union[float, None]]      # a field, its old and its new value, since when the old one stood


@dataclass(frozen=True)
class _Reported:
    """A field that is reported: its number, and whether it goes to the protected ones."""

    number: int
    secure: bool


def _goal(group: CampaignGroup) -> tuple[int, int]:
    """Optimization method and goal, where the mode follows any."""
    follows = rules_of(group.mode).predictive
    return (int(group.pacing.method), round(group.pacing.goal)) if follows else (int(OptimizationMethod.NONE), 0)


class Reports:
    """Makes reports; their sequence numbers are given later. `tenant_dbid` stands in those of sessions."""

    def __init__(self, tenant_dbid: int = 1) -> None:
        self._tenant = tenant_dbid
        self._sessions: dict[str, _Session] = {}
        self._chains: dict[str, _Chain] = {}
        self._fields: dict[str, dict[str, _Reported]] = {}      # list -> its fields that are reported, by name
        self._read: dict[str, Sequence[CustomField]] = {}       # list -> what they were read from

    def of(self, event: object) -> list[Report]:
        """The reports of an event of `ocs.dialing.history`, in order."""
        make = _MAKERS.get(type(event))
        return [] if make is None else list(make(self, event))

    # -- sessions -------------------------------------------------------------------------------------------------
    def _session(self, event: SessionChanged) -> Iterator[Report]:
        facts, guid = event.session, event.session.guid
        known = self._sessions.setdefault(guid, _Session(event.at, event.at, event.at))
        state, previous = _STATES[event.state], _STATES[event.previous]
        code = EvtCode.CHANGED
        if event.event is SessionEvent.LOAD:
            code = EvtCode.ADDED
        elif event.state is SessionState.NOT_LOADED:
            code = EvtCode.REMOVED
            del self._sessions[guid]
        known.seq += 1
        yield Report(0, GOMessageType.CAMPAIGN, code, event.at, {
            **_of_session(facts), **self._of_group(facts, event.group), "State": int(state), "PrevState": int(previous),
            "PrevSEnter": None if event.event is SessionEvent.LOAD else known.entered_at,
            "Cause": int(_CAUSES[event.event]), "Seq": known.seq})
        if state is not previous or event.event is SessionEvent.LOAD:
            known.entered_at = event.at

    def _of_group(self, facts: SessionFacts, group: CampaignGroup) -> dict[str, Any]:
        method, goal = _goal(group)
        return {"CampGroupID": facts.dbid, "OCSID": facts.application_dbid, "TenantID": self._tenant, "CmpName": facts.campaign,
                "GrpName": facts.group, "DialMode": int(group.mode), "OptimMode": method, "OptimValue": goal}

    def _group(self, event: GroupChanged) -> Iterator[Report]:
        known = self._sessions.get(event.session.guid)
        before, after = _goal(event.before), _goal(event.after)
        if known is None or event.before.mode is event.after.mode and before == after:
            return
        known.changes += 1
        yield Report(0, GOMessageType.CAMPAIGN_PROPERTIES, EvtCode.CHANGED, event.at, {
            **_of_session(event.session), **self._of_group(event.session, event.after), "Seq": known.changes,
            "PrevDialMode": int(event.before.mode), "PrevDMEnter": known.mode_since, "PrevOptimMode": before[0],
            "PrevOptimValue": before[1], "PrevOMEnter": known.goal_since, "Cause": int(Cause.PARAMETERS_CHANGED)})
        if event.before.mode is not event.after.mode:
            known.mode_since = event.at
        if before != after:
            known.goal_since = event.at

    # -- chains and records ---------------------------------------------------------------------------------------
    def _loaded(self, event: ChainLoaded) -> Iterator[Report]:
        known = self._chains[event.chain.guid] = _Chain(event.at)
        reported = self._reported(event.chain, event.custom_fields)
        common, head = _of_chain(event.session, event.chain), head_index(event.records) or 0
        yield Report(0, GOMessageType.CHAIN, EvtCode.ADDED, event.at, {
            **common, "RecordHandle": event.chain.first_handle + head, "RecID": event.records[head].record_id,
            "State": int(ChainStage.SCHEDULED), "PrevState": int(ChainStage.UNLOADED), "Cause": int(Cause.CHAIN_LOADED),
            "Seq": known.next()})
        for place, record in enumerate(event.records):
            handle = event.chain.first_handle + place
            yield Report(0, GOMessageType.RECORD, EvtCode.ADDED, event.at, {
                **common, "RecordHandle": handle, **_of_record(record), "State": int(known.stage), "Seq": known.seq,
                "Cause": int(Cause.CHAIN_LOADED)})
            values = [(name, None, record.fields.get(name), None) for name in reported]
            yield from self._field_reports(EvtCode.ADDED, event.at, {**common, "RecordHandle": handle}, known, reported, values)

    def _reported(self, chain: ChainFacts, custom: Sequence[CustomField]) -> dict[str, _Reported]:
        """The fields of the list that are reported."""
        name = chain.calling_list
        if self._read.get(name) != custom:
            self._read[name] = custom
            self._fields[name] = {
                one.name: _Reported(FIELDS_OF_A_LIST * chain.calling_list_dbid + place, one.icon_attribute == 2 or one.secure)
                for place, one in enumerate(custom, 1) if one.icon_attribute}
        return self._fields[name]

    def _stage(self, event: ChainChanged) -> Iterator[Report]:
        known = self._chains.get(event.chain.guid)
        if known is None:
            return
        gone = event.stage is ChainStage.UNLOADED
        yield Report(0, GOMessageType.CHAIN, EvtCode.REMOVED if gone else EvtCode.CHANGED, event.at, {
            **_of_chain(event.session, event.chain), "RecordHandle": event.handle, "State": int(event.stage),
            "PrevState": int(event.previous), "PrevSEnter": known.entered_at, "Cause": int(_STAGE_CAUSES[event.stage]),
            "Seq": known.next(), "CallAttID": event.attempt_guid or None})
        known.stage, known.entered_at = event.stage, event.at
        if gone:
            del self._chains[event.chain.guid]

    def _record(self, event: RecordChanged) -> Iterator[Report]:
        known = self._chains.get(event.chain.guid)
        if known is None:
            return
        reported = self._fields.get(event.chain.calling_list, {})
        own = [change for change in event.changes if not change.custom or change.name in reported]
        if not own:
            return
        common = {**_of_chain(event.session, event.chain), "RecordHandle": event.handle,
                  "CallAttID": event.attempt_guid or None}
        yield Report(0, GOMessageType.RECORD, EvtCode.CHANGED, event.at, {
            **common, **_of_record(event.record), "State": int(known.stage), "Seq": known.next(),
            "Cause": int(Cause.RECORD_CHANGED)})
        values = [(change.name, change.old, change.new, self._since(known, event, change)) for change in own if change.custom]
        yield from self._field_reports(EvtCode.CHANGED, event.at, common, known, reported, values)

    @staticmethod
    def _since(known: _Chain, event: RecordChanged, change: FieldChange) -> float | None:
        """Since when the field had its old value, as far as this chain was held."""
        since = known.field_since.get((event.handle, change.name))
        known.field_since[event.handle, change.name] = event.at
        return since

    def _field_reports(self, code: EvtCode, at: float, common: Mapping[str, Any], known: _Chain,
                       reported: Mapping[str, _Reported], values: Sequence[_Value]) -> Iterator[Report]:
        """Reports of fields and of protected ones, each small enough for a frame."""
        for secure, kind in ((False, GOMessageType.FIELDS), (True, GOMessageType.SECURE_FIELDS)):
            part: list[list[Any]] = []
            octets = 0
            for name, old, new, since in values:
                if reported[name].secure is not secure:
                    continue
                texts = name, _text(old), _text(new)
                entry = [reported[name].number, *texts, since]
                size = sum(4 * len(text) for text in texts if text)
                if part and octets + size > _FIELD_OCTETS:
                    yield self._fields_report(kind, code, at, common, known, part)
                    part, octets = [], 0
                part.append(entry)
                octets += size
            if part:
                yield self._fields_report(kind, code, at, common, known, part)

    @staticmethod
    def _fields_report(kind: GOMessageType, code: EvtCode, at: float, common: Mapping[str, Any], known: _Chain,
                       part: list[list[Any]]) -> Report:
        first, known.field_seq = known.field_seq + 1, known.field_seq + len(part)
        return Report(0, kind, code, at, {**common, "Fields": part, "ChainHistSeq": known.seq, "Seq": first})

    # -- attempts and calls ---------------------------------------------------------------------------------------
    def _attempt(self, event: AttemptOpened | AttemptClosed) -> Iterator[Report]:
        known = self._chains.get(event.chain.guid)
        if known is None:
            return
        opened = isinstance(event, AttemptOpened)
        yield Report(0, GOMessageType.ATTEMPT, EvtCode.ADDED if opened else EvtCode.CHANGED, event.at, {
            **_of_chain(event.session, event.chain), "RecordHandle": event.handle, **_of_record(event.record),
            **_of_attempt(event.attempt), "State": int(known.stage), "Seq": known.next(),
            "Cause": int(Cause.ATTEMPT_OPENED if opened else Cause.ATTEMPT_CLOSED)})

    def _placed(self, event: CallPlaced) -> Iterator[Report]:
        call = event.call
        if call.conn_id or call.call_uuid:
            yield Report(0, GOMessageType.CHAIN_CALL, EvtCode.ADDED, event.at, {
                **_of_chain(event.session, event.chain), "RecordHandle": event.handle, "CallID": call.call_uuid or call.conn_id,
                "ConnID": call.conn_id or None, "CallAttID": event.attempt.guid})

    def _completed(self, event: CallCompleted) -> Iterator[Report]:
        call = event.call
        if call.dialed_at is None or call.ended_at is None:
            return
        yield self._metric(event, MetricType.DIAL_DURATION, 1_000 * ((call.answered_at or call.ended_at) - call.dialed_at))
        if call.answered_at is not None:
            yield self._metric(event, MetricType.CALL_DURATION, 1_000 * (call.ended_at - call.answered_at))

    def _callback(self, event: CallbackNoted) -> Iterator[Report]:
        yield self._metric(event, _NEWS[event.news], 1)

    def _scheduled(self, event: RecordScheduled) -> Iterator[Report]:
        yield self._metric(event, MetricType.RECORD_SCHEDULED, event.record.dial_sched_time or 0)

    def _failed(self, event: AgentFailed) -> Iterator[Report]:
        yield self._metric(event, MetricType.AGENT_ERROR, 1)

    @staticmethod
    def _metric(event: Any, kind: MetricType, value: float) -> Report:
        attempt = getattr(event, "attempt", None)
        return Report(0, GOMessageType.METRIC, EvtCode.ADDED, event.at, {
            **_of_chain(event.session, event.chain), "RecordHandle": event.handle, "MetricType": int(kind),
            "Value": max(0, round(value)), "CallAttID": None if attempt is None else attempt.guid})


_MAKERS: dict[type, Callable[[Reports, Any], Iterator[Report]]] = {
    SessionChanged: Reports._session, GroupChanged: Reports._group, ChainLoaded: Reports._loaded, ChainChanged: Reports._stage,
    RecordChanged: Reports._record, AttemptOpened: Reports._attempt, AttemptClosed: Reports._attempt,
    CallPlaced: Reports._placed, CallCompleted: Reports._completed, CallbackNoted: Reports._callback,
    RecordScheduled: Reports._scheduled, AgentFailed: Reports._failed}


def closed_later(opened: Mapping[str, Any], attempt: Attempt | None, at: float) -> Report:
    """The end of an attempt whose end was not seen, as the database has it; `opened` are the attributes with which its
    beginning was reported. None: the database never had it, so it was not dialed."""
    result: dict[str, Any] = {"AttemptState": AttemptState.NOT_DIALED.value, "Ended": at}
    cause = Cause.NOT_COMMITTED
    if attempt is not None:
        result, cause = _of_attempt(attempt), Cause.ATTEMPT_CLOSED
    return Report(0, GOMessageType.ATTEMPT, EvtCode.CHANGED, at, {
        **opened, **result, "State": int(ChainStage.UNLOADED), "PrevState": int(ChainStage.UNLOADED), "Cause": int(cause),
        "Seq": opened["Seq"] + 1})


def _of_session(facts: SessionFacts) -> dict[str, Any]:
    return {"SessID": facts.guid, "CmpID": facts.campaign_dbid, "GrpID": facts.group_dbid}


def _of_chain(session: SessionFacts, chain: ChainFacts) -> dict[str, Any]:
    return {**_of_session(session), "LstID": chain.calling_list_dbid, "ChID": chain.chain_id, "ChainGUID": chain.guid}


def _of_record(record: Record) -> dict[str, Any]:
    return {"RecID": record.record_id, "ChN": record.chain_n, "ContactInfo": record.contact_info,
            "ContactType": int(record.contact_info_type), "CallResult": int(record.call_result),
            "RecordType": int(record.record_type), "RecordStatus": int(record.record_status), "Attempt": record.attempt,
            "DialSchedTime": record.dial_sched_time, "CallTime": record.call_time, "DailyFrom": record.daily_from,
            "DailyTill": record.daily_till, "TZ": record.tz_dbid, "TZName": record.tz_name, "AgentID": record.agent_id,
            "Treatments": record.treatments}


def _of_attempt(attempt: Attempt) -> dict[str, Any]:
    return {"CallAttID": attempt.guid, "RecID": attempt.record_id, "AttemptState": attempt.state.value,
            "Attempt": attempt.number, "ContactInfo": attempt.phone,
            "CallResult": None if attempt.call_result is None else int(attempt.call_result), "CallState": attempt.call_state,
            "ConnID": attempt.conn_id, "Opened": attempt.opened_at, "Dialed": attempt.dialed_at, "Answered": attempt.answered_at,
            "Ended": attempt.ended_at, "AgentID": attempt.agent_id, "AgentDN": attempt.agent_dn, "Treatment": attempt.treatment}


def _text(value: Any) -> str | None:
    """A field's value as text, cut to what a report carries."""
    return None if value is None else as_text(value)[:_LONGEST]
