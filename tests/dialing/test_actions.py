"""Treatments that could never do what they say are named; what becomes of a call that no person answered."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ocs.dialing.actions import CallAction, ExecuteSql, SendHttpRequest, Treatment, TreatmentAction, treatment_problems
from ocs.dialing.results import CallResult
from ocs.dialing.treatments import CallRule, Outcome, TreatmentTable
from tests.dialing.test_treatments import phones

A, C, R = TreatmentAction, CallAction, CallResult
GOOD = Treatment("good", R.BUSY, A.REDIAL)
AT = datetime(2026, 12, 24, 10)
SQL = (ExecuteSql("note"),)


def problems(**changes: Any) -> list[str]:
    return list(treatment_problems(replace(GOOD, **changes)))


@pytest.mark.parametrize("changes", [
    {}, {"action": A.NONE}, {"action": A.UPDATE_RECORD}, {"action": A.UPDATE_CHAIN}, {"interval_s": 5.0},
    {"action": A.RETRY_IN, "interval_s": 5.0}, {"action": A.RETRY_AT_DATE, "date": AT}, {"action": A.NEXT_IN_CHAIN},
    {"action": A.NEXT_IN_CHAIN_AFTER, "interval_s": 5.0}, {"action": A.NEXT_IN_CHAIN_AT_DATE, "date": AT},
    {"action": A.ASSIGN_TO_GROUP}, {"action": A.MARK_AS_AGENT_ERROR}, {"action": A.RESCHEDULE, "interval_s": 5.0},
    {"action": A.RESCHEDULE, "date": AT}, {"action": A.EXECUTE_SQL, "effects": SQL}, {"effects": SQL},
    {"action": A.SEND_HTTP_REQUEST, "effects": (SendHttpRequest("crm"),)}, {"call_result": None, "disposition": "cold"},
    {"call_result": R.FAX_DETECTED, "call_action": C.TRANSFER, "destination_dn": "7500"},
    {"call_result": R.SILENCE_DETECTED, "call_action": C.CONNECT}, {"call_result": R.UNKNOWN},
    {"call_result": R.ANSWERING_MACHINE_DETECTED, "call_action": C.DROP, "action": A.NONE},
    {"call_result": R.ANSWER, "call_action": C.CONNECT, "action": A.NONE},
    {"call_result": R.ANSWER, "action": A.EXECUTE_SQL, "effects": SQL},
])
def test_a_treatment_that_can_be_applied_has_no_problem(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize("changes, problem", [
    ({"call_result": None}, "call_result: give either a call result or a disposition"),
    ({"disposition": "cold"}, "call_result: give either a call result or a disposition"),
    ({"action": A.RETRY_IN}, "interval_min: retry-in needs an interval"),
    ({"action": A.NEXT_IN_CHAIN_AFTER}, "interval_min: next-in-chain-after needs an interval"),
    ({"action": A.RESCHEDULE}, "interval_min: reschedule needs an interval or a date_time"),
    ({"action": A.RETRY_AT_DATE}, "date_time: retry-at-date needs a date and time"),
    ({"action": A.NEXT_IN_CHAIN_AT_DATE}, "date_time: next-in-chain-at-date needs a date and time"),
    ({"date": AT}, "date_time: redial does not use it"),
    ({"action": A.EXECUTE_SQL}, "execute_sql: execute-sql needs the name of a statement"),
    ({"action": A.SEND_HTTP_REQUEST, "effects": SQL}, "send_http_request: send-http-request needs the name of a request"),
    ({"action": A.EXECUTE_SQL, "effects": SQL, "cycle_attempts": 2},
     "cycle_attempts: execute-sql is applied once in a sequence"),
    ({"call_result": R.ANSWER}, "action: redial is not possible after Answer"
     " (possible: none, update-chain, execute-sql, send-http-request)"),
    ({"call_action": C.CONNECT}, "call_action: only these results leave a call to act on:"
     " Answering Machine Detected, Fax Detected, Silence Detected, Answer"),
    ({"call_result": R.ANSWER, "action": A.NONE, "call_action": C.DROP}, "call_action: an answered call is always connected"),
    ({"call_result": R.FAX_DETECTED, "call_action": C.TRANSFER},
     "destination_dn: the DN that call_action transfer needs, and nothing else does"),
    ({"destination_dn": "7500"}, "destination_dn: the DN that call_action transfer needs, and nothing else does"),
    ({"call_result": R.FAX_DETECTED, "call_action": C.SEND_FAX},
     "call_action: one of none, connect, drop, transfer is expected"),
])
def test_a_treatment_that_could_never_be_applied_is_named(changes: dict[str, Any], problem: str) -> None:
    assert problems(**changes) == [problem]


@pytest.mark.parametrize("result, possible", [
    (R.AGENT_CALLBACK_ERROR, {A.REDIAL, A.RETRY_IN, A.RETRY_AT_DATE, A.ASSIGN_TO_GROUP, A.MARK_AS_AGENT_ERROR}),
    (R.GROUP_CALLBACK_ERROR, {A.NONE, A.UPDATE_RECORD, A.UPDATE_CHAIN, A.REDIAL, A.RETRY_IN, A.RETRY_AT_DATE, A.RESCHEDULE}),
    (R.NO_ANSWER, set(A)),
])
def test_callbacks_that_found_nobody_admit_only_some_actions(result: CallResult, possible: set[TreatmentAction]) -> None:
    refused = {action for action in A
               if any(problem.startswith("action:") for problem in problems(call_result=result, action=action))}
    assert set(A) - refused == possible


# -- the call ----------------------------------------------------------------------------------------------------------
RULES = TreatmentTable([
    Treatment("machine", R.ANSWERING_MACHINE_DETECTED, A.RETRY_IN, interval_s=60.0),
    Treatment("to-agent", R.ANSWERING_MACHINE_DETECTED, A.NONE, sequence=4, call_action=C.CONNECT),
    Treatment("to-fax", R.FAX_DETECTED, A.REDIAL, call_action=C.TRANSFER, destination_dn="7500"),
    Treatment("hang-up", R.ANSWER, A.NONE, call_action=C.DROP),
])


@pytest.mark.parametrize("result, rule", [
    (R.ANSWERING_MACHINE_DETECTED, CallRule(C.CONNECT, "", "to-agent")),        # its number in a sequence is of no account
    (R.FAX_DETECTED, CallRule(C.TRANSFER, "7500", "to-fax")),
    (R.SILENCE_DETECTED, CallRule(C.DROP)), (R.ANSWER, CallRule(C.CONNECT)), (R.BUSY, CallRule(C.DROP)),
])
def test_what_becomes_of_a_call(result: CallResult, rule: CallRule) -> None:
    assert RULES.call_rule(result) == rule


def test_a_rule_of_the_call_alone_has_no_place_in_the_sequence_one_that_is_both_has() -> None:
    assert RULES.decide(Outcome(R.ANSWERING_MACHINE_DETECTED, phones())).treatment == "machine"
    assert RULES.decide(Outcome(R.FAX_DETECTED, phones())).treatment == "to-fax"


def test_the_public_numbers_of_call_actions() -> None:
    assert [(action.name, action.value) for action in C] == [
        ("NONE", 0), ("CONNECT", 1), ("DROP", 2), ("MUTE_TRANSFER", 3), ("TRANSFER", 4), ("ROUTE", 5), ("PLAY_MESSAGE", 6),
        ("SEND_FAX", 7), ("SEND_PAGE", 8), ("SEND_EMAIL", 9)]
