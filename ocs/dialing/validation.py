"""Pre-dial validation: what an outside service's answer, or its silence, means for the record that is about to be dialed.

200 dials the record, after its user-defined fields were changed as a JSON object in the answer says; anything else in the
body of a 200 changes nothing. 409 does not dial: the treatment of the result in the body (`GSW_CALL_RESULT`), or of the
configured one, is applied. Whatever else comes, or does not come, gives the configured result for a time-out.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Iterable, Mapping

from ocs.dialing.custom_fields import WrongValue, changes_from
from ocs.dialing.results import CallResult
from ocs.dialing.values import CustomField, CustomValue, Record

__all__ = ["Reason", "ValidationPolicy", "Verdict", "changed_meanwhile", "judge", "not_answered", "raced"]

CALL_RESULT = "GSW_CALL_RESULT"
_OK, _CONFLICT = 200, 409


class Reason(Enum):
    """Why a verdict is as it is; the value is what people read, and what refusals are counted by."""
    PASSED = "passed by the validation service"
    REFUSED = "refused by the validation service"
    TIMED_OUT = "the validation service did not answer in time"
    NO_ANSWER = "the validation service cannot be reached"
    WRONG_ANSWER = "the validation service answered neither 200 nor 409"
    TOO_MANY = "too many records wait for the validation service"
    NOT_ASKED = "no validation service is asked"
    CHANGED = "changed while the validation service was asked"


@dataclass(frozen=True)
class ValidationPolicy:
    """The call results of records that are not dialed."""

    timeout_call_result: CallResult = CallResult.GENERAL_ERROR
    race_condition_call_result: CallResult = CallResult.GENERAL_ERROR
    refused_call_result: CallResult = CallResult.CANCEL_RECORD      # a 409 that names no result of its own


@dataclass(frozen=True)
class Verdict:
    """Whether to dial. `call_result` is that of a record that is not dialed; `changes` (column -> value) go into the
    `fields` of one that is. `fault` says what was wrong with an answer that could not be followed in full; "" if nothing."""

    dial: bool
    call_result: CallResult | None
    reason: Reason
    changes: Mapping[str, CustomValue] = field(default_factory=dict)
    fault: str = ""


def judge(policy: ValidationPolicy, status: int, given: Mapping[str, Any] | None,
          custom: Iterable[CustomField] = ()) -> Verdict:
    """The verdict of an answer: its HTTP status, and the JSON object in its body (None where there is none)."""
    if status == _OK:
        try:
            return Verdict(True, None, Reason.PASSED, changes_from(custom, given or {}))
        except WrongValue as error:
            return Verdict(True, None, Reason.PASSED, fault=f"nothing changed: {error}")
    if status != _CONFLICT:
        return Verdict(False, policy.timeout_call_result, Reason.WRONG_ANSWER, fault=f"status {status}")
    if given is None or CALL_RESULT not in given:
        return Verdict(False, policy.refused_call_result, Reason.REFUSED)
    result = _call_result(given[CALL_RESULT])
    if result is None:
        return Verdict(False, policy.refused_call_result, Reason.REFUSED, fault=f"{CALL_RESULT}: not a call result")
    return Verdict(False, result, Reason.REFUSED)


def not_answered(policy: ValidationPolicy, reason: Reason, fault: str = "") -> Verdict:
    """The verdict where no answer came."""
    return Verdict(False, policy.timeout_call_result, reason, fault=fault)


def raced(policy: ValidationPolicy) -> Verdict:
    """The verdict of a record that is not what was asked about any more."""
    return Verdict(False, policy.race_condition_call_result, Reason.CHANGED)


def changed_meanwhile(asked: Record, present: Record) -> bool:
    """Whether the record is another than the one that was asked about, in any column."""
    return asked != present


def _call_result(value: Any) -> CallResult | None:
    """A number 0..53, as one or as digits; real servers send both."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 2:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in CallResult._value2member_map_:
        return None
    return CallResult(value)
