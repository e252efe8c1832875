"""One line for each dialed call, made of what the engine tells of its attempts: the content of the call audit.

A call's line is made when nothing more will be told of it: its agent has settled the record, or a treatment has. What was
refused before there was a call has no line, but for a number that the switch refused to dial: that is the record's result.

Source: the public description of the audit log (times of attempt, dial, answer, detection, transfer, agent and release, results
and ids); the columns' order is this project's.
"""
from __future__ import annotations

from datetime import datetime, timezone
from typing import Callable

from zope.interface import implementer

from ocs.dialing.history import AttemptClosed, AttemptOpened, ChainChanged, ChainStage, GroupChanged, SessionChanged
from ocs.dialing.results import CallResult
from ocs.dialing.session import SessionState
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.interfaces import IHistory

__all__ = ["AUDIT_COLUMNS", "CallHistory", "audit_line"]

AUDIT_COLUMNS = ("guid", "conn_id", "campaign", "group", "session", "dialing_mode", "calling_list", "record_id", "chain_id",
                 "chain_n", "attempt", "phone", "opened", "dialed", "answered", "cpd_completed", "transferred",
                 "agent_connected", "ended", "call_state", "call_result", "final_result", "treatment", "agent_id", "agent_dn",
                 "outcome")


def audit_line(attempt: Attempt, dialing_mode: str, record: Record | None = None) -> tuple[str, ...]:
    """The values of one line. Times are UTC with milliseconds; results by their public numbers; `record` is the record as the
    call left it, where it is known."""
    return (attempt.guid, attempt.conn_id or "", attempt.campaign, attempt.group, attempt.session_guid, dialing_mode,
            attempt.calling_list, str(attempt.record_id), str(attempt.chain_id), str(attempt.chain_n), str(attempt.number),
            attempt.phone, _time(attempt.opened_at), _time(attempt.dialed_at), _time(attempt.answered_at),
            _time(attempt.cpd_completed_at), _time(attempt.transferred_at), _time(attempt.agent_connected_at),
            _time(attempt.ended_at), _number(attempt.call_state), _number(attempt.call_result),
            "" if record is None else _number(record.call_result), attempt.treatment or "", attempt.agent_id or "",
            attempt.agent_dn or "", attempt.state.value)


def _time(value: float | None) -> str:
    if value is None:
        return ""
    return datetime.fromtimestamp(value, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: int | None) -> str:
    return "" if value is None else str(int(value))


@implementer(IHistory)
class CallHistory:
    """What the engine tells of its attempts, as lines of the audit: one for each call, once its last word has been told."""

    def __init__(self, note: Callable[[tuple[str, ...]], None]) -> None:
        self._note = note
        self._modes: dict[str, str] = {}                                    # session GUID -> its dialing mode
        self._processing: set[str] = set()                                  # GUIDs of chains that are worked on
        self._closed: dict[str, AttemptClosed] = {}                         # chain GUID -> its attempt, as it was told last

    def happened(self, event: object) -> None:
        if isinstance(event, AttemptClosed):
            self._closes(event)
        elif isinstance(event, AttemptOpened):
            self._final(event.chain.guid)
        elif isinstance(event, ChainChanged):
            self._stage(event)
        elif isinstance(event, SessionChanged):
            self._modes[event.session.guid] = event.group.mode.word
            if event.state is SessionState.NOT_LOADED:
                del self._modes[event.session.guid]
        elif isinstance(event, GroupChanged):
            self._modes[event.session.guid] = event.after.mode.word

    def stop(self) -> None:
        """Nothing more will be told."""
        for guid in list(self._closed):
            self._final(guid)

    def _closes(self, event: AttemptClosed) -> None:
        before = self._closed.get(event.chain.guid)
        if before is not None and before.attempt.guid != event.attempt.guid:
            self._final(event.chain.guid)
        self._closed[event.chain.guid] = event
        if event.chain.guid not in self._processing:
            self._final(event.chain.guid)

    def _stage(self, event: ChainChanged) -> None:
        if event.stage is ChainStage.PROCESSING:
            self._processing.add(event.chain.guid)
        else:
            self._processing.discard(event.chain.guid)
            self._final(event.chain.guid)

    def _final(self, guid: str) -> None:
        """Nothing more will be told of the attempt that the chain had."""
        event = self._closed.pop(guid, None)
        if event is not None and _was_called(event.attempt):
            self._note(audit_line(event.attempt, self._modes.get(event.session.guid, ""), event.record))


def _was_called(attempt: Attempt) -> bool:
    """True if there was a call, or may have been one; or if the switch refused the number, which is the record's result."""
    return attempt.state is not AttemptState.NOT_DIALED or attempt.call_result is CallResult.DIAL_ERROR
