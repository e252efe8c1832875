from __future__ import annotations

import pytest

from ocs.dialing.call import Call, CallOrigin
from ocs.dialing.compliance.calls import CallFacts, category, facts_of_call
from ocs.dialing.compliance.rules import Category, CountedFrom
from ocs.dialing.results import CallResult

G, A = CountedFrom.GREETING, CountedFrom.ANSWER
T = 1_000.0


def facts(result: CallResult | None, connected: float | None = None, ended: float | None = None, found: float | None = 0.0,
          unknown: bool = False) -> CallFacts:
    """Answered at T; the other times are seconds after that."""
    moments = [None if one is None else T + one for one in (found, connected, ended)]
    return CallFacts(T, *moments, result, unknown)


@pytest.mark.parametrize("given, expected", [
    (CallFacts(None, None, None, T, CallResult.NO_ANSWER), None),
    (CallFacts(None, None, None, T, CallResult.UNKNOWN, True), None),
    (facts(CallResult.ANSWER, connected=2.0, ended=60), Category.CONNECTED),
    (facts(CallResult.ANSWER, connected=2.01, ended=60), Category.LATE),
    (facts(CallResult.WRONG_NUMBER, connected=1.0, ended=60), Category.CONNECTED),
    (facts(CallResult.ANSWERING_MACHINE_DETECTED, connected=1.0, ended=9), Category.AGENT_MACHINE),
    (facts(CallResult.ANSWERING_MACHINE_DETECTED, ended=3.0), Category.MACHINE),
    (facts(CallResult.FAX_DETECTED, ended=3.0), Category.MACHINE),
    (facts(CallResult.SILENCE_DETECTED, ended=3.0), Category.SILENCE),
    (facts(CallResult.ABANDONED, ended=1.99), Category.SHORT),
    (facts(CallResult.ABANDONED, ended=2.0), Category.ABANDONED),
    (facts(CallResult.ABANDONED), Category.ABANDONED),
    (facts(CallResult.DROPPED, ended=0.1), Category.ABANDONED),             # we hung up: no matter how soon
    (facts(CallResult.TRANSFER_ERROR, ended=0.1), Category.ABANDONED),
    (facts(CallResult.ANSWER, ended=20), Category.HEARD),
    (facts(CallResult.DO_NOT_CALL, ended=20), Category.HEARD),
    (facts(CallResult.UNKNOWN, ended=20, unknown=True), Category.UNSEEN),
    (facts(CallResult.ANSWER, connected=0.0, found=None, ended=60), Category.BY_AGENT),
])
def test_what_became_of_a_call(given: CallFacts, expected: Category | None):
    assert category(given, 2.0, G) is expected


def test_the_seconds_count_from_the_end_of_the_greeting_or_from_the_answer():
    heard = facts(CallResult.ANSWER, connected=3.0, found=1.5, ended=60)
    assert category(heard, 2.0, G) is Category.CONNECTED
    assert category(heard, 2.0, A) is Category.LATE
    assert category(heard, 0.0, A) is Category.CONNECTED        # the rule does not ask for any time


def test_the_engine_sees_of_a_call_what_its_row_will_say():
    talking = Call(CallOrigin.QUEUE, "6001", answered_at=T, cpd_completed_at=T, agent_connected_at=T + 1, talked=True)
    assert category(facts_of_call(talking), 2.0, G) is Category.CONNECTED
    preview = Call(CallOrigin.AGENT, "7001", answered_at=T, agent_connected_at=T, talked=True)
    assert category(facts_of_call(preview), 2.0, G) is Category.BY_AGENT
    lost = Call(CallOrigin.QUEUE, "6001", answered_at=T, cpd_completed_at=T, ended_at=T + 9, result=CallResult.UNKNOWN)
    assert category(facts_of_call(lost), 2.0, G) is Category.UNSEEN
