"""Tells the listeners of history what the engine does (`ocs.dialing.history`). Without listeners nothing is done.

The engine's parts call one method at each of their turning points; what changed in a record, and what a chain's stage is
now, is found out here by comparison with what was told before.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable

from twisted.logger import Logger

from ocs.dialing.call import Call
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.contact import processed
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
    ConditionChanged,
    GroupChanged,
    HistoryEvent,
    RecordChanged,
    RecordScheduled,
    SessionChanged,
    SessionFacts,
    field_changes,
)
from ocs.dialing.results import RecordStatus
from ocs.dialing.session import Condition, SessionEvent, SessionState
from ocs.dialing.values import Attempt, AttemptState, Chain, CustomField, Record
from ocs.interfaces import IHistory

if TYPE_CHECKING:
    from ocs.scheduler.held import HeldChain
    from ocs.scheduler.session import DialingSession

__all__ = ["History"]

_STAGES = {ChainState.BUFFERED: ChainStage.SCHEDULED, ChainState.WAITING: ChainStage.SCHEDULED,
           ChainState.OPENING: ChainStage.PROCESSING, ChainState.CALLING: ChainStage.PROCESSING,
           ChainState.TRAILING: ChainStage.PROCESSING, ChainState.WITH_AGENT: ChainStage.PROCESSING}


@dataclass
class _Told:
    """What was told of a held chain, as the database has it or will have it."""

    session: SessionFacts
    chain: ChainFacts
    records: tuple[Record, ...]
    custom: dict[str, CustomField]
    stage: ChainStage = ChainStage.SCHEDULED
    closed: Attempt | None = None


class History:
    """`wall` is the engine's clock, epoch seconds; `new_guid` makes the GUIDs of sessions and chains."""

    log = Logger()

    def __init__(self, wall: Callable[[], float], new_guid: Callable[[], str], application_id: int) -> None:
        self._wall, self._new_guid, self._application_id = wall, new_guid, application_id
        self._listeners: list[IHistory] = []
        self._group_listeners: list[Callable[[DialingSession, CampaignGroup], None]] = []
        self._sessions: dict[DialingSession, SessionFacts] = {}
        self._conditions: dict[DialingSession, Condition] = {}
        self._told: dict[HeldChain, _Told] = {}

    def add_listener(self, listener: IHistory) -> None:
        """Tell `listener` from now on; before the first session is loaded, or it misses how that began."""
        self._listeners.append(listener)

    def add_group_listener(self, listener: Callable[[DialingSession, CampaignGroup], None]) -> None:
        """Call `listener(session, before)` when a session goes on with other values of its group; it does not ask the engine for
        anything then."""
        self._group_listeners.append(listener)

    def _tell(self, event: HistoryEvent) -> None:
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of {event}", listener=listener, event=type(event).__name__):
                listener.happened(event)

    # -- sessions -------------------------------------------------------------------------------------------------
    def facts(self, session: DialingSession) -> SessionFacts | None:
        """Which session this is, while it is loaded and somebody listens."""
        return self._sessions.get(session)

    def session_moved(self, session: DialingSession, event: SessionEvent, previous: SessionState) -> None:
        """The session's machine made a step."""
        if not self._listeners:
            return
        if event is SessionEvent.LOAD:
            group = session.group
            self._sessions[session] = SessionFacts(self._new_guid(), self._application_id, group.dbid, group.campaign,
                                                   group.campaign_dbid, group.group.name, group.group.dbid)
        facts = self._sessions.get(session)
        if facts is None:
            return
        if session.state is not SessionState.RUNNING:
            self.condition(session, Condition.DIALING, "")
        self._tell(SessionChanged(self._wall(), facts, event, previous, session.state, session.group))
        if session.state is SessionState.NOT_LOADED:
            del self._sessions[session]

    def regrouped(self, session: DialingSession, before: CampaignGroup) -> None:
        """The session goes on with other values of its group."""
        for listener in self._group_listeners:
            with self.log.failuresHandled("telling {listener} of other values of a group", listener=listener):
                listener(session, before)
        facts = self._sessions.get(session)
        if facts is not None and before != session.group:
            self._tell(GroupChanged(self._wall(), facts, before, session.group))

    def condition(self, session: DialingSession, condition: Condition, reason: str) -> None:
        """Whether the session dials, and if not why."""
        facts = self._sessions.get(session)
        if facts is None:
            return
        previous = self._conditions.get(session, Condition.DIALING)
        if condition is previous:
            return
        self._conditions[session] = condition
        if condition is Condition.DIALING:
            del self._conditions[session]
        self._tell(ConditionChanged(self._wall(), facts, previous, condition, reason))

    # -- chains ---------------------------------------------------------------------------------------------------
    def chain_loaded(self, held: HeldChain) -> None:
        """A chain is held from now on."""
        session = self._sessions.get(held.session)
        if session is None:
            return
        custom = held.session.custom_fields.get(held.chain.table, ())
        chain = ChainFacts(self._new_guid(), held.calling_list.name, held.calling_list.dbid, held.chain.chain_id,
                           held.first_handle)
        self._told[held] = _Told(session, chain, held.chain.records, {each.name: each for each in custom})
        self._tell(ChainLoaded(self._wall(), session, chain, held.chain.records, tuple(custom)))

    def chain_stepped(self, held: HeldChain) -> None:
        """The chain's machine made a step."""
        told = self._told.get(held)
        if told is not None and (stage := _STAGES.get(held.state)) is not None:
            self._stage(held, told, stage)

    def chain_left(self, held: HeldChain) -> None:
        """The chain is not held any more."""
        told = self._told.pop(held, None)
        if told is not None:
            self._stage(held, told, ChainStage.UNLOADED)

    def _stage(self, held: HeldChain, told: _Told, stage: ChainStage) -> None:
        if stage is told.stage:
            return
        previous, told.stage = told.stage, stage
        self._tell(ChainChanged(self._wall(), told.session, told.chain, previous, stage, held.handle, _guid(held.attempt)))

    def saving(self, held: HeldChain, chain: Chain, attempt: Attempt | None) -> None:
        """These values of the chain, and of its attempt, are handed to the database."""
        told = self._told.get(held)
        if told is None:
            return
        if chain.records:
            before, told.records = told.records, chain.records
            for place, (old, new) in enumerate(zip(before, chain.records)):
                if old is not new:
                    self._record(told, told.chain.first_handle + place, old, new, _guid(attempt or held.attempt))
        if attempt is not None:
            self._close(held, told, attempt)
        if held.state is ChainState.SAVING and processed(held.chain.records):
            self._stage(held, told, ChainStage.PROCESSED)

    def _record(self, told: _Told, handle: int, old: Record, new: Record, attempt_guid: str) -> None:
        changes = field_changes(old, new, told.custom)
        if not changes:
            return
        at = self._wall()
        self._tell(RecordChanged(at, told.session, told.chain, handle, new, changes, attempt_guid))
        if new.dial_sched_time is not None and new.dial_sched_time != old.dial_sched_time:
            self._tell(RecordScheduled(at, told.session, told.chain, handle, new))
        if new.record_status is RecordStatus.AGENT_ERROR and old.record_status is not RecordStatus.AGENT_ERROR:
            self._tell(AgentFailed(at, told.session, told.chain, handle, new))

    # -- attempts and calls ---------------------------------------------------------------------------------------
    def attempt_opened(self, held: HeldChain) -> None:
        """The chain's attempt is about to be written for the first time."""
        told, attempt = self._told.get(held), held.attempt
        if told is not None and attempt is not None:
            self._tell(AttemptOpened(self._wall(), told.session, told.chain, held.handle, held.record, attempt))

    def attempt_not_written(self, held: HeldChain, attempt: Attempt) -> None:
        """The database did not take the attempt: it is not dialed."""
        told = self._told.get(held)
        if told is not None:
            self._close(held, told, replace(attempt, state=AttemptState.NOT_DIALED, ended_at=self._wall()))

    def _close(self, held: HeldChain, told: _Told, attempt: Attempt) -> None:
        if attempt.state is AttemptState.OPEN or attempt == told.closed:
            return
        told.closed = attempt
        place = next((place for place, one in enumerate(held.chain.records) if one.record_id == attempt.record_id), held.index)
        self._tell(AttemptClosed(self._wall(), told.session, told.chain, told.chain.first_handle + place,
                                 held.chain.records[place], attempt))

    def call_placed(self, held: HeldChain, call: Call) -> None:
        """A call of the chain was dialed, or may have been."""
        told, attempt = self._told.get(held), held.attempt
        if told is not None and attempt is not None:
            self._tell(CallPlaced(self._wall(), told.session, told.chain, held.handle, attempt, call))

    def call_completed(self, held: HeldChain) -> None:
        """The chain's call is over."""
        told, attempt, call = self._told.get(held), held.attempt, held.call
        if told is not None and attempt is not None and call is not None and call.result is not None:
            self._tell(CallCompleted(self._wall(), told.session, told.chain, held.handle, attempt, call, call.result))

    def callback(self, held: HeldChain, news: CallbackNews, handle: int, record: Record) -> None:
        """Something happened to a callback of the chain."""
        told = self._told.get(held)
        if told is not None:
            self._tell(CallbackNoted(self._wall(), told.session, told.chain, handle, record, news))


def _guid(attempt: Attempt | None) -> str:
    return "" if attempt is None else attempt.guid
