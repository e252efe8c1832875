"""Treatments as they are configured: what may be done after a call result, to the record and to the call that is up.

The numbers are the public ones of the configuration enumerations CfgRecActionCode and CfgCallActionCode. Which actions fit
which result is told here, so that a treatment that could never do what it says is refused when it is configured.
Source: the public treatment object and its actions (docs/treatments.md).
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Iterator, Union

from ocs.dialing.results import CallResult

__all__ = ["ADMITTED_ACTIONS", "CALL_RULE_RESULTS", "CHAIN_ACTIONS", "CallAction", "DATED_ACTIONS", "EFFECT_ACTIONS",
           "ExecuteSql", "SUCCESSFUL", "SendHttpRequest", "SideEffect", "Treatment", "TreatmentAction", "Trigger",
           "treatment_problems"]


class TreatmentAction(IntEnum):
    """What a treatment does to the record ("Apply to Record"); 12, Delegate for Processing, is not offered."""
    NONE = 0
    UPDATE_RECORD = 1
    UPDATE_CHAIN = 2
    REDIAL = 3
    RETRY_IN = 4
    RETRY_AT_DATE = 5
    NEXT_IN_CHAIN = 6
    NEXT_IN_CHAIN_AFTER = 7
    NEXT_IN_CHAIN_AT_DATE = 8
    ASSIGN_TO_GROUP = 9
    MARK_AS_AGENT_ERROR = 10
    RESCHEDULE = 11
    EXECUTE_SQL = 13
    SEND_HTTP_REQUEST = 14      # no public number is known: assumed


class CallAction(IntEnum):
    """What a treatment does to the call that is up ("Apply to Call"); only the first three and TRANSFER are offered."""
    NONE = 0
    CONNECT = 1
    DROP = 2
    MUTE_TRANSFER = 3
    TRANSFER = 4
    ROUTE = 5
    PLAY_MESSAGE = 6
    SEND_FAX = 7
    SEND_PAGE = 8
    SEND_EMAIL = 9


@dataclass(frozen=True, slots=True)
class ExecuteSql:
    """Run the prepared statement of this name with the record's fields."""
    statement: str


@dataclass(frozen=True, slots=True)
class SendHttpRequest:
    """Send the configured request of this name with the record's fields."""
    request: str


SideEffect = Union[ExecuteSql, SendHttpRequest]
Trigger = Union[CallResult, str]        # a call result, or a disposition code


@dataclass(frozen=True)
class Treatment:
    """A rule: after this call result, or this disposition code, do that. Those of one trigger form a sequence 1, 2, 3 ..."""

    name: str
    call_result: CallResult | None
    action: TreatmentAction
    dbid: int = 0
    sequence: int = 1
    cycle_attempts: int = 1
    interval_s: float = 0.0
    increment_s: float = 0.0
    date: datetime | None = None        # naive: by the clock on the wall in the zone of the record that is to be dialed
    disposition: str = ""               # in place of a call result: a value of the list's disposition field
    call_action: CallAction = CallAction.NONE
    destination_dn: str = ""            # of CallAction.TRANSFER
    effects: tuple[SideEffect, ...] = ()

    @property
    def trigger(self) -> Trigger | None:
        """What it answers."""
        return self.disposition or self.call_result

    @property
    def of_call_only(self) -> bool:
        """True for a rule about the call alone: it has no place in a sequence."""
        return self.call_action is not CallAction.NONE and self.action is TreatmentAction.NONE


_A, _R = TreatmentAction, CallResult
SUCCESSFUL = frozenset({_R.ANSWER, _R.OK, _R.TRANSFERRED, _R.CONFERENCED})
EFFECT_ACTIONS = frozenset({_A.EXECUTE_SQL, _A.SEND_HTTP_REQUEST})      # the next of the sequence is applied with them
DATED_ACTIONS = frozenset({_A.RETRY_AT_DATE, _A.NEXT_IN_CHAIN_AT_DATE})
CHAIN_ACTIONS = frozenset({_A.NEXT_IN_CHAIN, _A.NEXT_IN_CHAIN_AFTER, _A.NEXT_IN_CHAIN_AT_DATE})
CALL_RULE_RESULTS = frozenset({_R.ANSWER, _R.ANSWERING_MACHINE_DETECTED, _R.FAX_DETECTED, _R.SILENCE_DETECTED})
_CALL_ACTIONS = (CallAction.NONE, CallAction.CONNECT, CallAction.DROP, CallAction.TRANSFER)
_WAITING = frozenset({_A.RETRY_IN, _A.NEXT_IN_CHAIN_AFTER})
_ENDING = frozenset({_A.NONE, _A.UPDATE_RECORD, _A.UPDATE_CHAIN})
_RETRIES = frozenset({_A.REDIAL, _A.RETRY_IN, _A.RETRY_AT_DATE})
# results that admit only some actions: a callback that found nobody was not dialed, and a success ends the chain
ADMITTED_ACTIONS = {
    _R.AGENT_CALLBACK_ERROR: _RETRIES | {_A.ASSIGN_TO_GROUP, _A.MARK_AS_AGENT_ERROR},
    _R.GROUP_CALLBACK_ERROR: _RETRIES | _ENDING | {_A.RESCHEDULE},
    **dict.fromkeys(SUCCESSFUL, _ENDING - {_A.UPDATE_RECORD} | EFFECT_ACTIONS),
}


def treatment_problems(one: Treatment) -> Iterator[str]:
    """Why this treatment could never do what it says: "option: what is wrong", by the names of the configuration."""
    word = one.action.name.lower().replace("_", "-")
    if (one.call_result is None) == (not one.disposition):
        yield "call_result: give either a call result or a disposition"
    admitted = ADMITTED_ACTIONS.get(one.call_result) if one.call_result is not None else None
    if admitted is not None and one.action not in admitted:
        assert one.call_result is not None
        words = ", ".join(action.name.lower().replace("_", "-") for action in sorted(admitted))
        yield f"action: {word} is not possible after {one.call_result.label} (possible: {words})"
    yield from _timing_problems(one, word)
    yield from _effect_problems(one, word)
    yield from _call_problems(one)


def _timing_problems(one: Treatment, word: str) -> Iterator[str]:
    if one.action in _WAITING and not one.interval_s:
        yield f"interval_min: {word} needs an interval"
    if one.action is _A.RESCHEDULE and not one.interval_s and one.date is None:
        yield f"interval_min: {word} needs an interval or a date_time"
    if one.action in DATED_ACTIONS and one.date is None:
        yield f"date_time: {word} needs a date and time"
    if one.date is not None and one.action not in DATED_ACTIONS | {_A.RESCHEDULE}:
        yield f"date_time: {word} does not use it"


def _effect_problems(one: Treatment, word: str) -> Iterator[str]:
    kinds = {type(effect) for effect in one.effects}
    if one.action is _A.EXECUTE_SQL and ExecuteSql not in kinds:
        yield f"execute_sql: {word} needs the name of a statement"
    if one.action is _A.SEND_HTTP_REQUEST and SendHttpRequest not in kinds:
        yield f"send_http_request: {word} needs the name of a request"
    if one.action in EFFECT_ACTIONS and one.cycle_attempts != 1:
        yield f"cycle_attempts: {word} is applied once in a sequence"


def _call_problems(one: Treatment) -> Iterator[str]:
    if one.call_action not in _CALL_ACTIONS:
        words = ", ".join(action.name.lower() for action in _CALL_ACTIONS)
        yield f"call_action: one of {words} is expected"
    elif one.call_action is not CallAction.NONE and one.call_result not in CALL_RULE_RESULTS:
        labels = ", ".join(result.label for result in sorted(CALL_RULE_RESULTS))
        yield f"call_action: only these results leave a call to act on: {labels}"
    elif one.call_result is CallResult.ANSWER and one.call_action not in (CallAction.NONE, CallAction.CONNECT):
        yield "call_action: an answered call is always connected"
    if (one.call_action is CallAction.TRANSFER) != bool(one.destination_dn):
        yield "destination_dn: the DN that call_action transfer needs, and nothing else does"
